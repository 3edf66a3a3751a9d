//! Who speaks: agents by token, people by session or token. What comes out is a value that handlers take.

mod extract;
mod signed;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use http::HeaderMap;
use lineclear_core::signal::SecretName;
use lineclear_core::{AgentId, Digest, OperatorId, Timestamp};
use subtle::ConstantTimeEq as _;

pub use extract::{Asking, Machine, Person};
pub(crate) use signed::{Nonces, Signed};

use crate::Session;
use crate::session::{INVITE_TTL, Purse, SESSION_TTL, TOKEN_TTL, hex};

/// Where sign-in links begin; the token follows.
pub const SIGN_IN: &str = "/sign-in/";

/// A token that an agent holds; only its digest is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentToken {
    /// Whose.
    pub agent: AgentId,
    /// SHA-256 of the token's text.
    pub hash: Digest,
    /// When it stops to work.
    pub expires: Timestamp,
}

/// A token that an operator's command line holds; only its digest is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorToken {
    /// Whose.
    pub operator: OperatorId,
    /// SHA-256 of the token's text.
    pub hash: Digest,
    /// When it stops to work.
    pub expires: Timestamp,
}

/// A token that a sender of signals holds; only its digest is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookToken {
    /// SHA-256 of the token's text.
    pub hash: Digest,
    /// When it stops to work.
    pub expires: Timestamp,
}

/// The tokens that were given out and not taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Issued {
    /// To agents.
    pub agents: Vec<AgentToken>,
    /// To operators' command lines.
    pub operators: Vec<OperatorToken>,
    /// To senders of signals.
    pub webhooks: Vec<WebhookToken>,
}

/// Who may speak. It holds digests and no secrets, and forgets every session when the process ends.
pub struct Auth {
    issued: RwLock<Issued>,
    invites: Purse,
    sessions: Purse,
    tokens: Purse,
    secrets: RwLock<BTreeMap<SecretName, Vec<u8>>>,
}

impl Auth {
    /// Whoever holds one of these tokens may speak.
    pub fn new(issued: Issued) -> Self {
        Self {
            issued: RwLock::new(issued),
            invites: Purse::default(),
            sessions: Purse::default(),
            tokens: Purse::default(),
            secrets: RwLock::default(),
        }
    }

    /// From now on these tokens work and no others: what is not among them was taken back.
    pub fn reissue(&self, issued: Issued) {
        *self.issued.write().unwrap_or_else(PoisonError::into_inner) = issued;
    }

    fn issued(&self) -> RwLockReadGuard<'_, Issued> {
        // A panic elsewhere leaves a list that is still whole.
        self.issued.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on these are the secrets that sources of signals share with this installation.
    pub fn keep_secrets(&self, secrets: BTreeMap<SecretName, Vec<u8>>) {
        *self.secrets.write().unwrap_or_else(PoisonError::into_inner) = secrets;
    }

    /// A secret that a source of signals shares; none when nobody has put it there, or it is empty.
    pub(crate) fn secret(&self, name: &SecretName) -> Option<Vec<u8>> {
        let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        secrets.get(name).filter(|secret| !secret.is_empty()).cloned()
    }

    /// The path of a link that signs this person in once, within 15 minutes. `secret` is fresh and random.
    pub fn invite(&self, who: OperatorId, now: Timestamp, secret: [u8; 32]) -> String {
        let token = hex(&secret);
        self.invites.put(&token, Session { operator: who, expires: now + INVITE_TTL }, now);
        format!("{SIGN_IN}{token}")
    }

    /// Uses a link's token up and begins a session; answers the cookie's value. `secret` is fresh and random, so that a
    /// cookie known before signing in is worth nothing after it.
    pub fn redeem(&self, token: &str, now: Timestamp, secret: [u8; 32]) -> Option<String> {
        let who = self.invites.take(token, now)?.operator;
        let cookie = hex(&secret);
        self.sessions.put(&cookie, Session { operator: who, expires: now + SESSION_TTL }, now);
        Some(cookie)
    }

    /// The session behind a cookie's value.
    pub fn session(&self, cookie: &str, now: Timestamp) -> Option<Session> {
        self.sessions.look(cookie, now)
    }

    /// Ends a session.
    pub fn end(&self, cookie: &str, now: Timestamp) {
        // Nothing is owed to whoever ends a session that is over.
        let _ = self.sessions.take(cookie, now);
    }

    /// The agent behind a bearer token.
    pub fn agent(&self, bearer: &str, now: Timestamp) -> Option<AgentId> {
        holder(self.issued().agents.iter().map(|token| (&token.hash, token.expires, token.agent)), bearer, now)
    }

    /// Whether a sender of signals may deliver them with this token.
    pub fn webhook(&self, bearer: &str, now: Timestamp) -> bool {
        holder(self.issued().webhooks.iter().map(|token| (&token.hash, token.expires, ())), bearer, now).is_some()
    }

    /// A bearer token for this person's command line, for 12 hours. `secret` is fresh and random.
    pub fn operator_token(&self, who: OperatorId, now: Timestamp, secret: [u8; 32]) -> String {
        let token = format!("lco_{}", hex(&secret));
        self.tokens.put(&token, Session { operator: who, expires: now + TOKEN_TTL }, now);
        token
    }

    /// The person behind a bearer token.
    pub fn operator(&self, bearer: &str, now: Timestamp) -> Option<OperatorId> {
        let issued = holder(self.issued().operators.iter().map(|token| (&token.hash, token.expires, token.operator)), bearer, now);
        issued.or_else(|| self.tokens.look(bearer, now).map(|session| session.operator))
    }
}

/// Who holds a secret that still works. Every known digest is compared, in constant time.
fn holder<'a, T>(known: impl Iterator<Item = (&'a Digest, Timestamp, T)>, secret: &str, now: Timestamp) -> Option<T> {
    let given = Digest::of(secret.as_bytes());
    let mut found = None;
    for (hash, expires, holder) in known {
        if bool::from(hash.as_bytes().ct_eq(given.as_bytes())) && now < expires {
            found = Some(holder);
        }
    }
    found
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("agents", &self.issued().agents.len()).finish_non_exhaustive()
    }
}

/// The bearer token of a request (RFC 6750 §2.1); none when there is none, or more than one.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(http::header::AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.trim())
}

/// The value of a cookie (RFC 6265 §5.4); none when there is none, or more than one of the name: a second one was put
/// there by somebody else.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(http::header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut ours = all.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('=')).filter(|(given, _)| *given == name);
    match (ours.next(), ours.next()) {
        (Some((_, value)), None) => Some(value),
        (_, _) => None,
    }
}
