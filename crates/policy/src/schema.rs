//! The Cedar schema, written from the estate: what is not in the estate cannot be named by a policy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cedar_policy::Schema;
use lineclear_core::catalogue::Risk;
use lineclear_core::estate::Estate;
use lineclear_core::topology::EntityKind;

use crate::source::{Diagnostic, Place, Source};
use crate::vocabulary::{Vocabulary, attribute, permissions, type_of};

/// The path under which complaints about the generated schema are reported.
pub const SCHEMA_PATH: &str = "schema.cedarschema";

/// Attributes of `context.approvals` that are not roles.
pub(crate) const APPROVAL_ATTRIBUTES: [&str; 3] = ["humans", "owner", "grade"];

const FACTS: &str = "  confidence_bp: Long,
  confirmed: Long,
  conflicting: Bool,
  hosts: Long,
  services: Long,
  customers: Long,
  regions: Long,
  fleet_bp: Long,
  money_path: Bool,
  customer_data: Bool,
  reversible: Bool,
  undo_drilled: Bool,
  objective: Bool,
  budget_bp: Long,
  burn: Long,
  posture: Long,
  freeze: Bool,
  in_flight: Long,
  severity: Long,
  emergency: Bool,
  routine: Bool,
";

/// The action group of a risk class.
pub(crate) const fn group_of(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low_risk",
        Risk::Medium => "medium_risk",
        Risk::High => "high_risk",
    }
}

/// Every risk class.
pub(crate) const RISKS: [Risk; 3] = [Risk::Low, Risk::Medium, Risk::High];

/// The Cedar schema of an estate; the same estate gives the same text.
pub fn schema_text(estate: &Estate) -> String {
    let mut text = String::from("// Generated from the estate; edits are lost.\n\n");
    let teams: BTreeSet<&str> = estate.topology.iter().map(|e| e.owner.as_str()).collect();
    let roles: BTreeSet<&str> = estate.authority.roles.iter().map(lineclear_core::name::RoleName::as_str).collect();
    text.push_str(&listed("Environment", &BTreeSet::from(["dev", "production", "staging"])));
    text.push_str(&listed("Role", &roles));
    text.push_str(&listed("Team", &teams));
    text.push_str("\nentity Agent;\nentity Operator in [Role];\n");
    let mut parents: BTreeMap<EntityKind, BTreeSet<EntityKind>> = BTreeMap::new();
    for entity in estate.topology.iter() {
        parents.entry(entity.reference.kind).or_default().extend(entity.part_of.iter().map(|p| p.kind));
    }
    for kind in EntityKind::ALL {
        let within: Vec<&str> = parents.get(&kind).into_iter().flatten().map(|k| type_of(*k)).collect();
        let within = if within.is_empty() { String::new() } else { format!(" in [{}]", within.join(", ")) };
        let _ = writeln!(
            text,
            "entity {}{within} = {{ environment: Environment, owner: Team, customer_data: Bool, money_path: Bool, customers: Long }};",
            type_of(kind)
        );
    }
    let flags = |names: Vec<&str>| names.iter().map(|n| format!("  \"{}\": Bool,\n", attribute(n))).collect::<Vec<_>>().concat();
    let held = flags(roles.into_iter().collect());
    let _ = writeln!(text, "\ntype Approvals = {{\n  humans: Long,\n  owner: Bool,\n  grade: Long,\n{held}}};");
    let facts = flags(estate.facts.keys().map(lineclear_core::name::FactName::as_str).collect());
    let _ = writeln!(text, "type Evidence = {{\n{facts}}};");
    let got = permissions(estate).keys().map(|name| format!("  \"{name}\": Bool,\n")).collect::<Vec<_>>().concat();
    let _ = writeln!(text, "type Permissions = {{\n{got}}};");
    let _ = writeln!(text, "type Facts = {{\n  approvals: Approvals,\n  evidence: Evidence,\n  permissions: Permissions,\n{FACTS}}};\n");
    let _ = writeln!(text, "action {};", RISKS.map(|r| format!("\"{}\"", group_of(r))).join(", "));
    for action in estate.catalogue.actions.values() {
        let _ = writeln!(
            text,
            "action \"{}\" in [\"{}\"] appliesTo {{ principal: [Agent, Operator], resource: [{}], context: Facts }};",
            action.name,
            group_of(action.risk),
            type_of(action.resource)
        );
    }
    text
}

/// An entity type whose members are these and no others; a type without members is open, and nothing of it is known.
fn listed(kind: &str, members: &BTreeSet<&str>) -> String {
    if members.is_empty() {
        return format!("entity {kind};\n");
    }
    let members: Vec<String> = members.iter().map(|m| format!("\"{m}\"")).collect();
    format!("entity {kind} enum [{}];\n", members.join(", "))
}

/// Parses the generated text; a warning is a refusal.
pub(crate) fn parse(text: &str) -> Result<Schema, Vec<Diagnostic>> {
    let source = Source { path: SCHEMA_PATH.into(), text: text.into() };
    let start = Place { offset: 0, len: 0 };
    let (schema, warnings) = Schema::from_cedarschema_str(text).map_err(|e| vec![source.relay(&e, start)])?;
    let warnings: Vec<_> = warnings.map(|w| source.relay(&w, start)).collect();
    if warnings.is_empty() { Ok(schema) } else { Err(warnings) }
}

/// Actions that Cedar does not see in exactly the one risk class that the catalogue gives.
pub(crate) fn misclassed(estate: &Estate, schema: &Schema, vocabulary: &Vocabulary) -> Vec<String> {
    let Ok(entities) = schema.action_entities() else {
        return vec!["the actions of the schema form no hierarchy".into()];
    };
    let mut faults = Vec::new();
    for action in estate.catalogue.actions.values() {
        let uid = vocabulary.action(action.name.as_str());
        let held: Vec<Risk> = RISKS.into_iter().filter(|r| entities.is_ancestor_of(&vocabulary.action(group_of(*r)), &uid)).collect();
        if entities.get(&uid).is_none() || held != [action.risk] {
            faults.push(format!("action `{}` must be in exactly the class `{}`", action.name, group_of(action.risk)));
        }
    }
    faults
}
