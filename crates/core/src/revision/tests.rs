//! The table of proposed versions, and their laws under any sequence of commands.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Command, Event, Proof, Proofs, Refusal, Report, Revision, State, needs};
use crate::authority::{Authority, Grade, Rung};
use crate::id::ApprovalId;
use crate::machine::{Machine as _, fold};
use crate::sample::{after, digest, id, person, report, revision_events, revision_states, second, table, words};
use crate::time::Span;

#[test]
fn the_table_of_states_and_events() {
    insta::assert_snapshot!(table(&revision_states(), &revision_events()));
}

#[test]
fn no_event_and_no_state_is_missing_from_the_table() {
    let events: BTreeSet<String> = revision_events().iter().map(|(_, event)| event.word().into()).collect();
    assert_eq!(events, words(include_str!("event.rs"), "impl Event {"));
    let states: BTreeSet<String> = revision_states().iter().map(|(_, state)| state.word().into()).collect();
    assert_eq!(states, words(include_str!("../revision.rs"), "impl Machine for Revision"));
}

#[test]
fn what_was_not_proved_read_or_told_is_put_to_nobody() {
    let fit = report(true);
    assert!(fit.fit());
    let proofs = |status| {
        let Proofs::Ran { mut obligations } = report(true).proofs else { panic!("the sample is proved") };
        obligations[0].status = status;
        Proofs::Ran { obligations }
    };
    let told = || super::Told { total: 2, failed: vec!["one".into()] };
    let kinds = |count| vec![super::Kind { environment: "a".into(), sentence: "b".into() }; count];
    let unfit = [
        Report { faults: vec!["gone".into()], ..fit.clone() },
        Report { cases: told(), ..fit.clone() },
        Report { rehearsals: Some(told()), ..fit.clone() },
        Report { proofs: Proofs::NotRun { why: "there is no solver".into() }, ..fit.clone() },
        Report { proofs: proofs(Proof::Refuted), ..fit.clone() },
        Report { proofs: proofs(Proof::NotProved), ..fit.clone() },
        Report { unknown: vec!["anything".into()], ..fit.clone() },
        Report { opened: kinds(super::LIST_MAX + 1), ..fit.clone() },
    ];
    for report in unfit {
        assert!(!report.fit() && report.obstacles().len() == 1, "{report:?}");
    }
    // What it opens is for people to judge.
    assert!(Report { opened: kinds(super::LIST_MAX), ..fit }.fit());
}

fn rung(name: &str, humans: u8, owner: bool) -> Rung {
    let grade = if humans > 0 { Grade::Ssh } else { Grade::None };
    Rung { name: name.parse().unwrap(), title: name.into(), humans, roles: BTreeSet::new(), owner, grade }
}

#[test]
fn an_estate_never_comes_into_force_on_nobodys_word() {
    let authority = |rungs: Vec<Rung>, activation: Option<&str>| Authority {
        rungs,
        activation: activation.map(|name| name.parse().unwrap()),
        roles: BTreeSet::new(),
        approval_ttl: Span::from_secs(60),
        single_operator: false,
        routine: None,
        emergencies: None,
    };
    let ladder = || vec![rung("alone", 0, false), rung("one", 1, true), rung("three", 3, true)];
    let asked = |authority: Authority| needs(&authority).map(|needs| (needs.rung.to_string(), needs.humans, needs.owner, needs.grade));
    assert_eq!(asked(authority(ladder(), Some("one"))), Some(("one".into(), 1, false, Grade::Ssh)));
    assert_eq!(asked(authority(ladder(), None)), Some(("three".into(), 3, false, Grade::Ssh)), "the highest rung where none is named");
    let alone = vec![rung("alone", 0, false)];
    assert_eq!(asked(authority(alone, None)), Some(("alone".into(), 1, false, Grade::Session)));
    assert_eq!(asked(authority(Vec::new(), None)), None);
}

#[test]
fn what_was_granted_against_another_estate_is_not_activated() {
    let granted: Revision = revision_states().into_iter().find(|(label, _)| *label == "granted").unwrap().1;
    let activate = |base: &str| Command::Activate { by: person(2), in_force: digest(base) };
    assert!(matches!(granted.decide(activate("other"), second(2)), Err(Refusal::BaseMoved { .. })));
    assert_eq!(granted.decide(activate("base"), second(2)).map(|events| events.len()), Ok(1));
    let again = granted.decide(Command::Supersede { base: digest("other") }, second(2)).unwrap();
    let again = granted.apply(&again[0]).unwrap();
    assert_eq!((again.word(), again.base, again.approval()), ("proposed", digest("other"), None));
    assert!(matches!(again.decide(activate("other"), second(3)), Err(Refusal::WrongState { .. })), "it has to be examined and asked again");
}

const BASES: [&str; 3] = ["base", "other", "third"];

fn command(kind: u8, number: u8) -> Command {
    let by = person(u128::from(number % 3) + 1);
    let base = digest(BASES[usize::from(number) % 3]);
    match kind {
        0..=4 => Command::Assess { report: Box::new(report(number < 8)), base, approval: ApprovalId::new(id(61 + u128::from(number))) },
        5..=7 => Command::Grant,
        8 => Command::Reject(by),
        9 => Command::Lapse,
        10 => Command::Withdraw { by, reason: if number == 0 { String::new() } else { "because".into() } },
        11 | 12 => Command::Supersede { base },
        _ => Command::Activate { by, in_force: base },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn nothing_comes_into_force_that_was_not_found_fit_against_what_is_in_force_and_granted_since(
        commands in prop::collection::vec((0_u8..17, 0_u8..10, 0_i64..40), 0..60)
    ) {
        let first = revision_events().remove(0).1;
        let mut revision: Revision = after(std::slice::from_ref(&first));
        let mut history = vec![first];
        // Told from the events alone: the base it was found fit against, and whether people granted just that.
        let (mut found, mut granted, mut activations, mut now) = (None, false, 0, 0);
        for (kind, number, pause) in commands {
            now += pause;
            let command = command(kind, number);
            let in_force = if let Command::Activate { in_force, .. } = &command { Some(*in_force) } else { None };
            let before = revision.clone();
            let Ok(events) = revision.decide(command, second(now)) else { continue };
            for event in &events {
                match event {
                    Event::Asked { report, .. } => {
                        prop_assert!(report.fit());
                        (found, granted) = (Some(revision.base), false);
                    }
                    Event::Granted { .. } => granted = true,
                    Event::Superseded { .. } => (found, granted) = (None, false),
                    Event::Activated { .. } => {
                        prop_assert!(granted && found.is_some() && found == in_force, "activated without: {:?}", revision);
                        activations += 1;
                    }
                    Event::Proposed { .. } | Event::Unfit { .. } | Event::Rejected { .. } | Event::Lapsed { .. } | Event::Withdrawn { .. } => {}
                }
                revision = revision.apply(event).unwrap();
            }
            prop_assert!(before.open() || before == revision, "what ended stays as it is");
            prop_assert_eq!(revision.due().is_some(), revision.state == State::Proposed);
            prop_assert_eq!(revision.effects(second(now)).is_empty(), revision.due().is_none());
            history.extend(events);
        }
        prop_assert!(activations <= 1, "it comes into force once");
        prop_assert_eq!(fold::<Revision>(&history).unwrap(), Some(revision));
    }
}
