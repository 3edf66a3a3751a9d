//! One execution of a plan: steps in order, each attempt journalled before it is dispatched, undone in reverse when one
//! fails, and *stuck* with a named person when nobody knows.
//!
//! ```text
//! ready ─► intended ─► dispatched ─► accepted ─► started ─► ready (next step) ─► done
//!   │                                   │                └► failed ─► ready or waiting (again) │ ready (a branch) │ undoing │ stopped │ stuck
//!   └► skipped: ready (next step)       └► unknown ─► found applied │ not applied │ inconclusive ─► stuck
//! ```

mod attempt;
mod command;
mod conclude;
mod event;
mod resolution;
#[cfg(test)]
mod tests;
mod transition;

use serde::{Deserialize, Serialize};

pub use attempt::{Applied, Attempt, AttemptKey, Direction, Found, Phase};
pub use command::{Command, Refusal};
pub use event::Event;
pub use resolution::{Asked, Override, Resolution};

use crate::catalogue::Risk;
use crate::digest::Digest;
use crate::id::{ChangeId, EmergencyId, OperatorId, RunId};
use crate::machine::{IllegalTransition, Machine};
use crate::name::BranchName;
use crate::plan::Plan;
use crate::runbook::{OnFailure, OnUnknown, Outputs, Retry};
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

/// What this engine means by a runbook. A run is carried out by the meaning that it began with: it goes up when the same runbook
/// would be carried out in another way than before.
pub const SEMANTICS: u32 = 2;
/// The meanings that this engine can carry out: 1 is that of the runs that name none, from before there were conditions, waits
/// and branches; everything that it has means the same in 2.
pub const SEMANTICS_KNOWN: std::ops::RangeInclusive<u32> = 1..=SEMANTICS;

/// What a run needs to know of its runbook beside the plan; one for each step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRule {
    /// How long one attempt may take, its check included.
    pub timeout: Span,
    /// Whether, and when, it is tried again.
    #[serde(flatten)]
    pub retry: Retry,
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
    /// What the engine that began it meant by a runbook: [`SEMANTICS`].
    #[serde(default = "first_semantics")]
    pub semantics: u32,
    /// The risk of its action: an override may need a second person.
    #[serde(default = "unsaid_risk")]
    pub risk: Risk,
    /// The emergency that it was begun under, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<EmergencyId>,
}

const fn first_semantics() -> u32 {
    1
}

/// Runs from before it was kept are treated as the riskiest.
const fn unsaid_risk() -> Risk {
    Risk::High
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
    /// A step failed, and its runbook says that nothing more is done then.
    Stopped,
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
        /// An override that waits for a second person.
        asked: Option<Asked>,
        /// Whose it is now, when it was handed over.
        with: Option<OperatorId>,
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
    /// Branches that were taken; each at most once.
    pub branches: Vec<BranchName>,
    /// What its steps reported, as far as later conditions look at it.
    pub outputs: Outputs,
    /// When the step may be tried again; none when it need not wait.
    pub wait: Option<Timestamp>,
    /// Whether a person said that the current step is to be tried, whatever its conditions.
    pub decided: bool,
    /// The deadline that a person gave it instead of its own.
    pub extended: Option<Timestamp>,
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
            State::Ready { .. } if self.wait.is_some_and(|wait| now < wait) => Vec::new(),
            // Only what another engine began is looked at here: a person decides about it.
            State::Ready { .. } | State::Trying { phase: Phase::Intended, .. } if !self.understood() => vec![Effect::Tick],
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
            State::Ended { how: RunEnd::Done | RunEnd::Aborted | RunEnd::Stopped } => Direction::Do,
        }
    }

    /// Whether this engine knows what the runbook meant when the run began.
    pub fn understood(&self) -> bool {
        SEMANTICS_KNOWN.contains(&self.order.semantics)
    }

    /// When no further step may be started forwards.
    pub fn deadline(&self) -> Timestamp {
        self.extended.unwrap_or(self.order.deadline)
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
            State::Ready { direction: Direction::Do, .. } if self.wait.is_some() => "waiting",
            State::Ready { direction: Direction::Do, .. } => "ready",
            State::Ready { direction: Direction::Undo, .. } => "undoing",
            State::Trying { phase, .. } => phase.word(),
            State::Failed { .. } => "failed",
            State::Stuck { .. } => "stuck",
            State::Ended { how: RunEnd::Done } => "done",
            State::Ended { how: RunEnd::Undone } => "undone",
            State::Ended { how: RunEnd::Aborted } => "aborted",
            State::Ended { how: RunEnd::Stopped } => "stopped",
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
            State::Ready { .. } => Some(self.wait.unwrap_or(self.since)),
            State::Trying { phase: Phase::Intended, .. } => Some(self.since),
            State::Trying { .. } => Some(self.since + ASK_EVERY),
            State::Failed { .. } | State::Stuck { .. } | State::Ended { .. } => None,
        }
    }
}
