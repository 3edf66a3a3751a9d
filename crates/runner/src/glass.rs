//! Breaking the glass: what is asked, and everything that is refused before anybody signs. A runner's own file says who may, what for
//! and for how long; it is the same file, the same tools and the same journal that warrants go through.

mod pages;

use lineclear_core::catalogue::{InputFault, Inputs, check_inputs};
use lineclear_core::digest::Digest;
use lineclear_core::emergency::{WORDS_MAX, WORDS_MIN};
use lineclear_core::glass::{Closing, GlassError, GlassStatement, Plane};
use lineclear_core::id::EmergencyId;
use lineclear_core::name::ActionName;
use lineclear_core::runbook::Runbook;
use lineclear_core::topology::EntityRef;
use lineclear_core::{OperatorId, Span};
use lineclear_warrant::{GlassFault, JournalFault, Rule, Trust};

pub(crate) use self::pages::{Pages, told, written};
use crate::config::GlassRules;
use crate::journal::{AcceptError, JournalError, Session};

/// What a person wants to do without the control plane.
#[derive(Debug, Clone, Copy)]
pub struct GlassAsked<'a> {
    /// Who.
    pub person: OperatorId,
    /// On what.
    pub target: &'a EntityRef,
    /// With which runbook.
    pub runbook: &'a Runbook,
    /// And which inputs.
    pub inputs: &'a Inputs,
    /// Why.
    pub justification: &'a str,
    /// How long the statement is good for.
    pub lasts: Span,
    /// What was found when the plane was asked first.
    pub plane: &'a Plane,
}

/// A statement that waits for a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlassDraft {
    /// What it says.
    pub statement: GlassStatement,
    /// The exact bytes to sign.
    pub text: String,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlassEnd {
    /// The session.
    pub session: String,
    /// What it will be called in the ledger.
    pub emergency: EmergencyId,
    /// How.
    pub how: Closing,
    /// Why it is stuck, if it is.
    pub why: Option<String>,
    /// How many lines were written.
    pub lines: u32,
}

/// A journal that the control plane has not been told.
#[derive(Debug)]
pub struct Untold {
    /// The session.
    pub session: Session,
    /// The whole file, or what is wrong with it.
    pub journal: Result<String, GlassRefusal>,
}

/// Why no glass is broken, or nothing more is done. [`GlassRefusal::code`] is the stable word.
#[derive(Debug, thiserror::Error)]
pub enum GlassRefusal {
    /// The runner's file lets nobody.
    #[error("this runner's file has no `[breakglass]`: nobody breaks the glass here")]
    NotHere,
    /// The person is not among those who may.
    #[error("`{0}` may not break the glass here")]
    NotYou(OperatorId),
    /// The runbook is not pinned.
    #[error("the runbook with digest `{0}` is not pinned here: what runs without the control plane was chosen before, by its exact text")]
    Unpinned(Digest),
    /// Something that the allow list does not allow.
    #[error("not allowed here: {0}")]
    NotAllowed(String),
    /// The inputs do not fit.
    #[error(transparent)]
    Inputs(#[from] InputFault),
    /// No reason.
    #[error("say why in {WORDS_MIN} to {WORDS_MAX} characters: without a reason no glass is broken")]
    Unreasoned,
    /// Too long.
    #[error("a statement is good for at most {0} here")]
    TooLong(Span),
    /// Its time is over.
    #[error("the statement was worth nothing since {0}")]
    Expired(lineclear_core::Timestamp),
    /// It is for another runner or installation.
    #[error("the statement is for another runner or installation")]
    Elsewhere,
    /// It was used before, or was not drafted here.
    #[error("the statement was used before, or was not drafted on this runner")]
    Used,
    /// Nobody signed it who counts.
    #[error(transparent)]
    Glass(#[from] GlassFault),
    /// The live system could not be read.
    #[error("nobody knows what it would do: {0}")]
    NoPlan(String),
    /// The journal of the session could not be written: nothing may be done.
    #[error("nothing is done without a record: {0}")]
    NoRecord(String),
    /// The journal of a session is not what was written.
    #[error("the journal of session `{session}` is refused: {fault}")]
    Broken {
        /// Which.
        session: String,
        /// Why.
        fault: JournalFault,
    },
    /// The file of a session ends before what this runner remembers of it.
    #[error("the journal of session `{session}` was cut: {found} lines are there, {known} were written")]
    Cut {
        /// Which.
        session: String,
        /// How many are there.
        found: usize,
        /// How many were written.
        known: u32,
    },
    /// The runner's own journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The runner's own journal refuses the attempt.
    #[error(transparent)]
    Accept(#[from] AcceptError),
}

impl GlassRefusal {
    /// The stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotHere => "not_here",
            Self::NotYou(_) => "not_you",
            Self::Unpinned(_) => "unpinned",
            Self::NotAllowed(_) => "not_allowed",
            Self::Inputs(_) => "bad_inputs",
            Self::Unreasoned | Self::Glass(GlassFault::Statement(GlassError::Unreasoned)) => "unreasoned",
            Self::TooLong(_) => "too_long",
            Self::Expired(_) => "expired",
            Self::Elsewhere => "elsewhere",
            Self::Used => "used",
            Self::Glass(_) => "bad_signature",
            Self::NoPlan(_) => "no_plan",
            Self::NoRecord(_) => "no_record",
            Self::Broken { fault, .. } => fault.code(),
            Self::Cut { .. } => "truncated",
            Self::Journal(_) => "journal_failed",
            Self::Accept(error) => error.code(),
        }
    }
}

/// The action under which it may be done, and the rule for it.
///
/// # Errors
/// The first thing that the runner's own file does not allow.
pub(crate) fn admitted<'a>(
    rules: Option<&'a GlassRules>,
    trust: &'a Trust,
    asked: &GlassAsked<'_>,
) -> Result<(&'a ActionName, &'a Rule), GlassRefusal> {
    let rules = rules.ok_or(GlassRefusal::NotHere)?;
    let count = asked.justification.trim().chars().count();
    if !(WORDS_MIN..=WORDS_MAX).contains(&count) {
        return Err(GlassRefusal::Unreasoned);
    }
    if !rules.people.contains(&asked.person) {
        return Err(GlassRefusal::NotYou(asked.person));
    }
    let digest = asked.runbook.digest;
    let action = rules.runbooks.get(&digest).ok_or(GlassRefusal::Unpinned(digest))?;
    let rule = trust.rule(action).ok_or_else(|| GlassRefusal::NotAllowed(format!("the action `{action}`")))?;
    if !rule.covers(asked.target) {
        return Err(GlassRefusal::NotAllowed(format!("`{action}` on `{}`", asked.target)));
    }
    if asked.lasts == Span::ZERO || asked.lasts > rules.longest {
        return Err(GlassRefusal::TooLong(rules.longest));
    }
    check_inputs(&asked.runbook.inputs, asked.inputs)?;
    Ok((action, rule))
}
