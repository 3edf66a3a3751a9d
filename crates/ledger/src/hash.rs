//! A SHA-256 digest as a value of its own, with the two base64 alphabets named so that nobody mixes them up.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Bytes in a SHA-256 digest.
const HASH_BYTES: usize = 32;

/// A SHA-256 digest: a leaf, a node, a root or a commitment. Prints as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; HASH_BYTES]);

/// Why a text is not a [`Hash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Characters outside the alphabet, wrong padding or stray bits at the end.
    #[error("a digest in a broken encoding")]
    Encoding,
    /// Not 32 bytes.
    #[error("a digest of {0} bytes instead of 32")]
    Length(usize),
}

impl Hash {
    /// The 32 bytes as they are.
    pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    /// Exactly 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, HashError> {
        bytes.try_into().map(Self).map_err(|_| HashError::Length(bytes.len()))
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }

    /// 64 lower-case hex digits, nothing else.
    pub fn from_hex(text: &str) -> Result<Self, HashError> {
        if text.len() != HASH_BYTES * 2 {
            return Err(HashError::Length(text.len() / 2));
        }
        let digits = text.bytes().map(|digit| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(HashError::Encoding),
        });
        let digits: Vec<u8> = digits.collect::<Result<_, _>>()?;
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit)).collect();
        Self::from_slice(&bytes)
    }

    /// Standard base64 with padding: the alphabet of checkpoints and proofs (RFC 4648 §4).
    pub fn from_base64(text: &str) -> Result<Self, HashError> {
        Self::from_slice(&STANDARD.decode(text).map_err(|_| HashError::Encoding)?)
    }

    /// Standard base64 with padding, as in checkpoints and proofs.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// base64url without padding: the alphabet of records (RFC 4648 §5).
    pub fn from_base64url(text: &str) -> Result<Self, HashError> {
        Self::from_slice(&URL_SAFE_NO_PAD.decode(text).map_err(|_| HashError::Encoding)?)
    }

    /// base64url without padding, as in records.
    pub fn to_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_each_of_its_three_spellings() {
        let hash = Hash::from_bytes(std::array::from_fn(|at| u8::try_from(at * 7).unwrap()));
        assert_eq!(Hash::from_hex(&hash.to_string()), Ok(hash));
        assert_eq!(Hash::from_base64(&hash.to_base64()), Ok(hash));
        assert_eq!(Hash::from_base64url(&hash.to_base64url()), Ok(hash));
    }

    #[test]
    fn a_sloppy_spelling_is_refused() {
        let check = |got: Result<Hash, HashError>, expected| assert_eq!(got, Err(expected));
        check(Hash::from_hex(&"AB".repeat(32)), HashError::Encoding);
        check(Hash::from_hex("ab"), HashError::Length(1));
        check(Hash::from_base64url(&format!("{}B", "A".repeat(42))), HashError::Encoding);
        check(Hash::from_base64(&"A".repeat(43)), HashError::Encoding);
        check(Hash::from_base64url("AAAA"), HashError::Length(3));
    }
}
