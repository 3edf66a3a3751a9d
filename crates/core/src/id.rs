//! Identifiers that print their kind, so that a run can never be passed where a change is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// Why a text is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text has another prefix, or none.
    #[error("`{given}` is not a {kind} id: it must begin with `{kind}_`")]
    Kind {
        /// The wanted prefix.
        kind: &'static str,
        /// What was given, cut to 80 characters.
        given: String,
    },
    /// The prefix fits, the rest is not 32 lower-case hexadecimal digits.
    #[error("`{given}` is not a {kind} id: after `{kind}_` come 32 lower-case hexadecimal digits")]
    Digits {
        /// The wanted prefix.
        kind: &'static str,
        /// What was given, cut to 80 characters.
        given: String,
    },
}

fn parse(kind: &'static str, text: &str) -> Result<Uuid, IdError> {
    let given = || text.chars().take(80).collect::<String>();
    let digits = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix('_')).ok_or_else(|| IdError::Kind { kind, given: given() })?;
    let lower = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !lower {
        return Err(IdError::Digits { kind, given: given() });
    }
    Uuid::try_parse(digits).map_err(|_| IdError::Digits { kind, given: given() })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $kind:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix that every such id prints.
            pub const KIND: &'static str = $kind;

            /// Wraps a number drawn by the engine's id source (UUID version 7, RFC 9562).
            pub const fn new(number: Uuid) -> Self {
                Self(number)
            }

            /// The bare number, for derived keys.
            pub const fn number(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($kind, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse($kind, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

ids! {
    /// A machine that reports and proposes.
    AgentId = "agent";
    /// One request for people's approval of one exact bundle.
    ApprovalId = "approval";
    /// A proposal once it is recorded.
    ChangeId = "change";
    /// One notice on its way to one recipient through one channel.
    DeliveryId = "delivery";
    /// A change that others made and reported.
    DeploymentId = "deployment";
    /// What a person declared, or a glass that was broken.
    EmergencyId = "emergency";
    /// One domain event; also the idempotency key of its ledger entry.
    EventId = "event";
    /// Something that is wrong and has an owner.
    IncidentId = "incident";
    /// What runs with one concurrency key take turns on.
    LaneId = "lane";
    /// A named person.
    OperatorId = "operator";
    /// A search for a person, for one incident or one request.
    PageId = "page";
    /// A runbook that somebody drafted.
    PatchId = "patch";
    /// A proposed new version of the estate.
    RevisionId = "revision";
    /// One execution of a runbook.
    RunId = "run";
    /// A process that acts on warrants.
    RunnerId = "runner";
    /// An observation from outside.
    SignalId = "signal";
    /// A signed authority for one attempt.
    WarrantId = "warrant";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_its_kind_and_parses_back() {
        let id = ChangeId::new(Uuid::from_u128(7));
        assert_eq!(id.to_string(), "change_00000000000000000000000000000007");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn another_kind_does_not_parse() {
        let run = RunId::new(Uuid::from_u128(7)).to_string();
        assert_eq!(
            run.parse::<ChangeId>().map_err(|e| e.to_string()),
            Err(format!("`{run}` is not a change id: it must begin with `change_`"))
        );
    }

    #[test]
    fn upper_case_dashes_and_short_numbers_are_refused() {
        for bad in ["change_", "change_7", "change_0000000000000000000000000000000A", "change_00000000-0000-0000-0000-000000000007"] {
            assert!(bad.parse::<ChangeId>().is_err(), "{bad}");
        }
    }
}
