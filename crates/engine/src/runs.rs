//! What is owed to a run, and what runners say about it.

use std::sync::Arc;

use lineclear_core::change::{self, Change};
use lineclear_core::machine::Machine as _;
use lineclear_core::posture::Posture;
use lineclear_core::record::Stream;
use lineclear_core::run::{ASK_EVERY, Attempt, AttemptKey, Command, Direction, Effect, Override, Phase, Refusal, Run, RunEnd, State};
use lineclear_core::runner::Runner;
use lineclear_core::situation::Actor;
use lineclear_core::{ChangeId, RunId, RunnerId, Span, WarrantId};
use lineclear_warrant::{Answer, Knowledge, Poll, Report, Work};

use crate::desk::{POLL_WAIT, Paper, Whom};
use crate::engine::{CONFLICTS_MAX, Inner};
use crate::gather::Ground;
use crate::history::{Draft, Loaded};
use crate::pulse::Outcome;
use crate::roster::LOST_AFTER;
use crate::{Caller, Engine, EngineError};

/// How often an attempt on offer is laid on the desk again, in case a runner took it and vanished.
const OFFER_EVERY: Span = Span::from_secs(2);

impl Inner {
    pub(crate) async fn perform_run(self: &Arc<Self>, id: RunId) -> Result<Outcome, EngineError> {
        let loaded = self.need::<Run>(Stream::Run(id)).await?;
        let now = self.now();
        let Some(effect) = loaded.machine.effects(now).into_iter().next() else {
            return Ok(Outcome::Waits(loaded.machine.due().unwrap_or(now + Span::from_secs(60)).max(now)));
        };
        match effect {
            // Stopped means stopped, also between two steps; what takes back goes on.
            Effect::Intend if self.stopped(&loaded.machine).await? => Ok(Outcome::Waits(now + OFFER_EVERY)),
            Effect::Intend => {
                let command = Command::Intend { warrant: WarrantId::new(self.ids.number()), epoch: self.epoch };
                self.step(&loaded, command, Actor::Engine).await?;
                Ok(Outcome::Moved)
            }
            Effect::Offer(attempt) => {
                self.desk.offer(loaded.machine.order.plan.runs_on.clone(), attempt);
                Ok(Outcome::Waits(now + OFFER_EVERY))
            }
            Effect::Ask(attempt) => self.ask(&loaded, attempt).await,
            Effect::Tick => {
                self.step(&loaded, Command::Tick, Actor::Engine).await?;
                Ok(Outcome::Moved)
            }
        }
    }

    /// Whether nothing may be started forwards now.
    pub(crate) async fn stopped(&self, run: &Run) -> Result<bool, EngineError> {
        Ok(run.direction() == Direction::Do && self.installation().await?.machine.posture == Posture::Stopped)
    }

    /// Decides a command on a run and commits what follows, the end of its change's running included.
    pub(crate) async fn step(&self, loaded: &Loaded<Run>, command: Command, by: Actor) -> Result<(), EngineError> {
        self.step_while(loaded, command, by, None).await
    }

    /// The same, as long as a runner is what it was when it was looked at.
    pub(crate) async fn step_while(
        &self,
        loaded: &Loaded<Run>,
        command: Command,
        by: Actor,
        runner: Option<&Loaded<Runner>>,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let events = loaded.machine.decide(command, now)?;
        let mut draft = Draft::new(&*self.ids, by, now);
        if let Some(runner) = runner {
            draft.guard(runner);
        }
        let run = draft.extend(loaded, events)?;
        if let (State::Ended { how }, true) = (&run.state, loaded.machine.open()) {
            self.draft_end(&mut draft, run.order.change, *how).await?;
            self.draft_leave(&mut draft, &run).await?;
        }
        self.commit(draft).await?;
        Ok(())
    }

    async fn draft_end(&self, draft: &mut Draft<'_>, change: ChangeId, how: RunEnd) -> Result<(), EngineError> {
        let change = self.need::<Change>(Stream::Change(change)).await?;
        let force = self.version_of(&change.machine).await?;
        let soak = Ground::of(&force.estate, &change.machine)?.runbook.map_or(Span::ZERO, |runbook| runbook.verification.soak);
        let events = change.machine.decide(change::Command::EndRun { how, soak }, self.now())?;
        draft.extend(&change, events).map(drop)
    }

    /// Asks the runner what became of an attempt that it holds, or held before a crash.
    async fn ask(self: &Arc<Self>, loaded: &Loaded<Run>, attempt: Attempt) -> Result<Outcome, EngineError> {
        let key = attempt.key.clone();
        let question = |question| Work::Ask { question, attempt: key.clone(), warrant: attempt.warrant };
        let rest = Outcome::Waits(self.now() + ASK_EVERY);
        let Some(holder) = attempt.runner else { return Ok(rest) };
        // Nobody is asked who is not there: what they hold is unknown until they come back, and never handed out by guess.
        if self.roster.lost(holder) {
            let why = format!("runner `{holder}` has been silent for {} seconds, or was revoked", LOST_AFTER.as_secs());
            let unknown = matches!(loaded.machine.attempt(), Some((_, Phase::Unknown)));
            return match self.step(loaded, Command::Lose { key: attempt.key, why }, Actor::Engine).await {
                Ok(()) if unknown => Ok(rest),
                Ok(()) => Ok(Outcome::Moved),
                Err(EngineError::Run(_)) => Ok(rest),
                Err(error) => Err(error),
            };
        }
        let Ok(Answer::Known { known, .. }) = self.desk.ask(Whom::Runner(holder), question).await else { return Ok(rest) };
        let command = match known {
            Knowledge::UnderWay => return Ok(rest),
            Knowledge::Found { found, output } => Command::Probe { key: attempt.key, found, output },
            Knowledge::Reported { report } => match command_of(report) {
                Some(command) => command,
                None => return Ok(rest),
            },
        };
        match self.step(loaded, command, Actor::Engine).await {
            Ok(()) => Ok(Outcome::Moved),
            // The runner's own report came meanwhile.
            Err(EngineError::Run(_)) => Ok(rest),
            Err(error) => Err(error),
        }
    }
}

fn attempt_of(report: &Report) -> Option<&AttemptKey> {
    match report {
        Report::Accepted { attempt } | Report::Started { attempt } | Report::Succeeded { attempt, .. } | Report::Failed { attempt, .. } => {
            Some(attempt)
        }
        Report::Refused { attempt, .. } => attempt.as_ref(),
    }
}

fn command_of(report: Report) -> Option<Command> {
    Some(match report {
        Report::Accepted { attempt } => Command::Accept(attempt),
        Report::Started { attempt } => Command::Start(attempt),
        Report::Succeeded { attempt, output } => Command::Succeed { key: attempt, output },
        Report::Failed { attempt, applied, why } => Command::Fail { key: attempt, applied, why },
        Report::Refused { attempt, code, why } => Command::Refuse { key: attempt?, code, why },
    })
}

impl Engine {
    /// A runner asks for work and waits a while for it.
    ///
    /// # Errors
    /// When the runner is not enrolled, or was revoked, or shows a head that is not of this ledger.
    pub async fn poll(&self, poll: Poll) -> Result<Work, EngineError> {
        let inner = &self.inner;
        inner.admit(poll.runner).await?;
        let head = inner.seen(poll.head.as_ref()).await?;
        inner.roster.heard(poll.runner, inner.now(), None, head);
        let until = tokio::time::Instant::now() + POLL_WAIT;
        loop {
            let news = inner.desk.news();
            // A person may have drained or revoked it while it waited.
            let standing = inner.roster.standing(poll.runner).ok_or(EngineError::UnknownRunner(poll.runner))?;
            if inner.roster.stops(poll.runner) {
                return Ok(Work::Nothing);
            }
            while let Some(paper) = inner.desk.take(poll.runner, &standing) {
                match paper {
                    Paper::Question(work) => return Ok(work),
                    Paper::Attempt(attempt) => {
                        if let Some(envelope) = inner.make_out(&poll, &attempt).await? {
                            return Ok(Work::Act { envelope });
                        }
                    }
                }
            }
            if tokio::time::timeout_at(until, news).await.is_err() {
                return Ok(Work::Nothing);
            }
        }
    }

    /// A runner reports on a warrant.
    ///
    /// # Errors
    /// When the store fails. A late or repeated report is no error; it changes nothing.
    pub async fn report(&self, runner: RunnerId, report: Report) -> Result<(), EngineError> {
        let Some(key) = attempt_of(&report).cloned() else {
            tracing::warn!(runner.id = %runner, ?report, "a runner refused something that was no warrant");
            return Ok(());
        };
        let Some(command) = command_of(report) else { return Ok(()) };
        for _ in 0..CONFLICTS_MAX {
            let Some(loaded) = self.inner.load::<Run>(Stream::Run(key.run)).await? else { return Ok(()) };
            let holder = loaded.machine.attempt().and_then(|(attempt, _)| attempt.runner);
            if holder != Some(runner) {
                return Ok(());
            }
            match self.inner.step(&loaded, command.clone(), Actor::Engine).await {
                Err(EngineError::Busy(_)) => {}
                Err(EngineError::Run(Refusal::OtherAttempt { .. } | Refusal::WrongState { .. })) => return Ok(()),
                other => return other,
            }
        }
        Err(EngineError::Busy(Stream::Run(key.run)))
    }

    /// A runner answers a question. An answer that comes too late is dropped.
    ///
    /// # Errors
    /// When it may not speak, or somebody else was asked: nobody answers for another.
    pub fn answer(&self, runner: RunnerId, answer: Answer) -> Result<(), EngineError> {
        if self.inner.roster.standing(runner).is_none() {
            return Err(EngineError::UnknownRunner(runner));
        }
        if self.inner.desk.answer(runner, answer) {
            return Ok(());
        }
        tracing::warn!(runner.id = %runner, "a runner answered what it was not asked");
        Err(EngineError::NotAsked(runner))
    }

    /// A person decides about a stuck run: an override, recorded with its reason. On high risk some of them only ask, until a
    /// second person asks for the same.
    ///
    /// # Errors
    /// When the run is not stuck, when no reason is given, or when what this override needs is not given: evidence, somebody who
    /// is known here, another person.
    pub async fn resolve(&self, caller: &Caller, change: ChangeId, ruling: Override) -> Result<(), EngineError> {
        self.known(caller)?;
        let by = caller.person()?;
        if let Some(to) = &ruling.to
            && !self.estate().directory.operators.contains_key(to)
        {
            return Err(EngineError::Malformed { pointer: "/to".into(), message: format!("`{to}` is nobody in this estate's directory") });
        }
        for _ in 0..CONFLICTS_MAX {
            let loaded = self.inner.need::<Change>(Stream::Change(change)).await?;
            let run = loaded.machine.run().ok_or_else(|| EngineError::NotFound(format!("run of {change}")))?;
            let run = self.inner.need::<Run>(Stream::Run(run)).await?;
            let command = Command::Resolve { by, ruling: ruling.clone() };
            match self.inner.step(&run, command, Actor::Operator(by)).await {
                Err(EngineError::Busy(_)) => {}
                other => return other,
            }
        }
        Err(EngineError::Busy(Stream::Change(change)))
    }
}
