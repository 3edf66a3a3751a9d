//! The table of states and events that people read, and the words that must occur in it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::machine::Machine;

/// One row per state, one column per event; a cell holds the next state's word, or `·` when the event cannot happen.
pub(crate) fn table<M: Machine + Clone>(states: &[(&str, M)], events: &[(&str, M::Event)]) -> String {
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(events.iter().map(|(label, _)| (*label).to_owned()));
    let next = |state: Option<M>, event: &M::Event| {
        let next = state.map_or_else(|| M::begin(event), |state| state.apply(event));
        next.map_or_else(|_| "·".into(), |next| next.word().to_owned())
    };
    let begun = events.iter().map(|(_, event)| next(None, event));
    rows.push(std::iter::once("(nothing)".to_owned()).chain(begun).collect());
    for (label, state) in states {
        let cells = events.iter().map(|(_, event)| next(Some(state.clone()), event));
        rows.push(std::iter::once((*label).to_owned()).chain(cells).collect());
    }
    let widths: Vec<usize> = (0..rows[0].len()).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap()).collect();
    let mut text = String::new();
    for row in rows {
        let line = row.iter().zip(&widths).fold(String::new(), |mut line, (cell, width)| {
            write!(line, "{cell:<width$}  ").unwrap();
            line
        });
        writeln!(text, "{}", line.trim_end()).unwrap();
    }
    text
}

/// The quoted words of the function `word` that follows `marker` in a source text: what the samples must cover.
pub(crate) fn words(source: &str, marker: &str) -> BTreeSet<String> {
    let body = source.split_once(marker).unwrap().1.split_once("fn word(").unwrap().1.split_once("\n    }\n").unwrap().0;
    body.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}
