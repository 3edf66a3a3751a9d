//! What can happen to a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Applied, Attempt, Direction, Found, Order, Resolution, RunEnd};
use crate::digest::Digest;
use crate::id::{OperatorId, RunnerId};
use crate::name::{BranchName, StepName};
use crate::time::Timestamp;

/// What can happen to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// It begins.
    Begun {
        /// What it is made of.
        order: Box<Order>,
    },
    /// An attempt is journalled, before anything acts on it.
    Intended {
        /// Which.
        attempt: Attempt,
        /// When.
        at: Timestamp,
    },
    /// A warrant was made out.
    Dispatched {
        /// To whom.
        runner: RunnerId,
        /// The warrant's digest.
        warrant: Digest,
        /// When.
        at: Timestamp,
    },
    /// The runner has it in its own journal.
    Accepted {
        /// When the engine heard.
        at: Timestamp,
    },
    /// The runner has begun.
    Started {
        /// When the engine heard.
        at: Timestamp,
    },
    /// It did what it should, and its check, if any, held.
    Succeeded {
        /// What the tool reports, bounded.
        output: Value,
        /// When the engine heard.
        at: Timestamp,
    },
    /// It did not.
    Failed {
        /// Whether anything may have been changed.
        applied: Applied,
        /// Why, in the tool's words.
        why: String,
        /// When the engine heard.
        at: Timestamp,
    },
    /// The runner refused the warrant.
    Refused {
        /// Which check failed, in one word.
        code: String,
        /// Why, in words.
        why: String,
        /// When the engine heard.
        at: Timestamp,
    },
    /// Nobody knows whether it took effect.
    BecameUnknown {
        /// Why.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// The runner was fenced and the outside was looked at.
    Probed {
        /// What was found.
        found: Found,
        /// What the probe saw, bounded.
        output: Value,
        /// When the engine heard.
        at: Timestamp,
    },
    /// The step is tried again.
    Retried {
        /// Not before this; none when it need not wait.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
        /// When.
        at: Timestamp,
    },
    /// A condition of the step does not hold, so it is not done.
    Skipped {
        /// Which.
        step: StepName,
        /// The condition, in words.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// The step failed, and the run goes on with a branch instead.
    Branched {
        /// Which.
        to: BranchName,
        /// The failed step is taken back with the rest when something of it may have been applied.
        with_current: bool,
        /// When.
        at: Timestamp,
    },
    /// What was applied is taken back, in reverse.
    Turned {
        /// The failed step takes part when something of it may have been applied.
        with_current: bool,
        /// When.
        at: Timestamp,
    },
    /// A named person has to decide.
    GotStuck {
        /// Why.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// A person decided.
    Resolved {
        /// Who.
        by: OperatorId,
        /// What.
        resolution: Resolution,
        /// Why.
        reason: String,
        /// What it was seen by, when something is said to have taken effect.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<String>,
        /// Whose it is now, when it is handed over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<OperatorId>,
        /// Who asked for it first, when it needed two people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked_by: Option<OperatorId>,
        /// When.
        at: Timestamp,
    },
    /// A person decided something that needs a second one.
    SecondAsked {
        /// Who.
        by: OperatorId,
        /// What.
        resolution: Resolution,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// It is over.
    Ended {
        /// How.
        how: RunEnd,
        /// When.
        at: Timestamp,
    },
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Begun { .. } => "begun",
            Self::Intended { .. } => "intended",
            Self::Dispatched { .. } => "dispatched",
            Self::Accepted { .. } => "accepted",
            Self::Started { .. } => "started",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Refused { .. } => "refused",
            Self::BecameUnknown { .. } => "became_unknown",
            Self::Probed { .. } => "probed",
            Self::Retried { .. } => "retried",
            Self::Skipped { .. } => "skipped",
            Self::Branched { .. } => "branched",
            Self::Turned { .. } => "turned",
            Self::GotStuck { .. } => "got_stuck",
            Self::Resolved { .. } => "resolved",
            Self::SecondAsked { .. } => "second_asked",
            Self::Ended { .. } => "ended",
        }
    }
}

impl Direction {
    /// One word for records and tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Do => "do",
            Self::Undo => "undo",
        }
    }
}
