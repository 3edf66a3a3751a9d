//! A counterexample as data that can be changed: one request with the entities around it, asked on the real engine.

use std::collections::BTreeSet;

use cedar_policy::{AuthorizationError, Authorizer, Context, Decision, Entities, EntityTypeName, EntityUid, PolicySet, Request, Schema};
use cedar_policy_symcc::Env;
use serde_json::{Map, Value};

use crate::shape::OTHER;

/// Entity types that the schema itself lists, or that no request of ours needs to bring.
const LISTED: [&str; 4] = ["Action", "Environment", "Role", "Team"];

/// One request, and what is known around it.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub principal: EntityUid,
    pub action: EntityUid,
    pub resource: EntityUid,
    /// As Cedar writes entities in JSON.
    pub entities: Vec<Value>,
    /// The facts, without second copies.
    pub context: Map<String, Value>,
    /// The second value of the fact that a law speaks of.
    pub other: Option<Value>,
}

/// What the engine said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ruling {
    pub allowed: bool,
    /// The permits on `Allow`, the forbids on `Deny`.
    pub by: BTreeSet<String>,
    /// What failed to evaluate.
    pub failed: BTreeSet<String>,
}

impl Scene {
    /// Takes the model apart; `flat` names the second copy that counts.
    pub fn of(env: &Env, flat: Option<&str>) -> Option<Self> {
        let request = &env.request;
        let Value::Object(mut context) = request.context()?.to_json_value().ok()? else { return None };
        let other = flat.and_then(|name| context.get(name).cloned());
        context.retain(|name, _| !name.starts_with(OTHER));
        let Value::Array(entities) = env.entities.to_json_value().ok()? else { return None };
        let brought = |entity: &Value| !type_of(entity).is_some_and(|kind| LISTED.contains(&kind));
        Some(Self {
            principal: request.principal()?.clone(),
            action: request.action()?.clone(),
            resource: request.resource()?.clone(),
            entities: entities.into_iter().filter(brought).collect(),
            context,
            other,
        })
    }

    /// The value of a fact.
    pub fn get(&self, path: &[String]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.context.get(first)?, |value, name| value.get(name))
    }

    /// The same facts with another value.
    pub fn with(&self, path: &[String], value: &Value) -> Option<Map<String, Value>> {
        let mut context = self.context.clone();
        let (first, rest) = path.split_first()?;
        let place = rest.iter().try_fold(context.get_mut(first)?, |place, name| place.get_mut(name))?;
        *place = value.clone();
        Some(context)
    }

    /// The entity that is acted on, or that acts.
    pub fn entity(&self, uid: &EntityUid) -> Option<&Value> {
        self.entities.iter().find(|entity| is(entity.get("uid"), uid))
    }

    /// The same scene with another id wherever this one stood.
    pub fn renamed(&self, uid: &EntityUid, id: &str) -> Self {
        let fresh = EntityUid::from_type_name_and_id(uid.type_name().clone(), cedar_policy::EntityId::new(id));
        let mut scene = self.clone();
        for entity in &mut scene.entities {
            rename(entity, uid, id);
        }
        if scene.principal == *uid {
            scene.principal = fresh.clone();
        }
        if scene.resource == *uid {
            scene.resource = fresh;
        }
        scene
    }

    /// The same scene with a principal of another type, which is called as the first one was.
    pub fn asked_by(&self, kind: &EntityTypeName) -> Self {
        let (was, mut scene) = (&self.principal, self.clone());
        for entity in &mut scene.entities {
            if is(entity.get("uid"), was)
                && let Some(place) = entity.pointer_mut("/uid/type")
            {
                *place = Value::from(kind.to_string());
            }
        }
        scene.principal = EntityUid::from_type_name_and_id(kind.clone(), was.id().clone());
        scene
    }

    /// Asks the engine; none when the request does not fit the schema.
    pub fn ask(&self, set: &PolicySet, schema: &Schema, context: &Map<String, Value>) -> Option<Ruling> {
        let context = Context::from_json_value(Value::Object(context.clone()), Some((schema, &self.action))).ok()?;
        let request = Request::new(self.principal.clone(), self.action.clone(), self.resource.clone(), context, Some(schema)).ok()?;
        let entities = Entities::from_json_value(Value::Array(self.entities.clone()), Some(schema)).ok()?;
        let response = Authorizer::new().is_authorized(&request, set, &entities);
        let diagnostics = response.diagnostics();
        Some(Ruling {
            allowed: response.decision() == Decision::Allow,
            by: diagnostics.reason().map(ToString::to_string).collect(),
            failed: diagnostics.errors().map(|AuthorizationError::PolicyEvaluationError(error)| error.policy_id().to_string()).collect(),
        })
    }
}

fn type_of(entity: &Value) -> Option<&str> {
    entity.get("uid")?.get("type")?.as_str()
}

fn is(value: Option<&Value>, uid: &EntityUid) -> bool {
    let field = |name| value.and_then(|value| value.get(name)).and_then(Value::as_str);
    field("type") == Some(&uid.type_name().to_string()) && field("id") == Some(uid.id().unescaped())
}

fn rename(value: &mut Value, uid: &EntityUid, to: &str) {
    if is(Some(value), uid)
        && let Some(id) = value.get_mut("id")
    {
        *id = Value::from(to);
        return;
    }
    match value {
        Value::Array(list) => list.iter_mut().for_each(|one| rename(one, uid, to)),
        Value::Object(map) => map.values_mut().for_each(|one| rename(one, uid, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
