//! Runners on other machines: who is let in, who is given what, and what becomes of an attempt whose runner falls silent.

use lineclear_core::run::Resolution;
use lineclear_core::runner::{Act, RunnerKey};
use lineclear_engine::{Caller, EngineError, LOST_AFTER};
use lineclear_testkit::{Manner, Northwind, World, seconds};
use lineclear_warrant::{Answer, Beat, Knowledge, Poll, Report};

use crate::{drain, stuck_because};

const DRAIN: &str = "runbooks/drain-host.yaml";

/// The example, with its draining near the hosts of Berlin.
fn near_berlin() -> Northwind {
    let near = Northwind::default().changed(DRAIN, "steps:", "runs_on: [site=ber]\nsteps:");
    // Long enough for a person to be asked about what a lost runner held.
    near.changed(DRAIN, "deadline: 3m", "deadline: 15m")
}

fn person(world: &World, login: &str) -> Caller {
    let name = login.parse().unwrap();
    Caller::Operator(world.engine().estate().directory.operator(&name).unwrap().id)
}

fn machine(world: &World) -> Caller {
    let name = "triage-agent".parse().unwrap();
    Caller::Agent(world.engine().estate().directory.agent(&name).unwrap().id)
}

async fn kinds(world: &World, runner: lineclear_core::RunnerId) -> Vec<String> {
    let events = world.events(lineclear_core::record::Stream::Runner(runner)).await;
    events.into_iter().map(|stored| stored.happened.event.kind()).collect()
}

#[tokio::test]
async fn a_token_lets_one_runner_in_once_and_a_thief_who_shows_it_again_is_on_record() {
    let world = World::new().await;
    let engine = world.engine();
    let invitation = engine.invite_runner(&person(&world, "frank"), "ber-1".parse().unwrap(), "site=ber".parse().unwrap()).await.unwrap();
    let enrol = async |token: &str, key: u8| engine.enrol_runner(token, RunnerKey::from_bytes([key; 32]), "1").await;
    let other = invitation.token.replace('0', "1");
    assert!(matches!(enrol(&other, 7).await, Err(EngineError::NoInvitation)), "another token");
    let told = enrol(&invitation.token, 7).await.unwrap();
    assert_eq!((told.runner, told.name.as_str(), told.labels.to_string()), (invitation.runner, "ber-1", "site=ber".into()));
    assert_eq!(enrol(&invitation.token, 7).await.unwrap(), told, "its own answer was lost, and it asks again");
    for _ in 0..2 {
        assert!(matches!(enrol(&invitation.token, 8).await, Err(EngineError::Runner(_))), "a thief");
    }
    assert_eq!(kinds(&world, invitation.runner).await, ["runner.invited/1", "runner.enrolled/1", "runner.token_shown_again/1"]);
    assert_eq!(engine.runner_key(invitation.runner).await.unwrap(), RunnerKey::from_bytes([7; 32]));
    let kept = world.events(lineclear_core::record::Stream::Runner(invitation.runner)).await;
    assert!(!format!("{kept:?}").contains(&invitation.token), "the token itself is kept nowhere");
}

#[tokio::test]
async fn an_invitation_that_nobody_takes_up_lapses() {
    let world = World::new().await;
    let invitation = world.engine().invite_runner(&person(&world, "frank"), "ber-1".parse().unwrap(), "".parse().unwrap()).await.unwrap();
    world.sleeps(seconds(3_600));
    world.settle().await;
    assert_eq!(kinds(&world, invitation.runner).await, ["runner.invited/1", "runner.lapsed/1"]);
    let late = world.engine().enrol_runner(&invitation.token, RunnerKey::from_bytes([7; 32]), "1").await;
    assert!(matches!(late, Err(EngineError::Runner(_))));
}

#[tokio::test]
async fn only_people_look_after_runners() {
    let world = World::new().await;
    let runner = world.runner_comes("ber-1", "site=ber").await;
    let (engine, agent) = (world.engine(), machine(&world));
    let refused = |error: EngineError| assert!(matches!(error, EngineError::PeopleOnly), "{error}");
    refused(engine.invite_runner(&agent, "muc-1".parse().unwrap(), "".parse().unwrap()).await.unwrap_err());
    refused(engine.runners(&agent).await.unwrap_err());
    for act in [Act::Drain, Act::Resume, Act::Revoke] {
        refused(engine.act_on_runner(&agent, runner.id(), act, "because").await.unwrap_err());
    }
    let taken = engine.invite_runner(&person(&world, "alice"), "ber-1".parse().unwrap(), "".parse().unwrap()).await;
    assert!(matches!(taken, Err(EngineError::NameTaken(_))));
}

#[tokio::test]
async fn a_step_is_given_only_to_a_runner_that_carries_its_labels_and_without_one_the_change_says_so() {
    let world = World::of(&near_berlin()).await;
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "blocked");
    let said = format!("{:?}", world.view(change).await.change.dossier().unwrap().faults);
    assert!(said.contains("no runner that carries `site=ber` is connected"), "{said}");
    // Nothing else waits for that: what needs no label goes on.
    let other = world.agent().proposes("cache.purge", "cache/edge", &[]).await;
    world.settle().await;
    assert_eq!(world.word(other).await, "awaiting_approval");
    let munich = world.runner_comes("muc-1", "site=muc").await;
    let berlin = world.runner_comes("ber-1", "site=ber, zone=b").await;
    world.settle().await;
    world.passes(seconds(30)).await;
    assert_eq!(world.word(change).await, "verifying", "{}", world.tale(change).await);
    assert_eq!((munich.warrants().len(), world.runner().warrants().len()), (0, 0));
    assert!(!berlin.warrants().is_empty());
    assert_eq!(world.unrecorded_effects(change).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_drained_runner_is_given_nothing_new_and_a_revoked_one_is_not_heard() {
    let world = World::of(&near_berlin()).await;
    let berlin = world.runner_comes("ber-1", "site=ber").await;
    world.settle().await;
    let (engine, frank) = (world.engine(), person(&world, "frank"));
    let view = engine.act_on_runner(&frank, berlin.id(), Act::Drain, "a new kernel").await.unwrap();
    assert_eq!((view.state, view.connected), ("draining", true));
    let change = drain(&world).await;
    world.settle().await;
    assert_eq!(world.word(change).await, "blocked", "nobody who works carries it");
    engine.act_on_runner(&frank, berlin.id(), Act::Resume, "the kernel is new").await.unwrap();
    world.passes(seconds(30)).await;
    assert_eq!(world.word(change).await, "verifying", "{}", world.tale(change).await);
    engine.act_on_runner(&frank, berlin.id(), Act::Revoke, "its disk was sold").await.unwrap();
    let poll = Poll { runner: berlin.id(), nonce: "ab".repeat(32), head: None };
    assert!(matches!(engine.poll(poll).await, Err(EngineError::UnknownRunner(_))));
    let beat = Beat { version: "1".into(), sandbox: "none".into(), stopping: false, head: None };
    assert!(matches!(engine.heartbeat(berlin.id(), beat).await, Err(EngineError::UnknownRunner(_))));
    let answer = Answer::Preview { question: 1, result: Err("still here".into()) };
    assert!(matches!(engine.answer(berlin.id(), answer), Err(EngineError::UnknownRunner(_))));
    assert!(matches!(engine.runner_key(berlin.id()).await, Err(EngineError::UnknownRunner(_))));
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_waits_for_work_while_it_is_revoked_is_sent_away() {
    let world = World::new().await;
    let berlin = world.runner_comes("ber-1", "site=ber").await;
    let engine = world.engine().clone();
    let (id, frank) = (berlin.id(), person(&world, "frank"));
    let waiting = tokio::spawn({
        let engine = engine.clone();
        async move { engine.poll(Poll { runner: id, nonce: "ab".repeat(32), head: None }).await }
    });
    tokio::task::yield_now().await;
    engine.act_on_runner(&frank, id, Act::Revoke, "its disk was sold").await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Err(EngineError::UnknownRunner(_))));
}

/// Lets a runner in Berlin take the first step of a change and fall silent in it, long enough to be lost.
async fn lost(world: &World, manner: Manner) -> (std::sync::Arc<lineclear_testkit::FakeRunner>, lineclear_core::ChangeId) {
    let berlin = world.runner_comes("ber-1", "site=ber").await;
    let spare = world.runner_comes("ber-2", "site=ber").await;
    spare.falls_silent();
    world.settle().await;
    berlin.next("drain", manner);
    let change = drain(world).await;
    while berlin.warrants().is_empty() {
        world.beat().await.unwrap();
        tokio::task::yield_now().await;
        world.one_turn().await;
        if world.view(change).await.run.is_some() {
            world.turn_of(&berlin).await;
        }
    }
    berlin.falls_silent();
    spare.comes_back();
    tokio::time::advance(LOST_AFTER).await;
    world.turn_of(&spare).await;
    world.passes(seconds(5)).await;
    (berlin, change)
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_runner_holds_is_unknown_and_given_to_nobody_until_it_is_back_with_its_journal() {
    let world = World::of(&near_berlin()).await;
    let (berlin, change) = lost(&world, Manner::VanishesAfterEffect).await;
    assert!(world.kinds(change).await.contains(&"run.became_unknown/1".to_owned()), "{:?}", world.kinds(change).await);
    world.passes(seconds(60)).await;
    let drained = || world.production().effects().iter().filter(|effect| effect.attempt.starts_with("drain")).count();
    assert_eq!(drained(), 1, "the other runner of the same place was given it by guess");
    assert_eq!(world.word(change).await, "running");
    berlin.comes_back();
    world.passes(seconds(10)).await;
    assert!(world.kinds(change).await.contains(&"run.probed/1".to_owned()));
    assert_eq!((world.word(change).await, drained()), ("verifying", 1));
}

#[tokio::test(start_paused = true)]
async fn a_person_decides_about_what_a_lost_runner_held() {
    let world = World::of(&near_berlin()).await;
    let (berlin, change) = lost(&world, Manner::VanishesBeforeEffect).await;
    world.passes(seconds(310)).await;
    assert_eq!(world.word(change).await, "stuck");
    assert!(stuck_because(&world, change).await.starts_with("nobody knows"));
    world.person("frank").resolves(change, Resolution::MarkNotApplied).await.unwrap();
    world.passes(seconds(10)).await;
    assert_eq!(world.word(change).await, "verifying", "{}", world.tale(change).await);
    berlin.comes_back();
    world.passes(seconds(10)).await;
    let effects: Vec<String> = world.production().effects().into_iter().map(|effect| effect.attempt).collect();
    assert_eq!(effects.iter().filter(|attempt| attempt.starts_with("drain")).count(), 1, "{effects:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_reports_or_answers_for_the_runner_that_holds_an_attempt() {
    let world = World::of(&near_berlin()).await;
    let (_, change) = lost(&world, Manner::VanishesBeforeEffect).await;
    let run = world.view(change).await.run.unwrap();
    let attempt = run.attempt().unwrap().0.key.clone();
    let liar = world.runner_comes("ber-3", "site=ber").await;
    world.turn_of(&liar).await;
    let report = Report::Succeeded { attempt: attempt.clone(), output: serde_json::json!({}) };
    world.engine().report(liar.id(), report.clone()).await.unwrap();
    assert_eq!(world.word(change).await, "running", "another runner's report was believed");
    let known = Answer::Known { question: 1, known: Knowledge::Reported { report } };
    world.engine().answer(liar.id(), known).unwrap();
    assert_eq!(world.word(change).await, "running", "another runner's answer was believed");
}
