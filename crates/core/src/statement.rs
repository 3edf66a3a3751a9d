//! The statement a person signs: exact bytes, stored, shown and hashed as they are, never serialised a second time.

use serde::{Deserialize, Serialize};

use crate::authority::Grade;
use crate::digest::Digest;
use crate::id::{ApprovalId, ChangeId, OperatorId};
use crate::name::RoleName;
use crate::time::Timestamp;

/// The type of approval statements.
pub const STATEMENT_TYPE: &str = "lineclear.approval/1";
/// The SSHSIG namespace (OpenSSH PROTOCOL.sshsig) in which statements are signed.
pub const SSH_NAMESPACE: &str = "approval@lineclear";
/// Longest statement in bytes: a reason of one screen and fixed fields.
pub const STATEMENT_MAX: usize = 16 * 1024;
/// Longest reason in characters.
pub const REASON_MAX: usize = 2_000;

/// What a person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Yes to exactly this bundle.
    Approve,
    /// No, with a reason.
    Reject,
}

/// What a person signs. The order of members is the order of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// Which installation.
    pub audience: String,
    /// Which change.
    pub change: ChangeId,
    /// Which request.
    pub approval: ApprovalId,
    /// The bundle.
    pub bundle_digest: Digest,
    /// The policies in force when it was asked.
    pub policy_digest: Digest,
    /// The readings that were shown.
    pub evidence_digest: Digest,
    /// Yes or no.
    pub decision: Decision,
    /// Who.
    pub approver: OperatorId,
    /// Why, in the person's own words; may be empty for an approval, never for a rejection.
    pub reason: String,
    /// Digests of the statements signed before this one.
    pub prior_signatures: Vec<Digest>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When the request lapses.
    pub expires_at: Timestamp,
    /// 32 random bytes in hexadecimal.
    pub nonce: String,
}

/// How a vote is bound to its person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "grade", rename_all = "snake_case")]
pub enum Signature {
    /// Nothing but a signed-in session.
    Session,
    /// An armoured SSHSIG over the statement's bytes.
    Ssh {
        /// `-----BEGIN SSH SIGNATURE-----` and so on.
        armored: String,
    },
}

/// A vote as it was cast and checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Who.
    pub by: OperatorId,
    /// Yes or no.
    pub decision: Decision,
    /// The statement's exact bytes, which are UTF-8.
    pub statement: String,
    /// What binds it to the person.
    pub signature: Signature,
    /// Roles held then.
    pub roles: std::collections::BTreeSet<RoleName>,
    /// Whether the person belonged to the owning team then.
    pub owner: bool,
    /// When it arrived.
    pub at: Timestamp,
}

/// Why bytes are no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// More than [`STATEMENT_MAX`].
    #[error("a statement has at most {STATEMENT_MAX} bytes, not {0}")]
    Long(usize),
    /// Not JSON of this shape.
    #[error("not a statement: {0}")]
    Shape(String),
    /// Another `_type`.
    #[error("`_type` is `{0}`, not `{STATEMENT_TYPE}`")]
    Kind(String),
    /// The nonce is not 64 hexadecimal digits.
    #[error("the nonce is not 64 hexadecimal digits")]
    Nonce,
    /// The reason is longer than [`REASON_MAX`], or missing from a rejection.
    #[error("a reason has at most {REASON_MAX} characters, and a rejection needs one")]
    Reason,
}

impl Statement {
    /// The bytes to sign.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Reads a statement from the exact bytes that were signed.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        if text.len() > STATEMENT_MAX {
            return Err(StatementError::Long(text.len()));
        }
        let statement: Self = serde_json::from_str(text).map_err(|e| StatementError::Shape(e.to_string()))?;
        if statement.kind != STATEMENT_TYPE {
            return Err(StatementError::Kind(statement.kind));
        }
        if statement.nonce.len() != 64 || !statement.nonce.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(StatementError::Nonce);
        }
        let unreasoned = statement.decision == Decision::Reject && statement.reason.trim().is_empty();
        if unreasoned || statement.reason.chars().count() > REASON_MAX {
            return Err(StatementError::Reason);
        }
        Ok(statement)
    }
}

impl Signature {
    /// How strong it is.
    pub const fn grade(&self) -> Grade {
        match self {
            Self::Session => Grade::Session,
            Self::Ssh { .. } => Grade::Ssh,
        }
    }
}
