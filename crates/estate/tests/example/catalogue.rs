//! The catalogue of the example keeps the law of what is low, medium and high, and warns of nothing that nobody decided.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::authority::{Approvals, Grade};
use lineclear_core::catalogue::{Reversibility, Risk};
use lineclear_core::topology::EntityKind;
use lineclear_estate::{Expected, Story, check};

use crate::house::{case, example, person, targets};

/// What is low, medium or high by law, whatever the estate's own people think of it.
const LAW: &[(Risk, &[&str])] = &[
    (Risk::Low, &["telemetry.gather", "incident.classify", "rollback.suggest", "status.draft"]),
    (Risk::Medium, &["service.scale", "certificate.rotate_test", "alerts.quarantine_source"]),
    (
        Risk::High,
        &[
            "dns.update",
            "dns.delegate",
            "certificate.renew",
            "certificate.revoke",
            "database.failover",
            "access.grant",
            "access.revoke",
            "deploy.release",
            "deploy.rollback",
            "waf.bypass",
            "security.disable_control",
            "data.export",
            "database.drop",
            "database.restore",
            "backup.delete",
        ],
    ),
];

/// What opens a way in, shuts people out, lets data out or takes protection away.
const SECURITY: &[&str] = &[
    "access.grant",
    "access.revoke",
    "backup.delete",
    "data.export",
    "database.drop",
    "dns.delegate",
    "security.disable_control",
    "waf.bypass",
];

#[test]
fn the_example_loads_and_its_stories_hold() {
    let loaded = example();
    let report = check(loaded);
    let failed: Vec<String> = report
        .outcomes
        .iter()
        .filter(|outcome| outcome.fault.is_some())
        .map(|o| format!("{}:{}: {}\n  expected: {}\n  found: {}", o.path, o.line, o.title, o.expected, o.found))
        .collect();
    assert!(report.holds(), "{} stories fail:\n{}", failed.len(), failed.join("\n"));
    assert!(report.outcomes.len() >= 150, "{}", report.outcomes.len());
}

#[test]
fn every_action_has_a_story_that_lets_it_through_and_one_that_does_not() {
    let loaded = example();
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for story in &loaded.stories {
        told.entry(story.case.action.to_string()).or_default().insert(story.expected.to_string());
    }
    for action in loaded.estate.catalogue.actions.values() {
        let expected = told.get(action.name.as_str()).cloned().unwrap_or_default();
        assert!(expected.iter().any(|word| word != "denied"), "no story lets `{}` through", action.name);
        assert!(expected.len() > 1, "no story stops `{}` or asks for more: {expected:?}", action.name);
    }
}

#[test]
fn the_law_of_low_medium_and_high_is_kept() {
    let loaded = example();
    for (risk, names) in LAW {
        for name in *names {
            let action = loaded.estate.catalogue.actions.values().find(|action| action.name.as_str() == *name);
            assert_eq!(action.map(|action| action.risk), Some(*risk), "{name}");
        }
    }
    assert!(loaded.estate.catalogue.actions.len() >= 32);
    for kind in EntityKind::ALL {
        assert!(loaded.estate.catalogue.actions.values().any(|action| action.resource == kind), "nothing acts on a {}", kind.as_str());
    }
}

#[test]
fn what_cannot_be_taken_back_is_high() {
    let loaded = example();
    for action in loaded.estate.catalogue.actions.values().filter(|action| action.reversibility == Reversibility::Irreversible) {
        assert_eq!(action.risk, Risk::High, "{}", action.name);
    }
}

/// Whether the policies permit it when exactly these people have answered.
fn permitted(name: &str, target: &str, given: &Approvals) -> bool {
    let loaded = example();
    let action = &loaded.estate.catalogue.actions[&name.parse().unwrap()];
    let asked = case(loaded, person(loaded), action, &target.parse().unwrap(), true);
    loaded.policies.permits(&asked, given).unwrap().allowed
}

#[test]
fn high_risk_always_takes_people_a_signature_and_the_owner_and_security_its_officer() {
    let loaded = example();
    let everybody = Approvals { humans: 9, roles: loaded.estate.authority.roles.clone(), owner: true, grade: Grade::Passkey };
    let without_officer: BTreeSet<_> = everybody.roles.iter().filter(|role| role.as_str() != "security-officer").cloned().collect();
    for action in loaded.estate.catalogue.actions.values().filter(|action| action.risk == Risk::High) {
        for thing in targets(loaded, action) {
            let (name, target) = (action.name.as_str(), thing.reference.to_string());
            let check = |given: Approvals, expected: bool, what: &str| {
                assert_eq!(permitted(name, &target, &given), expected, "{name} on {target}: {what}");
            };
            check(everybody.clone(), true, "with everybody");
            check(Approvals::default(), false, "with nobody");
            check(Approvals { humans: 0, ..everybody.clone() }, false, "without people");
            check(Approvals { owner: false, ..everybody.clone() }, false, "without the owner");
            check(Approvals { grade: Grade::Session, ..everybody.clone() }, false, "without a signature");
            let security = SECURITY.contains(&name);
            check(Approvals { roles: without_officer.clone(), ..everybody.clone() }, !security, "without the security officer");
        }
    }
}

#[test]
fn a_story_says_of_every_action_above_low_that_a_freeze_stops_it() {
    let loaded = example();
    for action in loaded.estate.catalogue.actions.values().filter(|action| action.risk > Risk::Low) {
        let frozen = |story: &&Story| {
            let (case, expected) = (&story.case, &story.expected);
            case.action == action.name && case.situation.freeze && !case.situation.emergency && *expected == Expected::Denied
        };
        // What customers read must go on in a freeze; a person answers for it.
        assert_eq!(loaded.stories.iter().any(|story| frozen(&story)), action.name.as_str() != "status.publish", "{}", action.name);
    }
}

/// Every warning of `estate check` on the shipped estate; each one is meant, and README.md says why.
#[test]
fn every_warning_is_meant() {
    let report = check(example());
    let said: Vec<String> = report.warnings.iter().map(|warning| format!("{}: {}", warning.subject, warning.message)).collect();
    insta::assert_snapshot!(said.join("\n"));
}
