//! The autonomy that remains: anybody lowers it at once, only a person raises it.

use lineclear_core::ChangeId;
use lineclear_core::posture::Posture;
use lineclear_engine::EngineError;
use lineclear_testkit::{Manner, Northwind, World, seconds};

use crate::undo::{THREE_STEPS, made};
use crate::{drain, renamed_and_signed};

#[tokio::test]
async fn a_stop_between_clearance_and_start_stops_it() {
    let world = World::new().await;
    let alone = drain(&world).await;
    world.beat().await.unwrap();
    assert_eq!(world.word(alone).await, "cleared");
    world.agent().tries_to_set_posture(Posture::Stopped).await.unwrap();
    world.settle().await;
    assert_eq!(world.word(alone).await, "denied");
    assert_eq!(world.production().effects(), []);

    let world = World::new().await;
    let signed = renamed_and_signed(&world).await;
    world.person("dave").sets_posture(Posture::Stopped).await;
    world.settle().await;
    assert_eq!(world.word(signed).await, "denied");
    assert_eq!(world.production().effects(), []);
}

#[tokio::test]
async fn a_machine_lowers_the_posture_and_cannot_raise_it() {
    let world = World::new().await;
    world.agent().tries_to_set_posture(Posture::AdviseOnly).await.unwrap();
    let raised = world.agent().tries_to_set_posture(Posture::Full).await;
    assert!(matches!(raised, Err(EngineError::Posture(_))), "{raised:?}");
    assert_eq!(world.engine().installation().await.unwrap().posture, Posture::AdviseOnly);

    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "awaiting_approval", "good evidence is not enough any more");

    world.person("dave").sets_posture(Posture::Full).await;
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "verifying");
}

#[tokio::test]
async fn the_posture_outlives_the_engine() {
    let mut world = World::new().await;
    world.person("dave").sets_posture(Posture::Stopped).await;
    world.engine_restarts().await;
    assert_eq!(world.engine().installation().await.unwrap().posture, Posture::Stopped);
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "denied");
}

async fn several_steps() -> World {
    World::of(&Northwind::default().with("runbooks/drain-host.yaml", THREE_STEPS)).await
}

/// A run whose first step is done, and whose second is not journalled.
async fn first_step_done(world: &World) -> ChangeId {
    let change = drain(world).await;
    while world.production().effects().is_empty() {
        world.beat().await.unwrap();
        world.one_turn().await;
    }
    assert_eq!((made(world), journalled(world, change).await), (vec!["drain do 1".to_owned()], 1));
    change
}

/// How many attempts of its run are journalled.
async fn journalled(world: &World, change: ChangeId) -> usize {
    world.kinds(change).await.iter().filter(|kind| *kind == "run.intended/1").count()
}

#[tokio::test]
async fn a_stop_between_two_steps_halts_the_run_until_a_person_raises_the_posture() {
    let world = several_steps().await;
    let change = first_step_done(&world).await;
    world.agent().tries_to_set_posture(Posture::Stopped).await.unwrap();
    world.passes(seconds(20)).await;
    assert_eq!(journalled(&world, change).await, 1, "the second step is not even journalled");
    assert_eq!(world.runner().warrants().len(), 1);
    assert_eq!(made(&world), ["drain do 1"]);
    assert_eq!(world.word(change).await, "running");

    world.person("dave").sets_posture(Posture::Full).await;
    world.passes(seconds(5)).await;
    assert_eq!(made(&world), ["drain do 1", "spare do 1"]);
    assert_eq!(world.word(change).await, "verifying");
}

#[tokio::test]
async fn an_attempt_that_lies_on_the_desk_when_everything_is_stopped_gets_no_warrant() {
    let world = several_steps().await;
    let change = first_step_done(&world).await;
    while journalled(&world, change).await < 2 {
        world.beat().await.unwrap();
    }
    world.engine().beat_once().await.unwrap();
    world.person("dave").sets_posture(Posture::Stopped).await;
    world.one_turn().await;
    world.passes(seconds(20)).await;
    assert_eq!(world.runner().warrants().len(), 1, "the second step was on offer, and nobody may have it");
    assert_eq!(made(&world), ["drain do 1"]);
    assert_eq!(world.word(change).await, "running");

    world.person("dave").sets_posture(Posture::Full).await;
    world.passes(seconds(20)).await;
    assert_eq!(made(&world), ["drain do 1", "spare do 1"]);
}

#[tokio::test]
async fn what_takes_back_goes_on_although_everything_is_stopped() {
    let world = several_steps().await;
    world.runner().next("spare", Manner::FailsClean);
    let change = first_step_done(&world).await;
    while world.word(change).await != "undoing" {
        world.beat().await.unwrap();
        world.one_turn().await;
    }
    assert_eq!(made(&world), ["drain do 1"]);
    world.person("dave").sets_posture(Posture::Stopped).await;
    world.settle().await;
    assert_eq!(made(&world), ["drain do 1", "drain undo 1"]);
    assert_eq!(world.word(change).await, "undone");
}
