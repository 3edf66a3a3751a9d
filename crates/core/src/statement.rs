//! The statement a person signs: exact bytes, stored, shown and hashed as they are, never serialised a second time.

use serde::{Deserialize, Serialize};

use crate::authority::Grade;
use crate::digest::Digest;
use crate::id::{ApprovalId, ChangeId, OperatorId, RevisionId};
use crate::name::RoleName;
use crate::subject::Subject;
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

/// What a person signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Statement {
    /// [`STATEMENT_TYPE`].
    pub kind: String,
    /// Which installation.
    pub audience: String,
    /// Which change, or which new version of the estate.
    pub about: Subject,
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

/// A statement as its bytes hold it; the order of members is the order of the bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "_type")]
    kind: String,
    audience: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<ChangeId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<RevisionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    estate_digest: Option<Digest>,
    approval: ApprovalId,
    bundle_digest: Digest,
    policy_digest: Digest,
    evidence_digest: Digest,
    decision: Decision,
    approver: OperatorId,
    reason: String,
    prior_signatures: Vec<Digest>,
    issued_at: Timestamp,
    expires_at: Timestamp,
    nonce: String,
}

impl From<Statement> for Written {
    fn from(said: Statement) -> Self {
        let (change, revision, estate_digest) = match said.about {
            Subject::Change { change } => (Some(change), None, None),
            Subject::Revision { revision, estate_digest } => (None, Some(revision), Some(estate_digest)),
        };
        Self {
            kind: said.kind,
            audience: said.audience,
            change,
            revision,
            estate_digest,
            approval: said.approval,
            bundle_digest: said.bundle_digest,
            policy_digest: said.policy_digest,
            evidence_digest: said.evidence_digest,
            decision: said.decision,
            approver: said.approver,
            reason: said.reason,
            prior_signatures: said.prior_signatures,
            issued_at: said.issued_at,
            expires_at: said.expires_at,
            nonce: said.nonce,
        }
    }
}

impl TryFrom<Written> for Statement {
    type Error = &'static str;
    fn try_from(read: Written) -> Result<Self, &'static str> {
        let about = match (read.change, read.revision, read.estate_digest) {
            (Some(change), None, None) => Subject::Change { change },
            (None, Some(revision), Some(estate_digest)) => Subject::Revision { revision, estate_digest },
            (_, _, _) => return Err("a statement names a `change`, or a `revision` with its `estate_digest`"),
        };
        Ok(Self {
            kind: read.kind,
            audience: read.audience,
            about,
            approval: read.approval,
            bundle_digest: read.bundle_digest,
            policy_digest: read.policy_digest,
            evidence_digest: read.evidence_digest,
            decision: read.decision,
            approver: read.approver,
            reason: read.reason,
            prior_signatures: read.prior_signatures,
            issued_at: read.issued_at,
            expires_at: read.expires_at,
            nonce: read.nonce,
        })
    }
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
    /// A WebAuthn assertion over the statement's bytes, by a verified person.
    Passkey(Assertion),
}

/// What a browser gives when a passkey signs (WebAuthn Level 3, §5.2.2). Which statement it is about is in its challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// The passkey's identifier, in base64url.
    pub credential: String,
    /// What the authenticator signed, in base64url.
    pub authenticator_data: String,
    /// `clientDataJSON`, the exact bytes, which are UTF-8.
    pub client_data: String,
    /// The signature, in base64url.
    pub signature: String,
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
            Self::Passkey(_) => Grade::Passkey,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{digest, id, person, second};

    fn statement(about: Subject) -> Statement {
        Statement {
            kind: STATEMENT_TYPE.into(),
            audience: "ledger.example/g1".into(),
            about,
            approval: ApprovalId::new(id(20)),
            bundle_digest: digest("bundle"),
            policy_digest: digest("policy"),
            evidence_digest: digest("evidence"),
            decision: Decision::Approve,
            approver: person(1),
            reason: String::new(),
            prior_signatures: Vec::new(),
            issued_at: second(1),
            expires_at: second(2),
            nonce: "0".repeat(64),
        }
    }

    #[test]
    fn the_bytes_of_a_statement_on_a_change_stand_for_ever() {
        let change = Subject::Change { change: ChangeId::new(id(1)) };
        let text = statement(change).to_text();
        insta::assert_snapshot!(text);
        assert_eq!(Statement::parse(&text), Ok(statement(change)));
    }

    #[test]
    fn the_bytes_of_a_statement_on_an_estate_name_the_estate() {
        let revision = Subject::Revision { revision: RevisionId::new(id(60)), estate_digest: digest("new") };
        let text = statement(revision).to_text();
        insta::assert_snapshot!(text);
        assert_eq!(Statement::parse(&text), Ok(statement(revision)));
    }

    #[test]
    fn a_statement_is_about_one_thing() {
        let text = statement(Subject::Change { change: ChangeId::new(id(1)) }).to_text();
        let line = "  \"change\": \"change_00000000000000000000000000000001\",\n";
        assert!(text.contains(line), "{text}");
        let revision = format!("  \"revision\": \"revision_{:032x}\",\n", 60);
        let estate = format!("  \"estate_digest\": \"{}\",\n", digest("new"));
        for bad in [String::new(), revision.clone(), estate.clone(), format!("{line}{revision}{estate}"), format!("{line}{estate}")] {
            assert!(matches!(Statement::parse(&text.replace(line, &bad)), Err(StatementError::Shape(_))), "{bad}");
        }
        assert!(Statement::parse(&text.replace(line, &format!("{revision}{estate}"))).is_ok());
    }
}
