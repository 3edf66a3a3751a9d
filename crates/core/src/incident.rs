//! Something that is wrong and has an owner: signals are collected under it, changes are proposed for it.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{IncidentId, OperatorId, SignalId};
use crate::machine::{IllegalTransition, Machine};
use crate::signal::{Signal, SignalState};
use crate::situation::Actor;
use crate::time::Timestamp;

/// Severity, 1 (worst) to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
// INVARIANT: only `try_from` builds one, so it is 1 to 5.
pub struct Severity(u8);

/// A severity outside 1 to 5.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("severity is 1 (worst) to 5, not {0}")]
pub struct SeverityError(u8);

impl Severity {
    /// The worst.
    pub const WORST: Self = Self(1);

    /// The number, 1 (worst) to 5.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// From a signal's own word; what is unknown is taken as serious, not as harmless.
    pub fn stated(word: &str) -> Self {
        match word {
            "critical" | "page" | "emergency" => Self(2),
            "info" | "informational" | "none" => Self(5),
            "warning" | "warn" | "ticket" => Self(4),
            _ => Self(3),
        }
    }
}

impl TryFrom<u8> for Severity {
    type Error = SeverityError;
    fn try_from(number: u8) -> Result<Self, SeverityError> {
        if (1..=5).contains(&number) { Ok(Self(number)) } else { Err(SeverityError(number)) }
    }
}

impl From<Severity> for u8 {
    fn from(severity: Severity) -> Self {
        severity.0
    }
}

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
    /// A person closed it.
    Closed,
}

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
        /// How bad, from the signal.
        severity: Severity,
        /// When.
        at: Timestamp,
    },
    /// A signal joined it, or one of its signals changed.
    Signalled {
        /// The id given to the signal.
        signal_id: SignalId,
        /// The signal.
        signal: Signal,
        /// When.
        at: Timestamp,
    },
    /// Its severity was raised, or lowered by a person.
    Graded {
        /// To what.
        severity: Severity,
        /// By whom.
        by: Actor,
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
    /// Every signal has resolved.
    Resolved {
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

/// A signal as its incident keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The id given to it when it first came.
    pub id: SignalId,
    /// The newest word of it.
    pub signal: Signal,
    /// When it last came.
    pub at: Timestamp,
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
    /// Its signals by source and fingerprint.
    pub signals: BTreeMap<String, Kept>,
    /// Who took it.
    pub commander: Option<OperatorId>,
    /// Where it stands.
    pub state: State,
    /// When it was opened.
    pub opened: Timestamp,
}

/// What can be asked of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A signal of its group came in.
    Signal {
        /// The id for it, if it is new.
        id: SignalId,
        /// What came in.
        signal: Box<Signal>,
    },
    /// Somebody grades it.
    Grade {
        /// To what.
        severity: Severity,
        /// By whom.
        by: Actor,
    },
    /// A person takes it.
    Acknowledge(OperatorId),
    /// A person closes it.
    Close {
        /// Who.
        by: OperatorId,
        /// Why it is over.
        reason: String,
    },
}

/// Why a command cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A machine may raise severity, never lower it.
    #[error("only a person lowers the severity of incident `{0}`")]
    LoweredByMachine(IncidentId),
    /// It is closed.
    #[error("incident `{0}` is closed")]
    Closed(IncidentId),
    /// Closing needs a reason.
    #[error("say why incident `{0}` is over")]
    Unreasoned(IncidentId),
}

/// Most signals that one incident keeps by name; further ones of the group still count as received.
pub const SIGNALS_MAX: usize = 500;

impl Incident {
    /// What a command leads to. A signal that says nothing new adds no event.
    ///
    /// # Errors
    /// When the state does not allow it.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        if self.state == State::Closed {
            return Err(Refusal::Closed(self.id));
        }
        match command {
            Command::Signal { id, signal } => Ok(self.signalled(id, *signal, now)),
            Command::Grade { severity, by } => match by {
                // A larger number is less severe.
                Actor::Agent(_) | Actor::Engine if severity > self.severity => Err(Refusal::LoweredByMachine(self.id)),
                Actor::Agent(_) | Actor::Engine | Actor::Operator(_) if severity == self.severity => Ok(Vec::new()),
                Actor::Agent(_) | Actor::Engine | Actor::Operator(_) => Ok(vec![Event::Graded { severity, by, at: now }]),
            },
            Command::Acknowledge(by) => Ok(if self.commander == Some(by) { Vec::new() } else { vec![Event::Acknowledged { by, at: now }] }),
            Command::Close { reason, .. } if reason.trim().is_empty() => Err(Refusal::Unreasoned(self.id)),
            Command::Close { by, reason } => Ok(vec![Event::Closed { by, reason, at: now }]),
        }
    }

    fn signalled(&self, id: SignalId, signal: Signal, now: Timestamp) -> Vec<Event> {
        let known = self.signals.get(&key(&signal));
        let news = known.is_none_or(|kept| kept.signal.state != signal.state || kept.signal.starts != signal.starts);
        if !news || (known.is_none() && self.signals.len() >= SIGNALS_MAX) {
            return Vec::new();
        }
        let signal_id = known.map_or(id, |kept| kept.id);
        let others_resolved = self.signals.iter().all(|(k, kept)| *k == key(&signal) || kept.signal.state == SignalState::Resolved);
        let over = signal.state == SignalState::Resolved && others_resolved;
        let stated = Severity::stated(&signal.stated_severity);
        let worse = signal.state == SignalState::Firing && stated < self.severity;
        let mut events = vec![Event::Signalled { signal_id, signal, at: now }];
        if worse {
            events.push(Event::Graded { severity: stated, by: Actor::Engine, at: now });
        }
        if over && self.state != State::Resolved {
            events.push(Event::Resolved { at: now });
        }
        events
    }
}

/// A signal's key within its incident.
fn key(signal: &Signal) -> String {
    format!("{}/{}", signal.source, signal.fingerprint)
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Signalled { .. } => "signalled",
            Self::Graded { .. } => "graded",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Resolved { .. } => "resolved",
            Self::Closed { .. } => "closed",
        }
    }
}

impl Machine for Incident {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        let Event::Opened { id, signal_id, signal, severity, at } = event else {
            return Err(IllegalTransition { machine: "incident", from: "nothing", event: event.word() });
        };
        let kept = Kept { id: *signal_id, signal: signal.clone(), at: *at };
        Ok(Self {
            id: *id,
            title: signal.title.clone(),
            group: signal.group.clone(),
            severity: *severity,
            signals: BTreeMap::from([(key(signal), kept)]),
            commander: None,
            state: State::Open,
            opened: *at,
        })
    }

    fn apply(mut self, event: &Event) -> Result<Self, IllegalTransition> {
        let illegal = IllegalTransition { machine: "incident", from: self.word(), event: event.word() };
        match (self.state, event) {
            (State::Open | State::Acknowledged | State::Resolved, Event::Signalled { signal_id, signal, at }) => {
                self.signals.insert(key(signal), Kept { id: *signal_id, signal: signal.clone(), at: *at });
                // What fires again is not resolved, whoever had taken it.
                if self.state == State::Resolved && signal.state == SignalState::Firing {
                    self.state = if self.commander.is_some() { State::Acknowledged } else { State::Open };
                }
            }
            (State::Open | State::Acknowledged | State::Resolved, Event::Graded { severity, .. }) => self.severity = *severity,
            (State::Open | State::Acknowledged, Event::Acknowledged { by, .. }) => {
                self.commander = Some(*by);
                self.state = State::Acknowledged;
            }
            (State::Resolved, Event::Acknowledged { by, .. }) => self.commander = Some(*by),
            (State::Open | State::Acknowledged, Event::Resolved { .. }) => self.state = State::Resolved,
            (State::Open | State::Acknowledged | State::Resolved, Event::Closed { .. }) => self.state = State::Closed,
            (_, _) => return Err(illegal),
        }
        Ok(self)
    }

    fn word(&self) -> &'static str {
        match self.state {
            State::Open => "open",
            State::Acknowledged => "acknowledged",
            State::Resolved => "resolved",
            State::Closed => "closed",
        }
    }

    fn open(&self) -> bool {
        self.state != State::Closed
    }

    fn due(&self) -> Option<Timestamp> {
        None
    }
}
