//! What every state machine has in common: a first event, one way to change, a word for its state, and the moment at
//! which somebody has to look at it again.

use crate::time::Timestamp;

/// An event that cannot happen in this state: a forgotten pair, or a corrupted stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` cannot happen to a {machine} that is `{from}`")]
pub struct IllegalTransition {
    /// Which machine: `change`.
    pub machine: &'static str,
    /// The state's word; `nothing` before the first event.
    pub from: &'static str,
    /// The event's word.
    pub event: &'static str,
}

/// A state machine whose whole history is its events.
pub trait Machine: Sized {
    /// What can happen to it.
    type Event;

    /// The machine after its first event.
    ///
    /// # Errors
    /// When the event cannot be the first.
    fn begin(event: &Self::Event) -> Result<Self, IllegalTransition>;

    /// The machine after one more event: the only way to change.
    ///
    /// # Errors
    /// When the event cannot happen in this state.
    fn apply(self, event: &Self::Event) -> Result<Self, IllegalTransition>;

    /// One word for lists and records.
    fn word(&self) -> &'static str;

    /// Whether anything can still happen without a new command from outside.
    fn open(&self) -> bool;

    /// The earliest moment at which the engine owes it something; none while it waits for people or is closed.
    fn due(&self) -> Option<Timestamp>;
}

/// Folds a whole history; none for an empty one.
///
/// # Errors
/// The first event that cannot happen.
pub fn fold<'a, M: Machine>(events: impl IntoIterator<Item = &'a M::Event>) -> Result<Option<M>, IllegalTransition>
where
    M::Event: 'a,
{
    let mut state: Option<M> = None;
    for event in events {
        state = Some(match state {
            None => M::begin(event)?,
            Some(machine) => machine.apply(event)?,
        });
    }
    Ok(state)
}
