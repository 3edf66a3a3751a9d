//! The keys of C2SP signed notes: Ed25519, type 0x01, a name and a short key id.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// Signature type of Ed25519 over the text of a note.
const TYPE_ED25519: u8 = 0x01;

/// Bytes in a key's name at most; our longest origin takes a quarter of it.
const NAME_MAX: usize = 255;

/// A log's signing key. Its secret half is wiped when it is dropped and never printed.
pub struct LogKey {
    name: String,
    id: [u8; 4],
    // `SigningKey` zeroizes itself on drop (feature `zeroize`).
    secret: SigningKey,
}

/// The public half of a key that is trusted. Prints as a verifier key: `name+id+base64`.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

/// Why a text or a name makes no key. The text itself is left out: somebody may have pasted the secret half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Empty, longer than 255 bytes, or with white space, `+` or control characters.
    #[error("the name of a key is 1 to 255 bytes without white space and `+`")]
    Name,
    /// Not `name+id+key`.
    #[error("a verifier key has the form `name+id+key`")]
    Shape,
    /// A signature type that is not Ed25519 (0x01).
    #[error("a verifier key of type {0}, only Ed25519 (1) is known")]
    Type(u8),
    /// No point of the curve, or one of small order.
    #[error("no usable Ed25519 public key")]
    Point,
    /// The id belongs to another name or key.
    #[error("the id in the verifier key does not belong to its name and key")]
    Id,
}

impl LogKey {
    /// The key of the log `name`, from 32 secret bytes. The caller wipes its own copy of them.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        let secret = SigningKey::from_bytes(seed);
        Ok(Self { name: name.to_owned(), id: key_id(name, secret.verifying_key().as_bytes()), secret })
    }

    /// The name, which is the origin of the log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public half.
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), id: self.id, key: self.secret.verifying_key() }
    }

    /// The line that signs `text` (which ends with a newline), itself ending with one.
    pub(crate) fn signature_line(&self, text: &str) -> String {
        let blob: Vec<u8> = self.id.into_iter().chain(self.secret.sign(text.as_bytes()).to_bytes()).collect();
        format!("\u{2014} {} {}\n", self.name, STANDARD.encode(blob))
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogKey").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Verifier {
    /// Reads a verifier key: name, `+`, key id in hex, `+`, base64 of type and public key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else { return Err(KeyError::Shape) };
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        let key = STANDARD.decode(key).map_err(|_| KeyError::Shape)?;
        let (kind, key) = key.split_first().ok_or(KeyError::Shape)?;
        if *kind != TYPE_ED25519 {
            return Err(KeyError::Type(*kind));
        }
        let key: &[u8; 32] = key.try_into().map_err(|_| KeyError::Point)?;
        let point = VerifyingKey::from_bytes(key).map_err(|_| KeyError::Point)?;
        if point.is_weak() {
            return Err(KeyError::Point);
        }
        let verifier = Self { name: name.to_owned(), id: key_id(name, key), key: point };
        if verifier.id_hex() == id { Ok(verifier) } else { Err(KeyError::Id) }
    }

    /// The name, for a log its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of SHA-256(name ‖ newline ‖ type ‖ key).
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The id in eight hex digits.
    pub fn id_hex(&self) -> String {
        id_hex(self.id)
    }

    /// Whether `signature` (64 bytes) is this key's over `text`.
    pub(crate) fn holds(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl FromStr for Verifier {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key: Vec<u8> = [TYPE_ED25519].into_iter().chain(*self.key.as_bytes()).collect();
        write!(f, "{}+{}+{}", self.name, self.id_hex(), STANDARD.encode(key))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({self})")
    }
}

/// Non-empty, bounded, without white space, `+` and control characters (C2SP signed-note).
pub(crate) fn is_key_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_MAX && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// Eight hex digits of a key id.
pub(crate) fn id_hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

fn key_id(name: &str, key: &[u8; 32]) -> [u8; 4] {
    let digest: [u8; 32] = Sha256::new().chain_update(name).chain_update([b'\n', TYPE_ED25519]).chain_update(key).finalize().into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_key_survives_being_printed() {
        let verifier = LogKey::from_seed("ledger.example/e1", &[5; 32]).unwrap().verifier();
        assert_eq!(Verifier::parse(&verifier.to_string()), Ok(verifier));
    }

    #[test]
    fn the_secret_half_is_never_printed() {
        let key = LogKey::from_seed("ledger.example/e1", &[5; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "LogKey { name: \"ledger.example/e1\", .. }");
    }

    #[test]
    fn a_broken_verifier_key_is_refused() {
        let good = LogKey::from_seed("a", &[5; 32]).unwrap().verifier().to_string();
        let check = |text: &str, expected| assert_eq!(Verifier::parse(text), Err(expected), "{text}");
        check("", KeyError::Shape);
        check("a+b", KeyError::Shape);
        check(&good.replacen('a', "b", 1), KeyError::Id);
        check(&good.replacen('a', "", 1), KeyError::Name);
        check(&format!("{good}!"), KeyError::Shape);
        check(&format!("a+00000000+{}", STANDARD.encode([4; 33])), KeyError::Type(4));
        check(&format!("a+00000000+{}", STANDARD.encode([1; 32])), KeyError::Point);
        let identity: Vec<u8> = [1, 1].into_iter().chain([0; 31]).collect();
        check(&format!("a+00000000+{}", STANDARD.encode(identity)), KeyError::Point);
        assert_eq!(LogKey::from_seed("a b", &[5; 32]).unwrap_err(), KeyError::Name);
    }
}
