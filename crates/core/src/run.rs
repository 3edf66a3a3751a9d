//! One execution of a plan: steps in order, each attempt journalled before it is dispatched, undone in reverse when one
//! fails, and *stuck* with a named person when nobody knows.
//!
//! ```text
//! ready ─► intended ─► dispatched ─► accepted ─► started ─► ready (next step) ─► done
//!                                       │                └► failed ─► ready (again) │ undoing │ stuck
//!                                       └► unknown ─► found applied │ not applied │ inconclusive ─► stuck
//! ```

mod attempt;
mod command;
mod event;
#[cfg(test)]
mod tests;
mod transition;

use serde::{Deserialize, Serialize};

pub use attempt::{Applied, Attempt, AttemptKey, Direction, Found, Phase};
pub use command::{Command, Refusal, Resolution};
pub use event::Event;

use crate::digest::Digest;
use crate::id::{ChangeId, RunId};
use crate::machine::{IllegalTransition, Machine};
use crate::plan::Plan;
use crate::runbook::{OnFailure, OnUnknown};
use crate::time::{Span, Timestamp};

/// Most attempts of one step in one direction, dispatches that never started included: a bound on everything.
pub const ATTEMPTS_MAX: u32 = 8;
/// How long an intended attempt waits for a runner before it counts as not applied.
pub const PICKUP_MAX: Span = Span::from_secs(60);
/// How long after its deadline an attempt may be reported before nobody knows what became of it.
pub const REPORT_GRACE: Span = Span::from_secs(5);
/// How long the runner is asked about an unknown attempt before a person is.
pub const UNKNOWN_MAX: Span = Span::from_secs(300);
/// How often the runner is asked about an attempt that it holds.
pub const ASK_EVERY: Span = Span::from_secs(2);

/// What a run needs to know of its runbook beside the plan; one for each step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRule {
    /// How long one attempt may take, its check included.
    pub timeout: Span,
    /// How often it may be started.
    pub attempts: u8,
    /// What to do when it fails.
    pub on_failure: OnFailure,
    /// What to do when nobody knows.
    pub on_unknown: OnUnknown,
}

/// What a run is made of; fixed when it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// This run.
    pub id: RunId,
    /// The change that it carries out.
    pub change: ChangeId,
    /// The bundle that binds it.
    pub bundle: Digest,
    /// The plan that was approved, or cleared by policy.
    pub plan: Plan,
    /// One rule for each step.
    pub rules: Vec<StepRule>,
    /// When it began.
    pub begun: Timestamp,
    /// When no further step may be started forwards.
    pub deadline: Timestamp,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// Every step was applied.
    Done,
    /// Everything that was applied was taken back.
    Undone,
    /// A person left it as it stands.
    Aborted,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// The step is to be tried.
    Ready {
        /// Which step of the plan, from 0.
        step: usize,
        /// Forwards or back.
        direction: Direction,
    },
    /// An attempt is under way.
    Trying {
        /// Which.
        attempt: Attempt,
        /// How far it has come.
        phase: Phase,
    },
    /// An attempt did not do what it should; what follows is decided in the same breath.
    Failed {
        /// Which.
        attempt: Attempt,
        /// Whether anything may have been changed.
        applied: Applied,
    },
    /// A named person has to decide.
    Stuck {
        /// Which step, from 0.
        step: usize,
        /// Forwards or back.
        direction: Direction,
        /// Why, in words.
        why: String,
    },
    /// It is over.
    Ended {
        /// How.
        how: RunEnd,
    },
}

/// One execution of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// What it is made of.
    pub order: Order,
    /// Steps that were applied and not taken back, in the order of applying.
    pub applied: Vec<usize>,
    /// Attempts of the current step in the current direction.
    pub tries: u32,
    /// Of these, the ones that a runner started.
    pub starts: u32,
    /// Attempts of this step in this direction before a person let it be tried again: their numbers never come back.
    pub earlier: u32,
    /// Whether a runner has begun the attempt under way.
    pub begun: bool,
    /// Whether anything of the current step may have been changed.
    pub touched: bool,
    /// Whether a person left something as it is that may have been changed, so that the run can no longer end undone.
    pub left: bool,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
}

/// What the engine owes a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Journal the next attempt.
    Intend,
    /// Hand the attempt to a runner.
    Offer(Attempt),
    /// Ask the runner what became of the attempt.
    Ask(Attempt),
    /// Time has run out for this attempt.
    Tick,
}

impl Run {
    /// What is owed now.
    pub fn effects(&self, now: Timestamp) -> Vec<Effect> {
        match &self.state {
            State::Ready { .. } => vec![Effect::Intend],
            State::Trying { attempt, phase: Phase::Intended } if now < attempt.pickup => vec![Effect::Offer(attempt.clone())],
            State::Trying { phase: Phase::Intended, .. } => vec![Effect::Tick],
            State::Trying { attempt, phase: Phase::Dispatched | Phase::Accepted | Phase::Started } => {
                if now >= attempt.deadline + REPORT_GRACE { vec![Effect::Tick] } else { vec![Effect::Ask(attempt.clone())] }
            }
            State::Trying { phase: Phase::Unknown, .. } if now >= self.since + UNKNOWN_MAX => vec![Effect::Tick],
            State::Trying { attempt, phase: Phase::Unknown } => vec![Effect::Ask(attempt.clone())],
            State::Failed { .. } | State::Stuck { .. } | State::Ended { .. } => Vec::new(),
        }
    }

    /// Which way it goes; a run that ended goes nowhere.
    pub fn direction(&self) -> Direction {
        match &self.state {
            State::Ready { direction, .. } | State::Stuck { direction, .. } => *direction,
            State::Trying { attempt, .. } | State::Failed { attempt, .. } => attempt.key.direction,
            State::Ended { how: RunEnd::Undone } => Direction::Undo,
            State::Ended { how: RunEnd::Done | RunEnd::Aborted } => Direction::Do,
        }
    }

    /// The attempt under way.
    pub fn attempt(&self) -> Option<(&Attempt, Phase)> {
        match &self.state {
            State::Trying { attempt, phase } => Some((attempt, *phase)),
            State::Ready { .. } | State::Failed { .. } | State::Stuck { .. } | State::Ended { .. } => None,
        }
    }
}

impl Machine for Run {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        transition::begin(event)
    }

    fn apply(self, event: &Event) -> Result<Self, IllegalTransition> {
        transition::apply(self, event)
    }

    fn word(&self) -> &'static str {
        match &self.state {
            State::Ready { direction: Direction::Do, .. } => "ready",
            State::Ready { direction: Direction::Undo, .. } => "undoing",
            State::Trying { phase, .. } => phase.word(),
            State::Failed { .. } => "failed",
            State::Stuck { .. } => "stuck",
            State::Ended { how: RunEnd::Done } => "done",
            State::Ended { how: RunEnd::Undone } => "undone",
            State::Ended { how: RunEnd::Aborted } => "aborted",
        }
    }

    fn open(&self) -> bool {
        match &self.state {
            State::Ready { .. } | State::Trying { .. } | State::Failed { .. } | State::Stuck { .. } => true,
            State::Ended { .. } => false,
        }
    }

    fn due(&self) -> Option<Timestamp> {
        match &self.state {
            State::Ready { .. } | State::Trying { phase: Phase::Intended, .. } => Some(self.since),
            State::Trying { .. } => Some(self.since + ASK_EVERY),
            State::Failed { .. } | State::Stuck { .. } | State::Ended { .. } => None,
        }
    }
}
