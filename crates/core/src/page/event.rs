//! What can happen to a page.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{About, End, Plan, State, Step};
use crate::id::{OperatorId, PageId};
use crate::incident::Severity;
use crate::time::Timestamp;

/// What can happen to a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Somebody is looked for.
    Opened {
        /// Its id.
        id: PageId,
        /// About what.
        about: About,
        /// What that is called, for people.
        title: String,
        /// By which path.
        plan: Plan,
        /// How bad the incident is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        severity: Option<Severity>,
        /// Until when quiet hours hold it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        held: Option<Timestamp>,
        /// Where another page stood that goes on here, and whom it had told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        carried: Option<Box<(State, BTreeSet<OperatorId>)>>,
        /// When.
        at: Timestamp,
    },
    /// People were told.
    Told {
        /// Which step.
        step: Step,
        /// Whom; nobody when nobody could be.
        people: BTreeSet<OperatorId>,
        /// Whether the step itself reaches nobody, and the last resort was told in its place.
        instead: bool,
        /// When it climbs on.
        until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// They were told again.
    Reminded {
        /// Which step.
        step: Step,
        /// Whom.
        people: BTreeSet<OperatorId>,
        /// When.
        at: Timestamp,
    },
    /// Somebody answered.
    Acknowledged {
        /// Who.
        by: OperatorId,
        /// When it climbs on if they do nothing.
        until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// Somebody answered who was too late: another one had, or it is over. It changes nothing.
    AnsweredLate {
        /// Who.
        by: OperatorId,
        /// When.
        at: Timestamp,
    },
    /// It was handed to another person, who is told, and has to answer.
    HandedOver {
        /// By whom.
        by: OperatorId,
        /// To whom.
        to: OperatorId,
        /// Why.
        reason: String,
        /// When it climbs on if they do not answer.
        until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// Somebody did something about it.
    Acted {
        /// Who.
        by: OperatorId,
        /// When they did.
        acted: Timestamp,
        /// When it climbs on if that is all.
        until: Timestamp,
        /// When that was seen.
        at: Timestamp,
    },
    /// Whoever had answered did nothing about it in time: it climbs on.
    Forgotten {
        /// Who.
        by: OperatorId,
        /// When.
        at: Timestamp,
    },
    /// Whoever commanded the incident left, and nobody does: the path is walked from the beginning.
    CommanderLeft {
        /// When they left.
        left: Timestamp,
        /// When that was seen.
        at: Timestamp,
    },
    /// The incident is worse or milder than it was.
    Regraded {
        /// How bad.
        severity: Severity,
        /// Whether quiet hours no longer hold it.
        released: bool,
        /// When.
        at: Timestamp,
    },
    /// A rule of the estate tells others: their path is walked from the beginning.
    Rerouted {
        /// By which path.
        plan: Plan,
        /// When.
        at: Timestamp,
    },
    /// Every signal has resolved.
    Rested {
        /// When.
        at: Timestamp,
    },
    /// Something fires again.
    Resumed {
        /// When it climbs on if whoever had answered does nothing.
        until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// Nobody is looked for any more.
    Ended {
        /// Why.
        why: End,
        /// When.
        at: Timestamp,
    },
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Told { .. } => "told",
            Self::Reminded { .. } => "reminded",
            Self::Acknowledged { .. } => "acknowledged",
            Self::AnsweredLate { .. } => "answered_late",
            Self::HandedOver { .. } => "handed_over",
            Self::Acted { .. } => "acted",
            Self::Forgotten { .. } => "forgotten",
            Self::CommanderLeft { .. } => "commander_left",
            Self::Regraded { .. } => "regraded",
            Self::Rerouted { .. } => "rerouted",
            Self::Rested { .. } => "rested",
            Self::Resumed { .. } => "resumed",
            Self::Ended { .. } => "ended",
        }
    }
}
