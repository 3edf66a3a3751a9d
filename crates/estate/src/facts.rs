//! `facts.yaml`: the vocabulary of facts that gates use.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::Span;
use lineclear_core::fact::{Comparison, Condition, FactSpec};
use lineclear_core::measure::Measure;
use lineclear_core::name::{FactName, InputName};

use crate::fault::{At, Faults, LoadError, Place, Text};
use crate::members::Members;
use crate::template::references;
use crate::yaml::{Kind, Node, document};

/// The age above which no fact is fresh enough for a gate, whatever the estate says.
const LIMIT_MAX: Span = Span::from_secs(3_600);

/// A fact with the places that links are checked at.
#[derive(Debug)]
pub(crate) struct FactDraft {
    pub(crate) spec: FactSpec,
    pub(crate) name: Place,
    pub(crate) source: Place,
    pub(crate) inputs: Vec<InputName>,
}

/// Reads `facts.yaml`.
///
/// # Errors
/// Everything that this file alone shows to be wrong.
pub fn parse_facts(path: &str, text: &str) -> Result<BTreeMap<FactName, FactSpec>, LoadError> {
    let faults = Faults::default();
    let drafts = read(path, text, &faults);
    faults.settle(Some(drafts.into_iter().map(|draft| (draft.spec.name.clone(), draft.spec)).collect()))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> Vec<FactDraft> {
    let text = Text::new(path, text);
    let Some(node) = document(&text, faults) else { return Vec::new() };
    let Some(of) = Members::of(&node, "the vocabulary", faults) else { return Vec::new() };
    let drafts: Vec<FactDraft> = of.items("facts").iter().filter_map(|item| fact(item, faults)).collect();
    of.finish();
    let mut seen = BTreeSet::new();
    for draft in &drafts {
        if !seen.insert(&draft.spec.name) {
            faults.at(&draft.name, format!("fact `{}` is described twice", draft.spec.name), None);
        }
    }
    drafts
}

fn fact(node: &Node, faults: &Faults) -> Option<FactDraft> {
    let of = Members::of(node, "a fact", faults)?;
    let name = of.parsed::<FactName>("name");
    if let Some(At { value, place }) = &name
        && !snake(value.as_str())
    {
        let help = "policies read it as `context.evidence.…`: use lower-case letters, digits and `_`, a letter first";
        faults.at(place, format!("`{value}` is no name for a fact"), Some(help.into()));
    }
    let title = of.title();
    let source = of.text("source");
    let query = of.text("query");
    let limit = of.duration("limit", Span::from_secs(1), LIMIT_MAX);
    let holds = of.need("holds").and_then(|node| condition(node, faults));
    of.finish();
    let (name, source, query) = (name?, source?, query?);
    let inputs = references(&query.value, &query.place, faults).into_iter().map(|input| input.value).collect();
    let spec = FactSpec { name: name.value, title: title?, source: source.value, query: query.value, limit: limit?, holds: holds? };
    Some(FactDraft { spec, name: name.place, source: source.place, inputs })
}

fn condition(node: &Node, faults: &Faults) -> Option<Condition> {
    let of = Members::of(node, "a condition", faults)?;
    let op = of.choice("op", COMPARISONS);
    let value = of.need("value").and_then(|node| measure(node, faults));
    of.finish();
    Some(Condition { op: op?, value: value? })
}

/// The comparisons as they are written.
pub(crate) const COMPARISONS: &[(&str, Comparison)] = &[
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<", Comparison::Less),
    ("<=", Comparison::AtMost),
    (">", Comparison::Greater),
    (">=", Comparison::AtLeast),
];

/// A number, quoted or not, kept exactly as it is written.
pub(crate) fn measure(node: &Node, faults: &Faults) -> Option<Measure> {
    let written = match &node.kind {
        Kind::Text(text) => text.as_str(),
        Kind::Integer(_) | Kind::Number => node.place.written(),
        Kind::Nothing | Kind::Flag(_) | Kind::List(_) | Kind::Map(_) => {
            faults.at(&node.place, format!("a number is wanted here, not {}", node.called()), None);
            return None;
        }
    };
    written.parse().map_err(|error: lineclear_core::measure::MeasureError| faults.at(&node.place, error.to_string(), None)).ok()
}

/// Whether policies can read a member of this name.
fn snake(name: &str) -> bool {
    name.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
