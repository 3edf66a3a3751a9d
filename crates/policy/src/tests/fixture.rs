//! A small hosting estate with ten actions, six rungs and twenty-five policies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use lineclear_core::authority::{Agent, Authority, Directory, Grade, Operator, Rung};
use lineclear_core::catalogue::{Action, Catalogue, Closing, FactNeed, Reversibility, Risk};
use lineclear_core::estate::Estate;
use lineclear_core::fact::{Comparison, Condition, FactSpec};
use lineclear_core::measure::{Confidence, Measure};
use lineclear_core::permission::Permissions;
use lineclear_core::posture::Posture;
use lineclear_core::runbook::{Runbook, Serves, Verification};
use lineclear_core::situation::{Actor, Case, Situation};
use lineclear_core::topology::{Entity, EntityKind, EntityRef, Environment, Topology};
use lineclear_core::{AgentId, Digest, OperatorId, Span};

use crate::{Policies, Source};

pub const AGENT: Actor = Actor::Agent(AgentId::new(uuid::Uuid::from_u128(1)));
pub const ADA: Actor = Actor::Operator(OperatorId::new(uuid::Uuid::from_u128(2)));

/// Name, risk, kind, facts (`!` = required).
const ACTIONS: [(&str, Risk, EntityKind, &[&str]); 10] = [
    ("cache.purge", Risk::Medium, EntityKind::Cache, &[]),
    ("cert.renew", Risk::Medium, EntityKind::Certificate, &["!cert_expiring"]),
    ("db.switchover", Risk::High, EntityKind::Database, &["!standby_ready", "!replica_caught_up"]),
    ("dns.update", Risk::High, EntityKind::Zone, &["!resolver_probe", "backend_down"]),
    ("host.reboot", Risk::Medium, EntityKind::Host, &["backend_down"]),
    ("pool.drain", Risk::Medium, EntityKind::Pool, &["!backend_down"]),
    ("service.scale", Risk::Medium, EntityKind::Service, &["error_rate_high"]),
    ("status.draft", Risk::Low, EntityKind::Service, &[]),
    ("telemetry.read", Risk::Low, EntityKind::Service, &[]),
    ("waf.bypass", Risk::High, EntityKind::Service, &[]),
];

fn action(name: &str, risk: Risk, resource: EntityKind, facts: &[&str]) -> Action {
    let need = |f: &&str| FactNeed { fact: f.trim_start_matches('!').parse().unwrap(), required: f.starts_with('!') };
    Action {
        name: name.parse().unwrap(),
        title: name.into(),
        risk,
        reversibility: Reversibility::Reversible,
        resource,
        inputs: BTreeMap::new(),
        runbook: None,
        facts: facts.iter().map(need).collect(),
        never_routine: false,
        closes: Closing::Person,
        sandbox: None,
    }
}

fn runbook() -> Runbook {
    let mut permissions = Permissions::none();
    for (tool, argument, value) in
        [("dns_update", "type", "A"), ("dns_update", "zone", "${target.name}"), ("shell", "command", "/usr/bin/kick")]
    {
        permissions.add(&tool.parse().unwrap(), argument, value.into());
    }
    Runbook {
        id: "update-dns".parse().unwrap(),
        title: "Point a name elsewhere".into(),
        owner: "web".parse().unwrap(),
        serves: Serves::default(),
        inputs: BTreeMap::new(),
        deadline: Span::from_secs(60),
        concurrency_key: None,
        runs_on: lineclear_core::label::Labels::default(),
        steps: Vec::new(),
        fallbacks: BTreeMap::new(),
        verification: Verification::default(),
        permissions,
        sandbox: None,
        rehearsed: true,
        digest: Digest::of(b"runbook"),
    }
}

fn rung(name: &str, humans: u8, roles: &[&str], owner: bool, grade: Grade) -> Rung {
    let roles = roles.iter().map(|r| r.parse().unwrap()).collect();
    Rung { name: name.parse().unwrap(), title: name.replace('-', " "), humans, roles, owner, grade }
}

fn authority() -> Authority {
    let lead = ["operator", "service-lead"];
    let commander = ["operator", "service-lead", "incident-commander"];
    let all = ["operator", "service-lead", "incident-commander", "security-officer"];
    Authority {
        roles: all.iter().map(|r| r.parse().unwrap()).collect(),
        rungs: vec![
            rung("autonomous", 0, &[], false, Grade::None),
            rung("one-operator", 1, &["operator"], false, Grade::Session),
            rung("two-operators", 2, &["operator"], false, Grade::Ssh),
            rung("service-owner", 2, &lead, true, Grade::Ssh),
            rung("incident-commander", 3, &commander, true, Grade::Ssh),
            rung("security-officer", 4, &all, true, Grade::Passkey),
        ],
        approval_ttl: Span::from_secs(1_800),
        single_operator: false,
        activation: None,
        routine: None,
        emergencies: None,
    }
}

/// What holds a thing of this kind: hosts are in pools, zones stand alone, the rest is part of its service.
const fn holder(kind: EntityKind) -> Option<EntityKind> {
    match kind {
        EntityKind::Host => Some(EntityKind::Pool),
        EntityKind::Service | EntityKind::Zone => None,
        EntityKind::Cache | EntityKind::Certificate | EntityKind::Database | EntityKind::Pool => Some(EntityKind::Service),
    }
}

pub fn target(kind: EntityKind, environment: Environment) -> EntityRef {
    let name = match environment {
        Environment::Production => "shop",
        Environment::Staging => "trial",
        Environment::Dev => "lab",
    };
    EntityRef { kind, name: name.parse().unwrap() }
}

pub fn things() -> Vec<Entity> {
    let mut all = Vec::new();
    for environment in [Environment::Production, Environment::Staging, Environment::Dev] {
        let production = environment == Environment::Production;
        all.extend(EntityKind::ALL.into_iter().map(|kind| Entity {
            reference: target(kind, environment),
            title: kind.as_str().into(),
            owner: if production { "payments" } else { "web" }.parse().unwrap(),
            environment,
            regions: BTreeSet::new(),
            customers: if production { 900 } else { 0 },
            customer_data: production,
            money_path: production,
            part_of: holder(kind).map(|k| target(k, environment)).into_iter().collect(),
            depends_on: BTreeSet::new(),
            runs_on: lineclear_core::label::Labels::default(),
        }));
    }
    all
}

/// The same thing in the hands of a team, under the team's name.
fn owned(thing: Entity, team: &str) -> Entity {
    let named = |reference: &EntityRef| EntityRef { kind: reference.kind, name: team.parse().unwrap() };
    let part_of = thing.part_of.iter().map(named).collect();
    Entity { reference: named(&thing.reference), owner: team.parse().unwrap(), part_of, ..thing }
}

fn directory() -> Directory {
    let id = OperatorId::new(uuid::Uuid::from_u128(2));
    let roles = ["operator", "service-lead"].iter().map(|r| r.parse().unwrap()).collect();
    let ada = Operator { id, login: "ada".parse().unwrap(), name: "Ada".into(), roles, teams: BTreeSet::new(), keys: Vec::new() };
    let machine = AgentId::new(uuid::Uuid::from_u128(1));
    let triage = Agent { id: machine, login: "triage".parse().unwrap(), owner: id };
    Directory { operators: BTreeMap::from([(id, ada)]), agents: BTreeMap::from([(machine, triage)]) }
}

/// The name of one of the further teams.
fn team(number: usize) -> String {
    format!("team-{number:02}")
}

/// The estate with so many further teams, each the owner of one of everything in production.
pub fn estate_of(teams: usize) -> Estate {
    let mut all = things();
    for number in 1..=teams {
        all.extend(things().into_iter().filter(|t| t.environment == Environment::Production).map(|thing| owned(thing, &team(number))));
    }
    let facts = ["backend_down", "cert_expiring", "error_rate_high", "replica_caught_up", "resolver_probe", "standby_ready"];
    let fact = |name: &str| FactSpec {
        name: name.parse().unwrap(),
        title: name.into(),
        source: "prometheus".into(),
        query: "up".into(),
        limit: Span::from_secs(30),
        holds: Condition { op: Comparison::Equal, value: Measure::whole(1) },
    };
    Estate {
        title: "Test".into(),
        digest: Digest::of(b"estate"),
        origin: "ledger.test/g1".into(),
        catalogue: Catalogue {
            actions: ACTIONS.iter().map(|(n, risk, kind, facts)| (n.parse().unwrap(), action(n, *risk, *kind, facts))).collect(),
        },
        topology: Topology::new(all).unwrap(),
        authority: authority(),
        directory: directory(),
        facts: facts.iter().map(|f| (f.parse().unwrap(), fact(f))).collect(),
        runbooks: BTreeMap::from([("update-dns".parse().unwrap(), runbook())]),
        freezes: Vec::new(),
        sources: BTreeMap::new(),
        notices: lineclear_core::notice::Channels::default(),
        posture: Posture::Full,
        slos: BTreeMap::new(),
        severity: None,
        escalation: BTreeMap::new(),
        rotations: BTreeMap::new(),
        signals: BTreeMap::new(),
        mappings: BTreeMap::new(),
        maintenance: Vec::new(),
    }
}

pub fn sources() -> Vec<Source> {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    vec![
        source("policies/forbids.cedar", include_str!("../../tests/fixture/forbids.cedar")),
        source("policies/permits.cedar", include_str!("../../tests/fixture/permits.cedar")),
    ]
}

/// A set as large estates have it: the twenty-five, and a copy of each for every further team, narrowed to what that owns.
pub fn policies_of(teams: usize) -> Policies {
    policies_and(teams, sources())
}

/// The same for further teams, with other texts in the place of the twenty-five or beside them.
pub fn policies_and(teams: usize, mut all: Vec<Source>) -> Policies {
    for team in (1..=teams).map(team) {
        let narrowed = sources().into_iter().map(|source| Source {
            path: source.path.replace("policies/", &format!("policies/{team}-")),
            text: narrowed(&source.text, &team),
        });
        all.extend(narrowed);
    }
    Policies::load(Arc::new(estate_of(teams)), &all).unwrap()
}

/// Every policy of the text under a name of its own, with one more condition.
fn narrowed(text: &str, team: &str) -> String {
    let set: cedar_policy::PolicySet = text.parse().unwrap();
    let mut copies = String::new();
    for policy in set.policies() {
        let (id, whole) = (policy.annotation("id").unwrap(), policy.to_cedar().unwrap());
        copies += whole.replace(&format!("@id(\"{id}\")"), &format!("@id(\"{id}-{team}\")")).trim_end_matches(';');
        let _ = write!(copies, "\nwhen {{ resource.owner == Team::\"{team}\" }};\n");
    }
    copies
}

/// A good day: every fact confirmed, nothing in the way.
pub fn case(principal: Actor, action: &str, environment: Environment) -> Case {
    let (_, _, kind, facts) = *ACTIONS.iter().find(|(name, ..)| *name == action).unwrap();
    let evidence: BTreeMap<_, _> = facts.iter().map(|f| (f.trim_start_matches('!').parse().unwrap(), true)).collect();
    let situation = Situation {
        confidence: Confidence::try_from(9_000).unwrap(),
        confirmed: u32::try_from(evidence.len()).unwrap(),
        evidence,
        conflicting: false,
        hosts: 1,
        services: 1,
        customers: 900,
        regions: 1,
        fleet_bp: 100,
        money_path: false,
        customer_data: false,
        reversible: true,
        undo_drilled: true,
        budget: None,
        posture: Posture::Full,
        freeze: false,
        in_flight: 0,
        severity: 0,
        emergency: false,
        routine: false,
        permissions: BTreeSet::new(),
    };
    Case { principal, action: action.parse().unwrap(), target: target(kind, environment), situation }
}

pub fn actions() -> impl Iterator<Item = &'static str> {
    ACTIONS.iter().map(|(name, ..)| *name)
}
