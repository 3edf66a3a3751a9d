//! Samples of drafted runbooks.

use std::collections::BTreeMap;

use super::{MARK, after, agent, digest, id, person, second};
use crate::id::{IncidentId, PatchId, RevisionId};
use crate::patch::{Event, Patch, Played, Review};
use crate::permission::Permissions;
use crate::revision::How;

pub(crate) fn patch_events() -> Vec<(&'static str, Event)> {
    let review = Review {
        runbook: "move-dns".parse().unwrap(),
        title: MARK.into(),
        owner: "edge".parse().unwrap(),
        digest: digest("runbook"),
        permissions: Permissions::none(),
        warnings: vec![MARK.into()],
        tests: vec![Played { name: MARK.into(), fault: Some(MARK.into()), plan: vec![MARK.into()] }],
        unrehearsed: Vec::new(),
    };
    let (at, by) = (second(1), person(1));
    let offered = Event::Offered {
        id: PatchId::new(id(80)),
        by: agent(),
        how: How::Added,
        base: digest("base"),
        text: MARK.into(),
        note: MARK.into(),
        incident: Some(IncidentId::new(id(40))),
        review: Box::new(review),
        at: second(0),
    };
    vec![
        ("offered", offered),
        ("taken_up", Event::TakenUp { by, revision: RevisionId::new(id(60)), at }),
        ("declined", Event::Declined { by, reason: MARK.into(), at }),
        ("lapsed", Event::Lapsed { at }),
    ]
}

pub(crate) fn patch_states() -> Vec<(&'static str, Patch)> {
    let all: BTreeMap<_, _> = patch_events().into_iter().collect();
    let of = |label, path: &[&'static str]| {
        let events: Vec<_> = path.iter().map(|word| all[word].clone()).collect();
        (label, after::<Patch>(&events))
    };
    vec![
        of("offered", &["offered"]),
        of("taken_up", &["offered", "taken_up"]),
        of("declined", &["offered", "declined"]),
        of("lapsed", &["offered", "lapsed"]),
    ]
}
