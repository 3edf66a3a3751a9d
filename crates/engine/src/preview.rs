//! The plan of a change: its runbook with inputs filled in, and before → after as a runner reads them from the live
//! system.

use lineclear_core::change::Change;
use lineclear_core::plan::{Plan, PlannedStep, ToolCall};
use lineclear_core::runbook::{Runbook, Step, render};
use lineclear_warrant::{Answer, Work};

use crate::engine::Inner;

impl Inner {
    /// The plan; none when the action is advice only.
    ///
    /// # Errors
    /// Why the live system could not be read, in words.
    pub(crate) async fn preview(&self, change: &Change, runbook: Option<&Runbook>) -> Result<Option<Plan>, String> {
        let Some(runbook) = runbook else { return Ok(None) };
        let mut steps = Vec::with_capacity(runbook.steps.len());
        for step in &runbook.steps {
            steps.push(self.preview_step(change, step).await.map_err(|why| format!("step `{}`: {why}", step.id))?);
        }
        Ok(Some(Plan { runbook: runbook.id.clone(), runbook_digest: runbook.digest, steps, read: self.now() }))
    }

    async fn preview_step(&self, change: &Change, step: &Step) -> Result<PlannedStep, String> {
        let filled = |call: &ToolCall| render(call, &change.proposal.inputs, &change.proposal.target).map_err(|error| error.to_string());
        let call = filled(&step.call)?;
        let undo = step.undo.as_ref().map(filled).transpose()?;
        let verify = step.verify.as_ref().map(filled).transpose()?;
        let question = |number| Work::Preview { question: number, call: call.clone(), undo: undo.clone() };
        match self.desk.ask(question).await? {
            Answer::Preview { result: Ok((effect, preview)), .. } => {
                Ok(PlannedStep { step: step.id.clone(), call, verify, undo, effect, preview })
            }
            Answer::Preview { result: Err(why), .. } => Err(why),
            Answer::Known { .. } => Err("the runner answered another question".into()),
        }
    }
}
