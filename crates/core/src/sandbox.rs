//! How far a program that a step starts must be boxed in, at least: demanded by a runbook or by an action of the catalogue, bound by the
//! approval, and held against what the runner's machine really gives.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A demand, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sandbox {
    /// Bounded files and open files, no core files, no new privileges.
    Limited,
    /// That; files, TCP, signals and abstract sockets by landlock; and no system calls that administer the machine.
    Confined,
    /// That, in a control group of its own, which ends with everything in it.
    Whole,
}

impl Sandbox {
    /// Every demand, weakest first, as it is written.
    pub const WORDS: [(&'static str, Self); 3] = [("limited", Self::Limited), ("confined", Self::Confined), ("whole", Self::Whole)];
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Limited => "limited",
            Self::Confined => "confined",
            Self::Whole => "whole",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_records_and_each_demands_more() {
        for (word, demand) in Sandbox::WORDS {
            assert_eq!(serde_json::to_value(demand).unwrap(), word);
            assert_eq!(demand.to_string(), word);
        }
        assert!(Sandbox::WORDS.is_sorted_by(|one, next| one.1 < next.1));
    }
}
