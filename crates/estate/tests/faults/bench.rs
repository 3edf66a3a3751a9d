//! The example estate with one mistake planted, and how its faults look on a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use lineclear_estate::{Fault, LoadError, Loaded, load_files, read_files};
use miette::{GraphicalReportHandler, GraphicalTheme};

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn example() -> Files {
    read_files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../estate/example"))).unwrap()
}

/// One text of the example.
pub(crate) fn text(path: &str) -> String {
    String::from_utf8(example().remove(path).unwrap_or_else(|| panic!("{path}"))).unwrap()
}

pub(crate) fn replaced(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "the text has no {old:?}");
    text.replacen(old, new, 1)
}

pub(crate) fn rendered(fault: &Fault) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(110).with_links(false);
    let mut out = String::new();
    handler.render_report(&mut out, fault).unwrap();
    let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// Parses each row's text and prints the faults; a row without one fails.
pub(crate) fn table<T>(path: &str, base: &str, parse: impl Fn(&str, &str) -> Result<T, LoadError>, rows: &[(&str, &str, &str)]) -> String {
    if let Err(error) = parse(path, base) {
        panic!("the base is wrong: {error}");
    }
    let mut out = String::new();
    for (what, old, new) in rows {
        match parse(path, &replaced(base, old, new)) {
            Ok(_) => panic!("{what}: passes"),
            Err(error) => write(&mut out, what, &error),
        }
    }
    out
}

/// Loads the example with a change in one file and prints the faults; a row without one fails.
pub(crate) fn linked(rows: &[(&str, &str, &str, &str)]) -> String {
    let mut out = String::new();
    for (what, path, old, new) in rows {
        let mut files = example();
        let text = replaced(&text(path), old, new);
        files.insert((*path).to_owned(), text.into_bytes());
        match load_files(&files) {
            Ok(_) => panic!("{what}: passes"),
            Err(error) => write(&mut out, what, &error),
        }
    }
    out
}

fn write(out: &mut String, what: &str, error: &LoadError) {
    assert!(!error.faults().is_empty(), "{what}: an error without a fault");
    let _ = writeln!(out, "# {what}\n");
    for fault in error.faults() {
        let _ = writeln!(out, "{}\n", rendered(fault));
    }
}

pub(crate) fn loaded(change: impl Fn(&mut Files)) -> Result<Loaded, LoadError> {
    let mut files = example();
    change(&mut files);
    load_files(&files)
}
