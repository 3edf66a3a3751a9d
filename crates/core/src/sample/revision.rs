//! Samples of proposed versions of the estate.

use std::collections::BTreeMap;

use super::{MARK, after, digest, id, person, second};
use crate::id::{ApprovalId, RevisionId};
use crate::revision::{Beside, Changed, Event, How, Kind, Obligation, Proof, Proofs, Report, Revision, Told};

/// A report full of prose; fit, or refuted.
pub(crate) fn report(fit: bool) -> Report {
    let kind = || Kind { environment: MARK.into(), sentence: MARK.into() };
    let status = if fit { Proof::Proved } else { Proof::Refuted };
    Report {
        faults: Vec::new(),
        warnings: vec![MARK.into()],
        cases: Told { total: 3, failed: Vec::new() },
        rehearsals: Some(Told::default()),
        proofs: Proofs::Ran { obligations: vec![Obligation { name: MARK.into(), says: MARK.into(), status, told: Some(MARK.into()) }] },
        opened: vec![kind()],
        closed: vec![kind()],
        unknown: Vec::new(),
        beside: vec![Beside { says: MARK.into(), widens: true }],
        files: vec![Changed { path: MARK.into(), how: How::Changed }],
        reviews: Vec::new(),
    }
}

pub(crate) fn revision_events() -> Vec<(&'static str, Event)> {
    use Event as E;
    let (by, at, note) = (person(1), second(1), MARK.to_owned());
    let (base, estate) = (digest("base"), digest("estate"));
    let approval = ApprovalId::new(id(61));
    vec![
        ("proposed", E::Proposed { id: RevisionId::new(id(60)), by, base, estate, files: 3, note, at: second(0) }),
        ("unfit", E::Unfit { report: Box::new(report(false)), at }),
        ("asked", E::Asked { report: Box::new(report(true)), approval, at }),
        ("asked, unfit", E::Asked { report: Box::new(report(false)), approval, at }),
        ("superseded", E::Superseded { base: digest("other"), at }),
        ("superseded, same", E::Superseded { base, at }),
        ("granted", E::Granted { at }),
        ("rejected", E::Rejected { by, at }),
        ("lapsed", E::Lapsed { at }),
        ("withdrawn", E::Withdrawn { by, reason: MARK.into(), at }),
        ("activated", E::Activated { by, at }),
    ]
}

pub(crate) fn revision_states() -> Vec<(&'static str, Revision)> {
    let all: BTreeMap<_, _> = revision_events().into_iter().collect();
    let of = |label, path: &[&'static str]| {
        let events: Vec<_> = path.iter().map(|word| all[word].clone()).collect();
        (label, after::<Revision>(&events))
    };
    vec![
        of("proposed", &["proposed"]),
        of("unfit", &["proposed", "unfit"]),
        of("awaiting_approval", &["proposed", "asked"]),
        of("granted", &["proposed", "asked", "granted"]),
        of("activated", &["proposed", "asked", "granted", "activated"]),
        of("rejected", &["proposed", "asked", "rejected"]),
        of("lapsed", &["proposed", "asked", "lapsed"]),
        of("withdrawn", &["proposed", "withdrawn"]),
    ]
}
