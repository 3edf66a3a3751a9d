//! A counterexample before the engine: whether it really breaks the law, and the smallest one that still does.

use std::collections::BTreeSet;

use cedar_policy::{EntityUid, PolicySet, Schema};
use serde_json::Value;

use crate::dimension::Dimension;
use crate::scene::{Ruling, Scene};
use crate::shape::{Kind, Shape};

/// A law, and the policies that are accused of breaking it.
#[derive(Debug)]
pub(crate) enum Law<'a> {
    /// None of these fails to evaluate.
    Sound(&'a PolicySet),
    /// Nothing is permitted by both.
    Apart(&'a PolicySet, &'a PolicySet),
    /// The first value permits no more than the second.
    Order(&'a PolicySet, &'a Dimension),
    /// The approvals of the first permit no more than those of the second.
    Rungs(&'a PolicySet, &'a Value, &'a Value),
    /// The first permits no more than the second.
    Within(&'a PolicySet, &'a PolicySet),
    /// Nothing is permitted.
    Never(&'a PolicySet),
}

/// Everything that is needed to try.
#[derive(Debug)]
pub(crate) struct Trial<'a> {
    pub law: Law<'a>,
    pub schema: &'a Schema,
    pub shape: &'a Shape,
    /// Owners of things: what an owner is replaced with, to see whether it matters.
    pub teams: &'a [String],
}

/// A broken law: what was said first, and what was said then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Breach {
    pub first: Ruling,
    pub second: Option<Ruling>,
}

/// The smallest scene that was found, and what of its entities matters.
#[derive(Debug)]
pub(crate) struct Shrunk {
    pub scene: Scene,
    pub breach: Breach,
    /// Attributes of the resource that another value would have changed: `environment`.
    pub matters: Vec<String>,
    /// Whether the very principal and resource matter.
    pub named: (bool, bool),
    /// The other types of principal for which the same holds.
    pub askers: BTreeSet<String>,
}

/// One fact may hold another one in place until it goes; more rounds than this change nothing that people would notice.
const ROUNDS_MAX: usize = 4;
/// Ids that stand for any.
const ANY: &str = "any";
/// Values that an environment may have.
const ENVIRONMENTS: [&str; 3] = ["dev", "production", "staging"];

/// What an ordinary request carries, so that what is left over tells the story.
pub(crate) fn ordinary(path: &[String], kind: Kind) -> Value {
    let name = path.join(".");
    match (name.as_str(), kind) {
        ("posture", _) => 3.into(),
        ("budget_bp", _) => 10_000.into(),
        ("hosts" | "services" | "regions", _) => 1.into(),
        ("reversible" | "undo_drilled", _) => true.into(),
        (_, Kind::Bool) => false.into(),
        (_, Kind::Long) => 0.into(),
    }
}

impl Trial<'_> {
    /// Whether the scene breaks the law on the real engine.
    pub fn breach(&self, scene: &Scene) -> Option<Breach> {
        let ask = |set: &PolicySet, context| scene.ask(set, self.schema, context);
        let broken = |first: Ruling, second: Ruling| (first.allowed && !second.allowed).then_some(Breach { first, second: Some(second) });
        match &self.law {
            Law::Sound(set) => {
                let first = ask(set, &scene.context)?;
                (!first.failed.is_empty()).then_some(Breach { first, second: None })
            }
            Law::Apart(set, region) => {
                let (first, second) = (ask(set, &scene.context)?, ask(region, &scene.context)?);
                (first.allowed && second.allowed).then_some(Breach { first, second: Some(second) })
            }
            Law::Order(set, dimension) => {
                let (one, two) = (scene.get(&dimension.path)?, scene.other.as_ref()?);
                if !dimension.in_order(one, two) {
                    return None;
                }
                broken(ask(set, &scene.context)?, ask(set, &scene.with(&dimension.path, two)?)?)
            }
            Law::Rungs(set, low, high) => {
                let at = |approvals| scene.with(&["approvals".to_owned()], approvals);
                broken(ask(set, &at(low)?)?, ask(set, &at(high)?)?)
            }
            Law::Within(one, two) => broken(ask(one, &scene.context)?, ask(two, &scene.context)?),
            Law::Never(set) => {
                let first = ask(set, &scene.context)?;
                first.allowed.then_some(Breach { first, second: None })
            }
        }
    }

    /// The smallest scene that breaks it; none when this one does not.
    pub fn shrink(&self, scene: Scene) -> Option<Shrunk> {
        self.breach(&scene)?;
        let mut scene = self.alone(scene);
        for _ in 0..ROUNDS_MAX {
            let before = (scene.context.clone(), scene.other.clone());
            scene = self.second(self.facts(scene));
            if before == (scene.context.clone(), scene.other.clone()) {
                break;
            }
        }
        scene = self.things(scene);
        let (principal, resource) = (scene.principal.clone(), scene.resource.clone());
        let mut anybody = |uid: &EntityUid| {
            let renamed = scene.renamed(uid, ANY);
            let named = self.breach(&renamed).is_none();
            if !named {
                scene = renamed;
            }
            named
        };
        let named = (anybody(&principal), anybody(&resource));
        let matters = self.matters(&scene);
        let breach = self.breach(&scene)?;
        Some(Shrunk { scene, breach, matters, named, askers: BTreeSet::new() })
    }

    fn keep(&self, scene: &mut Scene, path: &[String], value: &Value) -> bool {
        let Some(context) = scene.with(path, value) else { return false };
        let other = Scene { context, ..scene.clone() };
        let kept = self.breach(&other).is_some();
        if kept {
            *scene = other;
        }
        kept
    }

    /// The scene without a single approval, everything else as good as can be, if the law is broken there, too: what happens with
    /// nobody asked is what people have to read, and fact by fact one may not get there from what the solver came upon.
    fn alone(&self, scene: Scene) -> Scene {
        let helps = |path: &[String], kind| match path.first().map(String::as_str) {
            Some("approvals") => Some(ordinary(path, kind)),
            Some("evidence") => Some(true.into()),
            Some("confidence_bp") => Some(10_000.into()),
            _ => None,
        };
        let lone = |rest: &dyn Fn(&[String], Kind) -> Option<Value>| {
            let mut other = scene.clone();
            for (path, kind) in self.shape.leaves() {
                if let Some(value) = helps(path, kind).or_else(|| rest(path, kind)) {
                    other.context = other.with(path, &value)?;
                }
            }
            self.breach(&other).map(|_| other)
        };
        let found = lone(&|path, kind| Some(ordinary(path, kind))).or_else(|| lone(&|_, _| None));
        found.unwrap_or(scene)
    }

    /// Each fact to its ordinary value, or as near to it as the law stays broken.
    fn facts(&self, mut scene: Scene) -> Scene {
        for (path, kind) in self.shape.leaves() {
            let plain = ordinary(path, kind);
            if self.keep(&mut scene, path, &plain) {
                continue;
            }
            let (Some(near), Some(far)) = (plain.as_i64(), scene.get(path).and_then(Value::as_i64)) else { continue };
            bisect(near, far, |value| self.keep(&mut scene, path, &value.into()));
        }
        scene
    }

    /// The second value as near to the first as the law stays broken.
    fn second(&self, mut scene: Scene) -> Scene {
        let Law::Order(_, dimension) = &self.law else { return scene };
        let first = scene.get(&dimension.path).and_then(Value::as_i64);
        let (Some(near), Some(far)) = (first, scene.other.as_ref().and_then(Value::as_i64)) else { return scene };
        bisect(near, far, |value| {
            let other = Scene { other: Some(value.into()), ..scene.clone() };
            let kept = self.breach(&other).is_some();
            if kept {
                scene = other;
            }
            kept
        });
        scene
    }

    /// Entities without what they do not need.
    fn things(&self, mut scene: Scene) -> Scene {
        for index in 0..scene.entities.len() {
            for (pointer, plain) in [
                ("/parents", Value::Array(Vec::new())),
                ("/attrs/customer_data", false.into()),
                ("/attrs/money_path", false.into()),
                ("/attrs/customers", 0.into()),
            ] {
                if let Some(other) = changed(&scene, index, pointer, plain)
                    && self.breach(&other).is_some()
                {
                    scene = other;
                }
            }
        }
        let (principal, resource) = (scene.principal.clone(), scene.resource.clone());
        // What neither acts nor is acted on, and holds nothing that does, only hides what matters.
        for index in (0..scene.entities.len()).rev() {
            let mut other = scene.clone();
            other.entities.remove(index);
            let needed = [&principal, &resource].into_iter().any(|uid| scene.entity(uid).is_some() && other.entity(uid).is_none());
            if !needed && self.breach(&other).is_some() {
                scene = other;
            }
        }
        scene
    }

    /// Attributes of the resource that another value would change.
    fn matters(&self, scene: &Scene) -> Vec<String> {
        let Some(index) = scene.entities.iter().position(|e| Some(e) == scene.entity(&scene.resource)) else { return Vec::new() };
        let environments: Vec<String> = ENVIRONMENTS.into_iter().map(ToOwned::to_owned).collect();
        let breaks = |pointer: &str, values: &[String]| {
            let other = |value: &String| changed(scene, index, pointer, value.as_str().into());
            values.iter().filter_map(other).any(|other| self.breach(&other).is_none())
        };
        let mut matters = Vec::new();
        for (name, values) in [("environment", environments.as_slice()), ("owner", self.teams)] {
            if ["/__entity/id", "/id"].into_iter().any(|end| breaks(&format!("/attrs/{name}{end}"), values)) {
                matters.push(name.to_owned());
            }
        }
        matters
    }
}

/// The scene with one part of one entity replaced; none when there is no such part, or it is so already.
fn changed(scene: &Scene, index: usize, pointer: &str, value: Value) -> Option<Scene> {
    let mut other = scene.clone();
    let place = other.entities.get_mut(index)?.pointer_mut(pointer)?;
    if *place == value {
        return None;
    }
    *place = value;
    Some(other)
}

/// Walks from `far`, where it holds, towards `near`, where it does not, by halves.
fn bisect(near: i64, far: i64, mut holds: impl FnMut(i64) -> bool) {
    let (mut near, mut far) = (near, far);
    while near.abs_diff(far) > 1 {
        let middle = i64::midpoint(near, far);
        if middle == near || middle == far {
            break;
        }
        if holds(middle) { far = middle } else { near = middle }
    }
}
