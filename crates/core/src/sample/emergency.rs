//! Samples of emergencies and broken glasses.

use std::collections::{BTreeMap, BTreeSet};

use super::{MARK, after, digest, id, person, second};
use crate::emergency::{Emergency, Event, Scope};
use crate::glass::{GLASS_TYPE, Glass, GlassStatement, Plane};
use crate::id::{ChangeId, EmergencyId, RunId, RunnerId};

/// A broken glass full of prose; person 1 broke it.
pub(crate) fn glass() -> Glass {
    let statement = GlassStatement {
        kind: GLASS_TYPE.into(),
        audience: "lineclear.example.test".into(),
        runner: RunnerId::new(id(50)),
        person: person(1),
        action: "dns.update".parse().unwrap(),
        target: "zone/example.test".parse().unwrap(),
        runbook: digest("runbook"),
        inputs: BTreeMap::new(),
        justification: MARK.into(),
        plane: Plane::Wrong { reason: MARK.into() },
        session_key: "c2Vzc2lvbg==".into(),
        issued_at: second(1),
        expires_at: second(600),
        nonce: "0".repeat(64),
    };
    Glass { text: statement.to_text(), statement, signature: MARK.into() }
}

pub(crate) fn emergency_events() -> Vec<(&'static str, Event)> {
    let (at, emergency) = (second(1), EmergencyId::new(id(80)));
    let shop = BTreeSet::from(["service/shop".parse().unwrap()]);
    let told = |number| Event::Told { number, digest: digest("line"), what: "opened".into(), line: MARK.into(), at };
    vec![
        (
            "declared",
            Event::Declared {
                id: emergency,
                by: person(1),
                justification: MARK.into(),
                scope: Scope::Services { services: shop },
                incident: None,
                until: second(600),
                at,
            },
        ),
        ("glass_broken", Event::GlassBroken { id: emergency, glass: Box::new(glass()), at }),
        ("told, the first line", told(0)),
        ("told, the second line", told(1)),
        ("acted", Event::Acted { change: ChangeId::new(id(1)), run: RunId::new(id(30)), at }),
        ("ended", Event::Ended { by: person(1), reason: MARK.into(), at }),
        ("expired", Event::Expired { at }),
        ("reviewed by another", Event::Reviewed { by: person(2), findings: MARK.into(), at }),
        ("reviewed by who began it", Event::Reviewed { by: person(1), findings: MARK.into(), at }),
    ]
}

pub(crate) fn emergency_states() -> Vec<(&'static str, Emergency)> {
    let all: BTreeMap<_, _> = emergency_events().into_iter().collect();
    let of = |label, path: &[&'static str]| {
        let events: Vec<_> = path.iter().map(|word| all[word].clone()).collect();
        (label, after::<Emergency>(&events))
    };
    vec![
        of("in_force", &["declared"]),
        of("in_force, acted", &["declared", "acted"]),
        of("in_review, ended", &["declared", "ended"]),
        of("in_review, expired", &["declared", "expired"]),
        of("in_review, told", &["glass_broken"]),
        of("in_review, one line told", &["glass_broken", "told, the first line"]),
        of("reviewed", &["declared", "expired", "reviewed by another"]),
    ]
}
