//! What can happen to a drafted runbook.

use serde::{Deserialize, Serialize};

use super::Review;
use crate::digest::Digest;
use crate::id::{IncidentId, OperatorId, PatchId, RevisionId};
use crate::revision::How;
use crate::situation::Actor;
use crate::time::Timestamp;

/// What can happen to a drafted runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// It was read, linted, rehearsed, and is offered to people.
    Offered {
        /// Its id.
        id: PatchId,
        /// Who drafted it.
        by: Actor,
        /// Whether the estate has a runbook of this name.
        how: How,
        /// The estate that it was read against.
        base: Digest,
        /// The file's text, tests included.
        text: String,
        /// What it is for.
        note: String,
        /// The incident that it was drafted for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<IncidentId>,
        /// What was found out about it.
        review: Box<Review>,
        /// When.
        at: Timestamp,
    },
    /// A person proposed a version of the estate with it.
    TakenUp {
        /// Who.
        by: OperatorId,
        /// Which version.
        revision: RevisionId,
        /// When.
        at: Timestamp,
    },
    /// A person declined it.
    Declined {
        /// Who.
        by: OperatorId,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// Nobody took it up in time.
    Lapsed {
        /// When.
        at: Timestamp,
    },
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Offered { .. } => "offered",
            Self::TakenUp { .. } => "taken_up",
            Self::Declined { .. } => "declined",
            Self::Lapsed { .. } => "lapsed",
        }
    }
}
