//! One step: its call, its check, its undo, and what follows when it fails.

use lineclear_core::Span;
use lineclear_core::name::{BranchName, StepName};
use lineclear_core::runbook::{OnFailure, OnUnknown, Step};

use super::condition::{ConditionDraft, OutputDraft, conditions, outputs};
use super::retry::{RetryDraft, retry};
use crate::fault::{At, Faults, Place};
use crate::members::{Members, choice};
use crate::tool::{Call, Purpose, call};
use crate::yaml::{Kind, Node};

/// Longest call.
const TIMEOUT_MAX: Span = Span::from_secs(3_600);

/// A step with the places that it is checked at.
pub(super) struct StepDraft {
    pub(super) step: Step,
    pub(super) id: Place,
    pub(super) calls: Vec<Call>,
    pub(super) retry: RetryDraft,
    pub(super) goto: Option<At<BranchName>>,
    pub(super) when: Vec<ConditionDraft>,
    pub(super) outputs: Vec<OutputDraft>,
}

pub(super) fn step(node: &Node, faults: &Faults) -> Option<StepDraft> {
    let of = Members::of(node, "a step", faults)?;
    let id = of.parsed::<StepName>("id");
    // Whoever calls this has gone over the list already.
    of.maybe("for_each");
    let act = of.need("do").map(|node| call(node, Purpose::Act, faults));
    let timeout = of.duration("timeout", Span::from_secs(1), TIMEOUT_MAX);
    let check = of.maybe("verify").map(|node| call(node, Purpose::Look, faults));
    let undo = of.maybe("undo").map(|node| call(node, Purpose::Act, faults));
    let retry = retry(&of);
    let (on_failure, goto) = on_failure(&of, faults).unzip();
    let on_unknown = on_unknown(&of, check.is_some(), faults);
    let (when, outputs) = (conditions(&of), outputs(&of));
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
    let (retry, when, outputs) = (retry?, when?, outputs?);
    let step = Step {
        id: id.value,
        call: calls.first()?.exact.clone(),
        timeout: timeout?,
        verify,
        undo,
        retry: retry.retry.clone(),
        on_failure: on_failure?,
        on_unknown: on_unknown?,
        when: when.iter().map(|draft| draft.condition.clone()).collect(),
        outputs: outputs.iter().map(|draft| (draft.name.value.clone(), draft.output.clone())).collect(),
    };
    Some(StepDraft { step, id: id.place, calls, retry, goto: goto?, when, outputs })
}

/// One of three words, or the branch that is taken: `{ goto: spare }`.
fn on_failure(of: &Members<'_>, faults: &Faults) -> Option<(OnFailure, Option<At<BranchName>>)> {
    let Some(node) = of.maybe("on_failure") else { return Some((OnFailure::Undo, None)) };
    if let Kind::Map(_) = &node.kind {
        let of = Members::of(node, "`on_failure`", faults)?;
        let goto = of.parsed::<BranchName>("goto");
        of.finish();
        let goto = goto?;
        return Some((OnFailure::Goto(goto.value.clone()), Some(goto)));
    }
    match choice(node, &[("undo", 0), ("person", 1), ("stop", 2)], faults)? {
        0 => Some((OnFailure::Undo, None)),
        1 => Some((OnFailure::Person, None)),
        _ => Some((OnFailure::Stop, None)),
    }
}

fn on_unknown(of: &Members<'_>, checked: bool, faults: &Faults) -> Option<OnUnknown> {
    let fallback = if checked { OnUnknown::Verify } else { OnUnknown::Person };
    let chosen = of.choice_or("on_unknown", fallback, &[("verify", OnUnknown::Verify), ("person", OnUnknown::Person)]);
    if let Some(node) = of.maybe("on_unknown").filter(|_| !checked && chosen == Some(OnUnknown::Verify)) {
        faults.at(&node.place, "`on_unknown: verify` without a `verify`", Some("add one, or write `on_unknown: person`".into()));
    }
    chosen
}
