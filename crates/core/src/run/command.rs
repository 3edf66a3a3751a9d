//! What can be asked of a run, and what it leads to.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ATTEMPTS_MAX, Applied, Attempt, AttemptKey, Direction, Event, Found, PICKUP_MAX, Phase, Run, RunEnd, State, StepRule};
use crate::digest::Digest;
use crate::id::{OperatorId, RunId, RunnerId, WarrantId};
use crate::machine::Machine as _;
use crate::plan::{EffectClass, PlannedStep};
use crate::runbook::OnFailure;
use crate::time::Timestamp;

/// What an operator does about a stuck run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Try the step again.
    Retry,
    /// It took effect; the reason is the evidence.
    MarkApplied,
    /// It took none; it is tried again.
    MarkNotApplied,
    /// Go on without it; on the way back, it stays as it is.
    Skip,
    /// Take back what was applied.
    Undo,
    /// Leave everything as it stands.
    Abort,
}

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
    /// Time passed.
    Tick,
    /// A person decides about a stuck run.
    Resolve {
        /// Who.
        by: OperatorId,
        /// What.
        resolution: Resolution,
        /// Why.
        reason: String,
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
                if self.attempt().is_some_and(|(attempt, _)| now >= attempt.pickup) {
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
            Command::Tick => return Ok(self.tick(now)),
            Command::Resolve { by, resolution, reason } => {
                if reason.trim().is_empty() {
                    return Err(Refusal::Unreasoned);
                }
                let State::Stuck { .. } = &self.state else { return Err(self.wrong("resolve")) };
                Event::Resolved { by, resolution, reason, at: now }
            }
            Command::TakeBack => {
                let State::Ended { how: RunEnd::Done } = &self.state else { return Err(self.wrong("take back")) };
                Event::Turned { with_current: false, at: now }
            }
        };
        Ok(self.concluded(vec![first], now))
    }

    fn wrong(&self, command: &'static str) -> Refusal {
        Refusal::WrongState { run: self.order.id, state: self.word(), command }
    }

    fn at(&self, key: &AttemptKey, command: &'static str, phases: &[Phase]) -> Result<Phase, Refusal> {
        let Some((attempt, phase)) = self.attempt() else { return Err(self.wrong(command)) };
        if attempt.key != *key {
            return Err(Refusal::OtherAttempt { run: self.order.id });
        }
        if phases.contains(&phase) { Ok(phase) } else { Err(self.wrong(command)) }
    }

    fn intend(&self, warrant: WarrantId, epoch: u64, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let State::Ready { step, direction } = self.state else { return Err(self.wrong("intend")) };
        if let Some(end) = self.end(now) {
            return Ok(vec![end]);
        }
        let stuck = |why: &str| Ok(vec![Event::GotStuck { why: why.into(), at: now }]);
        let (Some(planned), Some(rule)) = (self.order.plan.steps.get(step), self.order.rules.get(step)) else {
            return stuck("the plan and its rules do not fit each other");
        };
        if direction == Direction::Do && now >= self.order.deadline {
            return stuck("the run's deadline has passed");
        }
        if self.tries >= ATTEMPTS_MAX {
            return stuck("no attempt is left");
        }
        let Some(call) = call_of(planned, direction) else { return stuck("the step has no undo") };
        let Ok(call) = call else { return stuck("the call has no canonical form") };
        let key = AttemptKey { run: self.order.id, step: planned.step.clone(), direction, number: self.next_number() };
        let pickup = match direction {
            Direction::Do => (now + PICKUP_MAX).min(self.order.deadline),
            Direction::Undo => now + PICKUP_MAX,
        };
        let deadline = pickup + rule.timeout;
        let (change, bundle) = (self.order.change, self.order.bundle);
        let attempt = Attempt { key, change, bundle, index: step, warrant, epoch, call, pickup, deadline, runner: None };
        Ok(vec![Event::Intended { attempt, at: now }])
    }

    fn tick(&self, now: Timestamp) -> Vec<Event> {
        let State::Trying { attempt, phase } = &self.state else { return Vec::new() };
        let first = match phase {
            Phase::Intended if now >= attempt.pickup => {
                Event::Failed { applied: Applied::No, why: "no runner took it in time".into(), at: now }
            }
            Phase::Dispatched | Phase::Accepted | Phase::Started if now >= attempt.deadline + super::REPORT_GRACE => {
                Event::BecameUnknown { why: "the runner did not report in time".into(), at: now }
            }
            Phase::Unknown if now >= self.since + super::UNKNOWN_MAX => {
                Event::GotStuck { why: "nobody knows whether the step took effect, and the runner does not answer".into(), at: now }
            }
            Phase::Intended | Phase::Dispatched | Phase::Accepted | Phase::Started | Phase::Unknown => return Vec::new(),
        };
        self.concluded(vec![first], now)
    }

    /// Adds what follows at once from the given events: again, back, stuck, or over.
    fn concluded(&self, mut events: Vec<Event>, now: Timestamp) -> Vec<Event> {
        let mut run = self.clone();
        for event in &events {
            match run.apply(event) {
                Ok(next) => run = next,
                Err(_) => return events,
            }
        }
        if let Some(consequence) = run.consequence(now)
            && let Ok(next) = run.apply(&consequence)
        {
            events.push(consequence);
            events.extend(next.end(now));
        }
        events
    }

    fn consequence(&self, now: Timestamp) -> Option<Event> {
        match &self.state {
            State::Failed { attempt, applied } => Some(self.after_failure(attempt, *applied, now)),
            State::Ready { .. } => self.end(now),
            State::Trying { .. } | State::Stuck { .. } | State::Ended { .. } => None,
        }
    }

    fn end(&self, now: Timestamp) -> Option<Event> {
        self.ending().map(|how| Event::Ended { how, at: now })
    }

    fn after_failure(&self, attempt: &Attempt, applied: Applied, now: Timestamp) -> Event {
        let rule = self.order.rules.get(attempt.index);
        let effect = self.order.plan.steps.get(attempt.index).map(|step| step.effect);
        if applied == Applied::No && rule.is_some_and(|rule| self.may_try_again(rule)) {
            return Event::Retried { at: now };
        }
        let undo = rule.is_some_and(|rule| rule.on_failure == OnFailure::Undo);
        if attempt.key.direction == Direction::Do && undo {
            // A read changes nothing, so nothing of it is taken back.
            return Event::Turned { with_current: self.touched && effect != Some(EffectClass::Read), at: now };
        }
        let why = if attempt.key.direction == Direction::Undo { "the undo failed" } else { "the step failed" };
        Event::GotStuck { why: why.into(), at: now }
    }

    /// Starts count against the runbook's budget; dispatches that never started only against [`ATTEMPTS_MAX`].
    fn may_try_again(&self, rule: &StepRule) -> bool {
        self.starts < u32::from(rule.attempts) && self.tries < ATTEMPTS_MAX
    }
}

fn call_of(planned: &PlannedStep, direction: Direction) -> Option<Result<Digest, crate::digest::DigestError>> {
    match direction {
        Direction::Do => Some(planned.call.digest()),
        Direction::Undo => planned.undo.as_ref().map(crate::plan::ToolCall::digest),
    }
}
