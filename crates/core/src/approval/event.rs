//! What can happen to a request for approval.

use serde::{Deserialize, Serialize};

use super::{Request, VoteRefusal, Withdrawal};
use crate::id::OperatorId;
use crate::statement::Vote;
use crate::subject::Use;
use crate::time::Timestamp;

/// What can happen to a request for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// People are asked.
    Asked {
        /// What, whom, until when.
        request: Box<Request>,
    },
    /// A person said yes.
    Voted {
        /// The vote.
        vote: Vote,
    },
    /// A vote that counts for nothing, and why.
    VoteRefused {
        /// Who cast it.
        by: OperatorId,
        /// Why.
        why: VoteRefusal,
    },
    /// Enough people said yes.
    Granted {
        /// When the last of them did.
        at: Timestamp,
    },
    /// A person said no.
    Rejected {
        /// The vote.
        vote: Vote,
    },
    /// Its time ran out.
    Lapsed,
    /// It is no longer asked.
    Withdrawn {
        /// Why.
        why: Withdrawal,
    },
    /// A run started on it, or an estate came into force by it.
    Consumed {
        /// Which.
        #[serde(flatten)]
        by: Use,
    },
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Asked { .. } => "asked",
            Self::Voted { .. } => "voted",
            Self::VoteRefused { .. } => "vote_refused",
            Self::Granted { .. } => "granted",
            Self::Rejected { .. } => "rejected",
            Self::Lapsed => "lapsed",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Consumed { .. } => "consumed",
        }
    }
}
