//! T4: the world changes between the question and the answer; the change stops at dispatch and says what moved.

use super::world::{World, plain};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_approved_does_not_run_in_another_world() {
    let world = World::new(1, 1, plain).await;
    let change = world.asks("c0").await;
    world.telemetry.set("origin_up", 0.0);
    assert_eq!(world.approve("alice", &change).await, "counted");
    crate::installation::eventually("the change to be stopped", async || {
        let view = world.house.get("alice", &format!("/api/v1/changes/{change}")).await.to_string();
        view.contains("origin_up").then_some(()).filter(|()| view.contains("\"differences\":[{"))
    })
    .await;
    assert_eq!(world.purged("c0"), 0);
    assert!(matches!(world.word(&change).await.as_str(), "awaiting_approval" | "blocked" | "denied"));
}
