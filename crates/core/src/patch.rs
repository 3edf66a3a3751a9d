//! A runbook that somebody drafted, usually a machine: a text with its tests, beside the estate and no part of it. It was read, linted
//! and rehearsed before it was kept; a person takes it up, which proposes a version of the estate that goes the way of every other one,
//! or declines it. Nothing makes a draft run.
//!
//! ```text
//! offered ─► taken_up │ declined │ lapsed
//! ```

mod event;
mod review;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use event::Event;
pub use review::{Played, Review};

use crate::digest::Digest;
use crate::id::{IncidentId, OperatorId, PatchId, RevisionId};
use crate::machine::{IllegalTransition, Machine};
use crate::revision::How;
use crate::situation::Actor;
use crate::time::{Span, Timestamp};

/// How long a draft waits for a person: two weeks, so that a holiday does not lose it.
pub const OFFERED_TTL: Span = Span::from_secs(14 * 24 * 3_600);
/// Largest text, in bytes: four times the longest runbook of the example; more than this nobody reviews.
pub const TEXT_MAX: usize = 64 * 1024;
/// Longest note and reason, in characters: a screen.
pub const NOTE_MAX: usize = 2_000;

/// Where a draft stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It waits for a person.
    Offered,
    /// A person proposed a version of the estate with it.
    TakenUp {
        /// Who.
        by: OperatorId,
        /// Which version.
        revision: RevisionId,
    },
    /// A person declined it.
    Declined {
        /// Who.
        by: OperatorId,
    },
    /// Nobody took it up.
    Lapsed,
}

/// A drafted runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// Which.
    pub id: PatchId,
    /// Who drafted it.
    pub by: Actor,
    /// Whether the estate has a runbook of this name.
    pub how: How,
    /// The estate that it was read against.
    pub base: Digest,
    /// The file's text, tests included.
    pub text: String,
    /// What it is for, in the drafter's words.
    pub note: String,
    /// The incident that it was drafted for.
    pub incident: Option<IncidentId>,
    /// What was found out about it.
    pub review: Box<Review>,
    /// When it was offered.
    pub offered: Timestamp,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
}

/// What can be asked of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A person proposed a version of the estate with it.
    TakeUp {
        /// Who.
        by: OperatorId,
        /// Which version.
        revision: RevisionId,
    },
    /// A person does not want it.
    Decline {
        /// Who.
        by: OperatorId,
        /// Why.
        reason: String,
    },
    /// Time passed.
    Tick,
}

/// Why a command cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has ended.
    #[error("draft `{patch}` is {state} and stays so")]
    Ended {
        /// Which.
        patch: PatchId,
        /// How.
        state: &'static str,
    },
    /// No reason was given, or one that nobody reads.
    #[error("say why, in 1 to {NOTE_MAX} characters: without a reason it is not recorded")]
    Unreasoned,
}

impl Patch {
    /// What a command leads to.
    ///
    /// # Errors
    /// When it has ended, or no reason is given.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        match command {
            Command::Tick if self.open() && now >= self.until() => Ok(vec![Event::Lapsed { at: now }]),
            Command::Tick => Ok(Vec::new()),
            Command::TakeUp { by, revision } => self.waits(now).map(|()| vec![Event::TakenUp { by, revision, at: now }]),
            Command::Decline { by, reason } => {
                self.waits(now)?;
                if reason.trim().is_empty() || reason.chars().count() > NOTE_MAX {
                    return Err(Refusal::Unreasoned);
                }
                Ok(vec![Event::Declined { by, reason, at: now }])
            }
        }
    }

    /// Whether a person may still take it up or decline it.
    ///
    /// # Errors
    /// When it has ended, or its time is over.
    pub fn waits(&self, now: Timestamp) -> Result<(), Refusal> {
        let ended = |state| Err(Refusal::Ended { patch: self.id, state });
        match self.state {
            State::Offered if now < self.until() => Ok(()),
            State::Offered => ended("lapsed"),
            State::TakenUp { .. } | State::Declined { .. } | State::Lapsed => ended(self.word()),
        }
    }

    /// When it lapses.
    pub fn until(&self) -> Timestamp {
        self.offered + OFFERED_TTL
    }

    /// Where its file stands in an estate.
    pub fn path(&self) -> String {
        format!("runbooks/{}.yaml", self.review.runbook)
    }
}

impl Machine for Patch {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        if let Event::Offered { id, by, how, base, text, note, incident, review, at } = event {
            return Ok(Self {
                id: *id,
                by: *by,
                how: *how,
                base: *base,
                text: text.clone(),
                note: note.clone(),
                incident: *incident,
                review: review.clone(),
                offered: *at,
                state: State::Offered,
                since: *at,
            });
        }
        Err(IllegalTransition { machine: "patch", from: "nothing", event: event.word() })
    }

    fn apply(mut self, event: &Event) -> Result<Self, IllegalTransition> {
        let (state, at) = match (self.state, event) {
            (State::Offered, Event::TakenUp { by, revision, at }) => (State::TakenUp { by: *by, revision: *revision }, *at),
            (State::Offered, Event::Declined { by, at, .. }) => (State::Declined { by: *by }, *at),
            (State::Offered, Event::Lapsed { at }) => (State::Lapsed, *at),
            (_, event) => return Err(IllegalTransition { machine: "patch", from: self.word(), event: event.word() }),
        };
        (self.state, self.since) = (state, at);
        Ok(self)
    }

    fn word(&self) -> &'static str {
        match self.state {
            State::Offered => "offered",
            State::TakenUp { .. } => "taken_up",
            State::Declined { .. } => "declined",
            State::Lapsed => "lapsed",
        }
    }

    fn open(&self) -> bool {
        self.state == State::Offered
    }

    fn due(&self) -> Option<Timestamp> {
        self.open().then(|| self.until())
    }
}
