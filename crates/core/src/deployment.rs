//! What others have changed: deployments, merges and configuration, as their own systems report them. Lineclear neither
//! decides about them nor carries them out; they stand beside an incident because the last change is the first suspect.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::id::DeploymentId;
use crate::machine::{IllegalTransition, Machine};
use crate::time::Timestamp;
use crate::topology::EntityRef;

/// What kind of change it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A new version went out, or an old one came back.
    Deployment,
    /// A release was published.
    Release,
    /// Code or configuration was merged or pushed; it may not be out yet.
    Merge,
    /// Something else was changed: configuration, inventory, a flag.
    Other,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// It began.
    Started,
    /// It is done.
    Succeeded,
    /// It went wrong, or was given up.
    Failed,
}

/// What another system says of a change of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who sent it.
    pub source: String,
    /// The source's own key for this one change.
    pub fingerprint: String,
    /// What kind of change.
    pub kind: Kind,
    /// One line for people.
    pub title: String,
    /// What was changed, as the source calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// To what: a version or a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Whoever caused it, as the source calls them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Where to read more: `http` or `https` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// How far it is.
    pub progress: Progress,
    /// When, by the source's clock.
    pub at: Timestamp,
}

/// What can happen to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// It was reported for the first time.
    Reported {
        /// Its id.
        id: DeploymentId,
        /// What was said.
        report: Box<Report>,
        /// The thing of the estate that it concerns, when one does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<EntityRef>,
        /// When.
        at: Timestamp,
    },
    /// It moved on.
    Moved {
        /// How far it is.
        progress: Progress,
        /// When, by the source's clock.
        said: Timestamp,
        /// When it was heard.
        at: Timestamp,
    },
}

/// A change that others made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Which.
    pub id: DeploymentId,
    /// What was said first, with the newest progress and its time.
    pub report: Report,
    /// The thing of the estate that it concerns.
    pub subject: Option<EntityRef>,
    /// When it was first heard of.
    pub heard: Timestamp,
    /// How often it moved.
    pub moves: u32,
}

/// Most moves that are recorded of one change: it starts, fails, is tried again; no honest one goes on for ever.
pub const MOVES_MAX: u32 = 32;

impl Deployment {
    /// What another report of it leads to; nothing when it says nothing new.
    pub fn hear(&self, report: &Report, now: Timestamp) -> Vec<Event> {
        // A late report of the beginning does not begin it anew.
        let behind = report.at < self.report.at || (report.progress == Progress::Started && self.report.progress != Progress::Started);
        if report.progress == self.report.progress || behind || self.moves >= MOVES_MAX {
            return Vec::new();
        }
        vec![Event::Moved { progress: report.progress, said: report.at, at: now }]
    }
}

impl Progress {
    /// One word for lists and records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

impl Kind {
    /// One word for people and records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Release => "release",
            Self::Merge => "merge",
            Self::Other => "change",
        }
    }
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Reported { .. } => "reported",
            Self::Moved { .. } => "moved",
        }
    }
}

impl Machine for Deployment {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        let Event::Reported { id, report, subject, at } = event else {
            return Err(IllegalTransition { machine: "deployment", from: "nothing", event: event.word() });
        };
        Ok(Self { id: *id, report: (**report).clone(), subject: subject.clone(), heard: *at, moves: 0 })
    }

    fn apply(mut self, event: &Event) -> Result<Self, IllegalTransition> {
        match event {
            Event::Reported { .. } => Err(IllegalTransition { machine: "deployment", from: self.word(), event: event.word() }),
            Event::Moved { progress, said, .. } => {
                self.report.progress = *progress;
                self.report.at = *said;
                self.moves = self.moves.saturating_add(1);
                Ok(self)
            }
        }
    }

    fn word(&self) -> &'static str {
        match self.report.progress {
            Progress::Started => "started",
            Progress::Succeeded => "succeeded",
            Progress::Failed => "failed",
        }
    }

    fn open(&self) -> bool {
        self.report.progress == Progress::Started
    }

    fn due(&self) -> Option<Timestamp> {
        None
    }
}
