//! Answers to questions: what a call would change, and what became of an attempt.

use std::sync::Arc;
use std::time::Duration;

use lineclear_core::Timestamp;
use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use lineclear_core::run::{AttemptKey, Found};
use lineclear_warrant::{Answer, Knowledge};
use serde_json::{Value, json};

use super::Inner;
use super::act::bounded;
use crate::journal::Standing;
use crate::link::Link;
use crate::tools::{Args, fence, shorten};

/// How long a preview may take; whoever asks stops waiting after ten seconds.
const PREVIEW_TIMEOUT: Duration = Duration::from_secs(8);

impl Inner {
    pub(super) async fn answer_preview(self: Arc<Self>, link: &dyn Link, question: u64, call: ToolCall, undo: Option<ToolCall>) {
        let Ok(_room) = self.answering.acquire().await else { return };
        let asked = tokio::time::timeout(PREVIEW_TIMEOUT, self.preview(&call, undo.as_ref())).await;
        let result = asked.unwrap_or_else(|_| Err("the live system did not answer in time".into())).map_err(|why| shorten(&why));
        send(link, Answer::Preview { question, result }).await;
    }

    async fn preview(&self, call: &ToolCall, undo: Option<&ToolCall>) -> Result<(EffectClass, Preview), String> {
        let tool = self.tools.tool(call)?;
        let effect = tool.effect(&Args::of(call))?;
        Ok((effect, tool.preview(Args::of(call), undo).await?))
    }

    pub(super) async fn answer_ask(self: Arc<Self>, link: &dyn Link, question: u64, attempt: AttemptKey) {
        let Ok(_room) = self.answering.acquire().await else { return };
        match self.know(&attempt).await {
            Ok(known) => send(link, Answer::Known { question, known }).await,
            // No answer is better than a wrong one: it is asked again.
            Err(error) => tracing::error!(%error, ?attempt, "the journal could not say what became of an attempt"),
        }
    }

    async fn know(&self, attempt: &AttemptKey) -> Result<Knowledge, crate::journal::JournalError> {
        Ok(match self.journal.ask(attempt, self.now())? {
            Standing::UnderWay => Knowledge::UnderWay,
            Standing::Ended(report) => Knowledge::Reported { report },
            Standing::Found(found, output) => Knowledge::Found { found, output },
            Standing::Never => Knowledge::Found { found: Found::NeverStarted, output: json!({}) },
            Standing::Lost { envelope } => {
                let began = self.now();
                let (found, output, deadline) = self.find_out(attempt, &envelope).await;
                // Processes were killed; a request that had left may still arrive, for as long as its answer was waited for.
                if found == Found::NotApplied && deadline.is_none_or(|deadline| began < deadline) {
                    return Ok(Knowledge::UnderWay);
                }
                let output = bounded(output);
                // What is inconclusive now may be clear when it is asked again.
                if found != Found::Inconclusive {
                    self.journal.found(attempt, found, &output, self.now())?;
                }
                Knowledge::Found { found, output }
            }
        })
    }

    /// Fences first, then looks: a process that outlived the crash could act after the look.
    /// Also tells when the attempt's own time ended or ends.
    async fn find_out(&self, attempt: &AttemptKey, envelope: &str) -> (Found, Value, Option<Timestamp>) {
        let unclear = |why: &str| (Found::Inconclusive, json!({ "why": shorten(why) }), None);
        if !fence(attempt).await {
            return unclear("processes of the attempt could not be killed");
        }
        let Ok(warrant) = lineclear_warrant::open(envelope, &self.trust.warrants) else {
            return unclear("its warrant cannot be read any more");
        };
        let Some(check) = &warrant.verify else { return unclear("the step has no check") };
        let tool = match self.tools.tool(check) {
            Ok(tool) => tool,
            Err(why) => return unclear(&why),
        };
        match tool.check(Args::of(check)).await {
            Ok(look) => (if look.holds { Found::Applied } else { Found::NotApplied }, look.seen, Some(warrant.deadline)),
            Err(why) => unclear(&why),
        }
    }
}

async fn send(link: &dyn Link, answer: Answer) {
    if let Err(error) = link.answer(answer).await {
        tracing::warn!(%error, "an answer did not arrive; it will be asked for again");
    }
}
