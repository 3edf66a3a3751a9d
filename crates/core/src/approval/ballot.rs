//! A vote as it arrives, and every reason why it may count for nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Approval, State, VOTES_MAX};
use crate::authority::Grade;
use crate::digest::Digest;
use crate::id::OperatorId;
use crate::machine::Machine as _;
use crate::name::RoleName;
use crate::statement::{Decision, Signature, Statement, Vote};
use crate::time::Timestamp;

/// A vote as it arrives: the statement, what binds it to the person, and what the directory says of that person now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot {
    /// Who is signed in.
    pub by: OperatorId,
    /// The statement's exact bytes.
    pub text: String,
    /// The statement as read from these bytes.
    pub statement: Statement,
    /// What binds it.
    pub signature: Signature,
    /// Whether the signature was made over these bytes by a key of this person; always so for a session.
    pub genuine: bool,
    /// Roles held now.
    pub roles: BTreeSet<RoleName>,
    /// Whether the person belongs to the owning team.
    pub owner: bool,
}

/// Why a vote counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum VoteRefusal {
    /// The request has ended.
    #[error("the request is {state}; a vote cast now counts for nothing")]
    NotOpen {
        /// How.
        state: String,
    },
    /// The vote came after the request's time.
    #[error("the request lapsed at {until}; a vote cast now counts for nothing")]
    Late {
        /// When.
        until: Timestamp,
    },
    /// The proposer, or the owner of the proposing agent.
    #[error("who proposes, or owns the agent that proposes, cannot approve")]
    SelfApproval,
    /// The person voted before.
    #[error("this person has voted already; a quorum is of distinct people")]
    Twice,
    /// The statement is about something else than what is asked now.
    #[error("the statement names {field} `{signed}`, but `{asked}` is asked now: look again and sign what you see")]
    Mismatch {
        /// Which member.
        field: String,
        /// As signed.
        signed: String,
        /// As asked.
        asked: String,
    },
    /// The statement was made by or for somebody else.
    #[error("the statement is by `{approver}`, not by the person who sends it")]
    NotYours {
        /// Who it names.
        approver: OperatorId,
    },
    /// The signature is not by a key of this person over these bytes.
    #[error("the signature is not by a key of this person over these bytes")]
    BadSignature,
    /// Policy asks for a stronger signature.
    #[error("this change needs grade `{wanted}`, the vote has `{given}`")]
    TooWeak {
        /// What is asked.
        wanted: Grade,
        /// What was given.
        given: Grade,
    },
    /// More than [`VOTES_MAX`] votes.
    #[error("the request holds {VOTES_MAX} votes already")]
    Full,
    /// The person is not in the directory.
    #[error("this person is not in the estate's directory")]
    Unknown,
}

impl VoteRefusal {
    /// A stable word for problem documents and records.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotOpen { .. } => "not_open",
            Self::Late { .. } => "late",
            Self::SelfApproval => "self_approval",
            Self::Twice => "twice",
            Self::Mismatch { .. } => "mismatch",
            Self::NotYours { .. } => "not_yours",
            Self::BadSignature => "bad_signature",
            Self::TooWeak { .. } => "too_weak",
            Self::Full => "full",
            Self::Unknown => "unknown",
        }
    }
}

impl Ballot {
    /// Whether the vote counts.
    ///
    /// # Errors
    /// The first reason why it counts for nothing.
    pub(super) fn check(&self, approval: &Approval, now: Timestamp) -> Result<(), VoteRefusal> {
        let request = &approval.request;
        match &approval.state {
            State::Open { .. } | State::Granted { .. } => {}
            State::Lapsed => return Err(VoteRefusal::Late { until: request.until }),
            State::Rejected { .. } | State::Withdrawn | State::Consumed { .. } => {
                return Err(VoteRefusal::NotOpen { state: approval.word().into() });
            }
        }
        if now >= request.until {
            return Err(VoteRefusal::Late { until: request.until });
        }
        if self.statement.approver != self.by {
            return Err(VoteRefusal::NotYours { approver: self.statement.approver });
        }
        self.check_statement(approval)?;
        if !self.genuine {
            return Err(VoteRefusal::BadSignature);
        }
        if self.statement.decision == Decision::Approve {
            self.check_approval(approval)?;
        }
        Ok(())
    }

    fn check_statement(&self, approval: &Approval) -> Result<(), VoteRefusal> {
        let (request, said) = (&approval.request, &self.statement);
        let same = |field: &str, signed: String, asked: String| {
            if signed == asked { Ok(()) } else { Err(VoteRefusal::Mismatch { field: field.into(), signed, asked }) }
        };
        let digest = |d: &Digest| d.to_string();
        same("audience", said.audience.clone(), request.audience.clone())?;
        same(request.about.kind(), said.about.to_string(), request.about.to_string())?;
        same("approval", said.approval.to_string(), request.id.to_string())?;
        same("policy_digest", digest(&said.policy_digest), digest(&request.policy))?;
        same("bundle_digest", digest(&said.bundle_digest), digest(&request.digest))?;
        same("evidence_digest", digest(&said.evidence_digest), digest(&request.evidence))?;
        same("expires_at", said.expires_at.to_string(), request.until.to_string())
    }

    fn check_approval(&self, approval: &Approval) -> Result<(), VoteRefusal> {
        let request = &approval.request;
        if let State::Granted { .. } = &approval.state {
            return Err(VoteRefusal::NotOpen { state: "granted".into() });
        }
        if request.recused.contains(&self.by) && !request.single_operator {
            return Err(VoteRefusal::SelfApproval);
        }
        if approval.votes().iter().any(|vote| vote.by == self.by) {
            return Err(VoteRefusal::Twice);
        }
        if approval.votes().len() >= VOTES_MAX {
            return Err(VoteRefusal::Full);
        }
        let given = self.signature.grade();
        if given < request.needs.grade {
            return Err(VoteRefusal::TooWeak { wanted: request.needs.grade, given });
        }
        Ok(())
    }

    /// The vote to record.
    pub(super) fn vote(self, now: Timestamp) -> Vote {
        Vote {
            by: self.by,
            decision: self.statement.decision,
            statement: self.text,
            signature: self.signature,
            roles: self.roles,
            owner: self.owner,
            at: now,
        }
    }
}
