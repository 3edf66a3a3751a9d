//! What can be asked of a proposed version of the estate, and what it leads to.

use super::{Event, ROUNDS_MAX, Report, Revision, State};
use crate::digest::Digest;
use crate::id::{ApprovalId, OperatorId, RevisionId};
use crate::machine::Machine as _;
use crate::time::Timestamp;

/// What can be asked of a proposed version of the estate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// It was examined.
    Assess {
        /// What was found.
        report: Box<Report>,
        /// The estate that it was compared with.
        base: Digest,
        /// The id of the request, if people are asked.
        approval: ApprovalId,
    },
    /// Enough people said yes.
    Grant,
    /// A person said no.
    Reject(OperatorId),
    /// The request's time ran out.
    Lapse,
    /// It is taken back.
    Withdraw {
        /// By whom.
        by: OperatorId,
        /// Why.
        reason: String,
    },
    /// Another version came into force.
    Supersede {
        /// Which.
        base: Digest,
    },
    /// It is to come into force.
    Activate {
        /// Who does it.
        by: OperatorId,
        /// The estate in force.
        in_force: Digest,
    },
}

/// Why a command cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is somewhere else.
    #[error("revision `{revision}` is {state}, so `{command}` does not apply")]
    WrongState {
        /// Which.
        revision: RevisionId,
        /// Where it is.
        state: &'static str,
        /// What was asked.
        command: &'static str,
    },
    /// It was examined against an estate that is no longer in force.
    #[error("revision `{revision}` was examined against estate `{base}`, and `{in_force}` is in force")]
    BaseMoved {
        /// Which.
        revision: RevisionId,
        /// What it was compared with.
        base: Digest,
        /// What is in force.
        in_force: Digest,
    },
    /// No reason was given.
    #[error("say why: without a reason it is not recorded")]
    Unreasoned,
}

impl Revision {
    /// What a command leads to.
    ///
    /// # Errors
    /// When the state does not allow it.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let asked = |s: State| matches!(s, State::Asked { .. });
        let answered = |s: State| matches!(s, State::Asked { .. } | State::Granted { .. });
        match command {
            Command::Assess { report, base, approval } => {
                self.same_base(base)?;
                let event = match (report.fit(), self.rounds >= ROUNDS_MAX) {
                    (false, _) => Event::Unfit { report, at: now },
                    (true, true) => Event::Lapsed { at: now },
                    (true, false) => Event::Asked { report, approval, at: now },
                };
                self.in_state("assess", |s| s == State::Proposed, event)
            }
            Command::Grant => self.in_state("grant", asked, Event::Granted { at: now }),
            Command::Reject(by) => self.in_state("reject", answered, Event::Rejected { by, at: now }),
            Command::Lapse => Ok(if answered(self.state) { vec![Event::Lapsed { at: now }] } else { Vec::new() }),
            Command::Withdraw { reason, .. } if reason.trim().is_empty() => Err(Refusal::Unreasoned),
            Command::Withdraw { by, reason } => {
                let open = self.open();
                self.in_state("withdraw", |_| open, Event::Withdrawn { by, reason, at: now })
            }
            Command::Supersede { base } => {
                let moved = self.open() && base != self.base;
                Ok(if moved { vec![Event::Superseded { base, at: now }] } else { Vec::new() })
            }
            Command::Activate { by, in_force } => {
                let events = self.in_state("activate", |s| matches!(s, State::Granted { .. }), Event::Activated { by, at: now })?;
                self.same_base(in_force).map(|()| events)
            }
        }
    }

    fn in_state(&self, command: &'static str, fits: impl Fn(State) -> bool, event: Event) -> Result<Vec<Event>, Refusal> {
        if fits(self.state) { Ok(vec![event]) } else { Err(Refusal::WrongState { revision: self.id, state: self.word(), command }) }
    }

    fn same_base(&self, in_force: Digest) -> Result<(), Refusal> {
        if in_force == self.base { Ok(()) } else { Err(Refusal::BaseMoved { revision: self.id, base: self.base, in_force }) }
    }
}
