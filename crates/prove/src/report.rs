//! What was proved, what was refuted and by which request, and what nobody knows.

use std::fmt;

use lineclear_core::Digest;
use lineclear_policy::Diagnostic;
use serde::Serialize;
use serde_json::Value;

use crate::matrix::Matrix;
use crate::rewrite::RewriteError;

/// The version of the symbolic compiler, which is part of what a proof belongs to.
pub const SYMCC_VERSION: &str = "0.8.1";

/// Why nothing could be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// Invariants that cannot be used.
    #[error("the invariants cannot be used: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Invariants(Vec<Diagnostic>),
    /// The schema is not of the form that the estate's generator writes.
    #[error("the schema cannot be read: {0}")]
    Schema(String),
    /// A policy that this program wrote is refused.
    #[error("a policy cannot be written: {0}")]
    Policy(String),
}

impl From<RewriteError> for ProveError {
    fn from(error: RewriteError) -> Self {
        Self::Policy(error.to_string())
    }
}

/// What a proof belongs to; when one of these changes, it has to be proved again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Digests {
    /// Of the schema's text.
    pub schema: Digest,
    /// Of every policy as JSON, ids sorted.
    pub policies: Digest,
    /// Of the ladder and its roles.
    pub ladder: Digest,
    /// Of the invariants' texts, paths sorted.
    pub invariants: Digest,
    /// Of the axioms' text.
    pub axioms: Digest,
    /// The version of the symbolic compiler.
    pub symcc: String,
    /// The version of the solver.
    pub solver: String,
}

/// A request that refutes, found by the solver, replayed on the engine and made small.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The whole story.
    pub sentence: String,
    /// Principal type, action, resource type.
    pub environment: String,
    /// The facts of the request.
    pub context: Value,
    /// The policies that permitted, sorted.
    pub permitted_by: Vec<String>,
    /// The policies that refused the other one of the two requests, or the other side; sorted.
    pub refused_by: Vec<String>,
}

/// How it stands with one obligation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// It holds for every request.
    Proved {
        /// Whether only for requests within the axioms, which the host asserts at run time too.
        bounded: bool,
    },
    /// It does not hold.
    Refuted {
        /// The environments in which it does not.
        environments: Vec<String>,
        /// A request of the first of them; none when the obligation is that there is one.
        example: Option<Box<Example>>,
    },
    /// Nobody knows; that counts as no.
    NotProved {
        /// Why.
        why: String,
    },
}

/// One obligation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obligation {
    /// For machines: `invariant/high-risk-needs-a-person`.
    pub name: String,
    /// For people.
    pub says: String,
    /// In how many environments it was asked.
    pub environments: usize,
    /// How it stands.
    #[serde(flatten)]
    pub status: Status,
}

/// Everything that was found out about one set of policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What it belongs to.
    pub digests: Digests,
    /// How many questions were written.
    pub questions: usize,
    /// Every obligation, in a fixed order.
    pub obligations: Vec<Obligation>,
    /// What each rung permits of each action.
    pub matrix: Matrix,
}

impl Report {
    /// Whether everything is proved.
    pub fn holds(&self) -> bool {
        self.obligations.iter().all(|one| matches!(one.status, Status::Proved { .. }))
    }

    /// Obligations that are refuted.
    pub fn refuted(&self) -> impl Iterator<Item = &Obligation> {
        self.obligations.iter().filter(|one| matches!(one.status, Status::Refuted { .. }))
    }

    /// Obligations that nobody knows about.
    pub fn unknown(&self) -> impl Iterator<Item = &Obligation> {
        self.obligations.iter().filter(|one| matches!(one.status, Status::NotProved { .. }))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for obligation in &self.obligations {
            writeln!(f, "{obligation}")?;
        }
        let count = |wanted: fn(&Status) -> bool| self.obligations.iter().filter(|one| wanted(&one.status)).count();
        let proved = count(|status| matches!(status, Status::Proved { .. }));
        let refuted = count(|status| matches!(status, Status::Refuted { .. }));
        write!(f, "{proved} of {} proved, {refuted} refuted", self.obligations.len())?;
        match self.obligations.len() - proved - refuted {
            0 => f.write_str(" (checked by an SMT solver)"),
            unknown => write!(f, ", {unknown} not proved"),
        }
    }
}

impl fmt::Display for Obligation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.status {
            Status::Proved { bounded: false } => write!(f, "proved      {}", self.says),
            Status::Proved { bounded: true } => write!(f, "proved      {} (within the ranges of facts)", self.says),
            Status::Refuted { environments, example: Some(example) } => {
                write!(
                    f,
                    "REFUTED     {} ({} of {} kinds of request)\n            {}",
                    self.says,
                    environments.len(),
                    self.environments,
                    example.sentence
                )
            }
            Status::Refuted { example: None, .. } => write!(f, "REFUTED     {}: nothing that can be asked", self.says),
            Status::NotProved { why } => write!(f, "NOT PROVED  {}\n            {why}", self.says),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_that_proofs_name_is_the_one_that_is_built_in() {
        let workspace = include_str!("../../../Cargo.toml");
        assert!(workspace.contains(&format!("cedar-policy-symcc = \"={SYMCC_VERSION}\"")));
    }
}
