//! The table of changes, and the stories behind its cells.

mod laws;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    BLOCKED_TTL, CLEARED_TTL, Change, Command, Effect, Event, Judgement, REFUSALS_MAX, Refusal, SAMPLES_MAX, SETTLE_MAX, Sample, State,
};
use crate::catalogue::{Closing, InputValue};
use crate::dossier::Difference;
use crate::id::RunId;
use crate::machine::Machine as _;
use crate::plan::EffectClass;
use crate::run::RunEnd;
use crate::sample::{MARK, after, agent, assessment, change_events, change_states, id, person, second, table, words};
use crate::situation::Actor;
use crate::time::{Span, Timestamp};

#[test]
fn the_table_of_states_and_events() {
    insta::assert_snapshot!(table(&change_states(), &change_events()));
}

#[test]
fn no_event_and_no_state_is_missing_from_the_table() {
    let events: BTreeSet<String> = change_events().iter().map(|(_, event)| event.word().into()).collect();
    assert_eq!(events, words(include_str!("event.rs"), "impl Event {"));
    let states: BTreeSet<String> = change_states().iter().map(|(_, state)| state.word().into()).collect();
    let outcomes = words(include_str!("event.rs"), "impl Outcome {");
    assert_eq!(states, &words(include_str!("../change.rs"), "impl Machine for Change") | &outcomes);
}

fn proposed() -> Change {
    after(&[change_events().remove(0).1])
}

fn advance(change: Change, command: Command, now: Timestamp) -> Change {
    let events = change.decide(command, now).unwrap();
    events.iter().fold(change, |change, event| change.apply(event).unwrap())
}

fn assess(change: Change, kind: &str, now: i64) -> Change {
    advance(change, Command::Assess(Box::new(assessment(kind, now, 1, 20))), second(now))
}

fn dispatch(kind: &str, hosts: u32, permitted: bool, now: i64) -> Command {
    let before = seen(now, Some(false));
    let assessment = Box::new(assessment(kind, now, hosts, 21));
    Command::Dispatch { assessment, permitted, run: RunId::new(id(30)), before }
}

fn seen(at: i64, goal: Option<bool>) -> Sample {
    Sample { at: second(at), goals: BTreeMap::from([("goal".parse().unwrap(), goal)]), neighbours: BTreeMap::new() }
}

fn approved() -> Change {
    advance(assess(proposed(), "needs", 1), Command::Approve, second(2))
}

#[test]
fn what_was_approved_starts_when_the_world_holds_still() {
    assert_eq!(advance(approved(), dispatch("needs", 1, true, 3), second(3)).word(), "running");
}

#[test]
fn a_world_that_moved_is_asked_about_again_with_the_difference() {
    let again = advance(approved(), dispatch("needs", 2, true, 3), second(3));
    assert_eq!((again.word(), again.rounds), ("awaiting_approval", 2));
    let expected = Difference { what: "situation.hosts".into(), before: "1".into(), after: "2".into() };
    assert_eq!(again.differences, [expected]);
}

#[test]
fn an_approval_does_not_outlive_policy_that_refuses_now() {
    assert_eq!(advance(approved(), dispatch("denied", 1, false, 3), second(3)).word(), "denied");
    assert_eq!(advance(approved(), dispatch("needs", 1, false, 3), second(3)).word(), "awaiting_approval");
    assert_eq!(advance(approved(), dispatch("faulty", 1, true, 3), second(3)).word(), "blocked");
}

#[test]
fn amended_inputs_void_the_approval_and_are_shown_when_asked_again() {
    let inputs = |to: &str| {
        BTreeMap::from([("to".parse().unwrap(), InputValue::Text(to.into())), ("ttl".parse().unwrap(), InputValue::Integer(60))])
    };
    for change in [assess(proposed(), "needs", 1), approved()] {
        let amended = advance(change, Command::Amend { by: agent(), inputs: inputs("b") }, second(3));
        assert_eq!((amended.word(), amended.approval(), amended.gate()), ("proposed", None, None));
        assert!(matches!(amended.decide(Command::Approve, second(4)), Err(Refusal::WrongState { .. })));
        assert!(matches!(amended.decide(dispatch("needs", 1, true, 4), second(4)), Err(Refusal::WrongState { .. })));
        let twice = advance(amended, Command::Amend { by: agent(), inputs: inputs("c") }, second(4));
        let asked = assess(twice, "needs", 5);
        let expected = Difference { what: "inputs.to".into(), before: MARK.into(), after: "c".into() };
        assert_eq!((asked.word(), asked.differences), ("awaiting_approval", vec![expected]));
    }
}

#[test]
fn what_nobody_was_asked_about_shows_no_difference() {
    let amended = advance(proposed(), Command::Amend { by: agent(), inputs: BTreeMap::new() }, second(1));
    assert_eq!(assess(amended, "needs", 2).differences, []);
}

#[test]
fn another_agent_touches_nothing() {
    let other = Actor::Agent(crate::id::AgentId::new(id(71)));
    let amend = Command::Amend { by: other, inputs: BTreeMap::new() };
    let withdraw = Command::Withdraw { by: other, reason: MARK.into() };
    for (command, expected) in [(amend, "amend"), (withdraw, "withdraw")] {
        let refusal = proposed().decide(command.clone(), second(1)).unwrap_err();
        assert!(matches!(refusal, Refusal::NotYours { .. }));
        let recorded = proposed().refused(&command, &refusal, second(1));
        assert!(matches!(&recorded[..], [Event::ActRefused { by, act, .. }] if *by == other && act == expected), "{recorded:?}");
    }
}

#[test]
fn refusals_are_recorded_up_to_a_bound() {
    let command = Command::Withdraw { by: Actor::Agent(crate::id::AgentId::new(id(71))), reason: MARK.into() };
    let mut change = proposed();
    let mut recorded = 0;
    for _ in 0..2 * REFUSALS_MAX {
        let refusal = change.decide(command.clone(), second(1)).unwrap_err();
        for event in change.refused(&command, &refusal, second(1)) {
            change = change.apply(&event).unwrap();
            recorded += 1;
        }
    }
    assert_eq!(recorded, REFUSALS_MAX);
}

#[test]
fn what_was_cleared_and_is_not_permitted_waits_without_news_and_lapses_in_its_time() {
    let cleared = assess(proposed(), "clear", 1);
    assert_eq!(cleared.decide(dispatch("clear", 1, false, 2), second(2)), Ok(Vec::new()));
    // On other ground it is news, yet its time is not renewed.
    let moved = advance(cleared, dispatch("clear", 2, false, 60), second(60));
    let until = second(1) + CLEARED_TTL;
    assert!(matches!(moved.state, State::Cleared { approval: None, until: still, .. } if still == until));
    assert_eq!(advance(moved, dispatch("clear", 2, true, 901), until).word(), "lapsed");
}

#[test]
fn nothing_lapses_before_its_time() {
    let blocked = assess(proposed(), "faulty", 1);
    assert_eq!(blocked.decide(Command::Lapse, second(2)), Ok(Vec::new()));
    assert_eq!(advance(blocked, Command::Lapse, second(1) + BLOCKED_TTL).word(), "lapsed");
    let cleared = assess(proposed(), "clear", 1);
    assert_eq!(cleared.decide(Command::Lapse, second(2)), Ok(Vec::new()));
    assert_eq!(advance(cleared, Command::Lapse, second(1) + CLEARED_TTL).word(), "lapsed");
}

/// Drives verification as the engine does: a sample whenever one is owed; the goals hold from `settled` seconds on.
fn verified(soak: u64, settled: i64) -> Change {
    let running = advance(assess(proposed(), "clear", 0), dispatch("clear", 1, true, 0), second(0));
    let mut change = advance(running, Command::EndRun { how: RunEnd::Done, soak: Span::from_secs(soak) }, second(0));
    let mut taken = 0;
    while let (State::Verifying { samples, .. }, Some(now)) = (&change.state, change.due()) {
        taken = samples.len() as u64 + 1;
        assert!(taken <= SAMPLES_MAX, "{taken} samples for a soak of {soak} s");
        assert_eq!(change.effects(now), [Effect::Sample]);
        let goal = Some(now >= second(settled));
        let sample = Sample { at: now, ..seen(0, goal) };
        change = advance(change, Command::Sample { sample, closing: Closing::Machine }, now);
    }
    assert!(taken > 0);
    change
}

#[test]
fn goals_reached_while_settling_and_held_for_the_soak_are_a_success_however_long_the_soak() {
    for soak in [1, 5, 28, 29, 60, 600, 1_770, 1_800, 3_600, 86_400] {
        for settled in [0, 1, 29, 30] {
            assert_eq!(verified(soak, settled).word(), "succeeded", "soak {soak} s, settled after {settled} s");
        }
        let pace = i64::try_from(soak).unwrap() / 58 + 2;
        let settle = i64::try_from(SETTLE_MAX.as_secs()).unwrap();
        assert_eq!(verified(soak, settle + 2 * pace + 1).word(), "escalated", "soak {soak} s");
    }
}

#[test]
fn green_that_a_person_closes_waits_for_the_person() {
    let events = change_events();
    let judged = events.iter().find(|(label, _)| *label == "judged").map(|(_, event)| event.clone());
    assert!(matches!(judged, Some(Event::Judged { judgement: Judgement::Shifted, closes: false, .. })));
    let (_, escalated) = change_states().into_iter().find(|(label, _)| *label == "escalated, judged").unwrap();
    let declare = |reason: &str| Command::Declare { by: person(1), success: true, reason: reason.into() };
    assert_eq!(escalated.decide(declare(" "), second(9)), Err(Refusal::Unreasoned));
    assert_eq!(advance(escalated, declare("looked"), second(9)).word(), "succeeded");
}

#[test]
fn what_only_read_and_came_to_its_end_needs_no_person_and_what_acted_unseen_does() {
    let ended = |effect: EffectClass| {
        let mut running = advance(approved(), dispatch("needs", 1, true, 3), second(3));
        if let State::Running { gate, .. } = &mut running.state {
            gate.dossier.plan.iter_mut().flat_map(|plan| &mut plan.steps).for_each(|step| step.effect = effect);
        }
        let verifying = advance(running, Command::EndRun { how: RunEnd::Done, soak: Span::ZERO }, second(4));
        let blind = Sample { at: second(5), goals: BTreeMap::new(), neighbours: BTreeMap::new() };
        advance(verifying, Command::Sample { sample: blind, closing: Closing::Machine }, second(5)).word()
    };
    assert_eq!(ended(EffectClass::Read), "succeeded");
    assert_eq!(ended(EffectClass::Once), "escalated");
}

#[test]
fn what_was_denied_still_shows_what_was_found() {
    let denied = assess(proposed(), "denied", 1);
    assert_eq!(denied.word(), "denied");
    assert!(denied.dossier().is_some_and(|dossier| dossier.verdict.is_some()));
}
