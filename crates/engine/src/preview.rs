//! The plan of a change: its runbook with inputs filled in, and before → after as a runner reads them from the live
//! system.

use lineclear_core::change::Change;
use lineclear_core::label::Labels;
use lineclear_core::name::BranchName;
use lineclear_core::plan::{LeftOut, Plan, PlannedStep, ToolCall};
use lineclear_core::runbook::{Step, render, render_text};
use lineclear_warrant::{Answer, Work};

use crate::desk::Whom;
use crate::engine::Inner;
use crate::gather::Ground;

impl Inner {
    /// The plan; none when the action is advice only.
    ///
    /// # Errors
    /// Why the live system could not be read, in words.
    pub(crate) async fn preview(&self, change: &Change, ground: &Ground<'_>) -> Result<Option<Plan>, String> {
        let Some(runbook) = ground.runbook else { return Ok(None) };
        let runs_on = runbook.runs_on.union(&ground.entity.runs_on).map_err(|error| error.to_string())?;
        if !runs_on.is_empty() && !self.roster.somebody_carries(&runs_on) {
            return Err(format!("no runner that carries `{runs_on}` is connected and takes work"));
        }
        let (mut steps, mut left_out) = (Vec::with_capacity(runbook.steps.len()), Vec::new());
        for (branch, step) in runbook.all_steps() {
            // What these inputs leave out is not asked of the live system either: it may well make no sense there.
            if let Some(condition) = step.left_out_by(&change.proposal.inputs) {
                left_out.push(LeftOut { step: step.id.clone(), why: format!("it is not so that {condition}") });
                continue;
            }
            steps.push(self.preview_step(change, branch, step, &runs_on).await.map_err(|why| format!("step `{}`: {why}", step.id))?);
        }
        let key = runbook.concurrency_key.as_ref().map(|text| render_text(text, &change.proposal.inputs, &change.proposal.target));
        let concurrency_key = key.transpose().map_err(|error| format!("concurrency key: {error}"))?;
        let permissions = runbook.permissions.render(&change.proposal.inputs, &change.proposal.target);
        let permissions = permissions.map_err(|error| format!("permissions: {error}"))?;
        let (runbook, runbook_digest) = (runbook.id.clone(), runbook.digest);
        let plan = Plan { runbook, runbook_digest, steps, left_out, permissions, concurrency_key, runs_on, read: self.now() };
        match plan.exceeds() {
            Some((step, lack)) => Err(format!("step `{step}`: its runbook's `permissions` do not give it {lack}")),
            None => Ok(Some(plan)),
        }
    }

    async fn preview_step(
        &self,
        change: &Change,
        branch: Option<&BranchName>,
        step: &Step,
        runs_on: &Labels,
    ) -> Result<PlannedStep, String> {
        let filled = |call: &ToolCall| render(call, &change.proposal.inputs, &change.proposal.target).map_err(|error| error.to_string());
        let call = filled(&step.call)?;
        let undo = step.undo.as_ref().map(filled).transpose()?;
        let verify = step.verify.as_ref().map(filled).transpose()?;
        let question = |number| Work::Preview { question: number, call: call.clone(), undo: undo.clone() };
        match self.desk.ask(Whom::Carrier(runs_on.clone()), question).await? {
            Answer::Preview { result: Ok((effect, preview)), .. } => {
                Ok(PlannedStep { step: step.id.clone(), call, verify, undo, effect, preview, flow: step.flow(branch) })
            }
            Answer::Preview { result: Err(why), .. } => Err(why),
            Answer::Known { .. } => Err("the runner answered another question".into()),
        }
    }
}
