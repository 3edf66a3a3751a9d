//! What can happen to a delivery.

use serde::{Deserialize, Serialize};

use super::{Failure, Order, Receipt, Settlement};
use crate::id::OperatorId;
use crate::time::Timestamp;

/// What can happen to a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// It was handed over.
    Queued {
        /// What is to be delivered.
        order: Box<Order>,
        /// When.
        at: Timestamp,
    },
    /// The channel took it. A crash before this is on record sends it once more.
    Sent {
        /// How to find it again.
        receipt: Receipt,
        /// When.
        at: Timestamp,
    },
    /// A try failed, and another will follow.
    Failed {
        /// Why.
        failure: Failure,
        /// When the next one is.
        due: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// It cannot arrive.
    Buried {
        /// Why.
        failure: Failure,
        /// When.
        at: Timestamp,
    },
    /// What it is about was decided.
    Superseded {
        /// How.
        settlement: Settlement,
        /// When.
        at: Timestamp,
    },
    /// The message says so now, as far as its channel lets a message be edited.
    Edited {
        /// When.
        at: Timestamp,
    },
    /// A person set a dead letter going again.
    Retried {
        /// Who.
        by: OperatorId,
        /// When.
        at: Timestamp,
    },
    /// A person said that it need not arrive.
    Dismissed {
        /// Who.
        by: OperatorId,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Sent { .. } => "sent",
            Self::Failed { .. } => "failed",
            Self::Buried { .. } => "buried",
            Self::Superseded { .. } => "superseded",
            Self::Edited { .. } => "edited",
            Self::Retried { .. } => "retried",
            Self::Dismissed { .. } => "dismissed",
        }
    }
}
