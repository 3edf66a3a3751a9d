//! The warrant: a stolen control plane, with the real key in its hands, still cannot make the runner do what nobody signed
//! or nobody recorded.

use lineclear_core::run::Resolution;
use lineclear_testkit::{Tamper, World, seconds};
use lineclear_warrant::Warrant;

use crate::{renamed_and_signed, stuck_because};

async fn check(tamper: Tamper, code: &str) {
    let world = World::new().await;
    let change = renamed_and_signed(&world).await;
    world.runner().next_warrant(tamper);
    world.passes(seconds(3)).await;
    assert_eq!(world.runner().refusals(), [code]);
    assert_eq!(world.word(change).await, "stuck", "{code}");
    let why = stuck_because(&world, change).await;
    assert!(why.starts_with("the runner refused: "), "{why}");
    assert_eq!(world.production().effects(), [], "{code}");

    world.person("alice").resolves(change, Resolution::Retry).await.unwrap();
    world.settle().await;
    assert_eq!(world.production().effects().len(), 1, "{code}: an honest warrant is good");
}

#[tokio::test]
async fn whatever_is_changed_in_a_warrant_the_runner_finds_it() {
    check(|warrant| warrant.votes.clear(), "unsigned").await;
    check(|warrant| drop(warrant.votes.pop()), "unsigned").await;
    check(|warrant| warrant.votes[1] = warrant.votes[0].clone(), "bad_vote").await;
    check(|warrant| warrant.votes[0].statement = warrant.votes[0].statement.replace("I looked", "I never looked"), "bad_vote").await;
}

#[tokio::test]
async fn what_was_not_recorded_or_not_proven_is_not_done() {
    check(|warrant| warrant.entry = String::new(), "no_record").await;
    check(|warrant| warrant.ticket = String::new(), "no_proof").await;
    check(|warrant| warrant.deadline = warrant.deadline + seconds(60), "no_record").await;
    check(|warrant| warrant.epoch += 1, "no_record").await;
    check(other_call, "no_record").await;
}

fn other_call(warrant: &mut Warrant) {
    warrant.call.with.insert("with".into(), serde_json::json!(["203.0.113.66"]));
}

#[tokio::test]
async fn what_was_approved_for_something_else_is_not_done() {
    check(|warrant| warrant.target = "zone/other.test".parse().unwrap(), "wrong_bundle").await;
    check(|warrant| warrant.verify = None, "wrong_bundle").await;
    check(|warrant| warrant.risk = lineclear_core::catalogue::Risk::Low, "wrong_bundle").await;
    check(|warrant| warrant.action = "pool.drain_host".parse().unwrap(), "not_allowed").await;
    check(|warrant| warrant.audience = "ledger.elsewhere.example/g1".into(), "wrong_audience").await;
    check(|warrant| warrant.nonce = "0".repeat(64), "stale_nonce").await;
}

#[tokio::test]
async fn a_warrant_that_is_over_is_worth_nothing() {
    let world = World::new().await;
    let change = renamed_and_signed(&world).await;
    world.runner().clock_runs_ahead(seconds(3_600));
    world.settle().await;
    assert_eq!(world.runner().refusals(), ["expired"]);
    assert_eq!(world.word(change).await, "stuck");
    assert_eq!(world.production().effects(), []);
}

#[tokio::test]
async fn a_warrant_sent_twice_is_acted_on_once() {
    let world = World::new().await;
    world.runner().next("drain", lineclear_testkit::Manner::FailsClean);
    let change = crate::drain(&world).await;
    while world.runner().warrants().is_empty() {
        world.beat().await.unwrap();
        world.one_turn().await;
    }
    let first = world.runner().warrants()[0].clone();
    world.runner().next_warrant_is(first);
    world.settle().await;
    assert_eq!(world.runner().refusals(), ["stale_nonce"]);
    assert_eq!(world.production().effects(), []);
    // The attempt whose warrant was kept back never reached the runner; that is found out, and it is tried again.
    world.passes(seconds(10)).await;
    assert_eq!(world.production().touched("shop/web-1"), 1);
    assert_eq!(world.word(change).await, "verifying");
}

#[tokio::test]
async fn a_warrant_sealed_anew_for_an_attempt_that_was_made_is_refused_from_the_runners_own_journal() {
    let world = World::new().await;
    let change = renamed_and_signed(&world).await;
    world.settle().await;
    assert_eq!(world.production().effects().len(), 1);
    let spent = world.runner().warrants()[0].clone();
    world.production().set("www.example.test A", "192.0.2.10");
    assert_eq!(world.hand_over_again(&spent).await, "replayed");
    assert_eq!(world.production().effects().len(), 1);
    assert_eq!(world.word(change).await, "verifying");
}
