//! The plan of a rehearsal: as the engine makes it, but for what a runner reads from the live system.

use lineclear_core::Timestamp;
use lineclear_core::catalogue::Inputs;
use lineclear_core::name::BranchName;
use lineclear_core::plan::{EffectClass, LeftOut, Plan, PlannedStep, Preview, ToolCall};
use lineclear_core::run::StepRule;
use lineclear_core::runbook::{Runbook, Step, render, render_text};
use lineclear_core::topology::EntityRef;
use serde_json::Value;

use super::RehearsalError;
use crate::runbook::retry::protected;

pub(crate) fn plan(runbook: &Runbook, target: &EntityRef, inputs: &Inputs, read: Timestamp) -> Result<Plan, RehearsalError> {
    let (mut steps, mut left_out) = (Vec::new(), Vec::new());
    for (branch, step) in runbook.all_steps() {
        match step.left_out_by(inputs) {
            Some(condition) => left_out.push(LeftOut { step: step.id.clone(), why: format!("it is not so that {condition}") }),
            None => steps.push(planned(branch, step, inputs, target)?),
        }
    }
    let key = runbook.concurrency_key.as_ref().map(|text| render_text(text, inputs, target));
    let concurrency_key = key.transpose().map_err(|source| RehearsalError::Render { at: "concurrency_key".into(), source })?;
    let permissions = runbook.permissions.render(inputs, target);
    let permissions = permissions.map_err(|source| RehearsalError::Render { at: "permissions".into(), source })?;
    let (id, digest, runs_on) = (runbook.id.clone(), runbook.digest, runbook.runs_on.clone());
    let plan = Plan { runbook: id, runbook_digest: digest, steps, left_out, permissions, concurrency_key, runs_on, read };
    match plan.exceeds() {
        Some((step, lack)) => Err(RehearsalError::Exceeds { step: step.clone(), lack }),
        None => Ok(plan),
    }
}

/// The rules of a planned step.
pub(super) fn rule(runbook: &Runbook, planned: &PlannedStep) -> Option<StepRule> {
    let (_, step) = runbook.all_steps().find(|(_, step)| step.id == planned.step)?;
    let Step { timeout, retry, on_failure, on_unknown, .. } = step;
    Some(StepRule { timeout: *timeout, retry: retry.clone(), on_failure: on_failure.clone(), on_unknown: *on_unknown })
}

fn planned(branch: Option<&BranchName>, step: &Step, inputs: &Inputs, target: &EntityRef) -> Result<PlannedStep, RehearsalError> {
    let filled =
        |call: &ToolCall| render(call, inputs, target).map_err(|source| RehearsalError::Render { at: step.id.to_string(), source });
    let (before, after, targets, reversible) = (Value::Null, Value::Null, Vec::new(), step.undo.is_some());
    Ok(PlannedStep {
        step: step.id.clone(),
        call: filled(&step.call)?,
        verify: step.verify.as_ref().map(filled).transpose()?,
        undo: step.undo.as_ref().map(filled).transpose()?,
        effect: effect(&step.call),
        preview: Preview { before, after, targets, reversible, summary: String::new() },
        flow: step.flow(branch),
    })
}

/// What the runner's tool says of the call.
fn effect(call: &ToolCall) -> EffectClass {
    protected(call).unwrap_or_else(|| crate::tool::effect(call))
}
