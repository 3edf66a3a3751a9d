//! The life of a proposed version of the estate: examined, put to the people whom the estate in force names, and brought
//! into force by one of them. No machine proposes, approves or activates one: by type.
//!
//! ```text
//! proposed ─► unfit │ awaiting_approval
//! awaiting_approval ─► granted │ rejected │ lapsed │ withdrawn
//! granted ─► activated │ rejected │ lapsed │ withdrawn
//! proposed, awaiting_approval, granted ─► (another version came into force) proposed
//! ```

mod activation;
mod command;
mod event;
mod report;
mod reviews;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use activation::{ACTIVATION_FORMAT, Activation, needs, reviewed};
pub use command::{Command, Refusal};
pub use event::Event;
pub use report::{Beside, Changed, How, Kind, LIST_MAX, Obligation, Proof, Proofs, Report, Review, Told};
pub use reviews::reviews;

use crate::digest::Digest;
use crate::id::{ApprovalId, OperatorId, RevisionId};
use crate::machine::{IllegalTransition, Machine};
use crate::time::{Span, Timestamp};

/// How long people have to answer, and then to activate: a day, so that every shift can read it.
pub const ASKED_TTL: Span = Span::from_secs(24 * 3_600);
/// How often people are asked before it lapses: estates that overtake each other this often need a talk, not a vote.
pub const ROUNDS_MAX: u32 = 10;
/// Longest note, in characters: a screen.
pub const NOTE_MAX: usize = 2_000;

/// Where a proposed version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It has not been examined against the estate in force yet.
    Proposed,
    /// It cannot come into force; the report says why.
    Unfit,
    /// People are asked.
    Asked {
        /// The request.
        approval: ApprovalId,
    },
    /// Enough people said yes; one of them, or any other operator, may bring it into force.
    Granted {
        /// The request that was granted.
        approval: ApprovalId,
    },
    /// It came into force.
    Activated {
        /// The request that was used up.
        approval: ApprovalId,
        /// Who did it.
        by: OperatorId,
    },
    /// Somebody said no.
    Rejected {
        /// Who.
        by: OperatorId,
    },
    /// Its time ran out.
    Lapsed,
    /// It was taken back.
    Withdrawn {
        /// By whom.
        by: OperatorId,
    },
}

/// A proposed version of the estate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Which.
    pub id: RevisionId,
    /// Who proposed it.
    pub by: OperatorId,
    /// The estate in force that it is, or was last, compared with.
    pub base: Digest,
    /// The content address of the proposed files.
    pub estate: Digest,
    /// What it is for, in the proposer's words.
    pub note: String,
    /// When it was proposed.
    pub proposed: Timestamp,
    /// How often people were asked.
    pub rounds: u32,
    /// What was found when it was examined last.
    pub report: Option<Box<Report>>,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
}

/// What the engine owes a proposed version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Examine it against the estate in force.
    Examine,
}

impl Revision {
    /// What is owed now.
    pub fn effects(&self, _now: Timestamp) -> Vec<Effect> {
        if self.state == State::Proposed { vec![Effect::Examine] } else { Vec::new() }
    }

    /// The request for approval that is open, was granted, or was used.
    pub const fn approval(&self) -> Option<ApprovalId> {
        match &self.state {
            State::Asked { approval } | State::Granted { approval } | State::Activated { approval, .. } => Some(*approval),
            State::Proposed | State::Unfit | State::Rejected { .. } | State::Lapsed | State::Withdrawn { .. } => None,
        }
    }
}

impl Machine for Revision {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        if let Event::Proposed { id, by, base, estate, note, at, .. } = event {
            return Ok(Self {
                id: *id,
                by: *by,
                base: *base,
                estate: *estate,
                note: note.clone(),
                proposed: *at,
                rounds: 0,
                report: None,
                state: State::Proposed,
                since: *at,
            });
        }
        Err(IllegalTransition { machine: "revision", from: "nothing", event: event.word() })
    }

    fn apply(mut self, event: &Event) -> Result<Self, IllegalTransition> {
        let illegal = IllegalTransition { machine: "revision", from: self.word(), event: event.word() };
        let (state, at) = match (self.state, event) {
            (State::Proposed, Event::Unfit { report, at }) => {
                self.report = Some(report.clone());
                (State::Unfit, *at)
            }
            // What is not fit is put to nobody, whoever wrote the event.
            (State::Proposed, Event::Asked { report, approval, at }) if report.fit() => {
                self.report = Some(report.clone());
                self.rounds = self.rounds.saturating_add(1);
                (State::Asked { approval: *approval }, *at)
            }
            (State::Asked { approval }, Event::Granted { at }) => (State::Granted { approval }, *at),
            (State::Asked { .. } | State::Granted { .. }, Event::Rejected { by, at }) => (State::Rejected { by: *by }, *at),
            (State::Proposed | State::Asked { .. } | State::Granted { .. }, Event::Lapsed { at }) => (State::Lapsed, *at),
            (State::Proposed | State::Asked { .. } | State::Granted { .. }, Event::Withdrawn { by, at, .. }) => {
                (State::Withdrawn { by: *by }, *at)
            }
            (State::Proposed | State::Asked { .. } | State::Granted { .. }, Event::Superseded { base, at }) if *base != self.base => {
                self.base = *base;
                (State::Proposed, *at)
            }
            (State::Granted { approval }, Event::Activated { by, at }) => (State::Activated { approval, by: *by }, *at),
            (_, _) => return Err(illegal),
        };
        self.state = state;
        self.since = at;
        Ok(self)
    }

    fn word(&self) -> &'static str {
        match &self.state {
            State::Proposed => "proposed",
            State::Unfit => "unfit",
            State::Asked { .. } => "awaiting_approval",
            State::Granted { .. } => "granted",
            State::Activated { .. } => "activated",
            State::Rejected { .. } => "rejected",
            State::Lapsed => "lapsed",
            State::Withdrawn { .. } => "withdrawn",
        }
    }

    fn open(&self) -> bool {
        match &self.state {
            State::Proposed | State::Asked { .. } | State::Granted { .. } => true,
            State::Unfit | State::Activated { .. } | State::Rejected { .. } | State::Lapsed | State::Withdrawn { .. } => false,
        }
    }

    fn due(&self) -> Option<Timestamp> {
        (self.state == State::Proposed).then_some(self.since)
    }
}
