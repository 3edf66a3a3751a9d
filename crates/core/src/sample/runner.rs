//! Samples of runners on other machines.

use std::collections::BTreeMap;

use super::{MARK, after, digest, id, person, second};
use crate::id::RunnerId;
use crate::runner::{Event, Runner, RunnerKey};

pub(crate) fn runner_events() -> Vec<(&'static str, Event)> {
    use Event as E;
    let (by, reason) = (person(1), MARK.to_owned());
    let (name, labels) = ("ber-1".parse().unwrap(), "site=ber".parse().unwrap());
    let invited = E::Invited { id: RunnerId::new(id(80)), name, labels, token: digest(MARK), by, until: second(100), at: second(0) };
    let enrolled = |at| E::Enrolled { key: RunnerKey::from_bytes([7; 32]), version: MARK.into(), at: second(at) };
    vec![
        ("invited", invited),
        ("lapsed", E::Lapsed { at: second(100) }),
        ("lapsed, early", E::Lapsed { at: second(99) }),
        ("enrolled", enrolled(99)),
        ("enrolled, late", enrolled(100)),
        ("token_shown_again", E::TokenShownAgain { at: second(5) }),
        ("drained", E::Drained { by, reason: reason.clone(), at: second(6) }),
        ("resumed", E::Resumed { by, reason: reason.clone(), at: second(7) }),
        ("revoked", E::Revoked { by, reason, at: second(8) }),
    ]
}

pub(crate) fn runner_states() -> Vec<(&'static str, Runner)> {
    let all: BTreeMap<_, _> = runner_events().into_iter().collect();
    let of = |label, path: &[&'static str]| {
        let events: Vec<_> = path.iter().map(|word| all[word].clone()).collect();
        (label, after::<Runner>(&events))
    };
    vec![
        of("invited", &["invited"]),
        of("lapsed", &["invited", "lapsed"]),
        of("active", &["invited", "enrolled"]),
        of("active, shown again", &["invited", "enrolled", "token_shown_again"]),
        of("draining", &["invited", "enrolled", "drained"]),
        of("revoked", &["invited", "enrolled", "revoked"]),
        of("revoked unused", &["invited", "revoked"]),
    ]
}
