//! Severity: five steps, and what senders' words mean on them.

use serde::{Deserialize, Serialize};

/// Severity, 1 (worst) to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
// INVARIANT: only `try_from` builds one, so it is 1 to 5.
pub struct Severity(u8);

/// A severity outside 1 to 5.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("severity is 1 (worst) to 5, not {0}")]
pub struct SeverityError(u8);

impl Severity {
    /// The worst.
    pub const WORST: Self = Self(1);
    /// What is only said for the record.
    pub const MILDEST: Self = Self(5);

    /// The number, 1 (worst) to 5.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// From a signal's own word; what is unknown is taken as serious, not as harmless.
    pub fn stated(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "p1" | "sev1" | "sev-1" | "s1" | "disaster" => Self(1),
            "critical" | "crit" | "page" | "emergency" | "emerg" | "fatal" | "panic" | "alert" | "p2" | "sev2" | "sev-2" | "s2" => Self(2),
            "warning" | "warn" | "ticket" | "minor" | "low" | "p4" | "sev4" | "sev-4" | "s4" | "degraded" => Self(4),
            "info" | "information" | "informational" | "none" | "ok" | "normal" | "notice" | "debug" | "p5" | "sev5" | "sev-5" | "s5" => {
                Self(5)
            }
            // `error`, `high`, `major` and everything that nobody knows.
            _ => Self(3),
        }
    }
}

impl TryFrom<u8> for Severity {
    type Error = SeverityError;
    fn try_from(number: u8) -> Result<Self, SeverityError> {
        if (1..=5).contains(&number) { Ok(Self(number)) } else { Err(SeverityError(number)) }
    }
}

impl From<Severity> for u8 {
    fn from(severity: Severity) -> Self {
        severity.0
    }
}
