//! What can happen to a proposed version of the estate.

use serde::{Deserialize, Serialize};

use super::Report;
use crate::digest::Digest;
use crate::id::{ApprovalId, OperatorId, RevisionId};
use crate::time::Timestamp;

/// What can happen to a proposed version of the estate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A person proposed it; its files are kept.
    Proposed {
        /// Which.
        id: RevisionId,
        /// Who: a person, by type.
        by: OperatorId,
        /// The estate in force.
        base: Digest,
        /// The content address of the files.
        estate: Digest,
        /// How many files.
        files: u32,
        /// What it is for.
        note: String,
        /// When.
        at: Timestamp,
    },
    /// It was examined and cannot come into force.
    Unfit {
        /// Why, and everything else that was found.
        report: Box<Report>,
        /// When.
        at: Timestamp,
    },
    /// It was examined, and people are asked.
    Asked {
        /// What was found.
        report: Box<Report>,
        /// The request.
        approval: ApprovalId,
        /// When.
        at: Timestamp,
    },
    /// Another version came into force meanwhile: it is examined again, against that one.
    Superseded {
        /// The estate in force now.
        base: Digest,
        /// When.
        at: Timestamp,
    },
    /// Enough people said yes.
    Granted {
        /// When.
        at: Timestamp,
    },
    /// A person said no.
    Rejected {
        /// Who.
        by: OperatorId,
        /// When.
        at: Timestamp,
    },
    /// Its time ran out.
    Lapsed {
        /// When.
        at: Timestamp,
    },
    /// It was taken back.
    Withdrawn {
        /// By whom.
        by: OperatorId,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// It came into force.
    Activated {
        /// Who did it.
        by: OperatorId,
        /// When.
        at: Timestamp,
    },
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Proposed { .. } => "proposed",
            Self::Unfit { .. } => "unfit",
            Self::Asked { .. } => "asked",
            Self::Superseded { .. } => "superseded",
            Self::Granted { .. } => "granted",
            Self::Rejected { .. } => "rejected",
            Self::Lapsed { .. } => "lapsed",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Activated { .. } => "activated",
        }
    }
}
