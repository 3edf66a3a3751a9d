//! T17: a fact is missing: the line stops, nobody is asked, and a fresh fact moves it again.

use super::world::{World, plain};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_fact_nobody_is_even_asked() {
    let world = World::new(1, 1, plain).await;
    world.telemetry.unset("origin_up");
    let (status, answer) = world.propose("purger", "c0", "battery").await;
    assert_eq!(status, 201, "{answer}");
    let change = answer["id"].as_str().unwrap().to_owned();
    world.becomes(&change, "blocked").await;
    let view = world.house.get("alice", &format!("/api/v1/changes/{change}")).await.to_string();
    assert!(view.contains("missing_fact") && view.contains("origin_up"), "{view}");
    world.telemetry.set("origin_up", 1.0);
    world.becomes(&change, "awaiting_approval").await;
    // It goes missing again after the answer: the answer does not carry it over.
    world.telemetry.unset("origin_up");
    assert_eq!(world.approve("alice", &change).await, "counted");
    world.becomes(&change, "blocked").await;
    assert_eq!(world.purged("c0"), 0);
}
