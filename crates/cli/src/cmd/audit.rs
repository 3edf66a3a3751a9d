//! `audit drift` and `estate backtest`: what happened, asked again.

mod export;

use std::path::Path;
use std::process::ExitCode;

use lineclear_audit::{Assessment, Backtest, Format, Versions, read_rows};
use serde::Serialize;
use serde_json::{Value, json};

use super::serve::load;
use crate::args::{Audit, BacktestArgs, Drift};
use crate::exit::{Exit, Failure};
use crate::render;
use crate::shelf::estates_in;

/// The largest file of incidents: a million rows of a quarter of a kilobyte.
const INCIDENTS_MAX: u64 = 256 * 1024 * 1024;

/// Looks back.
///
/// # Errors
/// When an export or an estate cannot be read.
pub fn run(command: &Audit, as_json: bool) -> Result<ExitCode, Failure> {
    let Audit::Drift(args) = command;
    drift(args, as_json)
}

fn drift(args: &Drift, as_json: bool) -> Result<ExitCode, Failure> {
    let active = load(&args.estate)?;
    let folders = args.old_estates.iter().flat_map(|directory| estates_in(directory));
    let others = folders.map(|directory| load(&directory)).collect::<Result<Vec<_>, _>>()?;
    let versions = Versions::new(&active.policies, others.iter().map(|loaded| &loaded.policies));
    let report = export::audited(&args.export, &versions)?.report(&versions);
    if as_json {
        render::document(&document(&report));
    } else {
        render::line(report.to_string().trim_end());
        render::say("note  the log itself was believed; `lineclear ledger verify` proves it");
    }
    Ok(match report.assessment {
        Assessment::Alarm => Exit::Invalid.into(),
        Assessment::Wider => Exit::Refused.into(),
        Assessment::Incomplete => Exit::Error.into(),
        Assessment::Holds => ExitCode::SUCCESS,
    })
}

/// Asks an estate about past incidents.
///
/// # Errors
/// When the file or an estate cannot be read.
pub fn backtest(args: &BacktestArgs, as_json: bool) -> Result<ExitCode, Failure> {
    let path = &args.incidents;
    let format = format(path)?;
    let text = incidents(path)?;
    let tried = load(&args.estate)?;
    let against = args.against.as_ref().map(|directory| load(directory)).transpose()?;
    let rows = read_rows(&text, format).map_err(|error| {
        Failure::new(format!("`{}` cannot be used: {error}", path.display()))
            .help("no row was counted; the format is described in docs/backtest.md")
    })?;
    let report = Backtest::new(&tried.policies, against.as_ref().map(|loaded| &loaded.policies)).run(&rows);
    if as_json {
        render::document(&document(&report));
    } else {
        render::line(report.to_string().trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

fn format(path: &Path) -> Result<Format, Failure> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("jsonl" | "ndjson") => Ok(Format::JsonLines),
        Some("json") => Ok(Format::Json),
        Some("csv") => Ok(Format::Csv),
        Some(_) | None => {
            Err(Failure::new(format!("`{}` has no ending that tells its format", path.display()))
                .help("name it `.jsonl`, `.csv` or `.json`"))
        }
    }
}

fn incidents(path: &Path) -> Result<String, Failure> {
    let bad = |why: String| Failure::new(format!("`{}` cannot be read: {why}", path.display()));
    let found = std::fs::metadata(path).map_err(|error| bad(error.to_string()))?;
    if found.len() > INCIDENTS_MAX {
        return Err(bad(format!("it has {} bytes, at most {INCIDENTS_MAX} are read", found.len())));
    }
    std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))
}

/// The report as one document with its version.
fn document(report: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(report).unwrap_or(Value::Null);
    if let Some(members) = value.as_object_mut() {
        members.insert("version".into(), json!(1));
    }
    value
}
