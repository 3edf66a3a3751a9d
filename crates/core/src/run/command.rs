//! What can be asked of a run, and what it leads to.

use serde_json::Value;

use super::{Applied, AttemptKey, Event, Found, Override, Phase, Run, RunEnd, State};
use crate::digest::Digest;
use crate::id::{OperatorId, RunId, RunnerId, WarrantId};
use crate::machine::Machine as _;
use crate::time::Timestamp;

/// What can be asked of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Journal the next attempt.
    Intend {
        /// The id of the warrant that will carry it.
        warrant: WarrantId,
        /// The engine's fencing number.
        epoch: u64,
    },
    /// A warrant was made out.
    Dispatch {
        /// For which attempt.
        key: AttemptKey,
        /// To whom.
        runner: RunnerId,
        /// Its digest.
        warrant: Digest,
    },
    /// The runner has it in its journal.
    Accept(AttemptKey),
    /// The runner has begun.
    Start(AttemptKey),
    /// The runner refuses the warrant.
    Refuse {
        /// Which attempt.
        key: AttemptKey,
        /// Which check failed.
        code: String,
        /// Why.
        why: String,
    },
    /// The tool did what it should, and its check held.
    Succeed {
        /// Which attempt.
        key: AttemptKey,
        /// What it reports.
        output: Value,
    },
    /// It did not.
    Fail {
        /// Which attempt.
        key: AttemptKey,
        /// Whether anything may have been changed.
        applied: Applied,
        /// Why.
        why: String,
    },
    /// The runner lost track of it, was fenced, and looked.
    Probe {
        /// Which attempt.
        key: AttemptKey,
        /// What it found.
        found: Found,
        /// What it saw.
        output: Value,
    },
    /// The runner that holds it fell silent or was revoked: nobody can say what became of it.
    Lose {
        /// Which attempt.
        key: AttemptKey,
        /// Why nobody can.
        why: String,
    },
    /// Time passed.
    Tick,
    /// A person decides about a stuck run.
    Resolve {
        /// Who.
        by: OperatorId,
        /// What.
        ruling: Override,
    },
    /// A person takes back a run that is done.
    TakeBack,
}

/// Why a command cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The run is somewhere else.
    #[error("run `{run}` is {state}, so `{command}` does not apply")]
    WrongState {
        /// Which run.
        run: RunId,
        /// Where it is.
        state: &'static str,
        /// What was asked.
        command: &'static str,
    },
    /// The attempt is not the one under way: a late or repeated message.
    #[error("run `{run}` is at another attempt")]
    OtherAttempt {
        /// Which run.
        run: RunId,
    },
    /// A resolution needs a reason.
    #[error("say why: a resolution without a reason is not recorded")]
    Unreasoned,
    /// What is said to have taken effect needs evidence.
    #[error("say what you saw: without evidence nothing is recorded as applied")]
    Unproven,
    /// A run is handed over to somebody.
    #[error("say to whom it is handed over")]
    NoTaker,
    /// The same person cannot be the second.
    #[error("you have asked for this already: on high risk somebody else has to ask for it too")]
    NeedsAnother,
    /// Something of the step may have been changed.
    #[error("something of the step may have been changed: say what became of it first, by `mark_applied`, `mark_not_applied` or `undo`")]
    InDoubt,
    /// The run began under a meaning that this engine does not know.
    #[error(
        "run `{run}` began under semantics version {version}, which this engine does not know: abort it, hand it over, or start the version that does"
    )]
    NotUnderstood {
        /// Which run.
        run: RunId,
        /// The version.
        version: u32,
    },
}

impl Run {
    /// What a command leads to. A command repeated after it was carried out adds no event.
    ///
    /// # Errors
    /// When the state does not allow it.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let first = match command {
            Command::Intend { warrant, epoch } => return self.intend(warrant, epoch, now),
            Command::Dispatch { key, runner, warrant } => {
                self.at(&key, "dispatch", &[Phase::Intended])?;
                if !self.understood() || self.attempt().is_some_and(|(attempt, _)| now >= attempt.pickup) {
                    return Err(self.wrong("dispatch"));
                }
                Event::Dispatched { runner, warrant, at: now }
            }
            Command::Accept(key) => match self.at(&key, "accept", &[Phase::Dispatched, Phase::Accepted, Phase::Started])? {
                Phase::Dispatched => Event::Accepted { at: now },
                Phase::Intended | Phase::Accepted | Phase::Started | Phase::Unknown => return Ok(Vec::new()),
            },
            Command::Start(key) => match self.at(&key, "start", &[Phase::Dispatched, Phase::Accepted, Phase::Started])? {
                Phase::Dispatched | Phase::Accepted => Event::Started { at: now },
                Phase::Intended | Phase::Started | Phase::Unknown => return Ok(Vec::new()),
            },
            Command::Refuse { key, code, why } => {
                self.at(&key, "refuse", &[Phase::Dispatched])?;
                Event::Refused { code, why, at: now }
            }
            Command::Succeed { key, output } => {
                let phase = self.at(&key, "succeed", &[Phase::Dispatched, Phase::Accepted, Phase::Started, Phase::Unknown])?;
                let mut events = Vec::new();
                if matches!(phase, Phase::Dispatched | Phase::Accepted) {
                    events.push(Event::Started { at: now });
                }
                events.push(Event::Succeeded { output, at: now });
                return Ok(self.concluded(events, now));
            }
            Command::Fail { key, applied, why } => {
                self.at(&key, "fail", &[Phase::Dispatched, Phase::Accepted, Phase::Started, Phase::Unknown])?;
                Event::Failed { applied, why, at: now }
            }
            Command::Probe { key, found, output } => {
                self.at(&key, "probe", &[Phase::Dispatched, Phase::Accepted, Phase::Started, Phase::Unknown])?;
                Event::Probed { found, output, at: now }
            }
            Command::Lose { key, why } => {
                match self.at(&key, "lose", &[Phase::Dispatched, Phase::Accepted, Phase::Started, Phase::Unknown])? {
                    Phase::Dispatched | Phase::Accepted | Phase::Started => Event::BecameUnknown { why, at: now },
                    Phase::Intended | Phase::Unknown => return Ok(Vec::new()),
                }
            }
            Command::Tick => return Ok(self.tick(now)),
            Command::Resolve { by, ruling } => self.resolve(by, ruling, now)?,
            Command::TakeBack => {
                let State::Ended { how: RunEnd::Done } = &self.state else { return Err(self.wrong("take back")) };
                Event::Turned { with_current: false, at: now }
            }
        };
        Ok(self.concluded(vec![first], now))
    }

    pub(super) fn wrong(&self, command: &'static str) -> Refusal {
        Refusal::WrongState { run: self.order.id, state: self.word(), command }
    }

    fn at(&self, key: &AttemptKey, command: &'static str, phases: &[Phase]) -> Result<Phase, Refusal> {
        let Some((attempt, phase)) = self.attempt() else { return Err(self.wrong(command)) };
        if attempt.key != *key {
            return Err(Refusal::OtherAttempt { run: self.order.id });
        }
        if phases.contains(&phase) { Ok(phase) } else { Err(self.wrong(command)) }
    }
}
