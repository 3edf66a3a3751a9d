//! Requests of runners on other machines: signed with the runner's own key, good for a minute, and once. Nothing of the body is
//! read as meaning anything before the signature holds.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::HeaderMap;
use lineclear_core::{RunnerId, Timestamp};
use lineclear_warrant::request::{NONCE_HEADER, REQUEST_AGE_MAX, RUNNER_HEADER, SIGNATURE_HEADER, TIME_HEADER};
use serde::de::DeserializeOwned;

use crate::json::{read, unread};
use crate::{App, Code, Problem};

/// Most nonces of one runner that are remembered: thirty requests a second for as long as one could be sent again. Beyond it the
/// runner is asked to wait, and nothing is forgotten early.
const NONCES_MAX: usize = 4_096;

/// A body of this shape, from a runner that signed it.
pub(crate) struct Signed<T> {
    /// Who.
    pub runner: RunnerId,
    /// What.
    pub body: T,
}

/// The nonces of requests that could still be sent again.
pub(crate) struct Nonces {
    /// What was signed before this process could remember is refused: it may have been seen by the process before.
    born: Timestamp,
    seen: Mutex<BTreeMap<RunnerId, BTreeMap<String, Timestamp>>>,
}

impl Nonces {
    /// A memory that begins now.
    pub const fn new(born: Timestamp) -> Self {
        Self { born, seen: Mutex::new(BTreeMap::new()) }
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<RunnerId, BTreeMap<String, Timestamp>>> {
        // A panic elsewhere leaves a memory that is still whole.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses a nonce up. Only requests whose signature holds come here, so that no stranger fills it.
    fn spend(&self, runner: RunnerId, nonce: &str, at: Timestamp, now: Timestamp) -> Result<(), Problem> {
        if at < self.born {
            return Err(Problem::with(Code::StaleRequest, "the request was signed before this process began"));
        }
        let mut seen = self.seen();
        let nonces = seen.entry(runner).or_default();
        nonces.retain(|_, at| now <= *at + REQUEST_AGE_MAX);
        if nonces.contains_key(nonce) {
            return Err(Problem::new(Code::ReplayedRequest));
        }
        if nonces.len() >= NONCES_MAX {
            return Err(Problem::with(Code::Busy, format!("more than {NONCES_MAX} requests of this runner in two minutes")));
        }
        nonces.insert(nonce.to_owned(), at);
        Ok(())
    }
}

/// What the headers say.
struct Heads {
    runner: RunnerId,
    at: Timestamp,
    nonce: String,
    signature: String,
}

impl Heads {
    fn read(headers: &HeaderMap) -> Option<Self> {
        let one = |name: &str| {
            let mut given = headers.get_all(name).iter();
            let (Some(value), None) = (given.next(), given.next()) else { return None };
            value.to_str().ok()
        };
        let micros: i64 = one(TIME_HEADER)?.parse().ok()?;
        Some(Self {
            runner: one(RUNNER_HEADER)?.parse().ok()?,
            at: Timestamp::from_micros(micros),
            nonce: one(NONCE_HEADER)?.to_owned(),
            signature: one(SIGNATURE_HEADER)?.to_owned(),
        })
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Signed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let heads = Heads::read(request.headers()).ok_or_else(|| Problem::new(Code::UnsignedRequest))?;
        let (method, path) = (request.method().as_str().to_owned(), request.uri().path().to_owned());
        if request.uri().query().is_some() {
            return Err(Problem::with(Code::UnsignedRequest, "a signed request has no query"));
        }
        let key = app.engine.runner_key(heads.runner).await?;
        let audience = app.engine.estate().origin.clone();
        let body = Bytes::from_request(request, app).await.map_err(|rejection| unread(&rejection))?;
        let signed = lineclear_warrant::Request {
            audience: &audience,
            runner: heads.runner,
            method: &method,
            path: &path,
            body: &body,
            at: heads.at,
            nonce: &heads.nonce,
        };
        signed.verify(&key, &heads.signature).map_err(|fault| Problem::with(Code::ForgedRequest, fault))?;
        let now = app.engine.now();
        if !signed.is_fresh(now) {
            return Err(Problem::with(Code::StaleRequest, format!("the request says {}, and it is {now} here", heads.at)));
        }
        app.nonces.spend(heads.runner, &heads.nonce, heads.at, now)?;
        Ok(Self { runner: heads.runner, body: read(&body)? })
    }
}

#[cfg(test)]
mod tests {
    use lineclear_core::Span;

    use super::*;

    const BORN: Timestamp = Timestamp::from_micros(1_795_400_000_000_000);

    fn runner(number: u32) -> RunnerId {
        format!("runner_{number:032x}").parse().unwrap()
    }

    fn said(result: Result<(), Problem>) -> &'static str {
        result.map_or_else(|problem| problem.code().word(), |()| "taken")
    }

    #[test]
    fn a_nonce_works_once_for_as_long_as_its_request_could_be_sent_again() {
        let nonces = Nonces::new(BORN);
        let now = BORN + Span::from_secs(10);
        assert_eq!(said(nonces.spend(runner(1), "a", BORN, now)), "taken");
        assert_eq!(said(nonces.spend(runner(1), "a", BORN, now)), "replayed_request");
        assert_eq!(said(nonces.spend(runner(2), "a", BORN, now)), "taken", "another runner draws its own");
        assert_eq!(said(nonces.spend(runner(1), "a", BORN, BORN + Span::from_secs(60))), "replayed_request");
        let before = BORN - Span::from_millis(1);
        assert_eq!(said(nonces.spend(runner(1), "b", before, now)), "stale_request", "a process before may have seen it");
    }

    #[test]
    fn nothing_is_forgotten_early_however_many_come() {
        let nonces = Nonces::new(BORN);
        for number in 0..NONCES_MAX {
            assert_eq!(said(nonces.spend(runner(1), &number.to_string(), BORN, BORN)), "taken");
        }
        assert_eq!(said(nonces.spend(runner(1), "more", BORN, BORN)), "busy");
        assert_eq!(said(nonces.spend(runner(1), "0", BORN, BORN)), "replayed_request");
        let later = BORN + Span::from_secs(61);
        assert_eq!(said(nonces.spend(runner(1), "more", later, later)), "taken");
    }
}
