//! Agents propose; what fits nothing is recorded and explained.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::rig::{AGENT, OTHER_AGENT, Rig, dns, scale};

const CHANGES: &str = "/api/v1/changes";

#[tokio::test]
async fn a_proposal_is_created_and_says_where() {
    let rig = Rig::busy().await;
    let token = format!("Bearer {AGENT}");
    let headers = [("authorization", token.as_str()), ("prefer", "wait=20")];
    let reply = rig.send(Method::POST, CHANGES, &headers, Some(&dns().to_string())).await;
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(reply.headers["location"], format!("/api/v1/changes/{id}").as_str());
    assert_eq!(reply.headers["preference-applied"], "wait=20");
    assert_eq!(reply.json()["url"], format!("http://127.0.0.1:7171/changes/{id}"));
    assert_eq!(reply.json()["view"]["word"], "awaiting_approval", "{}", reply.text);
    let record = rig.bearer(AGENT, Method::GET, &format!("{CHANGES}/{id}/record"), None).await;
    assert_eq!((record.json()["change"].clone(), record.json()["state"].clone()), (json!(id), json!("awaiting_approval")));
}

#[tokio::test]
async fn the_same_key_is_the_same_proposal_and_nothing_else() {
    let rig = Rig::quiet().await;
    let send = async |token: &str, key: &str, body: &Value| {
        let token = format!("Bearer {token}");
        rig.send(Method::POST, CHANGES, &[("authorization", &token), ("idempotency-key", key)], Some(&body.to_string())).await
    };
    let first = send(AGENT, "01J7", &dns()).await;
    let again = send(AGENT, "01J7", &dns()).await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!((first.json()["id"].clone(), json!(true)), (again.json()["id"].clone(), again.json()["repeated"].clone()));
    let other = send(AGENT, "01J7", &scale()).await;
    assert_eq!(other.problem(), "422 key_reused: this idempotency key was used before for something else");
    assert_eq!(send(OTHER_AGENT, "01J7", &dns()).await.status, StatusCode::CREATED);
    assert_eq!(send(AGENT, "a b", &dns()).await.json()["code"], "bad_parameter");
}

fn with(pointer: &str, value: &Value) -> Value {
    let mut body = dns();
    *body.pointer_mut(pointer).unwrap() = value.clone();
    body
}

#[tokio::test]
async fn what_fits_nothing_is_recorded_and_explained() {
    let rig = Rig::quiet().await;
    let check = async |body: &Value, expected: &str| {
        let reply = rig.bearer(AGENT, Method::POST, CHANGES, Some(body)).await;
        assert_eq!(reply.problem(), expected);
        reply.json()
    };
    let known =
        check(&with("/action", &json!("dns.drop")), "422 unknown_action at /action: `dns.drop` is no action of this estate's catalogue")
            .await;
    let shown = rig.bearer(AGENT, Method::GET, known["instance"].as_str().unwrap(), None).await;
    assert_eq!(shown.json()["word"], "misfit");
    assert_eq!(shown.json()["change"]["id"], known["change"]);
    check(&with("/target", &json!("zone/nowhere")), "422 unknown_target at /target: `zone/nowhere` is not in this estate's catalog").await;
    check(&with("/target", &json!("service/shop")), "422 wrong_kind at /target: `dns.update` acts on a zone, not on `service/shop`").await;
    check(&with("/inputs/to", &json!("nowhere")), "422 bad_inputs at /inputs/to: input `to` must be an IPv4 address").await;
    let malformed = check(
        &with("/target", &json!("shop")),
        "422 malformed at /target: `shop` names nothing: write kind and name, as in `service/shop`",
    )
    .await;
    assert_eq!(malformed.get("change"), None);
    check(&with("/confidence_bp", &json!(10_001)), "422 malformed at /confidence_bp: confidence is 0 to 10000 basis points, not 10001")
        .await;
    check(
        &with("/confidence_bp", &json!("high")),
        "422 malformed at /confidence_bp: invalid type: string \"high\", expected a whole number",
    )
    .await;
}

#[tokio::test]
async fn only_who_proposed_a_change_or_a_person_takes_it_back() {
    let rig = Rig::quiet().await;
    let reason = json!({"reason": "changed my mind"});
    let change = rig.propose(&dns()).await;
    let path = format!("{CHANGES}/{change}/withdraw");
    let reply = rig.bearer(OTHER_AGENT, Method::POST, &path, Some(&reason)).await;
    assert_eq!(reply.problem(), format!("403 not_your_change: change `{change}` was proposed by somebody else"));
    let reply = rig.bearer(AGENT, Method::POST, &path, Some(&reason)).await;
    assert_eq!(reply.json()["word"], "withdrawn");
    let reply = rig.bearer(AGENT, Method::POST, &path, Some(&reason)).await;
    assert!(reply.problem().starts_with("409 wrong_state"), "{}", reply.text);
    let change = rig.propose(&dns()).await;
    let amended = json!({"inputs": {"name": "www.example.test", "from": "192.0.2.1", "to": "192.0.2.3"}});
    let reply = rig.bearer(AGENT, Method::POST, &format!("{CHANGES}/{change}/amend"), Some(&amended)).await;
    assert_eq!(reply.json()["change"]["proposal"]["inputs"]["to"], "192.0.2.3");
    let person = rig.operator_token("bob");
    let reply = rig.bearer(&person, Method::POST, &format!("{CHANGES}/{change}/withdraw"), Some(&reason)).await;
    assert_eq!(reply.json()["word"], "withdrawn");
}

#[tokio::test]
async fn asking_what_policy_would_say_leaves_no_record() {
    let rig = Rig::busy().await;
    let size = rig.app.engine.store().head().await.unwrap().size;
    let reply = rig.bearer(AGENT, Method::POST, "/api/v1/checks", Some(&scale())).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(reply.json()["risk"], "medium");
    assert_eq!(rig.app.engine.store().head().await.unwrap().size, size);
}

#[tokio::test]
async fn lists_come_in_pages_that_miss_nothing() {
    let rig = Rig::quiet().await;
    let mut proposed = Vec::new();
    for _ in 0..5 {
        proposed.insert(0, rig.propose(&dns()).await);
    }
    let (mut seen, mut path) = (Vec::new(), format!("{CHANGES}?limit=2&state=proposed&open=true"));
    for _ in 0..3 {
        let page = rig.bearer(AGENT, Method::GET, &path, None).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|line| line["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("{CHANGES}?limit=2&state=proposed&open=true&cursor={next}");
    }
    assert_eq!(seen, proposed);
    let none = rig.bearer(AGENT, Method::GET, &format!("{CHANGES}?state=running"), None).await;
    assert_eq!(none.json(), json!({"items": [], "next": null}));
    for bad in ["limit=0", "limit=x", "colour=red", "state=A", "cursor=x", "limit=1&limit=2"] {
        let reply = rig.bearer(AGENT, Method::GET, &format!("{CHANGES}?{bad}"), None).await;
        assert_eq!(reply.json()["code"], "bad_parameter", "{bad}");
    }
}

#[tokio::test]
async fn an_id_of_another_kind_is_no_id() {
    let rig = Rig::quiet().await;
    let reply = rig.bearer(AGENT, Method::GET, "/api/v1/changes/run_0193f0c4a1007a3e8b11d2c3b4a5ffff", None).await;
    assert!(reply.problem().starts_with("400 bad_parameter: `run_"), "{}", reply.text);
    let reply = rig.bearer(AGENT, Method::GET, "/api/v1/changes/change_0193f0c4a1007a3e8b11d2c3b4a5ffff", None).await;
    assert_eq!(reply.problem(), "404 not_found: there is no `change_0193f0c4a1007a3e8b11d2c3b4a5ffff` here");
}
