//! Drives one run and watches the promises that hold at every event.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::super::{ATTEMPTS_MAX, Applied, AttemptKey, Command, Direction, Event, Found, Phase, Refusal, Resolution, Run, RunEnd, State};
use crate::id::{RunnerId, WarrantId};
use crate::machine::Machine as _;
use crate::plan::EffectClass;
use crate::sample::{Step, digest, id, order, person, second};
use crate::time::{Span, Timestamp};

pub(super) const RUNNER: RunnerId = RunnerId::new(Uuid::from_u128(61));

pub(super) struct Driver {
    pub run: Run,
    pub history: Vec<Event>,
    pub now: Timestamp,
    intended: BTreeSet<AttemptKey>,
    dispatched: BTreeSet<AttemptKey>,
    started: BTreeSet<AttemptKey>,
}

impl Driver {
    pub fn new(steps: &[Step]) -> Self {
        let history = vec![Event::Begun { order: Box::new(order(steps)) }];
        let (intended, dispatched, started) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { run: Run::begin_of(steps), history, now: second(0), intended, dispatched, started }
    }

    /// Carries out a command; every event must apply, and none may break a promise.
    pub fn decide(&mut self, command: Command) -> Result<usize, Refusal> {
        let events = self.run.decide(command, self.now)?;
        for event in &events {
            self.watch(event);
            self.run = self.run.clone().apply(event).unwrap();
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
                    assert!(self.now < self.run.order.deadline, "started forwards after the deadline");
                }
            }
            (Event::Dispatched { .. }, Some((key, _))) => assert!(self.dispatched.insert(key), "dispatched twice"),
            (Event::Started { .. }, Some((key, _))) => {
                assert!(self.dispatched.contains(&key) && self.started.insert(key), "started twice, or undispatched");
            }
            _ => {}
        }
    }

    fn check_state(&self) {
        let run = &self.run;
        assert!(run.tries <= ATTEMPTS_MAX && run.starts <= run.tries, "{} starts in {} tries", run.starts, run.tries);
        assert!(run.applied.is_sorted_by(|a, b| a < b), "applied out of order: {:?}", run.applied);
        assert!(run.applied.iter().all(|step| run.order.plan.steps[*step].effect != EffectClass::Read));
        match &run.state {
            State::Ended { how } => {
                assert!(!run.open() && run.due().is_none() && run.effects(second(1_000_000)).is_empty());
                assert!(*how != RunEnd::Undone || (run.applied.is_empty() && !run.left), "undone, and something remains");
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
        self.decide(Command::Succeed { key: self.key(), output: Value::Null }).unwrap();
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
        self.decide(Command::Resolve { by: person(1), resolution, reason: "looked".into() }).unwrap();
    }
}
