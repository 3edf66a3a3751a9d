//! The installation as a whole: which estate is in force, which epoch the engine runs in, and what posture remains.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::emergency::Scope;
use crate::id::{EmergencyId, OperatorId, RevisionId};
use crate::machine::{IllegalTransition, Machine};
use crate::posture::Posture;
use crate::situation::Actor;
use crate::time::Timestamp;
use crate::topology::EntityRef;

/// What can happen to an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An engine started: a new epoch, under the estate that it found.
    Started {
        /// The fencing number of this engine's life.
        epoch: u64,
        /// The estate in force.
        estate: Digest,
        /// The posture of a new installation; later starts keep what stands.
        posture: Posture,
        /// The product's version.
        version: String,
        /// When.
        at: Timestamp,
    },
    /// Autonomy was lowered, or raised by a person.
    PostureSet {
        /// To what.
        posture: Posture,
        /// By whom.
        by: Actor,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// The estate that the engine was started with is kept from now on, and only people bring another one into force.
    Adopted {
        /// Which.
        estate: Digest,
        /// When.
        at: Timestamp,
    },
    /// Another version of the estate came into force.
    Activated {
        /// Which.
        estate: Digest,
        /// The proposal that it came from.
        revision: RevisionId,
        /// Who did it, once enough people had approved.
        by: OperatorId,
        /// When.
        at: Timestamp,
    },
    /// An emergency is in force from now on, and its review is open.
    EmergencyBegan {
        /// Which.
        emergency: EmergencyId,
        /// What it covers.
        scope: Scope,
        /// Until when, at the longest.
        until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// It is no longer in force; its review stays open.
    EmergencyOver {
        /// Which.
        emergency: EmergencyId,
        /// When.
        at: Timestamp,
    },
    /// A review was opened of something that is over already: a broken glass.
    ReviewOpened {
        /// Of which.
        emergency: EmergencyId,
        /// When.
        at: Timestamp,
    },
    /// Somebody else has looked at it.
    ReviewClosed {
        /// Of which.
        emergency: EmergencyId,
        /// Who.
        by: OperatorId,
        /// When.
        at: Timestamp,
    },
}

/// An emergency in force, as far as gates ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// What it covers.
    pub scope: Scope,
    /// Until when, at the longest.
    pub until: Timestamp,
}

/// Since when an estate is in force, and on whose word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenure {
    /// Since when.
    pub since: Timestamp,
    /// The proposal that it came from; none for the one that the installation began with.
    pub revision: Option<RevisionId>,
    /// Who brought it into force.
    pub by: Option<OperatorId>,
}

/// Which estate, epoch and posture are in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// The fencing number of the engine's life.
    pub epoch: u64,
    /// The estate in force.
    pub estate: Digest,
    /// The autonomy that remains.
    pub posture: Posture,
    /// Who set it, unless it is the estate's own.
    pub set_by: Option<Actor>,
    /// Since when.
    pub since: Timestamp,
    /// Since when the estate is kept and governed; none on an installation that has never been started by a version that does so.
    pub tenure: Option<Tenure>,
    /// The estates that were in force before under this governance: changes may still finish by them.
    pub retired: BTreeSet<Digest>,
    /// Whether the estate came into force after the last start, so that who still waits under the one before is to be found.
    pub fresh: bool,
    /// The emergencies in force. They stand here so that whatever guards the posture guards them too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub emergencies: BTreeMap<EmergencyId, InForce>,
    /// The emergencies that nobody has reviewed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reviews: BTreeSet<EmergencyId>,
}

/// Why the posture stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Only a person raises it.
    #[error("only a person raises the posture from `{from}` to `{to}`")]
    RaisedByMachine {
        /// What it is.
        from: Posture,
        /// What was asked.
        to: Posture,
    },
    /// A change of posture needs a reason.
    #[error("say why: a change of posture without a reason is not recorded")]
    Unreasoned,
}

impl Installation {
    /// Sets the posture; anybody may lower it, only a person raises it.
    ///
    /// # Errors
    /// When a machine wants to raise it, or no reason is given.
    pub fn set_posture(&self, posture: Posture, by: Actor, reason: &str, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        if reason.trim().is_empty() {
            return Err(Refusal::Unreasoned);
        }
        let person = matches!(by, Actor::Operator(_));
        if posture > self.posture && !person {
            return Err(Refusal::RaisedByMachine { from: self.posture, to: posture });
        }
        if posture == self.posture {
            return Ok(Vec::new());
        }
        Ok(vec![Event::PostureSet { posture, by, reason: reason.into(), at: now }])
    }

    /// The estate that decides from now on is kept; nothing when that is so already.
    pub fn adopt(&self, now: Timestamp) -> Vec<Event> {
        if self.tenure.is_some() { Vec::new() } else { vec![Event::Adopted { estate: self.estate, at: now }] }
    }

    /// The emergency that covers a change which reaches these things, now: the oldest of them. One whose time is over covers nothing,
    /// whether or not anybody has written that down yet.
    pub fn emergency_for(&self, reached: &BTreeSet<EntityRef>, now: Timestamp) -> Option<EmergencyId> {
        let covers = |it: &&EmergencyId| self.emergencies.get(it).is_some_and(|it| now < it.until && it.scope.covers(reached));
        self.emergencies.keys().find(covers).copied()
    }

    /// The person who set the posture.
    pub fn set_by_person(&self) -> Option<OperatorId> {
        match self.set_by {
            Some(Actor::Operator(person)) => Some(person),
            Some(Actor::Agent(_) | Actor::Engine) | None => None,
        }
    }
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::PostureSet { .. } => "posture_set",
            Self::Adopted { .. } => "adopted",
            Self::Activated { .. } => "activated",
            Self::EmergencyBegan { .. } => "emergency_began",
            Self::EmergencyOver { .. } => "emergency_over",
            Self::ReviewOpened { .. } => "review_opened",
            Self::ReviewClosed { .. } => "review_closed",
        }
    }
}

impl Machine for Installation {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        match event {
            Event::Started { epoch, estate, posture, at, .. } => Ok(Self {
                epoch: *epoch,
                estate: *estate,
                posture: *posture,
                set_by: None,
                since: *at,
                tenure: None,
                retired: BTreeSet::new(),
                fresh: false,
                emergencies: BTreeMap::new(),
                reviews: BTreeSet::new(),
            }),
            Event::PostureSet { .. }
            | Event::Adopted { .. }
            | Event::Activated { .. }
            | Event::EmergencyBegan { .. }
            | Event::EmergencyOver { .. }
            | Event::ReviewOpened { .. }
            | Event::ReviewClosed { .. } => Err(IllegalTransition { machine: "installation", from: "nothing", event: event.word() }),
        }
    }

    fn apply(mut self, event: &Event) -> Result<Self, IllegalTransition> {
        let illegal = IllegalTransition { machine: "installation", from: "running", event: event.word() };
        match event {
            // Once an estate is kept, an engine starts under that one or not at all.
            Event::Started { epoch, estate, .. } if *epoch > self.epoch && (self.tenure.is_none() || *estate == self.estate) => {
                Ok(Self { epoch: *epoch, estate: *estate, fresh: false, ..self })
            }
            Event::PostureSet { posture, by, at, .. } => Ok(Self { posture: *posture, set_by: Some(*by), since: *at, ..self }),
            Event::Adopted { estate, at } if self.tenure.is_none() && *estate == self.estate => {
                Ok(Self { tenure: Some(Tenure { since: *at, revision: None, by: None }), ..self })
            }
            // The posture stays as it is: whatever the new estate says of it is for new installations.
            Event::Activated { estate, revision, by, at } if self.tenure.is_some() && *estate != self.estate => {
                self.retired.insert(self.estate);
                self.retired.remove(estate);
                let tenure = Some(Tenure { since: *at, revision: Some(*revision), by: Some(*by) });
                Ok(Self { estate: *estate, tenure, fresh: true, ..self })
            }
            Event::EmergencyBegan { emergency, scope, until, .. } if self.reviews.insert(*emergency) => {
                self.emergencies.insert(*emergency, InForce { scope: scope.clone(), until: *until });
                Ok(self)
            }
            Event::EmergencyOver { emergency, .. } if self.emergencies.remove(emergency).is_some() => Ok(self),
            Event::ReviewOpened { emergency, .. } if self.reviews.insert(*emergency) => Ok(self),
            Event::ReviewClosed { emergency, .. } if !self.emergencies.contains_key(emergency) && self.reviews.remove(emergency) => {
                Ok(self)
            }
            Event::Started { .. }
            | Event::Adopted { .. }
            | Event::Activated { .. }
            | Event::EmergencyBegan { .. }
            | Event::EmergencyOver { .. }
            | Event::ReviewOpened { .. }
            | Event::ReviewClosed { .. } => Err(illegal),
        }
    }

    fn word(&self) -> &'static str {
        "running"
    }

    fn open(&self) -> bool {
        true
    }

    fn due(&self) -> Option<Timestamp> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AgentId;
    use uuid::Uuid;

    fn installation() -> Installation {
        let at = Timestamp::from_micros(0);
        let event = Event::Started { epoch: 1, estate: Digest::of(b""), posture: Posture::RoutineOnly, version: "0".into(), at };
        Installation::begin(&event).unwrap()
    }

    #[test]
    fn anybody_lowers_the_posture_and_only_a_person_raises_it() {
        let now = Timestamp::from_micros(1);
        let agent = Actor::Agent(AgentId::new(Uuid::nil()));
        let person = Actor::Operator(OperatorId::new(Uuid::nil()));
        let it = installation();
        assert_eq!(it.set_posture(Posture::Stopped, agent, "fire", now).map(|e| e.len()), Ok(1));
        assert!(matches!(it.set_posture(Posture::Full, agent, "trust me", now), Err(Refusal::RaisedByMachine { .. })));
        assert!(matches!(it.set_posture(Posture::Full, Actor::Engine, "calm", now), Err(Refusal::RaisedByMachine { .. })));
        assert_eq!(it.set_posture(Posture::Full, person, "calm again", now).map(|e| e.len()), Ok(1));
        assert_eq!(it.set_posture(Posture::Full, person, " ", now), Err(Refusal::Unreasoned));
    }

    #[test]
    fn the_table_of_states_and_events() {
        let (states, events) = (crate::sample::installation_states(), crate::sample::installation_events());
        let words: std::collections::BTreeSet<String> = events.iter().map(|(_, event)| event.word().into()).collect();
        assert_eq!(words, crate::sample::words(include_str!("installation.rs"), "impl Event {"));
        insta::assert_snapshot!(crate::sample::table(&states, &events));
    }

    #[test]
    fn an_epoch_never_comes_twice() {
        let at = Timestamp::from_micros(0);
        let again = Event::Started { epoch: 1, estate: Digest::of(b""), posture: Posture::Full, version: "0".into(), at };
        assert!(installation().apply(&again).is_err());
    }
}
