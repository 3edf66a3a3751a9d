//! Delivering reports: in order for each attempt, again until they arrive, and not for ever. The journal holds the truth, and
//! the control plane asks when it hears nothing.

use std::sync::Arc;
use std::time::Duration;

use lineclear_core::run::AttemptKey;
use lineclear_warrant::Report;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::Inner;
use crate::link::Link;

/// The pause after a failed delivery, doubled each time up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Tries of one report: about a minute. After that the control plane has begun to ask.
const TRIES_MAX: u32 = 16;
/// Reports of one attempt: accepted, started, and how it ended.
const REPORTS_MAX: usize = 4;

/// Tries until the report has arrived, or long enough; whether it has.
pub(super) async fn deliver(link: &dyn Link, report: Report) -> bool {
    let mut pause = PAUSE_MIN;
    for _ in 0..TRIES_MAX {
        match link.report(report.clone()).await {
            Ok(()) => return true,
            Err(error) => tracing::warn!(%error, "a report did not arrive"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
    tracing::error!("a report was given up for now; it stays in the journal until the control plane is there again");
    false
}

impl Inner {
    /// What is still owed from the journal: looked up before there can be more of it, so that nothing is told twice at once.
    pub(super) fn untold(&self) -> Vec<(AttemptKey, Report)> {
        self.journal.untold().unwrap_or_else(|error| {
            tracing::error!(%error, "the journal could not say what is still to be reported");
            Vec::new()
        })
    }

    /// Delivers what is still owed, once each: after a start, and when the control plane is there again.
    pub(super) async fn deliver_untold(&self, link: &dyn Link, untold: Vec<(AttemptKey, Report)>) {
        for (key, report) in untold {
            match link.report(report).await {
                Ok(()) => self.told(&key),
                Err(error) => {
                    tracing::warn!(%error, "a report from the journal did not arrive");
                    return;
                }
            }
        }
    }

    pub(super) fn told(&self, key: &AttemptKey) {
        if let Err(error) = self.journal.told(key) {
            tracing::warn!(%error, "a report that arrived will be sent again");
        }
    }
}

/// The reports of one attempt, delivered in order beside the acting, which never waits for them. They end with whoever acts: what
/// was not delivered by then is in the journal.
pub(super) struct Reporter {
    send: mpsc::Sender<Report>,
    task: AbortOnDropHandle<()>,
}

impl Reporter {
    pub(crate) fn new(inner: Arc<Inner>, link: Arc<dyn Link>, key: AttemptKey) -> Self {
        let (send, mut receive) = mpsc::channel(REPORTS_MAX);
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            while let Some(report) = receive.recv().await {
                let last = matches!(report, Report::Succeeded { .. } | Report::Failed { .. });
                if deliver(&*link, report).await && last {
                    inner.told(&key);
                }
            }
        }));
        Self { send, task }
    }

    pub(crate) fn tell(&self, report: Report) {
        // There is room for every report that an attempt has.
        let _ = self.send.try_send(report);
    }

    /// Waits until everything was delivered or given up.
    pub async fn finish(self) {
        drop(self.send);
        let _ = self.task.await;
    }
}
