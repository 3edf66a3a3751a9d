//! `estate check`: lint, validate, tell the stories.

use std::process::ExitCode;

use serde_json::json;

use super::serve::load;
use crate::args::Estate;
use crate::exit::{Exit, Failure};
use crate::render;

/// Checks an estate directory.
///
/// # Errors
/// When it cannot be used at all.
pub fn run(command: &Estate, as_json: bool) -> Result<ExitCode, Failure> {
    let Estate::Check { directory } = command;
    let loaded = load(directory)?;
    let report = lineclear_estate::check(&loaded);
    let failed: Vec<String> = report.outcomes.iter().filter(|outcome| outcome.fault.is_some()).map(told).collect();
    let warnings: Vec<String> = report.warnings.iter().map(|warning| format!("{}: {}", warning.subject, warning.message)).collect();
    let estate = &loaded.estate;
    if as_json {
        render::document(&json!({
            "version": 1, "holds": report.holds(), "digest": estate.digest, "stories": report.outcomes.len(), "failed": failed, "warnings": warnings,
            "actions": estate.catalogue.actions.len(), "policies": loaded.policies.len(), "runbooks": estate.runbooks.len(),
        }));
    } else {
        render::line(&format!("{}  {}", estate.title, estate.digest));
        render::line(&format!(
            "{} actions, {} policies, {} rungs, {} runbooks, {} facts, {} things",
            estate.catalogue.actions.len(),
            loaded.policies.len(),
            estate.authority.rungs.len(),
            estate.runbooks.len(),
            estate.facts.len(),
            estate.topology.iter().count()
        ));
        for warning in &warnings {
            render::line(&format!("warning  {warning}"));
        }
        for story in &failed {
            render::line(&format!("\x1b[31mfails\x1b[0m  {story}"));
        }
        render::line(&format!("{} of {} stories hold", report.outcomes.len() - failed.len(), report.outcomes.len()));
    }
    Ok(if report.holds() { ExitCode::SUCCESS } else { Exit::Refused.into() })
}

fn told(outcome: &lineclear_estate::Outcome) -> String {
    format!("{}:{} {}: expected {}, found {}", outcome.path, outcome.line, outcome.title, outcome.expected, outcome.found)
}
