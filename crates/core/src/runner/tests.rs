//! The table of runners, and that a token lets one runner in, once.

use super::*;
use crate::sample::{after, person, runner_events, runner_states, second, table, words};

fn of(label: &str) -> Runner {
    runner_states().into_iter().find(|(name, _)| *name == label).unwrap().1
}

#[test]
fn the_table_of_states_and_events() {
    let (states, events) = (runner_states(), runner_events());
    let known: std::collections::BTreeSet<String> = events.iter().map(|(_, event)| event.word().into()).collect();
    assert_eq!(known, words(include_str!("../runner.rs"), "impl Event {"));
    insta::assert_snapshot!(table(&states, &events));
}

#[test]
fn a_token_lets_one_runner_in_once_and_in_time() {
    let key = RunnerKey::from_bytes([9; 32]);
    let enrol = |label: &str, at| of(label).enrol(key, "1.2.3\n", second(at)).map(|event| event.word());
    assert_eq!(enrol("invited", 99), Ok("enrolled"));
    assert!(matches!(enrol("invited", 100), Err(Refusal::Late { .. })));
    for used in ["active", "draining", "lapsed", "revoked", "revoked unused"] {
        assert!(matches!(enrol(used, 50), Err(Refusal::WrongState { .. })), "{used}");
    }
    let shown = |label: &str| of(label).shown(second(9)).map(|event| event.word());
    assert_eq!([shown("invited"), shown("active"), shown("active, shown again")], [None, Some("token_shown_again"), None]);
}

#[test]
fn a_decision_needs_a_reason_and_is_carried_out_once() {
    let act = |label: &str, act| of(label).act(act, person(1), "because", second(9)).map(|events| events.len());
    for (label, drain, resume, revoke) in [
        ("active", Some(1), Some(0), Some(1)),
        ("draining", Some(0), Some(1), Some(1)),
        ("invited", None, None, Some(1)),
        ("lapsed", None, None, None),
        ("revoked", None, None, Some(0)),
    ] {
        assert_eq!(
            [act(label, Act::Drain).ok(), act(label, Act::Resume).ok(), act(label, Act::Revoke).ok()],
            [drain, resume, revoke],
            "{label}"
        );
    }
    assert_eq!(of("active").act(Act::Drain, person(1), " ", second(9)), Err(Refusal::Unreasoned));
}

#[test]
fn only_an_active_runner_takes_work_and_only_an_enrolled_one_has_a_key() {
    let able: Vec<_> = runner_states().iter().map(|(label, runner)| (*label, runner.takes_work(), runner.key().is_some())).collect();
    let expected = [
        ("invited", false, false),
        ("lapsed", false, false),
        ("active", true, true),
        ("active, shown again", true, true),
        ("draining", false, true),
        ("revoked", false, false),
        ("revoked unused", false, false),
    ];
    assert_eq!(able, expected);
}

#[test]
fn a_runner_is_not_drained_for_ever() {
    let mut runner = of("active");
    for _ in 0..MARKS_MAX / 2 {
        for act in [Act::Drain, Act::Resume] {
            let events = runner.act(act, person(1), "because", second(9)).unwrap();
            runner = runner.apply(&events[0]).unwrap();
        }
    }
    assert_eq!(runner.act(Act::Drain, person(1), "because", second(9)), Err(Refusal::Worn(runner.id)));
    assert_eq!(runner.act(Act::Revoke, person(1), "because", second(9)).map(|events| events.len()), Ok(1));
}

#[test]
fn a_key_prints_as_hexadecimal_and_parses_back() {
    let key = RunnerKey::from_bytes([0xab; 32]);
    assert_eq!(key.to_string().parse(), Ok(key));
    for bad in ["", &"AB".repeat(32), &"ab".repeat(31), &"+1".repeat(32)] {
        assert!(bad.parse::<RunnerKey>().is_err(), "{bad}");
    }
    assert!(after::<Runner>(&[runner_events()[0].1.clone()]).key().is_none());
}
