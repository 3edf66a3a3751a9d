//! One attempt, from the journal to the report: started at most once, checked, and bounded by this machine's own clock.

use std::sync::Arc;
use std::time::Duration;

use lineclear_core::plan::{EffectClass, ToolCall};
use lineclear_core::run::{Applied, AttemptKey};
use lineclear_core::{Span, Timestamp};
use lineclear_warrant::{Report, Warrant};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Inner;
use super::deliver::Reporter;
use crate::link::Link;
use crate::tools::{Args, Look, Site, ToolError, shorten};

/// How often a check is made until it holds.
const CHECK_EVERY: Duration = Duration::from_millis(500);
/// What a call may take beyond its budget before it is dropped: tools end by themselves, and say more when they do.
const SLACK: Duration = Duration::from_secs(3);
/// How long is looked after a call of which nobody knows whether it arrived, when its budget is spent.
const LAST_LOOK: Duration = Duration::from_secs(2);
/// Largest output in a report, in bytes.
const OUTPUT_MAX: usize = 64 * 1024;

/// One attempt as it is acted on, whoever ordered it.
pub(super) struct Task<'a> {
    pub attempt: &'a AttemptKey,
    pub call: &'a ToolCall,
    pub verify: Option<&'a ToolCall>,
    pub effect: EffectClass,
    pub deadline: Timestamp,
    pub budget: Span,
}

impl<'a> Task<'a> {
    fn of(warrant: &'a Warrant) -> Self {
        let Warrant { attempt, call, verify, effect, deadline, budget, .. } = warrant;
        Self { attempt, call, verify: verify.as_ref(), effect: *effect, deadline: *deadline, budget: *budget }
    }
}

impl Inner {
    /// Acts on an accepted warrant, and reports each step. A panic inside makes the attempt *lost*, not forgotten.
    pub(super) async fn act(self: Arc<Self>, link: Arc<dyn Link>, warrant: Warrant) {
        let key = warrant.attempt.clone();
        let reporter = Reporter::new(Arc::clone(&self), link, key.clone());
        reporter.tell(Report::Accepted { attempt: key.clone() });
        let Ok(room) = self.acting.acquire().await else { return };
        if let Some(started) = self.start(&key, &warrant) {
            reporter.tell(started);
            let inner = Arc::clone(&self);
            match tokio::spawn(async move { inner.perform(&Task::of(&warrant)).await }).await {
                Ok(report) => self.end(&key, report, &reporter),
                Err(error) => {
                    tracing::error!(%error, attempt = ?key, "an attempt died; it is lost until it is asked about");
                    if let Err(error) = self.journal.lose(&key, self.now()) {
                        tracing::error!(%error, "the journal failed");
                    }
                }
            }
        } else {
            let why = "its time was over, or the journal failed, before it could begin".into();
            self.end(&key, Report::Failed { attempt: key.clone(), applied: Applied::No, why }, &reporter);
        }
        drop(room);
        reporter.finish().await;
    }

    /// Journals that it begins; nothing may happen before this is synced, and nothing at all when it fails.
    fn start(&self, key: &AttemptKey, warrant: &Warrant) -> Option<Report> {
        let now = self.now();
        if now >= warrant.deadline {
            return None;
        }
        match self.journal.start(key, now) {
            Ok(()) => Some(Report::Started { attempt: key.clone() }),
            Err(error) => {
                tracing::error!(%error, attempt = ?key, "an attempt could not be journalled, so it does not begin");
                None
            }
        }
    }

    fn end(&self, key: &AttemptKey, report: Report, reporter: &Reporter) {
        if let Err(error) = self.journal.end(key, &report, self.now()) {
            tracing::error!(%error, attempt = ?key, "how an attempt ended could not be journalled");
        }
        reporter.tell(report);
    }

    pub(super) async fn perform(&self, task: &Task<'_>) -> Report {
        let left = task.deadline.since(self.now()).min(task.budget);
        let (began, budget) = (Instant::now(), Duration::from(left));
        let until = began + budget;
        let attempt = task.attempt.clone();
        let failed = |applied, why: &str| Report::Failed { attempt: attempt.clone(), applied, why: shorten(why) };
        let called = match self.tools.tool(task.call) {
            Ok(tool) => {
                let site = Site { key: attempt.clone(), budget };
                let called = tokio::time::timeout(budget + SLACK, tool.call(Args::of(task.call), &site)).await;
                called.unwrap_or_else(|_| Err(ToolError::Unknown("it did not end in time".into())))
            }
            Err(why) => Err(ToolError::NotApplied(why)),
        };
        let changes = task.effect != EffectClass::Read;
        match called {
            Ok(output) => match self.verify(task.verify, until).await {
                Ok(seen) => Report::Succeeded { attempt: attempt.clone(), output: bounded(json!({"output": output, "check": seen})) },
                Err(why) => failed(if changes { Applied::Partly } else { Applied::No }, &why),
            },
            Err(ToolError::NotApplied(why)) => failed(Applied::No, &why),
            Err(ToolError::Partly(why)) => failed(Applied::Partly, &why),
            Err(ToolError::Unknown(why)) => {
                // It may have arrived. Only a check that holds tells; one that does not hold yet tells nothing.
                let until = until.max(Instant::now() + LAST_LOOK);
                match self.verify(task.verify, until).await {
                    Ok(Some(seen)) => {
                        Report::Succeeded { attempt: attempt.clone(), output: bounded(json!({"unclear": why, "check": seen})) }
                    }
                    Ok(None) => failed(Applied::Partly, &why),
                    Err(check) => failed(Applied::Partly, &format!("{why}; {check}")),
                }
            }
        }
    }

    /// Checks until it holds or the time is up, at least once. What it saw when it held; none without a check.
    async fn verify(&self, check: Option<&ToolCall>, until: Instant) -> Result<Option<Value>, String> {
        let Some(check) = check else { return Ok(None) };
        let tool = self.tools.tool(check)?;
        loop {
            let last = match tool.check(Args::of(check)).await {
                Ok(Look { holds: true, seen }) => return Ok(Some(seen)),
                Ok(Look { seen, .. }) => format!("the check does not hold: {seen}"),
                Err(why) => format!("the check got no answer: {why}"),
            };
            if Instant::now() + CHECK_EVERY >= until {
                return Err(last);
            }
            tokio::time::sleep(CHECK_EVERY).await;
        }
    }
}

pub(super) fn bounded(output: Value) -> Value {
    let length = output.to_string().len();
    if length <= OUTPUT_MAX { output } else { json!({"left_out": "the output is too long", "bytes": length}) }
}
