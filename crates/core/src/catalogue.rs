//! The action catalogue: every kind of operation that may be proposed, with its risk and its inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{ActionName, FactName, InputName, RunbookName};
use crate::sandbox::Sandbox;
use crate::topology::EntityKind;

/// What an action can cost, from its reversibility and blast radius. People set it in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Reads, drafts, suggestions.
    Low,
    /// Reversible, with a bounded blast radius.
    Medium,
    /// Customers, data, money or security can be hurt.
    High,
}

/// Whether an action can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reversibility {
    /// The runbook's own undo restores the state before.
    Reversible,
    /// A person can restore it, with work or with loss of time.
    Partly,
    /// Nothing restores it.
    Irreversible,
}

/// Who may close a change after verification found an improvement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// The rule closes it; a person may still overrule.
    Machine,
    /// A person declares the outcome.
    Person,
}

/// What an input may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum InputKind {
    /// A name as in [`crate::name`].
    Name,
    /// A DNS name: labels of letters, digits, `-` and `_`, 253 characters in all.
    DnsName,
    /// A dotted IPv4 address.
    Ipv4,
    /// A whole number.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// One of a closed list.
    Choice {
        /// The list.
        of: BTreeSet<String>,
    },
    /// A list of names as in [`crate::name`], at least one, each once.
    Names {
        /// Most of them.
        max: usize,
    },
    /// Text of at most this many characters, no control characters.
    Text {
        /// Longest text, in characters.
        max: usize,
    },
}

/// The value of an input; wide enough for every [`InputKind`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum InputValue {
    /// A whole number.
    Integer(i64),
    /// Everything else that is one value.
    Text(String),
    /// Several names.
    Names(Vec<String>),
}

/// The inputs of a proposal, by name.
pub type Inputs = BTreeMap<InputName, InputValue>;

/// A fact that an action's gates need.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactNeed {
    /// Which fact.
    pub fact: FactName,
    /// Whether the change is blocked without it.
    pub required: bool,
}

/// One kind of operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// As Cedar names it.
    pub name: ActionName,
    /// For people.
    pub title: String,
    /// Its risk class.
    pub risk: Risk,
    /// Whether it can be taken back.
    pub reversibility: Reversibility,
    /// The kind of thing it acts on.
    pub resource: EntityKind,
    /// What it asks for.
    pub inputs: BTreeMap<InputName, InputKind>,
    /// What carries it out; none means that it is advice only.
    pub runbook: Option<RunbookName>,
    /// The facts its gates use.
    pub facts: Vec<FactNeed>,
    /// Whether it may never become routine.
    pub never_routine: bool,
    /// Who closes a change that improved things.
    pub closes: Closing,
    /// How far programs that its runbook starts must be boxed in, at least; the stronger of this and the runbook's own counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Sandbox>,
}

/// Every action, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Catalogue {
    /// The actions.
    pub actions: BTreeMap<ActionName, Action>,
}

/// Why inputs do not fit their action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum InputFault {
    /// An input that the action does not ask for.
    #[error("input `{0}` is unknown to this action")]
    Unknown(InputName),
    /// An input that the action asks for is not there.
    #[error("input `{0}` is missing")]
    Missing(InputName),
    /// The value is not of the asked kind.
    #[error("input `{name}` must be {wanted}")]
    Kind {
        /// Which input.
        name: InputName,
        /// What it must be.
        wanted: String,
    },
}

impl Action {
    /// Checks that the inputs are exactly those that the action asks for.
    ///
    /// # Errors
    /// The first fault, in the order of names.
    pub fn check_inputs(&self, inputs: &Inputs) -> Result<(), InputFault> {
        check_inputs(&self.inputs, inputs)
    }
}

/// Checks that the inputs are exactly those that are asked for.
///
/// # Errors
/// The first fault, in the order of names.
pub fn check_inputs(asked: &BTreeMap<InputName, InputKind>, inputs: &Inputs) -> Result<(), InputFault> {
    if let Some(name) = inputs.keys().find(|name| !asked.contains_key(*name)) {
        return Err(InputFault::Unknown(name.clone()));
    }
    for (name, kind) in asked {
        let value = inputs.get(name).ok_or_else(|| InputFault::Missing(name.clone()))?;
        if !kind.admits(value) {
            return Err(InputFault::Kind { name: name.clone(), wanted: kind.to_string() });
        }
    }
    Ok(())
}

impl InputKind {
    /// Whether the value is of this kind.
    pub fn admits(&self, value: &InputValue) -> bool {
        match (self, value) {
            (Self::Integer { min, max }, InputValue::Integer(n)) => (min..=max).contains(&n),
            (Self::Names { max }, InputValue::Names(names)) => {
                let distinct: BTreeSet<&String> = names.iter().collect();
                let named = names.iter().all(|name| name.parse::<crate::name::EntityName>().is_ok());
                named && distinct.len() == names.len() && (1..=*max).contains(&names.len())
            }
            (Self::Integer { .. } | Self::Names { .. }, InputValue::Text(_))
            | (Self::Integer { .. }, InputValue::Names(_))
            | (Self::Names { .. }, InputValue::Integer(_))
            | (
                Self::Name | Self::DnsName | Self::Ipv4 | Self::Choice { .. } | Self::Text { .. },
                InputValue::Integer(_) | InputValue::Names(_),
            ) => false,
            (Self::Name, InputValue::Text(text)) => text.parse::<crate::name::EntityName>().is_ok(),
            (Self::DnsName, InputValue::Text(text)) => is_dns_name(text),
            (Self::Ipv4, InputValue::Text(text)) => text.parse::<core::net::Ipv4Addr>().is_ok(),
            (Self::Choice { of }, InputValue::Text(text)) => of.contains(text),
            (Self::Text { max }, InputValue::Text(text)) => text.chars().count() <= *max && !text.chars().any(char::is_control),
        }
    }
}

fn is_dns_name(text: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    (1..=253).contains(&name.len()) && name.split('.').all(label)
}

impl fmt::Display for InputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("a name of lower-case letters, digits, `.`, `-` and `_`"),
            Self::DnsName => f.write_str("a DNS name in lower case"),
            Self::Ipv4 => f.write_str("an IPv4 address"),
            Self::Integer { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Choice { of } => write!(f, "one of {}", of.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ")),
            Self::Names { max } => write!(f, "a list of 1 to {max} different names"),
            Self::Text { max } => write!(f, "text of at most {max} characters"),
        }
    }
}

impl fmt::Display for InputValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(n) => write!(f, "{n}"),
            Self::Text(text) => f.write_str(text),
            Self::Names(names) => f.write_str(&names.join(", ")),
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &InputKind, value: &str, expected: bool) {
        assert_eq!(kind.admits(&InputValue::Text(value.into())), expected, "{kind}: {value:?}");
    }

    #[test]
    fn inputs_are_what_their_kind_says() {
        check(&InputKind::DnsName, "www.example.test", true);
        check(&InputKind::DnsName, "www.example.test.", true);
        for bad in ["", ".", "-a.test", "a..b", "WWW.test", "a b", &"a".repeat(64)] {
            check(&InputKind::DnsName, bad, false);
        }
        check(&InputKind::Ipv4, "192.0.2.10", true);
        check(&InputKind::Ipv4, "192.0.2.010", false);
        check(&InputKind::Text { max: 3 }, "abc", true);
        check(&InputKind::Text { max: 3 }, "abcd", false);
        check(&InputKind::Text { max: 9 }, "a\u{1b}[0m", false);
        check(&InputKind::Integer { min: 1, max: 9 }, "5", false);
        check(&InputKind::Names { max: 2 }, "web-1", false);
        for (names, expected) in
            [(&["web-1", "web-2"][..], true), (&["web-1", "web-1"], false), (&[], false), (&["a", "b", "c"], false), (&["-"], false)]
        {
            let value = InputValue::Names(names.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(InputKind::Names { max: 2 }.admits(&value), expected, "{names:?}");
            assert!(!InputKind::Text { max: 9 }.admits(&value));
        }
    }
}
