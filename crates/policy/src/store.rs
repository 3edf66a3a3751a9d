//! Every entity of the estate as Cedar holds it, built once and checked against the schema, which also brings the actions
//! and their risk classes. A store that forgets a principal, a target or anything between it and the top makes Cedar answer
//! `Allow` without an error, so nothing else may build one, and every case checks its own part of it against the estate.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::entities_errors::EntitiesError;
use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression, Schema};
use lineclear_core::estate::Estate;
use lineclear_core::situation::{Actor, Case};
use lineclear_core::topology::{Entity as Thing, EntityRef};

use crate::ask::AskError;
use crate::vocabulary::Vocabulary;

/// Most things that one thing may be part of, upwards; more is a mistake in the catalog.
const ANCESTORS_MAX: usize = 256;

/// The entities that every question is asked over.
#[derive(Debug)]
// INVARIANT: `new` takes every agent, operator, role and thing of the estate, under its schema.
pub(crate) struct Store {
    pub entities: Entities,
}

/// Whom and what a case is about.
#[derive(Debug, Clone)]
pub(crate) struct Parties {
    pub principal: EntityUid,
    pub resource: EntityUid,
}

/// Why the estate gives no store; the schema was written from it, so none of this happens in practice.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("a thing of a kind without a name")]
    Kind,
    #[error("an attribute that cannot be read")]
    Attribute,
    #[error("the entities of the estate do not fit its schema: {0}")]
    Schema(#[from] Box<EntitiesError>),
}

impl Store {
    /// The whole estate, in some milliseconds for a thousand things.
    pub fn new(estate: &Estate, vocabulary: &Vocabulary, schema: &Schema) -> Result<Self, StoreError> {
        let mut list: Vec<Entity> = estate.authority.roles.iter().map(|role| Entity::with_uid(vocabulary.role(role))).collect();
        let machines = estate.directory.agents.keys().filter_map(|id| vocabulary.principal(Actor::Agent(*id)));
        list.extend(machines.map(Entity::with_uid));
        for (id, operator) in &estate.directory.operators {
            let roles = operator.roles.iter().map(|role| vocabulary.role(role)).collect();
            list.extend(vocabulary.principal(Actor::Operator(*id)).map(|uid| Entity::new_no_attrs(uid, roles)));
        }
        for thing in estate.topology.iter() {
            list.push(of_thing(vocabulary, thing)?);
        }
        Ok(Self { entities: Entities::from_entities(list, Some(schema)).map_err(Box::new)? })
    }

    /// Finds principal and target, and proves that the store holds all that the estate has above them.
    pub fn parties(&self, estate: &Estate, vocabulary: &Vocabulary, case: &Case) -> Result<Parties, AskError> {
        let (principal, roles) = principal(estate, vocabulary, case.principal)?;
        let resource = vocabulary.thing(&case.target).ok_or(AskError::Slice)?;
        let above = upwards(estate, &case.target)?.into_keys().filter(|r| **r != case.target).map(|r| vocabulary.thing(r));
        let above = above.collect::<Option<BTreeSet<_>>>().ok_or(AskError::Slice)?;
        if self.holds(&principal, &roles) && self.holds(&resource, &above) {
            Ok(Parties { principal, resource })
        } else {
            Err(AskError::Slice)
        }
    }

    /// Whether the entity is there with exactly these ancestors, and they are there too.
    pub fn holds(&self, uid: &EntityUid, above: &BTreeSet<EntityUid>) -> bool {
        let present = self.entities.get(uid).is_some() && above.iter().all(|e| self.entities.get(e).is_some());
        let found = self.entities.ancestors(uid).map(BTreeSet::from_iter);
        present && found.is_some_and(|found| found.into_iter().eq(above))
    }
}

fn principal(estate: &Estate, vocabulary: &Vocabulary, actor: Actor) -> Result<(EntityUid, BTreeSet<EntityUid>), AskError> {
    let uid = vocabulary.principal(actor).ok_or(AskError::Engine)?;
    let unknown = || AskError::Unknown(actor.to_string());
    let roles = match actor {
        Actor::Engine => return Err(AskError::Engine),
        Actor::Agent(id) => estate.directory.agents.get(&id).map(|_| BTreeSet::new()).ok_or_else(unknown)?,
        Actor::Operator(id) => {
            let operator = estate.directory.operators.get(&id).ok_or_else(unknown)?;
            operator.roles.iter().map(|role| vocabulary.role(role)).collect()
        }
    };
    Ok((uid, roles))
}

/// The target and all that it is part of; a reference to nothing stops here.
fn upwards<'a>(estate: &'a Estate, target: &'a EntityRef) -> Result<BTreeMap<&'a EntityRef, &'a Thing>, AskError> {
    let (mut found, mut open) = (BTreeMap::new(), vec![target]);
    while let Some(reference) = open.pop() {
        let thing = estate.topology.get(reference).ok_or_else(|| AskError::Unknown(reference.to_string()))?;
        if found.insert(reference, thing).is_none() {
            open.extend(&thing.part_of);
        }
        if found.len() > ANCESTORS_MAX {
            return Err(AskError::Slice);
        }
    }
    Ok(found)
}

/// One thing of the topology as an entity.
pub(crate) fn of_thing(vocabulary: &Vocabulary, thing: &Thing) -> Result<Entity, StoreError> {
    let uid = vocabulary.thing(&thing.reference).ok_or(StoreError::Kind)?;
    let attributes = [
        ("environment", RestrictedExpression::new_entity_uid(vocabulary.environment(thing.environment))),
        ("owner", RestrictedExpression::new_entity_uid(vocabulary.team(thing.owner.as_str()))),
        ("customer_data", RestrictedExpression::new_bool(thing.customer_data)),
        ("money_path", RestrictedExpression::new_bool(thing.money_path)),
        ("customers", RestrictedExpression::new_long(thing.customers.into())),
    ];
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let parents = thing.part_of.iter().map(|p| vocabulary.thing(p)).collect::<Option<_>>().ok_or(StoreError::Kind)?;
    Entity::new(uid, attributes, parents).map_err(|_| StoreError::Attribute)
}
