//! Rehearsals: a runbook run by the real state machine, with a clock that nobody waits for and fakes in place of the runner.
//!
//! Nothing of a run is written a second time here. [`Run::effects`] says what is owed, [`Run::decide`] what a message leads to, and
//! only events change the run; a rehearsal plays the engine's loop around it, and [`Fakes`] say what a runner would have reported.

mod case;
mod cover;
mod decision;
mod fake;
mod form;
mod part;
mod plan;
mod read;
#[cfg(test)]
mod tests;
mod trail;

use std::collections::VecDeque;

use lineclear_core::catalogue::{Inputs, Risk};
use lineclear_core::machine::{IllegalTransition, Machine as _, fold};
use lineclear_core::name::StepName;
use lineclear_core::permission::Lack;
use lineclear_core::run::{
    Attempt, AttemptKey, Command, Effect, Event, Order, Override, Phase, REPORT_GRACE, Refusal, Resolution, Run, RunEnd, SEMANTICS, State,
    UNKNOWN_MAX,
};
use lineclear_core::runbook::{RenderError, Runbook};
use lineclear_core::topology::EntityRef;
use lineclear_core::{ChangeId, Digest, OperatorId, RunId, RunnerId, Span, Timestamp, WarrantId};
use uuid::Uuid;

pub use case::{Expected as Ending, Test};
pub(crate) use cover::rehearsed;
pub use cover::unrehearsed;
pub use decision::Decision;
use fake::FakeRunner;
pub use fake::{Answer, Fakes, Look, Reply, Script};
pub(crate) use form::schema;
pub use part::{Part, Role};
pub(crate) use plan::plan;
pub(crate) use read::{read, targets};
pub use trail::{End, Trail};

/// How far the clock goes with each message: less than any timeout, so that only what is said to be late is late.
const BEAT: Span = Span::from_millis(1);
/// Most messages and effects of one rehearsal: 32 steps there and back, each tried often, stay below.
const BEATS_MAX: usize = 4_000;
/// Who decides, in a rehearsal, and who else where a second person has to.
const PEOPLE: [OperatorId; 2] = [OperatorId::new(Uuid::from_u128(1)), OperatorId::new(Uuid::from_u128(6))];
/// Who acts, in a rehearsal.
const RUNNER: RunnerId = RunnerId::new(Uuid::from_u128(2));

/// Why a rehearsal cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RehearsalError {
    /// A call of the runbook cannot be filled in.
    #[error("`{at}`: {source}")]
    Render {
        /// Where.
        at: String,
        /// Why.
        source: RenderError,
    },
    /// A call needs what the runbook's permissions do not give with these inputs.
    #[error("step `{step}`: `permissions` do not give it {lack}")]
    Exceeds {
        /// Which step.
        step: StepName,
        /// What it lacks.
        lack: Lack,
    },
    /// Something is asked more often than its fake has answers.
    #[error("`{part}` is asked once more than its fake has answers: {answers}")]
    Unscripted {
        /// What was asked.
        part: Part,
        /// How many answers there are.
        answers: usize,
    },
    /// The machine refused what the engine would have asked of it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// An event of the machine's own does not apply to it.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// A message that was taken already led to something again.
    #[error("`{0}` led to something a second time")]
    Twice(&'static str),
    /// It has no end.
    #[error("it has not ended after {BEATS_MAX} messages")]
    Endless,
}

/// A runbook on the way, with everything that a control plane and a runner would hold.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    run: Run,
    /// What was committed, one transaction after the other.
    commits: Vec<Vec<Event>>,
    runner: FakeRunner,
    /// A warrant that was made out and is still on its way.
    envelope: Option<Attempt>,
    /// Reports that are still on their way.
    mail: VecDeque<Command>,
    people: VecDeque<Decision>,
    now: Timestamp,
    twice: bool,
}

impl Rehearsal {
    /// Begins a run of the runbook.
    ///
    /// # Errors
    /// When a call cannot be filled in from these inputs.
    pub fn begin(
        runbook: &Runbook,
        target: &EntityRef,
        inputs: &Inputs,
        fakes: Fakes,
        people: &[Decision],
    ) -> Result<Self, RehearsalError> {
        let begun = Timestamp::from_micros(0);
        let plan = plan::plan(runbook, target, inputs, begun)?;
        let rules = plan.steps.iter().filter_map(|planned| plan::rule(runbook, planned)).collect();
        let order = Order {
            id: RunId::new(Uuid::from_u128(3)),
            change: ChangeId::new(Uuid::from_u128(4)),
            bundle: Digest::of(b"rehearsal"),
            plan,
            rules,
            begun,
            deadline: begun + runbook.deadline,
            semantics: SEMANTICS,
            // The strictest: where an override needs a second person, it gets one here.
            risk: Risk::High,
            emergency: None,
        };
        let first = Event::Begun { order: Box::new(order) };
        Ok(Self {
            run: Run::begin(&first)?,
            commits: vec![vec![first]],
            runner: FakeRunner::new(fakes),
            envelope: None,
            mail: VecDeque::new(),
            people: people.iter().copied().collect(),
            now: begun,
            twice: false,
        })
    }

    /// The same with everything performed and said twice, which must lead to nothing a second time.
    #[must_use]
    pub fn twice(mut self) -> Self {
        self.twice = true;
        self
    }

    /// The same after the control plane died: what it had committed is folded again, and what was on its way is lost. The runner
    /// lives on with its journal.
    ///
    /// # Errors
    /// When the committed events do not fold.
    pub fn killed(&self) -> Result<Self, RehearsalError> {
        let run = fold::<Run>(self.commits.iter().flatten())?.unwrap_or_else(|| self.run.clone());
        Ok(Self { run, envelope: None, mail: VecDeque::new(), ..self.clone() })
    }

    /// Goes on by one message or effect; false when nothing is owed any more.
    ///
    /// # Errors
    /// See [`RehearsalError`].
    pub fn step(&mut self) -> Result<bool, RehearsalError> {
        self.now = self.now + BEAT;
        if let Some(attempt) = self.envelope.take() {
            let mail = self.runner.take(&attempt, self.run.order.plan.steps.get(attempt.index))?;
            self.mail.extend(mail);
            return Ok(true);
        }
        if let Some(message) = self.mail.pop_front() {
            return self.hear(&message);
        }
        match self.run.effects(self.now).into_iter().next() {
            Some(Effect::Intend) => self.commit(&Command::Intend { warrant: WarrantId::new(Uuid::from_u128(5)), epoch: 1 }),
            Some(Effect::Offer(attempt)) => self.offer(attempt),
            Some(Effect::Ask(attempt)) => self.ask(&attempt),
            Some(Effect::Tick) => self.commit(&Command::Tick),
            None => self.wait(),
        }
    }

    /// Goes on to the end.
    ///
    /// # Errors
    /// See [`RehearsalError`].
    pub fn finish(mut self) -> Result<Self, RehearsalError> {
        for _ in 0..BEATS_MAX {
            if !self.step()? {
                return Ok(self);
            }
        }
        Err(RehearsalError::Endless)
    }

    /// The machine itself.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Every transaction so far, the first one being the beginning.
    pub fn commits(&self) -> &[Vec<Event>] {
        &self.commits
    }

    /// What has happened so far.
    ///
    /// # Errors
    /// When the committed events do not fold.
    pub fn trail(&self) -> Result<Trail, RehearsalError> {
        Ok(Trail::of(self.commits.iter().flatten())?)
    }

    /// Every attempt that a tool was called for, in order.
    pub fn calls(&self) -> &[AttemptKey] {
        self.runner.calls()
    }

    /// The fakes that were never asked for, or not to their end; with how many of their answers were.
    pub fn left_over(&self) -> Vec<(Part, usize)> {
        self.runner.left_over()
    }

    /// Decisions that nobody asked for.
    pub fn undecided(&self) -> usize {
        self.people.len()
    }

    fn commit(&mut self, command: &Command) -> Result<bool, RehearsalError> {
        let events = self.run.decide(command.clone(), self.now)?;
        for event in &events {
            self.run = self.run.clone().apply(event)?;
        }
        let moved = !events.is_empty();
        if moved {
            self.commits.push(events);
        }
        if self.twice && moved && self.run.decide(command.clone(), self.now).is_ok_and(|again| !again.is_empty()) {
            return Err(RehearsalError::Twice(word(command)));
        }
        Ok(true)
    }

    /// A report: what is late or repeated is dropped, as the engine drops it.
    fn hear(&mut self, message: &Command) -> Result<bool, RehearsalError> {
        for _ in 0..=usize::from(self.twice) {
            match self.commit(message) {
                Ok(_) | Err(RehearsalError::Refused(Refusal::OtherAttempt { .. } | Refusal::WrongState { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn offer(&mut self, attempt: Attempt) -> Result<bool, RehearsalError> {
        if self.runner.passes_by(&attempt)? {
            self.now = attempt.pickup;
            return Ok(true);
        }
        let key = attempt.key.clone();
        self.commit(&Command::Dispatch { key, runner: RUNNER, warrant: Digest::of(b"warrant") })?;
        self.envelope = Some(attempt);
        Ok(true)
    }

    fn ask(&mut self, attempt: &Attempt) -> Result<bool, RehearsalError> {
        let unknown = self.run.attempt().is_some_and(|(_, phase)| phase == Phase::Unknown);
        let step = self.run.order.plan.steps.get(attempt.index);
        if let Some(message) = self.runner.ask(attempt, step, unknown)? {
            return self.hear(&message);
        }
        // Nobody answers, so the next thing that happens is that time runs out.
        let until = if unknown { self.run.since() + UNKNOWN_MAX } else { attempt.deadline + REPORT_GRACE };
        self.now = self.now.max(until);
        Ok(true)
    }

    /// Nothing is owed now: it is owed later, or a person decides, or this is the end.
    fn wait(&mut self) -> Result<bool, RehearsalError> {
        if let Some(due) = self.run.due() {
            self.now = self.now.max(due);
            return Ok(true);
        }
        let command = match (&self.run.state, self.people.front()) {
            (State::Stuck { .. }, Some(Decision::Resolve(resolution))) => return self.resolve(*resolution),
            (State::Ended { how: RunEnd::Done }, Some(Decision::TakeBack)) => Command::TakeBack,
            (_, _) => return Ok(false),
        };
        self.people.pop_front();
        self.commit(&command)
    }

    /// A person decides, and a second one too where one is needed.
    fn resolve(&mut self, resolution: Resolution) -> Result<bool, RehearsalError> {
        self.people.pop_front();
        let [first, second] = PEOPLE;
        let ruling = Override::new(resolution, "rehearsed");
        let ruling = match resolution {
            Resolution::MarkApplied => ruling.seen("rehearsed"),
            Resolution::HandOver => ruling.to(second),
            Resolution::Retry
            | Resolution::MarkNotApplied
            | Resolution::Skip
            | Resolution::Continue
            | Resolution::Undo
            | Resolution::Abort => ruling,
        };
        self.commit(&Command::Resolve { by: first, ruling: ruling.clone() })?;
        if let State::Stuck { asked: Some(_), .. } = &self.run.state {
            self.commit(&Command::Resolve { by: second, ruling })?;
        }
        Ok(true)
    }
}

/// One word for messages about it.
const fn word(command: &Command) -> &'static str {
    match command {
        Command::Intend { .. } => "intend",
        Command::Dispatch { .. } => "dispatch",
        Command::Accept(_) => "accept",
        Command::Start(_) => "start",
        Command::Refuse { .. } => "refuse",
        Command::Succeed { .. } => "succeed",
        Command::Fail { .. } => "fail",
        Command::Probe { .. } => "probe",
        Command::Lose { .. } => "lose",
        Command::Tick => "tick",
        Command::Resolve { .. } => "resolve",
        Command::TakeBack => "take back",
    }
}
