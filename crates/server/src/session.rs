//! What proves a person: one-time sign-in links, sessions, and bearer tokens for the command line. All in memory, all
//! expiring, all bounded; only digests are kept.

use std::sync::{Mutex, MutexGuard, PoisonError};

use lineclear_core::{Digest, OperatorId, Span, Timestamp};
use subtle::ConstantTimeEq as _;

/// How long a session lasts: one shift.
pub const SESSION_TTL: Span = Span::from_secs(12 * 3_600);
/// How long a sign-in link works: long enough to copy it from a terminal.
pub const INVITE_TTL: Span = Span::from_secs(15 * 60);
/// How long a bearer token of the command line works: one shift.
pub const TOKEN_TTL: Span = Span::from_secs(12 * 3_600);
/// Most secrets of one kind; the oldest goes when another comes.
const KEPT_MAX: usize = 1_024;

/// A signed-in person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub operator: OperatorId,
    /// Until when.
    pub expires: Timestamp,
}

struct Kept {
    hash: Digest,
    session: Session,
}

/// Secrets that stand for a person, until they expire.
#[derive(Default)]
pub(crate) struct Purse {
    kept: Mutex<Vec<Kept>>,
}

impl Purse {
    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        // A panic elsewhere leaves a list that is still whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the digest of a secret.
    pub fn put(&self, secret: &str, session: Session, now: Timestamp) {
        self.put_hash(Digest::of(secret.as_bytes()), session, now);
    }

    /// Keeps a digest.
    pub fn put_hash(&self, hash: Digest, session: Session, now: Timestamp) {
        let mut kept = self.kept();
        kept.retain(|one| now < one.session.expires);
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        kept.push(Kept { hash, session });
    }

    /// Whom a secret stands for. Every kept digest is compared, in constant time.
    pub fn look(&self, secret: &str, now: Timestamp) -> Option<Session> {
        let given = Digest::of(secret.as_bytes());
        let kept = self.kept();
        let mut found = None;
        for one in kept.iter() {
            if bool::from(one.hash.as_bytes().ct_eq(given.as_bytes())) && now < one.session.expires {
                found = Some(one.session);
            }
        }
        found
    }

    /// Whom a secret stood for; it stands for nobody afterwards. Of two at the same time one gets it.
    pub fn take(&self, secret: &str, now: Timestamp) -> Option<Session> {
        let given = Digest::of(secret.as_bytes());
        let mut kept = self.kept();
        let at = kept.iter().position(|one| bool::from(one.hash.as_bytes().ct_eq(given.as_bytes())))?;
        let taken = kept.remove(at).session;
        (now < taken.expires).then_some(taken)
    }
}

/// 64 lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
