//! The parts of a step that something answers for: `switch.do`, `switch.verify`, `switch.undo`.

use std::fmt;

use lineclear_core::name::StepName;
use lineclear_core::run::Direction;

/// Which call of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The call itself.
    Do,
    /// Its check.
    Verify,
    /// What takes it back.
    Undo,
}

/// One call of one step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Which step.
    pub step: StepName,
    /// Which of its calls.
    pub role: Role,
}

impl Role {
    /// As it is written.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Do => "do",
            Self::Verify => "verify",
            Self::Undo => "undo",
        }
    }
}

impl From<Direction> for Role {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Do => Self::Do,
            Direction::Undo => Self::Undo,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.step, self.role.word())
    }
}
