//! What can happen to an incident.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::{IncidentId, OperatorId, SignalId};
use crate::incident::{Kept, Quiet, Role, Severity, Why};
use crate::name::PathName;
use crate::severity::Impact;
use crate::signal::Signal;
use crate::situation::Actor;
use crate::time::Timestamp;
use crate::topology::EntityRef;

/// What can happen to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A signal opened it.
    Opened {
        /// Its id.
        id: IncidentId,
        /// The id given to the signal.
        signal_id: SignalId,
        /// The signal.
        signal: Signal,
        /// The thing of the estate that the signal concerns, when one does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<EntityRef>,
        /// How bad, from the signal.
        severity: Severity,
        /// The incident that a person split it from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        split_from: Option<IncidentId>,
        /// When.
        at: Timestamp,
    },
    /// A signal joined it, or one of its signals changed.
    Signalled {
        /// The id given to the signal.
        signal_id: SignalId,
        /// The signal.
        signal: Signal,
        /// The thing of the estate that it concerns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<EntityRef>,
        /// When.
        at: Timestamp,
    },
    /// One of its signals goes back and forth: from now on only the steady part of that is news.
    Flapping {
        /// Which.
        signal_id: SignalId,
        /// When.
        at: Timestamp,
    },
    /// More signals came than it keeps by name.
    Overflowed {
        /// How many of them by now.
        total: u64,
        /// When.
        at: Timestamp,
    },
    /// Nobody is told of it, for a reason.
    Quieted {
        /// The reason.
        why: Quiet,
        /// When.
        at: Timestamp,
    },
    /// People are told of it.
    Paged {
        /// Why.
        why: Why,
        /// By which escalation path; none when the estate has none for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<PathName>,
        /// How bad it was then.
        severity: Severity,
        /// When.
        at: Timestamp,
    },
    /// Its severity was raised, or lowered by a person.
    Graded {
        /// To what.
        severity: Severity,
        /// By whom.
        by: Actor,
        /// What it was computed from, when it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        impact: Option<Impact>,
        /// When.
        at: Timestamp,
    },
    /// A person took it.
    Acknowledged {
        /// Who.
        by: OperatorId,
        /// When.
        at: Timestamp,
    },
    /// A person took a role on it.
    RoleTaken {
        /// Which.
        role: Role,
        /// Who.
        by: OperatorId,
        /// From whom, when somebody held it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<OperatorId>,
        /// Why, when somebody held it.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// A person handed a role to another one.
    RoleHandedOver {
        /// Which.
        role: Role,
        /// Who.
        by: OperatorId,
        /// To whom.
        to: OperatorId,
        /// When.
        at: Timestamp,
    },
    /// A person left a role, and nobody holds it.
    RoleLeft {
        /// Which.
        role: Role,
        /// Who.
        by: OperatorId,
        /// When.
        at: Timestamp,
    },
    /// Every signal has resolved.
    Resolved {
        /// When.
        at: Timestamp,
    },
    /// It turned out to be part of another one.
    Merged {
        /// Of which.
        into: IncidentId,
        /// Who found that.
        by: Actor,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// Another one turned out to be part of it.
    Absorbed {
        /// Which.
        from: IncidentId,
        /// Signals that came over, as they stood.
        signals: Vec<Kept>,
        /// How many it had beyond those by name.
        overflow: u64,
        /// Whether people were told of it.
        paged: bool,
        /// How bad it was.
        severity: Severity,
        /// Who found that.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// Some of its signals turned out to be something else.
    Split {
        /// The incident that they are now.
        into: IncidentId,
        /// Which.
        signals: BTreeSet<SignalId>,
        /// Who said so.
        by: OperatorId,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// A person closed it.
    Closed {
        /// Who.
        by: OperatorId,
        /// Why it is over.
        reason: String,
        /// When.
        at: Timestamp,
    },
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Signalled { .. } => "signalled",
            Self::Flapping { .. } => "flapping",
            Self::Overflowed { .. } => "overflowed",
            Self::Quieted { .. } => "quieted",
            Self::Paged { .. } => "paged",
            Self::Graded { .. } => "graded",
            Self::Acknowledged { .. } => "acknowledged",
            Self::RoleTaken { .. } => "role_taken",
            Self::RoleHandedOver { .. } => "role_handed_over",
            Self::RoleLeft { .. } => "role_left",
            Self::Resolved { .. } => "resolved",
            Self::Merged { .. } => "merged",
            Self::Absorbed { .. } => "absorbed",
            Self::Split { .. } => "split",
            Self::Closed { .. } => "closed",
        }
    }
}
