//! What a back-test finds in a small history, and the examples of the document.

use std::path::Path;
use std::sync::OnceLock;

use lineclear_estate::{Loaded, load, load_files, read_files};

use super::*;
use crate::row::{Format, read_rows};

const ESTATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../estate/example");
const DOCUMENT: &str = include_str!("../../../../docs/backtest.md");

fn example() -> &'static Loaded {
    static EXAMPLE: OnceLock<Loaded> = OnceLock::new();
    EXAMPLE.get_or_init(|| load(Path::new(ESTATE)).unwrap())
}

/// The example with a policy that lets agents drain on a hunch.
fn rash() -> &'static Loaded {
    static RASH: OnceLock<Loaded> = OnceLock::new();
    RASH.get_or_init(rashly)
}

fn rashly() -> Loaded {
    let mut files = read_files(Path::new(ESTATE)).unwrap();
    let text = String::from_utf8(files["policies/medium.cedar"].clone()).unwrap();
    let text =
        text.replace("  context.evidence.backend_down &&\n", "").replace("context.confidence_bp >= 8000", "context.confidence_bp >= 5000");
    files.insert("policies/medium.cedar".into(), text.into_bytes());
    load_files(&files).unwrap_or_else(|error| panic!("{error}"))
}

/// The blocks of the document in this language, in order.
fn blocks(language: &str) -> Vec<String> {
    let parts = DOCUMENT.split("```").skip(1).step_by(2);
    parts.filter_map(|part| part.strip_prefix(language)?.strip_prefix('\n').map(ToOwned::to_owned)).collect()
}

#[test]
fn every_example_of_the_document_is_read_and_its_report_is_what_it_says() {
    let (loaded, rash) = (example(), rash());
    let (lines, csv, json) = (blocks("jsonl"), blocks("csv"), blocks("json"));
    assert_eq!((lines.len(), csv.len(), json.len()), (1, 1, 1));
    let rows = read_rows(&lines[0], Format::JsonLines).unwrap();
    let report = Backtest::new(&loaded.policies, None).run(&rows);
    let again = Backtest::new(&loaded.policies, None).run(&read_rows(&csv[0], Format::Csv).unwrap());
    assert_eq!(report.estate.sum, again.estate.sum);
    let page = Backtest::new(&loaded.policies, None).run(&read_rows(&json[0], Format::Json).unwrap());
    assert_eq!((page.rows, page.without_action, page.waited_minutes, page.estate.sum.judged), (1, 1, 30, 0));
    let compared = Backtest::new(&rash.policies, Some(&loaded.policies)).run(&rows).to_string();
    let told = compared.replace(&loaded.estate.digest.to_string(), "sha256:…").replace(&rash.estate.digest.to_string(), "sha256:…");
    assert_eq!(blocks("text").concat(), told, "the document's report is stale; it is now:\n{told}");
}

#[test]
fn the_order_of_rows_changes_no_sum() {
    let (loaded, rash) = (example(), rash());
    let mut rows = read_rows(&blocks("jsonl")[0], Format::JsonLines).unwrap();
    let told = Backtest::new(&rash.policies, Some(&loaded.policies)).run(&rows);
    rows.reverse();
    let turned = Backtest::new(&rash.policies, Some(&loaded.policies)).run(&rows);
    assert_eq!((told.estate.sum, told.against.unwrap().sum), (turned.estate.sum, turned.against.unwrap().sum));
}

#[test]
fn an_estate_differs_from_itself_in_nothing() {
    let loaded = example();
    let rows = read_rows(&blocks("jsonl")[0], Format::JsonLines).unwrap();
    let report = Backtest::new(&loaded.policies, Some(&loaded.policies)).run(&rows);
    assert!(report.differing.is_empty());
    assert_eq!(report.against.as_ref().map(|side| &side.sum), Some(&report.estate.sum));
}

#[test]
fn a_fix_that_hurt_once_is_no_routine() {
    let loaded = example();
    let row = |outcome: &str| {
        format!(
            r#"{{"time":"2026-03-01T10:00:00Z","incident":"i","action":"service.scale","target":"service/shop","principal":"agent","evidence":["replicas_known","serving_traffic"],"confidence":90,"waited_minutes":10,"outcome":"{outcome}"}}"#
        )
    };
    let slow = |outcomes: &[&str]| {
        let text: Vec<String> = outcomes.iter().map(|outcome| row(outcome)).collect();
        Backtest::new(&loaded.policies, None).run(&read_rows(&text.join("\n"), Format::JsonLines).unwrap()).estate.sum.too_slow_minutes
    };
    assert_eq!(slow(&["improved", "improved"]), 0);
    assert_eq!(slow(&["improved", "improved", "improved", "unchanged"]), 30);
    assert_eq!(slow(&["improved", "improved", "improved", "worse"]), 0);
}

#[test]
fn what_the_estate_does_not_know_is_counted_by_reason() {
    let loaded = example();
    let row = |action: &str, target: &str, fact: &str| {
        format!(
            r#"{{"time":"2026-03-01T10:00:00Z","incident":"i","action":"{action}","target":"{target}","principal":"agent","evidence":[{fact}],"confidence":90,"outcome":"worse"}}"#
        )
    };
    let text = [
        row("moon.move", "service/shop", ""),
        row("service.scale", "service/moon", ""),
        row("service.scale", "host/web-1", ""),
        row("service.scale", "service/shop", "\"tide\""),
    ];
    let report = Backtest::new(&loaded.policies, None).run(&read_rows(&text.join("\n"), Format::JsonLines).unwrap());
    let told: Vec<&str> = report.estate.not_judgeable.keys().map(String::as_str).collect();
    assert_eq!(
        told,
        [
            "`fact tide` is not in the estate",
            "action `moon.move` is not in the estate",
            "action `service.scale` does not act on `host/web-1`",
            "target `service/moon` is not in the estate",
        ]
    );
    assert_eq!(report.estate.sum, Sum::default());
}
