//! `runbooks/*.yaml`: deterministic procedures whose every step has a call, a check and an undo.

mod branch;
mod check;
mod condition;
mod each;
mod limits;
pub(crate) mod permissions;
pub(crate) mod retry;
pub(crate) mod serves;
mod step;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use lineclear_core::catalogue::InputKind;
use lineclear_core::label::Labels;
use lineclear_core::name::{FactName, InputName, RunbookName, TeamName};
use lineclear_core::permission::Permissions;
use lineclear_core::runbook::{Runbook, Verification};
use lineclear_core::{Digest, Span};

use crate::fault::{At, Faults, LoadError, Place, Text};
use crate::inputs::{inputs, kinds};
use crate::members::{Members, sandbox};
use crate::rehearsal::{self, Test};
use crate::yaml::{Node, document};
use branch::{BranchDraft, branches};
use check::Whole;
use limits::limits;
use permissions::permissions;
use serves::{ServesDraft, serves};
use step::StepDraft;

/// A runbook that uses every member of the language.
#[cfg(test)]
pub(crate) const EVERYTHING: &str = include_str!("runbook/everything.yaml");

/// One whose steps go over lists.
#[cfg(test)]
pub(crate) const OVER_LISTS: &str = include_str!("runbook/over_lists.yaml");

/// The version of the language that is read.
const LANGUAGE: &str = "v1";
/// Most steps, those of branches included: more than this nobody reviews at night.
const STEPS_MAX: usize = 32;
/// Longest run, from the first step to the end of the soak.
const DEADLINE_MAX: Span = Span::from_secs(8 * 3_600);

/// A runbook with the places that links are checked at.
#[derive(Debug)]
pub(crate) struct RunbookDraft {
    pub(crate) runbook: Runbook,
    pub(crate) id: Place,
    pub(crate) owner: Place,
    pub(crate) inputs: BTreeMap<InputName, At<InputKind>>,
    pub(crate) facts: Vec<At<FactName>>,
    pub(crate) sources: Vec<At<String>>,
    pub(crate) serves: ServesDraft,
    pub(crate) tests: Vec<Test>,
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

/// Reads one runbook with its tests.
///
/// # Errors
/// As [`parse_runbook`].
pub fn parse_runbook_tests(path: &str, text: &str) -> Result<(Runbook, Vec<Test>), LoadError> {
    let faults = Faults::default();
    let draft = read(path, text, &faults);
    faults.settle(draft.map(|draft| (draft.runbook, draft.tests)))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> Option<RunbookDraft> {
    let text = Text::new(path, text);
    let begun = faults.count();
    let node = document(&text, faults)?;
    let of = Members::of(&node, "a runbook", faults)?;
    of.choice("runbook", &[(LANGUAGE, ())]);
    let id = of.parsed::<RunbookName>("id");
    let title = of.title();
    let owner = of.parsed::<TeamName>("owner");
    let serves = serves(&of);
    let sound = faults.count();
    let inputs = inputs(&of);
    let sound = faults.count() == sound;
    let mut limits = limits(&of);
    let granted = faults.count();
    let sandbox = sandbox(&of);
    let declared = permissions(&of, &inputs);
    let granted = faults.count() == granted;
    let runs_on = runs_on(&of);
    let before = faults.count();
    let steps: Vec<StepDraft> = each::steps(of.items("steps"), &inputs, faults);
    let branches = branches(&of, &inputs);
    let whole = faults.count() == before;
    let verification =
        of.maybe("verification").map_or_else(|| Some((Verification::default(), Vec::new())), |node| verification(node, faults));
    let tests = of.maybe("tests");
    of.finish();
    let (id, owner) = (id?, owner?);
    // A step or an input with a fault of its own would only echo here.
    limits.inputs.extend(declared.iter().flat_map(|declared| declared.inputs.iter().cloned()));
    if whole {
        let whole = Whole { id: &id.place, steps: &steps, branches: &branches, deadline: limits.deadline };
        whole.steps(faults);
        whole.branches(faults);
        if sound {
            whole.conditions(&inputs, faults);
            whole.inputs(&inputs, &limits.inputs, faults);
        }
        if let Some(declared) = declared.as_ref().filter(|_| granted) {
            declared.check(whole.all(), faults);
        }
    }
    let (verification, facts) = verification?;
    let all = steps.iter().chain(branches.iter().flat_map(|branch| &branch.steps));
    let sources = all.flat_map(|step| step.calls.iter().filter_map(|call| call.source.clone())).collect();
    let runbook = Runbook {
        id: id.value,
        title: title?,
        owner: owner.value,
        serves: serves.serves.clone(),
        inputs: kinds(&inputs),
        deadline: limits.deadline?,
        concurrency_key: limits.key,
        runs_on,
        steps: steps.into_iter().map(|step| step.step).collect(),
        fallbacks: branches.into_iter().map(fallback).collect(),
        verification,
        permissions: Permissions::none(),
        sandbox,
        rehearsed: false,
        digest: Digest::of(b""),
    };
    let given = declared.map(|declared| declared.permissions).unwrap_or_default();
    let mut runbook = addressed(runbook, given).map_err(|error| faults.at(&Place::start(&text), error.to_string(), None)).ok()?;
    // Tests of a runbook that is faulty itself would only echo here.
    let tests = tests.filter(|_| faults.count() == begun).map_or_else(Vec::new, |node| rehearsal::read(node, &runbook, faults));
    runbook.rehearsed = rehearsal::rehearsed(&runbook, &tests);
    Some(RunbookDraft { runbook, id: id.place, owner: owner.place, inputs, facts, sources, serves, tests })
}

/// The runbook with its digest, and with the permissions that were given, else with those that its calls need.
fn addressed(runbook: Runbook, given: Permissions) -> Result<Runbook, lineclear_core::digest::DigestError> {
    let runbook = Runbook { permissions: given, ..runbook };
    let digest = address(&runbook)?;
    let permissions = if runbook.permissions.is_empty() { runbook.needs() } else { runbook.permissions.clone() };
    Ok(Runbook { digest, permissions, ..runbook })
}

/// The labels that a runner has to carry.
fn runs_on(of: &Members<'_>) -> Labels {
    let labels = of.names("runs_on");
    Labels::collect(labels.into_iter().map(|label| label.value)).unwrap_or_else(|error| {
        of.faults().at(of.place(), format!("`runs_on`: {error}"), None);
        Labels::default()
    })
}

/// The digest over everything but the digest itself and the tests, which change nothing. Permissions that the file does not give follow
/// from the calls and add nothing to them.
fn address(runbook: &Runbook) -> Result<Digest, lineclear_core::digest::DigestError> {
    let mut value = serde_json::to_value(runbook).map_err(|error| lineclear_core::digest::DigestError::Canonical(error.to_string()))?;
    if let Some(members) = value.as_object_mut() {
        members.remove("digest");
        members.remove("rehearsed");
        if runbook.permissions.is_empty() {
            members.remove("permissions");
        }
    }
    Digest::of_json(&value)
}

fn fallback(branch: BranchDraft) -> (lineclear_core::name::BranchName, Vec<lineclear_core::runbook::Step>) {
    (branch.name.value, branch.steps.into_iter().map(|step| step.step).collect())
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
