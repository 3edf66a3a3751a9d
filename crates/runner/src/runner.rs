//! The runner's loop: ask for work, check it, journal it, and only then let it begin.
//!
//! Checking and journalling happen between two polls, one warrant at a time, so that the head that a poll named is always the
//! one that its warrant has to continue. Acting happens beside the loop.

mod act;
mod ask;
mod deliver;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lineclear_core::Timestamp;
use lineclear_core::run::AttemptKey;
use lineclear_ledger::Checkpoint;
use lineclear_warrant::{Poll, Refusal, Report, Trust, Work, check};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::journal::{AcceptError, Journal, JournalError};
use crate::link::Link;
use crate::tools::{Clock, Toolbox, ToolboxError};

/// Attempts that run at once: a person can still follow them.
const ATTEMPTS_AT_ONCE: usize = 8;
/// Questions that are answered at once.
const QUESTIONS_AT_ONCE: usize = 16;
/// Tasks that may wait; beyond it no more work is asked for.
const TASKS_MAX: usize = 64;
/// The pause after a failed poll, doubled each time up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// The longest pause: an engine that is back is noticed soon.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How long running attempts may go on after a stop; what is not over by then is lost, and found out about at the next start.
const STOP_WAIT: Duration = Duration::from_secs(30);

/// A runner: acts on warrants, and on nothing else.
pub struct Runner {
    inner: Arc<Inner>,
}

/// Why a runner does not start.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// Its journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Its tools.
    #[error(transparent)]
    Tools(#[from] ToolboxError),
    /// The head in its journal is not one that its log key signed.
    #[error("the head of the ledger in the journal is not signed by the log of this runner's file: {0}")]
    Head(String),
}

pub(crate) struct Inner {
    trust: Trust,
    tools: Toolbox,
    journal: Journal,
    clock: Clock,
    acting: Semaphore,
    answering: Semaphore,
}

impl Runner {
    /// Opens a runner on its journal. What a crash left is settled here: accepted attempts will never be started, started ones are
    /// lost until they are asked about.
    ///
    /// # Errors
    /// When the journal is unusable or held by another runner, or a section of the file is.
    pub fn open(config: Config, journal: &Path, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Result<Self, RunnerError> {
        let clock: Clock = Arc::new(clock);
        let tools = Toolbox::new(&config.tools, &clock)?;
        let journal = Journal::open(journal, clock())?;
        let inner = Inner {
            trust: config.trust,
            tools,
            journal,
            clock,
            acting: Semaphore::new(ATTEMPTS_AT_ONCE),
            answering: Semaphore::new(QUESTIONS_AT_ONCE),
        };
        inner.head()?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Asks for work and does it until `stop`; then lets what runs come to its end for half a minute.
    pub async fn serve(&self, link: Arc<dyn Link>, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        let mut pause = PAUSE_MIN;
        while !stop.is_cancelled() {
            while tasks.try_join_next().is_some() {}
            if tasks.len() >= TASKS_MAX {
                tokio::select! {
                    () = stop.cancelled() => break,
                    _ = tasks.join_next() => continue,
                }
            }
            let polled = tokio::select! {
                () = stop.cancelled() => break,
                polled = self.poll(&*link) => polled,
            };
            match polled {
                Ok((poll, seen, work)) => {
                    pause = PAUSE_MIN;
                    self.take(work, &poll, seen.as_ref(), &link, &mut tasks);
                }
                Err(why) => {
                    tracing::warn!(why, pause.ms = pause.as_millis(), "no work can be asked for");
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WAIT, all).await.is_err() {
            tracing::warn!("stopping although attempts still run; the next start finds out what became of them");
        }
    }

    async fn poll(&self, link: &dyn Link) -> Result<(Poll, Option<Checkpoint>, Work), String> {
        let (head, seen) = self.inner.head().map_err(|error| error.to_string())?.unzip();
        let poll = Poll { runner: self.inner.trust.runner, nonce: nonce()?, head };
        let work = link.poll(poll.clone()).await.map_err(|error| error.to_string())?;
        Ok((poll, seen, work))
    }

    fn take(&self, work: Work, poll: &Poll, seen: Option<&Checkpoint>, link: &Arc<dyn Link>, tasks: &mut JoinSet<()>) {
        let (inner, link) = (Arc::clone(&self.inner), Arc::clone(link));
        match work {
            Work::Nothing => {}
            Work::Preview { question, call, undo } => {
                tasks.spawn(async move { inner.answer_preview(&*link, question, call, undo).await });
            }
            Work::Ask { question, attempt, warrant: _ } => {
                tasks.spawn(async move { inner.answer_ask(&*link, question, attempt).await });
            }
            Work::Act { envelope } => match inner.accept(&envelope, seen, &poll.nonce) {
                Ok(warrant) => {
                    tasks.spawn(async move { inner.act(link, warrant).await });
                }
                Err(report) => {
                    tasks.spawn(async move { deliver::deliver(&*link, report).await });
                }
            },
        }
    }
}

impl Inner {
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The signed head that was seen last, and what it says.
    fn head(&self) -> Result<Option<(String, Checkpoint)>, RunnerError> {
        let Some(note) = self.journal.head()? else { return Ok(None) };
        let checkpoint = self.trust.log.open_checkpoint(&note).map_err(|error| RunnerError::Head(error.to_string()))?;
        Ok(Some((note, checkpoint)))
    }

    /// Checks a warrant and journals it, or says why not.
    fn accept(&self, envelope: &str, seen: Option<&Checkpoint>, nonce: &str) -> Result<lineclear_warrant::Warrant, Report> {
        let now = self.now();
        let checked = check(envelope, &self.trust, seen, nonce, now).map_err(|refusal| self.refuse_unchecked(envelope, &refusal))?;
        match self.journal.accept(&checked, envelope, now) {
            Ok(()) => Ok(checked.warrant),
            // Whatever is under way under this key is not what is refused, so the report names no attempt.
            Err(AcceptError::Replayed) => Err(refused(None, "replayed", &AcceptError::Replayed)),
            Err(error) => Err(self.refuse(&checked.warrant.attempt, error.code(), &error)),
        }
    }

    /// Only an envelope that the pinned key signed says whose attempt it is.
    fn refuse_unchecked(&self, envelope: &str, refusal: &Refusal) -> Report {
        match lineclear_warrant::open(envelope, &self.trust.warrants) {
            Ok(warrant) => self.refuse(&warrant.attempt, refusal.code(), refusal),
            Err(_) => refused(None, refusal.code(), refusal),
        }
    }

    /// Keeps the refusal, so that a later question has the same answer. An attempt that the journal knows is left alone.
    fn refuse(&self, key: &AttemptKey, code: &str, why: &dyn std::fmt::Display) -> Report {
        let report = refused(Some(key.clone()), code, why);
        match self.journal.refuse(key, &report, self.now()) {
            Ok(true) => report,
            Ok(false) => refused(None, code, why),
            Err(error) => {
                tracing::error!(%error, "a refusal could not be journalled");
                report
            }
        }
    }
}

fn refused(attempt: Option<AttemptKey>, code: &str, why: &dyn std::fmt::Display) -> Report {
    let why = why.to_string();
    tracing::warn!(code, why, attempt = ?attempt, "a warrant was refused");
    Report::Refused { attempt, code: code.into(), why: crate::tools::shorten(&why) }
}

/// 32 random bytes in hexadecimal.
fn nonce() -> Result<String, String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| "the operating system gives no random numbers".to_owned())?;
    Ok(lineclear_ledger::Hash::from_bytes(bytes).to_string())
}

#[cfg(test)]
mod tests;
