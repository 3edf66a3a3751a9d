//! `fallbacks`: named branches that a failed step may go to.

use std::collections::BTreeMap;

use lineclear_core::catalogue::InputKind;
use lineclear_core::name::{BranchName, InputName};

use super::each;
use super::step::StepDraft;
use crate::fault::At;
use crate::members::{Members, list};

/// Most branches.
const BRANCHES_MAX: usize = 8;

/// A branch with its place.
pub(super) struct BranchDraft {
    pub(super) name: At<BranchName>,
    pub(super) steps: Vec<StepDraft>,
}

/// The member `fallbacks`: `{ spare: [ { id: …, do: … } ] }`, in the order of names.
pub(super) fn branches(of: &Members<'_>, inputs: &BTreeMap<InputName, At<InputKind>>) -> Vec<BranchDraft> {
    let faults = of.faults();
    let named = of.named::<BranchName>("fallbacks");
    if named.len() > BRANCHES_MAX
        && let Some(node) = of.maybe("fallbacks")
    {
        faults.at(&node.place, format!("a runbook has at most {BRANCHES_MAX} branches, this one has {}", named.len()), None);
    }
    let read = |(name, (place, node))| {
        let steps = each::steps(list(node, faults).unwrap_or(&[]), inputs, faults);
        BranchDraft { name: At { value: name, place }, steps }
    };
    named.into_iter().map(read).collect()
}
