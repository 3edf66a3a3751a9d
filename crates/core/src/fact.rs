//! Facts: values from outside, each with its source, its query, its age and its limit.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::measure::Measure;
use crate::name::FactName;
use crate::time::{Span, Timestamp};

/// How a fact is asked for; people write it in the estate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactSpec {
    /// Its name.
    pub name: FactName,
    /// For people.
    pub title: String,
    /// Where it is asked: a source of `lineclear.toml`, such as `prometheus`.
    pub source: String,
    /// The query, with `${target.name}` and `${inputs.x}` filled in by Lineclear.
    pub query: String,
    /// The age above which it is stale.
    pub limit: Span,
    /// What its value must satisfy to confirm what it is evidence for.
    pub holds: Condition,
}

/// A comparison of a measured value with a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// How to compare.
    pub op: Comparison,
    /// With what.
    pub value: Measure,
}

/// The comparisons that facts may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// Equal.
    #[serde(rename = "==")]
    Equal,
    /// Not equal.
    #[serde(rename = "!=")]
    NotEqual,
    /// Less than.
    #[serde(rename = "<")]
    Less,
    /// At most.
    #[serde(rename = "<=")]
    AtMost,
    /// Greater than.
    #[serde(rename = ">")]
    Greater,
    /// At least.
    #[serde(rename = ">=")]
    AtLeast,
}

/// What came back when a fact was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Reading {
    /// A value, and when the source observed it.
    Value {
        /// The value.
        value: Measure,
        /// When the source observed it (its clock).
        observed: Timestamp,
    },
    /// No usable value.
    Absent {
        /// Why: `no series`, `not a number`, `source unreachable`, `several series`, `query failed`.
        why: String,
    },
}

/// A fact as a gate uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Its name.
    pub name: FactName,
    /// For people.
    pub title: String,
    /// Where it was asked.
    pub source: String,
    /// The very query.
    pub query: String,
    /// When Lineclear asked.
    pub asked: Timestamp,
    /// The age above which it is stale.
    pub limit: Span,
    /// Whether the change is blocked without it.
    pub required: bool,
    /// What its value must satisfy.
    pub holds: Condition,
    /// What came back.
    pub reading: Reading,
}

/// What a fact is worth at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Worth {
    /// Fresh, and its condition holds.
    Confirms,
    /// Fresh, and its condition does not hold.
    Contradicts,
    /// Older than its limit.
    Stale(Span),
    /// No usable value.
    Missing(String),
}

/// The facts of one gate, by name.
pub type Facts = BTreeMap<FactName, Fact>;

impl Condition {
    /// Whether the value satisfies it.
    pub fn admits(self, value: Measure) -> bool {
        match self.op {
            Comparison::Equal => value == self.value,
            Comparison::NotEqual => value != self.value,
            Comparison::Less => value < self.value,
            Comparison::AtMost => value <= self.value,
            Comparison::Greater => value > self.value,
            Comparison::AtLeast => value >= self.value,
        }
    }
}

impl Fact {
    /// What the fact is worth now. A reading from the future is as old as nothing: it counts as fresh, its source is
    /// trusted for the time it states within one limit; beyond that it is stale.
    pub fn worth(&self, now: Timestamp) -> Worth {
        match &self.reading {
            Reading::Absent { why } => Worth::Missing(why.clone()),
            Reading::Value { value, observed } => {
                let age = now.since(*observed);
                if age > self.limit {
                    Worth::Stale(age)
                } else if observed.since(now) > self.limit {
                    Worth::Missing("observed in the future".into())
                } else if self.holds.admits(*value) {
                    Worth::Confirms
                } else {
                    Worth::Contradicts
                }
            }
        }
    }

    /// Whether a gate can use it now, whatever it says.
    pub fn usable(&self, now: Timestamp) -> bool {
        match self.worth(now) {
            Worth::Confirms | Worth::Contradicts => true,
            Worth::Stale(_) | Worth::Missing(_) => false,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.op, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(value: &str, observed: i64) -> Fact {
        Fact {
            name: "backend_down".parse().unwrap(),
            title: "The backend does not answer".into(),
            source: "prometheus".into(),
            query: "probe_success".into(),
            asked: Timestamp::from_micros(0),
            limit: Span::from_secs(30),
            required: true,
            holds: Condition { op: Comparison::Equal, value: Measure::whole(0) },
            reading: Reading::Value { value: value.parse().unwrap(), observed: Timestamp::from_micros(observed) },
        }
    }

    fn check(value: &str, age_s: i64, expected: &Worth) {
        assert_eq!(&fact(value, 1_000_000_000 - age_s * 1_000_000).worth(Timestamp::from_micros(1_000_000_000)), expected);
    }

    #[test]
    fn a_fact_is_worth_what_its_age_and_value_say() {
        check("0", 0, &Worth::Confirms);
        check("0", 30, &Worth::Confirms);
        check("0", 31, &Worth::Stale(Span::from_secs(31)));
        check("1", 3, &Worth::Contradicts);
        check("0", -31, &Worth::Missing("observed in the future".into()));
    }
}
