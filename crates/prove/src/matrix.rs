//! The authority matrix: what each rung permits of each action, proved for every request.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// What is known of one action at one rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// No request is permitted.
    Never,
    /// Some are, by the facts.
    Sometimes,
    /// Every request is permitted, whatever the facts.
    Always,
    /// Nobody knows.
    Unknown,
}

/// One action; of everybody, or of one type of principal where they differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The action.
    pub action: String,
    /// Who asks; none when it is the same for all.
    pub principal: Option<String>,
    /// One cell per rung, lowest first.
    pub cells: Vec<Cell>,
}

/// Action by rung.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// The rungs, lowest first.
    pub rungs: Vec<String>,
    /// One row per action, sorted.
    pub rows: Vec<Row>,
}

/// Cells as they come in: by action, then by principal type.
pub(crate) type Cells = BTreeMap<String, BTreeMap<String, Vec<Cell>>>;

impl Cell {
    /// From the two questions: is nothing permitted, is everything permitted?
    pub(crate) const fn of(never: Option<bool>, always: Option<bool>) -> Self {
        match (never, always) {
            (Some(true), _) => Self::Never,
            (Some(false), Some(true)) => Self::Always,
            (Some(false), Some(false)) => Self::Sometimes,
            (None, _) | (_, None) => Self::Unknown,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Sometimes => "sometimes",
            Self::Always => "always",
            Self::Unknown => "unknown",
        }
    }
}

impl Matrix {
    /// One row per action, or one per principal type where these differ.
    pub(crate) fn of(rungs: Vec<String>, cells: Cells) -> Self {
        let mut rows = Vec::new();
        for (action, by_principal) in cells {
            let mut different: Vec<&Vec<Cell>> = by_principal.values().collect();
            different.dedup();
            if let [same] = different.as_slice() {
                rows.push(Row { action, principal: None, cells: (*same).clone() });
                continue;
            }
            rows.extend(by_principal.into_iter().map(|(principal, cells)| Row {
                action: action.clone(),
                principal: Some(principal),
                cells,
            }));
        }
        Self { rungs, rows }
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |row: &Row| match &row.principal {
            Some(principal) => format!("{} ({})", row.action, principal.to_lowercase()),
            None => row.action.clone(),
        };
        let first = self.rows.iter().map(|row| name(row).len()).max().unwrap_or(0);
        write!(f, "{:first$}", "")?;
        for rung in &self.rungs {
            write!(f, "  {rung:>9}")?;
        }
        for row in &self.rows {
            write!(f, "\n{:first$}", name(row))?;
            for (cell, rung) in row.cells.iter().zip(&self.rungs) {
                let width = rung.len().max(9);
                write!(f, "  {:>width$}", cell.word())?;
            }
        }
        Ok(())
    }
}
