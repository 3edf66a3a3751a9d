//! One try of one step: its key, its bounds, how far it has come, and what was found when nobody knew.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{ChangeId, EmergencyId, RunId, RunnerId, WarrantId};
use crate::name::StepName;
use crate::time::Timestamp;

/// Forwards, or taking back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The step's call.
    Do,
    /// The step's undo.
    Undo,
}

/// What makes an attempt this one and no other: dispatched at most once, started at most once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttemptKey {
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: StepName,
    /// Forwards or back.
    pub direction: Direction,
    /// Which try, from 1.
    pub number: u32,
}

/// One try of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What makes it this one.
    pub key: AttemptKey,
    /// The change it serves.
    pub change: ChangeId,
    /// What was approved, or cleared by policy.
    pub bundle: Digest,
    /// Which step of the plan, from 0.
    pub index: usize,
    /// The warrant that will carry it.
    pub warrant: WarrantId,
    /// The engine's fencing number when it was journalled.
    pub epoch: u64,
    /// The digest of the exact call.
    pub call: Digest,
    /// Until when a runner may take it.
    pub pickup: Timestamp,
    /// Until when it may be acted on.
    pub deadline: Timestamp,
    /// The runner that took it.
    pub runner: Option<RunnerId>,
    /// The emergency that its run was begun under, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<EmergencyId>,
}

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Journalled here; no runner has it.
    Intended,
    /// A warrant was made out to a runner.
    Dispatched,
    /// The runner has it in its own journal.
    Accepted,
    /// The runner has begun.
    Started,
    /// Nobody knows whether it took effect.
    Unknown,
}

/// Whether a failed attempt may have changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applied {
    /// Nothing was changed.
    No,
    /// Something was, or may have been.
    Partly,
}

/// What a fenced runner and a probe found out about an attempt that was unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The runner never started it, and never will.
    NeverStarted,
    /// The step's check holds: it took effect.
    Applied,
    /// The step's check does not hold: it took no effect.
    NotApplied,
    /// There is no check, or it did not answer.
    Inconclusive,
}

impl Phase {
    /// One word for records and tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Dispatched => "dispatched",
            Self::Accepted => "accepted",
            Self::Started => "started",
            Self::Unknown => "unknown",
        }
    }
}
