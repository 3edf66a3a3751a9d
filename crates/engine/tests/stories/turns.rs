//! Two runs with one concurrency key take turns: the second waits as a cleared change, and is looked at again in full when its
//! turn comes.

use lineclear_core::ChangeId;
use lineclear_core::lane::Lane;
use lineclear_core::record::Stream;
use lineclear_core::run::Resolution;
use lineclear_engine::EngineError;
use lineclear_testkit::{Manner, Northwind, World, minutes, seconds};

use crate::undo::{THREE_STEPS, made};

/// The three steps, one host at a time, and a wait before the first is tried again.
async fn world() -> World {
    let one_at_a_time = THREE_STEPS
        .replace("deadline: 3m\n", "limits: { deadline: 3m, concurrency_key: \"pool of ${target.kind}s\" }\n")
        .replacen("    on_failure: undo\n", "    retry: { attempts: 2, backoff: [60s] }\n    on_failure: person\n", 1);
    World::of(&Northwind::default().with("runbooks/drain-host.yaml", &one_at_a_time)).await
}

/// One run that waits a minute before its first step is tried again, and a change of another host behind it.
async fn two(world: &World) -> (ChangeId, ChangeId) {
    world.runner().next("drain", Manner::FailsClean);
    let first = world.agent().proposes("pool.drain_host", "host/web-1", &[]).await;
    world.settle().await;
    let second = world.agent().proposes("pool.drain_host", "host/web-2", &[]).await;
    world.settle().await;
    assert_eq!((world.word(first).await, world.word(second).await), ("running", "cleared"));
    (first, second)
}

async fn lane(world: &World) -> Vec<String> {
    let stream = Stream::Lane(Lane::of("pool of hosts", 0));
    world.events(stream).await.iter().map(|stored| stored.happened.event.kind()).collect()
}

#[tokio::test]
async fn the_second_run_with_a_key_begins_when_the_first_is_over() {
    let mut world = world().await;
    let (first, second) = two(&world).await;
    let tale = world.tale(second).await;
    assert!(tale.contains(&format!("It waits for its turn on `pool of hosts`, behind {first}.")), "{tale}");
    world.passes(seconds(20)).await;
    world.engine_restarts().await;
    world.passes(seconds(20)).await;
    assert_eq!(made(&world), Vec::<String>::new());
    assert_eq!(world.kinds(second).await.iter().filter(|kind| *kind == "change.queued/1").count(), 1, "recorded once");
    assert_eq!(lane(&world).await, ["lane.taken/1"]);
    world.passes(seconds(25)).await;
    assert_eq!((world.word(first).await, world.word(second).await), ("verifying", "verifying"));
    assert_eq!(made(&world), ["drain do 2", "spare do 1", "drain do 1", "spare do 1"]);
    assert_eq!(lane(&world).await, ["lane.taken/1", "lane.left/1", "lane.taken/1", "lane.left/1"]);
}

#[tokio::test]
async fn what_holds_no_longer_when_its_turn_comes_is_not_begun() {
    let world = world().await;
    let (_, second) = two(&world).await;
    world.fact_is_absent("backend_down", "the source does not answer");
    world.passes(seconds(65)).await;
    assert_eq!(world.word(second).await, "blocked", "its facts are those of its turn");
}

#[tokio::test]
async fn a_turn_that_does_not_come_in_time_lapses() {
    let world = world().await;
    let (first, second) = two(&world).await;
    world.runner().next("drain", Manner::FailsClean);
    world.passes(seconds(61)).await;
    assert_eq!(world.word(first).await, "stuck", "whoever is stuck holds the key");
    world.sleeps(minutes(15));
    world.settle().await;
    assert_eq!(world.word(second).await, "lapsed");
    world.person("frank").resolves(first, Resolution::Abort).await.unwrap();
    world.settle().await;
    assert_eq!(lane(&world).await, ["lane.taken/1", "lane.left/1"]);
}

#[tokio::test]
async fn what_is_taken_back_needs_the_key_too() {
    let world = world().await;
    let (first, second) = two(&world).await;
    world.passes(seconds(61)).await;
    assert_eq!(world.word(first).await, "verifying");
    // The goals of neither are ever reached, so that people are asked; a third one holds the key meanwhile.
    world.passes(seconds(62)).await;
    assert_eq!((world.word(first).await, world.word(second).await), ("escalated", "escalated"));
    world.runner().next("drain", Manner::FailsClean);
    let third = world.agent().proposes("pool.drain_host", "host/web-3", &[]).await;
    world.settle().await;
    assert_eq!(world.word(third).await, "running");
    let refused = world.person("frank").takes_back(first).await;
    assert!(matches!(refused, Err(EngineError::Held(_))), "{refused:?}");
    world.passes(seconds(61)).await;
    world.person("frank").takes_back(first).await.unwrap();
    world.settle().await;
    assert_eq!(world.word(first).await, "undone");
}

#[tokio::test]
async fn changes_without_a_key_do_not_wait_for_each_other() {
    let world = World::of(&Northwind::default().with("runbooks/drain-host.yaml", THREE_STEPS)).await;
    world.runner().next("drain", Manner::VanishesBeforeJournal);
    let first = world.agent().proposes("pool.drain_host", "host/web-1", &[]).await;
    world.settle().await;
    let second = world.agent().proposes("pool.drain_host", "host/web-2", &[]).await;
    world.settle().await;
    assert_eq!((world.word(first).await, world.word(second).await), ("running", "verifying"));
}
