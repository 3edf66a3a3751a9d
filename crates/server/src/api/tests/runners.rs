//! The door for runners on other machines: a token once, and then nothing without this runner's own signature over this request.

use http::Method;
use lineclear_core::{RunnerId, Span, Timestamp};
use lineclear_warrant::request::{NONCE_HEADER, RUNNER_HEADER, SIGNATURE_HEADER, TIME_HEADER};
use lineclear_warrant::{Request, RequestKey};
use serde_json::{Value, json};

use crate::rig::{AGENT, Reply, Rig};

const HEARTBEAT: &str = "/api/v1/runner/heartbeat";

/// A runner as the door sees it.
struct Runner {
    id: RunnerId,
    key: RequestKey,
    token: String,
}

/// A request with everything that may be wrong with it.
struct Sent {
    path: &'static str,
    signed_path: &'static str,
    body: Value,
    signed_body: Value,
    at: Timestamp,
    nonce: String,
    as_runner: RunnerId,
}

async fn invite(rig: &Rig, name: &str) -> Value {
    let body = json!({"name": name, "labels": ["site=ber"]});
    let reply = rig.bearer(&rig.operator_token("alice"), Method::POST, "/api/v1/runners", Some(&body)).await;
    assert_eq!(reply.status.as_u16(), 201, "{}", reply.text);
    assert_eq!(reply.headers["cache-control"], "no-store");
    reply.json()
}

async fn show(rig: &Rig, token: &str, key: &RequestKey) -> Reply {
    let body = json!({"token": token, "key": key.public(), "version": "0.1.0"}).to_string();
    rig.send(Method::POST, "/api/v1/runner/enrol", &[], Some(&body)).await
}

async fn enrolled(rig: &Rig, name: &str, seed: u8) -> Runner {
    let invitation = invite(rig, name).await;
    let (token, key) = (invitation["token"].as_str().unwrap().to_owned(), RequestKey::from_seed([seed; 32]));
    let reply = show(rig, &token, &key).await;
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    Runner { id: reply.json()["runner"].as_str().unwrap().parse().unwrap(), key, token }
}

fn beat() -> Value {
    json!({"version": "0.1.0", "sandbox": "none", "stopping": false, "head": null})
}

/// A heartbeat of this runner, signed as it should be, and then bent.
async fn send(rig: &Rig, runner: &Runner, nonce: u32, bend: impl FnOnce(&mut Sent)) -> Reply {
    let mut sent = Sent {
        path: HEARTBEAT,
        signed_path: HEARTBEAT,
        body: beat(),
        signed_body: beat(),
        at: rig.app.engine.now(),
        nonce: format!("{nonce:032x}"),
        as_runner: runner.id,
    };
    bend(&mut sent);
    let (audience, signed_body) = (rig.app.engine.estate().origin.clone(), sent.signed_body.to_string());
    let request = Request {
        audience: &audience,
        runner: sent.as_runner,
        method: "POST",
        path: sent.signed_path,
        body: signed_body.as_bytes(),
        at: sent.at,
        nonce: &sent.nonce,
    };
    let signature = runner.key.sign(&request).unwrap();
    let (id, at) = (sent.as_runner.to_string(), sent.at.as_micros().to_string());
    let headers =
        [(RUNNER_HEADER, id.as_str()), (TIME_HEADER, at.as_str()), (NONCE_HEADER, sent.nonce.as_str()), (SIGNATURE_HEADER, &signature)];
    rig.send(Method::POST, sent.path, &headers, Some(&sent.body.to_string())).await
}

fn code(reply: &Reply) -> String {
    let word = if reply.status.is_success() { "taken".into() } else { reply.json()["code"].as_str().unwrap().to_owned() };
    format!("{} {word}", reply.status.as_u16())
}

#[tokio::test]
async fn a_token_that_was_used_lets_nobody_else_in_and_the_list_says_that_somebody_has_a_copy() {
    let rig = Rig::quiet().await;
    let runner = enrolled(&rig, "ber-1", 3).await;
    let thief = show(&rig, &runner.token, &RequestKey::from_seed([4; 32])).await;
    assert_eq!(code(&thief), "403 no_invitation");
    assert_eq!(code(&show(&rig, "lcr_nothing", &RequestKey::from_seed([4; 32])).await), "403 no_invitation");
    let list = rig.bearer(&rig.operator_token("alice"), Method::GET, "/api/v1/runners", None).await.json();
    assert_eq!((&list["items"][0]["name"], &list["items"][0]["token_shown_again"]), (&json!("ber-1"), &json!(true)));
    assert!(!list.to_string().contains(&runner.token));
    assert_eq!(code(&rig.bearer(AGENT, Method::GET, "/api/v1/runners", None).await), "403 people_only");
    let weak = json!({"token": runner.token, "key": "00".repeat(32)}).to_string();
    assert_eq!(code(&rig.send(Method::POST, "/api/v1/runner/enrol", &[], Some(&weak)).await), "422 malformed");
}

#[tokio::test]
async fn a_request_is_taken_only_with_this_runners_signature_over_all_of_it_and_only_once() {
    let rig = Rig::quiet().await;
    let (ours, other) = (enrolled(&rig, "ber-1", 3).await, enrolled(&rig, "ber-2", 4).await);
    rig.wait(Span::from_secs(120));
    let minute = Span::from_secs(61);
    let elsewhere = json!({"version": "0.1.0", "sandbox": "all of it", "stopping": true, "head": null});
    assert_eq!(code(&send(&rig, &ours, 1, |_| ()).await), "200 taken");
    assert_eq!(code(&send(&rig, &ours, 1, |_| ()).await), "409 replayed_request");
    assert_eq!(code(&send(&rig, &other, 1, |_| ()).await), "200 taken");
    assert_eq!(code(&send(&rig, &ours, 2, |sent| sent.body = elsewhere).await), "403 forged_request");
    assert_eq!(code(&send(&rig, &ours, 3, |sent| sent.signed_path = "/api/v1/runner/report").await), "403 forged_request");
    assert_eq!(code(&send(&rig, &ours, 4, |sent| sent.as_runner = other.id).await), "403 forged_request");
    assert_eq!(code(&send(&rig, &ours, 5, |sent| sent.at = sent.at + minute).await), "403 stale_request");
    assert_eq!(code(&send(&rig, &ours, 6, |sent| sent.at = sent.at - minute).await), "403 stale_request");
    assert_eq!(code(&send(&rig, &ours, 7, |sent| sent.path = "/api/v1/runner/heartbeat?x=1").await), "401 unsigned_request");
    assert_eq!(code(&rig.send(Method::POST, HEARTBEAT, &[], Some(&beat().to_string())).await), "401 unsigned_request");
    assert_eq!(code(&rig.bearer(AGENT, Method::POST, HEARTBEAT, Some(&beat())).await), "401 unsigned_request");
    // What was refused for its signature or its time has used no nonce up.
    assert_eq!(code(&send(&rig, &ours, 2, |_| ()).await), "200 taken");
    let poll = json!({"runner": other.id, "nonce": "ab".repeat(32), "head": null});
    let for_another = send(&rig, &ours, 8, |sent| {
        (sent.path, sent.signed_path) = ("/api/v1/runner/poll", "/api/v1/runner/poll");
        (sent.body, sent.signed_body) = (poll.clone(), poll);
    });
    assert_eq!(code(&for_another.await), "403 forged_request");
}

#[tokio::test]
async fn a_revoked_runner_is_refused_and_a_foreign_head_is_told_apart() {
    let rig = Rig::quiet().await;
    let ours = enrolled(&rig, "ber-1", 3).await;
    let head = json!({"version": "0.1.0", "sandbox": "none", "stopping": false, "head": "other.example/g1\n7\nAAAA\n"});
    let foreign = send(&rig, &ours, 1, |sent| (sent.body, sent.signed_body) = (head.clone(), head)).await;
    assert_eq!(code(&foreign), "409 foreign_head");
    let alice = rig.operator_token("alice");
    let path = |word: &str| format!("/api/v1/runners/{}/{word}", ours.id);
    for (word, state) in [("drain", "draining"), ("resume", "active"), ("revoke", "revoked")] {
        assert_eq!(code(&rig.bearer(&alice, Method::POST, &path(word), Some(&json!({"reason": " "}))).await), "422 unreasoned", "{word}");
        let reply = rig.bearer(&alice, Method::POST, &path(word), Some(&json!({"reason": "its disk was sold"}))).await;
        assert_eq!(reply.json()["state"], state, "{}", reply.text);
        assert_eq!(code(&rig.bearer(AGENT, Method::POST, &path(word), Some(&json!({"reason": "x"}))).await), "403 people_only");
    }
    assert_eq!(code(&send(&rig, &ours, 2, |_| ()).await), "403 unknown_runner");
    assert_eq!(code(&rig.bearer(&alice, Method::POST, &path("drain"), Some(&json!({"reason": "x"}))).await), "409 wrong_state");
}
