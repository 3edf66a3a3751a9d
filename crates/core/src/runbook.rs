//! Runbooks as data: steps that call tools, each with its check and its undo.

mod condition;
mod flow;
mod retry;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use condition::{Condition, Output, Outputs, Subject, Test, Unresolved};
pub use flow::{Flow, OnFailure};
pub use retry::{Retry, RetryOn};

use crate::catalogue::{InputKind, InputValue, Inputs};
use crate::digest::{Digest, DigestError};
use crate::label::Labels;
use crate::name::{ActionName, BranchName, FactName, InputName, OutputName, RunbookName, StepName, TeamName};
use crate::permission::Permissions;
use crate::plan::ToolCall;
use crate::run::StepRule;
use crate::sandbox::Sandbox;
use crate::time::Span;
use crate::topology::EntityRef;

/// What to do when nobody knows whether a step took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// Fence, then probe with the step's check; a person when that is inconclusive.
    Verify,
    /// Fence, then ask a person.
    Person,
}

/// One unit of a runbook, with its undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name, unique in the runbook.
    pub id: StepName,
    /// What it calls; text arguments may hold `${inputs.x}` and `${target.name}`.
    pub call: ToolCall,
    /// How long the call may take.
    pub timeout: Span,
    /// How its effect is checked; a call that changes nothing.
    pub verify: Option<ToolCall>,
    /// What takes it back.
    pub undo: Option<ToolCall>,
    /// Whether, and when, it is tried again.
    #[serde(flatten)]
    pub retry: Retry,
    /// What to do when it fails.
    pub on_failure: OnFailure,
    /// What to do when nobody knows.
    pub on_unknown: OnUnknown,
    /// Under which conditions it is done; all of them must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// Values of its report that later conditions look at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<OutputName, Output>,
}

/// How the change as a whole is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Facts that must hold afterwards.
    pub goals: BTreeSet<FactName>,
    /// Facts of neighbours that must not stop holding.
    pub neighbours: BTreeSet<FactName>,
    /// How long they must hold.
    pub soak: Span,
}

/// What a runbook is for, and who may call it. A reader finds it by what is wrong; none of it changes what a run does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serves {
    /// Things of the catalog.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub things: BTreeSet<EntityRef>,
    /// Alerts, as their senders call them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub alerts: BTreeSet<String>,
    /// The actions of the catalogue that may call it; empty when any may.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub actions: BTreeSet<ActionName>,
}

/// A deterministic procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runbook {
    /// Its name.
    pub id: RunbookName,
    /// For people.
    pub title: String,
    /// The team that answers for it.
    pub owner: TeamName,
    /// What it is for, and who may call it.
    #[serde(default, skip_serializing_if = "Serves::is_nothing")]
    pub serves: Serves,
    /// What it asks for.
    pub inputs: BTreeMap<InputName, InputKind>,
    /// How long a run may take.
    pub deadline: Span,
    /// What two runs may not hold at once: text with references; none when they may overlap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency_key: Option<String>,
    /// What a runner has to carry to be given its steps; the target may ask for more.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub runs_on: Labels,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Branches that a failed step may go to instead of going on; none of them leads back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fallbacks: BTreeMap<BranchName, Vec<Step>>,
    /// How the change is judged.
    pub verification: Verification,
    /// All that its steps can get: as its file says, else as its calls need. Texts with references.
    #[serde(default)]
    pub permissions: Permissions,
    /// How far the programs that it starts must be boxed in, at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Sandbox>,
    /// Whether a test in its file that holds takes back every step that has an undo. Without it the runbook cannot become routine.
    #[serde(default)]
    pub rehearsed: bool,
    /// The digest of its canonical form.
    pub digest: Digest,
}

impl Serves {
    /// Whether nothing is said.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Runbook {
    /// The rule of a step of this runbook; none when it has no such step.
    pub fn rule(&self, step: &StepName) -> Option<StepRule> {
        self.all_steps().find(|(_, known)| known.id == *step).map(|(_, step)| step.rule())
    }

    /// Exactly what its calls need, branches, checks and undos included.
    pub fn needs(&self) -> Permissions {
        Permissions::of(self.all_steps().flat_map(|(_, step)| step.calls()))
    }

    /// Every step in the order of plans: those of the way without failures first, then branch by branch, by name.
    pub fn all_steps(&self) -> impl Iterator<Item = (Option<&BranchName>, &Step)> {
        let branches = self.fallbacks.iter().flat_map(|(name, steps)| steps.iter().map(move |step| (Some(name), step)));
        self.steps.iter().map(|step| (None, step)).chain(branches)
    }
}

impl Step {
    /// What a run needs to know of it beside the plan.
    pub fn rule(&self) -> StepRule {
        StepRule { timeout: self.timeout, retry: self.retry.clone(), on_failure: self.on_failure.clone(), on_unknown: self.on_unknown }
    }

    /// Its calls: the act, the check, the undo.
    pub fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        [Some(&self.call), self.verify.as_ref(), self.undo.as_ref()].into_iter().flatten()
    }

    /// The first condition on inputs that does not hold: it leaves the step out of the plan.
    pub fn left_out_by(&self, inputs: &Inputs) -> Option<&Condition> {
        let none = Outputs::new();
        self.when.iter().filter(|condition| condition.of_input()).find(|condition| condition.holds(inputs, &none) != Ok(true))
    }

    /// What a plan shows of its flow: the branch that it stands on, where a failure leads, and what is known only while it runs.
    pub fn flow(&self, branch: Option<&BranchName>) -> Flow {
        Flow {
            branch: branch.cloned(),
            goto: self.on_failure.goto().cloned(),
            when: self.when.iter().filter(|condition| !condition.of_input()).cloned().collect(),
            outputs: self.outputs.clone(),
        }
    }
}

/// Why a template could not be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A reference to something that is not there.
    #[error("`${{{0}}}` names no input of this runbook")]
    Unknown(String),
    /// A place of a list beyond its end.
    #[error("`${{inputs.{0}}}` is beyond the end of the list")]
    Beyond(String),
    /// `${` without `}`.
    #[error("`${{` without its closing brace")]
    Unclosed,
    /// The result has no canonical form.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

/// Fills `${inputs.x}`, `${target.name}` and `${target.kind}` into a call. A text that is one reference and nothing
/// else takes the value with its type; anywhere else the value is written as text. Nothing is evaluated.
///
/// # Errors
/// The first reference to nothing.
pub fn render(call: &ToolCall, inputs: &Inputs, target: &EntityRef) -> Result<ToolCall, RenderError> {
    let with = call.with.iter().map(|(key, value)| Ok((key.clone(), fill(value, inputs, target)?))).collect::<Result<_, RenderError>>()?;
    Ok(ToolCall { tool: call.tool.clone(), with })
}

/// Fills references into one text, as [`render`] does.
///
/// # Errors
/// The first reference to nothing.
pub fn render_text(text: &str, inputs: &Inputs, target: &EntityRef) -> Result<String, RenderError> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let (path, tail) = after.split_once('}').ok_or(RenderError::Unclosed)?;
        out.push_str(before);
        match lookup(path, inputs, target)? {
            Value::String(value) => out.push_str(&value),
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                out.push_str(&other.to_string());
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

fn fill(value: &Value, inputs: &Inputs, target: &EntityRef) -> Result<Value, RenderError> {
    match value {
        Value::String(text) => {
            let whole = text.strip_prefix("${").and_then(|t| t.strip_suffix('}')).filter(|t| !t.contains("${") && !t.contains('}'));
            match whole {
                Some(path) => lookup(path, inputs, target),
                None => render_text(text, inputs, target).map(Value::String),
            }
        }
        Value::Array(items) => items.iter().map(|item| fill(item, inputs, target)).collect::<Result<_, _>>().map(Value::Array),
        Value::Object(members) => members
            .iter()
            .map(|(key, item)| Ok((key.clone(), fill(item, inputs, target)?)))
            .collect::<Result<_, RenderError>>()
            .map(Value::Object),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
    }
}

fn lookup(path: &str, inputs: &Inputs, target: &EntityRef) -> Result<Value, RenderError> {
    let unknown = || RenderError::Unknown(path.chars().take(80).collect());
    match path {
        "target.name" => return Ok(Value::String(target.name.to_string())),
        "target.kind" => return Ok(Value::String(target.kind.as_str().into())),
        _ => {}
    }
    let path = path.strip_prefix("inputs.").ok_or_else(&unknown)?;
    let given = |name: &str| name.parse::<InputName>().ok().and_then(|name| inputs.get(&name));
    if let Some(value) = given(path) {
        return serde_json::to_value(value).map_err(|_| unknown());
    }
    let Some((InputValue::Names(names), place)) = path.rsplit_once('.').and_then(|(name, place)| Some((given(name)?, place))) else {
        return Err(unknown());
    };
    let name = place.parse::<usize>().ok().and_then(|place| names.get(place));
    name.map(|name| Value::String(name.clone())).ok_or_else(|| RenderError::Beyond(path.chars().take(80).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<Value, RenderError> {
        let inputs = Inputs::from([
            ("to".parse().unwrap(), InputValue::Text("192.0.2.20".into())),
            ("n".parse().unwrap(), InputValue::Integer(3)),
            ("hosts".parse().unwrap(), InputValue::Names(vec!["web-1".into(), "web-2".into()])),
            ("evil".parse().unwrap(), InputValue::Text("${inputs.to}; rm -rf".into())),
        ]);
        fill(&Value::String(text.into()), &inputs, &"zone/example.test".parse().unwrap())
    }

    #[test]
    fn references_are_filled_in_once_and_with_their_type() {
        assert_eq!(filled("${inputs.n}"), Ok(Value::from(3)));
        assert_eq!(filled("n=${inputs.n} at ${target.name}"), Ok(Value::from("n=3 at example.test")));
        assert_eq!(filled("${inputs.evil}"), Ok(Value::from("${inputs.to}; rm -rf")));
        assert_eq!(filled("${inputs.hosts.1}"), Ok(Value::from("web-2")));
        assert_eq!(filled("a ${inputs.evil}"), Ok(Value::from("a ${inputs.to}; rm -rf")));
    }

    #[test]
    fn a_reference_to_nothing_is_refused() {
        assert_eq!(filled("${inputs.nope}"), Err(RenderError::Unknown("inputs.nope".into())));
        assert_eq!(filled("${env.HOME}"), Err(RenderError::Unknown("env.HOME".into())));
        assert_eq!(filled("a ${inputs.to"), Err(RenderError::Unclosed));
        assert_eq!(filled("${inputs.hosts.2}"), Err(RenderError::Beyond("hosts.2".into())));
        assert_eq!(filled("${inputs.to.0}"), Err(RenderError::Unknown("inputs.to.0".into())));
    }
}
