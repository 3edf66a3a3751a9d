//! Who asks: authenticated at the edge, and a value from then on.

use lineclear_core::situation::Actor;
use lineclear_core::{AgentId, OperatorId};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A machine, by its token.
    Agent(AgentId),
    /// A named person, by their session.
    Operator(OperatorId),
}

impl Caller {
    /// As records name them.
    pub const fn actor(&self) -> Actor {
        match self {
            Self::Agent(id) => Actor::Agent(*id),
            Self::Operator(id) => Actor::Operator(*id),
        }
    }

    /// The person, when it is one.
    ///
    /// # Errors
    /// For a machine: some things are for people only.
    pub const fn person(&self) -> Result<OperatorId, crate::EngineError> {
        match self {
            Self::Operator(id) => Ok(*id),
            Self::Agent(_) => Err(crate::EngineError::PeopleOnly),
        }
    }
}
