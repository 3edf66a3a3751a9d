//! A step that fails is taken back, in reverse; an undo that fails is stuck, and a named person decides.

use lineclear_core::ChangeId;
use lineclear_core::machine::Machine as _;
use lineclear_core::run::{Override, Resolution};
use lineclear_engine::EngineError;
use lineclear_testkit::{Manner, Northwind, World, seconds};

use crate::{drain, stuck_because};

/// Three steps that change something, each with its undo, and a look at the end.
pub(crate) const THREE_STEPS: &str = r#"runbook: v1
id: drain-host
title: Drain a web server, and say so
owner: shop
deadline: 3m
steps:
  - id: drain
    do: { haproxy_server: { backend: shop, server: "${target.name}", state: drain } }
    timeout: 10s
    verify: { haproxy_server: { backend: shop, server: "${target.name}", expect: drain } }
    undo: { haproxy_server: { backend: shop, server: "${target.name}", state: ready } }
    on_failure: undo
    on_unknown: verify
  - id: spare
    do: { haproxy_server: { backend: spare, server: "${target.name}", state: ready } }
    timeout: 10s
    verify: { haproxy_server: { backend: spare, server: "${target.name}", expect: ready } }
    undo: { haproxy_server: { backend: spare, server: "${target.name}", state: maint } }
    on_failure: undo
    on_unknown: verify
  - id: settle
    do: { wait_for: { query: 'http_error_ratio{service="shop"}', op: "<=", value: "0.01", within: 30s, source: prometheus } }
    timeout: 40s
    on_failure: undo
verification:
  goals: [host_drained, shop_errors_low]
  soak: 5s
"#;

async fn world() -> World {
    World::of(&Northwind::default().with("runbooks/drain-host.yaml", THREE_STEPS)).await
}

/// Every attempt that changed something, oldest first.
pub(crate) fn made(world: &World) -> Vec<String> {
    world.production().effects().into_iter().map(|effect| effect.attempt).collect()
}

#[tokio::test]
async fn a_step_that_fails_takes_back_what_was_done_in_reverse() {
    let world = world().await;
    world.runner().next("settle", Manner::FailsClean);
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "undone");
    assert_eq!(made(&world), ["drain do 1", "spare do 1", "spare undo 1", "drain undo 1"]);
    assert_eq!(world.production().get("shop/web-1"), "ready");
    insta::assert_snapshot!(world.tale(change).await);
}

#[tokio::test]
async fn a_step_that_changed_something_before_it_failed_is_taken_back_too() {
    let world = world().await;
    world.runner().next("spare", Manner::FailsPartly);
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "undone");
    assert_eq!(made(&world), ["drain do 1", "spare do 1", "spare undo 1", "drain undo 1"]);
}

#[tokio::test]
async fn a_step_that_failed_before_it_changed_anything_is_not_taken_back_itself() {
    let world = world().await;
    world.runner().next("spare", Manner::FailsClean);
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "undone");
    assert_eq!(made(&world), ["drain do 1", "drain undo 1"]);
}

/// A run whose undo of `spare` has failed.
async fn undo_failed(world: &World) -> ChangeId {
    world.runner().next("settle", Manner::FailsClean);
    world.runner().next_undo("spare", Manner::FailsPartly);
    let change = drain(world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "stuck");
    assert_eq!(stuck_because(world, change).await, "the undo failed");
    change
}

async fn resolved(resolution: Resolution, expected: &str, after: &[&str]) {
    let world = world().await;
    let change = undo_failed(&world).await;
    world.passes(seconds(120)).await;
    assert_eq!(world.word(change).await, "stuck", "nothing happens until somebody decides");
    let before = made(&world).len();
    world.person("frank").resolves(change, resolution).await.unwrap();
    world.settle().await;
    assert_eq!(world.word(change).await, expected, "{resolution:?}");
    assert_eq!(made(&world)[before..], *after, "{resolution:?}");
    let record = serde_json::to_value(world.engine().decision_record(change).await.unwrap()).unwrap();
    let overrides = record["overrides"].as_array().unwrap();
    assert_eq!(overrides.len(), 1);
    assert_eq!(overrides[0]["event"]["event"]["reason"], "I looked at the target");
}

#[tokio::test]
async fn an_undo_that_fails_is_stuck_and_a_person_decides_how_it_goes_on() {
    resolved(Resolution::Retry, "undone", &["spare undo 2", "drain undo 1"]).await;
    resolved(Resolution::MarkNotApplied, "undone", &["spare undo 2", "drain undo 1"]).await;
    resolved(Resolution::MarkApplied, "undone", &["drain undo 1"]).await;
    resolved(Resolution::Undo, "undone", &["spare undo 2", "drain undo 1"]).await;
    resolved(Resolution::Abort, "escalated", &[]).await;
}

#[tokio::test]
async fn what_was_skipped_on_the_way_back_is_never_recorded_as_undone() {
    resolved(Resolution::Skip, "escalated", &["drain undo 1"]).await;
}

#[tokio::test]
async fn what_was_aborted_is_declared_by_a_person() {
    let world = world().await;
    let change = undo_failed(&world).await;
    world.person("frank").resolves(change, Resolution::Abort).await.unwrap();
    assert!(!world.view(change).await.run.unwrap().open());
    world.person("frank").declares(change, false).await.unwrap();
    assert_eq!(world.word(change).await, "failed");
}

#[tokio::test]
async fn a_step_that_asks_a_person_when_it_fails_is_stuck_forwards() {
    for (resolution, expected, purges) in [
        (Resolution::Retry, "verifying", 1),
        (Resolution::MarkNotApplied, "verifying", 1),
        (Resolution::MarkApplied, "verifying", 0),
        (Resolution::Skip, "verifying", 0),
        (Resolution::Undo, "undone", 0),
        (Resolution::Abort, "escalated", 0),
    ] {
        let world = World::new().await;
        let change = world.agent().proposes("cache.purge", "cache/edge", &[]).await;
        world.settle().await;
        world.person("bob").approves_in_session(change).await.unwrap();
        world.runner().next("purge", Manner::FailsClean);
        world.settle().await;
        assert_eq!(stuck_because(&world, change).await, "the step failed");
        world.person("alice").resolves(change, resolution).await.unwrap();
        world.settle().await;
        assert_eq!(world.word(change).await, expected, "{resolution:?}");
        assert_eq!(world.production().touched("/purge/edge"), purges, "{resolution:?}");
    }
}

#[tokio::test]
async fn only_a_person_decides_about_a_stuck_run_and_only_while_it_is_stuck() {
    let world = world().await;
    let change = undo_failed(&world).await;
    let agent = *world.engine().estate().directory.agents.keys().next().unwrap();
    let caller = lineclear_engine::Caller::Agent(agent);
    let refused = world.engine().resolve(&caller, change, Override::new(Resolution::Abort, "trust me")).await;
    assert!(matches!(refused, Err(EngineError::PeopleOnly)), "{refused:?}");
    world.person("frank").resolves(change, Resolution::Retry).await.unwrap();
    world.settle().await;
    let late = world.person("frank").resolves(change, Resolution::Abort).await;
    assert!(matches!(late, Err(EngineError::Run(_))), "{late:?}");
}
