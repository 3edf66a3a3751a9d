//! The webhooks, by a receiver of our own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::estate;

struct Sink {
    url: String,
    taken: UnboundedReceiver<(String, Value)>,
    task: tokio::task::JoinHandle<()>,
}

/// A receiver that answers 500 to the first `refusals` posts.
async fn sink(refusals: usize) -> Sink {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, taken) = unbounded_channel();
    let left = Arc::new(AtomicUsize::new(refusals));
    let handler = post(move |headers: HeaderMap, body: String| {
        let (sender, left) = (sender.clone(), left.clone());
        async move {
            if left.try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                return StatusCode::INTERNAL_SERVER_ERROR;
            }
            let authorization = headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
            sender.send((authorization, serde_json::from_str(&body).unwrap())).unwrap();
            StatusCode::OK
        }
    });
    let task = tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", handler)).await.unwrap() });
    Sink { url, taken, task }
}

impl Sink {
    async fn next(&mut self) -> (String, Value) {
        tokio::time::timeout(Duration::from_secs(20), self.taken.recv()).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_death_is_told_once_and_so_is_the_return() {
    let mut sink = sink(0).await;
    let (url, token) = (sink.url.clone(), Some("t0ken".to_owned()));
    let (estate, _directory) = estate(|options| (options.notify, options.notify_token) = (Some(url), token)).await;
    estate.kill_backend("web-2").await.unwrap();
    let (authorization, firing) = sink.next().await;
    assert_eq!(authorization, "Bearer t0ken");
    assert_eq!((&firing["version"], &firing["status"], &firing["alerts"][0]["status"]), (&json!("4"), &json!("firing"), &json!("firing")));
    let labels = &firing["alerts"][0]["labels"];
    assert_eq!((&labels["alertname"], &labels["server"], &labels["service"]), (&json!("BackendDown"), &json!("web-2"), &json!("shop")));
    estate.restart_backend("web-2").await.unwrap();
    let (_, resolved) = sink.next().await;
    assert_eq!(resolved["status"], "resolved");
    assert_eq!(resolved["alerts"][0]["fingerprint"], firing["alerts"][0]["fingerprint"]);
    assert_eq!(resolved["alerts"][0]["startsAt"], firing["alerts"][0]["startsAt"]);
    assert_eq!(resolved["groupKey"], firing["groupKey"]);
    // It counts once it has read the answer, a moment after we have given it.
    let mut beat = tokio::time::interval(Duration::from_millis(10));
    while estate.effects().notifications < 2 {
        beat.tick().await;
    }
    assert_eq!((estate.effects().notifications, estate.effects().notifications_failed), (2, 0));
    estate.kill_backend("web-2").await.unwrap();
    let (_, again) = sink.next().await;
    assert_eq!(again["status"], "firing", "the return was told once");
    assert_ne!(again["alerts"][0]["startsAt"], firing["alerts"][0]["startsAt"]);
    estate.stop().await;
    sink.task.abort();
}

#[tokio::test]
async fn a_receiver_that_refuses_is_tried_again() {
    let mut sink = sink(4).await;
    let (estate, _directory) = estate(|_| {}).await;
    estate.set_notify(&sink.url, None).unwrap();
    estate.tamper("api.example.test", "192.0.2.66".parse().unwrap()).unwrap();
    let (authorization, firing) = sink.next().await;
    assert_eq!((authorization.as_str(), &firing["alerts"][0]["labels"]["alertname"]), ("", &json!("DnsAnswerWrong")));
    assert_eq!(estate.effects().notifications_failed, 1, "three tries in a row, a rest, and two more");
    estate.stop().await;
    sink.task.abort();
}
