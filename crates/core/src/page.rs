//! A page: the search for a person who answers for one incident, or for one request for approval. It walks an escalation path
//! tier by tier, as often as the path says, and ends at its last resort. Who has answered and does nothing is not believed for
//! ever: it climbs on. There is one page for an incident, however many signals it has, and one for a request.

mod command;
mod event;
mod plan;
#[cfg(test)]
mod tests;
mod transition;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use command::{Act, Command, Effect, Refusal};
pub use event::Event;
pub use plan::{Plan, Step};

use crate::id::{ApprovalId, IncidentId, OperatorId, PageId};
use crate::incident::Severity;
use crate::subject::Subject;
use crate::time::Timestamp;

/// Most answers that came too late and are recorded; further ones are refused.
pub const LATE_MAX: u16 = 16;
/// Most answers, acts and hand-overs of one page: a long day's work, and far below what one history may hold.
pub const ANSWERS_MAX: u16 = 500;
/// How often the last resort is told again while nobody answers: for about a day.
pub const LAST_MAX: u16 = 96;

/// What a person is looked for about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum About {
    /// An incident.
    Incident {
        /// Which.
        incident: IncidentId,
    },
    /// A request for approval.
    Request {
        /// Which.
        approval: ApprovalId,
        /// What is asked.
        subject: Subject,
        /// People whose answer is of no use: they may not approve it.
        recused: BTreeSet<OperatorId>,
        /// When the request lapses.
        until: Timestamp,
    },
}

/// Why a page is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The incident was closed.
    Closed,
    /// The incident is part of another one, and its page goes on there.
    Merged,
    /// People have decided about the request.
    Decided,
    /// The request lapsed.
    Lapsed,
    /// The request is no longer asked.
    Withdrawn,
}

/// Where a page stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Quiet hours: nobody is told before they are over.
    Held {
        /// When that is.
        until: Timestamp,
    },
    /// A step is to be told now.
    Owed {
        /// Which.
        step: Step,
        /// Since when.
        since: Timestamp,
    },
    /// People were told, and have not answered.
    Calling {
        /// Which step.
        step: Step,
        /// Whom.
        people: BTreeSet<OperatorId>,
        /// Since when.
        since: Timestamp,
        /// When it climbs on.
        until: Timestamp,
        /// Whether they were reminded.
        reminded: bool,
    },
    /// Somebody answered.
    Acknowledged {
        /// At which step.
        step: Step,
        /// Who.
        by: OperatorId,
        /// When they answered, or last did something about it.
        since: Timestamp,
        /// When it climbs on if they do nothing.
        until: Timestamp,
    },
    /// Every signal has resolved; what fires again goes on.
    Resting {
        /// Who had answered.
        by: Option<OperatorId>,
    },
    /// Nobody is looked for any more.
    Over {
        /// Why.
        why: End,
    },
}

/// The search for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Which.
    pub id: PageId,
    /// About what.
    pub about: About,
    /// What that is called, for people.
    pub title: String,
    /// The path that it walks.
    pub plan: Plan,
    /// How bad the incident was when it was last looked at; none for a request.
    pub severity: Option<Severity>,
    /// Where it stands.
    pub state: State,
    /// Everybody who was told so far.
    pub told: BTreeSet<OperatorId>,
    /// When the incident's commander left, as far as this page has seen it.
    pub gap: Option<Timestamp>,
    /// Answers that came too late.
    pub late: u16,
    /// Answers, acts and hand-overs.
    pub answers: u16,
    /// When it began.
    pub opened: Timestamp,
}

impl About {
    /// The page of what it is about: the same number, so that there is never a second one.
    pub const fn page(&self) -> PageId {
        match self {
            Self::Incident { incident } => PageId::new(incident.number()),
            Self::Request { approval, .. } => PageId::new(approval.number()),
        }
    }

    /// The id of the incident or request, as text.
    pub fn id(&self) -> String {
        match self {
            Self::Incident { incident } => incident.to_string(),
            Self::Request { approval, .. } => approval.to_string(),
        }
    }

    /// People whose answer is of no use.
    pub fn recused(&self) -> Option<&BTreeSet<OperatorId>> {
        match self {
            Self::Incident { .. } => None,
            Self::Request { recused, .. } => Some(recused),
        }
    }
}

impl End {
    /// One word for records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Merged => "merged",
            Self::Decided => "decided",
            Self::Lapsed => "lapsed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Page {
    /// The step at which it stands.
    pub fn step(&self) -> Step {
        match &self.state {
            State::Owed { step, .. } | State::Calling { step, .. } | State::Acknowledged { step, .. } => *step,
            State::Held { .. } | State::Resting { .. } | State::Over { .. } => Step::FIRST,
        }
    }

    /// Who has answered, while that is believed.
    pub fn holder(&self) -> Option<OperatorId> {
        match &self.state {
            State::Acknowledged { by, .. } => Some(*by),
            State::Resting { by } => *by,
            State::Held { .. } | State::Owed { .. } | State::Calling { .. } | State::Over { .. } => None,
        }
    }
}
