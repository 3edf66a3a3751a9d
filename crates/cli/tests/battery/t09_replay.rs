//! T9: an approval that was used is sent again, for the same change and for the next of its kind.

use super::world::{World, plain};

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_good_once() {
    let world = World::new(1, 1, plain).await;
    let first = world.asks("c0").await;
    let approval = world.approval(&first).await;
    let statement = world.statement("alice", &approval).await;
    assert_eq!(world.vote("alice", &approval, &statement).await, "counted");
    assert_eq!(world.house.finished("alice", &first).await, "succeeded");
    assert_eq!(world.vote("alice", &approval, &statement).await, "not_open");
    let next = world.asks("c0").await;
    assert_eq!(world.vote("alice", &world.approval(&next).await, &statement).await, "mismatch");
    assert_eq!(world.word(&next).await, "awaiting_approval");
    assert_eq!(world.purged("c0"), 1);
}
