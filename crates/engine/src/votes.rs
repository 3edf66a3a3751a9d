//! People answer: the statement to sign, and the vote that comes back.

use lineclear_core::approval::{self, Approval, Ballot};
use lineclear_core::change::{Change, Command};
use lineclear_core::machine::Machine as _;
use lineclear_core::record::Stream;
use lineclear_core::revision::{self, Revision};
use lineclear_core::situation::Actor;
use lineclear_core::statement::{Decision, STATEMENT_TYPE, Signature, Statement, StatementError};
use lineclear_core::subject::Subject;
use lineclear_core::{ApprovalId, ChangeId, Digest, OperatorId, Timestamp};

use crate::engine::CONFLICTS_MAX;
use crate::history::{Draft, Loaded};
use crate::{Caller, Engine, EngineError};

/// What a vote led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cast {
    /// What it is about.
    pub about: Subject,
    /// Where the request stands now.
    pub state: &'static str,
    /// Distinct people so far.
    pub people: u8,
    /// Distinct people asked for.
    pub needed: u8,
}

/// The machine that follows what becomes of a request.
enum Matter {
    Change(Box<Loaded<Change>>),
    Revision(Box<Loaded<Revision>>),
}

impl Engine {
    /// The open request of a change.
    ///
    /// # Errors
    /// When nobody is asked about it.
    pub async fn request(&self, change: ChangeId) -> Result<Approval, EngineError> {
        let loaded = self.inner.need::<Change>(Stream::Change(change)).await?;
        let id = loaded.machine.approval().ok_or_else(|| EngineError::NotFound(format!("request for approval of {change}")))?;
        Ok(self.inner.need::<Approval>(Stream::Approval(id)).await?.machine)
    }

    /// A request by its own id.
    ///
    /// # Errors
    /// When there is none.
    pub async fn request_by_id(&self, id: ApprovalId) -> Result<Approval, EngineError> {
        Ok(self.inner.need::<Approval>(Stream::Approval(id)).await?.machine)
    }

    /// The exact text that a person would sign to decide on a request.
    ///
    /// # Errors
    /// When the caller is no person, or there is no such request.
    pub async fn statement(&self, caller: &Caller, id: ApprovalId, decision: Decision, reason: String) -> Result<String, EngineError> {
        self.known(caller)?;
        let approver = caller.person()?;
        let asked = self.inner.need::<Approval>(Stream::Approval(id)).await?.machine;
        let request = &asked.request;
        let nonce = self.inner.ids.random().iter().map(|byte| format!("{byte:02x}")).collect();
        let statement = Statement {
            kind: STATEMENT_TYPE.into(),
            audience: request.audience.clone(),
            about: request.about,
            approval: id,
            bundle_digest: request.digest,
            policy_digest: request.policy,
            evidence_digest: request.evidence,
            decision,
            approver,
            reason,
            prior_signatures: asked.votes().iter().map(|vote| Digest::of(vote.statement.as_bytes())).collect(),
            issued_at: self.inner.now(),
            expires_at: request.until,
            nonce,
        };
        let text = statement.to_text();
        Statement::parse(&text).map_err(|error| malformed(&error))?;
        Ok(text)
    }

    /// Casts a vote: a statement's exact text and what binds it to the caller.
    ///
    /// # Errors
    /// A vote that counts for nothing is recorded and then refused; a text that is no statement leaves no record.
    pub async fn vote(&self, caller: &Caller, id: ApprovalId, text: String, signature: Signature) -> Result<Cast, EngineError> {
        let by = caller.person()?;
        let statement = Statement::parse(&text).map_err(|error| malformed(&error))?;
        for _ in 0..CONFLICTS_MAX {
            let asked = self.inner.need::<Approval>(Stream::Approval(id)).await?;
            let matter = match asked.machine.request.about {
                Subject::Change { change } => Matter::Change(Box::new(self.inner.need(Stream::Change(change)).await?)),
                Subject::Revision { revision, .. } => Matter::Revision(Box::new(self.inner.need(Stream::Revision(revision)).await?)),
            };
            let ballot = self.ballot(by, &matter, &text, &statement, &signature);
            match self.cast(&asked, &matter, ballot).await {
                Err(EngineError::Busy(_)) => {}
                other => return other,
            }
        }
        Err(EngineError::Busy(Stream::Approval(id)))
    }

    fn ballot(&self, by: OperatorId, matter: &Matter, text: &str, statement: &Statement, signature: &Signature) -> Option<Ballot> {
        let estate = self.estate();
        let person = estate.directory.operators.get(&by)?;
        let owner = match matter {
            Matter::Change(change) => {
                let entity = estate.topology.get(&change.machine.proposal.target);
                entity.is_some_and(|entity| person.teams.contains(&entity.owner))
            }
            // An estate has no owning team.
            Matter::Revision(_) => false,
        };
        Some(Ballot {
            by,
            text: text.into(),
            statement: statement.clone(),
            signature: signature.clone(),
            genuine: lineclear_warrant::genuine(text, signature, &person.keys),
            roles: person.roles.clone(),
            owner,
        })
    }

    async fn cast(&self, asked: &Loaded<Approval>, matter: &Matter, ballot: Option<Ballot>) -> Result<Cast, EngineError> {
        let inner = &self.inner;
        let now = inner.now();
        let Some(ballot) = ballot else { return Err(EngineError::Stranger) };
        let by = ballot.by;
        let events = asked.machine.decide(approval::Command::Cast(Box::new(ballot)), now)?;
        let refused =
            events.iter().find_map(|event| if let approval::Event::VoteRefused { why, .. } = event { Some(why.clone()) } else { None });
        let mut draft = Draft::new(&*inner.ids, Actor::Operator(by), now);
        let after = draft.extend(asked, events)?;
        if refused.is_none() {
            follow(&mut draft, matter, &after, by, now)?;
        }
        inner.commit(draft).await?;
        let about = after.request.about;
        match refused {
            Some(why) => Err(EngineError::VoteRefused { about: Box::new(about), approval: after.request.id, why }),
            None => Ok(Cast { about, state: after.word(), people: after.amounts_to(now).humans, needed: after.request.needs.humans }),
        }
    }
}

/// What was asked about moves with its request.
fn follow(draft: &mut Draft<'_>, matter: &Matter, asked: &Approval, by: OperatorId, now: Timestamp) -> Result<(), EngineError> {
    let (granted, rejected) = (asked.word() == "granted", asked.word() == "rejected");
    match matter {
        Matter::Change(change) if change.machine.approval() == Some(asked.request.id) => {
            let command = if granted { Some(Command::Approve) } else { rejected.then_some(Command::Reject(by)) };
            let events = command.map(|command| change.machine.decide(command, now)).transpose()?;
            draft.extend(change, events.unwrap_or_default()).map(drop)
        }
        Matter::Revision(revision) if revision.machine.approval() == Some(asked.request.id) => {
            let command = if granted { Some(revision::Command::Grant) } else { rejected.then_some(revision::Command::Reject(by)) };
            let events = command.map(|command| revision.machine.decide(command, now)).transpose()?;
            draft.extend(revision, events.unwrap_or_default()).map(drop)
        }
        Matter::Change(_) | Matter::Revision(_) => Ok(()),
    }
}

fn malformed(error: &StatementError) -> EngineError {
    EngineError::Malformed { pointer: "/statement".into(), message: error.to_string() }
}
