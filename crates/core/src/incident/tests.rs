//! The table of incidents, and the laws that hold whatever signals and people do.

mod looks;
mod merging;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Command, Event, Incident, Refusal, SIGNALS_MAX, Severity, State};
use crate::id::SignalId;
use crate::machine::{Machine as _, fold};
use crate::sample::{agent, id, incident_events, incident_states, person, second, signal, table, words};
use crate::signal::SignalState;
use crate::situation::Actor;

#[test]
fn the_table_of_states_and_events() {
    insta::assert_snapshot!(table(&incident_states(), &incident_events()));
}

#[test]
fn no_event_and_no_state_is_missing_from_the_table() {
    let events: BTreeSet<String> = incident_events().iter().map(|(_, event)| event.word().into()).collect();
    assert_eq!(events, words(include_str!("event.rs"), "impl Event {"));
    let states: BTreeSet<String> = incident_states().iter().map(|(_, state)| state.word().into()).collect();
    assert_eq!(states, words(include_str!("transition.rs"), "impl Machine for Incident"));
}

fn opened() -> (Vec<Event>, Incident) {
    let events = vec![incident_events().remove(0).1];
    let incident = fold::<Incident>(&events).unwrap().unwrap();
    (events, incident)
}

fn signalled(fingerprint: &str, state: SignalState) -> Command {
    // An id of its own for each signal, as the engine draws them.
    let number = fingerprint.bytes().fold(52, |number, byte| number * 256 + u128::from(byte));
    Command::Signal { id: SignalId::new(id(number)), signal: Box::new(signal(fingerprint, state)), subject: None }
}

fn advance(incident: Incident, command: Command) -> Incident {
    let events = incident.decide(command, second(9)).unwrap();
    events.iter().fold(incident, |incident, event| incident.apply(event).unwrap())
}

#[test]
fn what_fires_again_is_open_again_for_whoever_had_taken_it() {
    let resolved = |incident| advance(incident, signalled("a", SignalState::Resolved));
    let firing = |incident| advance(incident, signalled("a", SignalState::Firing));
    let alone = resolved(opened().1);
    assert_eq!(alone.state, State::Resolved);
    assert_eq!(firing(alone).state, State::Open);
    let taken = resolved(advance(opened().1, Command::Acknowledge(person(1))));
    assert_eq!(firing(taken).state, State::Acknowledged);
}

#[test]
fn one_signal_that_still_fires_keeps_an_incident_open() {
    let two = advance(opened().1, signalled("b", SignalState::Firing));
    let one = advance(two, signalled("a", SignalState::Resolved));
    assert_eq!(one.state, State::Open);
    assert_eq!(advance(one, signalled("b", SignalState::Resolved)).state, State::Resolved);
}

#[test]
fn a_storm_is_bounded() {
    let mut incident = opened().1;
    for number in 0..SIGNALS_MAX + 10 {
        incident = advance(incident, signalled(&format!("s{number}"), SignalState::Firing));
    }
    assert_eq!(incident.signals.len(), SIGNALS_MAX);
    let one_more = signal("one more", SignalState::Firing);
    assert!(incident.beyond(&one_more), "it can only be counted");
    let incident = advance(incident, Command::Overflow(3));
    assert_eq!(incident.overflow, 3);
    let room = advance(incident, signalled("s7", SignalState::Resolved));
    assert!(!room.beyond(&one_more), "what is over makes a place");
    let room = advance(room, signalled("one more", SignalState::Firing));
    assert!(room.signals.contains_key("alertmanager/one more") && !room.signals.contains_key("alertmanager/s7"));
    assert_eq!(room.signals.len(), SIGNALS_MAX);
}

#[test]
fn an_incident_with_more_signals_than_it_keeps_is_never_resolved_by_itself() {
    let over = advance(advance(opened().1, Command::Overflow(1)), signalled("a", SignalState::Resolved));
    assert_eq!(over.state, State::Open);
}

#[test]
fn a_signal_that_goes_back_and_forth_is_news_once_and_then_only_when_it_is_steady() {
    let mut incident = opened().1;
    let mut events = 0;
    for turn in 0..100 {
        let state = if turn % 2 == 0 { SignalState::Resolved } else { SignalState::Firing };
        let news = incident.decide(signalled("a", state), second(20 + turn)).unwrap();
        events += news.len();
        incident = news.iter().fold(incident, |incident, event| incident.apply(event).unwrap());
    }
    assert!(events < 15, "{events} events of 100 turns");
    assert!(incident.signals["alertmanager/a"].flapping);
    assert_eq!(incident.state, State::Open, "what comes back again and again is not over");
    assert!(incident.due().is_some(), "it is looked at when it could be steady");
    let steady = incident.decide(signalled("a", SignalState::Firing), second(2_000)).unwrap();
    let steadily = incident.decide(signalled("a", SignalState::Resolved), second(2_000)).unwrap();
    let words: Vec<_> = steady.iter().chain(&steadily).map(Event::word).collect();
    assert_eq!(words, ["signalled", "resolved"], "it was taken for firing meanwhile");
}

fn command(kind: u8, number: u8) -> Command {
    let by = match number % 3 {
        0 => agent(),
        1 => Actor::Engine,
        _ => Actor::Operator(person(1)),
    };
    let state = if number.is_multiple_of(2) { SignalState::Firing } else { SignalState::Resolved };
    match kind {
        0..=3 => signalled(["a", "b", "c"][usize::from(number) % 3], state),
        4 | 5 => Command::Grade { severity: Severity::try_from(number % 5 + 1).unwrap(), by },
        6 => Command::Acknowledge(person(u128::from(number % 2))),
        _ => Command::Close { by: person(1), reason: if number < 20 { "over".into() } else { " ".into() } },
    }
}

proptest! {
    #[test]
    fn only_a_person_lowers_severity_and_nothing_new_is_no_event(commands in prop::collection::vec((0_u8..8, 0_u8..40), 0..40)) {
        let (mut history, mut incident) = opened();
        for (kind, number) in commands {
            let command = command(kind, number);
            let by_machine = matches!(&command, Command::Grade { by: Actor::Agent(_) | Actor::Engine, .. } | Command::Signal { .. });
            let before = incident.clone();
            let events = match incident.decide(command.clone(), second(9)) {
                Ok(events) => events,
                Err(Refusal::Closed(_)) => { prop_assert_eq!(incident.state, State::Closed); continue }
                Err(Refusal::LoweredByMachine(_)) => { prop_assert!(by_machine); continue }
                Err(Refusal::Unreasoned(_)) => continue,
                Err(refusal) => return Err(TestCaseError::fail(refusal.to_string())),
            };
            for event in &events {
                incident = incident.apply(event).unwrap();
            }
            history.extend(events);
            prop_assert!(!by_machine || incident.severity <= before.severity);
            if incident.open() {
                prop_assert_eq!(incident.decide(command, second(10)), Ok(Vec::new()), "a repeated command adds no event");
            }
            let firing = incident.signals.values().any(|kept| kept.signal.state == SignalState::Firing);
            prop_assert!(!firing || incident.state != State::Resolved);
            prop_assert!(incident.due().is_none() || matches!(incident.state, State::Open | State::Acknowledged));
        }
        prop_assert_eq!(fold::<Incident>(&history).unwrap(), Some(incident));
    }
}
