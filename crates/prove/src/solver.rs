//! The one solver that proofs trust: found where it was said to be, asked for its version, started with limits, and never
//! spoken to again after a fault.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use cedar_policy_symcc::CedarSymCompiler;
use cedar_policy_symcc::solver::LocalSolver;
use tokio::process::Command;
use tokio::time::timeout;

use crate::recall::{Memory, Recall};

/// The version that symbolic compilation is tested with; another one answers other things, or the same things wrongly.
pub const SOLVER_VERSION: &str = "1.3.1";
/// How long one question may take: a thousand times what an ordinary one takes, so that only a cliff meets it.
const QUESTION_LIMIT: Duration = Duration::from_secs(10);
/// What a question may take beyond its limit before the process counts as hung: reading, answering, writing the model.
const GRACE: Duration = Duration::from_secs(5);
/// How long the version may take to come: an interpreter loads 34 MB of libraries from a cold disk.
const VERSION_LIMIT: Duration = Duration::from_mins(1);
/// Most of a strange answer that is shown.
const SHOWN_MAX: usize = 120;

/// A solver whose version was asked and is right.
#[derive(Debug, Clone)]
// INVARIANT: only `pin` makes one, and it has heard `SOLVER_VERSION` from this program.
pub struct Solver {
    program: PathBuf,
    question: Duration,
}

/// Why there is no solver to prove with.
#[derive(Debug, thiserror::Error)]
pub enum SolverError {
    /// It cannot be started.
    #[error("the solver `{}` cannot be started: {source}", program.display())]
    Start {
        /// Where it was said to be.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended without saying its version.
    #[error("the solver `{}` does not say its version: {said}", program.display())]
    Silent {
        /// Where it is.
        program: PathBuf,
        /// What it said instead, or how it ended.
        said: String,
    },
    /// It is another one.
    #[error("the solver `{}` is `{found}`, and proofs are pinned to cvc5 {SOLVER_VERSION}", program.display())]
    Version {
        /// Where it is.
        program: PathBuf,
        /// What it says it is.
        found: String,
    },
}

impl Solver {
    /// Asks the program for its version and takes no other than [`SOLVER_VERSION`].
    ///
    /// # Errors
    /// When it cannot be started, says nothing within a minute, or is another version.
    pub async fn pin(program: &Path) -> Result<Self, SolverError> {
        let mut command = Command::new(program);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let silent = |said: &str| SolverError::Silent { program: program.into(), said: said.chars().take(SHOWN_MAX).collect() };
        let output = match timeout(VERSION_LIMIT, command.output()).await {
            Err(_) => return Err(silent("nothing within a minute")),
            Ok(Err(source)) => return Err(SolverError::Start { program: program.into(), source }),
            Ok(Ok(output)) => output,
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let first = said.lines().next().unwrap_or_default().trim();
        if !output.status.success() || first.is_empty() {
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            let complaint = complaint.lines().next().unwrap_or_default().trim();
            return Err(silent(if complaint.is_empty() { "it ends without a word" } else { complaint }));
        }
        if !is_pinned(first) {
            return Err(SolverError::Version { program: program.into(), found: first.chars().take(SHOWN_MAX).collect() });
        }
        Ok(Self { program: program.into(), question: QUESTION_LIMIT })
    }

    /// The same with another limit for each question.
    #[must_use]
    pub const fn with_limit(mut self, question: Duration) -> Self {
        self.question = question;
        self
    }

    /// Where it is.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// How long a question may take, answer included.
    pub(crate) fn patience(&self) -> Duration {
        self.question.saturating_add(GRACE.min(self.question))
    }

    /// A fresh process. It dies with what is returned.
    pub(crate) fn start(&self, memory: &Memory) -> Result<CedarSymCompiler<Recall>, String> {
        let mut command = Command::new(&self.program);
        command.args(["--lang", "smt", &format!("--tlimit={}", self.question.as_millis())]).kill_on_drop(true);
        let local = LocalSolver::from_command(&mut command).map_err(|error| error.to_string())?;
        CedarSymCompiler::new(Recall::new(local, memory.clone())).map_err(|error| error.to_string())
    }
}

/// `This is cvc5 version 1.3.1 [git …]`: the name, and the version as a word of its own.
fn is_pinned(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.any(|word| word == "cvc5") && words.any(|word| word == SOLVER_VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pinned_version_is_taken() {
        let check = |line: &str, expected: bool| assert_eq!(is_pinned(line), expected, "{line}");
        check("This is cvc5 version 1.3.1", true);
        check("This is cvc5 version 1.3.1 [git tag 1.3.1 branch HEAD]", true);
        check("cvc5 1.3.1", true);
        check("This is cvc5 version 1.3.10", false);
        check("This is cvc5 version 1.0.3", false);
        check("Z3 version 1.3.1", false);
        check("1.3.1 of something", false);
    }
}
