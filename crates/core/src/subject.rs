//! What people are asked about, and what their word is used up for: a change with its run, or a new version of the estate.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::{ChangeId, RevisionId, RunId};

/// What a request for approval is about. Its members stand among those of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Subject {
    /// A change.
    Change {
        /// Which.
        change: ChangeId,
    },
    /// A new version of the estate.
    Revision {
        /// Which.
        revision: RevisionId,
        /// The estate that would come into force.
        estate_digest: Digest,
    },
}

/// What an approval was used up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Use {
    /// A run started on it.
    Run {
        /// Which.
        run: RunId,
    },
    /// An estate came into force by it.
    Revision {
        /// Which.
        revision: RevisionId,
    },
}

impl Subject {
    /// What kind of thing it is, as records name it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Change { .. } => "change",
            Self::Revision { .. } => "revision",
        }
    }

    /// The id of the change or revision, as text.
    pub fn id(&self) -> String {
        match self {
            Self::Change { change } => change.to_string(),
            Self::Revision { revision, .. } => revision.to_string(),
        }
    }

    /// The change, when it is one.
    pub const fn change(&self) -> Option<ChangeId> {
        match self {
            Self::Change { change } => Some(*change),
            Self::Revision { .. } => None,
        }
    }

    /// The revision, when it is one.
    pub const fn revision(&self) -> Option<RevisionId> {
        match self {
            Self::Change { .. } => None,
            Self::Revision { revision, .. } => Some(*revision),
        }
    }
}

impl From<ChangeId> for Subject {
    fn from(change: ChangeId) -> Self {
        Self::Change { change }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change { change } => change.fmt(f),
            Self::Revision { revision, estate_digest } => write!(f, "{revision} of {estate_digest}"),
        }
    }
}
