//! Where a step stands in the flow of its runbook: on which branch, under which conditions, and where a failure leads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Condition, Output};
use crate::name::{BranchName, OutputName};

/// What to do when a step fails, or its tries are spent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing more is done and nothing is taken back; a named person declares how the change ended.
    Stop,
    /// Take back what was done, in reverse.
    Undo,
    /// Wait for a named person, who says how it goes on.
    Person,
    /// Go on with a branch of the same runbook instead.
    Goto(BranchName),
}

/// What a plan shows of a step's flow; plain for a step that is always done and leads nowhere else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// The branch that it belongs to; none on the way without failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<BranchName>,
    /// The branch that is taken when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goto: Option<BranchName>,
    /// Conditions on what earlier steps report: known only while it runs. All must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// Values of its report that later conditions look at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<OutputName, Output>,
}

impl Flow {
    /// Whether there is nothing to say.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

impl OnFailure {
    /// The branch that it leads to.
    pub const fn goto(&self) -> Option<&BranchName> {
        match self {
            Self::Goto(branch) => Some(branch),
            Self::Stop | Self::Undo | Self::Person => None,
        }
    }
}
