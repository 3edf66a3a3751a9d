//! Every action on every thing of its kind, by an agent and by a person, on good facts and on none.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use lineclear_core::catalogue::{Action, Risk};
use lineclear_core::measure::Confidence;
use lineclear_core::posture::Posture;
use lineclear_core::situation::{Actor, Case, Situation};
use lineclear_core::topology::EntityRef;
use lineclear_core::verdict::Verdict;
use lineclear_estate::{Loaded, check, load};

fn example() -> Loaded {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../estate/example"));
    load(directory).unwrap_or_else(|error| panic!("{error}"))
}

/// What the estate itself says of the action on the target, all facts alike.
fn case(loaded: &Loaded, principal: Actor, action: &Action, target: &EntityRef, confirmed: bool) -> Case {
    let blast = loaded.estate.topology.blast(target);
    let evidence: BTreeMap<_, _> = action.facts.iter().map(|need| (need.fact.clone(), confirmed)).collect();
    let situation = Situation {
        confidence: Confidence::try_from(9_000).unwrap(),
        confirmed: if confirmed { u32::try_from(evidence.len()).unwrap() } else { 0 },
        evidence,
        conflicting: false,
        hosts: blast.hosts,
        services: blast.services,
        customers: blast.customers,
        regions: u32::try_from(blast.regions.len()).unwrap(),
        fleet_bp: blast.fleet_bp,
        money_path: blast.money_path,
        customer_data: blast.customer_data,
        reversible: true,
        undo_drilled: false,
        budget: None,
        posture: Posture::Full,
        freeze: false,
        in_flight: 0,
        severity: 0,
        emergency: false,
        routine: false,
    };
    Case { principal, action: action.name.clone(), target: target.clone(), situation }
}

fn word(loaded: &Loaded, case: &Case) -> String {
    match loaded.policies.judge(case).unwrap() {
        Verdict::Clear { .. } => "clear".into(),
        Verdict::NeedsApproval { rung, .. } => rung.to_string(),
        Verdict::Denied { .. } => "denied".into(),
    }
}

#[test]
fn the_example_loads_and_its_stories_hold() {
    let loaded = example();
    let report = check(&loaded);
    let failed: Vec<String> = report
        .outcomes
        .iter()
        .filter(|outcome| outcome.fault.is_some())
        .map(|o| format!("{}:{}: {}\n  expected: {}\n  found: {}", o.path, o.line, o.title, o.expected, o.found))
        .collect();
    assert!(report.holds(), "{} stories fail:\n{}", failed.len(), failed.join("\n"));
    assert!(report.outcomes.len() >= 20);
    let silent: Vec<_> = report.warnings.iter().filter(|warning| warning.message.contains("no story")).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn every_verdict_of_the_example_stands_in_one_table() {
    let loaded = example();
    let agent = Actor::Agent(*loaded.estate.directory.agents.keys().next().unwrap());
    let person = Actor::Operator(*loaded.estate.directory.operators.keys().next().unwrap());
    let mut table =
        format!("{:<18}{:<31}{:<20}{:<20}{:<20}person, none\n", "action", "target", "agent, facts", "agent, none", "person, facts");
    for action in loaded.estate.catalogue.actions.values() {
        for thing in loaded.estate.topology.iter().filter(|thing| thing.reference.kind == action.resource) {
            let told = |who, confirmed| word(&loaded, &case(&loaded, who, action, &thing.reference, confirmed));
            let target = thing.reference.to_string();
            let (a, b, c, d) = (told(agent, true), told(agent, false), told(person, true), told(person, false));
            writeln!(table, "{:<18}{target:<31}{a:<20}{b:<20}{c:<20}{d}", action.name.as_str()).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn no_confidence_moves_the_verdict_of_a_high_risk_action() {
    let loaded = example();
    let agent = Actor::Agent(*loaded.estate.directory.agents.keys().next().unwrap());
    for action in loaded.estate.catalogue.actions.values().filter(|action| action.risk == Risk::High) {
        for thing in loaded.estate.topology.iter().filter(|thing| thing.reference.kind == action.resource) {
            for confirmed in [true, false] {
                let mut asked = case(&loaded, agent, action, &thing.reference, confirmed);
                let mut words: Vec<String> = Vec::new();
                for bp in [0, 4_999, 8_000, 10_000] {
                    asked.situation.confidence = Confidence::try_from(bp).unwrap();
                    words.push(word(&loaded, &asked));
                }
                assert!(words.iter().all(|w| *w == words[0] && w != "clear"), "{} on {}: {words:?}", action.name, thing.reference);
            }
        }
    }
}

#[test]
fn confidence_alone_clears_nothing_that_is_not_low_risk() {
    let loaded = example();
    let agent = Actor::Agent(*loaded.estate.directory.agents.keys().next().unwrap());
    for action in loaded.estate.catalogue.actions.values().filter(|action| action.risk > Risk::Low) {
        for thing in loaded.estate.topology.iter().filter(|thing| thing.reference.kind == action.resource) {
            let mut asked = case(&loaded, agent, action, &thing.reference, false);
            asked.situation.confidence = Confidence::try_from(10_000).unwrap();
            asked.situation.routine = true;
            assert_ne!(word(&loaded, &asked), "clear", "{} on {}", action.name, thing.reference);
        }
    }
}
