//! T14: what people are asked holds all seven: reason, confidence, evidence, plan, undo with the date of its drill, blast radius,
//! alternatives.

use super::world::{World, plain};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_says_all_that_a_person_needs() {
    let world = World::new(1, 1, plain).await;
    let change = world.asks("c0").await;
    let view = world.house.get("alice", &format!("/api/v1/changes/{change}")).await;
    let has = |pointer: &str| view.pointer(pointer).is_some_and(|value| !value.is_null());
    for pointer in [
        "/change/proposal/reason",
        "/change/proposal/confidence",
        "/change/proposal/alternatives/0",
        "/change/state/gate/dossier/facts/origin_up/reading",
        "/change/state/gate/dossier/plan/steps/0",
        "/change/state/gate/dossier/reversibility",
        "/change/state/gate/dossier/worst_case",
        "/change/state/gate/dossier/blast/customers",
    ] {
        assert!(has(pointer), "{pointer} is missing: {view:#}");
    }
    // When its undo was drilled, or that it never was, stands on the page that people read.
    let page = world.house.page("alice", &format!("/changes/{change}")).await;
    for words in [
        "stale pages since the deploy",
        "91",
        "the origin answers",
        "wait for the pages to expire",
        "The way back",
        "was never drilled",
        "customer",
    ] {
        assert!(page.contains(words), "`{words}` is missing");
    }
}
