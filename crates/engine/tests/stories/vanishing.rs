//! P6: a runner that dies. What it may have done is found out, never repeated on trust.

use lineclear_core::run::Resolution;
use lineclear_testkit::{Manner, World, seconds};

use crate::{drain, renamed_and_signed, stuck_because};

async fn check(manner: Manner, expected: &[&str], kind: &str) {
    let world = World::new().await;
    world.runner().next("drain", manner);
    let change = drain(&world).await;
    world.settle().await;
    world.passes(seconds(5)).await;
    let effects: Vec<String> = world.production().effects().into_iter().map(|effect| effect.attempt).collect();
    assert_eq!(effects, expected, "{manner:?}");
    assert_eq!(world.word(change).await, "verifying", "{manner:?}");
    let kinds = world.kinds(change).await;
    assert!(kinds.contains(&kind.to_owned()), "{manner:?}: {kinds:?}");
    assert_eq!(world.unrecorded_effects(change).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_runner_that_vanishes_leaves_exactly_one_effect() {
    check(Manner::VanishesAfterEffect, &["drain do 1"], "run.probed/1").await;
    check(Manner::VanishesBeforeEffect, &["drain do 2"], "run.retried/1").await;
    check(Manner::VanishesBeforeStart, &["drain do 2"], "run.retried/1").await;
    check(Manner::VanishesBeforeJournal, &["drain do 2"], "run.retried/1").await;
}

#[tokio::test]
async fn what_was_lost_on_the_way_back_is_looked_at_and_not_repeated_on_trust() {
    let world = World::new().await;
    world.runner().next("settle", Manner::FailsClean);
    world.runner().next_undo("drain", Manner::VanishesAfterEffect);
    let change = drain(&world).await;
    world.settle().await;
    world.passes(seconds(5)).await;
    // An undo has no check of its own, so looking cannot tell: a person does.
    assert_eq!(world.word(change).await, "stuck");
    assert_eq!(world.production().touched("shop/web-1"), 2);
    world.person("frank").resolves(change, Resolution::MarkApplied).await.unwrap();
    assert_eq!(world.word(change).await, "undone");
    assert_eq!(world.production().touched("shop/web-1"), 2);
}

#[tokio::test]
async fn a_step_whose_runbook_asks_a_person_when_nobody_knows_does_so() {
    let world = World::new().await;
    let change = world.agent().proposes("cache.purge", "cache/edge", &[]).await;
    world.settle().await;
    world.person("bob").approves_in_session(change).await.unwrap();
    world.runner().next("purge", Manner::VanishesAfterEffect);
    world.settle().await;
    world.passes(seconds(5)).await;
    assert_eq!(world.word(change).await, "stuck");
    world.person("alice").resolves(change, Resolution::MarkApplied).await.unwrap();
    world.settle().await;
    assert_eq!(world.production().touched("/purge/edge"), 1);
    assert_eq!(world.word(change).await, "verifying");
}

#[tokio::test]
async fn a_runner_that_stays_away_becomes_unknown_and_then_a_person_is_asked() {
    let world = World::new().await;
    let change = renamed_and_signed(&world).await;
    // Everything is looked at again, the run starts, and its first attempt lies on the desk.
    while world.word(change).await != "running" {
        world.beat().await.unwrap();
    }
    world.runner().goes_away();
    world.settle().await;
    world.passes(seconds(90)).await;
    assert!(world.kinds(change).await.contains(&"run.became_unknown/1".to_owned()), "{:?}", world.kinds(change).await);
    world.passes(seconds(310)).await;
    assert_eq!(world.word(change).await, "stuck");
    assert!(stuck_because(&world, change).await.starts_with("nobody knows"));
    assert_eq!(world.production().effects(), []);
}

#[tokio::test]
async fn nobody_takes_the_work_and_nothing_is_done() {
    let world = World::new().await;
    let change = drain(&world).await;
    while world.word(change).await != "running" {
        world.beat().await.unwrap();
    }
    // Only the engine goes on; no runner asks.
    for _ in 0..700 {
        world.sleeps(seconds(1));
        world.engine().beat_once().await.unwrap();
    }
    assert_eq!(world.production().effects(), []);
    assert!(world.at_rest(change).await, "{}", world.tale(change).await);
}
