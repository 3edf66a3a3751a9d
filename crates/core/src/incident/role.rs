//! Roles on an incident: who commands it, who decides, who speaks to others, who writes down. Each is held by one person, taken
//! and handed over explicitly, and left explicitly; nobody has one without having said so.

use serde::{Deserialize, Serialize};

use super::{Event, Incident, Refusal};
use crate::id::OperatorId;
use crate::time::Timestamp;

/// A role on an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Commands: keeps the whole in view, and says who does what.
    Commander,
    /// Decides what is put to people.
    DecisionOwner,
    /// Speaks to customers and to everybody else.
    Communications,
    /// Writes down what happens.
    Scribe,
}

/// What a person does about a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleAct {
    /// Takes it; from whoever holds it only with a reason.
    Take {
        /// Why, when somebody holds it.
        reason: String,
    },
    /// Hands it to another person.
    HandOver {
        /// To whom.
        to: OperatorId,
    },
    /// Leaves it, and nobody holds it.
    Leave,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Commander, Self::DecisionOwner, Self::Communications, Self::Scribe];

    /// One word for records and addresses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Commander => "commander",
            Self::DecisionOwner => "decision_owner",
            Self::Communications => "communications",
            Self::Scribe => "scribe",
        }
    }

    /// As people say it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Commander => "commander",
            Self::DecisionOwner => "decision owner",
            Self::Communications => "communications",
            Self::Scribe => "scribe",
        }
    }
}

impl Incident {
    /// Who holds a role.
    pub fn holder(&self, role: Role) -> Option<OperatorId> {
        if role == Role::Commander { self.commander } else { self.roles.get(&role).copied() }
    }

    /// What an act about a role leads to; none when it changes nothing.
    ///
    /// # Errors
    /// When another person holds it, or this one does not.
    pub(super) fn role(&self, role: Role, by: OperatorId, act: RoleAct, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let holder = self.holder(role);
        match (act, holder) {
            (RoleAct::Take { .. }, Some(holder)) if holder == by => Ok(Vec::new()),
            (RoleAct::Take { reason }, Some(_)) if reason.trim().is_empty() => Err(Refusal::Held { incident: self.id, role }),
            (RoleAct::Take { reason }, from) => Ok(vec![Event::RoleTaken { role, by, from, reason, at: now }]),
            (RoleAct::HandOver { .. } | RoleAct::Leave, holder) if holder != Some(by) => Err(Refusal::NotHeld { incident: self.id, role }),
            (RoleAct::HandOver { to }, _) if to == by => Ok(Vec::new()),
            (RoleAct::HandOver { to }, _) => Ok(vec![Event::RoleHandedOver { role, by, to, at: now }]),
            (RoleAct::Leave, _) => Ok(vec![Event::RoleLeft { role, by, at: now }]),
        }
    }

    /// Whoever holds a role from now on; without a commander there is a gap that everybody sees.
    pub(super) fn give(&mut self, role: Role, to: Option<OperatorId>, at: Timestamp) {
        if role != Role::Commander {
            match to {
                Some(to) => drop(self.roles.insert(role, to)),
                None => drop(self.roles.remove(&role)),
            }
            return;
        }
        self.commander = to;
        self.gap = to.is_none().then_some(at);
        self.state = match (self.state, to) {
            (super::State::Open, Some(_)) => super::State::Acknowledged,
            (super::State::Acknowledged, None) => super::State::Open,
            (state, _) => state,
        };
    }
}
