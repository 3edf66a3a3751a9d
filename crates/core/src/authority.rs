//! Human authority: people, their roles, the rungs of the ladder, and what signed votes amount to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::emergency;
use crate::id::{AgentId, OperatorId};
use crate::name::{Login, RoleName, RungName, TeamName};
use crate::routine::Standard;
use crate::time::Span;

/// How strongly a vote is bound to a person, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// No person at all.
    #[default]
    None,
    /// A signed-in session said so; nothing was signed.
    Session,
    /// SSHSIG over the statement: possession of a pinned key.
    Ssh,
    /// WebAuthn over the statement, with user verification.
    Passkey,
}

impl Grade {
    /// As the policies see it: 0 to 3.
    pub const fn rank(self) -> i64 {
        match self {
            Self::None => 0,
            Self::Session => 1,
            Self::Ssh => 2,
            Self::Passkey => 3,
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Session => "session",
            Self::Ssh => "ssh",
            Self::Passkey => "passkey",
        })
    }
}

/// A named person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// What records hold.
    pub id: OperatorId,
    /// What people type.
    pub login: Login,
    /// What people read.
    pub name: String,
    /// The roles held.
    pub roles: BTreeSet<RoleName>,
    /// The teams belonged to.
    pub teams: BTreeSet<TeamName>,
    /// OpenSSH public keys (`ssh-ed25519 AAAA… comment`) that may sign for this person.
    pub keys: Vec<String>,
}

/// A machine that may report and propose, and the person who answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// What records hold.
    pub id: AgentId,
    /// What people read.
    pub login: Login,
    /// Who answers for it; this person may not approve what it proposes.
    pub owner: OperatorId,
}

/// What one rung brings. Each rung brings at least what the one below it brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Its name.
    pub name: RungName,
    /// For people: `one operator`.
    pub title: String,
    /// How many distinct people.
    #[serde(default)]
    pub humans: u8,
    /// Roles that must be among them, each held by someone who voted.
    #[serde(default)]
    pub roles: BTreeSet<RoleName>,
    /// Whether somebody of the team that owns the target must be among them.
    #[serde(default)]
    pub owner: bool,
    /// The weakest grade that counts.
    #[serde(default)]
    pub grade: Grade,
}

/// The ladder and the roles it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    /// The closed list of roles.
    pub roles: BTreeSet<RoleName>,
    /// Rungs, lowest first; the lowest brings nobody.
    pub rungs: Vec<Rung>,
    /// How long a request waits for people before it lapses.
    pub approval_ttl: Span,
    /// Whether one person may approve what their own agent proposes; every record then says so.
    pub single_operator: bool,
    /// The rung of people who bring another version of the estate into force; none means the highest of the ladder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<RungName>,
    /// When an action on a target is routine; without it nothing ever is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routine: Option<Standard>,
    /// Whether and how an emergency may be declared; without it none can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergencies: Option<emergency::Rules>,
}

/// What approvals amount to, as the policies see it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// Distinct people.
    pub humans: u8,
    /// Every role that one of them holds.
    pub roles: BTreeSet<RoleName>,
    /// Whether one of them belongs to the team that owns the target.
    pub owner: bool,
    /// The weakest grade among them.
    pub grade: Grade,
}

/// Everyone the estate knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// People.
    pub operators: BTreeMap<OperatorId, Operator>,
    /// Machines.
    pub agents: BTreeMap<AgentId, Agent>,
}

impl Rung {
    /// The approvals that this rung would bring.
    pub fn brings(&self) -> Approvals {
        Approvals { humans: self.humans, roles: self.roles.clone(), owner: self.owner, grade: self.grade }
    }

    /// Whether these approvals are at least what the rung asks.
    pub fn met_by(&self, given: &Approvals) -> bool {
        given.humans >= self.humans && given.roles.is_superset(&self.roles) && (given.owner || !self.owner) && given.grade >= self.grade
    }
}

impl Authority {
    /// The rung of this name.
    pub fn rung(&self, name: &RungName) -> Option<&Rung> {
        self.rungs.iter().find(|r| r.name == *name)
    }

    /// The rung of people who bring another version of the estate into force.
    pub fn activation_rung(&self) -> Option<&Rung> {
        self.activation.as_ref().and_then(|name| self.rung(name)).or_else(|| self.rungs.last())
    }

    /// The first rung that brings less than the one below it, if any: a ladder must be monotone.
    pub fn first_unordered(&self) -> Option<(&Rung, &Rung)> {
        self.rungs.iter().zip(self.rungs.iter().skip(1)).find(|(low, high)| !low.met_by(&high.brings()))
    }
}

impl Directory {
    /// The person of this login.
    pub fn operator(&self, login: &Login) -> Option<&Operator> {
        self.operators.values().find(|o| o.login == *login)
    }

    /// The agent of this login.
    pub fn agent(&self, login: &Login) -> Option<&Agent> {
        self.agents.values().find(|a| a.login == *login)
    }
}
