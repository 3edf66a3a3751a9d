//! People sign in and answer; nobody else does.

use http::{Method, StatusCode};
use lineclear_core::Span;
use serde_json::{Value, json};

use crate::rig::{AGENT, OTHER_AGENT, Rig, dns, operator, scale, sign};

#[tokio::test]
async fn looking_at_a_link_does_not_use_it_up_and_using_it_does() {
    let rig = Rig::quiet().await;
    let link = rig.app.auth.invite(operator("alice"), rig.app.engine.now(), [1; 32]);
    for _ in 0..2 {
        let page = rig.send(Method::GET, &link, &[("sec-fetch-site", "cross-site")], None).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("<form method=\"post\">") && !page.text.contains("alice"), "{}", page.text);
        assert_eq!(page.headers.get("set-cookie"), None);
    }
    let refused = rig.send(Method::POST, &link, &[], None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let used = rig.send(Method::POST, &link, &[("sec-fetch-site", "same-origin")], None).await;
    assert_eq!((used.status, used.headers["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/"));
    let set = used.headers["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("lineclear=") && set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200"), "{set}");
    let again = rig.send(Method::POST, &link, &[("sec-fetch-site", "same-origin")], None).await;
    assert_eq!(again.problem(), "410 dead_link: this link does not sign anybody in");
}

#[tokio::test]
async fn over_tls_the_cookie_is_for_this_host_alone() {
    let rig = Rig::new("https://line.example").await;
    let link = rig.app.auth.invite(operator("alice"), rig.app.engine.now(), [1; 32]);
    let reply = rig.send(Method::POST, &link, &[("host", "line.example"), ("origin", "https://line.example")], None).await;
    let set = reply.headers["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("__Host-lineclear=") && set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200; Secure"), "{set}");
}

#[tokio::test]
async fn a_cookie_known_before_signing_in_is_worth_nothing_after_it() {
    let rig = Rig::quiet().await;
    let planted = "lineclear=0000000000000000000000000000000000000000000000000000000000000000";
    let link = rig.app.auth.invite(operator("alice"), rig.app.engine.now(), [1; 32]);
    let reply = rig.send(Method::POST, &link, &[("sec-fetch-site", "same-origin"), ("cookie", planted)], None).await;
    let fresh = reply.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_ne!(fresh, planted);
    let with = async |cookie: &str| rig.send(Method::GET, "/api/v1/estate", &[("cookie", cookie)], None).await.status.as_u16();
    assert_eq!((with(planted).await, with(&fresh).await), (401, 200));
    let both = format!("{planted}; {fresh}");
    assert_eq!(with(&both).await, 401);
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before_and_signing_out_ends_it_too() {
    let rig = Rig::quiet().await;
    let with = async |cookie: &str| rig.send(Method::GET, "/api/v1/estate", &[("cookie", cookie)], None).await.status.as_u16();
    let first = rig.sign_in("alice").await;
    let link = rig.app.auth.invite(operator("alice"), rig.app.engine.now(), [1; 32]);
    let reply = rig.send(Method::POST, &link, &[("sec-fetch-site", "same-origin"), ("cookie", &first)], None).await;
    let second = reply.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!((with(&first).await, with(&second).await), (401, 200));
    let out = rig.send(Method::POST, "/sign-out", &[("sec-fetch-site", "same-origin"), ("cookie", &second)], None).await;
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("lineclear=; ") && out.status == StatusCode::SEE_OTHER);
    assert_eq!(with(&second).await, 401);
}

#[tokio::test]
async fn a_session_ends_after_a_shift() {
    let rig = Rig::quiet().await;
    let cookie = rig.sign_in("alice").await;
    rig.wait(Span::from_secs(12 * 3_600));
    let reply = rig.send(Method::GET, "/api/v1/estate", &[("cookie", &cookie)], None).await;
    assert_eq!(reply.problem(), "401 unauthenticated: nobody known is speaking");
}

/// What is asked about a change, as its id.
async fn asked(rig: &Rig, change: &str) -> String {
    let reply = rig.bearer(AGENT, Method::GET, &format!("/api/v1/changes/{change}/request"), None).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.json()["request"]["id"].as_str().unwrap().to_owned()
}

async fn statement(rig: &Rig, token: &str, approval: &str, decision: &str) -> String {
    let body = json!({"decision": decision, "reason": "I looked"});
    let reply = rig.bearer(token, Method::POST, &format!("/api/v1/approvals/{approval}/statement"), Some(&body)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.json()["statement"].as_str().unwrap().to_owned()
}

fn body(statement: &str, signature: &Value) -> Value {
    json!({"statement": statement, "signature": signature})
}

#[tokio::test]
async fn two_people_sign_and_the_change_is_cleared() {
    let rig = Rig::busy().await;
    let change = rig.propose(&dns()).await;
    let approval = asked(&rig, &change).await;
    let votes = format!("/api/v1/approvals/{approval}/votes");
    let alice = rig.operator_token("alice");
    let text = statement(&rig, &alice, &approval, "approve").await;
    let first = rig.bearer(&alice, Method::POST, &votes, Some(&body(&text, &sign(1, &text)))).await;
    assert_eq!(first.json(), json!({"change": change, "state": "open", "people": 1, "needed": 2}));
    let twice = rig.bearer(&alice, Method::POST, &votes, Some(&body(&text, &sign(1, &text)))).await;
    assert_eq!(twice.json()["code"], "twice");
    let bob = rig.operator_token("bob");
    let text = statement(&rig, &bob, &approval, "approve").await;
    let second = rig.bearer(&bob, Method::POST, &votes, Some(&body(&text, &sign(2, &text)))).await;
    assert_eq!(second.json(), json!({"change": change, "state": "granted", "people": 2, "needed": 2}));
    let late = rig.bearer(&bob, Method::POST, &votes, Some(&body(&text, &sign(2, &text)))).await;
    assert!(late.problem().starts_with("409 not_open"), "{}", late.text);
}

#[tokio::test]
async fn the_text_to_sign_comes_bare_for_those_who_ask() {
    let rig = Rig::busy().await;
    let change = rig.propose(&scale()).await;
    let approval = asked(&rig, &change).await;
    let token = format!("Bearer {}", rig.operator_token("bob"));
    let path = format!("/api/v1/approvals/{approval}/statement");
    let body = json!({"decision": "approve"}).to_string();
    let reply = rig.send(Method::POST, &path, &[("authorization", &token), ("accept", "text/plain")], Some(&body)).await;
    assert_eq!(reply.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(reply.json()["change"], change.as_str());
    assert_eq!(reply.json()["approver"], operator("bob").to_string());
}

#[tokio::test]
async fn a_stolen_cookie_cannot_sign() {
    let rig = Rig::busy().await;
    let change = rig.propose(&dns()).await;
    let approval = asked(&rig, &change).await;
    let cookie = rig.sign_in("alice").await;
    let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let send = async |path: &str, body: &Value| rig.send(Method::POST, path, &headers, Some(&body.to_string())).await;
    let text = send(&format!("/api/v1/approvals/{approval}/statement"), &json!({"decision": "approve"})).await;
    let text = text.json()["statement"].as_str().unwrap().to_owned();
    let votes = format!("/api/v1/approvals/{approval}/votes");
    let weak = send(&votes, &body(&text, &json!({"grade": "session"}))).await;
    assert_eq!(weak.problem(), "403 too_weak: this change needs grade `ssh`, the vote has `session`");
    assert_eq!((weak.json()["change"].clone(), weak.json()["approval"].clone()), (json!(change), json!(approval)));
    for forged in [sign(9, &text), sign(2, &text), sign(1, "something else"), json!({"grade": "ssh", "armored": "x"})] {
        let reply = send(&votes, &body(&text, &forged)).await;
        assert!(reply.problem().starts_with("403 bad_signature"), "{}", reply.text);
    }
    let invented = send(&votes, &body(&text, &json!({"grade": "passkey"}))).await;
    assert_eq!(invented.json()["code"], "malformed");
    let request = rig.bearer(AGENT, Method::GET, &format!("/api/v1/changes/{change}/request"), None).await;
    assert_eq!(request.json()["state"], json!({"state": "open", "votes": []}));
}

#[tokio::test]
async fn the_owner_of_the_proposing_agent_does_not_count_and_one_operator_is_enough_for_less() {
    let rig = Rig::busy().await;
    let change = rig.propose(&scale()).await;
    let approval = asked(&rig, &change).await;
    let votes = format!("/api/v1/approvals/{approval}/votes");
    let session = json!({"grade": "session"});
    let carol = rig.operator_token("carol");
    let text = statement(&rig, &carol, &approval, "approve").await;
    let own = rig.bearer(&carol, Method::POST, &votes, Some(&body(&text, &session))).await;
    assert_eq!(own.problem(), "403 self_approval: who proposes, or owns the agent that proposes, cannot approve");
    let bob = rig.operator_token("bob");
    let theirs = rig.bearer(&bob, Method::POST, &votes, Some(&body(&text, &session))).await;
    assert!(theirs.problem().starts_with("403 not_yours"), "{}", theirs.text);
    let text = statement(&rig, &bob, &approval, "approve").await;
    let bent = text.replace(&change, "change_0193f0c4a1007a3e8b11d2c3b4a5ffff");
    let mismatch = rig.bearer(&bob, Method::POST, &votes, Some(&body(&bent, &session))).await;
    assert!(mismatch.problem().starts_with("409 mismatch"), "{}", mismatch.text);
    let reply = rig.bearer(&bob, Method::POST, &votes, Some(&body(&text, &session))).await;
    assert_eq!(reply.json()["state"], "granted", "{}", reply.text);
}

#[tokio::test]
async fn no_agent_votes_whatever_it_sends() {
    let rig = Rig::busy().await;
    let change = rig.propose(&scale()).await;
    let approval = asked(&rig, &change).await;
    let bob = rig.operator_token("bob");
    let text = statement(&rig, &bob, &approval, "approve").await;
    for token in [AGENT, OTHER_AGENT] {
        for (path, body) in [("statement", json!({"decision": "approve"})), ("votes", body(&text, &sign(2, &text)))] {
            let reply = rig.bearer(token, Method::POST, &format!("/api/v1/approvals/{approval}/{path}"), Some(&body)).await;
            assert_eq!(reply.problem(), "403 people_only: only a named person can do this");
        }
    }
    let request = rig.bearer(AGENT, Method::GET, &format!("/api/v1/changes/{change}/request"), None).await;
    assert_eq!(request.json()["state"]["state"], "open");
}

#[tokio::test]
async fn a_rejection_needs_a_reason_and_ends_the_change() {
    let rig = Rig::busy().await;
    let change = rig.propose(&scale()).await;
    let approval = asked(&rig, &change).await;
    let bob = rig.operator_token("bob");
    let path = format!("/api/v1/approvals/{approval}/statement");
    let reply = rig.bearer(&bob, Method::POST, &path, Some(&json!({"decision": "reject"}))).await;
    assert_eq!(reply.problem(), "422 malformed at /statement: a reason has at most 2000 characters, and a rejection needs one");
    let text = statement(&rig, &bob, &approval, "reject").await;
    let votes = format!("/api/v1/approvals/{approval}/votes");
    let reply = rig.bearer(&bob, Method::POST, &votes, Some(&body(&text, &json!({"grade": "session"})))).await;
    assert_eq!(reply.json()["state"], "rejected");
    let shown = rig.bearer(AGENT, Method::GET, &format!("/api/v1/changes/{change}"), None).await;
    assert_eq!(shown.json()["word"], "rejected");
}

#[tokio::test]
async fn whom_the_directory_no_longer_knows_may_not_even_look() {
    let rig = Rig::quiet().await;
    let gone = "operator_0193f0c4a1007a3e8b11d2c3b4a5ffff".parse().unwrap();
    let token = rig.app.auth.operator_token(gone, rig.app.engine.now(), [1; 32]);
    let reply = rig.bearer(&token, Method::GET, "/api/v1/changes", None).await;
    assert_eq!(reply.problem(), "403 stranger: the caller is not in this estate's directory");
}
