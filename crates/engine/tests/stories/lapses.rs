//! P7, T7 and T9: silence is neither yes nor no, and an answer counts once.

use lineclear_core::approval::{self, VoteRefusal};
use lineclear_core::machine::Machine as _;
use lineclear_core::record::{Event, Stream};
use lineclear_core::situation::Actor;
use lineclear_core::statement::Decision;
use lineclear_engine::EngineError;
use lineclear_testkit::{World, minutes, seconds, sign};

use crate::rename;

#[tokio::test]
async fn an_unanswered_request_lapses_by_the_clock_and_a_late_vote_counts_for_nothing() {
    let world = World::new().await;
    let change = rename(&world).await;
    let (request, text) = world.person("alice").statement(change, Decision::Approve, "").await;
    world.person("bob").approves(change).await;
    world.passes(minutes(14)).await;
    assert_eq!(world.word(change).await, "awaiting_approval");
    world.passes(minutes(1)).await;
    assert_eq!(world.word(change).await, "lapsed");

    let events = world.events(Stream::Approval(request)).await;
    let lapsed = events.iter().find(|stored| stored.happened.event == Event::Approval(approval::Event::Lapsed)).unwrap();
    assert_eq!(lapsed.happened.by, Actor::Engine, "the clock did it, and nobody else");

    let late = world.person("alice").casts(request, text.clone(), sign("alice", &text)).await;
    assert!(matches!(late, Err(EngineError::VoteRefused { why: VoteRefusal::Late { .. }, .. })), "{late:?}");
    let events = world.events(Stream::Approval(request)).await;
    assert_eq!(events.last().unwrap().happened.event.kind(), "approval.vote_refused/1");
    world.passes(seconds(30)).await;
    assert_eq!(world.word(change).await, "lapsed");
    assert_eq!(world.production().effects(), []);
}

#[tokio::test]
async fn a_vote_at_the_very_moment_of_the_lapse_is_late_though_nobody_has_looked_yet() {
    let world = World::new().await;
    let change = rename(&world).await;
    let (request, text) = world.person("alice").statement(change, Decision::Approve, "").await;
    world.person("bob").approves(change).await;
    world.sleeps(minutes(15));
    let late = world.person("alice").casts(request, text.clone(), sign("alice", &text)).await;
    assert!(matches!(late, Err(EngineError::VoteRefused { why: VoteRefusal::Late { .. }, .. })), "{late:?}");
    world.settle().await;
    assert_eq!(world.word(change).await, "lapsed");
}

#[tokio::test]
async fn an_approval_that_outlived_its_time_before_the_engine_came_back_lapses_and_starts_nothing() {
    let mut world = World::new().await;
    let change = rename(&world).await;
    world.passes(minutes(5)).await;
    world.person("alice").approves(change).await;
    world.person("bob").approves(change).await;
    let request = world.engine().request(change).await.unwrap().request.id;
    world.sleeps(minutes(11));
    world.engine_restarts().await;
    world.settle().await;
    assert_eq!(world.word(change).await, "lapsed");
    let kinds = world.kinds(change).await;
    assert!(kinds.contains(&"approval.lapsed/1".to_owned()), "{kinds:?}");
    assert_eq!(world.events(Stream::Approval(request)).await.last().unwrap().happened.by, Actor::Engine);
    assert_eq!(world.production().effects(), []);
}

#[tokio::test]
async fn an_approval_that_was_used_cannot_be_used_again() {
    let world = World::new().await;
    let change = rename(&world).await;
    let (request, text) = world.person("bob").statement(change, Decision::Approve, "").await;
    world.person("alice").approves(change).await;
    world.person("bob").casts(request, text.clone(), sign("bob", &text)).await.unwrap();
    world.settle().await;
    assert_eq!(world.engine().request(change).await.unwrap().word(), "consumed");

    let again = world.person("bob").casts(request, text.clone(), sign("bob", &text)).await;
    assert!(matches!(again, Err(EngineError::VoteRefused { why: VoteRefusal::NotOpen { .. }, .. })), "{again:?}");

    world.production().set("www.example.test A", "192.0.2.10");
    world.passes(minutes(2)).await;
    world.person("dave").declares(change, true).await.unwrap();
    let second = rename(&world).await;
    let fresh = world.engine().request(second).await.unwrap().request.id;
    let replayed = world.person("bob").casts(fresh, text.clone(), sign("bob", &text)).await;
    assert!(matches!(replayed, Err(EngineError::VoteRefused { why: VoteRefusal::Mismatch { .. }, .. })), "{replayed:?}");
    world.passes(seconds(30)).await;
    assert_eq!(world.production().effects().len(), 1);
}
