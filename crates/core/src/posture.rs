//! Posture: the autonomy that remains.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much agents may do, from nothing to everything that policy allows. Anything may lower it; only a person raises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Posture {
    /// Nothing starts.
    Stopped,
    /// Agents may report and propose; nothing starts without a person.
    AdviseOnly,
    /// Only routine actions start without a person.
    RoutineOnly,
    /// Whatever policy allows.
    Full,
}

impl Posture {
    /// As the policies see it: 0 (stopped) to 3 (full), so that order is part of the proofs.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Stopped => 0,
            Self::AdviseOnly => 1,
            Self::RoutineOnly => 2,
            Self::Full => 3,
        }
    }
}

impl fmt::Display for Posture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "stopped",
            Self::AdviseOnly => "advise-only",
            Self::RoutineOnly => "routine-only",
            Self::Full => "full",
        })
    }
}
