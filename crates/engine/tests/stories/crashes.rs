//! The engine's process ends after each write, and once more before each: nothing is lost and nothing is done twice.

use lineclear_core::ChangeId;
use lineclear_core::statement::Decision;
use lineclear_testkit::{Break, Manner, World, seconds, sign};

use crate::RENAME;

/// What the runner does wrong in a schedule, beside the engine that ends.
#[derive(Debug, Clone, Copy)]
enum Beside {
    Nothing,
    Vanishing(Manner),
    FailedCheck,
}

/// The whole story of a record that two people change; every step of it may find the store broken, and is then told again.
async fn tell(world: &mut World, change: &mut Option<ChangeId>) {
    if change.is_none() {
        let proposed = world.agent().once("the one").tries_to_propose("dns.update", "zone/example.test", RENAME).await;
        *change = proposed.ok().map(|proposed| proposed.change);
    }
    revived(world).await;
    let Some(change) = *change else { return };
    settled(world).await;
    for login in ["alice", "bob"] {
        if world.view(change).await.word == "awaiting_approval" {
            vote(world, change, login).await;
            revived(world).await;
            settled(world).await;
        }
    }
}

/// A person answers; a vote that was taken though nobody heard of it is refused the second time, and that is fine.
async fn vote(world: &World, change: ChangeId, login: &str) {
    let Ok(request) = world.engine().request(change).await else { return };
    let person = world.person(login);
    let (id, text) = person.statement(change, Decision::Approve, "").await;
    assert_eq!(id, request.request.id);
    let signature = sign(login, &text);
    let _ = person.casts(id, text, signature).await;
}

async fn revived(world: &mut World) {
    if world.disk().broken() {
        world.engine_restarts().await;
    }
}

async fn settled(world: &mut World) {
    while world.try_settle().await.is_err() || world.disk().broken() {
        revived(world).await;
    }
}

/// One schedule: the store breaks at this write, in this way. False once the story has fewer writes.
async fn schedule(at: u64, how: Break, beside: Beside) -> bool {
    let mut world = World::new().await;
    match beside {
        Beside::Nothing => {}
        Beside::Vanishing(manner) => world.runner().next("switch", manner),
        Beside::FailedCheck => world.runner().next("switch", Manner::FailsPartly),
    }
    world.disk().breaks_at(at, how);
    let (mut change, mut broke) = (None, false);
    for _ in 0..120 {
        tell(&mut world, &mut change).await;
        broke |= world.engine().installation().await.unwrap().epoch > 1;
        world.sleeps(seconds(1));
        settled(&mut world).await;
        let Some(change) = change else { continue };
        if world.at_rest(change).await {
            break;
        }
        if world.word(change).await == "verifying" {
            world.fact_reads("dns_right", "1");
        }
    }
    let change = change.unwrap();
    let context = format!("write {at}, {how:?}, {beside:?}\n{}", world.tale(change).await);
    let word = world.word(change).await;
    let effects = world.production().effects();
    let forwards = effects.iter().filter(|effect| effect.attempt.contains(" do ")).count();
    assert!(forwards <= 1, "{context}");
    let value = world.production().get("www.example.test A");
    match word {
        "escalated" => assert_eq!((forwards, value.as_str()), (1, "192.0.2.11"), "whole: {context}"),
        "undone" => assert_eq!(value, "192.0.2.10", "undone: {context}"),
        "stuck" => {}
        other => panic!("{other}: {context}"),
    }
    if let Beside::Nothing = beside {
        assert_eq!(word, "escalated", "a runner that does what it should is believed: {context}");
    }
    assert_eq!(world.unrecorded_effects(change).await, Vec::<String>::new(), "{context}");
    let counts = world.engine().store().counts().await.unwrap();
    let changes: u64 = counts.iter().filter(|(kind, _, _)| kind == "change").map(|(_, _, count)| count).sum();
    assert_eq!(changes, 1, "{context}");
    broke
}

#[tokio::test]
async fn requests_that_wait_for_people_outlive_the_engine() {
    let mut world = World::new().await;
    let mut waiting = Vec::new();
    for _ in 0..25 {
        waiting.push(crate::rename(&world).await);
    }
    for change in &waiting {
        world.person("bob").approves(*change).await;
    }
    world.engine_restarts().await;
    assert_eq!(world.engine().installation().await.unwrap().epoch, 2);
    world.settle().await;
    for change in &waiting {
        let request = world.engine().request(*change).await.unwrap();
        assert_eq!(request.votes().len(), 1, "what was answered before still counts");
    }
    world.person("alice").approves(waiting[7]).await;
    world.settle().await;
    assert_eq!(world.production().effects().len(), 1);
    assert_eq!(world.word(waiting[7]).await, "verifying");
}

async fn every_schedule(beside: Beside) {
    for how in [Break::BeforeCommit, Break::AfterCommit] {
        let mut at = 1;
        while schedule(at, how, beside).await {
            at += 1;
        }
        assert!(at > 9, "only {at} writes: the story was not told");
    }
}

#[tokio::test]
async fn the_engine_ends_at_every_write() {
    every_schedule(Beside::Nothing).await;
}

#[tokio::test]
async fn the_engine_ends_at_every_write_while_the_runner_vanishes_after_the_effect() {
    every_schedule(Beside::Vanishing(Manner::VanishesAfterEffect)).await;
}

#[tokio::test]
async fn the_engine_ends_at_every_write_while_the_runner_vanishes_before_the_effect() {
    every_schedule(Beside::Vanishing(Manner::VanishesBeforeEffect)).await;
}

#[tokio::test]
async fn the_engine_ends_at_every_write_while_the_runner_vanishes_with_the_warrant_in_its_hands() {
    every_schedule(Beside::Vanishing(Manner::VanishesBeforeJournal)).await;
}

#[tokio::test]
async fn the_engine_ends_at_every_write_while_the_step_fails_and_is_taken_back() {
    every_schedule(Beside::FailedCheck).await;
}
