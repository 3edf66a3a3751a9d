//! The only place that maps errors to exit codes.

use std::fmt;

use crate::client::ClientError;

/// An exit code, as `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// An error.
    Error = 1,
    /// Rejected, denied or refused.
    Refused = 3,
    /// Lapsed.
    Lapsed = 4,
    /// Still waiting.
    Waiting = 5,
    /// A proof is invalid.
    Invalid = 6,
}

/// Why a command ends with an error: what happened, and what to do next.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// A stable code, when there is one.
    pub code: Option<String>,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
}

impl Failure {
    /// An error without a code.
    pub fn new(message: impl Into<String>) -> Self {
        Self { exit: Exit::Error, code: None, message: message.into(), help: None }
    }

    /// The same with what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match (&error, error.code()) {
            (ClientError::Refused { .. }, Some("late" | "lapsed")) => Exit::Lapsed,
            (ClientError::Refused { .. }, _) => Exit::Refused,
            (ClientError::Unreachable { .. } | ClientError::Answer(_) | ClientError::Setup(_), _) => Exit::Error,
        };
        Self { exit, code: error.code().map(ToOwned::to_owned), help: error.help(), message: error.to_string() }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
