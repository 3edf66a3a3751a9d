//! One row of an incident's history: what was done, on what facts, how long people took, and what came of it.
//!
//! The formats are described in `docs/backtest.md`. Reading is all or nothing: the first bad row is told with its place, and none counts.

mod csv;
mod statuspage;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use lineclear_core::Timestamp;
use lineclear_core::measure::Confidence;
use lineclear_core::name::{ActionName, FactName};
use lineclear_core::topology::EntityRef;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Most rows of one file: ten years of a hundred thousand a year.
pub const ROWS_MAX: usize = 1_000_000;
/// Longest name of an incident, in characters: what fits a line.
const INCIDENT_MAX: usize = 200;
/// Longest wait: a year, in minutes.
const WAITED_MAX: u32 = 366 * 24 * 60;
/// The mildest severity.
const SEVERITY_MAX: u8 = 5;

/// How rows are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object on each line.
    JsonLines,
    /// One JSON array of the same objects, or what Statuspage's public API gives for incidents.
    Json,
    /// RFC 4180 with a header line.
    Csv,
}

/// Where in the file something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line, counted from 1.
    Line(usize),
    /// A JSON pointer (RFC 6901).
    Pointer(String),
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct InputError {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
}

/// What kind of party acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// A machine.
    Agent,
    /// A person.
    Operator,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It helped.
    Improved,
    /// It hurt.
    Worse,
    /// Neither.
    Unchanged,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands in the file.
    pub place: Place,
    /// When.
    pub time: Timestamp,
    /// The incident's name or number.
    pub incident: String,
    /// Minutes that people took until it was done; none when nobody wrote it down.
    pub waited_minutes: Option<u32>,
    /// What was done; none when only the incident is known, which cannot be judged.
    pub acted: Option<Acted>,
}

/// What was done in an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// The action, as the catalogue names it.
    pub action: ActionName,
    /// On what.
    pub target: EntityRef,
    /// By whom.
    pub principal: Principal,
    /// How sure they were.
    pub confidence: Confidence,
    /// The facts that were confirmed.
    pub evidence: BTreeSet<FactName>,
    /// Whether a fact spoke against it.
    pub conflicting: bool,
    /// The incident's severity, 1 (worst) to 5; 0 when it had none.
    pub severity: u8,
    /// Whether a freeze was on.
    pub freeze: bool,
    /// Whether this action on this target had earned to be routine.
    pub routine: bool,
    /// Whether the undo of its runbook, as it was written then, had been run to its end.
    pub undo_drilled: bool,
    /// Whether no person was asked.
    pub automatic: bool,
    /// What came of it.
    pub outcome: Outcome,
}

/// A row as it is written; every format comes down to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    time: Timestamp,
    incident: String,
    action: Option<ActionName>,
    target: Option<EntityRef>,
    principal: Option<Principal>,
    #[serde(default)]
    evidence: BTreeSet<FactName>,
    #[serde(default)]
    conflicting: bool,
    confidence: Option<i64>,
    #[serde(default)]
    severity: i64,
    #[serde(default)]
    freeze: bool,
    #[serde(default)]
    routine: bool,
    #[serde(default)]
    undo_drilled: bool,
    waited_minutes: Option<i64>,
    outcome: Option<Outcome>,
    #[serde(default)]
    automatic: bool,
}

/// Reads a whole file.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn read_rows(text: &str, format: Format) -> Result<Vec<Row>, InputError> {
    let rows = match format {
        Format::JsonLines => lines(text)?,
        Format::Csv => csv::rows(text)?,
        Format::Json if text.trim_start().starts_with('[') => array(text)?,
        Format::Json => statuspage::rows(text)?,
    };
    if rows.is_empty() {
        return Err(InputError::at(Place::Line(1), "there is no row"));
    }
    Ok(rows)
}

fn lines(text: &str) -> Result<Vec<Row>, InputError> {
    let mut rows = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = Place::Line(at + 1);
        bounded(rows.len(), &place)?;
        let written = serde_json::from_str(line).map_err(|error| InputError::json(&place, &error))?;
        rows.push(Row::of(written, place)?);
    }
    Ok(rows)
}

fn array(text: &str) -> Result<Vec<Row>, InputError> {
    let list: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| InputError::whole(&error))?;
    let mut rows = Vec::new();
    for (at, item) in list.into_iter().enumerate() {
        let place = Place::Pointer(format!("/{at}"));
        bounded(at, &place)?;
        let written = serde_json::from_str(item.get()).map_err(|error| InputError::json(&place, &error))?;
        rows.push(Row::of(written, place)?);
    }
    Ok(rows)
}

fn bounded(count: usize, place: &Place) -> Result<(), InputError> {
    if count < ROWS_MAX { Ok(()) } else { Err(InputError::at(place.clone(), format!("a file has at most {ROWS_MAX} rows"))) }
}

impl Row {
    fn of(written: Written, place: Place) -> Result<Self, InputError> {
        let wrong = |message: &str| Err(InputError::at(place.clone(), message));
        if written.incident.trim().is_empty() || written.incident.chars().count() > INCIDENT_MAX {
            return wrong("`incident` has 1 to 200 characters");
        }
        if written.incident.chars().any(char::is_control) {
            return wrong("`incident` holds a control character");
        }
        let waited = written.waited_minutes.map(u32::try_from).transpose();
        let Some(waited_minutes) = waited.ok().filter(|minutes| minutes.is_none_or(|minutes| minutes <= WAITED_MAX)) else {
            return wrong("`waited_minutes` is 0 to 527040, a year");
        };
        let Some(severity) = u8::try_from(written.severity).ok().filter(|severity| *severity <= SEVERITY_MAX) else {
            return wrong("`severity` is 1 (worst) to 5, or 0 for none");
        };
        let (time, incident) = (written.time, written.incident);
        let acted = match (written.action, written.target, written.principal, written.confidence, written.outcome) {
            (None, None, None, None, None) => None,
            (Some(action), Some(target), Some(principal), Some(percent), Some(outcome)) => {
                let basis_points = u32::try_from(percent).ok().and_then(|percent| percent.checked_mul(100));
                let Some(confidence) = basis_points.and_then(|points| Confidence::try_from(points).ok()) else {
                    return wrong("`confidence` is 0 to 100, in percent");
                };
                Some(Acted {
                    action,
                    target,
                    principal,
                    confidence,
                    evidence: written.evidence,
                    conflicting: written.conflicting,
                    severity,
                    freeze: written.freeze,
                    routine: written.routine,
                    undo_drilled: written.undo_drilled,
                    automatic: written.automatic,
                    outcome,
                })
            }
            _ => return wrong("`action`, `target`, `principal`, `confidence` and `outcome` stand together or not at all"),
        };
        Ok(Self { place, time, incident, waited_minutes, acted })
    }
}

impl InputError {
    fn at(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }

    /// What is wrong within one row; where in the row stands in columns.
    fn json(place: &Place, error: &serde_json::Error) -> Self {
        Self::at(place.clone(), format!("{}, at column {}", bare(error), error.column()))
    }

    /// What is wrong with the whole text.
    fn whole(error: &serde_json::Error) -> Self {
        Self::at(Place::Line(error.line().max(1)), bare(error))
    }
}

/// The message without its place, which is told once, and without the name of a type.
fn bare(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    message.strip_suffix("expected i64").map_or_else(|| message.to_owned(), |rest| format!("{rest}expected a whole number"))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Pointer(pointer) => write!(f, "`{pointer}`"),
        }
    }
}
