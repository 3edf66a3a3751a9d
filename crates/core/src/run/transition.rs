//! The only way a run changes: one match over state and event.

use super::{Applied, Direction, Event, Found, Phase, Resolution, Run, RunEnd, State};
use crate::machine::{IllegalTransition, Machine as _};
use crate::plan::EffectClass;
use crate::runbook::OnUnknown;
use crate::time::Timestamp;

pub(super) fn begin(event: &Event) -> Result<Run, IllegalTransition> {
    if let Event::Begun { order } = event {
        let state = State::Ready { step: 0, direction: Direction::Do };
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
            state,
        });
    }
    Err(IllegalTransition { machine: "run", from: "nothing", event: event.word() })
}

pub(super) fn apply(mut run: Run, event: &Event) -> Result<Run, IllegalTransition> {
    let illegal = IllegalTransition { machine: "run", from: run.word(), event: event.word() };
    let (state, at) = match (run.state.clone(), event) {
        // An attempt of another step, or under a number that was used, is no attempt of this run.
        (State::Ready { .. }, Event::Intended { attempt, at }) if run.expects(attempt) => {
            run.tries = run.tries.saturating_add(1);
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
        (State::Trying { attempt, phase: Phase::Started | Phase::Unknown }, Event::Succeeded { at, .. }) => {
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
            (State::Stuck { step: attempt.index, direction: attempt.key.direction, why: format!("the runner refused: {why}") }, *at)
        }
        (State::Trying { attempt, phase: Phase::Dispatched | Phase::Accepted | Phase::Started }, Event::BecameUnknown { at, .. }) => {
            (State::Trying { attempt, phase: Phase::Unknown }, *at)
        }
        (
            State::Trying { attempt, phase: Phase::Dispatched | Phase::Accepted | Phase::Started | Phase::Unknown },
            Event::Probed { found, at, .. },
        ) => (probed(&mut run, attempt, *found), *at),
        (State::Failed { attempt, .. }, Event::Retried { at }) => {
            (State::Ready { step: attempt.index, direction: attempt.key.direction }, *at)
        }
        (State::Failed { attempt, .. }, Event::Turned { with_current, at }) => (turn(&mut run, attempt.index, *with_current), *at),
        (State::Failed { attempt, .. }, Event::GotStuck { why, at }) => {
            (State::Stuck { step: attempt.index, direction: attempt.key.direction, why: why.clone() }, *at)
        }
        (State::Trying { attempt, phase: Phase::Unknown }, Event::GotStuck { why, at }) => {
            run.touched = true;
            (State::Stuck { step: attempt.index, direction: attempt.key.direction, why: why.clone() }, *at)
        }
        (State::Ready { step, direction }, Event::GotStuck { why, at }) => (State::Stuck { step, direction, why: why.clone() }, *at),
        (State::Stuck { step, direction, .. }, Event::Resolved { resolution, at, .. }) => {
            (resolve(&mut run, step, direction, *resolution), *at)
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

/// The next step forwards, or the last applied one backwards; past the end it is `Ready` with nothing left to do.
fn succeed(run: &mut Run, index: usize, direction: Direction) -> State {
    match direction {
        Direction::Do => {
            // A read changes nothing, so there is nothing to take back.
            if run.changes(index) {
                run.applied.push(index);
            }
            fresh(run, index + 1, Direction::Do)
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
    run.tries = 0;
    run.starts = 0;
    State::Ready { step, direction }
}

fn turn(run: &mut Run, current: usize, with_current: bool) -> State {
    if with_current && run.changes(current) && !run.applied.contains(&current) {
        run.applied.push(current);
    }
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
    let stuck =
        |attempt: super::Attempt, why: &str| State::Stuck { step: attempt.index, direction: attempt.key.direction, why: why.into() };
    let ask_person = run.order.rules.get(attempt.index).is_none_or(|rule| rule.on_unknown == OnUnknown::Person);
    let lost = found == Found::NeverStarted && run.begun;
    if found != Found::NeverStarted {
        begin_attempt(run);
    }
    run.touched |= lost || matches!(found, Found::Applied | Found::Inconclusive);
    match found {
        // Its journal and its word contradict each other: an attempt that was begun is never tried again on such ground.
        Found::NeverStarted if lost => stuck(attempt, "the runner denies an attempt that it has begun"),
        Found::Applied | Found::NotApplied if ask_person => {
            stuck(attempt, "nobody knew whether the step took effect, and its runbook asks a person")
        }
        Found::Applied => succeed(run, attempt.index, attempt.key.direction),
        Found::NeverStarted | Found::NotApplied => State::Failed { attempt, applied: Applied::No },
        Found::Inconclusive => stuck(attempt, "nobody knows whether the step took effect, and looking did not tell"),
    }
}

fn resolve(run: &mut Run, step: usize, direction: Direction, resolution: Resolution) -> State {
    match resolution {
        Resolution::Retry => fresh(run, step, direction),
        Resolution::MarkNotApplied => {
            run.touched = false;
            fresh(run, step, direction)
        }
        Resolution::MarkApplied => succeed(run, step, direction),
        Resolution::Skip => {
            run.left |= direction == Direction::Undo || (run.touched && run.changes(step));
            match direction {
                Direction::Do => fresh(run, step + 1, Direction::Do),
                Direction::Undo => succeed(run, step, Direction::Undo),
            }
        }
        // What never began has nothing to take back.
        Resolution::Undo => turn(run, step, run.touched),
        Resolution::Abort => State::Ended { how: RunEnd::Aborted },
    }
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
