//! What need not wake anybody.

use lineclear_core::incident::Severity;
use lineclear_core::signal::{Signal, SignalState};
use lineclear_testkit::{Northwind, World, minutes, seconds};

use super::{goes_wrong, house, signal};

#[tokio::test]
async fn a_false_positive_pages_nobody() {
    let world = World::of(&house()).await;
    let blip: Signal = signal(&world, "mail", "a", "critical");
    world.engine().receive(vec![blip.clone()]).await.unwrap();
    world.passes(seconds(8)).await;
    world.engine().receive(vec![Signal { state: SignalState::Resolved, ..blip }]).await.unwrap();
    goes_wrong(&world, "panel", "info").await;
    world.passes(minutes(10)).await;
    assert_eq!(world.pages().await, []);
}

/// With quiet hours for what is mild, until half past six.
fn quiet_house() -> Northwind {
    let quiet = "quiet:\n  - { severities: [4, 5], from: \"22:00\", until: \"06:30\", zone: UTC }\n";
    house().changed("escalation/everything.yaml", "repeat: 1\n", &format!("repeat: 1\n{quiet}"))
}

#[tokio::test]
async fn what_is_mild_waits_for_the_morning() {
    let world = World::of(&quiet_house()).await;
    goes_wrong(&world, "mail", "warning").await;
    world.passes(seconds(30)).await;
    world.pager("bob").expect_silence().await;
    let morning = "2026-11-22T06:30:00Z".parse::<lineclear_core::Timestamp>().unwrap();
    world.sleeps((morning - seconds(1)).since(world.now()));
    world.settle().await;
    world.pager("bob").expect_silence().await;
    world.passes(seconds(2)).await;
    let rang = world.pager("bob").rang().await;
    assert_eq!(rang.len(), 1);
    assert!(rang[0].1 >= morning && rang[0].1 <= morning + seconds(1), "{rang:?}");
}

#[tokio::test]
async fn what_becomes_bad_at_night_does_not_wait() {
    let world = World::of(&quiet_house()).await;
    let incident = goes_wrong(&world, "mail", "warning").await;
    world.passes(seconds(30)).await;
    world.pager("bob").expect_silence().await;
    let dave = world.pager("dave").caller();
    world.engine().grade(&dave, incident, Severity::try_from(2).unwrap()).await.unwrap();
    let graded = world.now();
    world.settle().await;
    assert_eq!(world.pager("bob").rang_after(graded).await, [0]);
}

#[tokio::test]
async fn what_has_resolved_looks_for_nobody_until_it_fires_again() {
    let world = World::of(&house()).await;
    let down = signal(&world, "mail", "a", "critical");
    world.engine().receive(vec![down.clone()]).await.unwrap();
    world.passes(seconds(10)).await;
    world.engine().receive(vec![Signal { state: SignalState::Resolved, ..down.clone() }]).await.unwrap();
    world.passes(minutes(5)).await;
    world.pager("alice").expect_silence().await;
    let again = Signal { starts: world.now(), ..down };
    world.engine().receive(vec![again]).await.unwrap();
    let fired = world.now();
    world.passes(seconds(1)).await;
    assert_eq!(world.pager("bob").rang().await.iter().filter(|(_, at)| at.since(fired) <= seconds(1) && *at >= fired).count(), 1);
}
