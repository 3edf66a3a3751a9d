//! The runner's loop: ask for work, check it, journal it, and only then let it begin.
//!
//! Checking and journalling happen between two polls, one warrant at a time, so that the head that a poll named is always the
//! one that its warrant has to continue. Acting happens beside the loop.

mod act;
mod ask;
mod deliver;
mod glass;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lineclear_core::Timestamp;
use lineclear_core::run::AttemptKey;
use lineclear_ledger::Checkpoint;
use lineclear_warrant::{Beat, Poll, Refusal, Report, Trust, Work, check};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, GlassRules};
use crate::journal::{AcceptError, Journal, JournalError};
use crate::link::Link;
use crate::tools::{Clock, Toolbox, ToolboxError, open_box};

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
/// How often it says that it is there: a control plane may miss three of them.
const BEAT_EVERY: Duration = Duration::from_secs(10);
/// How long a poll that is under way may take to end once it drains: the control plane answers as soon as it hears of it.
const LAST_POLL: Duration = Duration::from_secs(5);
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
    /// Who may act here without the control plane.
    glass: Option<GlassRules>,
    /// Where journals of broken glasses are written.
    pages: PathBuf,
    acting: Semaphore,
    answering: Semaphore,
    /// What it says of the boxes that its commands get.
    sandbox: String,
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
        let sandbox = tools.sandbox();
        let pages = journal.with_file_name("breakglass");
        let journal = Journal::open(journal, clock())?;
        let inner = Inner {
            trust: config.trust,
            tools,
            journal,
            clock,
            glass: config.glass,
            pages,
            acting: Semaphore::new(ATTEMPTS_AT_ONCE),
            answering: Semaphore::new(QUESTIONS_AT_ONCE),
            sandbox,
        };
        inner.head()?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Asks for work and does it until `stop`; then lets what runs come to its end for half a minute.
    pub async fn serve(&self, link: Arc<dyn Link>, stop: CancellationToken) {
        let halt = CancellationToken::new();
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(STOP_WAIT).await;
            halt.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = self.serve_until(link, stop.clone(), halt.clone()) => {}
            () = late => {}
        }
    }

    /// Asks for work and does it until `drain`; then takes nothing new, and finishes what it has, its reports included. `halt` ends
    /// it at once: what is not over then is lost, and found out about at the next start.
    pub async fn serve_until(&self, link: Arc<dyn Link>, drain: CancellationToken, halt: CancellationToken) {
        let over = CancellationToken::new();
        // It ends with this, however this ends.
        let mut beating = JoinSet::new();
        beating.spawn(beat(Arc::clone(&self.inner), Arc::clone(&link), drain.clone(), over.clone()));
        let mut tasks = JoinSet::new();
        let inner = Arc::clone(&self.inner);
        let (owed, untold) = (Arc::clone(&link), inner.untold());
        tasks.spawn(async move { inner.deliver_untold(&*owed, untold).await });
        self.work(&link, &drain, &mut tasks).await;
        let all = async { while tasks.join_next().await.is_some() {} };
        tokio::select! {
            () = all => {}
            () = halt.cancelled() => tracing::warn!("stopping although attempts still run; the next start finds out what became of them"),
        }
        over.cancel();
        while beating.join_next().await.is_some() {}
    }

    async fn work(&self, link: &Arc<dyn Link>, drain: &CancellationToken, tasks: &mut JoinSet<()>) {
        let mut pause = PAUSE_MIN;
        while !drain.is_cancelled() {
            while tasks.try_join_next().is_some() {}
            if tasks.len() >= TASKS_MAX {
                tokio::select! {
                    () = drain.cancelled() => break,
                    _ = tasks.join_next() => continue,
                }
            }
            match self.poll(&**link, drain).await {
                None => break,
                Some(Ok((poll, seen, work))) => {
                    if pause > PAUSE_MIN {
                        // It was away: what it did not hear is told again.
                        let (inner, link, untold) = (Arc::clone(&self.inner), Arc::clone(link), self.inner.untold());
                        tasks.spawn(async move { inner.deliver_untold(&*link, untold).await });
                    }
                    pause = PAUSE_MIN;
                    self.take(work, &poll, seen.as_ref(), link, tasks);
                }
                Some(Err(why)) => {
                    tracing::warn!(why, pause.ms = pause.as_millis(), "no work can be asked for");
                    tokio::select! {
                        () = drain.cancelled() => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    /// Asks for work. None when it was told to drain meanwhile, and the control plane does not answer: work that is on the way already
    /// is taken and done.
    async fn poll(&self, link: &dyn Link, drain: &CancellationToken) -> Option<Result<(Poll, Option<Checkpoint>, Work), String>> {
        let asked = self.ask_for_work(link);
        tokio::pin!(asked);
        tokio::select! {
            polled = &mut asked => return Some(polled),
            () = drain.cancelled() => {}
        }
        tokio::time::timeout(LAST_POLL, asked).await.ok()
    }

    async fn ask_for_work(&self, link: &dyn Link) -> Result<(Poll, Option<Checkpoint>, Work), String> {
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
                    tasks.spawn(async move {
                        if deliver::deliver(&*link, report.clone()).await
                            && let Report::Refused { attempt: Some(key), .. } = report
                        {
                            inner.told(&key);
                        }
                    });
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
        let calls = [Some(&checked.warrant.call), checked.warrant.verify.as_ref()];
        let open = checked.sandbox.and_then(|demand| calls.into_iter().flatten().find_map(|call| open_box(&self.tools, call, demand)));
        if let Some(why) = open {
            return Err(self.refuse(&checked.warrant.attempt, "sandbox", &why));
        }
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

/// Says that the runner is there until it is over, and at once that it drains.
async fn beat(inner: Arc<Inner>, link: Arc<dyn Link>, drain: CancellationToken, over: CancellationToken) {
    loop {
        let stopping = drain.is_cancelled();
        let head = inner.head().ok().flatten().map(|(note, _)| note);
        let beat = Beat { version: env!("CARGO_PKG_VERSION").into(), sandbox: inner.sandbox.clone(), stopping, head };
        tokio::select! {
            () = over.cancelled() => return,
            beaten = link.beat(beat) => {
                if let Err(error) = beaten {
                    tracing::debug!(%error, "a heartbeat did not arrive");
                }
            }
        }
        tokio::select! {
            () = over.cancelled() => return,
            () = drain.cancelled(), if !stopping => {}
            () = tokio::time::sleep(BEAT_EVERY) => {}
        }
    }
}

fn refused(attempt: Option<AttemptKey>, code: &str, why: &dyn std::fmt::Display) -> Report {
    let why = why.to_string();
    tracing::warn!(code, why, attempt = ?attempt, "a warrant was refused");
    Report::Refused { attempt, code: code.into(), why: crate::tools::shorten(&why) }
}

/// 32 random bytes in hexadecimal.
pub(crate) fn nonce() -> Result<String, String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| "the operating system gives no random numbers".to_owned())?;
    Ok(lineclear_ledger::Hash::from_bytes(bytes).to_string())
}

#[cfg(test)]
mod tests;
