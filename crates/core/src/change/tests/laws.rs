//! Laws of changes under any sequence of commands.

use proptest::prelude::*;

use super::super::{Change, Command, Event, Outcome, State};
use super::{dispatch, proposed, seen};
use crate::catalogue::Closing;
use crate::dossier::Misfit;
use crate::machine::{Machine as _, fold};
use crate::run::RunEnd;
use crate::sample::{agent, assessment, change_events, person, second};
use crate::situation::Actor;
use crate::time::Span;

const FOUND: [&str; 5] = ["faulty", "denied", "needs", "clear", "advice"];

fn command(kind: u8, number: u8, now: i64) -> Command {
    let reason = || if number == 0 { String::new() } else { "because".to_owned() };
    let actor = if number.is_multiple_of(2) { agent() } else { Actor::Operator(person(1)) };
    let found = FOUND[usize::from(number) % 5];
    let hosts = u32::from(number / 5 % 2) + 1;
    match kind {
        0 => Command::Misfit(Misfit::UnknownAction("x".into())),
        1..=5 => Command::Assess(Box::new(assessment(found, now, hosts, 20 + u128::from(number)))),
        6..=8 => Command::Approve,
        9 => Command::Reject(person(1)),
        10 => Command::Lapse,
        11 => Command::Withdraw { by: actor, reason: reason() },
        12 => Command::Amend { by: actor, inputs: std::collections::BTreeMap::new() },
        13..=18 => dispatch(found, hosts, !number.is_multiple_of(3), now),
        19 | 20 => {
            let how = [RunEnd::Done, RunEnd::Undone, RunEnd::Aborted, RunEnd::Stopped][usize::from(number) % 4];
            Command::EndRun { how, soak: Span::from_secs(u64::from(number)) }
        }
        21..=24 => {
            let closing = if number.is_multiple_of(2) { Closing::Machine } else { Closing::Person };
            Command::Sample { sample: seen(now, [None, Some(true), Some(true), Some(false)][usize::from(number) % 4]), closing }
        }
        25 => Command::TakeBack { by: person(1), reason: reason() },
        _ => Command::Declare { by: person(1), success: number > 4, reason: reason() },
    }
}

/// Whether somebody entitled to it has said yes to what stands now; told from the events alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Yes {
    Nobody,
    Asked,
    Given,
}

fn follow(yes: Yes, event: &Event) -> Yes {
    let ends = ["asked", "blocked", "denied", "amended", "rejected", "lapsed", "withdrawn", "misfit", "started"];
    match event.word() {
        "asked" => Yes::Asked,
        "cleared" => Yes::Given,
        "approved" if yes == Yes::Asked => Yes::Given,
        word if ends.contains(&word) => Yes::Nobody,
        _ => yes,
    }
}

fn check_state(change: &Change) -> Result<(), TestCaseError> {
    match &change.state {
        State::Closed { outcome, run, .. } => {
            prop_assert_eq!(change.due(), None);
            prop_assert!(!change.open() && change.effects(second(1_000_000)).is_empty());
            let unstarted = matches!(
                outcome,
                Outcome::Denied
                    | Outcome::Misfit { .. }
                    | Outcome::Rejected { .. }
                    | Outcome::Lapsed
                    | Outcome::Withdrawn { .. }
                    | Outcome::Advised
            );
            prop_assert_eq!(unstarted, run.is_none());
        }
        State::Proposed | State::Blocked { .. } | State::Cleared { .. } | State::Verifying { .. } => {
            let due = change.due();
            prop_assert!(due.is_some_and(|due| !change.effects(due).is_empty()), "due, and nothing owed: {change:?}");
        }
        State::Awaiting { .. } | State::Running { .. } | State::Escalated { .. } => prop_assert!(change.open()),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn nothing_runs_uncleared_and_what_ended_never_starts(commands in prop::collection::vec((0_u8..28, 0_u8..10, 0_i64..40), 0..60)) {
        let mut change = proposed();
        let mut history = vec![change_events().remove(0).1];
        let (mut now, mut yes, mut starts) = (0, Yes::Nobody, 0);
        for (kind, number, pause) in commands {
            now += pause;
            let command = command(kind, number, now);
            let amends = matches!(command, Command::Amend { .. });
            let before = change.clone();
            let Ok(events) = change.decide(command, second(now)) else { continue };
            for event in &events {
                let asked = change.gate().map(|gate| gate.bundle.clone());
                if let Event::Started { bundle, dossier, .. } = event {
                    prop_assert_eq!(yes, Yes::Given, "started uncleared: {:?}", change);
                    prop_assert!(dossier.faults.is_empty());
                    prop_assert!(change.approval().is_none() || asked.is_some_and(|asked| asked == **bundle), "not what was approved");
                    starts += 1;
                }
                yes = follow(yes, event);
                change = change.apply(event).unwrap();
                check_state(&change)?;
            }
            if amends {
                prop_assert_eq!((change.word(), change.approval()), ("proposed", None));
            }
            let overruled = matches!(before.state, State::Closed { outcome: Outcome::Succeeded { by: None }, .. });
            prop_assert!(before.open() || overruled || before == change, "what ended stays as it is");
            history.extend(events);
        }
        prop_assert!(starts <= 1, "a change starts once");
        prop_assert_eq!(fold::<Change>(&history).unwrap(), Some(change));
    }
}
