//! From what was written down of an act to the question that policy is asked.

use std::collections::BTreeMap;

use lineclear_core::catalogue::Reversibility;
use lineclear_core::estate::Estate;
use lineclear_core::situation::{Actor, Case, Situation};
use lineclear_core::topology::{Blast, EntityRef};

use crate::row::{Acted, Principal};

/// Why an act cannot be judged under an estate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unjudgeable {
    #[error("action `{0}` is not in the estate")]
    Action(String),
    #[error("target `{0}` is not in the estate")]
    Target(String),
    #[error("the estate has no {0}")]
    Principal(&'static str),
}

/// An estate, and what its graph says of each target.
#[derive(Debug)]
pub(super) struct Cases<'a> {
    estate: &'a Estate,
    blasts: BTreeMap<EntityRef, Blast>,
}

impl<'a> Cases<'a> {
    /// Begins with no target looked at.
    pub fn new(estate: &'a Estate) -> Self {
        Self { estate, blasts: BTreeMap::new() }
    }

    /// What the estate would have been asked. What nobody wrote down comes from the estate as it stands.
    pub fn case(&mut self, acted: &Acted) -> Result<Case, Unjudgeable> {
        let estate = self.estate;
        let action = estate.catalogue.actions.get(&acted.action).ok_or_else(|| Unjudgeable::Action(acted.action.to_string()))?;
        if estate.topology.get(&acted.target).is_none() {
            return Err(Unjudgeable::Target(acted.target.to_string()));
        }
        let principal = match acted.principal {
            Principal::Agent => estate.directory.agents.keys().next().map(|id| Actor::Agent(*id)).ok_or(Unjudgeable::Principal("agent"))?,
            Principal::Operator => {
                estate.directory.operators.keys().next().map(|id| Actor::Operator(*id)).ok_or(Unjudgeable::Principal("operator"))?
            }
        };
        let blast = self.blasts.entry(acted.target.clone()).or_insert_with(|| estate.topology.blast(&acted.target));
        let asked = action.facts.iter().map(|need| &need.fact).chain(&acted.evidence);
        let evidence: BTreeMap<_, _> = asked.map(|fact| (fact.clone(), acted.evidence.contains(fact))).collect();
        let runbook = action.runbook.as_ref().and_then(|name| estate.runbooks.get(name));
        // Inputs are not written down, so references stay as they are and name nothing that a policy could ask for.
        let permissions = runbook.map(|runbook| runbook.permissions.atoms()).unwrap_or_default();
        let situation = Situation {
            confidence: acted.confidence,
            confirmed: u32::try_from(acted.evidence.len()).unwrap_or(u32::MAX),
            evidence,
            conflicting: acted.conflicting,
            hosts: blast.hosts,
            services: blast.services,
            customers: blast.customers,
            regions: u32::try_from(blast.regions.len()).unwrap_or(u32::MAX),
            fleet_bp: blast.fleet_bp,
            money_path: blast.money_path,
            customer_data: blast.customer_data,
            reversible: action.reversibility == Reversibility::Reversible,
            undo_drilled: acted.undo_drilled,
            budget: None,
            posture: estate.posture,
            freeze: acted.freeze,
            in_flight: 0,
            severity: acted.severity,
            emergency: false,
            routine: acted.routine,
            permissions,
        };
        Ok(Case { principal, action: acted.action.clone(), target: acted.target.clone(), situation })
    }
}
