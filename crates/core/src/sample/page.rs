//! Samples of pages.

use std::collections::{BTreeMap, BTreeSet};

use super::{MARK, after, id, person, second};
use crate::escalation::{Tier, Whom};
use crate::id::{ApprovalId, ChangeId, IncidentId, PageId};
use crate::incident::Severity;
use crate::page::{About, End, Event, Page, Plan, Step};
use crate::time::Span;

pub(crate) fn about() -> About {
    About::Incident { incident: IncidentId::new(id(40)) }
}

/// About a request that person 9 may not answer.
pub(crate) fn asked() -> About {
    About::Request {
        approval: ApprovalId::new(id(20)),
        subject: ChangeId::new(id(1)).into(),
        recused: BTreeSet::from([person(9)]),
        until: second(1_000),
    }
}

/// Tiers with so many seconds each.
pub(crate) fn plan(within: &[u64], repeat: u8) -> Plan {
    let tier =
        |seconds: &u64| Tier { title: MARK.into(), whom: Whom { owner: true, ..Whom::default() }, within: Span::from_secs(*seconds) };
    Plan {
        path: "money".parse().unwrap(),
        tiers: within.iter().map(tier).collect(),
        repeat,
        last_resort: None,
        last_within: Span::from_secs(90),
        act_within: Span::from_secs(300),
        reminds: true,
    }
}

pub(crate) fn opened(about: About, plan: Plan) -> Event {
    Event::Opened {
        id: PageId::new(id(80)),
        about,
        title: MARK.into(),
        plan,
        severity: Some(Severity::WORST),
        held: None,
        carried: None,
        at: second(0),
    }
}

pub(crate) fn page_events() -> Vec<(&'static str, Event)> {
    use Event as E;
    let (by, at, until, people) = (person(1), second(5), second(60), BTreeSet::from([person(1), person(2)]));
    let first = opened(about(), plan(&[60, 120], 1));
    let mut held = first.clone();
    if let E::Opened { held, .. } = &mut held {
        *held = Some(second(500));
    }
    vec![
        ("opened", first),
        ("opened, held", held),
        ("told", E::Told { step: Step::FIRST, people: people.clone(), instead: false, until, at }),
        ("reminded", E::Reminded { step: Step::FIRST, people, at }),
        ("acknowledged", E::Acknowledged { by, until, at }),
        ("answered_late", E::AnsweredLate { by: person(2), at }),
        ("handed_over", E::HandedOver { by, to: person(3), reason: MARK.into(), until, at }),
        ("acted", E::Acted { by, acted: second(20), until: second(320), at }),
        ("forgotten", E::Forgotten { by, at }),
        ("commander_left", E::CommanderLeft { left: second(4), at }),
        ("regraded", E::Regraded { severity: Severity::WORST, released: false, at }),
        ("regraded, released", E::Regraded { severity: Severity::WORST, released: true, at }),
        ("rerouted", E::Rerouted { plan: plan(&[10], 0), at }),
        ("rested", E::Rested { at }),
        ("resumed", E::Resumed { until, at }),
        ("ended", E::Ended { why: End::Closed, at }),
    ]
}

pub(crate) fn page_states() -> Vec<(&'static str, Page)> {
    let all: BTreeMap<_, _> = page_events().into_iter().collect();
    let of = |label, path: &[&'static str]| {
        let events: Vec<_> = path.iter().map(|word| all[word].clone()).collect();
        (label, after::<Page>(&events))
    };
    vec![
        of("owed", &["opened"]),
        of("held", &["opened, held"]),
        of("calling", &["opened", "told"]),
        of("acknowledged", &["opened", "told", "acknowledged"]),
        of("resting", &["opened", "told", "rested"]),
        of("resting, answered", &["opened", "told", "acknowledged", "rested"]),
        of("over", &["opened", "ended"]),
    ]
}
