//! Making out warrants: the journalled attempt, its proof, the approvals, sealed for one runner and one poll.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lineclear_core::approval::Approval;
use lineclear_core::change::Change;
use lineclear_core::digest::canonical;
use lineclear_core::plan::PlannedStep;
use lineclear_core::record::{Event, Stream};
use lineclear_core::run::{Attempt, Command, Direction, Phase, Run};
use lineclear_core::runner::Runner;
use lineclear_core::situation::Actor;
use lineclear_core::statement::Vote;
use lineclear_core::{Digest, run};
use lineclear_ledger::Ticket;
use lineclear_store::Stored;
use lineclear_warrant::{Poll, Warrant};

use crate::EngineError;
use crate::engine::Inner;
use crate::history::Loaded;

impl Inner {
    /// Makes out the warrant of an attempt on offer to the runner that asks, and records that; none when the attempt is no
    /// longer on offer.
    pub(crate) async fn make_out(&self, poll: &Poll, attempt: &Attempt) -> Result<Option<String>, EngineError> {
        let loaded = self.need::<Run>(Stream::Run(attempt.key.run)).await?;
        let now = self.now();
        let offered = matches!(loaded.machine.attempt(), Some((current, Phase::Intended)) if current.key == attempt.key);
        if !offered || now >= attempt.pickup || self.stopped(&loaded.machine).await? {
            return Ok(None);
        }
        // Whether it still works and carries what is wanted, in the transaction that gives it the attempt.
        let runner = self.load::<Runner>(Stream::Runner(poll.runner)).await?;
        let able = match &runner {
            Some(runner) => runner.machine.takes_work() && runner.machine.labels.carry(&loaded.machine.order.plan.runs_on),
            None => self.roster.is_embedded(poll.runner) && loaded.machine.order.plan.runs_on.is_empty(),
        };
        if !able {
            return Ok(None);
        }
        let warrant = self.warrant(poll, attempt, &loaded).await?;
        let envelope = self.warrant_key.seal(&warrant).map_err(|error| EngineError::Warrant(error.to_string()))?;
        let command = Command::Dispatch { key: attempt.key.clone(), runner: poll.runner, warrant: Digest::of(envelope.as_bytes()) };
        match self.step_while(&loaded, command, Actor::Engine, runner.as_ref()).await {
            Ok(()) => Ok(Some(envelope)),
            // Another runner was faster.
            Err(EngineError::Busy(_) | EngineError::Run(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn warrant(&self, poll: &Poll, attempt: &Attempt, run: &Loaded<Run>) -> Result<Warrant, EngineError> {
        let change = self.need::<Change>(Stream::Change(attempt.change)).await?.machine;
        let missing = |what: &str| EngineError::Warrant(format!("the {what} is gone"));
        let gate = change.gate().ok_or_else(|| missing("gate"))?;
        let step = run.machine.order.plan.steps.get(attempt.index).ok_or_else(|| missing("step"))?;
        let rule = run.machine.order.rules.get(attempt.index).ok_or_else(|| missing("rule"))?;
        let entry = intended(&run.events, attempt).ok_or_else(|| missing("entry"))?;
        let (entry, ticket, consistency) = self.proofs(poll, entry).await?;
        let (call, verify) = calls(step, attempt.key.direction).ok_or_else(|| missing("undo"))?;
        let bundle = String::from_utf8(canonical(&gate.bundle)?).map_err(|_| missing("bundle"))?;
        Ok(Warrant {
            id: attempt.warrant,
            audience: self.in_force().estate.origin.clone(),
            runner: poll.runner,
            nonce: poll.nonce.clone(),
            attempt: attempt.key.clone(),
            change: change.id,
            epoch: attempt.epoch,
            action: change.proposal.action.clone(),
            target: change.proposal.target.clone(),
            risk: gate.bundle.risk,
            proposer: change.proposal.by,
            call,
            verify,
            effect: step.effect,
            issued: self.now(),
            deadline: attempt.deadline,
            budget: rule.timeout,
            entry,
            ticket,
            consistency,
            bundle,
            votes: self.votes(&change).await?,
        })
    }

    async fn votes(&self, change: &Change) -> Result<Vec<Vote>, EngineError> {
        match change.approval() {
            Some(id) => Ok(self.need::<Approval>(Stream::Approval(id)).await?.machine.votes().to_vec()),
            None => Ok(Vec::new()),
        }
    }

    /// The journalled attempt's exact entry, the proof that it is in the log, and that the log continues what the runner saw.
    async fn proofs(&self, poll: &Poll, journalled: &Stored) -> Result<(String, String, Vec<String>), EngineError> {
        let head = self.store.head().await?;
        let entries = self.store.entries(journalled.index, 1).await?;
        let bytes = entries.into_iter().next().map(|(_, bytes)| bytes).unwrap_or_default();
        let entry = String::from_utf8(bytes).map_err(|_| EngineError::Warrant("the entry is not text".into()))?;
        let proof = self.store.inclusion(journalled.index, head.size).await?;
        let ticket = Ticket { index: journalled.index, proof, checkpoint: head.note.clone() };
        let consistency = match &poll.head {
            None => Vec::new(),
            Some(note) => {
                let seen = self.log.open_checkpoint(note).map_err(|error| EngineError::Head(error.to_string()))?;
                if seen.size > head.size {
                    return Err(EngineError::Head(format!("the runner saw {} entries, this ledger has {}", seen.size, head.size)));
                }
                self.store.consistency(seen.size, head.size).await?
            }
        };
        let consistency = consistency.iter().map(|hash| STANDARD.encode(hash.as_bytes())).collect();
        Ok((entry, ticket.to_text(), consistency))
    }
}

fn intended<'a>(events: &'a [Stored], wanted: &Attempt) -> Option<&'a Stored> {
    events.iter().rev().find(|stored| {
        let Event::Run(run::Event::Intended { attempt, .. }) = &stored.happened.event else { return false };
        attempt.key == wanted.key
    })
}

/// The call of a direction, and the check that goes with it: an undo has none of its own.
fn calls(step: &PlannedStep, direction: Direction) -> Option<(lineclear_core::plan::ToolCall, Option<lineclear_core::plan::ToolCall>)> {
    match direction {
        Direction::Do => Some((step.call.clone(), step.verify.clone())),
        Direction::Undo => step.undo.clone().map(|undo| (undo, None)),
    }
}
