//! A drafted runbook: read as part of an estate, linted and rehearsed, and told in words for whoever reviews it.

use std::collections::BTreeMap;

use lineclear_core::Timestamp;
use lineclear_core::patch::{Played, Review};
use lineclear_core::plan::PlannedStep;
use lineclear_core::revision::How;
use lineclear_core::runbook::Runbook;

use crate::check::lint;
use crate::fault::LoadError;
use crate::load::load_files;
use crate::rehearsal::{Test, plan, unrehearsed};
use crate::runbook::parse_runbook_tests;

/// Longest line of a plan, in characters: a call with a small body.
const LINE_MAX: usize = 600;

/// Reads a drafted runbook as part of these files, lints it and plays its tests.
///
/// # Errors
/// Everything that is wrong with it, alone and as part of the estate.
pub fn draft(files: &BTreeMap<String, Vec<u8>>, text: &str) -> Result<(Review, How), LoadError> {
    // Alone first: what one file gets wrong is told with its own places.
    let (runbook, tests) = parse_runbook_tests("draft.yaml", text)?;
    let path = format!("runbooks/{}.yaml", runbook.id);
    let how = if files.contains_key(&path) { How::Changed } else { How::Added };
    let mut files = files.clone();
    files.insert(path, text.as_bytes().to_vec());
    let loaded = load_files(&files)?;
    let actions = loaded.estate.catalogue.actions.values().filter(|action| action.runbook.as_ref() == Some(&runbook.id)).count();
    let warnings = lint(&runbook, &tests, Some(actions)).into_iter().map(|warning| warning.message).collect();
    let unrehearsed = unrehearsed(&runbook, &tests).into_iter().cloned().collect();
    let tests = tests.iter().map(|test| played(&runbook, test)).collect();
    let review = Review {
        runbook: runbook.id,
        title: runbook.title,
        owner: runbook.owner,
        digest: runbook.digest,
        permissions: runbook.permissions,
        warnings,
        tests,
        unrehearsed,
    };
    Ok((review, how))
}

fn played(runbook: &Runbook, test: &Test) -> Played {
    let plan = match plan(runbook, &test.target, &test.inputs, Timestamp::from_micros(0)) {
        Ok(plan) => plan.steps.iter().map(line).collect(),
        Err(error) => vec![error.to_string()],
    };
    Played { name: test.name.clone(), fault: test.tell(runbook).fault.map(|fault| fault.message), plan }
}

/// `drain: haproxy_server backend="shop" server="web-9" state="drain"`
fn line(step: &PlannedStep) -> String {
    let with: String = step.call.with.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    format!("{}: {}{with}", step.step, step.call.tool).chars().take(LINE_MAX).collect()
}
