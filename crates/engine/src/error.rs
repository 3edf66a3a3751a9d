//! Why a command to the engine led to nothing, or to a recorded refusal.

use lineclear_core::approval::VoteRefusal;
use lineclear_core::digest::DigestError;
use lineclear_core::dossier::Misfit;
use lineclear_core::machine::IllegalTransition;
use lineclear_core::record::Stream;
use lineclear_core::subject::Subject;
use lineclear_core::{
    ApprovalId, ChangeId, Digest, approval, change, emergency, incident, installation, page, patch, revision, run, runner,
};
use lineclear_store::StoreError;

/// Why a command to the engine led to nothing, or to a recorded refusal.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no such thing, or it is not the caller's to see.
    #[error("there is no `{0}` here")]
    NotFound(String),
    /// The caller is no person.
    #[error("only a named person can do this")]
    PeopleOnly,
    /// The caller is a person the estate does not know, or an agent it no longer knows.
    #[error("the caller is not in this estate's directory")]
    Stranger,
    /// The proposal is malformed; nothing was recorded.
    #[error("{pointer}: {message}")]
    Malformed {
        /// JSON pointer (RFC 6901) to the member.
        pointer: String,
        /// What is wrong with it.
        message: String,
    },
    /// The proposal fits nothing in the estate; the refusal is recorded.
    #[error("{misfit}")]
    Misfit {
        /// The recorded change.
        change: ChangeId,
        /// Why.
        misfit: Misfit,
    },
    /// A vote that counts for nothing; the refusal is recorded.
    #[error("{why}")]
    VoteRefused {
        /// What it is about.
        about: Box<Subject>,
        /// The request.
        approval: ApprovalId,
        /// Why.
        why: VoteRefusal,
    },
    /// The change does not allow it.
    #[error(transparent)]
    Change(#[from] change::Refusal),
    /// The request for approval does not allow it.
    #[error(transparent)]
    Approval(#[from] approval::Refusal),
    /// The run does not allow it.
    #[error(transparent)]
    Run(#[from] run::Refusal),
    /// Another run holds what this one needs for itself.
    #[error(transparent)]
    Held(#[from] lineclear_core::lane::Held),
    /// The incident does not allow it.
    #[error(transparent)]
    Incident(#[from] incident::Refusal),
    /// The delivery does not allow it.
    #[error(transparent)]
    Delivery(#[from] lineclear_core::delivery::Refusal),
    /// The page does not allow it.
    #[error(transparent)]
    Page(#[from] page::Refusal),
    /// No emergency is declared, ended or reviewed that way.
    #[error(transparent)]
    Emergency(#[from] emergency::Refusal),
    /// The proposed version of the estate does not allow it.
    #[error(transparent)]
    Revision(#[from] revision::Refusal),
    /// The drafted runbook does not allow it.
    #[error(transparent)]
    Patch(#[from] patch::Refusal),
    /// A draft that is no runbook of this estate; nothing was recorded.
    #[error("it is no runbook of this estate: {}", .0.join("; "))]
    Unfit(Vec<String>),
    /// A version of the estate cannot be had, or cannot come into force here.
    #[error("estate `{digest}`: {why}")]
    Estate {
        /// Which.
        digest: Digest,
        /// Why.
        why: String,
    },
    /// The engine was to start under another estate than the one in force.
    #[error("estate `{recorded}` is in force here, not `{given}`")]
    OtherEstate {
        /// What the record says.
        recorded: Digest,
        /// What it was to start under.
        given: Digest,
    },
    /// The posture stays.
    #[error(transparent)]
    Posture(#[from] installation::Refusal),
    /// Others were faster, several times in a row; the command may be repeated.
    #[error("`{0}` is being changed by others; try again")]
    Busy(Stream),
    /// The idempotency key was used before for something else.
    #[error("this idempotency key was used before for something else")]
    KeyReused,
    /// A history that does not fold.
    #[error("the history of `{stream}` is broken")]
    Broken {
        /// Which.
        stream: Stream,
        /// Where.
        #[source]
        source: IllegalTransition,
    },
    /// Something has no canonical form.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// The runner's poll names a head that is not of this ledger.
    #[error("the head that the runner names is not of this ledger: {0}")]
    Head(String),
    /// This runner is not one of this installation's.
    #[error("runner `{0}` is not enrolled here")]
    UnknownRunner(lineclear_core::RunnerId),
    /// A question was answered by somebody who was not asked.
    #[error("runner `{0}` was not asked this")]
    NotAsked(lineclear_core::RunnerId),
    /// The runner does not allow it.
    #[error(transparent)]
    Runner(#[from] runner::Refusal),
    /// A token that no invitation knows.
    #[error("this token enrols nobody")]
    NoInvitation,
    /// Another runner has this name.
    #[error("runner `{0}` is known here already")]
    NameTaken(lineclear_core::name::RunnerName),
    /// No more runners.
    #[error("there are {} runners already, as many as there can be", runner::RUNNERS_MAX)]
    TooManyRunners,
    /// The journal of a broken glass is not to be believed.
    #[error("the journal is refused: {0}")]
    Journal(lineclear_warrant::JournalFault),
    /// Another journal was told under the same first line.
    #[error("`{0}` was told before, and its journal says something else: one of the two was written by somebody else")]
    OtherJournal(lineclear_core::EmergencyId),
    /// A warrant could not be made out.
    #[error("no warrant could be made out: {0}")]
    Warrant(String),
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        if let StoreError::Conflict { stream, .. } = error {
            return Self::Busy(stream);
        }
        if error == StoreError::KeyReused { Self::KeyReused } else { Self::Store(error) }
    }
}
