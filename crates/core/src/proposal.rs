//! What an agent or a person asks for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::catalogue::Inputs;
use crate::id::{ChangeId, IncidentId, SignalId};
use crate::measure::Confidence;
use crate::name::{ActionName, FactName};
use crate::situation::Actor;
use crate::topology::EntityRef;

/// Longest prose in a proposal, in characters: one screen.
pub const PROSE_MAX: usize = 4_000;
/// Most citations, alternatives or links in one proposal.
pub const LIST_MAX: usize = 32;

/// Which model spoke, as its agent states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Something a proposal cites. What names a fact is fetched again by Lineclear; the rest is shown as *claimed*.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Citation {
    /// A fact of the estate's vocabulary.
    Fact {
        /// Which.
        name: FactName,
    },
    /// Words or a reference that Lineclear cannot confirm.
    Claim {
        /// The agent's words.
        text: String,
    },
}

/// Tickets and deployments elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// A deployment.
    #[serde(default)]
    pub deployment: Option<String>,
    /// A ticket.
    #[serde(default)]
    pub ticket: Option<String>,
}

/// What an agent or a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Who asks.
    pub by: Actor,
    /// Which action of the catalogue.
    pub action: ActionName,
    /// On what.
    pub target: EntityRef,
    /// With what.
    pub inputs: Inputs,
    /// How sure the proposer says it is.
    pub confidence: Confidence,
    /// The proposer's prose: why. Marked as such wherever it is shown.
    pub reason: String,
    /// Which model spoke; none for people.
    pub model: Option<Model>,
    /// What it cites.
    pub evidence: BTreeSet<Citation>,
    /// What else was considered.
    pub alternatives: Vec<String>,
    /// The incident it serves.
    pub incident: Option<IncidentId>,
    /// The signals that triggered it.
    pub signals: BTreeSet<SignalId>,
    /// Tickets and deployments.
    pub links: Links,
    /// The change that lapsed unanswered, and is asked again by this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<ChangeId>,
}

/// Why a proposal is malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposalFault {
    /// A text is too long.
    #[error("`{field}` has {len} characters, at most {max} are read")]
    TooLong {
        /// Which member.
        field: &'static str,
        /// Its length.
        len: usize,
        /// The bound.
        max: usize,
    },
    /// A list is too long.
    #[error("`{field}` has {len} items, at most {LIST_MAX} are read")]
    TooMany {
        /// Which member.
        field: &'static str,
        /// Its length.
        len: usize,
    },
}

impl Proposal {
    /// Checks the bounds of everything that is free text or a list.
    ///
    /// # Errors
    /// The first fault.
    pub fn check_bounds(&self) -> Result<(), ProposalFault> {
        let text = |field, text: &str, max| {
            let len = text.chars().count();
            if len > max { Err(ProposalFault::TooLong { field, len, max }) } else { Ok(()) }
        };
        let list = |field, len| if len > LIST_MAX { Err(ProposalFault::TooMany { field, len }) } else { Ok(()) };
        text("reason", &self.reason, PROSE_MAX)?;
        list("evidence", self.evidence.len())?;
        list("alternatives", self.alternatives.len())?;
        list("signals", self.signals.len())?;
        for citation in &self.evidence {
            if let Citation::Claim { text: claim } = citation {
                text("evidence", claim, PROSE_MAX)?;
            }
        }
        for alternative in &self.alternatives {
            text("alternatives", alternative, PROSE_MAX)?;
        }
        for (field, value) in [("links.deployment", &self.links.deployment), ("links.ticket", &self.links.ticket)] {
            text(field, value.as_deref().unwrap_or(""), 200)?;
        }
        if let Some(model) = &self.model {
            text("model.name", &model.name, 200)?;
            text("model.version", &model.version, 200)?;
        }
        Ok(())
    }
}
