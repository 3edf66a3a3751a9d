//! What policy says of a proposal, always with its reasons.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{PolicyName, RungName};

/// How a policy bore on the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearing {
    /// It permitted.
    Permits,
    /// It forbade.
    Forbids,
    /// It would have permitted, had its facts been there.
    Lacks,
    /// It failed to evaluate, and what fails forbids.
    Failed,
    /// No policy at all speaks of this.
    Silent,
}

/// One reason: a policy, how it bore, and the fact that decided it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reason {
    /// How it bore.
    pub bearing: Bearing,
    /// Which policy; none only for [`Bearing::Silent`].
    pub policy: Option<PolicyName>,
    /// The policy's own `@title`.
    pub title: String,
    /// The facts that decided it, as the policy names them: `context.evidence.backend_down`.
    pub facts: Vec<String>,
}

/// At least one reason, in a fixed order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Reason>", into = "Vec<Reason>")]
// INVARIANT: `new` sorts, drops repeats and refuses none.
pub struct Reasons(Vec<Reason>);

/// No reason was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a verdict without a reason")]
pub struct NoReason;

/// What policy says of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Nobody needs to be asked.
    Clear {
        /// Why.
        because: Reasons,
    },
    /// These people must answer first.
    NeedsApproval {
        /// The lowest rung that is enough.
        rung: RungName,
        /// Why, and why not lower.
        because: Reasons,
    },
    /// No approval helps.
    Denied {
        /// Why.
        because: Reasons,
    },
}

impl Reasons {
    /// Sorts the reasons and drops repeats.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(mut list: Vec<Reason>) -> Result<Self, NoReason> {
        list.sort();
        list.dedup();
        if list.is_empty() { Err(NoReason) } else { Ok(Self(list)) }
    }

    /// A single reason.
    pub fn one(reason: Reason) -> Self {
        Self(vec![reason])
    }

    /// The reasons, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Reason> {
        self.0.iter()
    }
}

impl TryFrom<Vec<Reason>> for Reasons {
    type Error = NoReason;
    fn try_from(list: Vec<Reason>) -> Result<Self, NoReason> {
        Self::new(list)
    }
}

impl From<Reasons> for Vec<Reason> {
    fn from(reasons: Reasons) -> Self {
        reasons.0
    }
}

impl Verdict {
    /// The reasons, whatever the verdict.
    pub fn because(&self) -> &Reasons {
        match self {
            Self::Clear { because } | Self::NeedsApproval { because, .. } | Self::Denied { because } => because,
        }
    }

    /// One word for records and lists.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Clear { .. } => "clear",
            Self::NeedsApproval { .. } => "needs_approval",
            Self::Denied { .. } => "denied",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.bearing {
            Bearing::Permits => "permits",
            Bearing::Forbids => "forbids",
            Bearing::Lacks => "would permit, but lacks",
            Bearing::Failed => "failed to evaluate, which forbids",
            Bearing::Silent => "no policy speaks of this",
        };
        match &self.policy {
            Some(policy) => write!(f, "`{policy}` {word}")?,
            None => f.write_str(word)?,
        }
        if !self.facts.is_empty() {
            write!(f, ": {}", self.facts.join(", "))?;
        }
        if !self.title.is_empty() {
            write!(f, " ({})", self.title)?;
        }
        Ok(())
    }
}
