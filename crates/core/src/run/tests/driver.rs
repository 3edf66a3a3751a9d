//! Drives one run and watches the promises that hold at every event.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::super::{
    ATTEMPTS_MAX, Applied, AttemptKey, Command, Direction, Event, Found, Override, Phase, Refusal, Resolution, Run, RunEnd, State,
};
use crate::id::{RunnerId, WarrantId};
use crate::machine::Machine as _;
use crate::plan::EffectClass;
use crate::sample::{Step, digest, id, order, person, second};
use crate::time::{Span, Timestamp};

pub(super) const RUNNER: RunnerId = RunnerId::new(Uuid::from_u128(61));

/// An override that needs no second person and lacks nothing.
pub(super) fn ruling(resolution: Resolution) -> Override {
    let ruling = Override::new(resolution, "looked");
    match resolution {
        Resolution::MarkApplied => ruling.seen("the record is there"),
        Resolution::HandOver => ruling.to(person(2)),
        Resolution::Retry | Resolution::MarkNotApplied | Resolution::Skip | Resolution::Continue | Resolution::Undo | Resolution::Abort => {
            ruling
        }
    }
}

pub(super) struct Driver {
    pub run: Run,
    pub history: Vec<Event>,
    pub now: Timestamp,
    intended: BTreeSet<AttemptKey>,
    dispatched: BTreeSet<AttemptKey>,
    started: BTreeSet<AttemptKey>,
    /// Steps that are on the way back or may have to be, in the order of applying.
    owed: Vec<usize>,
}

impl Driver {
    pub fn new(steps: &[Step]) -> Self {
        let history = vec![Event::Begun { order: Box::new(order(steps)) }];
        Self::of(history)
    }

    /// A run with this history.
    pub fn of(history: Vec<Event>) -> Self {
        let (intended, dispatched, started) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let run = crate::machine::fold(&history).unwrap().unwrap();
        Self { run, history, now: second(0), intended, dispatched, started, owed: Vec::new() }
    }

    /// Carries out a command; every event must apply, and none may break a promise.
    pub fn decide(&mut self, command: Command) -> Result<usize, Refusal> {
        let events = self.run.decide(command, self.now)?;
        for event in &events {
            self.watch(event);
            let before = self.run.clone();
            self.run = self.run.clone().apply(event).unwrap();
            self.check_owed(&before, event);
            self.check_state();
        }
        let count = events.len();
        self.history.extend(events);
        Ok(count)
    }

    fn watch(&mut self, event: &Event) {
        let reached = self.run.attempt().map(|(attempt, phase)| (attempt.key.clone(), phase));
        if let Some((_, Phase::Unknown)) = reached {
            let word = event.word();
            assert!(["succeeded", "failed", "probed", "got_stuck"].contains(&word), "unknown, and then {word}");
        }
        match (event, reached) {
            (Event::Intended { attempt, .. }, None) => {
                assert!(self.intended.insert(attempt.key.clone()), "intended twice: {:?}", attempt.key);
                let effect = self.run.order.plan.steps[attempt.index].effect;
                if attempt.key.direction == Direction::Undo {
                    assert_eq!(self.run.applied.last(), Some(&attempt.index), "undone out of order");
                    assert_ne!(effect, EffectClass::Read, "a read was taken back");
                } else {
                    assert!(self.now < self.run.deadline(), "started forwards after the deadline");
                }
                assert!(self.run.wait.is_none_or(|wait| wait <= self.now), "tried again before its time");
                self.watch_again(attempt);
            }
            (Event::Dispatched { .. }, Some((key, _))) => assert!(self.dispatched.insert(key), "dispatched twice"),
            (Event::Started { .. }, Some((key, _))) => {
                assert!(self.dispatched.contains(&key) && self.started.insert(key), "started twice, or undispatched");
            }
            _ => {}
        }
    }

    /// A call that nothing protects is sent again only when the attempt before is known to have changed nothing, or a person
    /// said so.
    fn watch_again(&self, attempt: &crate::run::Attempt) {
        let effect = self.run.order.plan.steps[attempt.index].effect;
        if self.run.tries > 0 && effect == EffectClass::Once {
            let last = self
                .history
                .iter()
                .rev()
                .find(|event| matches!(event, Event::Failed { .. } | Event::Probed { .. } | Event::Resolved { .. }));
            let clean = matches!(
                last,
                Some(
                    Event::Failed { applied: Applied::No, .. }
                        | Event::Probed { found: Found::NotApplied | Found::NeverStarted, .. }
                        | Event::Resolved { .. }
                )
            );
            assert!(clean, "sent again on no ground: {last:?}");
        }
    }

    /// What is owed back is what was applied, branch or not, in the order of applying, and nothing else.
    fn check_owed(&mut self, before: &Run, event: &Event) {
        let changes = |step: usize| before.order.plan.steps[step].effect != EffectClass::Read;
        let at = match &before.state {
            State::Trying { attempt, .. } | State::Failed { attempt, .. } => Some((attempt.index, attempt.key.direction)),
            State::Stuck { step, direction, .. } => Some((*step, *direction)),
            State::Ready { .. } | State::Ended { .. } => None,
        };
        let effected = matches!(event, Event::Succeeded { .. })
            || matches!(event, Event::Resolved { resolution: Resolution::MarkApplied, .. })
            || (matches!(event, Event::Probed { found: Found::Applied, .. }) && !matches!(self.run.state, State::Stuck { .. }));
        let begun = matches!(event, Event::Turned { with_current: true, .. } | Event::Branched { with_current: true, .. })
            || (before.touched && matches!(event, Event::Resolved { resolution: Resolution::Undo, .. }));
        match at {
            Some((step, Direction::Do)) if (effected || begun) && changes(step) && !self.owed.contains(&step) => self.owed.push(step),
            Some((step, Direction::Undo)) if effected => self.owed.retain(|owed| *owed != step),
            Some((step, Direction::Undo)) if matches!(event, Event::Resolved { resolution: Resolution::Skip, .. }) => {
                self.owed.retain(|owed| *owed != step);
            }
            _ => {}
        }
        assert_eq!(self.run.applied, self.owed, "after {event:?}");
        let mut branches = self.run.branches.clone();
        branches.sort();
        branches.dedup();
        assert_eq!(branches.len(), self.run.branches.len(), "a branch was taken twice");
    }

    fn check_state(&self) {
        let run = &self.run;
        assert!(run.tries <= ATTEMPTS_MAX && run.starts <= run.tries, "{} starts in {} tries", run.starts, run.tries);
        assert!(run.applied.iter().all(|step| run.order.plan.steps[*step].effect != EffectClass::Read));
        match &run.state {
            State::Ended { how } => {
                assert!(!run.open() && run.due().is_none() && run.effects(second(1_000_000)).is_empty());
                assert!(*how != RunEnd::Undone || (run.applied.is_empty() && !run.left), "undone, and something remains");
                let stops = run.order.rules.iter().any(|rule| rule.on_failure == crate::runbook::OnFailure::Stop);
                assert!(*how != RunEnd::Stopped || stops, "stopped, and no step says so");
            }
            State::Stuck { why, .. } => assert!(!why.is_empty() && run.open()),
            State::Ready { .. } | State::Trying { .. } => assert!(!run.effects(run.due().unwrap()).is_empty()),
            State::Failed { .. } => {}
        }
    }

    pub fn key(&self) -> AttemptKey {
        self.run.attempt().unwrap().0.key.clone()
    }

    pub fn seconds(&self) -> i64 {
        i64::try_from(self.now.since(second(0)).as_secs()).unwrap()
    }

    pub fn wait(&mut self, seconds: i64) {
        self.now = self.now + Span::from_secs(u64::try_from(seconds).unwrap());
    }

    pub fn intend(&mut self) {
        self.decide(Command::Intend { warrant: WarrantId::new(id(60)), epoch: 1 }).unwrap();
    }

    pub fn offer(&mut self) {
        self.intend();
        self.decide(Command::Dispatch { key: self.key(), runner: RUNNER, warrant: digest("warrant") }).unwrap();
    }

    pub fn start(&mut self) {
        self.decide(Command::Start(self.key())).unwrap();
    }

    pub fn succeed(&mut self) {
        self.report(Value::Null);
    }

    pub fn report(&mut self, output: Value) {
        self.decide(Command::Succeed { key: self.key(), output }).unwrap();
    }

    pub fn fail(&mut self, applied: Applied) {
        self.decide(Command::Fail { key: self.key(), applied, why: "it did not".into() }).unwrap();
    }

    pub fn refuse(&mut self) {
        self.decide(Command::Refuse { key: self.key(), code: "expired".into(), why: "too late".into() }).unwrap();
    }

    pub fn probe(&mut self, found: Found) {
        self.decide(Command::Probe { key: self.key(), found, output: Value::Null }).unwrap();
    }

    pub fn tick(&mut self) {
        self.decide(Command::Tick).unwrap();
    }

    /// Offers an attempt of which nothing is heard again.
    pub fn lose(&mut self) {
        self.offer();
        self.wait(80);
        self.tick();
        assert_eq!(self.run.word(), "unknown");
    }

    pub fn resolve(&mut self, resolution: Resolution) {
        self.decide(Command::Resolve { by: person(1), ruling: ruling(resolution) }).unwrap();
    }

    /// The word of the run and what it still has to take back.
    pub fn stands(&self) -> (&'static str, Vec<usize>) {
        (self.run.word(), self.run.applied.clone())
    }
}
