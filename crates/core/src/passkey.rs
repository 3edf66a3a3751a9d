//! A person's passkey as a line of their key file: which page it signs on, what it is called, and its public key. Whether it signed
//! something is for the `warrant` room to say.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use spki::der::Decode as _;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

/// The first word of a key line.
pub const PASSKEY_WORD: &str = "passkey";
/// Longest key line in bytes: an identifier of 1,023 bytes and an RSA key of 4,096 bits.
pub const PASSKEY_LINE_MAX: usize = 3 * 1024;
/// Longest identifier of a credential in bytes (`WebAuthn` Level 3, §4, "Credential ID").
pub const CREDENTIAL_MAX: usize = 1_023;
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EDWARDS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A passkey of a person, as a line of their key file says it:
/// `passkey ORIGIN device|synced CREDENTIAL KEY comment`, with the credential in base64url and the key as base64 of its
/// `SubjectPublicKeyInfo` (RFC 5280, §4.1.2.7; `openssl pkey -pubin -inform DER` reads it). Prints without the comment.
#[derive(Debug, Clone, PartialEq, Eq)]
// INVARIANT: `from_str` has checked the form of everything.
pub struct Passkey {
    origin: String,
    host: String,
    synced: bool,
    credential: Vec<u8>,
    spki: Vec<u8>,
    algorithm: Algorithm,
    point: Vec<u8>,
}

/// What a passkey signs with, by the names of the COSE registry (IANA, "COSE Algorithms").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// ECDSA over P-384 with SHA-384.
    Es384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// Ed25519.
    EdDsa,
}

/// Why a line is no passkey.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// Too long, or not the five words.
    #[error("a passkey has the form `passkey ORIGIN device|synced CREDENTIAL KEY`")]
    Form,
    /// An origin that no browser gives a passkey to.
    #[error("`{0}` is no origin of a passkey: it is `https://` and a name, or `http://localhost`, with a port if need be")]
    Origin(String),
    /// Neither `device` nor `synced`.
    #[error("`{0}` is neither `device` nor `synced`")]
    Kind(String),
    /// Not base64url of 1 to 1,023 bytes.
    #[error("the credential is no base64url of 1 to {CREDENTIAL_MAX} bytes")]
    Credential,
    /// Not a key that passkeys sign with.
    #[error("the key is no base64 of a SubjectPublicKeyInfo for ES256, ES384, RS256 or EdDSA")]
    Key,
}

impl Passkey {
    /// A passkey as a browser gives it when it is made; the comment is left to the key file.
    ///
    /// # Errors
    /// As for a line.
    pub fn new(origin: &str, synced: bool, credential: &[u8], spki: &[u8]) -> Result<Self, PasskeyError> {
        let host = host(origin).ok_or_else(|| PasskeyError::Origin(origin.chars().take(80).collect()))?;
        if credential.is_empty() || credential.len() > CREDENTIAL_MAX {
            return Err(PasskeyError::Credential);
        }
        let (algorithm, point) = public_key(spki).ok_or(PasskeyError::Key)?;
        let (host, credential, spki) = (host.to_owned(), credential.to_vec(), spki.to_vec());
        Ok(Self { origin: origin.into(), host, synced, credential, spki, algorithm, point })
    }

    /// Whether browsers give passkeys to pages of this origin.
    pub fn able(origin: &str) -> bool {
        host(origin).is_some()
    }

    /// The page that it signs on.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The name that the authenticator knows the page by (`WebAuthn`: RP ID): the host of the origin.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its identifier, in base64url.
    pub fn credential(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.credential)
    }

    /// What it signs with.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether the key may be copied to other devices of the person.
    pub const fn synced(&self) -> bool {
        self.synced
    }

    /// The key itself, for telling two apart: the point, or the modulus and exponent.
    pub fn key(&self) -> &[u8] {
        &self.point
    }
}

/// The host of an origin that browsers give passkeys to: a name under https, or this machine. A number is no name.
fn host(origin: &str) -> Option<&str> {
    let (rest, safe) = match origin.strip_prefix("https://") {
        Some(rest) => (rest, true),
        None => (origin.strip_prefix("http://")?, false),
    };
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    let label = |label: &str| {
        let inner = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        inner && !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    let named = host.len() <= 253 && host.split('.').all(label) && !host.rsplit('.').next()?.bytes().all(|b| b.is_ascii_digit());
    let ported = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port));
    (named && ported && (safe || host == "localhost")).then_some(host)
}

fn public_key(spki: &[u8]) -> Option<(Algorithm, Vec<u8>)> {
    let read = SubjectPublicKeyInfoRef::from_der(spki).ok()?;
    let curve = || read.algorithm.parameters_oid().ok();
    let algorithm = match read.algorithm.oid {
        EC if curve() == Some(P256) => Algorithm::Es256,
        EC if curve() == Some(P384) => Algorithm::Es384,
        RSA => Algorithm::Rs256,
        EDWARDS => Algorithm::EdDsa,
        _ => return None,
    };
    let point = read.subject_public_key.as_bytes()?;
    let least = match algorithm {
        Algorithm::Es256 => point.len() == 65,
        Algorithm::Es384 => point.len() == 97,
        // The modulus of 2,048 bits alone has 256 bytes.
        Algorithm::Rs256 => (265..=1_100).contains(&point.len()),
        Algorithm::EdDsa => point.len() == 32,
    };
    least.then(|| (algorithm, point.to_vec()))
}

impl FromStr for Passkey {
    type Err = PasskeyError;

    fn from_str(line: &str) -> Result<Self, PasskeyError> {
        if line.len() > PASSKEY_LINE_MAX {
            return Err(PasskeyError::Form);
        }
        let mut words = line.split_ascii_whitespace();
        let mut word = || words.next().ok_or(PasskeyError::Form);
        if word()? != PASSKEY_WORD {
            return Err(PasskeyError::Form);
        }
        let (origin, kind, credential, key) = (word()?, word()?, word()?, word()?);
        let synced = match kind {
            "device" => false,
            "synced" => true,
            other => return Err(PasskeyError::Kind(other.chars().take(20).collect())),
        };
        let credential = URL_SAFE_NO_PAD.decode(credential).map_err(|_| PasskeyError::Credential)?;
        let spki = STANDARD.decode(key).map_err(|_| PasskeyError::Key)?;
        Self::new(origin, synced, &credential, &spki)
    }
}

impl fmt::Display for Passkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.synced { "synced" } else { "device" };
        write!(f, "{PASSKEY_WORD} {} {kind} {} {}", self.origin, self.credential(), STANDARD.encode(&self.spki))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The beginning of a `SubjectPublicKeyInfo`, up to the point (RFC 5480, RFC 8410).
    const P384_HEAD: &[u8] = b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00";
    const EDWARDS_HEAD: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

    fn good() -> Passkey {
        Passkey::new("https://ops.example.test", false, b"credential", &[EDWARDS_HEAD, &[5; 32]].concat()).unwrap()
    }

    #[test]
    fn a_line_says_where_what_kind_and_which_key() {
        fn check(line: &str, expected: &PasskeyError) {
            assert_eq!(&line.parse::<Passkey>().unwrap_err(), expected, "{line}");
        }
        let good = good().to_string();
        let word = |at: usize, text: &str| {
            let mut words: Vec<&str> = good.split(' ').collect();
            words[at] = text;
            words.join(" ")
        };
        check("", &PasskeyError::Form);
        check("passkey https://ops.example.test", &PasskeyError::Form);
        check(&word(0, "ssh-ed25519"), &PasskeyError::Form);
        check(&format!("{good} {}", "x".repeat(PASSKEY_LINE_MAX)), &PasskeyError::Form);
        check(&word(2, "phone"), &PasskeyError::Kind("phone".into()));
        check(&word(3, "a=b"), &PasskeyError::Credential);
        check(&word(3, &"A".repeat(1_368)), &PasskeyError::Credential);
        check(&word(4, "AAAA"), &PasskeyError::Key);
        check(&word(4, &STANDARD.encode([P384_HEAD, &[4; 65]].concat())), &PasskeyError::Key);
        for bad in [
            "http://ops.example.test",
            "https://192.0.2.1",
            "https://ops.example.test/",
            "https://Ops.example.test",
            "https://ops.example.test:0",
            "https://ops.example.test:00443",
            "https://a@ops.example.test",
            "https://",
            "https://-a.test",
            "https://[::1]",
            "null",
        ] {
            check(&word(1, bad), &PasskeyError::Origin(bad.into()));
        }
        for origin in ["https://ops.example.test:8443", "http://localhost:7000", "https://localhost"] {
            assert!(word(1, origin).parse::<Passkey>().is_ok(), "{origin}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(line in "(passkey )?.{0,200}") {
            let _ = line.parse::<Passkey>();
        }
    }
}
