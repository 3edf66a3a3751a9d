//! One request for people's approval of one exact bundle: votes come in, and it is granted, rejected, lapsed, withdrawn
//! or consumed. Silence is neither yes nor no.

mod ballot;
mod event;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use ballot::{Ballot, VoteRefusal};
pub use event::Event;

use crate::authority::Approvals;
use crate::bundle::Needs;
use crate::digest::Digest;
use crate::id::{ApprovalId, OperatorId};
use crate::machine::{IllegalTransition, Machine};
use crate::statement::{Decision, Vote};
use crate::subject::{Subject, Use};
use crate::time::Timestamp;

/// Most votes that one request takes; far above any quorum, so that nobody fills a record with votes.
pub const VOTES_MAX: usize = 32;

/// What is asked, of whom, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// This request.
    pub id: ApprovalId,
    /// What it is about.
    #[serde(flatten)]
    pub about: Subject,
    /// The bundle's exact bytes, which are UTF-8.
    pub bundle: String,
    /// Their digest: what statements name.
    pub digest: Digest,
    /// The estate in force.
    pub policy: Digest,
    /// The readings that are shown.
    pub evidence: Digest,
    /// Which installation asks.
    pub audience: String,
    /// The people it needs.
    pub needs: Needs,
    /// People whose approval counts for nothing here.
    pub recused: BTreeSet<OperatorId>,
    /// Whether a single-operator posture was declared, so that the recused may approve after all.
    pub single_operator: bool,
    /// When it was asked.
    pub asked: Timestamp,
    /// When it lapses.
    pub until: Timestamp,
}

/// Where a request stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Waiting for people.
    Open {
        /// The votes so far, all of them approvals.
        votes: Vec<Vote>,
    },
    /// Enough people said yes; not used yet.
    Granted {
        /// Their votes.
        votes: Vec<Vote>,
        /// When the last of them came.
        at: Timestamp,
    },
    /// Somebody said no.
    Rejected {
        /// The rejection.
        vote: Vote,
    },
    /// Its time ran out.
    Lapsed,
    /// It is no longer asked: the change was withdrawn, amended, or the world moved.
    Withdrawn,
    /// Used for exactly one run, or one activation.
    Consumed {
        /// The votes that it stood on.
        votes: Vec<Vote>,
        /// For what.
        #[serde(flatten)]
        by: Use,
    },
}

/// One request for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// What is asked.
    pub request: Request,
    /// Where it stands.
    pub state: State,
}

/// What can be asked of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A person votes; the signature was checked at the edge and its outcome is part of the ballot.
    Cast(Box<Ballot>),
    /// Time passed.
    Tick,
    /// It is no longer asked.
    Withdraw(Withdrawal),
    /// A run starts on it, or an estate comes into force by it, once.
    Consume(Use),
}

/// Why a request is no longer asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withdrawal {
    /// The proposer withdrew the change.
    ChangeWithdrawn,
    /// The inputs were changed.
    Amended,
    /// Facts, plan or policy moved: it is asked again, with the difference.
    Drifted,
    /// The facts it stood on are no longer there.
    Blocked,
    /// Policy now refuses.
    Denied,
    /// The proposed version of the estate was withdrawn.
    RevisionWithdrawn,
    /// Another version of the estate came into force: this one is looked at again.
    Superseded,
}

/// Why a command cannot be carried out. A refused *vote* is no such thing: it is recorded as an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not granted, was used before, or its time ran out.
    #[error("approval `{approval}` is {state}, so nothing can start on it")]
    NotUsable {
        /// Which.
        approval: ApprovalId,
        /// Its state.
        state: &'static str,
    },
    /// It has ended.
    #[error("approval `{approval}` is {state} and stays so")]
    Ended {
        /// Which.
        approval: ApprovalId,
        /// Its state.
        state: &'static str,
    },
}

impl Approval {
    /// What a command leads to.
    ///
    /// # Errors
    /// When the state does not allow it.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        match command {
            Command::Cast(ballot) => Ok(self.cast(*ballot, now)),
            Command::Tick => Ok(if self.open() && self.request.until <= now { vec![Event::Lapsed] } else { Vec::new() }),
            Command::Withdraw(why) if self.open() => Ok(vec![Event::Withdrawn { why }]),
            Command::Withdraw(_) => Err(Refusal::Ended { approval: self.request.id, state: self.word() }),
            Command::Consume(by) => match &self.state {
                State::Granted { .. } if now < self.request.until => Ok(vec![Event::Consumed { by }]),
                State::Granted { .. }
                | State::Open { .. }
                | State::Rejected { .. }
                | State::Lapsed
                | State::Withdrawn
                | State::Consumed { .. } => Err(Refusal::NotUsable { approval: self.request.id, state: self.word() }),
            },
        }
    }

    fn cast(&self, ballot: Ballot, now: Timestamp) -> Vec<Event> {
        if let Err(why) = ballot.check(self, now) {
            return vec![Event::VoteRefused { by: ballot.by, why }];
        }
        let vote = ballot.vote(now);
        if vote.decision == Decision::Reject {
            return vec![Event::Rejected { vote }];
        }
        let mut votes = self.votes().to_vec();
        votes.push(vote.clone());
        let mut events = vec![Event::Voted { vote }];
        if enough(&self.request, &votes, now) {
            events.push(Event::Granted { at: now });
        }
        events
    }

    /// The approvals cast so far.
    pub fn votes(&self) -> &[Vote] {
        match &self.state {
            State::Open { votes } | State::Granted { votes, .. } | State::Consumed { votes, .. } => votes,
            State::Rejected { .. } | State::Lapsed | State::Withdrawn => &[],
        }
    }

    /// What the votes amount to at this moment, as policy sees it.
    pub fn amounts_to(&self, now: Timestamp) -> Approvals {
        amount(&self.request, self.votes(), now)
    }
}

/// Folds votes into counts: distinct people, nobody who is recused, nothing late, nothing weaker than what is asked.
/// This fold is trusted code outside every analysis of policies.
pub fn amount(request: &Request, votes: &[Vote], now: Timestamp) -> Approvals {
    let mut approvals = Approvals::default();
    for vote in counted(request, votes, now) {
        let grade = vote.signature.grade();
        approvals.grade = if approvals.humans == 0 { grade } else { approvals.grade.min(grade) };
        approvals.humans = approvals.humans.saturating_add(1);
        approvals.roles.extend(vote.roles.iter().cloned());
        approvals.owner |= vote.owner;
    }
    approvals
}

/// Whether enough people said yes: as many as asked, of the right kind, and one of each team whose own work changes.
pub fn enough(request: &Request, votes: &[Vote], now: Timestamp) -> bool {
    let people = counted(request, votes, now).iter().map(|vote| vote.by).collect();
    request.needs.met_by(&amount(request, votes, now)) && request.needs.unreviewed(&people).is_empty()
}

/// The votes that count, one of each person.
fn counted<'v>(request: &Request, votes: &'v [Vote], now: Timestamp) -> Vec<&'v Vote> {
    let mut people = BTreeSet::new();
    let mut counted = Vec::new();
    for vote in votes {
        let late = vote.at >= request.until || now >= request.until;
        let recused = request.recused.contains(&vote.by) && !request.single_operator;
        let weak = vote.signature.grade() < request.needs.grade;
        if vote.decision == Decision::Approve && !late && !recused && !weak && people.insert(vote.by) {
            counted.push(vote);
        }
    }
    counted
}

impl Machine for Approval {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        match event {
            Event::Asked { request } => Ok(Self { request: (**request).clone(), state: State::Open { votes: Vec::new() } }),
            Event::Voted { .. }
            | Event::VoteRefused { .. }
            | Event::Granted { .. }
            | Event::Rejected { .. }
            | Event::Lapsed
            | Event::Withdrawn { .. }
            | Event::Consumed { .. } => Err(IllegalTransition { machine: "approval", from: "nothing", event: event.word() }),
        }
    }

    fn apply(self, event: &Event) -> Result<Self, IllegalTransition> {
        let from = self.word();
        let Self { request, state } = self;
        let state = match (state, event) {
            (state, Event::VoteRefused { .. }) => state,
            (State::Open { mut votes }, Event::Voted { vote }) => {
                votes.push(vote.clone());
                State::Open { votes }
            }
            (State::Open { votes }, Event::Granted { at }) if enough(&request, &votes, *at) => State::Granted { votes, at: *at },
            (State::Open { .. } | State::Granted { .. }, Event::Rejected { vote }) => State::Rejected { vote: vote.clone() },
            (State::Open { .. } | State::Granted { .. }, Event::Lapsed) => State::Lapsed,
            (State::Open { .. } | State::Granted { .. }, Event::Withdrawn { .. }) => State::Withdrawn,
            (State::Granted { votes, .. }, Event::Consumed { by }) => State::Consumed { votes, by: *by },
            (_, event) => return Err(IllegalTransition { machine: "approval", from, event: event.word() }),
        };
        Ok(Self { request, state })
    }

    fn word(&self) -> &'static str {
        match &self.state {
            State::Open { .. } => "open",
            State::Granted { .. } => "granted",
            State::Rejected { .. } => "rejected",
            State::Lapsed => "lapsed",
            State::Withdrawn => "withdrawn",
            State::Consumed { .. } => "consumed",
        }
    }

    fn open(&self) -> bool {
        match &self.state {
            State::Open { .. } | State::Granted { .. } => true,
            State::Rejected { .. } | State::Lapsed | State::Withdrawn | State::Consumed { .. } => false,
        }
    }

    fn due(&self) -> Option<Timestamp> {
        self.open().then_some(self.request.until)
    }
}
