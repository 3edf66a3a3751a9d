//! T2: the inputs change while somebody is about to approve; the old answer counts for nothing, and the new question says what differs.

use reqwest::Method;
use serde_json::json;

use super::world::{World, plain};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_what_was_asked_before_the_inputs_changed_counts_for_nothing() {
    let world = World::new(1, 1, plain).await;
    let change = world.asks("c0").await;
    let before = world.approval(&change).await;
    let statement = world.statement("alice", &before).await;
    let body = json!({"inputs": {"mode": "hard", "note": "battery"}});
    let (status, answer) = world.house.ask("purger", Method::POST, &format!("/api/v1/changes/{change}/amend"), Some(body), &[]).await;
    assert!(status < 300, "{answer}");
    crate::installation::eventually("another question", async || {
        let view = world.house.get("alice", &format!("/api/v1/changes/{change}")).await;
        (view["word"] == "awaiting_approval" && world.approval(&change).await != before).then_some(())
    })
    .await;
    assert_eq!(world.vote("alice", &before, &statement).await, "not_open");
    let now = world.approval(&change).await;
    assert_eq!(world.vote("alice", &now, &statement).await, "mismatch");
    let view = world.house.get("alice", &format!("/api/v1/changes/{change}")).await.to_string();
    assert!(view.contains("\"differences\":[{") && view.contains("hard"), "{view}");
    assert_eq!(world.purged("c0"), 0);
    assert_eq!(world.approve("alice", &change).await, "counted");
    assert_eq!(world.house.finished("alice", &change).await, "succeeded");
    assert_eq!(world.purged("c0"), 1);
}
