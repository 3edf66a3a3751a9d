//! P2, T5 and T6: who may answer, how many, and how their answer is bound to them.

use lineclear_core::approval::VoteRefusal;
use lineclear_core::authority::Grade;
use lineclear_core::statement::Decision;
use lineclear_engine::EngineError;
use lineclear_testkit::{Northwind, World, seconds, sign};

use crate::{RENAME, rename};

fn why<T: std::fmt::Debug>(refused: Result<T, EngineError>) -> VoteRefusal {
    match refused {
        Err(EngineError::VoteRefused { why, .. }) => why,
        other => panic!("that vote was not refused: {other:?}"),
    }
}

async fn refusals(world: &World, change: lineclear_core::ChangeId) -> usize {
    world.kinds(change).await.iter().filter(|kind| *kind == "approval.vote_refused/1").count()
}

#[tokio::test]
async fn high_risk_waits_for_two_people_who_sign() {
    let world = World::new().await;
    let change = rename(&world).await;

    let first = world.person("bob").approves(change).await;
    assert_eq!((first.people, first.needed), (1, 2));
    world.passes(seconds(30)).await;
    assert_eq!(world.word(change).await, "awaiting_approval");
    assert_eq!(world.production().effects(), []);

    world.person("alice").approves(change).await;
    world.settle().await;
    assert_eq!(world.production().get("www.example.test A"), "192.0.2.11");
    assert_eq!(world.production().effects().len(), 1);
    assert_eq!(world.word(change).await, "verifying");
}

#[tokio::test]
async fn two_people_are_not_enough_while_nobody_of_the_owning_team_is_among_them() {
    let world = World::new().await;
    let change = rename(&world).await;
    world.person("bob").approves(change).await;
    world.person("dave").approves(change).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "awaiting_approval");
    world.person("erin").approves(change).await;
    world.settle().await;
    assert_eq!(world.production().effects().len(), 1);
}

#[tokio::test]
async fn the_same_person_twice_is_one_person() {
    let world = World::new().await;
    let change = rename(&world).await;
    world.person("alice").approves(change).await;
    assert_eq!(why(world.person("alice").tries_to_approve(change).await), VoteRefusal::Twice);
    world.settle().await;
    assert_eq!(world.word(change).await, "awaiting_approval");
    assert_eq!(refusals(&world, change).await, 1, "the second vote is on record");
}

#[tokio::test]
async fn who_owns_the_agent_or_proposes_in_person_cannot_approve_and_that_is_recorded() {
    let world = World::new().await;
    let change = rename(&world).await;
    assert_eq!(why(world.person("carol").tries_to_approve(change).await), VoteRefusal::SelfApproval);
    assert_eq!(refusals(&world, change).await, 1);

    let own = world.person("alice").proposes("dns.update", "zone/example.test", RENAME).await;
    world.settle().await;
    assert_eq!(why(world.person("alice").tries_to_approve(own).await), VoteRefusal::SelfApproval);
    assert_eq!(refusals(&world, own).await, 1);
    assert_eq!(world.production().effects(), []);
}

#[tokio::test]
async fn who_changed_the_inputs_cannot_approve_them() {
    let world = World::new().await;
    let change = rename(&world).await;
    world.person("bob").amends(change, &[("name", "www.example.test"), ("from", "192.0.2.10"), ("to", "192.0.2.12")]).await;
    world.settle().await;
    assert_eq!(why(world.person("bob").tries_to_approve(change).await), VoteRefusal::SelfApproval);
    assert_eq!(why(world.person("carol").tries_to_approve(change).await), VoteRefusal::SelfApproval);
    world.person("alice").approves(change).await;
    world.person("dave").approves(change).await;
    world.settle().await;
    assert_eq!(world.production().get("www.example.test A"), "192.0.2.12");
}

#[tokio::test]
async fn under_a_declared_single_operator_posture_the_owner_may_approve_and_every_record_says_so() {
    let estate = Northwind::default().changed("authority.yaml", "single_operator: false", "single_operator: true");
    let world = World::of(&estate).await;
    let change = rename(&world).await;
    world.person("carol").approves(change).await;
    world.person("alice").approves(change).await;
    world.settle().await;
    assert_eq!(world.production().effects().len(), 1);
    let record = serde_json::to_value(world.engine().decision_record(change).await.unwrap()).unwrap();
    assert_eq!(record["approved_action"]["bundle"]["single_operator"], true);
    let recused = record["approved_action"]["bundle"]["recused"].as_array().unwrap();
    assert_eq!(recused.len(), 1, "the record still names who would be recused");
}

#[tokio::test]
async fn a_vote_is_worth_what_binds_it_to_its_person() {
    let world = World::new().await;
    let change = rename(&world).await;
    let weak = why(world.person("bob").approves_in_session(change).await);
    assert_eq!(weak, VoteRefusal::TooWeak { wanted: Grade::Ssh, given: Grade::Session });

    let (request, text) = world.person("bob").statement(change, Decision::Approve, "").await;
    let stolen = world.person("bob").casts(request, text.clone(), sign("dave", &text)).await;
    assert_eq!(why(stolen), VoteRefusal::BadSignature);
    let borrowed = world.person("dave").casts(request, text.clone(), sign("bob", &text)).await;
    assert!(matches!(why(borrowed), VoteRefusal::NotYours { .. }));
    let bent = text.replace("\"reason\": \"\"", "\"reason\": \"x\"");
    assert_ne!(bent, text);
    assert_eq!(why(world.person("bob").casts(request, bent, sign("bob", &text)).await), VoteRefusal::BadSignature);
    assert_eq!(refusals(&world, change).await, 4);

    let size = world.engine().store().head().await.unwrap().size;
    let nonsense = world.person("bob").casts(request, "yes".into(), sign("bob", "yes")).await;
    assert!(matches!(nonsense, Err(EngineError::Malformed { .. })), "{nonsense:?}");
    assert_eq!(world.engine().store().head().await.unwrap().size, size, "what is no statement leaves no record");
}

#[tokio::test]
async fn one_no_ends_it_whoever_said_yes() {
    let world = World::new().await;
    let change = rename(&world).await;
    world.person("alice").approves(change).await;
    world.person("dave").rejects(change, "not before the sale").await.unwrap();
    world.settle().await;
    assert_eq!(world.word(change).await, "rejected");
    assert!(matches!(why(world.person("bob").tries_to_approve(change).await), VoteRefusal::NotOpen { .. }));
    assert_eq!(world.production().effects(), []);
}

#[tokio::test]
async fn a_no_after_the_last_yes_still_stops_what_has_not_started() {
    let world = World::new().await;
    let change = crate::renamed_and_signed(&world).await;
    world.person("dave").rejects(change, "wait").await.unwrap();
    world.settle().await;
    assert_eq!(world.word(change).await, "rejected");
    assert_eq!(world.production().effects(), []);
}
