//! What follows: the next attempt, what time brings, and what becomes of a failure — again, a branch, back, stopped, or a
//! named person.

use super::{ATTEMPTS_MAX, Applied, Attempt, AttemptKey, Direction, Event, PICKUP_MAX, Phase, Refusal, Run, RunEnd, State, StepRule};
use crate::catalogue::Inputs;
use crate::digest::Digest;
use crate::id::WarrantId;
use crate::machine::Machine as _;
use crate::plan::{EffectClass, PlannedStep};
use crate::runbook::OnFailure;
use crate::time::Timestamp;

impl Run {
    pub(super) fn intend(&self, warrant: WarrantId, epoch: u64, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let State::Ready { step, direction } = self.state else { return Err(self.wrong("intend")) };
        if self.wait.is_some_and(|wait| now < wait) {
            return Err(self.wrong("intend"));
        }
        let stuck = |why: &str| Ok(vec![Event::GotStuck { why: why.into(), at: now }]);
        if !self.understood() {
            return Ok(vec![self.not_understood(now)]);
        }
        if let Some(end) = self.end(now) {
            return Ok(vec![end]);
        }
        let (Some(planned), Some(rule)) = (self.order.plan.steps.get(step), self.order.rules.get(step)) else {
            return stuck("the plan and its rules do not fit each other");
        };
        if direction == Direction::Do && self.untouched() {
            match condition(planned, &self.outputs) {
                Ok(None) => {}
                Ok(Some(why)) => return Ok(self.concluded(vec![Event::Skipped { step: planned.step.clone(), why, at: now }], now)),
                Err(why) => return stuck(&why),
            }
        }
        if direction == Direction::Do && now >= self.deadline() {
            return stuck("the run's deadline has passed");
        }
        if self.tries >= ATTEMPTS_MAX {
            return stuck("no attempt is left");
        }
        let Some(call) = call_of(planned, direction) else { return stuck("the step has no undo") };
        let Ok(call) = call else { return stuck("the call has no canonical form") };
        let key = AttemptKey { run: self.order.id, step: planned.step.clone(), direction, number: self.next_number() };
        let pickup = match direction {
            Direction::Do => (now + PICKUP_MAX).min(self.deadline()),
            Direction::Undo => now + PICKUP_MAX,
        };
        let deadline = pickup + rule.timeout;
        let (change, bundle, emergency) = (self.order.change, self.order.bundle, self.order.emergency);
        let attempt = Attempt { key, change, bundle, index: step, warrant, epoch, call, pickup, deadline, runner: None, emergency };
        Ok(vec![Event::Intended { attempt, at: now }])
    }

    pub(super) fn tick(&self, now: Timestamp) -> Vec<Event> {
        let (attempt, phase) = match &self.state {
            State::Ready { .. } | State::Trying { phase: Phase::Intended, .. } if !self.understood() => {
                return vec![self.not_understood(now)];
            }
            State::Trying { attempt, phase } => (attempt, phase),
            State::Ready { .. } | State::Failed { .. } | State::Stuck { .. } | State::Ended { .. } => return Vec::new(),
        };
        let first = match phase {
            Phase::Intended if now >= attempt.pickup => Event::Failed { applied: Applied::No, why: self.untaken(), at: now },
            Phase::Dispatched | Phase::Accepted | Phase::Started if now >= attempt.deadline + super::REPORT_GRACE => {
                Event::BecameUnknown { why: "the runner did not report in time".into(), at: now }
            }
            Phase::Unknown if now >= self.since + super::UNKNOWN_MAX => {
                Event::GotStuck { why: "nobody knows whether the step took effect, and the runner does not answer".into(), at: now }
            }
            Phase::Intended | Phase::Dispatched | Phase::Accepted | Phase::Started | Phase::Unknown => return Vec::new(),
        };
        self.concluded(vec![first], now)
    }

    /// Why an attempt on offer came to nothing.
    fn untaken(&self) -> String {
        let wanted = &self.order.plan.runs_on;
        if wanted.is_empty() { "no runner took it in time".into() } else { format!("no runner that carries `{wanted}` took it in time") }
    }

    /// Adds what follows at once from the given events: again, a branch, back, stuck, or over.
    pub(super) fn concluded(&self, mut events: Vec<Event>, now: Timestamp) -> Vec<Event> {
        let mut run = self.clone();
        for event in &events {
            match run.apply(event) {
                Ok(next) => run = next,
                Err(_) => return events,
            }
        }
        if let Some(consequence) = run.consequence(now)
            && let Ok(next) = run.apply(&consequence)
        {
            events.push(consequence);
            events.extend(next.end(now));
        }
        events
    }

    fn consequence(&self, now: Timestamp) -> Option<Event> {
        match &self.state {
            State::Failed { attempt, applied } => Some(self.after_failure(attempt, *applied, now)),
            State::Ready { .. } => self.end(now),
            State::Trying { .. } | State::Stuck { .. } | State::Ended { .. } => None,
        }
    }

    fn end(&self, now: Timestamp) -> Option<Event> {
        self.ending().filter(|_| self.understood()).map(|how| Event::Ended { how, at: now })
    }

    fn not_understood(&self, now: Timestamp) -> Event {
        let why = format!("the run began under semantics version {}, which this engine does not know", self.order.semantics);
        Event::GotStuck { why, at: now }
    }

    fn after_failure(&self, attempt: &Attempt, applied: Applied, now: Timestamp) -> Event {
        if !self.understood() {
            return self.not_understood(now);
        }
        let rule = self.order.rules.get(attempt.index);
        let effect = self.order.plan.steps.get(attempt.index).map_or(EffectClass::Once, |step| step.effect);
        if let Some(rule) = rule
            && self.may_try_again(rule, applied, effect)
            && let Some(due) = self.due_again(rule, attempt.key.direction, now)
        {
            return Event::Retried { due: Some(due).filter(|due| *due > now), at: now };
        }
        let stuck = |why: &str| Event::GotStuck { why: why.into(), at: now };
        let Some(rule) = rule.filter(|_| attempt.key.direction == Direction::Do) else {
            return stuck(if attempt.key.direction == Direction::Undo { "the undo failed" } else { "the step failed" });
        };
        // A read changes nothing, so nothing of it is taken back.
        let with_current = self.touched && effect != EffectClass::Read;
        match &rule.on_failure {
            OnFailure::Stop => Event::Ended { how: RunEnd::Stopped, at: now },
            OnFailure::Undo => Event::Turned { with_current, at: now },
            OnFailure::Person => stuck("the step failed"),
            OnFailure::Goto(branch) if self.may_branch(branch) => Event::Branched { to: branch.clone(), with_current, at: now },
            OnFailure::Goto(branch) => stuck(&format!("the step failed, and the branch `{branch}` is not there or was taken before")),
        }
    }

    /// Starts count against the runbook's budget; dispatches that never started only against [`ATTEMPTS_MAX`].
    fn may_try_again(&self, rule: &StepRule, applied: Applied, effect: EffectClass) -> bool {
        let left = self.starts < u32::from(rule.retry.attempts) && self.tries < ATTEMPTS_MAX;
        left && (!self.begun || rule.retry.covers(applied, effect))
    }

    /// When it may be tried again; none when that is too late to start forwards.
    fn due_again(&self, rule: &StepRule, direction: Direction, now: Timestamp) -> Option<Timestamp> {
        // What no runner began does not wait: the wait is for the target.
        let due = if self.begun { now + rule.retry.wait(self.starts) } else { now };
        let waits = due > now;
        (direction == Direction::Undo || !waits || due < self.deadline()).then_some(due)
    }

    /// Whether a branch can be taken: it is in the plan, and was not taken before.
    pub(super) fn may_branch(&self, branch: &crate::name::BranchName) -> bool {
        self.order.plan.branch(branch).is_some() && !self.branches.contains(branch)
    }

    /// Whether the step was never tried and nobody said that it is to be.
    fn untouched(&self) -> bool {
        self.tries == 0 && self.earlier == 0 && !self.decided
    }
}

/// Why the step is not done, in words; nothing when it is.
fn condition(planned: &PlannedStep, outputs: &crate::runbook::Outputs) -> Result<Option<String>, String> {
    // Conditions on inputs were settled when the plan was made: those that did not hold left the step out of it.
    let none = Inputs::new();
    for condition in &planned.flow.when {
        match condition.holds(&none, outputs) {
            Ok(true) => {}
            Ok(false) => return Ok(Some(format!("it is not so that {condition}"))),
            Err(error) => return Err(format!("{error}, so nobody knows whether step `{}` is to be done", planned.step)),
        }
    }
    Ok(None)
}

fn call_of(planned: &PlannedStep, direction: Direction) -> Option<Result<Digest, crate::digest::DigestError>> {
    match direction {
        Direction::Do => Some(planned.call.digest()),
        Direction::Undo => planned.undo.as_ref().map(crate::plan::ToolCall::digest),
    }
}
