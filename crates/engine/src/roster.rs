//! The roster: which runners may ask for work now, and when each was last heard. Only a matter of memory: what counts is in the
//! runners' histories, and a new life of the engine hears everybody anew.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lineclear_core::label::Labels;
use lineclear_core::runner::Runner;
use lineclear_core::{RunnerId, Timestamp};
use lineclear_warrant::Beat;
use tokio::time::Instant;

/// How long a runner may be silent before nobody knows what its attempts have come to: four heartbeats, by a clock that nobody
/// sets.
pub const LOST_AFTER: Duration = Duration::from_secs(45);

/// What a runner may be given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// What it carries.
    pub labels: Labels,
    /// Whether it may be given warrants.
    pub works: bool,
}

/// What is known of a runner's presence.
#[derive(Debug, Clone, Default)]
pub(crate) struct Presence {
    /// When it was last heard, by the engine's clock; none before that.
    pub heard: Option<Timestamp>,
    /// Whether it was heard within [`LOST_AFTER`].
    pub connected: bool,
    /// What it said of itself last.
    pub beat: Option<Beat>,
    /// The size of the head that it showed last.
    pub head: Option<u64>,
}

struct Member {
    /// None once it was revoked: whoever waits at the desk in its name is told so.
    standing: Option<Standing>,
    last: Instant,
    heard: Option<Timestamp>,
    beat: Option<Beat>,
    head: Option<u64>,
}

/// Who may ask for work, and who was heard.
pub(crate) struct Roster {
    /// Those of this process.
    embedded: Vec<RunnerId>,
    born: Instant,
    members: Mutex<BTreeMap<RunnerId, Member>>,
}

impl Standing {
    /// What a runner's history says.
    pub fn of(runner: &Runner) -> Option<Self> {
        runner.key().map(|_| Self { labels: runner.labels.clone(), works: runner.takes_work() })
    }
}

impl Roster {
    /// A roster that hears everybody anew; these runners are of this process.
    pub fn new(embedded: Vec<RunnerId>) -> Self {
        Self { embedded, born: Instant::now(), members: Mutex::default() }
    }

    fn members(&self) -> MutexGuard<'_, BTreeMap<RunnerId, Member>> {
        // What it holds is looked up again from the histories.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The runners of this process.
    pub fn embedded(&self) -> &[RunnerId] {
        &self.embedded
    }

    /// Whether a runner is of this process.
    pub fn is_embedded(&self, runner: RunnerId) -> bool {
        self.embedded.contains(&runner)
    }

    /// Puts down what a runner may be given from now on; only runners that are enrolled or of this process come here, so there are
    /// never more of them than there can be.
    pub fn admit(&self, runner: RunnerId, standing: Option<Standing>) {
        let mut members = self.members();
        match members.get_mut(&runner) {
            Some(member) => member.standing = standing,
            None if standing.is_some() => {
                members.insert(runner, Member { standing, last: self.born, heard: None, beat: None, head: None });
            }
            None => {}
        }
    }

    /// A runner was heard.
    pub fn heard(&self, runner: RunnerId, now: Timestamp, beat: Option<Beat>, head: Option<u64>) {
        if let Some(member) = self.members().get_mut(&runner) {
            member.last = Instant::now();
            member.heard = Some(now);
            let asks = beat.is_none();
            member.beat = beat.or_else(|| member.beat.take());
            // Whoever asks for work does not stop: this is another life of it.
            if let Some(beat) = member.beat.as_mut().filter(|_| asks) {
                beat.stopping = false;
            }
            member.head = head.or(member.head);
        }
    }

    /// What it may be given; none when it may not ask.
    pub fn standing(&self, runner: RunnerId) -> Option<Standing> {
        self.members().get(&runner).and_then(|member| member.standing.clone())
    }

    /// Whether it said that it takes nothing new.
    pub fn stops(&self, runner: RunnerId) -> bool {
        self.members().get(&runner).and_then(|member| member.beat.as_ref()).is_some_and(|beat| beat.stopping)
    }

    /// Whether nobody can say what a runner's attempts have come to: it has been silent for too long, or counts for nothing.
    pub fn lost(&self, runner: RunnerId) -> bool {
        let members = self.members();
        match members.get(&runner) {
            Some(member) => member.standing.is_none() || member.last.elapsed() >= LOST_AFTER,
            None => self.born.elapsed() >= LOST_AFTER,
        }
    }

    /// Whether somebody who carries these labels is there and works.
    pub fn somebody_carries(&self, wanted: &Labels) -> bool {
        self.members().values().any(|member| {
            let stops = member.beat.as_ref().is_some_and(|beat| beat.stopping);
            let able = !stops && member.standing.as_ref().is_some_and(|standing| standing.works && standing.labels.carry(wanted));
            able && member.heard.is_some() && member.last.elapsed() < LOST_AFTER
        })
    }

    /// What is known of a runner's presence.
    pub fn presence(&self, runner: RunnerId) -> Presence {
        let members = self.members();
        let Some(member) = members.get(&runner) else { return Presence::default() };
        let connected = member.heard.is_some() && member.last.elapsed() < LOST_AFTER;
        Presence { heard: member.heard, connected, beat: member.beat.clone(), head: member.head }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(number: u32) -> RunnerId {
        format!("runner_{number:032x}").parse().unwrap()
    }

    fn standing(labels: &str, works: bool) -> Standing {
        Standing { labels: labels.parse().unwrap(), works }
    }

    const NOW: Timestamp = Timestamp::from_micros(1_795_400_000_000_000);

    #[tokio::test(start_paused = true)]
    async fn a_runner_is_there_from_its_first_word_until_it_has_been_silent_too_long() {
        let roster = Roster::new(Vec::new());
        let wanted = "site=ber".parse().unwrap();
        roster.admit(runner(1), Some(standing("site=ber, zone=b", true)));
        assert!(!roster.somebody_carries(&wanted), "nobody was heard yet");
        roster.heard(runner(1), NOW, None, Some(7));
        assert!(roster.somebody_carries(&wanted) && !roster.somebody_carries(&"site=muc".parse().unwrap()));
        tokio::time::advance(LOST_AFTER).await;
        assert!(!roster.somebody_carries(&wanted) && roster.lost(runner(1)));
        roster.heard(runner(1), NOW, None, None);
        assert!(!roster.lost(runner(1)) && roster.presence(runner(1)).head == Some(7));
        roster.admit(runner(1), Some(standing("site=ber", false)));
        assert!(!roster.somebody_carries(&wanted), "it drains");
        roster.admit(runner(1), None);
        assert!(roster.lost(runner(1)) && roster.standing(runner(1)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_was_never_heard_is_lost_only_after_the_engine_has_listened_long_enough() {
        let roster = Roster::new(Vec::new());
        assert!(!roster.lost(runner(1)));
        tokio::time::advance(LOST_AFTER).await;
        assert!(roster.lost(runner(1)));
        roster.admit(runner(2), None);
        assert!(roster.presence(runner(2)).heard.is_none());
    }
}
