//! The installation as a whole: which estate is in force, which epoch the engine runs in, and what posture remains.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::OperatorId;
use crate::machine::{IllegalTransition, Machine};
use crate::posture::Posture;
use crate::situation::Actor;
use crate::time::Timestamp;

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
        }
    }
}

impl Machine for Installation {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        match event {
            Event::Started { epoch, estate, posture, at, .. } => {
                Ok(Self { epoch: *epoch, estate: *estate, posture: *posture, set_by: None, since: *at })
            }
            Event::PostureSet { .. } => Err(IllegalTransition { machine: "installation", from: "nothing", event: event.word() }),
        }
    }

    fn apply(self, event: &Event) -> Result<Self, IllegalTransition> {
        match event {
            Event::Started { epoch, estate, .. } if *epoch > self.epoch => Ok(Self { epoch: *epoch, estate: *estate, ..self }),
            Event::Started { .. } => Err(IllegalTransition { machine: "installation", from: "running", event: event.word() }),
            Event::PostureSet { posture, by, at, .. } => Ok(Self { posture: *posture, set_by: Some(*by), since: *at, ..self }),
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
