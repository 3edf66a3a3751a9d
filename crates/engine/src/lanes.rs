//! Turns: of the runs with one concurrency key, at most one is under way. Taking a lane and leaving it are committed in the
//! transactions that begin and end its run; whoever finds it held waits as a cleared change, and is looked at again in full
//! when its turn comes.

use lineclear_core::change::{self, Change};
use lineclear_core::lane::{self, Holder, Lane};
use lineclear_core::plan::Plan;
use lineclear_core::record::Stream;
use lineclear_core::run::Run;
use lineclear_core::situation::Actor;
use lineclear_core::{RunId, Span};

use crate::EngineError;
use crate::engine::Inner;
use crate::history::{Draft, Loaded};
use crate::pulse::Outcome;

/// How often a change that waits looks whether its turn has come.
const TURN_EVERY: Span = Span::from_secs(2);

/// A lane that a run is about to take.
pub(crate) struct Turn {
    key: String,
    number: u32,
    lane: Option<Loaded<Lane>>,
}

impl Turn {
    /// What follows when this run takes it.
    pub(crate) fn take(&self, holder: Holder, now: lineclear_core::Timestamp) -> Result<lane::Event, lane::Held> {
        Lane::take(self.lane.as_ref().map(|loaded| &loaded.machine), (&self.key, self.number), holder, now)
    }

    /// Drafts it.
    pub(crate) fn draft(&self, draft: &mut Draft<'_>, event: lane::Event) -> Result<(), EngineError> {
        match &self.lane {
            Some(loaded) => draft.extend(loaded, vec![event]).map(drop),
            None => draft.begin::<Lane>(Stream::Lane(Lane::of(&self.key, self.number)), vec![event]).map(drop),
        }
    }
}

impl Inner {
    /// The lane that a plan needs; none when it may overlap with anything.
    pub(crate) async fn turn(&self, plan: Option<&Plan>) -> Result<Option<Turn>, EngineError> {
        let Some(key) = plan.and_then(|plan| plan.concurrency_key.clone()) else { return Ok(None) };
        let mut number = 0;
        // A lane is full once its last run has left it: nobody is in it, and nobody will be.
        while !self.store.events(Stream::Lane(Lane::of(&key, number)), Lane::last_event()).await?.is_empty() {
            number += 1;
        }
        let lane = self.load::<Lane>(Stream::Lane(Lane::of(&key, number))).await?;
        Ok(Some(Turn { key, number, lane }))
    }

    /// Who is in the way of a cleared change, by the plan that it was cleared with. Only a first look, before everything else is
    /// looked at: what counts is the lane in the transaction that begins the run.
    pub(crate) async fn waits_behind(&self, change: &Change, run: RunId) -> Result<Option<lane::Held>, EngineError> {
        let plan = change.gate().and_then(|gate| gate.dossier.plan.as_ref());
        let holder = Holder { run, change: change.id };
        Ok(self.turn(plan).await?.and_then(|turn| turn.take(holder, self.now()).err()))
    }

    /// Records, once for each run in its way, that a change waits for its turn.
    pub(crate) async fn queue(&self, loaded: &Loaded<Change>, held: &lane::Held) -> Result<Outcome, EngineError> {
        let now = self.now();
        let events: Vec<change::Event> = loaded.machine.queued(held, now);
        if !events.is_empty() {
            let mut draft = Draft::new(&*self.ids, Actor::Engine, now);
            draft.extend(loaded, events)?;
            self.commit(draft).await?;
        }
        Ok(Outcome::Waits(now + TURN_EVERY))
    }

    /// Drafts that a run which is over leaves its lane.
    pub(crate) async fn draft_leave(&self, draft: &mut Draft<'_>, run: &Run) -> Result<(), EngineError> {
        let Some(Turn { lane: Some(lane), .. }) = self.turn(Some(&run.order.plan)).await? else { return Ok(()) };
        let left = lane.machine.leave(run.order.id, self.now());
        draft.extend(&lane, left.into_iter().collect()).map(drop)
    }
}
