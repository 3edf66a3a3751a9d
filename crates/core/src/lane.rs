//! A lane: what runs with one concurrency key take turns on. At most one run is in it; whoever comes meanwhile waits as a
//! cleared change, so that everything is looked at again when its turn comes.
//!
//! Taking and leaving it are events of the lane's own history, committed in the transactions that begin and end the run: two
//! dispatches that both found it free cannot both be committed.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::digest::Digest;
use crate::id::{ChangeId, LaneId, RunId};
use crate::machine::{IllegalTransition, Machine};
use crate::time::Timestamp;

/// Most turns of one lane; then its key goes on in the next. The store reads 10,000 events of a history at once, and every
/// dispatch with the key reads this one.
pub const TURNS_MAX: u32 = 1_000;

/// What can happen to a lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run is in it.
    Taken {
        /// The concurrency key.
        key: String,
        /// Which of its lanes, from 0.
        number: u32,
        /// The run.
        run: RunId,
        /// The change that it carries out.
        change: ChangeId,
        /// When.
        at: Timestamp,
    },
    /// The run is over.
    Left {
        /// The run.
        run: RunId,
        /// When.
        at: Timestamp,
    },
}

/// The run that is in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run.
    pub run: RunId,
    /// The change that it carries out.
    pub change: ChangeId,
}

/// One lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// Which.
    pub id: LaneId,
    /// The concurrency key.
    pub key: String,
    /// Which of its lanes, from 0.
    pub number: u32,
    /// Who is in it.
    pub holder: Option<Holder>,
    /// How often it was taken; at most [`TURNS_MAX`].
    pub turns: u32,
    /// When it was first taken.
    pub opened: Timestamp,
}

/// Another run is in the lane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("run `{}` of change `{}` holds `{key}`", .holder.run, .holder.change)]
pub struct Held {
    /// The concurrency key.
    pub key: String,
    /// Who is in it.
    pub holder: Holder,
}

impl Lane {
    /// A lane of a concurrency key. All runs with one key are in one lane, until that one has had [`TURNS_MAX`] turns and the last
    /// of them is over; then all are in the next.
    pub fn of(key: &str, number: u32) -> LaneId {
        let digest = Digest::of(format!("{number} {key}").as_bytes());
        let number = digest.as_bytes().iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
        LaneId::new(Uuid::from_u128(number))
    }

    /// The number of the event after which a lane is full: whoever finds one there goes on to the next lane.
    pub const fn last_event() -> u64 {
        TURNS_MAX as u64 * 2 - 1
    }

    /// What follows when a run wants to be in the lane of this number; `lane` is none when nobody ever was.
    ///
    /// # Errors
    /// When another run is.
    pub fn take(lane: Option<&Self>, (key, number): (&str, u32), holder: Holder, at: Timestamp) -> Result<Event, Held> {
        if let Some(other) = lane.and_then(|lane| lane.holder).filter(|other| other.run != holder.run) {
            return Err(Held { key: key.into(), holder: other });
        }
        Ok(Event::Taken { key: key.into(), number, run: holder.run, change: holder.change, at })
    }

    /// What follows when a run is over; nothing when it is not in it.
    pub fn leave(&self, run: RunId, at: Timestamp) -> Option<Event> {
        self.holder.filter(|holder| holder.run == run).map(|_| Event::Left { run, at })
    }
}

impl Event {
    /// One word for records and tables.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "taken",
            Self::Left { .. } => "left",
        }
    }
}

impl Machine for Lane {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        match event {
            Event::Taken { key, number, run, change, at } => Ok(Self {
                id: Self::of(key, *number),
                key: key.clone(),
                number: *number,
                holder: Some(Holder { run: *run, change: *change }),
                turns: 1,
                opened: *at,
            }),
            Event::Left { .. } => Err(IllegalTransition { machine: "lane", from: "nothing", event: event.word() }),
        }
    }

    fn apply(mut self, event: &Event) -> Result<Self, IllegalTransition> {
        self.holder = match (self.holder, event) {
            (None, Event::Taken { key, number, run, change, .. })
                if (key, *number) == (&self.key, self.number) && self.turns < TURNS_MAX =>
            {
                self.turns += 1;
                Some(Holder { run: *run, change: *change })
            }
            (Some(holder), Event::Left { run, .. }) if holder.run == *run => None,
            (_, _) => return Err(IllegalTransition { machine: "lane", from: self.word(), event: event.word() }),
        };
        Ok(self)
    }

    fn word(&self) -> &'static str {
        if self.holder.is_some() { "held" } else { "free" }
    }

    fn open(&self) -> bool {
        self.holder.is_some()
    }

    fn due(&self) -> Option<Timestamp> {
        None
    }
}
