//! A real socket on loopback: bounds and the end.

use std::time::Duration;

use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::{BODY_MAX, may_listen, serve};
use crate::rig::{AGENT, PATIENCE, Rig, WEBHOOK};

#[tokio::test]
async fn only_loopback_is_served_unless_somebody_says_otherwise() {
    let settings = Rig::quiet().await.app.settings;
    let allowed = |address: &str| may_listen(address.parse().unwrap(), &settings).is_ok();
    assert!(allowed("127.0.0.1:80") && allowed("[::1]:80"));
    assert!(!allowed("0.0.0.0:80") && !allowed("[::]:80") && !allowed("192.0.2.1:80"));
    let mut wider = (*settings).clone();
    wider.beyond_loopback = true;
    assert!(may_listen("0.0.0.0:80".parse().unwrap(), &wider).is_ok());
}

async fn until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut seen = Vec::new();
    let read = async {
        let mut buffer = [0; 4_096];
        loop {
            let count = stream.read(&mut buffer).await.unwrap();
            seen.extend_from_slice(&buffer[..count]);
            if count == 0 || String::from_utf8_lossy(&seen).contains(wanted) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect(wanted);
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test]
async fn stopping_ends_streams_and_then_the_server() {
    let rig = Rig::quiet().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(rig.app.clone(), listener, stop.clone()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /api/v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {AGENT}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = until(&mut stream, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let incident = rig.incident("a").await;
    let event = until(&mut stream, "\n\n").await;
    assert!(event.contains(&format!("event: {incident}\ndata: {incident}\n\n")), "{event}");
    stop.cancel();
    until(&mut stream, "\r\n0\r\n\r\n").await;
    drop(stream);
    tokio::time::timeout(Duration::from_secs(20), serving).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_however_it_is_sent() {
    let rig = Rig::quiet().await;
    let long = format!(r#"{{"reason": "{}"}}"#, "x".repeat(BODY_MAX));
    let reply = rig.bearer(AGENT, Method::POST, "/api/v1/changes", Some(&serde_json::from_str(&long).unwrap())).await;
    assert_eq!(reply.problem(), "413 too_large: the body is too large");
    let reply = rig.send(Method::POST, "/hooks/alertmanager", &[("authorization", &format!("Bearer {WEBHOOK}"))], Some(&long)).await;
    assert_eq!(reply.problem(), "413 too_large: the body is too large");
}

#[tokio::test]
async fn an_unknown_route_and_a_wrong_method_say_so() {
    let rig = Rig::quiet().await;
    let reply = rig.send(Method::GET, "/api/v1/nothing", &[], None).await;
    assert_eq!(reply.problem(), "404 not_found: there is no such thing here");
    let reply = rig.send(Method::DELETE, "/api/v1/changes", &[("authorization", "Bearer x")], None).await;
    assert_eq!(reply.problem(), "405 method_not_allowed: this method does not apply here");
}
