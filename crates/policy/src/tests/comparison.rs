//! Nothing that makes an answer quick may change it: every rung, verdict and dispatch against Cedar alone over every policy,
//! the whole estate and every fact.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use lineclear_core::authority::Approvals;
use lineclear_core::situation::Case;
use lineclear_core::topology::Environment;
use lineclear_core::verdict::{Bearing, Verdict};
use proptest::prelude::*;
use proptest::sample::select;

use super::fixture::{self, policies_and, policies_of};
use super::laws::{approvals, cases, cases_of};
use super::plain::Plain;
use super::{estate, policies};
use crate::{Policies, Source};

/// Conditions that read the context in every way the language has, and some that read none of it.
const CONDITIONS: [&str; 15] = [
    "context.freeze",
    "context.confidence_bp < 5000",
    "context.approvals.humans >= 2",
    "context.approvals.owner",
    "context.approvals has owner && context.approvals.owner",
    "context.approvals == context.approvals && context.routine",
    "(if context.emergency then context.approvals else context.approvals).humans >= 1",
    "context.evidence.backend_down",
    "context[\"hosts\"] * 9223372036854775807 > 0",
    "[context.hosts, context.regions].contains(context.services)",
    "{ a: context.severity }.a > 2",
    "[context.approvals].contains(context.approvals) && context.customer_data",
    "resource.money_path",
    "resource in Service::\"shop\"",
    "action in Action::\"medium_risk\"",
];

/// The place of `pool.drain` among the actions: its one fact is required, so that conditions may read it either way.
const DRAIN: usize = 5;

fn conditions() -> impl Strategy<Value = String> {
    select(&CONDITIONS[..]).prop_map(|text| format!("({text})")).prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("!{a}")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("(if {a} then {b} else {c})")),
        ]
    })
}

/// One permit and one forbid; nothing when the set is refused, as one that can never match is.
fn pair(permit: &str, forbid: &str) -> Option<Policies> {
    let scope = "(principal, action == Action::\"pool.drain\", resource)";
    let text = format!(
        "@id(\"yes\") @title(\"Yes\") permit {scope} when {{ {permit} }};\n@id(\"no\") @title(\"No\") forbid {scope} when {{ {forbid} }};"
    );
    Policies::load(Arc::new(estate()), &[Source { path: "a.cedar".into(), text }]).ok()
}

/// The whole comparison for one case.
fn check(policies: &Policies, plain: &Plain<'_>, case: &Case, given: &Approvals) {
    let ladder = policies.ladder(case).unwrap();
    let rungs = &policies.estate().authority.rungs;
    assert_eq!(ladder.len(), rungs.len());
    let mut lowest = None;
    for (rung, answer) in rungs.iter().zip(&ladder) {
        let alone = plain.ask(case, &rung.brings());
        assert!(alone.agrees(answer.allowed, &answer.because), "{}: {alone:?} but {answer:?}", rung.name);
        lowest = lowest.or(alone.allowed.then_some(&rung.name));
    }
    let decided = policies.decide_again(case).unwrap();
    assert_eq!(policies.judge(case).unwrap(), decided.verdict);
    let bottom = plain.ask(case, &rungs[0].brings());
    assert_eq!(decided.guards.iter().map(ToString::to_string).collect::<BTreeSet<_>>(), bottom.guards());
    let said = match decided.verdict {
        Verdict::Clear { .. } => Some(rungs[0].name.clone()),
        Verdict::NeedsApproval { rung, .. } => Some(rung),
        Verdict::Denied { .. } => None,
    };
    assert_eq!(said.as_ref(), lowest);
    let (dispatch, alone) = (policies.permits(case, given).unwrap(), plain.ask(case, given));
    assert!(alone.agrees(dispatch.allowed, &dispatch.because), "{alone:?} but {dispatch:?}");
}

proptest! {
    #[test]
    fn twenty_five_policies_answer_as_cedar_does_alone(case in cases(), given in approvals()) {
        static SET: LazyLock<Policies> = LazyLock::new(policies);
        static ALONE: LazyLock<Plain<'static>> = LazyLock::new(|| Plain::new(&SET));
        check(&SET, &ALONE, &case, &given);
    }
}

proptest! {
    // Each case goes six times over a hundred and fifty policies, or loads a set of its own: slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_set_for_six_teams_answers_as_cedar_does_alone(mut case in cases(), team in 0_usize..=5, given in approvals()) {
        static SET: LazyLock<Policies> = LazyLock::new(|| policies_of(5));
        static ALONE: LazyLock<Plain<'static>> = LazyLock::new(|| Plain::new(&SET));
        if team > 0 {
            case.target.name = format!("team-0{team}").parse().unwrap();
        }
        check(&SET, &ALONE, &case, &given);
    }

    #[test]
    fn policies_of_any_shape_answer_as_cedar_does_alone(
        permit in conditions(), forbid in conditions(), case in cases_of(DRAIN..DRAIN + 1), given in approvals()
    ) {
        if let Some(policies) = pair(&permit, &forbid) {
            check(&policies, &Plain::new(&policies), &case, &given);
        }
    }
}

/// Two dozen policies and more: what cannot match is left out, what can fail is not, whatever else of it does not hold.
#[test]
fn a_policy_that_can_fail_is_asked_wherever_it_could_be_left_out() {
    let planted = |condition: &str| {
        let text =
            format!("@id(\"planted\") @title(\"Planted\") forbid (principal, action == Action::\"pool.drain\", resource) {condition};");
        let planted = Source { path: "policies/planted.cedar".into(), text };
        policies_and(5, fixture::sources().into_iter().chain([planted]).collect())
    };
    let failing = "context.in_flight * 9223372036854775807 > 0";
    let mut case = fixture::case(fixture::AGENT, "pool.drain", Environment::Production);
    case.situation.in_flight = 3;
    let named = |policies: &Policies| {
        let verdict = policies.judge(&case).unwrap();
        let because = verdict.because().iter().map(|one| (one.bearing, one.policy.as_ref().map(ToString::to_string)));
        (verdict.word(), because.collect::<Vec<_>>())
    };
    let failed = ("denied", vec![(Bearing::Failed, Some("planted".to_owned()))]);
    assert_eq!(named(&planted(&format!("when {{ {failing} && resource.owner == Team::\"team-02\" }}"))), failed);
    assert_eq!(named(&planted(&format!("when {{ context.approvals.humans < 9 && {failing} && context.freeze }}"))), failed);
    // Cedar reads from left to right and stops: this one cannot fail here.
    assert_eq!(named(&planted(&format!("when {{ resource.owner == Team::\"team-02\" && {failing} }}"))).0, "needs_approval");
}

/// Rungs whose approvals settle the answer are not asked; these pairs are settled at some rungs and not at others.
#[test]
fn a_rung_is_passed_over_only_when_its_approvals_settle_it() {
    let case = fixture::case(fixture::AGENT, "pool.drain", Environment::Production);
    let check_pair = |permit: &str, forbid: &str, expected: &str| {
        let policies = pair(permit, forbid).unwrap();
        check(&policies, &Plain::new(&policies), &case, &Approvals::default());
        let verdict = policies.judge(&case).unwrap();
        let rung = if let Verdict::NeedsApproval { rung, .. } = &verdict { rung.as_str() } else { verdict.word() };
        assert_eq!(rung, expected, "{permit} / {forbid}");
    };
    check_pair("context.approvals.humans >= 1", "context.approvals.humans < 2 && !context.approvals.owner", "two-operators");
    check_pair("context.approvals.humans >= 1", "!(context.approvals.humans >= 2 && context.approvals.owner)", "service-owner");
    check_pair("context.approvals.humans >= 1 || context.reversible", "context.approvals.humans < 1 && context.reversible", "one-operator");
    check_pair("context.approvals.humans >= 1 && context.approvals.owner", "context.freeze", "service-owner");
    check_pair("context.approvals.humans >= 2 && context.freeze", "context.emergency", "denied");
    check_pair("context.approvals.humans >= 2", "context.reversible", "denied");
}

#[test]
fn every_condition_loads_alone() {
    for condition in CONDITIONS {
        assert!(pair(condition, condition).is_some(), "{condition}");
    }
}

/// No policy gets as far as to read all of the context or of the evidence: facts that the action does not require are in it.
#[test]
fn neither_the_context_nor_the_evidence_is_read_as_such() {
    let whole = ["context has freeze", "context == context", "(if context.freeze then context else context).routine"];
    for condition in whole.into_iter().chain(["context.evidence == context.evidence", "context.evidence has backend_down"]) {
        assert!(pair(condition, "context.freeze").is_none() && pair("context.routine", condition).is_none(), "{condition}");
    }
}

#[test]
fn large_sets_hold_what_the_benchmark_says() {
    assert_eq!((policies_of(0).len(), policies_of(5).len()), (25, 150));
}
