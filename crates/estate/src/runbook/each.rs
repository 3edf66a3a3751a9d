//! `for_each`: one step written once for every item of a list. It becomes as many steps as there are items when the file is read, so that
//! everybody sees every one of them, with its own call, check and undo; there is no loop left when a run begins.

use std::collections::BTreeMap;

use lineclear_core::catalogue::InputKind;
use lineclear_core::name::InputName;
use lineclear_core::runbook::{Condition, Subject, Test};

use super::condition::ConditionDraft;
use super::step::{StepDraft, step};
use crate::fault::{At, Faults};
use crate::inputs::NAMES_MAX;
use crate::members::{Members, cut, parsed};
use crate::suggest::suggest;
use crate::yaml::{Key, Kind, Node};

/// Stands for the item, in every text of the step.
const ITEM: &str = "${item}";
/// Longest item, in characters.
const ITEM_MAX: usize = 200;

/// What a step goes over.
enum Over {
    /// These.
    Items(Vec<Kind>),
    /// An input that is a list of at most so many.
    Input(At<InputName>, usize),
}

/// The steps that a list of steps stands for.
pub(super) fn steps(nodes: &[Node], inputs: &BTreeMap<InputName, At<InputKind>>, faults: &Faults) -> Vec<StepDraft> {
    nodes.iter().flat_map(|node| one(node, inputs, faults)).collect()
}

fn one(node: &Node, inputs: &BTreeMap<InputName, At<InputKind>>, faults: &Faults) -> Vec<StepDraft> {
    let Some(each) = member(node, "for_each") else { return step(node, faults).into_iter().collect() };
    if !holds(node) {
        faults.at(&each.place, format!("`for_each` without `{ITEM}`: every step would do the same"), None);
        return Vec::new();
    }
    let Some(over) = over(each, inputs, faults) else { return Vec::new() };
    let items = match &over {
        Over::Items(items) => items.clone(),
        Over::Input(input, max) => (0..*max).map(|place| Kind::Text(format!("${{inputs.{}.{place}}}", input.value))).collect(),
    };
    let mut all = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let before = faults.count();
        let filled = numbered(&filled(node, item), place);
        let Some(mut draft) = step(&filled, faults) else { break };
        if let Over::Input(input, _) = &over {
            let condition = Condition { of: Subject::Input(input.value.clone()), test: Test::MoreThan(place) };
            draft.step.when.push(condition.clone());
            draft.when.push(ConditionDraft { condition, of: input.place.clone(), test: input.place.clone() });
        }
        all.push(draft);
        // The same fault of each item would only echo.
        if faults.count() > before {
            break;
        }
    }
    all
}

fn member<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let Kind::Map(members) = &node.kind else { return None };
    members.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
}

fn over(each: &Node, inputs: &BTreeMap<InputName, At<InputKind>>, faults: &Faults) -> Option<Over> {
    if let Kind::List(items) = &each.kind {
        return listed(each, items, faults).map(Over::Items);
    }
    let of = Members::of(each, "`for_each`", faults)?;
    let input = of.need("input").and_then(|node| parsed::<InputName>(node, faults));
    of.finish();
    let input = input?;
    match inputs.get(&input.value).map(|at| &at.value) {
        Some(InputKind::Names { max }) => Some(Over::Input(input, *max)),
        Some(other) => {
            let help = "give the input `type: names`, or write the items out: `for_each: [a, b]`";
            faults.at(&input.place, format!("`inputs.{}` is no list: it is {other}", input.value), Some(help.into()));
            None
        }
        None => {
            let help = suggest(input.value.as_str(), inputs.keys().map(InputName::as_str));
            faults.at(&input.place, format!("`{}` is no input of this runbook", input.value), help);
            None
        }
    }
}

fn listed(each: &Node, items: &[Node], faults: &Faults) -> Option<Vec<Kind>> {
    let most = usize::try_from(NAMES_MAX).unwrap_or_default();
    if items.is_empty() || items.len() > most {
        faults.at(&each.place, format!("a step goes over 1 to {most} items, not {}", items.len()), None);
        return None;
    }
    let (before, mut kinds) = (faults.count(), Vec::new());
    for item in items {
        let written = match &item.kind {
            Kind::Integer(n) => n.to_string(),
            Kind::Text(text) if !text.is_empty() && text.chars().count() <= ITEM_MAX && !text.contains("${") => text.clone(),
            Kind::Nothing | Kind::Flag(_) | Kind::Number | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => {
                let message = format!("an item is a whole number, or text of 1 to {ITEM_MAX} characters without references");
                faults.at(&item.place, message, None);
                continue;
            }
        };
        if kinds.iter().any(|(known, _)| *known == written) {
            faults.at(&item.place, format!("`{}` is listed twice", cut(&written)), None);
        }
        kinds.push((written, item.kind.clone()));
    }
    (faults.count() == before).then(|| kinds.into_iter().map(|(_, kind)| kind).collect())
}

/// Whether a text below holds the item.
fn holds(node: &Node) -> bool {
    match &node.kind {
        Kind::Text(text) => text.contains(ITEM),
        Kind::List(items) => items.iter().any(holds),
        Kind::Map(members) => members.iter().any(|(_, node)| holds(node)),
        Kind::Nothing | Kind::Flag(_) | Kind::Integer(_) | Kind::Number => false,
    }
}

/// The node with the item in it. A text that is the item and nothing else takes it with its type.
fn filled(node: &Node, item: &Kind) -> Node {
    let kind = match &node.kind {
        Kind::Text(text) if text == ITEM => item.clone(),
        Kind::Text(text) => match item {
            Kind::Text(with) => Kind::Text(text.replace(ITEM, with)),
            Kind::Integer(n) => Kind::Text(text.replace(ITEM, &n.to_string())),
            Kind::Nothing | Kind::Flag(_) | Kind::Number | Kind::List(_) | Kind::Map(_) => Kind::Text(text.clone()),
        },
        Kind::List(items) => Kind::List(items.iter().map(|node| filled(node, item)).collect()),
        Kind::Map(members) => {
            let keyed = |(key, node): &(Key, Node)| (key.clone(), filled(node, item));
            Kind::Map(members.iter().map(keyed).collect())
        }
        kind @ (Kind::Nothing | Kind::Flag(_) | Kind::Integer(_) | Kind::Number) => kind.clone(),
    };
    Node { kind, place: node.place.clone() }
}

/// The step with its place in the list behind its name: `drain.0`.
fn numbered(node: &Node, place: usize) -> Node {
    let Kind::Map(members) = &node.kind else { return node.clone() };
    let renamed = |(key, node): &(Key, Node)| {
        if let Kind::Text(id) = &node.kind
            && key.text == "id"
        {
            (key.clone(), Node { kind: Kind::Text(format!("{id}.{place}")), place: node.place.clone() })
        } else {
            (key.clone(), node.clone())
        }
    };
    Node { kind: Kind::Map(members.iter().map(renamed).collect()), place: node.place.clone() }
}
