//! `actions/*.yaml`: the action catalogue.

use std::collections::BTreeMap;

use lineclear_core::catalogue::{Action, Closing, FactNeed, InputKind, Reversibility, Risk};
use lineclear_core::name::{ActionName, FactName, InputName, RunbookName};
use lineclear_core::topology::EntityKind;

use crate::fault::{At, Faults, LoadError, Place, Text};
use crate::inputs::{inputs, kinds};
use crate::members::{Members, parsed, sandbox};
use crate::yaml::{Node, documents};

/// An action with the places that links are checked at.
#[derive(Debug)]
pub(crate) struct ActionDraft {
    pub(crate) action: Action,
    pub(crate) name: Place,
    pub(crate) runbook: Option<At<RunbookName>>,
    pub(crate) facts: Vec<At<FactName>>,
    pub(crate) inputs: BTreeMap<InputName, At<InputKind>>,
}

/// Reads one file of `actions/`, which holds one action per document.
///
/// # Errors
/// Everything that this file alone shows to be wrong.
pub fn parse_actions(path: &str, text: &str) -> Result<Vec<Action>, LoadError> {
    let faults = Faults::default();
    let drafts = read(path, text, &faults);
    faults.settle(Some(drafts.into_iter().map(|draft| draft.action).collect()))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> Vec<ActionDraft> {
    let text = Text::new(path, text);
    let nodes = documents(&text, faults).unwrap_or_default();
    nodes.iter().filter_map(|node| action(node, faults)).collect()
}

fn action(node: &Node, faults: &Faults) -> Option<ActionDraft> {
    let of = Members::of(node, "an action", faults)?;
    let name = of.parsed::<ActionName>("action");
    let title = of.title();
    let risk = of.choice("risk", &[("low", Risk::Low), ("medium", Risk::Medium), ("high", Risk::High)]);
    let reversibility = of.choice(
        "reversibility",
        &[("reversible", Reversibility::Reversible), ("partly", Reversibility::Partly), ("irreversible", Reversibility::Irreversible)],
    );
    let resource = of.choice("resource", &EntityKind::ALL.map(|kind| (kind.as_str(), kind)));
    let inputs = inputs(&of);
    let runbook = of.maybe("runbook").map(|node| parsed::<RunbookName>(node, faults));
    let needs = of.maybe("facts").map_or_else(|| Some(Vec::new()), |node| facts(node, faults));
    let never_routine = of.flag_or("never_routine", risk == Some(Risk::High));
    let closes = of.choice_or("closes", Closing::Person, &[("machine", Closing::Machine), ("person", Closing::Person)]);
    let sandbox = sandbox(&of);
    of.finish();
    let (name, needs) = (name?, needs?);
    let runbook = match runbook {
        Some(read) => Some(read?),
        None => None,
    };
    let action = Action {
        name: name.value,
        title: title?,
        risk: risk?,
        reversibility: reversibility?,
        resource: resource?,
        inputs: kinds(&inputs),
        runbook: runbook.as_ref().map(|r| r.value.clone()),
        facts: needs.iter().map(|(fact, required)| FactNeed { fact: fact.value.clone(), required: *required }).collect(),
        never_routine: never_routine?,
        closes: closes?,
        sandbox,
    };
    Some(ActionDraft { action, name: name.place, runbook, facts: needs.into_iter().map(|(fact, _)| fact).collect(), inputs })
}

/// `facts: { required: [..], optional: [..] }`, ordered by name.
fn facts(node: &Node, faults: &Faults) -> Option<Vec<(At<FactName>, bool)>> {
    let of = Members::of(node, "`facts`", faults)?;
    let required = of.names::<FactName>("required").into_iter().map(|fact| (fact, true));
    let optional = of.names::<FactName>("optional").into_iter().map(|fact| (fact, false));
    let mut needs: Vec<(At<FactName>, bool)> = required.chain(optional).collect();
    of.finish();
    needs.sort_by(|(a, _), (b, _)| a.value.cmp(&b.value));
    for ((first, _), (second, _)) in needs.iter().zip(needs.iter().skip(1)) {
        if first.value == second.value {
            faults.at(&second.place, format!("fact `{}` is both required and optional", second.value), None);
        }
    }
    Some(needs)
}
