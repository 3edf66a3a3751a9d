//! P3, T2, T3 and T4: what people saw is what runs. Anything else is asked again, with the difference.

use lineclear_core::approval::{State, VoteRefusal};
use lineclear_core::statement::Decision;
use lineclear_core::{ApprovalId, ChangeId};
use lineclear_engine::EngineError;
use lineclear_testkit::{Northwind, World, sign};

use crate::{rename, renamed_and_signed};

/// What people are shown as different, and the request that asks them.
async fn asked_again(world: &World, change: ChangeId, before: ApprovalId) -> Vec<String> {
    assert_eq!(world.word(change).await, "awaiting_approval");
    let request = world.engine().request(change).await.unwrap();
    assert_ne!(request.request.id, before);
    assert!(matches!(request.state, State::Open { ref votes } if votes.is_empty()), "earlier votes count for nothing");
    assert_eq!(world.production().effects(), []);
    world.view(change).await.change.differences.into_iter().map(|difference| difference.what).collect()
}

#[tokio::test]
async fn inputs_changed_after_the_approval_void_it_and_the_difference_is_asked() {
    let world = World::new().await;
    let change = renamed_and_signed(&world).await;
    let before = world.engine().request(change).await.unwrap().request.id;
    world.agent().tries_to_amend(change, &[("name", "www.example.test"), ("from", "192.0.2.10"), ("to", "192.0.2.66")]).await.unwrap();
    world.settle().await;
    assert_eq!(asked_again(&world, change, before).await, ["inputs.to"]);
    assert!(world.kinds(change).await.contains(&"approval.withdrawn/1".to_owned()));

    world.person("alice").approves(change).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "awaiting_approval", "one of two, again");
}

#[tokio::test]
async fn a_statement_signed_for_what_was_asked_before_counts_for_nothing_now() {
    let world = World::new().await;
    let change = rename(&world).await;
    let (old, text) = world.person("bob").statement(change, Decision::Approve, "").await;
    world.agent().tries_to_amend(change, &[("name", "www.example.test"), ("from", "192.0.2.10"), ("to", "192.0.2.66")]).await.unwrap();
    world.settle().await;
    let new = world.engine().request(change).await.unwrap().request.id;

    let late = world.person("bob").casts(old, text.clone(), sign("bob", &text)).await;
    assert!(matches!(late, Err(EngineError::VoteRefused { why: VoteRefusal::NotOpen { .. }, .. })), "{late:?}");
    let moved = world.person("bob").casts(new, text.clone(), sign("bob", &text)).await;
    assert!(matches!(moved, Err(EngineError::VoteRefused { why: VoteRefusal::Mismatch { .. }, .. })), "{moved:?}");
}

#[tokio::test]
async fn another_policy_after_the_approval_asks_again() {
    let stricter = Northwind::default().changed("policies/high.cedar", "// High risk.", "// High risk, read again.");
    let mut world = World::new().await;
    let granted = world.estate_is_granted(&stricter).await;
    let change = renamed_and_signed(&world).await;
    let before = world.engine().request(change).await.unwrap().request.id;
    world.person("bob").activates(granted).await.unwrap();
    world.engine_restarts_under(&stricter).await;
    world.settle().await;
    assert_eq!(asked_again(&world, change, before).await, ["policy"]);

    world.person("alice").approves(change).await;
    world.person("bob").approves(change).await;
    world.settle().await;
    assert_eq!(world.production().effects().len(), 1);
}

#[tokio::test]
async fn a_policy_that_now_forbids_releases_nothing_that_was_approved_before() {
    let never = "@id(\"never\")\n@title(\"Names stay as they are\")\nforbid (principal, action == Action::\"dns.update\", resource);\n";
    let stricter = Northwind::default().with("policies/never.cedar", never).without_stories();
    let mut world = World::new().await;
    let granted = world.estate_is_granted(&stricter).await;
    let change = renamed_and_signed(&world).await;
    world.person("bob").activates(granted).await.unwrap();
    world.engine_restarts_under(&stricter).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "denied");
    assert!(world.kinds(change).await.contains(&"approval.withdrawn/1".to_owned()));
    assert_eq!(world.production().effects(), []);
}

#[tokio::test]
async fn a_world_that_moved_after_the_approval_is_asked_again_with_the_difference() {
    let world = World::new().await;
    let change = renamed_and_signed(&world).await;
    let before = world.engine().request(change).await.unwrap().request.id;
    world.production().set("www.example.test A", "192.0.2.77");
    world.settle().await;
    let differences = asked_again(&world, change, before).await;
    assert!(differences.contains(&"plan[0].preview.before".to_owned()), "{differences:?}");
}

#[tokio::test]
async fn a_fact_that_turned_after_the_approval_is_asked_again_with_the_difference() {
    let world = World::new().await;
    let change = renamed_and_signed(&world).await;
    let before = world.engine().request(change).await.unwrap().request.id;
    world.fact_reads("dns_right", "1");
    world.settle().await;
    let differences = asked_again(&world, change, before).await;
    assert!(differences.contains(&"situation.evidence.dns_right".to_owned()), "{differences:?}");
}

#[tokio::test]
async fn new_readings_that_say_the_same_are_no_difference() {
    let world = World::new().await;
    world.fact_reads("dns_watched", "0");
    let change = renamed_and_signed(&world).await;
    world.fact_reads_since("dns_watched", "0", lineclear_testkit::seconds(20));
    world.settle().await;
    assert_eq!(world.production().effects().len(), 1);
    assert_eq!(world.word(change).await, "verifying");
}
