//! Breaking the glass: what a person signs on a runner's host while there is no control plane, and the lines of the journal that
//! is written there before anything is done. Pure data; who signed what is checked in `warrant`.

use serde::{Deserialize, Serialize};

use crate::catalogue::Inputs;
use crate::digest::Digest;
use crate::emergency::{WORDS_MAX, WORDS_MIN};
use crate::id::{OperatorId, RunnerId};
use crate::name::ActionName;
use crate::run;
use crate::statement::STATEMENT_MAX;
use crate::time::{Span, Timestamp};
use crate::topology::EntityRef;

/// The type of these statements.
pub const GLASS_TYPE: &str = "lineclear.break-glass/1";
/// The SSHSIG namespace (OpenSSH PROTOCOL.sshsig) in which they are signed: no approval is one, and none of them an approval.
pub const GLASS_NAMESPACE: &str = "break-glass@lineclear";
/// Longest time that one statement is good for, whatever a runner's file says.
pub const GLASS_MAX: Span = Span::from_secs(8 * 3_600);
/// Most lines of one journal: eight attempts of every step of the longest runbook, and some.
pub const LINES_MAX: usize = 1_024;
/// Longest line in bytes: the plan of a runbook and its rules.
pub const LINE_MAX: usize = 256 * 1_024;

/// What was found when the control plane was asked first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "plane", rename_all = "snake_case", deny_unknown_fields)]
pub enum Plane {
    /// It did not answer.
    Unreachable {
        /// Why not, in words.
        why: String,
    },
    /// It answered, and the person says that it is not to be believed.
    Wrong {
        /// Why.
        reason: String,
    },
}

/// What a person signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlassStatement {
    /// [`GLASS_TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// Which installation.
    pub audience: String,
    /// On which runner.
    pub runner: RunnerId,
    /// Who.
    pub person: OperatorId,
    /// Under which action of the runner's allow list.
    pub action: ActionName,
    /// On what.
    pub target: EntityRef,
    /// The digest of the runbook.
    pub runbook: Digest,
    /// Its inputs.
    pub inputs: Inputs,
    /// Why, in the person's own words.
    pub justification: String,
    /// What was found when the plane was asked first.
    pub plane: Plane,
    /// The public key, in base64, that signs every line of this journal and nothing else.
    pub session_key: String,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it is worth nothing any more.
    pub expires_at: Timestamp,
    /// 32 random bytes in hexadecimal.
    pub nonce: String,
}

/// A broken glass: the exact text that was signed, what it says, and the signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glass {
    /// What the text says.
    pub statement: GlassStatement,
    /// The exact text.
    pub text: String,
    /// An armoured SSHSIG over it.
    pub signature: String,
}

/// How a journal was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// Everything was done.
    Done,
    /// What was done was taken back.
    Undone,
    /// A step failed, and its runbook says that nothing more is done then.
    Stopped,
    /// Somebody has to go on by hand.
    Stuck,
    /// Nothing was begun.
    Nothing,
    /// The process ended in the middle; what became of its last attempt was looked at afterwards.
    Interrupted,
}

/// What one line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case", deny_unknown_fields)]
pub enum Said {
    /// The first: what was signed.
    Opened {
        /// The exact text of the statement.
        text: String,
        /// The armoured SSHSIG over it.
        signature: String,
    },
    /// Something happened to its run.
    Ran {
        /// What.
        event: Box<run::Event>,
    },
    /// The last.
    Closed {
        /// How.
        how: Closing,
    },
}

/// One line, before it is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Which, from 0.
    pub number: u32,
    /// The digest of the line before, signature and all; of nothing for the first.
    pub prev: Digest,
    /// When it was written, by the runner's clock.
    pub at: Timestamp,
    /// What it says.
    pub said: Said,
}

/// Why bytes are no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlassError {
    /// More than [`STATEMENT_MAX`].
    #[error("a statement has at most {STATEMENT_MAX} bytes, not {0}")]
    Long(usize),
    /// Not JSON of this shape, or spelled in another way.
    #[error("not a statement: {0}")]
    Shape(String),
    /// Another `_type`.
    #[error("`_type` is `{0}`, not `{GLASS_TYPE}`")]
    Kind(String),
    /// No reason, or more than a screen of it.
    #[error("say why in {WORDS_MIN} to {WORDS_MAX} characters: without a reason no glass is broken")]
    Unreasoned,
    /// It ends before it begins, or lasts too long.
    #[error("a statement is good for at most {GLASS_MAX}, and not backwards")]
    Times,
    /// The nonce is not 64 hexadecimal digits.
    #[error("the nonce is not 64 hexadecimal digits")]
    Nonce,
}

impl GlassStatement {
    /// The bytes to sign.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Reads a statement from the exact bytes that were signed; only one spelling is read.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str) -> Result<Self, GlassError> {
        if text.len() > STATEMENT_MAX {
            return Err(GlassError::Long(text.len()));
        }
        let said: Self = serde_json::from_str(text).map_err(|error| GlassError::Shape(error.to_string()))?;
        if said.kind != GLASS_TYPE {
            return Err(GlassError::Kind(said.kind));
        }
        if said.to_text() != text {
            return Err(GlassError::Shape("spelled in another way".into()));
        }
        said.check()?;
        Ok(said)
    }

    /// Whether everything in it is within its bounds.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), GlassError> {
        let reasoned = |words: &str| (WORDS_MIN..=WORDS_MAX).contains(&words.trim().chars().count());
        let wrong = match &self.plane {
            Plane::Wrong { reason } => reasoned(reason),
            Plane::Unreachable { .. } => true,
        };
        if !reasoned(&self.justification) || !wrong {
            return Err(GlassError::Unreasoned);
        }
        if self.issued_at >= self.expires_at || self.expires_at.since(self.issued_at) > GLASS_MAX {
            return Err(GlassError::Times);
        }
        if self.nonce.len() != 64 || !self.nonce.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(GlassError::Nonce);
        }
        Ok(())
    }
}

impl Said {
    /// One closed word for records.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Ran { event } => event.word(),
            Self::Closed { .. } => "closed",
        }
    }
}

impl Closing {
    /// One word for records and screens.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Undone => "undone",
            Self::Stopped => "stopped",
            Self::Stuck => "stuck",
            Self::Nothing => "nothing",
            Self::Interrupted => "interrupted",
        }
    }
}
