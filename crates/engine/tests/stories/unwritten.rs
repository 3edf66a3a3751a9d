//! P1: no record, no act. A ledger that cannot be written stops everything.

use lineclear_testkit::{Break, World, seconds};

use crate::{drain, renamed_and_signed};

#[tokio::test]
async fn while_nothing_can_be_written_nothing_is_done() {
    let world = World::new().await;
    let change = renamed_and_signed(&world).await;
    world.disk().breaks_at(1, Break::BeforeCommit);
    for _ in 0..30 {
        world.sleeps(seconds(1));
        world.try_settle().await.unwrap_err();
    }
    assert_eq!(world.production().effects(), []);
    assert_eq!(world.runner().warrants(), Vec::<String>::new());

    world.disk().mend();
    world.passes(seconds(5)).await;
    assert_eq!(world.production().effects().len(), 1);
    assert_eq!(world.word(change).await, "verifying");
}

#[tokio::test]
async fn a_proposal_or_a_vote_that_could_not_be_written_was_not_taken() {
    let world = World::new().await;
    let size = world.engine().store().head().await.unwrap().size;
    world.disk().breaks_at(1, Break::BeforeCommit);
    world.agent().tries_to_propose("pool.drain_host", "host/web-1", &[]).await.unwrap_err();
    world.disk().mend();
    world.settle().await;
    assert_eq!(world.engine().store().head().await.unwrap().size, size);

    let change = crate::rename(&world).await;
    world.person("alice").approves(change).await;
    world.disk().breaks_at(1, Break::BeforeCommit);
    world.person("bob").tries_to_approve(change).await.unwrap_err();
    world.disk().mend();
    world.settle().await;
    assert_eq!(world.word(change).await, "awaiting_approval");
    world.person("bob").approves(change).await;
    world.settle().await;
    assert_eq!(world.production().effects().len(), 1);
}

#[tokio::test]
async fn a_warrant_leaves_only_after_its_dispatch_is_written() {
    // Whatever write fails, no effect is without its journalled and dispatched attempt.
    for at in 1.. {
        let world = World::new().await;
        let change = drain(&world).await;
        world.disk().breaks_at(at, Break::BeforeCommit);
        let broke = world.try_settle().await.is_err() || world.disk().broken();
        let done = world.production().effects().len();
        world.disk().mend();
        assert!(done <= 1);
        assert_eq!(world.unrecorded_effects(change).await, Vec::<String>::new(), "append {at}");
        if !broke {
            assert!(at > 5, "it never broke");
            return;
        }
    }
}
