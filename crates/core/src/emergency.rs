//! An emergency: what a named person declares, with a justification and an end, so that what the estate lists asks for less
//! ceremony. And a glass that somebody broke while there was no control plane, as it is told afterwards. Both open a review that
//! stays open until somebody else closes it with findings.
//!
//! ```text
//! declared ─► in force ─► over (ended by a person │ expired by the clock) ─► reviewed
//! glass broken, told when the plane is back ─► over ────────────────────────► reviewed
//! ```

mod command;
mod event;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use command::{Command, Declaration, Refusal, Standing};
pub use event::Event;

use crate::digest::Digest;
use crate::glass::Glass;
use crate::id::{ChangeId, EmergencyId, IncidentId, OperatorId, RunId};
use crate::machine::{IllegalTransition, Machine};
use crate::name::RoleName;
use crate::time::{Span, Timestamp};
use crate::topology::{EntityKind, EntityRef};

/// Longest justification, reason or findings, in characters: one screen.
pub const WORDS_MAX: usize = 2_000;
/// Shortest justification and findings, in characters: a word is no reason.
pub const WORDS_MIN: usize = 10;
/// Most services that one emergency names; for more it is the estate's.
pub const SERVICES_MAX: usize = 32;
/// Shortest emergency: less than a minute relaxes nothing that anybody could use.
pub const LASTS_MIN: Span = Span::from_secs(60);
/// Longest emergency that any estate may allow: a day; longer is no emergency but another policy.
pub const LASTS_MAX: Span = Span::from_secs(24 * 3_600);
/// Most reviews that any estate lets stand open: more are never read.
pub const REVIEWS_MAX: u8 = 9;
/// Most acts that an emergency lists by name; those beyond still carry its flag in their own histories.
pub const ACTS_MAX: usize = 1_000;

/// What an estate says of emergencies; an estate without it has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// How long one may last.
    pub longest: Span,
    /// How many reviews may be open when one is declared, the new one's own included.
    pub open_reviews: u8,
    /// Whoever holds one of these roles may declare; everybody who is named here when it is empty.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<RoleName>,
}

/// What an emergency covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "snake_case", deny_unknown_fields)]
pub enum Scope {
    /// Everything.
    Estate,
    /// What reaches these services and no others.
    Services {
        /// Which.
        services: BTreeSet<EntityRef>,
    },
}

/// How it came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "snake_case")]
pub enum Origin {
    /// A person declared it, here.
    Declared {
        /// What it covers.
        scope: Scope,
        /// The incident that it is about.
        incident: Option<IncidentId>,
    },
    /// A person broke the glass on a runner's host, and it was told afterwards.
    BrokenGlass {
        /// What was signed.
        glass: Box<Glass>,
    },
}

/// A run that was begun under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// The change.
    pub change: ChangeId,
    /// Its run.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Ending {
    /// A person ended it.
    Ended {
        /// Who.
        by: OperatorId,
        /// Why.
        reason: String,
    },
    /// Its time was over.
    Expired,
    /// It was over before it was told.
    Told,
}

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It is in force, until its time is over.
    InForce,
    /// It is over, and nobody has looked at it.
    Over {
        /// How it ended.
        ending: Ending,
    },
    /// Somebody else has looked at it.
    Reviewed {
        /// How it ended.
        ending: Ending,
        /// Who.
        by: OperatorId,
        /// What was found.
        findings: String,
    },
}

/// One emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    /// Which.
    pub id: EmergencyId,
    /// Who declared it, or broke the glass.
    pub by: OperatorId,
    /// Why, in their own words.
    pub justification: String,
    /// How it came to be.
    pub origin: Origin,
    /// When it began.
    pub begun: Timestamp,
    /// Until when, at the longest.
    pub until: Timestamp,
    /// The runs that were begun under it, oldest first; at most [`ACTS_MAX`].
    pub acts: Vec<Act>,
    /// The lines of a broken glass's journal, by digest, in order.
    pub lines: Vec<Digest>,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
}

/// What the engine owes an emergency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Its time is over: say so.
    Expire,
}

impl Scope {
    /// Whether it covers a change that reaches these things. One of services covers only what reaches some of them and no other: what
    /// else may be hit was not said to be in trouble.
    pub fn covers(&self, reached: &BTreeSet<EntityRef>) -> bool {
        match self {
            Self::Estate => true,
            Self::Services { services } => {
                let mut hit = reached.iter().filter(|thing| thing.kind == EntityKind::Service).peekable();
                hit.peek().is_some() && hit.all(|service| services.contains(service))
            }
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Estate => f.write_str("the whole estate"),
            Self::Services { services } => {
                let names: Vec<String> = services.iter().map(ToString::to_string).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

/// The emergency that a journal with this first line becomes: always the same, so that it is told once.
pub fn told_as(first: Digest) -> EmergencyId {
    let number = first.as_bytes().iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    // Version 8, whose bits are the maker's own (RFC 9562 §5.8).
    EmergencyId::new(Uuid::from_u128((number & !(0xf << 76) & !(0x3 << 62)) | (0x8 << 76) | (0x2 << 62)))
}

impl Emergency {
    /// What is owed now.
    pub fn effects(&self, now: Timestamp) -> Vec<Effect> {
        match &self.state {
            State::InForce if self.until <= now => vec![Effect::Expire],
            State::InForce | State::Over { .. } | State::Reviewed { .. } => Vec::new(),
        }
    }

    /// Whether somebody still has to look at it: from its first moment until its review is closed.
    pub const fn in_review(&self) -> bool {
        !matches!(self.state, State::Reviewed { .. })
    }

    /// What it covers; none for a broken glass, which covers one run and nothing else.
    pub const fn scope(&self) -> Option<&Scope> {
        match &self.origin {
            Origin::Declared { scope, .. } => Some(scope),
            Origin::BrokenGlass { .. } => None,
        }
    }
}

impl Machine for Emergency {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        match event {
            Event::Declared { id, by, justification, scope, incident, until, at } => Ok(Self {
                id: *id,
                by: *by,
                justification: justification.clone(),
                origin: Origin::Declared { scope: scope.clone(), incident: *incident },
                begun: *at,
                until: *until,
                acts: Vec::new(),
                lines: Vec::new(),
                state: State::InForce,
                since: *at,
            }),
            Event::GlassBroken { id, glass, at } => Ok(Self {
                id: *id,
                by: glass.statement.person,
                justification: glass.statement.justification.clone(),
                origin: Origin::BrokenGlass { glass: glass.clone() },
                begun: glass.statement.issued_at,
                until: glass.statement.expires_at,
                acts: Vec::new(),
                lines: Vec::new(),
                state: State::Over { ending: Ending::Told },
                since: *at,
            }),
            Event::Acted { .. } | Event::Told { .. } | Event::Ended { .. } | Event::Expired { .. } | Event::Reviewed { .. } => {
                Err(IllegalTransition { machine: "emergency", from: "nothing", event: event.word() })
            }
        }
    }

    fn apply(mut self, event: &Event) -> Result<Self, IllegalTransition> {
        let illegal = IllegalTransition { machine: "emergency", from: self.word(), event: event.word() };
        let glass = matches!(self.origin, Origin::BrokenGlass { .. });
        match (&self.state, event) {
            (State::InForce, Event::Acted { change, run, at }) if self.acts.len() < ACTS_MAX => {
                self.acts.push(Act { change: *change, run: *run, at: *at });
                return Ok(self);
            }
            (State::Over { .. }, Event::Told { number, digest, .. }) if glass && usize::try_from(*number) == Ok(self.lines.len()) => {
                self.lines.push(*digest);
                return Ok(self);
            }
            (State::InForce, Event::Ended { by, reason, at }) => {
                self.state = State::Over { ending: Ending::Ended { by: *by, reason: reason.clone() } };
                self.since = *at;
            }
            (State::InForce, Event::Expired { at }) => (self.state, self.since) = (State::Over { ending: Ending::Expired }, *at),
            (State::Over { ending }, Event::Reviewed { by, findings, at }) if *by != self.by => {
                self.state = State::Reviewed { ending: ending.clone(), by: *by, findings: findings.clone() };
                self.since = *at;
            }
            (_, _) => return Err(illegal),
        }
        Ok(self)
    }

    fn word(&self) -> &'static str {
        match &self.state {
            State::InForce => "in_force",
            State::Over { .. } => "in_review",
            State::Reviewed { .. } => "reviewed",
        }
    }

    fn open(&self) -> bool {
        self.in_review()
    }

    fn due(&self) -> Option<Timestamp> {
        matches!(self.state, State::InForce).then_some(self.until)
    }
}
