//! How long paths are, and what waits for the morning.

use super::*;
use crate::authority::{Directory, Operator};
use crate::id::OperatorId;
use crate::sample::id;

fn tier(seconds: u64) -> Tier {
    Tier { title: "t".into(), whom: Whom { owner: true, ..Whom::default() }, within: Span::from_secs(seconds) }
}

fn path(repeat: u8) -> EscalationPath {
    EscalationPath {
        name: "a".parse().unwrap(),
        title: "t".into(),
        targets: BTreeSet::new(),
        otherwise: false,
        tiers: vec![tier(60), tier(300)],
        repeat,
        act_within: ACT_WITHIN,
        last_resort: None,
        quiet: Vec::new(),
    }
}

#[test]
fn a_path_is_as_long_as_its_tiers_as_often_as_it_is_walked() {
    assert_eq!([path(0).length(), path(2).length()], [Span::from_secs(360), Span::from_secs(1_080)]);
}

#[test]
fn what_is_mild_waits_until_the_quiet_hours_are_over_and_what_is_bad_does_not() {
    let severity = |number: u8| Severity::try_from(number).unwrap();
    let hours = Hours { days: BTreeSet::new(), from: "22:00".parse().unwrap(), until: "06:30".parse().unwrap() };
    let quiet = QuietHours { severities: [severity(4), severity(5)].into(), hours, zone: "Europe/Vienna".parse().unwrap() };
    let path = EscalationPath { quiet: vec![quiet], ..path(0) };
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let check =
        |number, time: &str, expected: Option<&str>| assert_eq!(path.held_until(severity(number), at(time)), expected.map(at), "{time}");
    check(4, "2026-01-10T20:59:59Z", None);
    check(4, "2026-01-10T21:00:00Z", Some("2026-01-11T05:30:00Z"));
    check(4, "2026-01-11T05:29:59Z", Some("2026-01-11T05:30:00Z"));
    check(4, "2026-01-11T05:30:00Z", None);
    check(3, "2026-01-11T02:00:00Z", None);
    // The night in which clocks go forward: half past six comes an hour earlier.
    check(5, "2026-03-28T22:00:00Z", Some("2026-03-29T04:30:00Z"));
}

#[test]
fn an_estate_without_a_path_tells_the_owners_and_then_everybody() {
    let person = |number: u128, login: &str| Operator {
        id: OperatorId::new(id(number)),
        login: login.parse().unwrap(),
        name: login.into(),
        roles: BTreeSet::new(),
        teams: BTreeSet::new(),
        keys: Vec::new(),
    };
    let directory = Directory {
        operators: [person(1, "alice"), person(2, "bob")].into_iter().map(|person| (person.id, person)).collect(),
        ..Directory::default()
    };
    let path = EscalationPath::built_in(&directory).unwrap();
    assert!(path.tiers[0].whom.owner && path.tiers[1].whom.people.len() == 2);
}
