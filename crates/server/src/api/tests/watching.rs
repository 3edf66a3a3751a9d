//! Signals in, names and counts out.

use futures_util::StreamExt as _;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::rig::{AGENT, PATIENCE, Rig, WEBHOOK, dns};

fn alert(status: &str) -> Value {
    let alert = json!({
        "status": status, "startsAt": "2026-11-22T02:14:07Z", "fingerprint": "0a1b", "labels": {"alertname": "OriginSlow", "severity": "critical"},
        "annotations": {"summary": "secret words of the alert"},
    });
    json!({"version": "4", "groupKey": "g", "alerts": [alert]})
}

#[tokio::test]
async fn an_alert_becomes_an_incident_and_again_is_no_news() {
    let rig = Rig::quiet().await;
    let first = rig.bearer(WEBHOOK, Method::POST, "/hooks/alertmanager", Some(&alert("firing"))).await.json();
    assert_eq!((&first["received"], &first["new"]), (&json!(1), &json!(1)));
    let id = first["incidents"][0].as_str().unwrap();
    let again = rig.bearer(WEBHOOK, Method::POST, "/hooks/alertmanager", Some(&alert("firing"))).await.json();
    assert_eq!(again, json!({"received": 1, "new": 0, "incidents": [], "changes": 0}));
    let shown = rig.bearer(AGENT, Method::GET, &format!("/api/v1/incidents/{id}"), None).await.json();
    assert_eq!((&shown["severity"], &shown["state"]), (&json!(2), &json!("open")));
    let bad = rig.bearer(WEBHOOK, Method::POST, "/hooks/alertmanager", Some(&json!({"version": "3"}))).await;
    assert!(bad.problem().starts_with("422 bad_webhook at /"), "{}", bad.text);
}

#[tokio::test]
async fn a_machine_raises_a_severity_and_never_lowers_one() {
    let rig = Rig::quiet().await;
    let id = rig.incident("a").await;
    let path = format!("/api/v1/incidents/{id}/grade");
    let raised = rig.bearer(AGENT, Method::POST, &path, Some(&json!({"severity": 2}))).await;
    assert_eq!(raised.json()["severity"], 2);
    let lowered = rig.bearer(AGENT, Method::POST, &path, Some(&json!({"severity": 5}))).await;
    assert_eq!(lowered.problem(), format!("403 lowered_by_machine: only a person lowers the severity of incident `{id}`"));
    let person = rig.operator_token("dave");
    let lowered = rig.bearer(&person, Method::POST, &path, Some(&json!({"severity": 5}))).await;
    assert_eq!(lowered.json()["severity"], 5);
    let none = rig.bearer(AGENT, Method::POST, &path, Some(&json!({"severity": 6}))).await;
    assert_eq!(none.problem(), "422 malformed at /severity: severity is 1 (worst) to 5, not 6");
}

#[tokio::test]
async fn the_stream_says_names_and_nothing_else() {
    let rig = Rig::quiet().await;
    let response = rig.open(Method::GET, "/api/v1/events", &[("authorization", &format!("Bearer {AGENT}"))], None).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut stream = response.into_body().into_data_stream();
    let received = rig.bearer(WEBHOOK, Method::POST, "/hooks/alertmanager", Some(&alert("firing"))).await.json();
    let incident = received["incidents"][0].as_str().unwrap();
    let change = rig.propose(&dns()).await;
    let mut seen = String::new();
    while !seen.contains(&change) {
        let chunk = tokio::time::timeout(PATIENCE, stream.next()).await.unwrap().unwrap().unwrap();
        seen.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert_eq!(seen, format!("event: {incident}\ndata: {incident}\n\nevent: {change}\ndata: {change}\n\n"));
}

#[tokio::test]
async fn a_listener_that_fell_behind_is_told_to_look_again() {
    let rig = Rig::quiet().await;
    let response = rig.open(Method::GET, "/api/v1/events", &[("authorization", &format!("Bearer {AGENT}"))], None).await;
    let mut stream = response.into_body().into_data_stream();
    for number in 0..1_100 {
        rig.incident(&number.to_string()).await;
    }
    let chunk = tokio::time::timeout(PATIENCE, stream.next()).await.unwrap().unwrap().unwrap();
    assert!(chunk.starts_with(b"event: missed\ndata: missed\n\n"));
}

#[tokio::test]
async fn streams_are_bounded() {
    let rig = Rig::quiet().await;
    let token = format!("Bearer {AGENT}");
    let open = async || rig.open(Method::GET, "/api/v1/events", &[("authorization", &token)], None).await;
    let mut streams = Vec::new();
    for _ in 0..super::super::STREAMS_MAX {
        streams.push(open().await);
    }
    assert_eq!(open().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    streams.pop();
    assert_eq!(open().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn counts_are_in_prometheus_format() {
    let rig = Rig::quiet().await;
    rig.propose(&dns()).await;
    rig.incident("a").await;
    let reply = rig.send(Method::GET, "/metrics", &[], None).await;
    assert_eq!(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    insta::assert_snapshot!(reply.text);
}

#[tokio::test]
async fn a_person_lowers_the_posture_and_says_why() {
    let rig = Rig::quiet().await;
    let dave = rig.operator_token("dave");
    let set = async |body: Value| rig.bearer(&dave, Method::PUT, "/api/v1/posture", Some(&body)).await;
    let reply = set(json!({"posture": "stopped", "reason": "fire drill"})).await;
    assert_eq!(reply.json()["posture"], "stopped");
    let shown = rig.bearer(AGENT, Method::GET, "/api/v1/posture", None).await;
    assert_eq!(shown.json()["posture"], "stopped");
    assert!(set(json!({"posture": "full", "reason": " "})).await.problem().starts_with("422 unreasoned"));
    assert!(set(json!({"posture": "fast", "reason": "x"})).await.problem().starts_with("422 malformed at /posture"));
}
