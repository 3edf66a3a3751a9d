//! A person's signature on a statement: OpenSSH's SSHSIG, made with `ssh-keygen -Y sign -n approval@lineclear`, or a passkey's
//! assertion ([`crate::passkey`]).

use ed25519_dalek::VerifyingKey;
use lineclear_core::passkey::Passkey;
use lineclear_core::statement::{Decision, SSH_NAMESPACE, Signature, Statement, StatementError, Vote};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, PublicKey, SshSig};

use crate::passkey::{AssertionFault, check_lines};

/// Longest armoured signature in bytes: one of an `sk-` key has about 500.
pub const ARMOR_MAX: usize = 4 * 1024;
/// Keys of one person that are looked at: a laptop, a phone and a few security keys.
pub const KEYS_MAX: usize = 16;
/// Longest line of a public key in bytes.
const KEY_LINE_MAX: usize = 1024;
/// Flags and counter at the end of a signature of an `sk-` key (OpenSSH PROTOCOL.u2f).
const SK_TRAILER: usize = 5;
/// The flag that says that a person touched the key (WebAuthn §6.1, UP).
const USER_PRESENT: u8 = 0x01;
/// The only format version of SSHSIG (OpenSSH PROTOCOL.sshsig).
const SSHSIG_VERSION: u32 = 1;

/// Why a vote counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VoteFault {
    /// The bytes are no statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The statement names somebody else than the vote.
    #[error("the statement is that of another person")]
    Person,
    /// The statement decides otherwise than the vote.
    #[error("the statement says `{0:?}`, the vote does not")]
    Decision(Decision),
    /// Not an armoured SSHSIG of version 1 with nothing reserved.
    #[error("not an armoured SSH signature")]
    Armor,
    /// Made for another purpose.
    #[error("the signature was made in namespace `{0}`, not `{1}`")]
    Namespace(String, &'static str),
    /// Made with a kind of key that we do not use.
    #[error("a signature of kind `{0}`, only Ed25519 and security keys with Ed25519 count")]
    Kind(String),
    /// Made with a key that is not one of this person's.
    #[error("no key of this person made the signature")]
    Stranger,
    /// Not over these bytes.
    #[error("the signature does not fit the statement")]
    Signature,
    /// A security key that nobody touched.
    #[error("nobody touched the security key")]
    Untouched,
    /// A passkey's assertion that does not hold.
    #[error(transparent)]
    Passkey(#[from] AssertionFault),
}

/// The statement of a vote, once its bytes are one, name the same person and decision as the vote, and the signature is what
/// it claims to be. A vote with nothing but a session passes here; it is the caller who asks for a grade.
///
/// # Errors
/// The first fault.
pub fn check_vote(vote: &Vote, keys: &[String]) -> Result<Statement, VoteFault> {
    let statement = Statement::parse(&vote.statement)?;
    if statement.approver != vote.by {
        return Err(VoteFault::Person);
    }
    if statement.decision != vote.decision {
        return Err(VoteFault::Decision(statement.decision));
    }
    check_signature(&vote.statement, &vote.signature, keys)?;
    Ok(statement)
}

/// Whether the signature was made over exactly this text by one of these keys; always so for a session, which
/// claims nothing but itself.
pub fn genuine(text: &str, signature: &Signature, keys: &[String]) -> bool {
    check_signature(text, signature, keys).is_ok()
}

/// The key that a line stands for, whatever its kind and comment; none when no vote can be signed with it.
pub(crate) fn key_of(line: &str) -> Option<Vec<u8>> {
    if let Ok(passkey) = line.parse::<Passkey>() {
        return Some(passkey.key().to_vec());
    }
    PublicKey::from(key_data(line)?).to_bytes().ok()
}

/// Whether this line is an OpenSSH public key of a kind that can vote, and which bytes it stands for.
pub(crate) fn key_data(line: &str) -> Option<KeyData> {
    if line.len() > KEY_LINE_MAX {
        return None;
    }
    let key = PublicKey::from_openssh(line.trim()).ok()?.key_data().clone();
    let point = key.ed25519().or_else(|| key.sk_ed25519().map(ssh_key::public::SkEd25519::public_key)).map(|key| key.0)?;
    VerifyingKey::from_bytes(&point).is_ok_and(|point| !point.is_weak()).then_some(key)
}

fn check_signature(text: &str, signature: &Signature, keys: &[String]) -> Result<(), VoteFault> {
    match signature {
        Signature::Session => Ok(()),
        Signature::Ssh { armored } => check_ssh(text.as_bytes(), armored, keys, SSH_NAMESPACE),
        Signature::Passkey(assertion) => {
            let lines: Vec<&str> = keys.iter().take(KEYS_MAX).map(String::as_str).collect();
            Ok(check_lines(text, assertion, &lines)?)
        }
    }
}

/// Whether an armoured SSHSIG in this namespace was made over exactly these bytes by one of these keys.
pub(crate) fn check_ssh(text: &[u8], armored: &str, keys: &[String], namespace: &'static str) -> Result<(), VoteFault> {
    if armored.len() > ARMOR_MAX {
        return Err(VoteFault::Armor);
    }
    let signature = SshSig::from_pem(armored.trim().as_bytes()).map_err(|_| VoteFault::Armor)?;
    if signature.version() != SSHSIG_VERSION || !signature.reserved().is_empty() {
        return Err(VoteFault::Armor);
    }
    if signature.namespace() != namespace {
        return Err(VoteFault::Namespace(signature.namespace().chars().take(80).collect(), namespace));
    }
    if signature.algorithm() != signature.public_key().algorithm() {
        return Err(VoteFault::Signature);
    }
    let kind = signature.algorithm();
    if kind != Algorithm::Ed25519 && kind != Algorithm::SkEd25519 {
        return Err(VoteFault::Kind(kind.as_str().chars().take(80).collect()));
    }
    let key = keys.iter().take(KEYS_MAX).filter_map(|line| key_data(line)).find(|key| key == signature.public_key());
    let key = PublicKey::from(key.ok_or(VoteFault::Stranger)?);
    key.verify(namespace, text, &signature).map_err(|_| VoteFault::Signature)?;
    if kind == Algorithm::Ed25519 || touched(signature.signature_bytes()) { Ok(()) } else { Err(VoteFault::Untouched) }
}

/// The crate checks the signature of a security key, not its flags: that a person touched it is ours to see.
fn touched(signature: &[u8]) -> bool {
    signature.len().checked_sub(SK_TRAILER).and_then(|at| signature.get(at)).is_some_and(|flags| flags & USER_PRESENT != 0)
}

#[cfg(test)]
mod tests;
