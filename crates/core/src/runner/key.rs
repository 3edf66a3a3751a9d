//! A runner's public key, as records and requests write it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A runner's public Ed25519 key: 32 bytes, printed as 64 hexadecimal digits. Whether they are a point of the curve is looked at
/// where signatures are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunnerKey([u8; 32]);

/// A text that is no [`RunnerKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a runner's key is 64 lower-case hexadecimal digits")]
pub struct RunnerKeyError;

impl RunnerKey {
    /// The key of these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for RunnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RunnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RunnerKey {
    type Err = RunnerKeyError;

    fn from_str(text: &str) -> Result<Self, RunnerKeyError> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(RunnerKeyError);
        }
        let mut bytes = [0_u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| RunnerKeyError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| RunnerKeyError)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for RunnerKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RunnerKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}
