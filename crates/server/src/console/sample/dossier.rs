//! What gate 1 found, in samples.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::Digest;
use lineclear_core::Span;
use lineclear_core::authority::Grade;
use lineclear_core::budget::{Budget, Burn, Measured, Objective, Over};
use lineclear_core::bundle::{BUNDLE_FORMAT, Bundle, Needs};
use lineclear_core::catalogue::{Reversibility, Risk};
use lineclear_core::change::Gate;
use lineclear_core::dossier::{Dossier, PriorChange};
use lineclear_core::fact::{Comparison, Condition, Fact, Facts, Reading};
use lineclear_core::label::Labels;
use lineclear_core::measure::{Confidence, Measure};
use lineclear_core::permission::Permissions;
use lineclear_core::plan::{EffectClass, Plan, PlannedStep, Preview, ToolCall};
use lineclear_core::posture::Posture;
use lineclear_core::routine::{Counted, Flaw, Lack, Lost, Routine};
use lineclear_core::runbook::Flow;
use lineclear_core::situation::{Actor, Situation};
use lineclear_core::topology::Blast;
use lineclear_core::verdict::{Bearing, Reason, Reasons, Verdict};
use serde_json::{Value, json};

use super::{Voice, before, id};

pub(super) fn digest(of: &str) -> Digest {
    Digest::of(of.as_bytes())
}

fn call(tool: &str, with: &[(&str, Value)]) -> ToolCall {
    ToolCall { tool: tool.parse().unwrap(), with: with.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect() }
}

/// Two steps: one that reads back as a table, one as lines.
pub(super) fn plan(voice: Voice) -> Plan {
    let record = |address: &str| json!({"name": "www.example.test", "type": "A", "address": address, "ttl": 300});
    let update = PlannedStep {
        step: "update".parse().unwrap(),
        call: call("dns_update", &[("zone", json!("example.test")), ("to", json!(voice.say("192.0.2.20")))]),
        verify: Some(call("dns_lookup", &[("name", json!("www.example.test"))])),
        undo: Some(call("dns_update", &[("zone", json!("example.test")), ("to", json!(voice.say("192.0.2.10")))])),
        effect: EffectClass::Cas,
        preview: Preview {
            before: if voice.hostile { json!({(voice.say("")): voice.say("")}) } else { record("192.0.2.10") },
            after: if voice.hostile { json!({(voice.say("")): 7}) } else { record("192.0.2.20") },
            targets: vec![voice.say("www.example.test A")],
            reversible: true,
            summary: voice.say("points www.example.test A from 192.0.2.10 to 192.0.2.20"),
        },
        flow: Flow::default(),
    };
    let announce = PlannedStep {
        step: "announce".parse().unwrap(),
        call: call("status_post", &[("text", json!("moved"))]),
        verify: None,
        undo: None,
        effect: EffectClass::Once,
        preview: Preview {
            before: json!({"posts": [voice.say("all is well")]}),
            after: json!({"posts": [voice.say("all is well"), voice.say("www has moved")]}),
            targets: vec!["status page".into()],
            reversible: false,
            summary: voice.say("adds one post to the status page"),
        },
        flow: Flow::default(),
    };
    let mut permissions = Permissions::of(
        [&update, &announce].into_iter().flat_map(|step| [Some(&step.call), step.verify.as_ref(), step.undo.as_ref()]).flatten(),
    );
    permissions.add(&"dns_update".parse().unwrap(), "zone", voice.say("example.test"));
    Plan {
        runbook: "update-dns".parse().unwrap(),
        runbook_digest: digest("runbook"),
        steps: vec![update, announce],
        left_out: Vec::new(),
        permissions,
        concurrency_key: None,
        runs_on: Labels::default(),
        read: before(12),
    }
}

fn fact(voice: Voice, name: &str, title: &str, reading: Reading) -> Fact {
    Fact {
        name: name.parse().unwrap(),
        title: voice.say(title),
        source: voice.say("prometheus"),
        query: voice.say("probe_success{job=\"http\",server=\"www.example.test\"}"),
        asked: before(12),
        limit: Span::from_secs(30),
        required: name != "lag_low",
        holds: Condition { op: Comparison::Equal, value: Measure::whole(0) },
        reading,
    }
}

/// One that confirms, one that contradicts, one that is stale and one that is missing.
pub(super) fn facts(voice: Voice, troubled: bool) -> Facts {
    let read = |value: i64, ago| Reading::Value { value: Measure::whole(value), observed: before(ago) };
    let mut list = vec![
        fact(voice, "backend_down", "the web server does not answer", read(0, 14)),
        fact(voice, "new_address_answers", "the new address answers", read(0, 13)),
    ];
    if troubled {
        list.push(fact(voice, "lag_low", "the replicas are close behind", read(9, 13)));
        list.push(fact(voice, "zone_signed", "the zone is signed and the signature is fresh", read(0, 95)));
        list.push(fact(voice, "budget_left", "the shop has error budget left", Reading::Absent { why: voice.say("source unreachable") }));
    }
    list.into_iter().map(|fact| (fact.name.clone(), fact)).collect()
}

pub(super) fn reasons(voice: Voice, bearing: Bearing) -> Reasons {
    let reason = |bearing, policy: &str, title: &str, facts: &[&str]| Reason {
        bearing,
        policy: Some(policy.parse().unwrap()),
        title: voice.say(title),
        facts: facts.iter().map(|fact| if voice.hostile { voice.say("") } else { (*fact).to_owned() }).collect(),
    };
    Reasons::new(vec![
        reason(bearing, "money-path", "Where money passes through, two people must agree", &["context.money_path"]),
        reason(
            Bearing::Permits,
            "dns-two-signed",
            "A DNS change that facts confirm takes two signatures",
            &["context.evidence.backend_down", "context.approvals.humans"],
        ),
    ])
    .unwrap()
}

/// The verdict that people of this rung must answer.
pub(super) fn needs(voice: Voice, rung: &str) -> Verdict {
    Verdict::NeedsApproval { rung: rung.parse().unwrap(), because: reasons(voice, Bearing::Forbids) }
}

fn measured(voice: Voice) -> Vec<Measured> {
    let objective = Objective::new(999_000, Span::from_secs(30 * 86_400)).unwrap();
    let failed = |window: Span| Some(if window.as_secs() < 6 * 3_600 { 900 } else { 1_400 });
    let one = |slo: &str, title: &str, budget| Measured {
        slo: slo.parse().unwrap(),
        title: voice.say(title),
        goal: Some(voice.say("of all requests")),
        service: "service/shop".parse().unwrap(),
        target_ppm: 999_000,
        period: objective.period(),
        source: voice.say("prometheus"),
        query: voice.say("avg_over_time(http_error_ratio{service=\"shop\"}[30d:1m])"),
        asked: before(20),
        age_s: Some(4),
        over: objective.windows().into_iter().map(|window| Over::of(&objective, window, failed(window).filter(|_| budget))).collect(),
        budget: Some(Budget { remaining_bp: 4_200, burn: Burn::Slow }).filter(|_| budget),
    };
    vec![one("shop-requests", "The shop answers without errors", true), one("shop-fleet", "The shop's web servers answer", false)]
}

fn routine() -> Routine {
    let run = |number, days: u64| Counted { change: id("change", number), at: before(days * 86_400) };
    Routine {
        earned: false,
        runs: vec![run(33, 4), run(34, 2)],
        lost: Some(Lost { change: id("change", 32), flaw: Flaw::Undone, at: before(40 * 86_400) }),
        lacks: vec![Lack::Undrilled, Lack::TooFew { have: 2, need: 5 }],
    }
}

pub(super) fn dossier(voice: Voice, risk: Risk, verdict: Option<Verdict>) -> Dossier {
    let affected: BTreeSet<_> =
        ["zone/example.test", "service/www", "service/shop", "service/billing"].into_iter().map(|r| r.parse().unwrap()).collect();
    let prior = |number, title: &str, outcome: Option<&str>, ago| PriorChange {
        change: id("change", number),
        title: voice.say(title),
        outcome: outcome.map(|outcome| voice.say(outcome)),
        at: before(ago),
    };
    let facts = facts(voice, false);
    Dossier {
        at: before(11),
        policy: digest("estate"),
        risk,
        reversibility: Reversibility::Reversible,
        situation: situation(&facts),
        facts,
        blast: Blast {
            hosts: 0,
            services: 3,
            customers: 12_700,
            regions: ["eu-central", "us-east"].into_iter().map(|region| region.parse().unwrap()).collect(),
            fleet_bp: 0,
            money_path: true,
            customer_data: false,
            affected,
        },
        worst_case: voice.say("At worst 0 hosts, 3 services and up to 12700 customers in 2 regions notice; 0.00 % of the fleet's hosts; money passes through here; no customers' data."),
        owner: "edge".parse().unwrap(),
        owners: [id("operator", 1), id("operator", 5)].into(),
        plan: Some(plan(voice)),
        drilled: Some(before(3 * 86_400)),
        budgets: measured(voice),
        routine: Some(routine()),
        verdict,
        prior: vec![
            prior(31, "dns.update on zone/example.test", Some("succeeded"), 8 * 86_400),
            prior(32, "dns.update on zone/example.test", Some("undone"), 40 * 86_400),
        ],
        in_flight: Vec::new(),
        freeze: None,
        emergency: None,
        faults: Vec::new(),
    }
}

fn situation(facts: &Facts) -> Situation {
    Situation {
        confidence: Confidence::try_from(9_250).unwrap(),
        evidence: facts.keys().map(|name| (name.clone(), true)).collect::<BTreeMap<_, _>>(),
        confirmed: 2,
        conflicting: false,
        hosts: 0,
        services: 3,
        customers: 12_700,
        regions: 2,
        fleet_bp: 0,
        money_path: true,
        customer_data: false,
        reversible: true,
        undo_drilled: true,
        budget: Some(Budget { remaining_bp: 4_200, burn: Burn::Slow }),
        posture: Posture::Full,
        freeze: false,
        in_flight: 0,
        severity: 2,
        emergency: false,
        routine: false,
        permissions: BTreeSet::new(),
    }
}

/// Who must answer: two people, signed, or one who is signed in.
pub(super) fn rung(name: &str, humans: u8, owner: bool, grade: Grade) -> Needs {
    Needs { rung: name.parse().unwrap(), humans, roles: ["operator".parse().unwrap()].into(), owner, grade, reviews: BTreeMap::new() }
}

pub(super) fn gate(dossier: Dossier, needs: Needs) -> Box<Gate> {
    let bundle = Bundle {
        format: BUNDLE_FORMAT.into(),
        audience: "ledger.example/northwind/g1".into(),
        change: id("change", 1),
        round: 1,
        action: "dns.update".parse().unwrap(),
        target: "zone/example.test".parse().unwrap(),
        risk: dossier.risk,
        proposer: Actor::Agent(id("agent", 1)),
        recused: [id("operator", 3)].into(),
        single_operator: false,
        proposal: digest("proposal"),
        runbook: digest("runbook"),
        plan: digest("plan"),
        policy: dossier.policy,
        situation: digest("situation"),
        evidence: digest("evidence"),
        dossier: digest("dossier"),
        steps: Vec::new(),
        permissions: Some(Permissions::none()),
        sandbox: None,
        needs,
    };
    Box::new(Gate { dossier, bundle })
}
