//! Who is looking now: a short memory of who opened what, so that two people see each other before they do the same thing twice.
//! It decides nothing, is on no record, and is gone with the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lineclear_core::record::Stream;
use lineclear_core::situation::Actor;
use lineclear_core::{OperatorId, Span, Timestamp};

use crate::{Caller, Engine};

/// How long somebody who opened something counts as looking at it: a page that is open asks again within a minute.
pub const LOOKING: Span = Span::from_secs(90);
/// Most looks that are remembered: every person of a large house at ten things.
const LOOKS_MAX: usize = 4_096;

/// Who looked at what, and when last.
#[derive(Default)]
pub(crate) struct Presence(Mutex<BTreeMap<(Stream, OperatorId), Timestamp>>);

impl Presence {
    fn looks(&self) -> MutexGuard<'_, BTreeMap<(Stream, OperatorId), Timestamp>> {
        // A memory of looks misleads nobody, whatever a panic has left of it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, what: Stream, who: OperatorId, now: Timestamp) {
        let mut looks = self.looks();
        if looks.len() >= LOOKS_MAX {
            looks.retain(|_, at| now.since(*at) < LOOKING);
        }
        if looks.len() < LOOKS_MAX || looks.contains_key(&(what, who)) {
            looks.insert((what, who), now);
        }
    }

    fn of(&self, what: Stream, now: Timestamp) -> Vec<OperatorId> {
        let looks = self.looks();
        let theirs = looks.iter().filter(|((of, _), at)| *of == what && now.since(**at) < LOOKING);
        theirs.map(|((_, who), _)| *who).collect()
    }
}

impl Engine {
    /// A person opened something.
    pub fn looks_at(&self, caller: &Caller, what: Stream) {
        if let Caller::Operator(who) = caller {
            self.inner.presence.note(what, *who, self.now());
        }
    }

    /// The logins of whoever is looking at something now.
    pub fn looking_at(&self, what: Stream) -> Vec<String> {
        let people = self.inner.presence.of(what, self.now());
        people.into_iter().map(|who| self.name(Actor::Operator(who))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(number: u32) -> OperatorId {
        format!("operator_{number:032x}").parse().unwrap()
    }

    #[test]
    fn whoever_looked_a_while_ago_is_not_looking_and_the_memory_is_bounded() {
        let (presence, start) = (Presence::default(), Timestamp::from_micros(1_000_000));
        presence.note(Stream::Installation, who(1), start);
        assert_eq!(presence.of(Stream::Installation, start + Span::from_secs(89)), [who(1)]);
        assert_eq!(presence.of(Stream::Installation, start + LOOKING), []);
        for number in 0..10_000 {
            presence.note(Stream::Installation, who(number), start);
        }
        assert_eq!(presence.looks().len(), LOOKS_MAX);
        presence.note(Stream::Installation, who(20_000), start + LOOKING);
        assert_eq!(presence.of(Stream::Installation, start + LOOKING), [who(20_000)]);
    }
}
