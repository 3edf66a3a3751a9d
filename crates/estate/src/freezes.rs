//! `freezes.yaml`: windows in which people want nothing to move.

use lineclear_core::Timestamp;
use lineclear_core::estate::Freeze;
use lineclear_core::topology::EntityRef;

use crate::fault::{At, Faults, LoadError, Text};
use crate::members::Members;
use crate::yaml::{Node, document};

/// A window with the places of its targets.
#[derive(Debug)]
pub(crate) struct FreezeDraft {
    pub(crate) freeze: Freeze,
    pub(crate) targets: Vec<At<EntityRef>>,
}

/// Reads `freezes.yaml`.
///
/// # Errors
/// Everything that this file alone shows to be wrong.
pub fn parse_freezes(path: &str, text: &str) -> Result<Vec<Freeze>, LoadError> {
    let faults = Faults::default();
    let drafts = read(path, text, &faults);
    faults.settle(Some(drafts.into_iter().map(|draft| draft.freeze).collect()))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> Vec<FreezeDraft> {
    let text = Text::new(path, text);
    let Some(node) = document(&text, faults) else { return Vec::new() };
    let Some(of) = Members::of(&node, "the file", faults) else { return Vec::new() };
    let drafts = of.items("freezes").iter().filter_map(|item| freeze(item, faults)).collect();
    of.finish();
    drafts
}

fn freeze(node: &Node, faults: &Faults) -> Option<FreezeDraft> {
    let of = Members::of(node, "a freeze", faults)?;
    let title = of.title();
    let from = of.parsed::<Timestamp>("from");
    let until = of.parsed::<Timestamp>("until");
    let targets = of.names::<EntityRef>("targets");
    of.finish();
    let (from, until) = (from?, until?);
    if from.value >= until.value {
        faults.at(&until.place, "the freeze ends before it begins", Some("set `until` after `from`".into()));
    }
    let names = targets.iter().map(|target| target.value.clone()).collect();
    Some(FreezeDraft { freeze: Freeze { title: title?, from: from.value, until: until.value, targets: names }, targets })
}
