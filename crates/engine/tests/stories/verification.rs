//! Gate 3 and T15: only lasting improvement is success, a neighbour that suffers is none, and a person has the last word.

use lineclear_core::ChangeId;
use lineclear_core::change::{Judgement, State};
use lineclear_engine::EngineError;
use lineclear_testkit::{Manner, World, seconds};

use crate::{drain, renamed_and_signed};

/// A web server that was drained; what it did to the world is not told yet.
async fn drained(world: &World) -> ChangeId {
    let change = drain(world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "verifying");
    change
}

async fn check(facts: &[(&str, &str)], expected: Judgement) {
    let world = World::new().await;
    let change = drained(&world).await;
    for (fact, value) in facts {
        if value.is_empty() {
            world.fact_is_absent(fact, "no series");
        } else {
            world.fact_reads(fact, value);
        }
    }
    world.passes(seconds(40)).await;
    let view = world.view(change).await;
    assert_eq!(view.word, "escalated", "{expected:?} is closed by no machine");
    assert!(
        matches!(view.change.state, State::Escalated { judgement, .. } if judgement == Some(expected)),
        "{facts:?}: {:?}",
        view.change.state
    );
}

#[tokio::test]
async fn everything_but_lasting_improvement_goes_to_a_person() {
    check(&[("host_drained", "1")], Judgement::Unchanged).await;
    check(&[("host_drained", "1"), ("shop_errors_low", "0.001"), ("healthy_peers", "0.3")], Judgement::Shifted).await;
    check(&[("host_drained", "1"), ("shop_errors_low", "")], Judgement::Inconclusive).await;
    check(&[("host_drained", "1"), ("shop_errors_low", "0.001"), ("healthy_peers", "")], Judgement::Inconclusive).await;
}

#[tokio::test]
async fn what_was_well_before_and_is_not_any_more_is_worse() {
    let world = World::new().await;
    world.fact_reads("host_drained", "1");
    let change = drained(&world).await;
    world.fact_reads("host_drained", "0");
    world.passes(seconds(40)).await;
    let view = world.view(change).await;
    assert!(matches!(view.change.state, State::Escalated { judgement: Some(Judgement::Worse), .. }), "{:?}", view.change.state);
}

#[tokio::test]
async fn green_for_less_than_the_soak_does_not_count() {
    let world = World::new().await;
    let change = drained(&world).await;
    for _ in 0..4 {
        world.fact_reads("host_drained", "1");
        world.fact_reads("shop_errors_low", "0.001");
        world.passes(seconds(4)).await;
        world.fact_reads("shop_errors_low", "0.2");
        world.passes(seconds(2)).await;
        assert_eq!(world.word(change).await, "verifying");
    }
}

#[tokio::test]
async fn what_the_catalogue_leaves_to_people_is_closed_by_no_machine_however_green() {
    let world = World::new().await;
    let change = renamed_and_signed(&world).await;
    world.settle().await;
    world.fact_reads("dns_right", "1");
    world.passes(seconds(10)).await;
    let view = world.view(change).await;
    assert!(matches!(view.change.state, State::Escalated { judgement: Some(Judgement::Improved), .. }), "{:?}", view.change.state);

    world.person("alice").declares(change, true).await.unwrap();
    assert_eq!(world.word(change).await, "succeeded");
    let again = world.person("alice").declares(change, false).await;
    assert!(matches!(again, Err(EngineError::Change(_))), "a person's word is not overruled: {again:?}");
}

#[tokio::test]
async fn a_person_overrules_green() {
    let world = World::new().await;
    let change = drained(&world).await;
    world.fact_reads("host_drained", "1");
    world.fact_reads("shop_errors_low", "0.001");
    world.passes(seconds(10)).await;
    assert_eq!(world.word(change).await, "succeeded");
    world.person("frank").declares(change, false).await.unwrap();
    assert_eq!(world.word(change).await, "failed");
    let agent = lineclear_engine::Caller::Agent(*world.engine().estate().directory.agents.keys().next().unwrap());
    let machine = world.engine().declare(&agent, change, true, "it is green".into()).await;
    assert!(matches!(machine, Err(EngineError::PeopleOnly)), "{machine:?}");
}

#[tokio::test]
async fn a_person_takes_back_what_did_not_help() {
    let world = World::new().await;
    let change = drained(&world).await;
    world.passes(seconds(40)).await;
    assert_eq!(world.word(change).await, "escalated");
    world.person("frank").takes_back(change).await.unwrap();
    assert_eq!(world.word(change).await, "undoing");
    world.settle().await;
    assert_eq!(world.word(change).await, "undone");
    assert_eq!(world.production().get("shop/web-1"), "ready");
    let again = world.person("frank").takes_back(change).await;
    assert!(matches!(again, Err(EngineError::Change(_))), "{again:?}");
}

#[tokio::test]
async fn taking_back_something_that_people_signed_works_with_their_signatures_long_after_they_lapsed() {
    let world = World::new().await;
    let change = renamed_and_signed(&world).await;
    world.settle().await;
    world.passes(seconds(40)).await;
    assert_eq!(world.word(change).await, "escalated");
    world.sleeps(seconds(3 * 24 * 3_600));
    world.person("erin").takes_back(change).await.unwrap();
    world.settle().await;
    assert_eq!(world.word(change).await, "undone");
    assert_eq!(world.production().get("www.example.test A"), "192.0.2.10");
}

#[tokio::test]
async fn a_tool_that_says_it_worked_and_whose_check_does_not_hold_has_failed() {
    let world = World::new().await;
    world.runner().next("drain", Manner::FailsPartly);
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "undone");
}
