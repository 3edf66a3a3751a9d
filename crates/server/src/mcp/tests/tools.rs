//! What is offered, and what each tool answers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::Method;
use lineclear_store::RowQuery;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::tools::{NAMES, tools};
use super::{call, message, pending, post, refused, result};
use crate::rig::{AGENT, OTHER_AGENT, Rig, dns, scale, sign};

#[tokio::test]
async fn these_tools_are_offered_and_no_others() {
    let rig = Rig::quiet().await;
    let listed = post(&rig, AGENT, &message("tools/list", &json!({}))).await.json();
    insta::assert_snapshot!(pretty(&listed["result"]));
}

#[test]
fn no_tool_can_approve() {
    let offered = tools();
    assert_eq!(offered.iter().map(|tool| tool.name.as_ref()).collect::<Vec<_>>(), NAMES);
    let mut members = BTreeSet::new();
    for tool in &offered {
        assert!(!["approv", "vote", "sign", "declare", "resolve", "override"].iter().any(|word| tool.name.contains(word)), "{}", tool.name);
        collect(&Value::Object((*tool.input_schema).clone()), &mut members);
        let hints = tool.annotations.as_ref().unwrap();
        assert_eq!(hints.destructive_hint, Some(false), "{}", tool.name);
        let writes = matches!(tool.name.as_ref(), "draft_runbook" | "propose_change" | "withdraw_change");
        assert_eq!(hints.read_only_hint, Some(!writes), "{}", tool.name);
    }
    let known = [
        "action",
        "alternatives",
        "change",
        "confidence_bp",
        "deployment",
        "evidence",
        "idempotency_key",
        "incident",
        "inputs",
        "kind",
        "links",
        "model",
        "name",
        "note",
        "reason",
        "seconds",
        "signals",
        "target",
        "text",
        "ticket",
        "until",
        "version",
    ];
    assert_eq!(members, known.map(ToOwned::to_owned).into());
}

/// With members in order of name, however the map keeps them.
fn pretty(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(inner) => {
                let members: BTreeMap<&String, Value> = inner.iter().map(|(name, value)| (name, sorted(value))).collect();
                members.into_iter().map(|(name, value)| (name.clone(), value)).collect()
            }
            Value::Array(inner) => inner.iter().map(sorted).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }
    serde_json::to_string_pretty(&sorted(value)).unwrap()
}

/// Every member that a schema knows.
fn collect(schema: &Value, members: &mut BTreeSet<String>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        members.extend(properties.keys().cloned());
    }
    match schema {
        Value::Object(inner) => inner.values().for_each(|value| collect(value, members)),
        Value::Array(inner) => inner.iter().for_each(|value| collect(value, members)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn a_high_risk_proposal_waits_for_people_and_says_how_to_wait() {
    let rig = Rig::busy().await;
    let answer = call(&rig, AGENT, "propose_change", &dns()).await;
    let change = answer["change"].as_str().unwrap();
    assert_eq!((answer["state"].as_str(), answer["status"].as_str()), (Some("awaiting_approval"), Some("pending_approval")));
    assert_eq!(answer["verdict"]["rung"], "two-signed");
    assert_eq!(answer["url"], format!("http://127.0.0.1:7171/changes/{change}"));
    assert_eq!((&answer["asked"]["people"], &answer["asked"]["of_the_owning_team"]), (&json!(2), &json!(true)));
    assert!(answer["next"].as_str().unwrap().contains("wait_for_decision"));
    assert!(answer["blast_radius"].as_str().unwrap().starts_with("At worst"));
    assert!(!answer["verdict"]["reasons"].as_array().unwrap().is_empty());
    assert_eq!((&answer["faults"], &answer["repeated"], &answer["yours"]), (&json!([]), &json!(false), &json!(true)));
}

#[tokio::test]
async fn a_person_says_no_and_the_waiting_agent_hears_it() {
    let rig = Rig::busy().await;
    let change = pending(&rig, &dns()).await;
    let asked = json!({"change": change});
    let alice = rig.operator_token("alice");
    let rejects = async {
        let request = rig.bearer(&alice, Method::GET, &format!("/api/v1/changes/{change}/request"), None).await.json();
        let approval = format!("/api/v1/approvals/{}", request["request"]["id"].as_str().unwrap());
        let wanted = json!({"decision": "reject", "reason": "a secret of the people"});
        let statement = rig.bearer(&alice, Method::POST, &format!("{approval}/statement"), Some(&wanted)).await.json();
        let statement = statement["statement"].as_str().unwrap().to_owned();
        let vote = json!({"statement": statement, "signature": sign(1, &statement)});
        let cast = rig.bearer(&alice, Method::POST, &format!("{approval}/votes"), Some(&vote)).await;
        assert!(cast.status.is_success(), "{}", cast.text);
    };
    let (heard, ()) = tokio::join!(call(&rig, AGENT, "wait_for_decision", &asked), rejects);
    assert_eq!((&heard["state"], &heard["status"], &heard["ended_by"]), (&json!("rejected"), &json!("finished"), &json!("alice")));
    let seen = call(&rig, OTHER_AGENT, "get_change", &asked).await;
    assert_eq!((&seen["yours"], &seen["state"]), (&json!(false), &json!("rejected")));
    let told: Vec<&str> = seen["timeline"].as_array().unwrap().iter().map(|moment| moment["says"].as_str().unwrap()).collect();
    assert!(told.contains(&"Rejected by alice."), "{told:?}");
    for kept in ["SSH SIGNATURE", "a secret of the people", "armored", "statement", "the old address does not answer"] {
        assert!(!seen.to_string().contains(kept), "{kept}");
    }
}

#[tokio::test]
async fn another_agents_change_cannot_be_withdrawn() {
    let rig = Rig::busy().await;
    let change = pending(&rig, &dns()).await;
    let asked = json!({"change": change, "reason": "I would rather not"});
    let said = refused(&rig, OTHER_AGENT, "withdraw_change", &asked).await;
    assert_eq!(said, format!("not_your_change: change `{change}` was proposed by somebody else"));
    assert_eq!(call(&rig, AGENT, "get_change", &json!({"change": change})).await["status"], "pending_approval");
    assert_eq!(call(&rig, AGENT, "withdraw_change", &asked).await["state"], "withdrawn");
    assert!(refused(&rig, AGENT, "withdraw_change", &asked).await.starts_with("wrong_state: "));
}

#[tokio::test]
async fn advice_needs_nobody_and_ends_at_once() {
    let rig = Rig::busy().await;
    let advice = json!({"action": "incident.classify", "target": "service/shop", "inputs": {"severity": 2}, "confidence_bp": 7000, "reason": "a third fails"});
    let answer = call(&rig, AGENT, "propose_change", &advice).await;
    assert_eq!((&answer["state"], &answer["status"], &answer["verdict"]["word"]), (&json!("advised"), &json!("finished"), &json!("clear")));
}

#[tokio::test]
async fn what_fits_nothing_is_an_error_that_says_what_does() {
    let rig = Rig::quiet().await;
    let check = async |member: &str, value: Value, expected: &str| {
        let mut proposal = dns();
        proposal[member] = value;
        let result = result(&rig, AGENT, "propose_change", &proposal).await;
        let said = &result["structuredContent"];
        assert_eq!((&result["isError"], said["code"].as_str()), (&json!(true), Some(expected)), "{said}");
        let change = said["change"].as_str().unwrap();
        assert_eq!(said["url"], format!("http://127.0.0.1:7171/changes/{change}"));
        assert_eq!(call(&rig, AGENT, "get_change", &json!({"change": change})).await["state"], "misfit");
    };
    check("action", json!("dns.drop"), "unknown_action").await;
    check("target", json!("zone/elsewhere.test"), "unknown_target").await;
    check("target", json!("service/shop"), "wrong_kind").await;
    check("inputs", json!({"name": "www.example.test"}), "bad_inputs").await;
}

#[tokio::test]
async fn a_proposal_sent_twice_with_one_key_is_one_change() {
    let rig = Rig::busy().await;
    let mut proposal = dns();
    proposal["idempotency_key"] = json!("incident-7-dns");
    let first = call(&rig, AGENT, "propose_change", &proposal).await;
    let again = call(&rig, AGENT, "propose_change", &proposal).await;
    assert_eq!((&first["change"], &json!(true)), (&again["change"], &again["repeated"]));
    proposal["reason"] = json!("another");
    assert!(refused(&rig, AGENT, "propose_change", &proposal).await.starts_with("key_reused: "));
    assert_ne!(call(&rig, OTHER_AGENT, "propose_change", &proposal).await["change"], first["change"]);
}

#[tokio::test]
async fn checking_tells_the_verdict_and_records_nothing() {
    let rig = Rig::busy().await;
    for (proposal, rung) in [(dns(), "two-signed"), (scale(), "one-operator")] {
        let answer = call(&rig, AGENT, "check_policy", &proposal).await;
        assert_eq!((&answer["recorded"], &answer["verdict"]["word"]), (&json!(false), &json!("needs_approval")), "{answer}");
        if rung == "two-signed" {
            assert_eq!(answer["verdict"]["rung"], rung);
        }
        assert!(answer["facts"].as_array().is_some_and(|facts| !facts.is_empty()));
    }
    let query = RowQuery { kind: "change".into(), limit: 9, ..RowQuery::default() };
    assert!(rig.app.engine.list(query).await.unwrap().rows.is_empty());
}

#[tokio::test]
async fn agents_programs_and_people_read_the_same_explanation() {
    let rig = Rig::busy().await;
    let change = pending(&rig, &dns()).await;
    let seen = call(&rig, AGENT, "get_change", &json!({"change": change})).await;
    let checked = call(&rig, AGENT, "check_policy", &dns()).await;
    let alice = rig.operator_token("alice");
    let read = rig.bearer(&alice, Method::GET, &format!("/api/v1/changes/{change}/explanation"), None).await.json();
    let lines = read["explanation"]["says"].as_array().unwrap();
    assert!(lines[0].as_str().unwrap().starts_with("needs two-signed: "), "{lines:?}");
    assert!(lines.iter().any(|line| line == "what would change it"), "{lines:?}");
    assert_eq!((&seen["explanation"], &checked["explanation"]), (&read["explanation"]["says"], &read["explanation"]["says"]));
}

#[tokio::test]
async fn the_list_is_enough_to_propose_from() {
    let rig = Rig::quiet().await;
    let list = call(&rig, AGENT, "list_actions", &json!({})).await;
    let dns = list["actions"].as_array().unwrap().iter().find(|action| action["name"] == "dns.update").unwrap();
    insta::assert_snapshot!(pretty(dns));
    assert_eq!(list["targets"]["zone"]["names"], json!(["zone/example.test"]));
    assert_eq!(list["simulated"], false);
}

#[tokio::test]
async fn a_wait_that_nobody_answers_ends_in_time_and_is_no_refusal() {
    let rig = Rig::busy().await;
    let change = pending(&rig, &dns()).await;
    let waited = call(&rig, AGENT, "wait_for_decision", &json!({"change": change, "seconds": 1})).await;
    assert_eq!((&waited["status"], &waited["change"]), (&json!("pending_approval"), &json!(change)));
    let for_others = call(&rig, OTHER_AGENT, "wait_for_decision", &json!({"change": change, "seconds": 0, "until": "finished"})).await;
    assert!(for_others["next"].as_str().unwrap().starts_with("It is another's proposal"));
}

#[tokio::test]
async fn a_slow_gate_is_waited_for() {
    let rig = Rig::quiet().await;
    let advice = json!({"action": "incident.classify", "target": "service/shop", "inputs": {"severity": 2}, "confidence_bp": 7000, "reason": "a third fails"});
    let stop = CancellationToken::new();
    let looks_late = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        rig.app.engine.run(stop.clone()).await;
    };
    let proposes = async {
        let answer = call(&rig, AGENT, "propose_change", &advice).await;
        stop.cancel();
        answer
    };
    let (answer, ()) = tokio::join!(proposes, looks_late);
    assert_eq!(answer["state"], "advised");
}
