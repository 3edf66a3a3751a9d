//! The one builder of entity slices. A slice that forgets the principal, the resource or anything between it and the top
//! makes Cedar answer `Allow` without an error, so nothing else may build one.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression, Schema};
use lineclear_core::estate::Estate;
use lineclear_core::situation::{Actor, Case};
use lineclear_core::topology::{Entity as Thing, EntityRef};

use crate::ask::AskError;
use crate::vocabulary::Vocabulary;

/// Most things that one thing may be part of, upwards; more is a mistake in the catalog.
const ANCESTORS_MAX: usize = 256;

/// Principal and resource with everything above them.
#[derive(Debug)]
pub(crate) struct Slice {
    pub principal: EntityUid,
    pub resource: EntityUid,
    pub entities: Entities,
}

impl Slice {
    /// Cuts the slice for a case and proves to itself that it is whole.
    pub fn cut(estate: &Estate, vocabulary: &Vocabulary, schema: &Schema, case: &Case) -> Result<Self, AskError> {
        let (principal, roles) = principal(estate, vocabulary, case.principal)?;
        let things = upwards(estate, &case.target)?;
        let resource = vocabulary.thing(&case.target).ok_or(AskError::Slice)?;
        let mut list = vec![of_person(&principal, &roles)];
        list.extend(roles.iter().cloned().map(Entity::with_uid));
        for thing in things.values() {
            list.push(of_thing(vocabulary, thing)?);
        }
        let above: BTreeSet<EntityUid> = things.keys().filter_map(|r| vocabulary.thing(r)).filter(|u| *u != resource).collect();
        let entities = Entities::from_entities(list, Some(schema)).map_err(|_| AskError::Slice)?;
        let slice = Self { principal, resource, entities };
        slice.assert_whole(&roles, &above)?;
        Ok(slice)
    }

    /// Whether both are there and have exactly these ancestors.
    pub fn assert_whole(&self, roles: &BTreeSet<EntityUid>, above: &BTreeSet<EntityUid>) -> Result<(), AskError> {
        let holds = |uid: &EntityUid, expected: &BTreeSet<EntityUid>| {
            let present = self.entities.get(uid).is_some() && expected.iter().all(|e| self.entities.get(e).is_some());
            let found = self.entities.ancestors(uid).map(|found| found.cloned().collect::<BTreeSet<_>>());
            present && found.as_ref() == Some(expected)
        };
        if holds(&self.principal, roles) && holds(&self.resource, above) { Ok(()) } else { Err(AskError::Slice) }
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

fn of_person(uid: &EntityUid, roles: &BTreeSet<EntityUid>) -> Entity {
    Entity::new_no_attrs(uid.clone(), roles.iter().cloned().collect())
}

/// One thing of the topology as an entity.
pub(crate) fn of_thing(vocabulary: &Vocabulary, thing: &Thing) -> Result<Entity, AskError> {
    let uid = vocabulary.thing(&thing.reference).ok_or(AskError::Slice)?;
    let attributes = [
        ("environment", RestrictedExpression::new_entity_uid(vocabulary.environment(thing.environment))),
        ("owner", RestrictedExpression::new_entity_uid(vocabulary.team(thing.owner.as_str()))),
        ("customer_data", RestrictedExpression::new_bool(thing.customer_data)),
        ("money_path", RestrictedExpression::new_bool(thing.money_path)),
        ("customers", RestrictedExpression::new_long(thing.customers.into())),
    ];
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let parents = thing.part_of.iter().filter_map(|p| vocabulary.thing(p)).collect();
    Entity::new(uid, attributes, parents).map_err(|_| AskError::Slice)
}
