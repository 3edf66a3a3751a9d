//! The inputs that actions and runbooks ask for.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::catalogue::InputKind;
use lineclear_core::name::InputName;

use crate::fault::At;
use crate::members::{Members, bounded, integer};

/// Longest text that an input may allow, in characters.
const INPUT_TEXT_MAX: i64 = 4_000;
/// Most names of one list: as many steps as people can read beside each other.
pub(crate) const NAMES_MAX: i64 = 16;
/// Longest choice of a closed list, in characters.
const CHOICE_MAX: usize = 80;

/// The member `inputs`: `{ replicas: { type: integer, min: 1, max: 12 } }`.
pub(crate) fn inputs(members: &Members<'_>) -> BTreeMap<InputName, At<InputKind>> {
    let named = members.named::<InputName>("inputs");
    let read = |(name, (place, node))| {
        let of = Members::of(node, "an input", members.faults())?;
        let value = kind(&of);
        of.finish();
        Some((name, At { value: value?, place }))
    };
    named.into_iter().filter_map(read).collect()
}

/// The kinds alone.
pub(crate) fn kinds(inputs: &BTreeMap<InputName, At<InputKind>>) -> BTreeMap<InputName, InputKind> {
    inputs.iter().map(|(name, kind)| (name.clone(), kind.value.clone())).collect()
}

/// The kind of one value, as the members `type` and what belongs to it say.
pub(crate) fn kind(of: &Members<'_>) -> Option<InputKind> {
    let words = [("name", 0), ("dns_name", 1), ("ipv4", 2), ("integer", 3), ("choice", 4), ("names", 5), ("text", 6)];
    match of.choice("type", &words)? {
        0 => Some(InputKind::Name),
        1 => Some(InputKind::DnsName),
        2 => Some(InputKind::Ipv4),
        3 => {
            let bound = |name| of.need(name).and_then(|node| integer(node, i64::from(i32::MIN), i64::from(i32::MAX), of.faults()));
            let (min, max) = (bound("min"), bound("max"));
            let (min, max) = (min?, max?);
            if min > max {
                of.faults().at(of.place(), format!("`min` {min} is above `max` {max}"), None);
            }
            Some(InputKind::Integer { min, max })
        }
        4 => {
            let choices = of.items("of").iter().filter_map(|item| bounded(item, CHOICE_MAX, of.faults()));
            let choices: BTreeSet<String> = choices.collect();
            if choices.is_empty() {
                of.faults().at(of.place(), "a choice of nothing", Some("list the values under `of`".into()));
            }
            Some(InputKind::Choice { of: choices })
        }
        5 => {
            let max = of.need("max").and_then(|node| integer(node, 1, NAMES_MAX, of.faults()))?;
            Some(InputKind::Names { max: usize::try_from(max).ok()? })
        }
        _ => {
            let max = of.need("max").and_then(|node| integer(node, 1, INPUT_TEXT_MAX, of.faults()))?;
            Some(InputKind::Text { max: usize::try_from(max).ok()? })
        }
    }
}
