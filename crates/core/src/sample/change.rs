//! Samples of changes and what they are judged on.

use std::collections::{BTreeMap, BTreeSet};

use super::{MARK, after, agent, digest, id, needs, person, second};
use crate::authority::Grade;
use crate::bundle::{BUNDLE_FORMAT, Bundle};
use crate::catalogue::{InputValue, Reversibility, Risk};
use crate::change::{Assessment, Change, Event, Judgement, Sample};
use crate::digest::Digest;
use crate::dossier::{Difference, Dossier, Fault, Misfit, PriorChange};
use crate::fact::{Comparison, Condition, Fact, Reading};
use crate::id::{ApprovalId, ChangeId, IncidentId, RunId, SignalId};
use crate::measure::{Confidence, Measure};
use crate::permission::Permissions;
use crate::posture::Posture;
use crate::proposal::{Citation, Links, Model, Proposal};
use crate::run::RunEnd;
use crate::situation::Situation;
use crate::time::Span;
use crate::topology::Blast;
use crate::verdict::{Bearing, Reason, Reasons, Verdict};

fn proposal() -> Proposal {
    Proposal {
        by: agent(),
        action: "dns.update".parse().unwrap(),
        target: "zone/example.test".parse().unwrap(),
        inputs: BTreeMap::from([("to".parse().unwrap(), InputValue::Text(MARK.into())), ("ttl".parse().unwrap(), InputValue::Integer(60))]),
        confidence: Confidence::try_from(9_000).unwrap(),
        reason: MARK.into(),
        model: Some(Model { name: MARK.into(), version: MARK.into() }),
        evidence: BTreeSet::from([Citation::Claim { text: MARK.into() }, Citation::Fact { name: "backend_down".parse().unwrap() }]),
        alternatives: vec![MARK.into()],
        incident: Some(IncidentId::new(id(40))),
        signals: BTreeSet::from([SignalId::new(id(51))]),
        links: Links { deployment: Some(MARK.into()), ticket: Some(MARK.into()) },
        again: None,
    }
}

pub(crate) fn situation(hosts: u32) -> Situation {
    Situation {
        confidence: Confidence::try_from(9_000).unwrap(),
        evidence: BTreeMap::from([("backend_down".parse().unwrap(), true)]),
        confirmed: 1,
        conflicting: false,
        hosts,
        services: 1,
        customers: 7,
        regions: 1,
        fleet_bp: 125,
        money_path: false,
        customer_data: false,
        reversible: true,
        undo_drilled: true,
        budget: None,
        posture: Posture::Full,
        freeze: false,
        in_flight: 0,
        severity: 2,
        emergency: false,
        routine: false,
        permissions: BTreeSet::new(),
    }
}

fn facts() -> BTreeMap<crate::name::FactName, Fact> {
    let name: crate::name::FactName = "backend_down".parse().unwrap();
    let fact = Fact {
        name: name.clone(),
        title: MARK.into(),
        source: "prometheus".into(),
        query: MARK.into(),
        asked: second(1),
        limit: Span::from_secs(30),
        required: true,
        holds: Condition { op: Comparison::AtMost, value: Measure::whole(0) },
        reading: Reading::Value { value: "0.973".parse().unwrap(), observed: second(1) },
    };
    let absent = Fact { name: "lag".parse().unwrap(), reading: Reading::Absent { why: MARK.into() }, ..fact.clone() };
    BTreeMap::from([(name, fact), ("lag".parse().unwrap(), absent)])
}

/// What gate 1 found at this second, with so many hosts in reach.
fn dossier(at: i64, verdict: Option<Verdict>, hosts: u32) -> Dossier {
    let prior = PriorChange { change: ChangeId::new(id(3)), title: MARK.into(), outcome: Some(MARK.into()), at: second(0) };
    Dossier {
        at: second(at),
        policy: digest("policy"),
        risk: Risk::Medium,
        reversibility: Reversibility::Reversible,
        facts: facts(),
        blast: Blast {
            hosts,
            services: 1,
            customers: 7,
            regions: BTreeSet::from(["eu".parse().unwrap()]),
            fleet_bp: 125,
            money_path: false,
            customer_data: false,
            affected: BTreeSet::from(["zone/example.test".parse().unwrap()]),
        },
        worst_case: MARK.into(),
        owner: "dns-team".parse().unwrap(),
        owners: BTreeSet::from([person(3)]),
        plan: Some(super::order(&[super::Step::EFFECT]).plan),
        drilled: Some(second(0)),
        budgets: Vec::new(),
        routine: None,
        situation: situation(hosts),
        verdict,
        prior: vec![prior.clone()],
        in_flight: vec![prior],
        freeze: Some(MARK.into()),
        emergency: None,
        faults: Vec::new(),
    }
}

fn because() -> Reasons {
    let facts = vec![MARK.into()];
    Reasons::one(Reason { bearing: Bearing::Permits, policy: Some("routine-dns".parse().unwrap()), title: MARK.into(), facts })
}

fn bundle(dossier: &Dossier) -> Bundle {
    let proposal = proposal();
    Bundle {
        format: BUNDLE_FORMAT.into(),
        audience: "lineclear.example.test".into(),
        change: ChangeId::new(id(1)),
        round: 1,
        action: proposal.action.clone(),
        target: proposal.target.clone(),
        risk: dossier.risk,
        proposer: proposal.by,
        recused: BTreeSet::from([person(9)]),
        single_operator: false,
        proposal: Digest::of_json(&proposal).unwrap(),
        runbook: digest("runbook"),
        plan: digest("plan"),
        policy: dossier.policy,
        situation: Digest::of_json(&dossier.situation).unwrap(),
        evidence: digest("evidence"),
        dossier: dossier.digest().unwrap(),
        steps: Vec::new(),
        permissions: Some(Permissions::none()),
        sandbox: None,
        needs: needs(1, Grade::Ssh),
    }
}

/// What gate 1 can find: `faulty`, `denied`, `needs`, `clear` or `advice`, with so many hosts in reach.
pub(crate) fn assessment(kind: &str, at: i64, hosts: u32, approval: u128) -> Assessment {
    let because = because();
    let verdict = match kind {
        "faulty" => None,
        "denied" => Some(Verdict::Denied { because }),
        "needs" => Some(Verdict::NeedsApproval { rung: "one-operator".parse().unwrap(), because }),
        _ => Some(Verdict::Clear { because }),
    };
    let mut dossier = dossier(at, verdict, hosts);
    if kind == "faulty" {
        let fact: crate::name::FactName = "backend_down".parse().unwrap();
        dossier.faults = vec![
            Fault::MissingFact { fact: fact.clone(), why: MARK.into(), query: MARK.into() },
            Fault::StaleFact { fact, age_s: 31, limit_s: 30 },
            Fault::NoPlan { why: MARK.into() },
            Fault::NoBudget {
                slo: "shop-requests".parse().unwrap(),
                why: MARK.into(),
                help: MARK.into(),
                source: MARK.into(),
                query: MARK.into(),
            },
            Fault::Slice { why: MARK.into() },
        ];
    }
    if kind == "advice" {
        dossier.plan = None;
    }
    Assessment { bundle: bundle(&dossier), dossier, approval: ApprovalId::new(id(approval)) }
}

fn seen(at: i64) -> Sample {
    let facts = |state| BTreeMap::from([("backend_down".parse().unwrap(), state)]);
    Sample { at: second(at), goals: facts(Some(true)), neighbours: facts(None) }
}

pub(crate) fn change_events() -> Vec<(&'static str, Event)> {
    use Event as E;
    let (at, by, reason) = (second(5), person(1), || MARK.to_owned());
    let found = |kind| {
        let Assessment { dossier, bundle, .. } = assessment(kind, 2, 1, 20);
        (Box::new(dossier), Box::new(bundle))
    };
    let differences = vec![Difference { what: MARK.into(), before: MARK.into(), after: MARK.into() }];
    let run = RunId::new(id(30));
    let inputs = BTreeMap::from([("to".parse().unwrap(), InputValue::Text(MARK.into()))]);
    let started = |(dossier, bundle)| E::Started { run, dossier, bundle, before: seen(4), at };
    let asked = |(dossier, bundle)| E::Asked { dossier, bundle, approval: ApprovalId::new(id(20)), differences: differences.clone() };
    let cleared = |(dossier, bundle)| E::Cleared { dossier, bundle, differences: differences.clone(), until: second(900) };
    let ended = |how| E::RunEnded { how, soak: Span::from_secs(60), at };
    let judged = |judgement, closes| E::Judged { judgement, closes, at };
    let misfit = Misfit::WrongKind { action: MARK.into(), wanted: MARK.into(), target: MARK.into() };
    vec![
        ("proposed", E::Proposed { id: ChangeId::new(id(1)), proposal: Box::new(proposal()), at: second(0) }),
        ("misfit", E::Misfit { misfit, at }),
        ("blocked", E::Blocked { dossier: found("faulty").0, until: second(3_600) }),
        ("denied", E::Denied { dossier: found("denied").0 }),
        ("asked", asked(found("needs"))),
        ("cleared", cleared(found("clear"))),
        ("approved", E::Approved { until: second(900), at }),
        ("rejected", E::Rejected { by, at }),
        ("lapsed", E::Lapsed { at }),
        ("withdrawn", E::Withdrawn { by: agent(), reason: reason(), at }),
        ("amended", E::Amended { by: agent(), inputs, at }),
        ("advised", E::Advised { at }),
        ("queued", E::Queued { key: MARK.into(), behind: ChangeId::new(id(2)), run: RunId::new(id(31)), at }),
        ("started", started(found("clear"))),
        ("run_ended done", ended(RunEnd::Done)),
        ("run_ended undone", ended(RunEnd::Undone)),
        ("run_ended aborted", ended(RunEnd::Aborted)),
        ("run_ended stopped", ended(RunEnd::Stopped)),
        ("sampled", E::Sampled { sample: seen(6) }),
        ("judged, closes", judged(Judgement::Improved, true)),
        ("judged", judged(Judgement::Shifted, false)),
        ("taken_back", E::TakenBack { by, reason: reason(), at }),
        ("declared success", E::Declared { by, success: true, reason: reason(), at }),
        ("declared failure", E::Declared { by, success: false, reason: reason(), at }),
        ("act_refused", E::ActRefused { by: agent(), act: MARK.into(), code: MARK.into(), at }),
    ]
}

pub(crate) fn change_states() -> Vec<(&'static str, Change)> {
    let all: BTreeMap<_, _> = change_events().into_iter().collect();
    let of = |label, path: &[&'static str]| {
        let events: Vec<_> = std::iter::once(&"proposed").chain(path).map(|word| all[word].clone()).collect();
        (label, after::<Change>(&events))
    };
    let done = ["cleared", "started", "run_ended done"];
    let then = |label, word| of(label, &[&done[..], &[word]].concat());
    vec![
        of("proposed", &[]),
        of("blocked", &["blocked"]),
        of("awaiting", &["asked"]),
        of("cleared by policy", &["cleared"]),
        of("cleared by people", &["asked", "approved"]),
        of("cleared, queued", &["cleared", "queued"]),
        of("running", &["cleared", "started"]),
        of("running, approved", &["asked", "approved", "started"]),
        of("verifying", &done),
        then("escalated, judged", "judged"),
        of("escalated, aborted", &["cleared", "started", "run_ended aborted"]),
        of("denied", &["denied"]),
        of("misfit", &["misfit"]),
        of("rejected", &["asked", "rejected"]),
        of("lapsed", &["asked", "lapsed"]),
        of("withdrawn", &["withdrawn"]),
        of("advised", &["cleared", "advised"]),
        then("succeeded, by machine", "judged, closes"),
        of("succeeded, by person", &[&done[..], &["judged", "declared success"]].concat()),
        of("undone", &["cleared", "started", "run_ended undone"]),
        of("failed", &[&done[..], &["judged", "declared failure"]].concat()),
    ]
}
