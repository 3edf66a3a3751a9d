//! Which undos are rehearsed: a step whose undo no test takes back may fail when it is needed, and nobody would know before.

use std::collections::BTreeSet;

use lineclear_core::name::StepName;
use lineclear_core::runbook::Runbook;

use super::Test;

/// The steps with an undo that no test which holds takes back, in order.
pub fn unrehearsed<'a>(runbook: &'a Runbook, tests: &[Test]) -> Vec<&'a StepName> {
    let holding = tests.iter().filter(|test| !test.expected.undone.is_empty() && test.tell(runbook).fault.is_none());
    let undone: BTreeSet<&StepName> = holding.flat_map(|test| &test.expected.undone).collect();
    runbook
        .all_steps()
        .map(|(_, step)| step)
        .filter(|step| step.undo.is_some() && !undone.contains(&step.id))
        .map(|step| &step.id)
        .collect()
}

/// Whether every undo is rehearsed.
pub(crate) fn rehearsed(runbook: &Runbook, tests: &[Test]) -> bool {
    unrehearsed(runbook, tests).is_empty()
}
