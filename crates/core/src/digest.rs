//! SHA-256 digests of exact bytes and of canonical JSON (RFC 8785).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest; prints as `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Why something has no digest, or a text is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Not `sha256:` and 64 lower-case hexadecimal digits.
    #[error("`{0}` is no digest: it is `sha256:` and 64 lower-case hexadecimal digits")]
    Text(String),
    /// The value has no canonical JSON form.
    #[error("the value has no canonical JSON form: {0}")]
    Canonical(String),
}

impl Digest {
    /// The digest of exactly these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of the value's canonical JSON (RFC 8785).
    pub fn of_json<T: Serialize>(value: &T) -> Result<Self, DigestError> {
        canonical(value).map(|bytes| Self::of(&bytes))
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first twelve digits: enough for a screen, never for a check.
    pub fn short(&self) -> String {
        self.0.iter().take(6).map(|b| format!("{b:02x}")).collect()
    }
}

/// What four check words are said in: sixteen consonants and four vowels, a word for each 16 bits (D. S. Wilkerson, "A Proposal
/// for Proquints", arXiv:0901.4016).
const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aiou";

impl Digest {
    /// Four words that can be read to somebody, made of the first 64 bits: the same in console, command line and chat, so that
    /// people can tell that they look at the same thing. Not a check against somebody who can try 2^64 texts.
    pub fn check_words(&self) -> String {
        let letter = |from: &[u8], at: u16| from.get(usize::from(at)).copied().map_or('?', char::from);
        let word = |pair: &[u8]| {
            let bits = pair.iter().fold(0_u16, |bits, byte| (bits << 8) | u16::from(*byte));
            [
                letter(CONSONANTS, bits >> 12),
                letter(VOWELS, (bits >> 10) & 3),
                letter(CONSONANTS, (bits >> 6) & 15),
                letter(VOWELS, (bits >> 4) & 3),
                letter(CONSONANTS, bits & 15),
            ]
        };
        let words: Vec<String> = self.0.chunks(2).take(4).map(|pair| word(pair).into_iter().collect()).collect();
        words.join("-")
    }
}

/// The value's canonical JSON bytes (RFC 8785).
pub fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, DigestError> {
    serde_json_canonicalizer::to_vec(value).map_err(|e| DigestError::Canonical(e.to_string()))
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let bad = || DigestError::Text(text.chars().take(80).collect());
        let digits = text.strip_prefix("sha256:").filter(|d| d.len() == 64).ok_or_else(bad)?;
        let mut bytes = [0_u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            if pair.bytes().any(|b| b.is_ascii_uppercase() || b == b'+') {
                return Err(bad());
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_published_one() {
        let text = Digest::of(b"").to_string();
        assert_eq!(text, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(text.parse(), Ok(Digest::of(b"")));
    }

    #[test]
    fn the_order_of_members_does_not_matter() {
        let a = serde_json::json!({"b": 1, "a": 2});
        let b = serde_json::json!({"a": 2, "b": 1});
        assert_eq!(Digest::of_json(&a), Digest::of_json(&b));
    }

    #[test]
    fn capitals_and_plus_signs_are_no_digits() {
        let upper = Digest::of(b"").to_string().to_uppercase().replace("SHA256", "sha256");
        assert!(upper.parse::<Digest>().is_err());
        assert!(format!("sha256:{}", "+1".repeat(32)).parse::<Digest>().is_err());
    }

    #[test]
    fn check_words_are_those_of_the_published_examples() {
        // From the paper's list: 127.0.0.1 and 63.84.220.193.
        let mut bytes = [0_u8; 32];
        bytes[..8].copy_from_slice(&[127, 0, 0, 1, 63, 84, 220, 193]);
        assert_eq!(Digest(bytes).check_words(), "lusab-babad-gutih-tugad");
    }
}
