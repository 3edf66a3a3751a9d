//! Roles on an incident: people take them, hand them over and leave them, each time in so many words.

use lineclear_core::IncidentId;
use lineclear_core::incident::{Command, Role, RoleAct};
use lineclear_core::name::Login;
use lineclear_core::situation::Actor;

use crate::{Caller, Engine, EngineError};

impl Engine {
    /// A person takes a role on an incident; from whoever holds it only with a reason.
    ///
    /// # Errors
    /// When the caller is no person, the incident is over, or somebody holds it and no reason is given.
    pub async fn take_role(&self, caller: &Caller, id: IncidentId, role: Role, reason: &str) -> Result<(), EngineError> {
        self.act_on_role(caller, id, role, RoleAct::Take { reason: reason.into() }).await
    }

    /// A person hands a role over to another one.
    ///
    /// # Errors
    /// When the caller does not hold it, or nobody is called so.
    pub async fn hand_over_role(&self, caller: &Caller, id: IncidentId, role: Role, to: &Login) -> Result<(), EngineError> {
        let to = self.called(to)?;
        self.act_on_role(caller, id, role, RoleAct::HandOver { to }).await
    }

    /// A person leaves a role. When nobody commands an incident any more, a person is looked for again.
    ///
    /// # Errors
    /// When the caller does not hold it.
    pub async fn leave_role(&self, caller: &Caller, id: IncidentId, role: Role) -> Result<(), EngineError> {
        self.act_on_role(caller, id, role, RoleAct::Leave).await
    }

    async fn act_on_role(&self, caller: &Caller, id: IncidentId, role: Role, act: RoleAct) -> Result<(), EngineError> {
        self.known(caller)?;
        let by = caller.person()?;
        self.decide_incident(id, Actor::Operator(by), &Command::Role { role, by, act }).await
    }
}
