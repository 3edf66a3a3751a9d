//! `limits`: how long a run may take, and what it needs for itself.

use lineclear_core::Span;
use lineclear_core::name::InputName;

use super::DEADLINE_MAX;
use crate::fault::{At, Faults};
use crate::members::{Members, bounded, duration_between};
use crate::template::references;
use crate::yaml::Node;

/// Longest concurrency key before references are filled in, in characters.
const KEY_MAX: usize = 200;

/// The limits, and the inputs that the key refers to.
pub(super) struct Limits {
    pub(super) deadline: Option<Span>,
    pub(super) key: Option<String>,
    pub(super) inputs: Vec<At<InputName>>,
}

/// The member `limits`, or `deadline` for short.
pub(super) fn limits(of: &Members<'_>) -> Limits {
    let faults = of.faults();
    let mut limits = Limits { deadline: None, key: None, inputs: Vec::new() };
    let short = of.maybe("deadline");
    let mut long = None;
    if let Some(of) = of.maybe("limits").and_then(|node| Members::of(node, "`limits`", faults)) {
        long = of.maybe("deadline");
        if let Some((text, inputs)) = of.maybe("concurrency_key").and_then(|node| key(node, faults)) {
            (limits.key, limits.inputs) = (Some(text), inputs);
        }
        of.finish();
    }
    match (short, long) {
        (Some(node), None) | (None, Some(node)) => limits.deadline = duration_between(node, Span::from_secs(1), DEADLINE_MAX, faults),
        (Some(node), Some(_)) => {
            let help = "`deadline: 15m` is short for `limits: { deadline: 15m }`; keep one of the two";
            faults.at(&node.place, "the deadline is given twice", Some(help.into()));
        }
        (None, None) => faults.at(of.place(), "a runbook lacks `deadline`", Some("add `limits: { deadline: … }`".into())),
    }
    limits
}

fn key(node: &Node, faults: &Faults) -> Option<(String, Vec<At<InputName>>)> {
    let text = bounded(node, KEY_MAX, faults)?;
    if text.contains('\n') {
        faults.at(&node.place, "a concurrency key is one line", None);
        return None;
    }
    let found = references(&text, &node.place, faults);
    Some((text, found))
}
