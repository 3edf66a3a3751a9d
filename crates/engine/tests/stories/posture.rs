//! The autonomy that remains: anybody lowers it at once, only a person raises it.

use lineclear_core::posture::Posture;
use lineclear_engine::EngineError;
use lineclear_testkit::World;

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
