//! Requests of a runner over HTTP: each signed with the runner's own key over everything that it means, good for a minute, and
//! once.
//!
//! What is signed is this text, each line ended by a line feed:
//!
//! ```text
//! lineclear-runner-request/1
//! ledger.example/g1                the installation that it is for
//! runner_0193f0c4…                 who asks
//! POST
//! /api/v1/runner/poll              the path as it is sent; there is no query
//! 9f86d081884c7d65…                SHA-256 of the body, in hexadecimal
//! 1795400000000000                 microseconds since 1970, UTC
//! 5feceb66ffc86f38…                the nonce: 32 hexadecimal digits
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use lineclear_core::runner::RunnerKey;
use lineclear_core::{RunnerId, Span, Timestamp};
use lineclear_ledger::Hash;
use sha2::{Digest as _, Sha256};

/// The first line of what is signed.
pub const REQUEST_FORMAT: &str = "lineclear-runner-request/1";
/// How far the time of a request may be from that of whoever receives it, either way.
pub const REQUEST_AGE_MAX: Span = Span::from_secs(60);
/// The header that names the runner.
pub const RUNNER_HEADER: &str = "lineclear-runner";
/// The header with the time, in microseconds since 1970.
pub const TIME_HEADER: &str = "lineclear-time";
/// The header with the nonce.
pub const NONCE_HEADER: &str = "lineclear-nonce";
/// The header with the signature, in base64.
pub const SIGNATURE_HEADER: &str = "lineclear-signature";
/// Digits of a nonce.
pub const NONCE_DIGITS: usize = 32;

/// Everything that a request means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The installation that it is for: the origin of its ledger.
    pub audience: &'a str,
    /// Who asks.
    pub runner: RunnerId,
    /// The method, in capitals.
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// The exact bytes of the body.
    pub body: &'a [u8],
    /// When, by the runner's clock.
    pub at: Timestamp,
    /// 32 lower-case hexadecimal digits of chance.
    pub nonce: &'a str,
}

/// A runner's own key. Its secret half is wiped when it is dropped and never printed.
pub struct RequestKey(SigningKey);

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// No point of the curve, or one of small order.
    #[error("no usable Ed25519 public key")]
    Key,
    /// A member that would make two requests look alike.
    #[error("a part of the request cannot be signed")]
    Shape,
    /// By another key, or over something else.
    #[error("the signature is not by this runner's key over this request")]
    Signature,
}

impl Request<'_> {
    /// What is signed; none when a part holds a line feed, so that no two requests have one text.
    pub fn text(&self) -> Option<String> {
        let parts = [self.audience, self.method, self.path, self.nonce];
        if parts.iter().any(|part| part.bytes().any(|byte| byte < 0x20)) {
            return None;
        }
        let body: [u8; 32] = Sha256::digest(self.body).into();
        let (body, at) = (Hash::from_bytes(body), self.at.as_micros());
        let Self { audience, runner, method, path, nonce, .. } = self;
        Some(format!("{REQUEST_FORMAT}\n{audience}\n{runner}\n{method}\n{path}\n{body}\n{at}\n{nonce}\n"))
    }

    /// Whether its nonce has the form that nonces have.
    pub fn nonce_fits(&self) -> bool {
        self.nonce.len() == NONCE_DIGITS && self.nonce.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// Whether its time is near this one.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.at <= now + REQUEST_AGE_MAX && now <= self.at + REQUEST_AGE_MAX
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// When it is not by this key over this request.
    pub fn verify(&self, key: &RunnerKey, signature: &str) -> Result<(), RequestFault> {
        let key = usable(key)?;
        let text = self.text().filter(|_| self.nonce_fits()).ok_or(RequestFault::Shape)?;
        let bytes = STANDARD.decode(signature).map_err(|_| RequestFault::Signature)?;
        let signature = Signature::from_slice(&bytes).map_err(|_| RequestFault::Signature)?;
        key.verify_strict(text.as_bytes(), &signature).map_err(|_| RequestFault::Signature)
    }
}

/// Checks that a key is one that signatures can be made with.
///
/// # Errors
/// When it is no point of the curve, or one of small order, under which anything may be signed by anybody.
pub fn usable(key: &RunnerKey) -> Result<VerifyingKey, RequestFault> {
    let key = VerifyingKey::from_bytes(key.as_bytes()).map_err(|_| RequestFault::Key)?;
    if key.is_weak() { Err(RequestFault::Key) } else { Ok(key) }
}

impl RequestKey {
    /// The key of these 32 secret bytes. The caller wipes its own copy of them.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The public half.
    pub fn public(&self) -> RunnerKey {
        RunnerKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Signs a request; the signature in base64.
    ///
    /// # Errors
    /// When a part of it cannot be signed.
    pub fn sign(&self, request: &Request<'_>) -> Result<String, RequestFault> {
        let text = request.text().filter(|_| request.nonce_fits()).ok_or(RequestFault::Shape)?;
        Ok(STANDARD.encode(self.0.sign(text.as_bytes()).to_bytes()))
    }
}

impl std::fmt::Debug for RequestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RequestKey({})", self.public())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_795_400_000_000_000);

    fn runner(number: u32) -> RunnerId {
        format!("runner_{number:032x}").parse().unwrap()
    }

    fn request(nonce: &str) -> Request<'_> {
        Request {
            audience: "ledger.example/g1",
            runner: runner(1),
            method: "POST",
            path: "/api/v1/runner/poll",
            body: b"{}",
            at: NOW,
            nonce,
        }
    }

    #[test]
    fn the_text_of_a_request_stands_for_ever() {
        let nonce = "5f".repeat(16);
        assert_eq!(
            request(&nonce).text().unwrap(),
            "lineclear-runner-request/1\nledger.example/g1\nrunner_00000000000000000000000000000001\nPOST\n/api/v1/runner/poll\n\
             44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n1795400000000000\n5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f\n"
        );
    }

    #[test]
    fn a_signature_is_good_for_one_request_of_one_runner_and_nothing_else() {
        let (key, nonce, other) = (RequestKey::from_seed([3; 32]), "5f".repeat(16), "60".repeat(16));
        let good = request(&nonce);
        let signature = key.sign(&good).unwrap();
        assert_eq!(good.verify(&key.public(), &signature), Ok(()));
        let forged = [
            Request { audience: "other.example/g1", ..good },
            Request { runner: runner(2), ..good },
            Request { method: "PUT", ..good },
            Request { path: "/api/v1/runner/report", ..good },
            Request { body: b"{} ", ..good },
            Request { at: NOW + Span::from_millis(1), ..good },
            Request { nonce: &other, ..good },
        ];
        for bent in forged {
            assert_eq!(bent.verify(&key.public(), &signature), Err(RequestFault::Signature), "{bent:?}");
        }
        let stranger = RequestKey::from_seed([4; 32]);
        assert_eq!(good.verify(&stranger.public(), &signature), Err(RequestFault::Signature));
        for bad in ["", "AAAA", &signature.replace('=', "")] {
            assert_eq!(good.verify(&key.public(), bad), Err(RequestFault::Signature), "{bad}");
        }
    }

    #[test]
    fn what_would_look_like_another_request_is_not_signed() {
        let (key, nonce) = (RequestKey::from_seed([3; 32]), "5f".repeat(16));
        let good = request(&nonce);
        for bent in [Request { path: "/a\nb", ..good }, Request { nonce: "5F", ..good }, Request { nonce: "", ..good }] {
            assert_eq!(key.sign(&bent), Err(RequestFault::Shape), "{bent:?}");
        }
    }

    #[test]
    fn a_key_under_which_anybody_could_sign_is_refused() {
        let mut one = [0; 32];
        one[0] = 1;
        for weak in [[0; 32], one] {
            assert_eq!(usable(&RunnerKey::from_bytes(weak)).err(), Some(RequestFault::Key));
        }
        assert!(usable(&RequestKey::from_seed([3; 32]).public()).is_ok());
    }

    #[test]
    fn a_request_is_fresh_for_a_minute_either_way() {
        let nonce = "5f".repeat(16);
        let minute = Span::from_secs(60);
        let more = Span::from_millis(60_001);
        for (at, fresh) in [(NOW, true), (NOW + minute, true), (NOW - minute, true), (NOW + more, false), (NOW - more, false)] {
            assert_eq!(Request { at, ..request(&nonce) }.is_fresh(NOW), fresh, "{at}");
        }
    }
}
