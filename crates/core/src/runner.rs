//! A runner on another machine: invited by a person with a token that works once, enrolled with a key of its own, drained,
//! resumed and revoked by people. Whether it is connected is no part of its history.
//!
//! ```text
//! invited ─► active ─► draining ─► active
//!    └► lapsed  └──────────┴► revoked
//! ```

mod key;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use key::{RunnerKey, RunnerKeyError};

use crate::digest::Digest;
use crate::id::{OperatorId, RunnerId};
use crate::label::Labels;
use crate::machine::{IllegalTransition, Machine};
use crate::name::RunnerName;
use crate::time::{Span, Timestamp};

/// How long an invitation can be taken up: long enough to walk to another machine, short enough to notice a stolen one.
pub const INVITATION_TTL: Span = Span::from_secs(3_600);
/// Most times that one runner is drained or resumed. The store reads 10,000 events of a history at once, and every request of
/// the runner reads this one.
pub const MARKS_MAX: u32 = 2_000;
/// Most runners of an installation that are not revoked or lapsed: what a person can still look through.
pub const RUNNERS_MAX: u32 = 200;
/// Longest version that a runner may give of itself, in bytes.
pub const VERSION_MAX: usize = 64;

/// What can happen to a runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A person made a token for it.
    Invited {
        /// Which.
        id: RunnerId,
        /// What people call it.
        name: RunnerName,
        /// Where it stands.
        labels: Labels,
        /// SHA-256 of the token's text.
        token: Digest,
        /// Who.
        by: OperatorId,
        /// Until when the token works.
        until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// Nobody came with the token.
    Lapsed {
        /// When.
        at: Timestamp,
    },
    /// It came with the token and its key.
    Enrolled {
        /// Its public key.
        key: RunnerKey,
        /// The version that it says it is.
        version: String,
        /// When.
        at: Timestamp,
    },
    /// Somebody came with the token again: its owner, or a thief. Recorded once.
    TokenShownAgain {
        /// When.
        at: Timestamp,
    },
    /// It is given no more warrants.
    Drained {
        /// Who said so.
        by: OperatorId,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// It is given warrants again.
    Resumed {
        /// Who said so.
        by: OperatorId,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// Its key counts for nothing any more.
    Revoked {
        /// Who said so.
        by: OperatorId,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
}

/// Where a runner stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its token waits for it.
    Invited {
        /// Until when.
        until: Timestamp,
    },
    /// It may ask for work.
    Enrolled {
        /// Its public key.
        key: RunnerKey,
        /// The version that it said it was.
        version: String,
        /// Since when.
        since: Timestamp,
        /// Whether it is given no more warrants.
        draining: bool,
    },
    /// Its token was never used.
    Lapsed,
    /// It counts for nothing.
    Revoked,
}

/// A runner on another machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runner {
    /// Which.
    pub id: RunnerId,
    /// What people call it.
    pub name: RunnerName,
    /// Where it stands.
    pub labels: Labels,
    /// Who invited it.
    pub invited_by: OperatorId,
    /// When.
    pub invited: Timestamp,
    /// SHA-256 of its token's text.
    pub token: Digest,
    /// Whether the token was shown again after it was used.
    pub shown_again: bool,
    /// How often it was drained and resumed; at most [`MARKS_MAX`].
    pub marks: u32,
    /// Where it stands.
    pub state: State,
}

/// Why a command does not apply to a runner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is somewhere else.
    #[error("runner `{runner}` is {state}, so `{command}` does not apply")]
    WrongState {
        /// Which.
        runner: RunnerId,
        /// Where it is.
        state: &'static str,
        /// What was asked.
        command: &'static str,
    },
    /// The token's time is over.
    #[error("the invitation of runner `{runner}` ended at {until}")]
    Late {
        /// Which.
        runner: RunnerId,
        /// When.
        until: Timestamp,
    },
    /// Drained and resumed too often.
    #[error("runner `{0}` was drained and resumed {MARKS_MAX} times: revoke it and invite another")]
    Worn(RunnerId),
    /// Draining and revoking need a reason.
    #[error("say why: a runner is not drained, resumed or revoked without a reason")]
    Unreasoned,
}

/// What a person decides about a runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// It is given no more warrants.
    Drain,
    /// It is given warrants again.
    Resume,
    /// Its key counts for nothing any more.
    Revoke,
}

impl Runner {
    /// What follows when it comes with its token. Who holds the token was compared before.
    ///
    /// # Errors
    /// When the token was used, lapsed or taken back.
    pub fn enrol(&self, key: RunnerKey, version: &str, now: Timestamp) -> Result<Event, Refusal> {
        match self.state {
            State::Invited { until } if now < until => {
                let version = version.chars().filter(|c| !c.is_control()).take(VERSION_MAX).collect();
                Ok(Event::Enrolled { key, version, at: now })
            }
            State::Invited { until } => Err(Refusal::Late { runner: self.id, until }),
            State::Enrolled { .. } | State::Lapsed | State::Revoked => Err(self.wrong("enrol")),
        }
    }

    /// What is recorded when the token is shown although it was used; nothing the second time.
    pub fn shown(&self, now: Timestamp) -> Option<Event> {
        let used = matches!(self.state, State::Enrolled { .. } | State::Revoked);
        (used && !self.shown_again).then_some(Event::TokenShownAgain { at: now })
    }

    /// What follows when nobody came in time; nothing before that.
    pub fn lapse(&self, now: Timestamp) -> Option<Event> {
        matches!(self.state, State::Invited { until } if now >= until).then_some(Event::Lapsed { at: now })
    }

    /// What a person's decision leads to. One that was carried out adds no event.
    ///
    /// # Errors
    /// When it does not apply, or no reason is given.
    pub fn act(&self, act: Act, by: OperatorId, reason: &str, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let reason = reason.trim().to_owned();
        if reason.is_empty() {
            return Err(Refusal::Unreasoned);
        }
        let worn = self.marks >= MARKS_MAX;
        let event = match (act, &self.state) {
            (Act::Drain, State::Enrolled { draining: true, .. })
            | (Act::Resume, State::Enrolled { draining: false, .. })
            | (Act::Revoke, State::Revoked) => return Ok(Vec::new()),
            (Act::Drain | Act::Resume, State::Enrolled { .. }) if worn => return Err(Refusal::Worn(self.id)),
            (Act::Drain, State::Enrolled { .. }) => Event::Drained { by, reason, at: now },
            (Act::Resume, State::Enrolled { .. }) => Event::Resumed { by, reason, at: now },
            (Act::Revoke, State::Invited { .. } | State::Enrolled { .. }) => Event::Revoked { by, reason, at: now },
            (Act::Drain | Act::Resume, State::Invited { .. } | State::Lapsed | State::Revoked) | (Act::Revoke, State::Lapsed) => {
                return Err(self.wrong(act.word()));
            }
        };
        Ok(vec![event])
    }

    fn wrong(&self, command: &'static str) -> Refusal {
        Refusal::WrongState { runner: self.id, state: self.word(), command }
    }

    /// Its key; none before it has enrolled and after it was revoked.
    pub const fn key(&self) -> Option<RunnerKey> {
        match self.state {
            State::Enrolled { key, .. } => Some(key),
            State::Invited { .. } | State::Lapsed | State::Revoked => None,
        }
    }

    /// Whether it may be given warrants.
    pub const fn takes_work(&self) -> bool {
        matches!(self.state, State::Enrolled { draining: false, .. })
    }
}

impl Act {
    /// One word for records and messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Resume => "resume",
            Self::Revoke => "revoke",
        }
    }
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Invited { .. } => "invited",
            Self::Lapsed { .. } => "lapsed",
            Self::Enrolled { .. } => "enrolled",
            Self::TokenShownAgain { .. } => "token_shown_again",
            Self::Drained { .. } => "drained",
            Self::Resumed { .. } => "resumed",
            Self::Revoked { .. } => "revoked",
        }
    }
}

impl Machine for Runner {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        if let Event::Invited { id, name, labels, token, by, until, at } = event {
            return Ok(Self {
                id: *id,
                name: name.clone(),
                labels: labels.clone(),
                invited_by: *by,
                invited: *at,
                token: *token,
                shown_again: false,
                marks: 0,
                state: State::Invited { until: *until },
            });
        }
        Err(IllegalTransition { machine: "runner", from: "nothing", event: event.word() })
    }

    fn apply(mut self, event: &Event) -> Result<Self, IllegalTransition> {
        let illegal = IllegalTransition { machine: "runner", from: self.word(), event: event.word() };
        self.state = match (self.state.clone(), event) {
            (State::Invited { until }, Event::Lapsed { at }) if *at >= until => State::Lapsed,
            (State::Invited { until }, Event::Enrolled { key, version, at }) if *at < until => {
                State::Enrolled { key: *key, version: version.clone(), since: *at, draining: false }
            }
            (state @ (State::Enrolled { .. } | State::Revoked), Event::TokenShownAgain { .. }) if !self.shown_again => {
                self.shown_again = true;
                state
            }
            (State::Enrolled { key, version, since, draining: false }, Event::Drained { .. }) if self.marks < MARKS_MAX => {
                self.marks += 1;
                State::Enrolled { key, version, since, draining: true }
            }
            (State::Enrolled { key, version, since, draining: true }, Event::Resumed { .. }) if self.marks < MARKS_MAX => {
                self.marks += 1;
                State::Enrolled { key, version, since, draining: false }
            }
            (State::Invited { .. } | State::Enrolled { .. }, Event::Revoked { .. }) => State::Revoked,
            (_, _) => return Err(illegal),
        };
        Ok(self)
    }

    fn word(&self) -> &'static str {
        match self.state {
            State::Invited { .. } => "invited",
            State::Enrolled { draining: false, .. } => "active",
            State::Enrolled { draining: true, .. } => "draining",
            State::Lapsed => "lapsed",
            State::Revoked => "revoked",
        }
    }

    fn open(&self) -> bool {
        match self.state {
            State::Invited { .. } | State::Enrolled { .. } => true,
            State::Lapsed | State::Revoked => false,
        }
    }

    fn due(&self) -> Option<Timestamp> {
        match self.state {
            State::Invited { until } => Some(until),
            State::Enrolled { .. } | State::Lapsed | State::Revoked => None,
        }
    }
}
