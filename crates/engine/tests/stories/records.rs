//! The decision record: one document that holds every member in every end state; what is absent says why.

use lineclear_core::ChangeId;
use lineclear_core::posture::Posture;
use lineclear_core::run::Resolution;
use lineclear_engine::{DecisionRecord, EngineError};
use lineclear_testkit::{Manner, World, minutes, seconds};
use serde_json::Value;

use crate::{RENAME, drain, rename, renamed_and_signed};

/// The members that may be absent, and then say why.
const MAY_BE_ABSENT: [&str; 15] = [
    "pages",
    "emergency",
    "trigger",
    "agent",
    "model",
    "policy_version",
    "input_signals",
    "verdict",
    "approved_action",
    "difference",
    "approvers",
    "rollback",
    "attempts",
    "verification",
    "outcome",
];

async fn record(world: &World, change: ChangeId) -> Value {
    serde_json::to_value(world.engine().decision_record(change).await.unwrap()).unwrap()
}

fn absent(record: &Value) -> Vec<String> {
    let members = record.as_object().unwrap();
    members.iter().filter(|(_, value)| value.get("absent").is_some()).map(|(name, _)| name.clone()).collect()
}

/// Every member is there, and exactly these are absent with their reason.
async fn check(world: &World, change: ChangeId, state: &str, expected: &[&str]) -> Value {
    let record = record(world, change).await;
    assert_eq!(record["state"], state);
    let schema = serde_json::to_value(schemars::schema_for!(DecisionRecord)).unwrap();
    let fields: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let mut fields: Vec<String> = fields.into_iter().cloned().collect();
    let mut members: Vec<String> = record.as_object().unwrap().keys().cloned().collect();
    fields.sort();
    members.sort();
    assert_eq!(members, fields, "{state}");
    assert!(record.as_object().unwrap().values().all(|value| !value.is_null()), "{state}: no member is null");
    let mut found = absent(&record);
    // None of these stories has one; `emergencies.rs` tells those that do.
    let mut expected: Vec<String> = expected.iter().chain(&["emergency"]).map(|name| (*name).to_owned()).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{state}");
    for name in found {
        assert!(MAY_BE_ABSENT.contains(&name.as_str()), "{name}");
        assert!(record[&name]["absent"].as_str().unwrap().len() > 10, "{name} says why");
    }
    record
}

const NO_RUN: [&str; 2] = ["attempts", "verification"];

#[tokio::test]
async fn a_change_that_ran_alone_is_recorded_whole() {
    let world = World::new().await;
    let change = drain(&world).await;
    world.settle().await;
    world.fact_reads("host_drained", "1");
    world.fact_reads("shop_errors_low", "0.001");
    world.passes(seconds(7)).await;
    let record = check(&world, change, "succeeded", &["trigger", "pages", "approvers"]).await;
    assert_eq!(record["model"]["version"], "7");
    assert_eq!(record["agent"]["owner"]["name"], "carol");
    assert_eq!(record["input_signals"]["facts"][0]["age_s"], 1);
    assert_eq!(record["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(record["verification"]["judged"]["judgement"], "improved");
    assert_eq!(record["links"]["ticket"], "OPS-42");
}

#[tokio::test]
async fn a_change_that_people_signed_is_recorded_with_their_signatures_and_how_long_they_took() {
    let world = World::new().await;
    let change = rename(&world).await;
    world.passes(seconds(42)).await;
    world.person("alice").approves(change).await;
    world.person("bob").approves(change).await;
    world.settle().await;
    let record = check(&world, change, "verifying", &["trigger", "outcome"]).await;
    let approvers = record["approvers"].as_array().unwrap();
    assert_eq!(approvers.len(), 2);
    assert_eq!(approvers[0]["name"], "alice");
    assert_eq!(approvers[0]["time_to_decision_s"], 42);
    assert_eq!(approvers[0]["grade"], "ssh");
    assert!(approvers[0]["signature"]["armored"].as_str().unwrap().contains("BEGIN SSH SIGNATURE"));
}

#[tokio::test]
async fn what_was_denied_is_recorded_with_the_verdict_that_denied_it() {
    let world = World::new().await;
    world.person("dave").sets_posture(Posture::Stopped).await;
    let change = drain(&world).await;
    world.settle().await;
    let record =
        check(&world, change, "denied", &["trigger", "pages", "approved_action", "difference", "approvers", "attempts", "verification"])
            .await;
    assert_eq!(record["verdict"]["verdict"], "denied");
    assert!(record["verdict"].to_string().contains("stopped"), "{}", record["verdict"]);
}

#[tokio::test]
async fn what_fits_nothing_is_recorded_as_that() {
    let world = World::new().await;
    let refused = world.agent().tries_to_propose("dns.delete", "zone/example.test", RENAME).await;
    let Err(EngineError::Misfit { change, .. }) = refused else { panic!("{refused:?}") };
    let never =
        ["trigger", "pages", "policy_version", "input_signals", "verdict", "approved_action", "difference", "approvers", "rollback"];
    check(&world, change, "misfit", &[&never[..], &NO_RUN].concat()).await;
}

#[tokio::test]
async fn what_lapsed_while_a_fact_was_missing_still_shows_the_facts() {
    let world = World::new().await;
    world.fact_is_absent("backend_down", "source unreachable");
    let change = drain(&world).await;
    world.settle().await;
    let waiting = ["trigger", "pages", "verdict", "approved_action", "difference", "approvers"];
    check(&world, change, "blocked", &[&waiting[..], &NO_RUN, &["outcome"]].concat()).await;
    world.sleeps(seconds(3_600));
    world.settle().await;
    let record = check(&world, change, "lapsed", &[&waiting[..], &NO_RUN].concat()).await;
    assert!(record["input_signals"].to_string().contains("source unreachable"));
}

#[tokio::test]
async fn who_answered_stays_on_record_whatever_became_of_the_request() {
    let world = World::new().await;
    let change = rename(&world).await;
    world.person("alice").approves(change).await;
    world.passes(minutes(15)).await;
    let record = check(&world, change, "lapsed", &[&["trigger"][..], &NO_RUN].concat()).await;
    assert_eq!(record["approvers"][0]["name"], "alice");

    let world = World::new().await;
    let change = rename(&world).await;
    world.person("alice").approves(change).await;
    world.person("dave").rejects(change, "not now").await.unwrap();
    let record = check(&world, change, "rejected", &[&["trigger"][..], &NO_RUN].concat()).await;
    let decisions: Vec<&Value> = record["approvers"].as_array().unwrap().iter().map(|answer| &answer["decision"]).collect();
    assert_eq!(decisions, ["approve", "reject"]);
    assert_eq!(record["approvers"][1]["reason"], "not now");
}

#[tokio::test]
async fn what_was_withdrawn_advised_or_asked_in_person_is_recorded() {
    let world = World::new().await;
    let change = rename(&world).await;
    world.agent().tries_to_withdraw(change).await.unwrap();
    check(&world, change, "withdrawn", &[&["trigger", "approvers"][..], &NO_RUN].concat()).await;

    let advice = world.agent().proposes("status.draft", "service/shop", &[("text", "We look into it")]).await;
    world.settle().await;
    check(&world, advice, "advised", &[&["trigger", "pages", "approvers", "rollback"][..], &NO_RUN].concat()).await;

    let own = world.person("alice").proposes("dns.update", "zone/example.test", RENAME).await;
    world.settle().await;
    let record =
        check(&world, own, "awaiting_approval", &[&["trigger", "agent", "model", "approvers", "outcome"][..], &NO_RUN].concat()).await;
    assert_eq!(record["agent"]["absent"], "alice proposed it in person");
}

#[tokio::test]
async fn what_was_undone_failed_or_overruled_is_recorded_with_who_said_so() {
    let world = World::new().await;
    world.runner().next("settle", Manner::FailsClean);
    let change = drain(&world).await;
    world.settle().await;
    check(&world, change, "undone", &["trigger", "pages", "approvers", "verification"]).await;

    let world = World::new().await;
    world.runner().next("settle", Manner::FailsClean);
    world.runner().next_undo("drain", Manner::FailsPartly);
    let change = drain(&world).await;
    world.settle().await;
    check(&world, change, "stuck", &["trigger", "pages", "approvers", "verification", "outcome"]).await;
    world.person("frank").resolves(change, Resolution::Abort).await.unwrap();
    check(&world, change, "escalated", &["trigger", "pages", "approvers", "verification", "outcome"]).await;
    world.person("frank").declares(change, false).await.unwrap();
    let record = check(&world, change, "failed", &["trigger", "pages", "approvers", "verification"]).await;
    assert_eq!(record["overrides"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_difference_between_what_was_asked_first_and_what_was_approved_is_recorded() {
    let world = World::new().await;
    let change = renamed_and_signed(&world).await;
    world.person("dave").amends(change, &[("name", "www.example.test"), ("from", "192.0.2.10"), ("to", "192.0.2.12")]).await;
    world.settle().await;
    world.person("alice").approves(change).await;
    world.person("bob").approves(change).await;
    world.settle().await;
    let record = check(&world, change, "verifying", &["trigger", "outcome"]).await;
    assert_eq!(record["suggested_action"]["inputs"]["to"], "192.0.2.11");
    assert_eq!(record["approved_action"]["inputs"]["to"], "192.0.2.12");
    let difference = record["difference"].to_string();
    assert!(difference.contains("inputs.to"), "{difference}");
    assert_eq!(record["approvers"].as_array().unwrap().len(), 4, "the two votes that were voided, and the two that count");
    let counted: Vec<&Value> = record["approvers"].as_array().unwrap().iter().map(|answer| &answer["request"]).collect();
    assert_eq!(counted, ["withdrawn", "withdrawn", "consumed", "consumed"]);
}
