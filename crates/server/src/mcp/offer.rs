//! What may be proposed, and on what: the catalogue and the names of things, as an agent needs them to propose.

use std::collections::BTreeMap;

use lineclear_core::catalogue::{Action, Reversibility, Risk};
use lineclear_core::estate::Estate;
use lineclear_core::topology::EntityKind;
use serde::Serialize;

use super::finding::clip;

/// Most actions that are listed; a catalogue is read by people, and far smaller.
const ACTIONS_MAX: usize = 500;
/// Most things of one kind that are listed.
const TARGETS_MAX: usize = 200;

/// One input of an action.
#[derive(Debug, Serialize)]
struct Input {
    name: String,
    /// What it must be, in words.
    is: String,
}

/// One fact that an action's gate measures.
#[derive(Debug, Serialize)]
struct Need {
    name: String,
    title: String,
    required: bool,
}

/// One action.
#[derive(Debug, Serialize)]
struct Offered {
    name: String,
    title: String,
    risk: Risk,
    reversibility: Reversibility,
    acts_on: EntityKind,
    advice_only: bool,
    inputs: Vec<Input>,
    facts: Vec<Need>,
}

/// Things of one kind.
#[derive(Debug, Default, Serialize)]
struct Targets {
    names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<usize>,
}

/// Everything that may be proposed.
#[derive(Debug, Serialize)]
pub(super) struct Offer {
    estate: String,
    simulated: bool,
    actions: Vec<Offered>,
    targets: BTreeMap<EntityKind, Targets>,
    next: &'static str,
}

impl Offer {
    /// What this estate offers.
    pub fn of(estate: &Estate, simulated: bool) -> Self {
        let mut targets: BTreeMap<EntityKind, Targets> = BTreeMap::new();
        for entity in estate.topology.iter() {
            let of_kind = targets.entry(entity.reference.kind).or_default();
            if of_kind.names.len() < TARGETS_MAX {
                of_kind.names.push(entity.reference.to_string());
            } else {
                of_kind.left_out = Some(of_kind.left_out.unwrap_or(0).saturating_add(1));
            }
        }
        Self {
            estate: clip(&estate.title),
            simulated,
            actions: estate.catalogue.actions.values().take(ACTIONS_MAX).map(|action| Offered::of(action, estate)).collect(),
            targets,
            next: "Choose an action and a target of its kind; `check_policy` tells what policy would say, `propose_change` asks for it.",
        }
    }
}

impl Offered {
    fn of(action: &Action, estate: &Estate) -> Self {
        let title = |name| estate.facts.get(name).map(|spec| clip(&spec.title)).unwrap_or_default();
        Self {
            name: action.name.to_string(),
            title: clip(&action.title),
            risk: action.risk,
            reversibility: action.reversibility,
            acts_on: action.resource,
            advice_only: action.runbook.is_none(),
            inputs: action.inputs.iter().map(|(name, kind)| Input { name: name.to_string(), is: clip(&kind.to_string()) }).collect(),
            facts: action
                .facts
                .iter()
                .map(|need| Need { name: need.fact.to_string(), title: title(&need.fact), required: need.required })
                .collect(),
        }
    }
}
