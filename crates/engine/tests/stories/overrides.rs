//! What people decide about a stuck run, and what each decision needs: evidence, somebody who takes it, a second person.

use lineclear_core::machine::Machine as _;
use lineclear_core::run::{Override, Refusal, Resolution};
use lineclear_core::{ChangeId, OperatorId};
use lineclear_engine::EngineError;
use lineclear_testkit::{Manner, World};

use crate::{renamed_and_signed, stuck_because};

/// A high-risk run that is stuck on the way back.
async fn stuck() -> (World, ChangeId) {
    let world = World::new().await;
    let change = renamed_and_signed(&world).await;
    world.runner().next("switch", Manner::FailsPartly);
    world.runner().next_undo("switch", Manner::FailsPartly);
    world.settle().await;
    assert_eq!(stuck_because(&world, change).await, "the undo failed");
    (world, change)
}

fn id(world: &World, login: &str) -> OperatorId {
    let login = login.parse().unwrap();
    world.engine().estate().directory.operator(&login).unwrap().id
}

#[tokio::test]
async fn on_high_risk_two_people_skip_a_step_and_both_are_on_record() {
    let (world, change) = stuck().await;
    world.person("frank").resolves(change, Resolution::Skip).await.unwrap();
    world.settle().await;
    assert_eq!(world.word(change).await, "stuck", "one person has only asked for it");
    let again = world.person("frank").resolves(change, Resolution::Skip).await;
    assert!(matches!(again, Err(EngineError::Run(Refusal::NeedsAnother))), "{again:?}");
    world.person("alice").resolves(change, Resolution::Skip).await.unwrap();
    world.settle().await;
    assert_eq!(world.word(change).await, "escalated");
    let record = serde_json::to_value(world.engine().decision_record(change).await.unwrap()).unwrap();
    let overrides = record["overrides"].as_array().unwrap();
    assert_eq!(overrides.len(), 2);
    assert_eq!(overrides[1]["event"]["event"]["asked_by"], id(&world, "frank").to_string());
    let tale = world.tale(change).await;
    assert!(tale.contains("on high risk a second person has to ask for it too"), "{tale}");
}

#[tokio::test]
async fn nothing_is_marked_as_applied_without_evidence_and_the_evidence_is_kept() {
    let (world, change) = stuck().await;
    let bare = world.person("frank").overrides(change, Override::new(Resolution::MarkApplied, "it is back")).await;
    assert!(matches!(bare, Err(EngineError::Run(Refusal::Unproven))), "{bare:?}");
    let ruling = Override::new(Resolution::MarkApplied, "it is back").seen("dig answers 192.0.2.10 everywhere");
    world.person("frank").overrides(change, ruling).await.unwrap();
    world.settle().await;
    assert_eq!(world.word(change).await, "undone");
    let record = serde_json::to_value(world.engine().decision_record(change).await.unwrap()).unwrap();
    assert_eq!(record["overrides"][0]["event"]["event"]["evidence"], "dig answers 192.0.2.10 everywhere");
}

#[tokio::test]
async fn a_stuck_run_is_handed_over_to_somebody_who_is_known_here() {
    let (world, change) = stuck().await;
    let nobody = Override::new(Resolution::HandOver, "my shift ends");
    let refused = world.person("frank").overrides(change, nobody.clone()).await;
    assert!(matches!(refused, Err(EngineError::Run(Refusal::NoTaker))), "{refused:?}");
    let stranger = "operator_00000000000000000000000000000009".parse().unwrap();
    let refused = world.person("frank").overrides(change, nobody.clone().to(stranger)).await;
    assert!(matches!(refused, Err(EngineError::Malformed { .. })), "{refused:?}");
    world.person("frank").overrides(change, nobody.to(id(&world, "alice"))).await.unwrap();
    world.settle().await;
    assert_eq!(world.word(change).await, "stuck", "nothing else has changed");
    let tale = world.tale(change).await;
    assert!(tale.lines().any(|line| line.contains("decided: hand over to") && line.to_lowercase().contains("alice")), "{tale}");
    // The undo had come through before it broke off: alice looks, and says so.
    world.person("alice").resolves(change, Resolution::MarkApplied).await.unwrap();
    world.settle().await;
    assert_eq!(world.word(change).await, "undone");
}

#[tokio::test]
async fn nobody_continues_while_something_may_have_been_changed() {
    let (world, change) = stuck().await;
    let refused = world.person("frank").resolves(change, Resolution::Continue).await;
    assert!(matches!(refused, Err(EngineError::Run(Refusal::InDoubt))), "{refused:?}");
    assert!(world.view(change).await.run.unwrap().open());
}
