//! The only way a run changes: one match over state and event.

use std::collections::BTreeMap;

use super::{Applied, Asked, Direction, Event, Found, Phase, Resolution, Run, RunEnd, State};
use crate::machine::{IllegalTransition, Machine as _};
use crate::name::{BranchName, StepName};
use crate::plan::EffectClass;
use crate::runbook::{OnFailure, OnUnknown, Outputs};
use crate::time::Timestamp;

pub(super) fn begin(event: &Event) -> Result<Run, IllegalTransition> {
    if let Event::Begun { order } = event {
        let state = State::Ready { step: order.plan.first(), direction: Direction::Do };
        return Ok(Run {
            since: order.begun,
            order: (**order).clone(),
            applied: Vec::new(),
            tries: 0,
            starts: 0,
            earlier: 0,
            begun: false,
            touched: false,
            left: false,
            branches: Vec::new(),
            outputs: Outputs::new(),
            wait: None,
            decided: false,
            extended: None,
            state,
        });
    }
    Err(IllegalTransition { machine: "run", from: "nothing", event: event.word() })
}

pub(super) fn apply(mut run: Run, event: &Event) -> Result<Run, IllegalTransition> {
    let illegal = IllegalTransition { machine: "run", from: run.word(), event: event.word() };
    let (state, at) = match (run.state.clone(), event) {
        // An attempt of another step, or under a number that was used, is no attempt of this run.
        (State::Ready { .. }, Event::Intended { attempt, at }) if run.expects(attempt) && run.wait.is_none_or(|wait| wait <= *at) => {
            run.tries = run.tries.saturating_add(1);
            run.wait = None;
            run.begun = false;
            (State::Trying { attempt: attempt.clone(), phase: Phase::Intended }, *at)
        }
        (State::Trying { mut attempt, phase: Phase::Intended }, Event::Dispatched { runner, at, .. }) => {
            attempt.runner = Some(*runner);
            (State::Trying { attempt, phase: Phase::Dispatched }, *at)
        }
        (State::Trying { attempt, phase: Phase::Dispatched }, Event::Accepted { at }) => {
            (State::Trying { attempt, phase: Phase::Accepted }, *at)
        }
        (State::Trying { attempt, phase: Phase::Dispatched | Phase::Accepted }, Event::Started { at }) => {
            begin_attempt(&mut run);
            (State::Trying { attempt, phase: Phase::Started }, *at)
        }
        (State::Trying { attempt, phase: Phase::Started | Phase::Unknown }, Event::Succeeded { output, at }) => {
            keep(&mut run, attempt.index, attempt.key.direction, output);
            (succeed(&mut run, attempt.index, attempt.key.direction), *at)
        }
        (
            State::Trying { attempt, phase: Phase::Dispatched | Phase::Accepted | Phase::Started | Phase::Unknown },
            Event::Failed { applied, at, .. },
        ) => {
            // Who reports a failure has begun, whether or not word of the beginning came through.
            begin_attempt(&mut run);
            run.touched |= *applied == Applied::Partly;
            (State::Failed { attempt, applied: *applied }, *at)
        }
        (State::Trying { attempt, phase: Phase::Intended }, Event::Failed { applied: Applied::No, at, .. }) => {
            (State::Failed { attempt, applied: Applied::No }, *at)
        }
        // A runner that refuses once refuses again: a person looks at it.
        (State::Trying { attempt, phase: Phase::Dispatched }, Event::Refused { why, at, .. }) => {
            (stuck(&attempt, &format!("the runner refused: {why}")), *at)
        }
        (State::Trying { attempt, phase: Phase::Dispatched | Phase::Accepted | Phase::Started }, Event::BecameUnknown { at, .. }) => {
            (State::Trying { attempt, phase: Phase::Unknown }, *at)
        }
        (
            State::Trying { attempt, phase: Phase::Dispatched | Phase::Accepted | Phase::Started | Phase::Unknown },
            Event::Probed { found, at, .. },
        ) => (probed(&mut run, attempt, *found), *at),
        (State::Failed { attempt, .. }, event) => failed(&mut run, &attempt, event).ok_or(illegal)?,
        (State::Stuck { .. }, event) => decided(&mut run, event).ok_or(illegal)?,
        (State::Ready { step, direction: Direction::Do }, Event::Skipped { step: name, at, .. }) if run.may_skip(step, name) => {
            (go_on(&mut run, step), *at)
        }
        // What no runner was given has not begun: only an engine that does not know the run gives up on it.
        (State::Trying { attempt, phase: Phase::Intended }, Event::GotStuck { why, at }) => (stuck(&attempt, why), *at),
        (State::Trying { attempt, phase: Phase::Unknown }, Event::GotStuck { why, at }) => {
            run.touched = true;
            (stuck(&attempt, why), *at)
        }
        (State::Ready { step, direction }, Event::GotStuck { why, at }) => {
            (State::Stuck { step, direction, why: why.clone(), asked: None, with: None }, *at)
        }
        // A done run may still be turned: a person takes back what verification did not like.
        (State::Ended { how: RunEnd::Done }, Event::Turned { at, .. }) => (turn(&mut run, 0, false), *at),
        (State::Ready { .. }, Event::Ended { how, at }) if run.ending() == Some(*how) => (State::Ended { how: *how }, *at),
        (_, _) => return Err(illegal),
    };
    run.since = at;
    run.state = state;
    Ok(run)
}

/// What follows a failure; none for what cannot.
fn failed(run: &mut Run, attempt: &super::Attempt, event: &Event) -> Option<(State, Timestamp)> {
    let (step, direction) = (attempt.index, attempt.key.direction);
    Some(match (direction, event) {
        (_, Event::Retried { due, at }) => {
            run.wait = *due;
            (State::Ready { step, direction }, *at)
        }
        (Direction::Do, Event::Branched { to, with_current, at }) if run.may_branch(to) => (branch(run, step, to, *with_current), *at),
        (_, Event::Turned { with_current, at }) => (turn(run, step, *with_current), *at),
        (_, Event::GotStuck { why, at }) => (stuck(attempt, why), *at),
        (_, Event::Ended { how: RunEnd::Stopped, at }) if run.stops_at(attempt) => (State::Ended { how: RunEnd::Stopped }, *at),
        (_, _) => return None,
    })
}

/// What a person decides about a stuck run; none for what cannot be.
fn decided(run: &mut Run, event: &Event) -> Option<(State, Timestamp)> {
    Some(match (run.state.clone(), event) {
        (State::Stuck { step, direction, why, with, .. }, Event::SecondAsked { by, resolution, reason, at }) => {
            let asked = Some(Asked { by: *by, resolution: *resolution, reason: reason.clone() });
            (State::Stuck { step, direction, why, asked, with }, *at)
        }
        (State::Stuck { step, direction, why, .. }, Event::Resolved { resolution: Resolution::HandOver, to: Some(to), at, .. }) => {
            (State::Stuck { step, direction, why, asked: None, with: Some(*to) }, *at)
        }
        (State::Stuck { step, direction, .. }, Event::Resolved { resolution, to: None, at, .. }) if *resolution != Resolution::HandOver => {
            (resolve(run, step, direction, *resolution, *at), *at)
        }
        (_, _) => return None,
    })
}

/// The next step forwards, or the last applied one backwards; past the end it is `Ready` with nothing left to do.
fn succeed(run: &mut Run, index: usize, direction: Direction) -> State {
    match direction {
        Direction::Do => {
            // A read changes nothing, so there is nothing to take back.
            if run.changes(index) {
                run.applied.push(index);
            }
            go_on(run, index)
        }
        Direction::Undo => {
            run.applied.retain(|step| *step != index);
            let next = run.applied.last().copied().unwrap_or(run.order.plan.steps.len());
            fresh(run, next, Direction::Undo)
        }
    }
}

/// A step to be tried from its first attempt; the same step again goes on counting where it was.
fn fresh(run: &mut Run, step: usize, direction: Direction) -> State {
    let again = run.place() == Some((step, direction));
    run.earlier = if again { run.earlier.saturating_add(run.tries) } else { 0 };
    run.touched &= again;
    run.decided &= again;
    run.tries = 0;
    run.starts = 0;
    run.wait = None;
    State::Ready { step, direction }
}

/// The next step of the same way.
fn go_on(run: &mut Run, step: usize) -> State {
    let next = run.order.plan.after(step);
    fresh(run, next, Direction::Do)
}

/// Keeps what later conditions look at.
fn keep(run: &mut Run, index: usize, direction: Direction, report: &serde_json::Value) {
    let Some(planned) = run.order.plan.steps.get(index).filter(|_| direction == Direction::Do) else { return };
    let picked: BTreeMap<_, _> =
        planned.flow.outputs.iter().filter_map(|(name, output)| Some((name.clone(), output.pick(report)?))).collect();
    if !picked.is_empty() {
        run.outputs.insert(planned.step.clone(), picked);
    }
}

fn stuck(attempt: &super::Attempt, why: &str) -> State {
    State::Stuck { step: attempt.index, direction: attempt.key.direction, why: why.into(), asked: None, with: None }
}

/// What the failed step may have changed is taken back with the rest, if the run ever turns.
fn remember(run: &mut Run, current: usize, with_current: bool) {
    if with_current && run.changes(current) && !run.applied.contains(&current) {
        run.applied.push(current);
    }
}

fn branch(run: &mut Run, current: usize, to: &BranchName, with_current: bool) -> State {
    remember(run, current, with_current);
    run.branches.push(to.clone());
    let first = run.order.plan.branch(to).unwrap_or(run.order.plan.steps.len());
    fresh(run, first, Direction::Do)
}

fn turn(run: &mut Run, current: usize, with_current: bool) -> State {
    remember(run, current, with_current);
    let next = run.applied.last().copied().unwrap_or(run.order.plan.steps.len());
    fresh(run, next, Direction::Undo)
}

fn begin_attempt(run: &mut Run) {
    if !run.begun {
        run.starts = run.starts.saturating_add(1);
    }
    run.begun = true;
}

fn probed(run: &mut Run, attempt: super::Attempt, found: Found) -> State {
    let ask_person = run.order.rules.get(attempt.index).is_none_or(|rule| rule.on_unknown == OnUnknown::Person);
    let lost = found == Found::NeverStarted && run.begun;
    if found != Found::NeverStarted {
        begin_attempt(run);
    }
    run.touched |= lost || matches!(found, Found::Applied | Found::Inconclusive);
    match found {
        // Its journal and its word contradict each other: an attempt that was begun is never tried again on such ground.
        Found::NeverStarted if lost => stuck(&attempt, "the runner denies an attempt that it has begun"),
        Found::Applied | Found::NotApplied if ask_person => {
            stuck(&attempt, "nobody knew whether the step took effect, and its runbook asks a person")
        }
        Found::Applied => succeed(run, attempt.index, attempt.key.direction),
        Found::NeverStarted | Found::NotApplied => State::Failed { attempt, applied: Applied::No },
        Found::Inconclusive => stuck(&attempt, "nobody knows whether the step took effect, and looking did not tell"),
    }
}

fn resolve(run: &mut Run, step: usize, direction: Direction, resolution: Resolution, at: Timestamp) -> State {
    match resolution {
        Resolution::Retry => again(run, step, direction),
        Resolution::Continue => {
            run.extended = Some(at + run.order.deadline.since(run.order.begun));
            again(run, step, direction)
        }
        Resolution::MarkNotApplied => {
            run.touched = false;
            again(run, step, direction)
        }
        Resolution::MarkApplied => succeed(run, step, direction),
        Resolution::Skip => {
            run.left |= direction == Direction::Undo || (run.touched && run.changes(step));
            match direction {
                Direction::Do => go_on(run, step),
                Direction::Undo => succeed(run, step, Direction::Undo),
            }
        }
        // What never began has nothing to take back.
        Resolution::Undo => turn(run, step, run.touched),
        // Handing over is settled before this; nothing else leaves everything as it stands.
        Resolution::Abort | Resolution::HandOver => State::Ended { how: RunEnd::Aborted },
    }
}

/// The same step, because a person says so.
fn again(run: &mut Run, step: usize, direction: Direction) -> State {
    run.decided = true;
    fresh(run, step, direction)
}

impl Run {
    /// Whether nothing is left to do in the current direction.
    pub fn finished(&self) -> bool {
        match &self.state {
            State::Ready { step, direction: Direction::Do } => *step >= self.order.plan.steps.len(),
            State::Ready { direction: Direction::Undo, .. } => self.applied.is_empty(),
            State::Ended { .. } => true,
            State::Trying { .. } | State::Failed { .. } | State::Stuck { .. } => false,
        }
    }

    /// How it ends when nothing is left to do; none while something is.
    pub(super) fn ending(&self) -> Option<RunEnd> {
        let State::Ready { direction, .. } = &self.state else { return None };
        let how = match direction {
            Direction::Do => RunEnd::Done,
            // Not everything was taken back, and the record must not say so.
            Direction::Undo if self.left => RunEnd::Aborted,
            Direction::Undo => RunEnd::Undone,
        };
        self.finished().then_some(how)
    }

    /// The number of the next attempt: never one that was used before for this step in this direction.
    pub(super) const fn next_number(&self) -> u32 {
        self.earlier.saturating_add(self.tries).saturating_add(1)
    }

    fn expects(&self, attempt: &super::Attempt) -> bool {
        let key = &attempt.key;
        let ours = key.run == self.order.id && self.place() == Some((attempt.index, key.direction));
        ours && key.number == self.next_number() && !self.finished()
    }

    /// Whether this step stands under a condition and was not begun.
    fn may_skip(&self, step: usize, name: &StepName) -> bool {
        let conditional = self.order.plan.steps.get(step).is_some_and(|step| step.step == *name && !step.flow.when.is_empty());
        conditional && self.tries == 0 && self.earlier == 0
    }

    /// Whether the runbook says to stop when this attempt fails.
    fn stops_at(&self, attempt: &super::Attempt) -> bool {
        let rule = self.order.rules.get(attempt.index);
        attempt.key.direction == Direction::Do && rule.is_some_and(|rule| rule.on_failure == OnFailure::Stop)
    }

    /// The step that it is at.
    fn place(&self) -> Option<(usize, Direction)> {
        match &self.state {
            State::Ready { step, direction } | State::Stuck { step, direction, .. } => Some((*step, *direction)),
            State::Trying { attempt, .. } | State::Failed { attempt, .. } => Some((attempt.index, attempt.key.direction)),
            State::Ended { .. } => None,
        }
    }

    /// Whether a step changes anything; a read does not, so nothing of it is taken back.
    fn changes(&self, step: usize) -> bool {
        self.order.plan.steps.get(step).is_some_and(|step| step.effect != EffectClass::Read)
    }

    /// Since when the run has been where it is.
    pub fn since(&self) -> Timestamp {
        self.since
    }
}
