//! How the estate's things are called in Cedar: one place for entity types, ids and attribute names.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{EntityId, EntityTypeName, EntityUid, ParseErrors};
use lineclear_core::authority::Directory;
use lineclear_core::estate::Estate;
use lineclear_core::name::{FactName, RoleName};
use lineclear_core::situation::Actor;
use lineclear_core::topology::{EntityKind, EntityRef, Environment};

/// Type names parsed once, attribute names folded once.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    agent: EntityTypeName,
    operator: EntityTypeName,
    role: EntityTypeName,
    team: EntityTypeName,
    environment: EntityTypeName,
    action: EntityTypeName,
    kinds: BTreeMap<EntityKind, EntityTypeName>,
    /// Each fact and its attribute of `context.evidence`.
    pub facts: BTreeMap<FactName, String>,
    /// Each role and its attribute of `context.approvals`.
    pub roles: BTreeMap<RoleName, String>,
    /// Each attribute of `context.permissions`, and what it stands for.
    pub permissions: BTreeMap<String, BTreeSet<String>>,
}

/// The entity type of a kind: `Service`.
pub(crate) const fn type_of(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Cache => "Cache",
        EntityKind::Certificate => "Certificate",
        EntityKind::Database => "Database",
        EntityKind::Host => "Host",
        EntityKind::Pool => "Pool",
        EntityKind::Service => "Service",
        EntityKind::Zone => "Zone",
    }
}

/// A name as an attribute: dots and dashes are no part of Cedar's identifiers.
pub(crate) fn attribute(name: &str) -> String {
    name.replace(['.', '-'], "_")
}

/// What the runbooks of an estate name outright of what their steps can get, each by its attribute: `http`, and `http_service_waf`. What
/// follows from inputs has no name before somebody proposes, so no policy can ask for it.
pub(crate) fn permissions(estate: &Estate) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let atoms = estate.runbooks.values().flat_map(|runbook| runbook.permissions.atoms());
    for atom in atoms.filter(|atom| !atom.contains("${")) {
        let name = atom.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        all.entry(name).or_default().insert(atom);
    }
    all
}

/// An environment as the schema lists it.
pub(crate) const fn environment_word(environment: Environment) -> &'static str {
    match environment {
        Environment::Dev => "dev",
        Environment::Production => "production",
        Environment::Staging => "staging",
    }
}

fn name(text: &str) -> Result<EntityTypeName, Box<ParseErrors>> {
    text.parse().map_err(Box::new)
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

impl Vocabulary {
    /// Cannot fail in practice: the type names are constants.
    pub fn new(estate: &Estate) -> Result<Self, Box<ParseErrors>> {
        let mut kinds = BTreeMap::new();
        for kind in EntityKind::ALL {
            kinds.insert(kind, name(type_of(kind))?);
        }
        Ok(Self {
            agent: name("Agent")?,
            operator: name("Operator")?,
            role: name("Role")?,
            team: name("Team")?,
            environment: name("Environment")?,
            action: name("Action")?,
            kinds,
            facts: estate.facts.keys().map(|f| (f.clone(), attribute(f.as_str()))).collect(),
            permissions: permissions(estate),
            roles: estate.authority.roles.iter().map(|r| (r.clone(), attribute(r.as_str()))).collect(),
        })
    }

    /// The principal; none for the engine, which asks for nothing.
    pub fn principal(&self, actor: Actor) -> Option<EntityUid> {
        match actor {
            Actor::Agent(id) => Some(uid(&self.agent, &id.to_string())),
            Actor::Operator(id) => Some(uid(&self.operator, &id.to_string())),
            Actor::Engine => None,
        }
    }

    /// A role, which an operator is in.
    pub fn role(&self, role: &RoleName) -> EntityUid {
        uid(&self.role, role.as_str())
    }

    /// A team, as owner of things.
    pub fn team(&self, team: &str) -> EntityUid {
        uid(&self.team, team)
    }

    /// Where a thing runs.
    pub fn environment(&self, environment: Environment) -> EntityUid {
        uid(&self.environment, environment_word(environment))
    }

    /// An action or a risk class.
    pub fn action(&self, action: &str) -> EntityUid {
        uid(&self.action, action)
    }

    /// One thing of the topology.
    pub fn thing(&self, thing: &EntityRef) -> Option<EntityUid> {
        Some(uid(self.kinds.get(&thing.kind)?, thing.name.as_str()))
    }

    /// Every entity that a policy may name, but for actions and enumerated types: the schema checks those.
    pub fn known(&self, estate: &Estate) -> BTreeSet<EntityUid> {
        let Directory { operators, agents } = &estate.directory;
        let people = operators.keys().map(|id| uid(&self.operator, &id.to_string()));
        let machines = agents.keys().map(|id| uid(&self.agent, &id.to_string()));
        let things = estate.topology.iter().filter_map(|e| self.thing(&e.reference));
        people.chain(machines).chain(things).collect()
    }

    /// Whether the schema itself lists the entities of this type when there are any.
    pub fn is_listed(&self, kind: &EntityTypeName, estate: &Estate) -> bool {
        *kind == self.action
            || *kind == self.environment
            || (*kind == self.role && !estate.authority.roles.is_empty())
            || (*kind == self.team && estate.topology.iter().next().is_some())
    }

    /// What a person probably meant by a login: the id that policies and records hold.
    pub fn by_login(&self, unknown: &EntityUid, estate: &Estate) -> Option<EntityUid> {
        let login = unknown.id().unescaped().parse().ok()?;
        if *unknown.type_name() == self.agent {
            return estate.directory.agent(&login).map(|a| uid(&self.agent, &a.id.to_string()));
        }
        if *unknown.type_name() == self.operator {
            return estate.directory.operator(&login).map(|o| uid(&self.operator, &o.id.to_string()));
        }
        None
    }
}
