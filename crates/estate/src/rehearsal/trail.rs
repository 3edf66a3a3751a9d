//! What a run went through, read from its events: which steps it reached, what was taken back, and where it ended.

use std::fmt;

use lineclear_core::machine::{IllegalTransition, Machine as _};
use lineclear_core::name::StepName;
use lineclear_core::run::{Applied, Attempt, AttemptKey, Direction, Event, Found, Resolution, Run, RunEnd, State};

use super::decision::decided;
use super::part::Part;

/// Where a run ended, or waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Every step was applied.
    Done,
    /// Everything that was applied was taken back.
    Undone,
    /// A person left it as it stands.
    Aborted,
    /// A step failed, and its runbook says that nothing more is done then.
    Stopped,
    /// It waits for a person.
    Stuck {
        /// At which call.
        at: Part,
    },
    /// It is still on its way.
    Open,
}

/// What a run went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// The steps that were tried forwards, in order; one that is tried again at once counts once.
    pub reached: Vec<StepName>,
    /// The steps whose undo took effect, in order.
    pub undone: Vec<StepName>,
    /// Where it ended.
    pub end: End,
    /// Each event in a few words, for people.
    pub log: Vec<String>,
}

impl Trail {
    pub(super) fn of<'a>(events: impl Iterator<Item = &'a Event>) -> Result<Self, IllegalTransition> {
        let (mut reached, mut undone, mut log) = (Vec::new(), Vec::new(), Vec::new());
        let (mut live, mut last): (Option<Run>, Option<AttemptKey>) = (None, None);
        for event in events {
            if let Event::Intended { attempt, .. } = event {
                let again = last.replace(attempt.key.clone()).is_some_and(|last| continues(&last, &attempt.key));
                if attempt.key.direction == Direction::Do && !again {
                    reached.push(attempt.key.step.clone());
                }
            }
            log.extend(words(event));
            let next = match live {
                None => Run::begin(event)?,
                Some(run) => {
                    let before = run.applied.clone();
                    let next = run.apply(event)?;
                    let step = before.iter().find(|step| !next.applied.contains(step)).filter(|_| !skips(event));
                    undone.extend(step.and_then(|step| next.order.plan.steps.get(*step)).map(|step| step.step.clone()));
                    next
                }
            };
            live = Some(next);
        }
        Ok(Self { reached, undone, end: live.as_ref().map_or(End::Open, End::of), log })
    }
}

/// Whether one attempt follows another at the same place.
fn continues(last: &AttemptKey, next: &AttemptKey) -> bool {
    last.step == next.step && last.direction == next.direction && last.number < next.number
}

/// Whether a person let go of a step without taking it back.
fn skips(event: &Event) -> bool {
    if let Event::Resolved { resolution, .. } = event { *resolution == Resolution::Skip } else { false }
}

/// An event in a few words; none for those that say nothing of their own.
fn words(event: &Event) -> Option<String> {
    Some(match event {
        Event::Intended { attempt: Attempt { key, .. }, .. } => {
            format!("`{}` is tried, attempt {}", Part { step: key.step.clone(), role: key.direction.into() }, key.number)
        }
        Event::Failed { applied: Applied::No, why, .. } => format!("failed, nothing was changed: {why}"),
        Event::Failed { applied: Applied::Partly, why, .. } => format!("failed, something may have been changed: {why}"),
        Event::Refused { why, .. } => format!("refused: {why}"),
        Event::BecameUnknown { why, .. } => format!("unknown: {why}"),
        Event::GotStuck { why, .. } => format!("stuck: {why}"),
        Event::Probed { found: Found::NeverStarted, .. } => "the runner never began".into(),
        Event::Probed { found: Found::Applied, .. } => "a look: it took effect".into(),
        Event::Probed { found: Found::NotApplied, .. } => "a look: it took no effect".into(),
        Event::Probed { found: Found::Inconclusive, .. } => "a look: nobody can tell".into(),
        Event::Resolved { resolution, .. } => format!("a person: {}", decided(*resolution)),
        Event::Succeeded { .. } => "succeeded".into(),
        Event::Retried { .. } => "it is tried again".into(),
        Event::Turned { .. } => "what was done is taken back".into(),
        Event::Ended { how: RunEnd::Done, .. } => "done".into(),
        Event::Ended { how: RunEnd::Undone, .. } => "undone".into(),
        Event::Ended { how: RunEnd::Aborted, .. } => "aborted".into(),
        Event::Ended { how: RunEnd::Stopped, .. } => "stopped".into(),
        Event::Skipped { step, why, .. } => format!("`{step}` is not done: {why}"),
        Event::Branched { to, .. } => format!("it goes on with branch `{to}`"),
        Event::SecondAsked { resolution, .. } => format!("a person: {}, and a second one has to say so too", decided(*resolution)),
        Event::Begun { .. } | Event::Dispatched { .. } | Event::Accepted { .. } | Event::Started { .. } => return None,
    })
}

impl End {
    fn of(run: &Run) -> Self {
        match &run.state {
            State::Ended { how: RunEnd::Done } => Self::Done,
            State::Ended { how: RunEnd::Undone } => Self::Undone,
            State::Ended { how: RunEnd::Aborted } => Self::Aborted,
            State::Ended { how: RunEnd::Stopped } => Self::Stopped,
            State::Stuck { step, direction, .. } => match run.order.plan.steps.get(*step) {
                Some(planned) => Self::Stuck { at: Part { step: planned.step.clone(), role: (*direction).into() } },
                None => Self::Open,
            },
            State::Ready { .. } | State::Trying { .. } | State::Failed { .. } => Self::Open,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Undone => f.write_str("undone"),
            Self::Aborted => f.write_str("aborted"),
            Self::Stopped => f.write_str("stopped"),
            Self::Stuck { at } => write!(f, "stuck at `{at}`"),
            Self::Open => f.write_str("on its way"),
        }
    }
}

/// The end, the way there, and the way back, in one line.
pub(super) fn told(end: &End, reached: &[StepName], undone: &[StepName]) -> String {
    let list = |steps: &[StepName]| match steps {
        [] => "nothing".into(),
        steps => steps.iter().map(|step| format!("`{step}`")).collect::<Vec<_>>().join(", "),
    };
    format!("{end}; reached {}; took back {}", list(reached), list(undone))
}

impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told(&self.end, &self.reached, &self.undone))
    }
}
