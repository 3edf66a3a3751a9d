//! T6: two of two, and the same person twice: still waiting.

use super::world::{World, plain};

#[tokio::test(flavor = "multi_thread")]
async fn one_person_is_not_two() {
    let world = World::new(1, 2, plain).await;
    let change = world.asks("c0").await;
    assert_eq!(world.approve("alice", &change).await, "counted");
    assert_eq!(world.approve("alice", &change).await, "twice");
    assert_eq!(world.word(&change).await, "awaiting_approval");
    assert_eq!(world.purged("c0"), 0);
    assert_eq!(world.approve("carol", &change).await, "counted");
    assert_eq!(world.house.finished("alice", &change).await, "succeeded");
    assert_eq!(world.purged("c0"), 1);
}
