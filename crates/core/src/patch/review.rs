//! What was found out about a drafted runbook, in words for the people who review it.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::name::{RunbookName, StepName, TeamName};
use crate::permission::Permissions;

/// What was found out about a drafted runbook. It can be read, and it fits the estate; whatever cannot is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// Its name.
    pub runbook: RunbookName,
    /// For people.
    pub title: String,
    /// The team that would answer for it.
    pub owner: TeamName,
    /// The digest that runs would pin.
    pub digest: Digest,
    /// All that its steps can get.
    pub permissions: Permissions,
    /// What looks careless, one sentence each.
    pub warnings: Vec<String>,
    /// Its tests, as they were played.
    pub tests: Vec<Played>,
    /// Steps with an undo that no test takes back: with one of them it can never become routine.
    pub unrehearsed: Vec<StepName>,
}

/// One test, as it was played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Played {
    /// Its name.
    pub name: String,
    /// Why it does not hold; none when it does.
    pub fault: Option<String>,
    /// The plan with its target and inputs, one line for each step: what would be called.
    pub plan: Vec<String>,
}

impl Review {
    /// How many of its tests hold.
    pub fn holding(&self) -> usize {
        self.tests.iter().filter(|test| test.fault.is_none()).count()
    }

    /// Whether all of them hold.
    pub fn holds(&self) -> bool {
        self.holding() == self.tests.len()
    }
}
