//! Names that people give to things in the estate: closed alphabets, bounded lengths, one type each.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest name, in bytes; DNS allows 253 for a whole domain name, and zones are targets.
pub const NAME_MAX: usize = 253;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or longer than [`NAME_MAX`].
    #[error("a {kind} has 1 to {NAME_MAX} characters, not {len}")]
    Length {
        /// What the name was to be.
        kind: &'static str,
        /// Its length in bytes.
        len: usize,
    },
    /// A character outside the alphabet.
    #[error("`{given}` is no {kind}: it holds lower-case letters, digits, `.`, `-`, `_` and begins with a letter or digit")]
    Alphabet {
        /// What the name was to be.
        kind: &'static str,
        /// What was given, cut to 80 characters.
        given: String,
    },
}

fn check(kind: &'static str, text: &str) -> Result<(), NameError> {
    if text.is_empty() || text.len() > NAME_MAX {
        return Err(NameError::Length { kind, len: text.len() });
    }
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let rest = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_'));
    if first && rest { Ok(()) } else { Err(NameError::Alphabet { kind, given: text.chars().take(80).collect() }) }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        // INVARIANT: only `FromStr` builds one, and it checks the alphabet and the length.
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                check($kind, text)?;
                Ok(Self(Arc::from(text)))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

names! {
    /// A kind of operation in the catalogue, as Cedar names it: `dns.update`.
    ActionName = "action name";
    /// An input of an action or runbook.
    InputName = "input name";
    /// A channel through which people are told: `ops-chat`.
    ChannelName = "channel name";
    /// A fallback branch of a runbook.
    BranchName = "branch name";
    /// A fact that gates use: `backend_down`.
    FactName = "fact name";
    /// A person's login in the estate, for display; records hold the [`crate::OperatorId`].
    Login = "login";
    /// The name of one thing in the estate, unique within its kind.
    EntityName = "entity name";
    /// A policy's `@id`.
    PolicyName = "policy name";
    /// A value that a step of a runbook reports.
    OutputName = "output name";
    /// A region of the hosting estate.
    RegionName = "region name";
    /// A role that people hold: `operator`, `service-lead`.
    RoleName = "role name";
    /// A rung of the ladder.
    RungName = "rung name";
    /// A runner on another machine: `ber-1`.
    RunnerName = "runner name";
    /// A runbook.
    RunbookName = "runbook name";
    /// A service level objective.
    SloName = "objective name";
    /// An escalation path.
    PathName = "escalation path name";
    /// A rotation of people on call: `shop-primary`.
    RotationName = "rotation name";
    /// A source of signals: `edge-alerts`.
    SourceName = "signal source name";
    /// A step of a runbook.
    StepName = "step name";
    /// A team that owns things.
    TeamName = "team name";
    /// A deterministic tool of the runner: `dns_update`.
    ToolName = "tool name";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_text() {
        assert_eq!("dns.update".parse::<ActionName>().map(|n| n.to_string()), Ok("dns.update".into()));
    }

    #[test]
    fn blanks_capitals_and_leading_dots_are_refused() {
        for bad in ["", " a", "A", ".a", "a b", "a\n", "ä", &"a".repeat(254)] {
            assert!(bad.parse::<ActionName>().is_err(), "{bad:?}");
        }
    }
}
