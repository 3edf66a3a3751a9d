//! The wire over real HTTP: what is sent is signed, and a control plane in other hands gets nothing by it.

use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::routing::post;
use lineclear_core::plan::EffectClass;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::{Config, Service, Tools};
use crate::control::{Control, NOW, ORIGIN, Step, call, id, key};
use crate::runner::Runner;

const SEED: [u8; 32] = [5; 32];

/// What it answers to one poll.
type Reply = Box<dyn FnOnce(&Poll) -> Work + Send>;

/// A control plane in whatever hands: what it answers to polls, and what it heard.
#[derive(Default)]
struct Plane {
    works: Mutex<Vec<Reply>>,
    reports: Mutex<Vec<Value>>,
    forged: Mutex<Vec<String>>,
    changed: tokio::sync::Notify,
    touched: std::sync::atomic::AtomicU32,
}

impl Plane {
    fn check(&self, headers: &HeaderMap, path: &str, body: &[u8]) {
        let head = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let request = Request {
            audience: ORIGIN,
            runner: head(RUNNER_HEADER).parse().unwrap(),
            method: "POST",
            path,
            body,
            at: Timestamp::from_micros(head(TIME_HEADER).parse().unwrap()),
            nonce: head(NONCE_HEADER),
        };
        if let Err(fault) = request.verify(&RequestKey::from_seed(SEED).public(), head(SIGNATURE_HEADER)) {
            self.forged.lock().unwrap().push(format!("{path}: {fault}"));
        }
    }
}

async fn answer(State(plane): State<Arc<Plane>>, uri: Uri, headers: HeaderMap, body: Bytes) -> String {
    if uri.path() != "/light" {
        plane.check(&headers, uri.path(), &body);
    }
    match uri.path() {
        "/api/v1/runner/poll" => {
            let poll: Poll = serde_json::from_slice(&body).unwrap();
            loop {
                let changed = plane.changed.notified();
                let order = plane.works.lock().unwrap().pop();
                if let Some(order) = order {
                    return serde_json::to_string(&order(&poll)).unwrap();
                }
                changed.await;
            }
        }
        "/api/v1/runner/report" => {
            plane.reports.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            plane.changed.notify_waiters();
            "null".into()
        }
        "/light" => {
            plane.touched.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            "{}".into()
        }
        _ => "null".into(),
    }
}

async fn plane() -> (Arc<Plane>, String) {
    let plane = Arc::new(Plane::default());
    let router = Router::new().route("/api/v1/runner/{what}", post(answer)).route("/light", post(answer)).with_state(Arc::clone(&plane));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (plane, url)
}

fn remote(url: &str) -> Remote {
    Remote::new(url, ORIGIN.into(), id("runner", 1), RequestKey::from_seed(SEED), || NOW).unwrap()
}

#[tokio::test]
async fn everything_that_is_sent_is_signed_by_this_runner() {
    let (plane, url) = plane().await;
    let link = remote(&url);
    plane.works.lock().unwrap().push(Box::new(|_| Work::Nothing));
    let poll = Poll { runner: id("runner", 1), nonce: "ab".repeat(32), head: None };
    assert_eq!(link.poll(poll).await, Ok(Work::Nothing));
    assert_eq!(link.report(Report::Accepted { attempt: key(1, 1) }).await, Ok(()));
    assert_eq!(link.answer(Answer::Preview { question: 1, result: Err("it is dark".into()) }).await, Ok(()));
    assert_eq!(link.beat(Beat { version: "1".into(), sandbox: "none".into(), stopping: false, head: None }).await, Ok(()));
    assert_eq!(*plane.forged.lock().unwrap(), Vec::<String>::new());
}

#[test]
fn an_address_is_tls_or_loopback_and_nothing_but_a_host() {
    let said = |url: &str| Remote::new(url, ORIGIN.into(), id("runner", 1), RequestKey::from_seed(SEED), || NOW).err();
    for good in ["http://127.0.0.1:7878", "http://localhost:7878/", "http://[::1]:1", "https://line.example"] {
        assert_eq!(said(good), None, "{good}");
    }
    assert_eq!(said("http://line.example"), Some(RemoteError::Plain("http://line.example".into())));
    for bad in ["", "line.example", "ftp://line.example", "https://a:b@line.example", "https://line.example/x", "https://line.example?x"] {
        assert!(matches!(said(bad), Some(RemoteError::Address(_))), "{bad}");
    }
}

fn light() -> Step {
    Step {
        call: call("http", json!({"service": "light", "method": "POST", "path": "/light"})),
        verify: None,
        effect: EffectClass::Once,
        sandbox: None,
    }
}

fn good(number: u32) -> impl FnOnce(&Poll) -> (lineclear_warrant::Warrant, String) + Send {
    move |poll| Control::new().make_out(poll, &key(number, 1), &light())
}

/// What a control plane in other hands may try, and the word that each is refused by.
fn attacks() -> Vec<(&'static str, Reply)> {
    let bent = |number, bend: fn(&mut lineclear_warrant::Warrant)| {
        let make = good(number);
        move |poll: &Poll| {
            let (mut warrant, _) = make(poll);
            bend(&mut warrant);
            Work::Act { envelope: lineclear_warrant::WarrantKey::from_seed([1; 32]).seal(&warrant).unwrap() }
        }
    };
    let stranger = {
        let make = good(1);
        move |poll: &Poll| {
            let (warrant, _) = make(poll);
            Work::Act { envelope: lineclear_warrant::WarrantKey::from_seed([9; 32]).seal(&warrant).unwrap() }
        }
    };
    vec![
        ("no_signature", Box::new(stranger)),
        ("no_envelope", Box::new(|_: &Poll| Work::Act { envelope: "{}".into() })),
        ("wrong_runner", Box::new(bent(2, |warrant| warrant.runner = id("runner", 2)))),
        ("old_nonce", Box::new(bent(3, |warrant| warrant.nonce = "cd".repeat(32)))),
        ("other_audience", Box::new(bent(4, |warrant| warrant.audience = "other.example/g1".into()))),
        ("other_log", Box::new(bent(5, |warrant| warrant.ticket = warrant.ticket.replace(ORIGIN, "other.example/g1")))),
        ("other_target", Box::new(bent(6, |warrant| warrant.target = "service/elsewhere".parse().unwrap()))),
        ("other_call", Box::new(bent(7, |warrant| warrant.call.with.insert("path".into(), json!("/other")).map_or((), drop)))),
        ("expired", Box::new(bent(8, |warrant| warrant.deadline = NOW))),
    ]
}

/// None of it reaches the light.
#[tokio::test]
async fn a_control_plane_in_other_hands_gets_nothing_over_the_wire() {
    let (plane, url) = plane().await;
    let folder = tempfile::tempdir().unwrap();
    let services = [("light".to_owned(), Service { url: url.clone(), bearer: None })].into();
    let config = Config { trust: Control::trust(), tools: Tools { services, ..Tools::default() }, glass: None };
    let runner = Runner::open(config, &folder.path().join("journal.db"), || NOW).unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn({
        let (link, stop) = (Arc::new(remote(&url)), stop.clone());
        async move { runner.serve_until(link, stop.clone(), stop).await }
    });
    let mut codes = Vec::new();
    for (at, (name, work)) in attacks().into_iter().enumerate() {
        plane.works.lock().unwrap().push(work);
        plane.changed.notify_waiters();
        let heard = async {
            loop {
                let changed = plane.changed.notified();
                if let Some(report) = plane.reports.lock().unwrap().get(at) {
                    return report.clone();
                }
                changed.await;
            }
        };
        let report = tokio::time::timeout(Duration::from_secs(20), heard).await.unwrap_or_else(|_| panic!("{name}: nothing was said"));
        assert_eq!(report["report"], "refused", "{name}: {report}");
        codes.push(format!("{name}: {}", report["code"].as_str().unwrap()));
    }
    assert_eq!(plane.touched.load(std::sync::atomic::Ordering::SeqCst), 0, "something was done");
    insta::assert_snapshot!(codes.join("\n"));
    // The same wire with an honest warrant does act: what was refused was refused for what it was.
    let honest = good(9);
    plane.works.lock().unwrap().push(Box::new(move |poll| Work::Act { envelope: honest(poll).1 }));
    plane.changed.notify_waiters();
    let acted = async {
        while plane.touched.load(std::sync::atomic::Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), acted).await.unwrap();
    stop.cancel();
    serving.await.unwrap();
    assert_eq!(*plane.forged.lock().unwrap(), Vec::<String>::new());
}
