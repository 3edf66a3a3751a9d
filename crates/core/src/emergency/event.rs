//! What can happen to an emergency.

use serde::{Deserialize, Serialize};

use super::Scope;
use crate::digest::Digest;
use crate::glass::Glass;
use crate::id::{ChangeId, EmergencyId, IncidentId, OperatorId, RunId};
use crate::time::Timestamp;

/// What can happen to an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A person declared it.
    Declared {
        /// Which.
        id: EmergencyId,
        /// Who.
        by: OperatorId,
        /// Why, in their own words.
        justification: String,
        /// What it covers.
        scope: Scope,
        /// The incident that it is about.
        incident: Option<IncidentId>,
        /// Until when.
        until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// A person broke the glass on a runner's host while there was no plane, and now it is told.
    GlassBroken {
        /// Which.
        id: EmergencyId,
        /// What was signed.
        glass: Box<Glass>,
        /// When it was told.
        at: Timestamp,
    },
    /// One line of the journal of a broken glass.
    Told {
        /// Which line, from 0.
        number: u32,
        /// The digest of the line.
        digest: Digest,
        /// What it says, in one closed word.
        what: String,
        /// The exact line, which is signed and names the one before it.
        line: String,
        /// When it was told.
        at: Timestamp,
    },
    /// A run was begun under it.
    Acted {
        /// The change.
        change: ChangeId,
        /// Its run.
        run: RunId,
        /// When.
        at: Timestamp,
    },
    /// A person ended it.
    Ended {
        /// Who.
        by: OperatorId,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// Its time was over.
    Expired {
        /// When the engine noticed.
        at: Timestamp,
    },
    /// Somebody else has looked at it.
    Reviewed {
        /// Who.
        by: OperatorId,
        /// What was found.
        findings: String,
        /// When.
        at: Timestamp,
    },
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Declared { .. } => "declared",
            Self::GlassBroken { .. } => "glass_broken",
            Self::Told { .. } => "told",
            Self::Acted { .. } => "acted",
            Self::Ended { .. } => "ended",
            Self::Expired { .. } => "expired",
            Self::Reviewed { .. } => "reviewed",
        }
    }
}
