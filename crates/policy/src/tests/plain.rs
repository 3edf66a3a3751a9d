//! Policies asked the plain way, with Cedar alone: each question goes over every policy and the whole estate, and the schema
//! checks every request. Built from the estate by other means than the product's, so that the two may be compared.

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, RestrictedExpression as Value, Schema};
use lineclear_core::authority::Approvals;
use lineclear_core::estate::Estate;
use lineclear_core::situation::{Actor, Case, Situation};
use lineclear_core::topology::EntityRef;
use lineclear_core::verdict::{Bearing, Reasons};
use serde_json::json;

use crate::Policies;

/// Cedar alone over an estate.
pub struct Plain<'a> {
    estate: &'a Estate,
    schema: &'a Schema,
    set: &'a PolicySet,
    entities: Entities,
}

/// Cedar's own answer, policies by name.
#[derive(Debug)]
pub struct PlainAnswer {
    /// `Allow`, and no error.
    pub allowed: bool,
    said_allow: bool,
    matched: BTreeSet<String>,
    failed: BTreeSet<String>,
}

fn word(name: &str) -> String {
    name.replace(['.', '-'], "_")
}

fn entity_type(thing: &EntityRef) -> String {
    let (first, rest) = thing.kind.as_str().split_at(1);
    first.to_uppercase() + rest
}

fn uid(kind: &str, id: &str) -> EntityUid {
    format!("{kind}::\"{id}\"").parse().unwrap()
}

fn entities(estate: &Estate, schema: &Schema) -> Entities {
    let uid = |kind: &str, id: &str| json!({ "type": kind, "id": id });
    let thing = |r: &EntityRef| uid(&entity_type(r), r.name.as_str());
    let bare = |uid: serde_json::Value, parents: Vec<serde_json::Value>| json!({ "uid": uid, "attrs": {}, "parents": parents });
    let mut list: Vec<_> = estate.authority.roles.iter().map(|r| bare(uid("Role", r.as_str()), vec![])).collect();
    list.extend(estate.directory.agents.keys().map(|id| bare(uid("Agent", &id.to_string()), vec![])));
    for (id, person) in &estate.directory.operators {
        list.push(bare(uid("Operator", &id.to_string()), person.roles.iter().map(|r| uid("Role", r.as_str())).collect()));
    }
    for e in estate.topology.iter() {
        let attrs = json!({
            "environment": { "__entity": uid("Environment", &format!("{:?}", e.environment).to_lowercase()) },
            "owner": { "__entity": uid("Team", e.owner.as_str()) },
            "customer_data": e.customer_data, "money_path": e.money_path, "customers": e.customers,
        });
        let parents: Vec<_> = e.part_of.iter().map(thing).collect();
        list.push(json!({ "uid": thing(&e.reference), "attrs": attrs, "parents": parents }));
    }
    Entities::from_json_value(json!(list), Some(schema)).unwrap()
}

/// What runbooks name of their permissions, with its attribute.
fn named(estate: &Estate) -> impl Iterator<Item = (String, String)> {
    let atoms = estate.runbooks.values().flat_map(|book| book.permissions.atoms()).filter(|atom| !atom.contains("${"));
    atoms.map(|atom| (atom.replace(['.', '-', '=', '/'], "_"), atom)).collect::<std::collections::BTreeMap<_, _>>().into_iter()
}

fn context(estate: &Estate, s: &Situation, given: &Approvals) -> Context {
    let (long, flag) = (Value::new_long, Value::new_bool);
    let roles = estate.authority.roles.iter().map(|r| (word(r.as_str()), flag(given.roles.contains(r))));
    let counts = [("humans", long(given.humans.into())), ("owner", flag(given.owner)), ("grade", long(given.grade.rank()))];
    let approvals = Value::new_record(counts.map(|(n, v)| (n.to_owned(), v)).into_iter().chain(roles)).unwrap();
    let held = estate.facts.keys().map(|f| (word(f.as_str()), flag(s.evidence.get(f) == Some(&true))));
    let got = named(estate).map(|(name, atom)| (name, flag(s.permissions.contains(&atom))));
    let (left, burn) = s.budget.map_or((10_000, 0), |b| (b.remaining_bp, b.burn.rank()));
    let pairs = [
        ("approvals", approvals),
        ("evidence", Value::new_record(held).unwrap()),
        ("permissions", Value::new_record(got).unwrap()),
        ("confidence_bp", long(s.confidence.basis_points().into())),
        ("confirmed", long(s.confirmed.into())),
        ("conflicting", flag(s.conflicting)),
        ("hosts", long(s.hosts.into())),
        ("services", long(s.services.into())),
        ("customers", long(s.customers.into())),
        ("regions", long(s.regions.into())),
        ("fleet_bp", long(s.fleet_bp.into())),
        ("money_path", flag(s.money_path)),
        ("customer_data", flag(s.customer_data)),
        ("reversible", flag(s.reversible)),
        ("undo_drilled", flag(s.undo_drilled)),
        ("objective", flag(s.budget.is_some())),
        ("budget_bp", long(left)),
        ("burn", long(burn)),
        ("posture", long(s.posture.rank())),
        ("freeze", flag(s.freeze)),
        ("in_flight", long(s.in_flight.into())),
        ("severity", long(s.severity.into())),
        ("emergency", flag(s.emergency)),
        ("routine", flag(s.routine)),
    ];
    Context::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value))).unwrap()
}

impl<'a> Plain<'a> {
    /// Cedar over what these policies were loaded from.
    pub fn new(policies: &'a Policies) -> Self {
        let (estate, schema) = (policies.estate(), policies.schema());
        Self { estate, schema, set: policies.set(), entities: entities(estate, schema) }
    }

    /// One question, from the case to the answer.
    pub fn ask(&self, case: &Case, given: &Approvals) -> PlainAnswer {
        self.answer(&self.request(case, given))
    }

    /// The question alone.
    pub fn request(&self, case: &Case, given: &Approvals) -> Request {
        let principal = match case.principal {
            Actor::Agent(id) => uid("Agent", &id.to_string()),
            Actor::Operator(id) => uid("Operator", &id.to_string()),
            // A type that the schema lacks: the request is refused.
            Actor::Engine => uid("Engine", "itself"),
        };
        let resource = uid(&entity_type(&case.target), case.target.name.as_str());
        let context = context(self.estate, &case.situation, given);
        Request::new(principal, uid("Action", case.action.as_str()), resource, context, Some(self.schema)).unwrap()
    }

    /// The answer alone.
    pub fn answer(&self, request: &Request) -> PlainAnswer {
        let answer = Authorizer::new().is_authorized(request, self.set, &self.entities);
        let failed: BTreeSet<String> = answer.diagnostics().errors().map(failing).collect();
        let said_allow = answer.decision() == Decision::Allow;
        let matched = answer.diagnostics().reason().map(ToString::to_string).collect();
        PlainAnswer { allowed: said_allow && failed.is_empty(), said_allow, matched, failed }
    }
}

impl PlainAnswer {
    /// The policies that forbid.
    pub fn guards(&self) -> BTreeSet<String> {
        if self.said_allow { BTreeSet::new() } else { self.matched.clone() }
    }

    /// Whether the product says the same, and names the same policies for it.
    pub fn agrees(&self, allowed: bool, because: &Reasons) -> bool {
        let named = |bearing: Bearing| -> BTreeSet<String> {
            because.iter().filter(|r| r.bearing == bearing).filter_map(|r| r.policy.as_ref().map(ToString::to_string)).collect()
        };
        let when = |holds: bool, names: &BTreeSet<String>| if holds { names.clone() } else { BTreeSet::new() };
        allowed == self.allowed
            && named(Bearing::Permits) == when(self.allowed, &self.matched)
            && named(Bearing::Forbids) == when(!self.said_allow, &self.matched)
            && named(Bearing::Failed) == self.failed
    }
}

fn failing(error: &cedar_policy::AuthorizationError) -> String {
    let cedar_policy::AuthorizationError::PolicyEvaluationError(inner) = error;
    inner.policy_id().to_string()
}
