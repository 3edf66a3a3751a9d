//! `runbooks/*.yaml`: deterministic procedures whose every step has a call, a check and an undo.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::catalogue::InputKind;
use lineclear_core::name::{FactName, InputName, RunbookName, StepName, TeamName};
use lineclear_core::runbook::{OnFailure, OnUnknown, Runbook, Step, Verification};
use lineclear_core::{Digest, Span};

use crate::duration::duration;
use crate::fault::{At, Faults, LoadError, Place, Text};
use crate::inputs::{inputs, kinds};
use crate::members::Members;
use crate::suggest::suggest;
use crate::tool::{Call, Purpose, call, changes};
use crate::yaml::{Node, document};

/// The version of the language that is read.
const LANGUAGE: &str = "v1";
/// Most steps: more than this nobody reviews at night.
const STEPS_MAX: usize = 32;
/// Longest run, from the first step to the end of the soak.
const DEADLINE_MAX: Span = Span::from_secs(8 * 3_600);
/// Longest call.
const TIMEOUT_MAX: Span = Span::from_secs(3_600);
/// Most tries at one step.
const ATTEMPTS_MAX: i64 = 5;

/// A runbook with the places that links are checked at.
#[derive(Debug)]
pub(crate) struct RunbookDraft {
    pub(crate) runbook: Runbook,
    pub(crate) id: Place,
    pub(crate) owner: Place,
    pub(crate) inputs: BTreeMap<InputName, At<InputKind>>,
    pub(crate) facts: Vec<At<FactName>>,
    pub(crate) sources: Vec<At<String>>,
}

/// Reads one runbook; its digest is over the canonical JSON of everything else in it.
///
/// # Errors
/// Everything that this file alone shows to be wrong.
pub fn parse_runbook(path: &str, text: &str) -> Result<Runbook, LoadError> {
    let faults = Faults::default();
    let draft = read(path, text, &faults);
    faults.settle(draft.map(|draft| draft.runbook))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> Option<RunbookDraft> {
    let text = Text::new(path, text);
    let node = document(&text, faults)?;
    let of = Members::of(&node, "a runbook", faults)?;
    of.choice("runbook", &[(LANGUAGE, ())]);
    let id = of.parsed::<RunbookName>("id");
    let title = of.title();
    let owner = of.parsed::<TeamName>("owner");
    let sound = faults.count();
    let inputs = inputs(&of);
    let sound = faults.count() == sound;
    let deadline = of.duration("deadline", Span::from_secs(1), DEADLINE_MAX);
    let before = faults.count();
    let steps: Vec<StepDraft> = of.items("steps").iter().filter_map(|node| step(node, faults)).collect();
    let whole = faults.count() == before;
    let verification =
        of.maybe("verification").map_or_else(|| Some((Verification::default(), Vec::new())), |node| verification(node, faults));
    of.finish();
    let (id, owner) = (id?, owner?);
    // A step or an input with a fault of its own would only echo here.
    if whole {
        check_steps(&id, &steps, faults);
    }
    if whole && sound {
        check_inputs(&inputs, &steps, faults);
    }
    let (verification, facts) = verification?;
    let sources = steps.iter().flat_map(|step| step.calls.iter().filter_map(|call| call.source.clone())).collect();
    let runbook = Runbook {
        id: id.value,
        title: title?,
        owner: owner.value,
        inputs: kinds(&inputs),
        deadline: deadline?,
        steps: steps.into_iter().map(|step| step.step).collect(),
        verification,
        drilled: None,
        digest: Digest::of(b""),
    };
    let digest = address(&runbook).map_err(|error| faults.at(&Place::start(&text), error.to_string(), None)).ok()?;
    Some(RunbookDraft { runbook: Runbook { digest, ..runbook }, id: id.place, owner: owner.place, inputs, facts, sources })
}

/// The digest over everything but the digest itself and the drill, which is recorded later.
fn address(runbook: &Runbook) -> Result<Digest, lineclear_core::digest::DigestError> {
    let mut value = serde_json::to_value(runbook).map_err(|error| lineclear_core::digest::DigestError::Canonical(error.to_string()))?;
    if let Some(members) = value.as_object_mut() {
        members.remove("digest");
        members.remove("drilled");
    }
    Digest::of_json(&value)
}

struct StepDraft {
    step: Step,
    id: Place,
    calls: Vec<Call>,
}

fn step(node: &Node, faults: &Faults) -> Option<StepDraft> {
    let of = Members::of(node, "a step", faults)?;
    let id = of.parsed::<StepName>("id");
    let act = of.need("do").map(|node| call(node, Purpose::Act, faults));
    let timeout = of.duration("timeout", Span::from_secs(1), TIMEOUT_MAX);
    let check = of.maybe("verify").map(|node| call(node, Purpose::Look, faults));
    let undo = of.maybe("undo").map(|node| call(node, Purpose::Act, faults));
    let attempts = of.integer_or("attempts", 1, 1, ATTEMPTS_MAX);
    let on_failure = of.choice_or("on_failure", OnFailure::Undo, &[("undo", OnFailure::Undo), ("person", OnFailure::Person)]);
    let fallback = if check.is_some() { OnUnknown::Verify } else { OnUnknown::Person };
    let on_unknown = of.choice_or("on_unknown", fallback, &[("verify", OnUnknown::Verify), ("person", OnUnknown::Person)]);
    if let Some(node) = of.maybe("on_unknown").filter(|_| check.is_none() && on_unknown == Some(OnUnknown::Verify)) {
        faults.at(&node.place, "`on_unknown: verify` without a `verify`", Some("add one, or write `on_unknown: person`".into()));
    }
    of.finish();
    let (id, act) = (id?, act??);
    let mut calls = vec![act];
    let mut rest = |read: Option<Option<Call>>| match read {
        None => Some(None),
        Some(call) => {
            let call = call?;
            let copy = call.exact.clone();
            calls.push(call);
            Some(Some(copy))
        }
    };
    let (verify, undo) = (rest(check)?, rest(undo)?);
    let step = Step {
        id: id.value,
        call: calls.first()?.exact.clone(),
        timeout: timeout?,
        verify,
        undo,
        attempts: u8::try_from(attempts?).ok()?,
        on_failure: on_failure?,
        on_unknown: on_unknown?,
    };
    Some(StepDraft { step, id: id.place, calls })
}

fn check_steps(id: &At<RunbookName>, steps: &[StepDraft], faults: &Faults) {
    if steps.is_empty() || steps.len() > STEPS_MAX {
        faults.at(&id.place, format!("a runbook has 1 to {STEPS_MAX} steps, this one has {}", steps.len()), None);
    }
    let mut seen = BTreeSet::new();
    for step in steps {
        if !seen.insert(&step.step.id) {
            faults.at(&step.id, format!("step `{}` is described twice", step.step.id), None);
        }
        let within = step.step.call.with.get("within").and_then(serde_json::Value::as_str).and_then(duration);
        if let Some(within) = within.filter(|within| *within > step.step.timeout) {
            let message = format!("step `{}` waits for {within}, and times out after {}", step.step.id, step.step.timeout);
            faults.at(&step.id, message, Some("give `timeout` more than `within`".into()));
        }
        if changes(&step.step.call) && step.step.attempts > 1 && step.step.verify.is_none() {
            let help = "add `verify`, so that a second try knows what the first one did";
            faults.at(&step.id, format!("step `{}` may be tried again, but has no check", step.step.id), Some(help.into()));
        }
    }
}

fn check_inputs(inputs: &BTreeMap<InputName, At<InputKind>>, steps: &[StepDraft], faults: &Faults) {
    let mut used = BTreeSet::new();
    for input in steps.iter().flat_map(|step| step.calls.iter().flat_map(|call| &call.inputs)) {
        used.insert(&input.value);
        if !inputs.contains_key(&input.value) {
            let known = inputs.keys().map(InputName::as_str);
            let help = suggest(input.value.as_str(), known).or_else(|| Some("declare it under `inputs`".into()));
            faults.at(&input.place, format!("`${{inputs.{}}}` names no input of this runbook", input.value), help);
        }
    }
    for (name, kind) in inputs {
        if !used.contains(name) {
            faults.at(&kind.place, format!("input `{name}` is asked for, and no step uses it"), Some("remove it, or use it".into()));
        }
    }
}

fn verification(node: &Node, faults: &Faults) -> Option<(Verification, Vec<At<FactName>>)> {
    let of = Members::of(node, "`verification`", faults)?;
    let goals = of.names::<FactName>("goals");
    let neighbours = of.names::<FactName>("neighbours");
    let soak = of.duration_or("soak", Span::ZERO, Span::ZERO, DEADLINE_MAX);
    of.finish();
    let names = |list: &[At<FactName>]| list.iter().map(|fact| fact.value.clone()).collect();
    let value = Verification { goals: names(&goals), neighbours: names(&neighbours), soak: soak? };
    Some((value, goals.into_iter().chain(neighbours).collect()))
}
