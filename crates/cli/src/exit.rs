//! The only place that maps errors to exit codes.

use std::fmt;

use lineclear_runner::GlassRefusal;

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

/// Nothing was done, or nothing more: the code says why, and the help what next.
impl From<GlassRefusal> for Failure {
    fn from(refusal: GlassRefusal) -> Self {
        let help = match &refusal {
            GlassRefusal::NotHere | GlassRefusal::NotYou(_) => Some("whoever keeps this runner's file says in `[breakglass]` who may"),
            GlassRefusal::Unpinned(_) => Some(
                "`lineclear breakglass pin FILE --action ACTION` prints the lines that pin it; have them reviewed before the next night",
            ),
            GlassRefusal::Unreasoned => Some("say it with `--justification`"),
            GlassRefusal::Expired(_) | GlassRefusal::Used => Some("sign a fresh statement"),
            GlassRefusal::Broken { .. } | GlassRefusal::Cut { .. } => {
                Some("keep the file as it is: nothing of it was told, and nothing is lost; find out who touched it")
            }
            GlassRefusal::NotAllowed(_)
            | GlassRefusal::Inputs(_)
            | GlassRefusal::TooLong(_)
            | GlassRefusal::Elsewhere
            | GlassRefusal::Glass(_)
            | GlassRefusal::NoPlan(_)
            | GlassRefusal::NoRecord(_)
            | GlassRefusal::Journal(_)
            | GlassRefusal::Accept(_) => None,
        };
        let failure = Self { exit: Exit::Refused, code: Some(refusal.code().into()), ..Self::new(refusal.to_string()) };
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
