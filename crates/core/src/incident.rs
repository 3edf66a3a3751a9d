//! Something that is wrong and has an owner: signals are collected under it, changes are proposed for it.

mod attention;
mod command;
mod event;
mod grade;
mod grouping;
mod impact;
mod role;
mod subject;
#[cfg(test)]
mod tests;
mod transition;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use attention::{Attention, GATHER, LOOK_AGAIN, Quiet, Why};
pub use command::{Command, Look, Refusal};
pub use event::Event;
pub use grade::{Severity, SeverityError};
pub use grouping::{BOOK_MAX, Book, Placement, WINDOW};
pub use impact::{impact, path_of};
pub use role::{Role, RoleAct};
pub use subject::{near, subject};

use crate::id::{IncidentId, OperatorId, SignalId};
use crate::name::PathName;
use crate::severity::Impact;
use crate::signal::{Signal, SignalState};
use crate::time::{Span, Timestamp};
use crate::topology::EntityRef;

/// Most signals that one incident keeps by name; further ones are counted.
pub const SIGNALS_MAX: usize = 500;
/// Most events by signals in one incident's history; further news is counted. The store reads 10,000 at once.
pub const HEARD_MAX: u64 = 6_000;
/// Most signals that a person may split off at once: they are one commit.
pub const SPLIT_MAX: usize = 48;
/// How often a signal turns within [`FLAP_WITHIN`] before that is called flapping.
pub const FLAPS: usize = 5;
/// The span in which turns are counted, and for which a flapping signal must be steady.
pub const FLAP_WITHIN: Span = Span::from_secs(600);

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has taken it.
    Open,
    /// A person has taken it.
    Acknowledged,
    /// Every signal has resolved; a person closes it.
    Resolved,
    /// It is part of another one.
    Merged,
    /// A person closed it.
    Closed,
}

/// A signal as its incident keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The id given to it when it first came.
    pub id: SignalId,
    /// The newest word of it.
    pub signal: Signal,
    /// The thing of the estate that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<EntityRef>,
    /// When it last came.
    pub at: Timestamp,
    /// When it last turned, newest last; at most [`FLAPS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Timestamp>,
    /// Whether it goes back and forth.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flapping: bool,
}

/// Something that is wrong and has an owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Which.
    pub id: IncidentId,
    /// For people, from its first signal.
    pub title: String,
    /// The source's key of its group.
    pub group: String,
    /// How bad.
    pub severity: Severity,
    /// What the severity was last computed from, when it was.
    pub impact: Option<Impact>,
    /// How bad machines found it at worst, so that a person's word is not overruled by the same finding.
    pub found: Severity,
    /// Its signals by source and fingerprint.
    pub signals: BTreeMap<String, Kept>,
    /// How much news came from signals.
    pub heard: u64,
    /// How many signals came that it does not keep by name.
    pub overflow: u64,
    /// Whether people were told.
    pub attention: Attention,
    /// Incidents that a person said are something else.
    pub apart: BTreeSet<IncidentId>,
    /// Incidents that turned out to be part of it.
    pub absorbed: BTreeSet<IncidentId>,
    /// What it turned out to be part of.
    pub merged: Option<IncidentId>,
    /// By which path people were told last.
    pub path: Option<PathName>,
    /// Whether a rule of the estate has told people; it does so once.
    pub ruled: bool,
    /// Who commands it: whoever took it.
    pub commander: Option<OperatorId>,
    /// Since when nobody does, where somebody did before.
    pub gap: Option<Timestamp>,
    /// Who holds the other roles.
    pub roles: BTreeMap<Role, OperatorId>,
    /// Where it stands.
    pub state: State,
    /// When it was opened.
    pub opened: Timestamp,
    /// When a signal of it last said something new.
    pub last: Timestamp,
}

impl Incident {
    /// The things of the estate that its signals concern.
    pub fn things(&self) -> BTreeSet<&EntityRef> {
        self.signals.values().filter_map(|kept| kept.subject.as_ref()).collect()
    }

    /// The signals that still hold.
    pub fn firing(&self) -> impl Iterator<Item = &Kept> {
        self.signals.values().filter(|kept| kept.signal.state == SignalState::Firing)
    }
}
