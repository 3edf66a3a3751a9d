//! Laws over arbitrary cases, approvals and texts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use cedar_policy::{Entities, Entity, PolicyId, PolicySet};
use lineclear_core::authority::{Approvals, Grade};
use lineclear_core::budget::{Budget, Burn};
use lineclear_core::catalogue::Risk;
use lineclear_core::measure::Confidence;
use lineclear_core::posture::Posture;
use lineclear_core::situation::{Case, Situation};
use lineclear_core::topology::Environment;
use lineclear_core::verdict::Verdict;
use proptest::prelude::*;

use super::fixture::{ADA, AGENT, actions, case, sources};
use super::{estate, policies};
use crate::ask::{Form, Ground, Question};
use crate::store::{Store, of_thing};
use crate::vocabulary::Vocabulary;
use crate::{Policies, Source, limit};

/// What the steps of the fixture's one runbook can get; the zone is known only when somebody proposes.
const PERMISSIONS: [&str; 4] = ["dns_update", "dns_update.type=A", "shell", "shell.command=/usr/bin/kick"];

static POLICIES: LazyLock<Policies> = LazyLock::new(policies);

/// The same policies in one set, without any index.
static WHOLE: LazyLock<PolicySet> = LazyLock::new(|| {
    let named = |text: crate::PolicyText| cedar_policy::Policy::parse(Some(PolicyId::new(text.id.as_str())), text.text).unwrap();
    PolicySet::from_policies(POLICIES.list().into_iter().map(named)).unwrap()
});

/// Only principal and target with what is above them.
fn slice(case: &Case) -> Store {
    let estate = POLICIES.estate();
    let vocabulary = Vocabulary::new(estate).unwrap();
    let mut list: Vec<Entity> = estate.authority.roles.iter().map(|r| Entity::with_uid(vocabulary.role(r))).collect();
    let person = vocabulary.principal(case.principal).unwrap();
    let roles = if case.principal == ADA { estate.directory.operators.values().next().unwrap().roles.clone() } else { BTreeSet::new() };
    list.push(Entity::new_no_attrs(person, roles.iter().map(|r| vocabulary.role(r)).collect()));
    let above = estate.topology.ancestors(&case.target);
    list.extend(
        estate
            .topology
            .iter()
            .filter(|t| t.reference == case.target || above.contains(&t.reference))
            .map(|t| of_thing(&vocabulary, t).unwrap()),
    );
    Store { entities: Entities::from_entities(list, Some(POLICIES.schema())).unwrap() }
}

prop_compose! {
    fn situations()(
        confidence in 0_u32..=10_000, facts in any::<[bool; 2]>(), flags in any::<[bool; 6]>(),
        conflicting in prop::bool::weighted(0.2), freeze in prop::bool::weighted(0.2), counts in any::<[u16; 5]>(),
        fleet_bp in 0_u32..=10_000, posture in 0_usize..8, severity in 0_u8..=5,
        budget in prop::option::of((-20_000_i64..=10_000, 0_usize..3)),
        permissions in prop::sample::subsequence(PERMISSIONS.to_vec(), 0..=PERMISSIONS.len()),
    ) -> (Situation, [bool; 2]) {
        let posture = [Posture::Stopped, Posture::AdviseOnly, Posture::RoutineOnly, Posture::Full][posture.min(3)];
        let [money_path, customer_data, reversible, undo_drilled, emergency, routine] = flags;
        let permissions = permissions.into_iter().map(str::to_owned).collect();
        let budget = budget.map(|(remaining_bp, burn)| Budget { remaining_bp, burn: [Burn::Steady, Burn::Slow, Burn::Fast][burn] });
        let [hosts, services, customers, regions, in_flight] = counts.map(u32::from);
        (Situation {
            confidence: Confidence::try_from(confidence).unwrap(), evidence: BTreeMap::new(), confirmed: 0, conflicting, hosts, services,
            customers, regions, fleet_bp, money_path, customer_data, reversible, undo_drilled, posture, freeze, in_flight, severity,
            emergency, routine, budget, permissions,
        }, facts)
    }
}

prop_compose! {
    pub fn cases_of(which: Range<usize>)(action in which, agent: bool, environment in 0_usize..3, (situation, facts) in situations()) -> Case {
        let environment = [Environment::Production, Environment::Staging, Environment::Dev][environment];
        let mut case = case(if agent { AGENT } else { ADA }, actions().nth(action).unwrap(), environment);
        let evidence = case.situation.evidence.keys().cloned().zip(facts).collect::<BTreeMap<_, _>>();
        let confirmed = u32::try_from(evidence.values().filter(|held| **held).count()).unwrap();
        case.situation = Situation { evidence, confirmed, ..situation };
        case
    }
}

pub fn cases() -> impl Strategy<Value = Case> {
    cases_of(0..10)
}

prop_compose! {
    pub fn approvals()(humans in 0_u8..=20, roles in any::<[bool; 4]>(), owner: bool, grade in 0_usize..4) -> Approvals {
        let names = ["operator", "service-lead", "incident-commander", "security-officer"];
        let roles = names.iter().zip(roles).filter(|(_, held)| *held).map(|(name, _)| name.parse().unwrap()).collect();
        Approvals { humans, roles, owner, grade: [Grade::None, Grade::Session, Grade::Ssh, Grade::Passkey][grade] }
    }
}

/// At least what both hold.
fn joined(a: &Approvals, b: &Approvals) -> Approvals {
    Approvals {
        humans: a.humans.max(b.humans),
        roles: a.roles.union(&b.roles).cloned().collect(),
        owner: a.owner || b.owner,
        grade: a.grade.max(b.grade),
    }
}

/// The place of the required rung; the ladder's length when none is enough.
fn height(case: &Case) -> usize {
    let rungs = &estate().authority.rungs;
    match POLICIES.judge(case).unwrap() {
        Verdict::Clear { .. } => 0,
        Verdict::NeedsApproval { rung, .. } => rungs.iter().position(|r| r.name == rung).unwrap(),
        Verdict::Denied { .. } => rungs.len(),
    }
}

proptest! {
    #[test]
    fn the_index_the_whole_set_and_a_slice_of_the_estate_agree(case in cases(), given in approvals()) {
        let question = POLICIES.question(&case).unwrap();
        let answer = |asked: crate::ask::Asked| (asked.allowed, asked.matched, asked.failed);
        let indexed = answer(question.ask(&given, Form::Whole).unwrap());
        prop_assert_eq!(&indexed, &answer(question.ask_of(&WHOLE, &given, Form::Whole).unwrap()));
        prop_assert_eq!(&indexed, &answer(question.ask(&given, Form::Read).unwrap()));
        let slice = slice(&case);
        let narrow = Question::open(Ground { store: &slice, ..POLICIES.base().ground() }, question.bucket, &case).unwrap();
        prop_assert_eq!(&indexed, &answer(narrow.ask(&given, Form::Whole).unwrap()));
        prop_assert_eq!(indexed.0, POLICIES.permits(&case, &given).unwrap().allowed);
    }

    #[test]
    fn more_approvals_never_permit_less(case in cases(), one in approvals(), other in approvals(), rung in 0_usize..6) {
        // Beside the ladder as well as on it; a rung makes it likely that something is allowed at all.
        let one = joined(&one, &estate().authority.rungs[rung].brings());
        if POLICIES.permits(&case, &one).unwrap().allowed {
            let all = joined(&estate().authority.rungs[5].brings(), &Approvals { humans: 20, ..one.clone() });
            prop_assert!(POLICIES.permits(&case, &joined(&one, &other)).unwrap().allowed);
            prop_assert!(POLICIES.permits(&case, &all).unwrap().allowed);
        }
    }

    #[test]
    fn less_confidence_never_permits_more_and_changes_nothing_on_high_risk(case in cases(), other in 0_u32..=10_000) {
        let mut changed = case.clone();
        changed.situation.confidence = Confidence::try_from(other).unwrap();
        let (before, after) = (height(&case), height(&changed));
        if changed.situation.confidence <= case.situation.confidence {
            prop_assert!(after >= before);
        }
        if estate().catalogue.actions[&case.action].risk == Risk::High {
            prop_assert_eq!(before, after);
            prop_assert!(before > 0);
        }
    }

    #[test]
    fn verdict_ladder_and_dispatch_agree(case in cases()) {
        let ladder = POLICIES.ladder(&case).unwrap();
        let first = ladder.iter().position(|r| r.allowed).unwrap_or(ladder.len());
        prop_assert_eq!(first, height(&case));
        for (rung, answer) in estate().authority.rungs.iter().zip(&ladder) {
            let dispatch = POLICIES.permits(&case, &rung.brings()).unwrap();
            prop_assert_eq!((dispatch.allowed, &dispatch.because), (answer.allowed, &answer.because));
        }
        prop_assert!(ladder.iter().skip(first).all(|r| r.allowed));
    }

    #[test]
    fn the_same_case_gives_the_same_bytes(case in cases()) {
        static AGAIN: LazyLock<Policies> = LazyLock::new(|| {
            let mut turned = sources();
            turned.reverse();
            Policies::load(Arc::new(estate()), &turned).unwrap()
        });
        let told = |policies: &Policies| {
            serde_json::to_string(&(policies.judge(&case).unwrap(), policies.ladder(&case).unwrap(), policies.remedies(&case).unwrap())).unwrap()
        };
        prop_assert_eq!(told(&POLICIES), told(&AGAIN));
    }

    #[test]
    fn every_remedy_moves_the_verdict_down_and_none_is_confidence(case in cases()) {
        let before = height(&case);
        for remedy in POLICIES.remedies(&case).unwrap() {
            let text = serde_json::to_string(&remedy).unwrap();
            prop_assert!(!text.contains("confidence"));
            let after = match &remedy.then {
                crate::Outcome::Clear => 0,
                crate::Outcome::NeedsApproval(rung) => estate().authority.rungs.iter().position(|r| r.name == *rung).unwrap(),
            };
            prop_assert!(after < before, "{}", text);
        }
    }

}

proptest! {
    // Each of these loads whole sets, which is slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_text_is_refused_without_panic(text in "\\PC{0,200}") {
        let source = Source { path: "a.cedar".into(), text: text.clone() };
        for fault in Policies::load(Arc::new(estate()), &[source]).err().into_iter().flatten() {
            prop_assert!(fault.offset + fault.len <= text.len() || fault.path != "a.cedar");
        }
    }

    #[test]
    fn mutated_policies_load_or_are_refused_without_panic(
        file in 0_usize..2, cuts in prop::collection::vec((0_usize..6_000, 0_usize..40, "[a-z(){}!&|<>=.,;@\"0-9 ]{0,12}"), 1..4)
    ) {
        let mut source = sources().swap_remove(file);
        for (at, length, put) in cuts {
            let at = at % (source.text.len() + 1);
            let end = (at + length).min(source.text.len());
            if source.text.is_char_boundary(at) && source.text.is_char_boundary(end) {
                source.text.replace_range(at..end, &put);
            }
        }
        let text = source.text.clone();
        match Policies::load(Arc::new(estate()), &[source]) {
            Ok(policies) => {
                let _ = policies.ladder(&case(AGENT, "host.reboot", Environment::Production));
            }
            Err(faults) => prop_assert!(!faults.is_empty() && faults.iter().all(|f| text.get(f.offset..f.offset + f.len).is_some())),
        }
    }
}

/// Whatever comes of it, the stack holds; it is that of a test thread, two mebibytes.
fn survives(condition: &str, loads: bool) {
    let text = format!("@id(\"a\") @title(\"A\") permit (principal, action, resource) when {{ {condition} }};");
    assert_eq!(limit::excess(&text).map(|(_, why)| why), None);
    let source = Source { path: "a.cedar".into(), text };
    let policies = Policies::load(Arc::new(estate()), &[source]);
    assert_eq!(policies.is_ok(), loads, "{:?}", policies.err());
    if let Ok(policies) = policies {
        policies.ladder(&case(AGENT, "host.reboot", Environment::Production)).unwrap();
    }
}

#[test]
fn the_longest_chains_do_not_exhaust_the_stack() {
    survives(&format!("context.freeze{}", " || context.freeze".repeat(limit::JOINTS_MAX)), true);
    survives(&format!("context.freeze{}", "&&true".repeat(limit::JOINTS_MAX)), true);
    survives(&format!("context.hosts{} > 3", " + 1".repeat(limit::SUMS_MAX)), true);
    survives(&format!("context{}", ".freeze".repeat(limit::READS_MAX)), false);
}

#[test]
fn all_bounds_together_do_not_exhaust_the_stack() {
    let (depth, sums) = (limit::NEST_MAX - 1, format!("context.hosts{} > 3", " + 1".repeat(limit::SUMS_MAX)));
    let joints = " && true".repeat(limit::JOINTS_MAX);
    survives(&format!("{}({sums}){}{joints}", "if context.freeze then false else (".repeat(depth - 1), ")".repeat(depth - 1)), true);
    survives(&format!("{}{sums}{joints}{}", "if context.freeze then false else (".repeat(depth), ")".repeat(depth)), true);
    survives(&format!("{}{sums}{joints}{}", "!(".repeat(depth), ")".repeat(depth)), true);
}

#[test]
fn the_deepest_choices_do_not_exhaust_the_stack() {
    let depth = limit::NEST_MAX - 1;
    survives(&format!("{}true{}", "if context.freeze then false else (".repeat(depth), ")".repeat(depth)), true);
}

#[test]
fn the_deepest_brackets_do_not_exhaust_the_stack() {
    let depth = limit::NEST_MAX - 1;
    survives(&format!("{}context.freeze{}", "!(".repeat(depth), ")".repeat(depth)), true);
}

#[test]
fn the_deepest_lists_do_not_exhaust_the_stack() {
    let depth = limit::NEST_MAX - 1;
    survives(&format!("{}1{} == context", "[".repeat(depth), "]".repeat(depth)), false);
    survives(&format!("context == {}1{}", "{a:".repeat(depth), "}".repeat(depth)), false);
}
