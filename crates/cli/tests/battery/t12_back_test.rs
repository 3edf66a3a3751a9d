//! T12: a back-test over 10,000 recorded decisions; its rate is told and not judged.

use std::fmt::Write as _;

use crate::installation::{LINECLEAR, root, run};

const ROWS: usize = 10_000;

#[test]
fn ten_thousand_past_decisions_are_put_to_an_estate() {
    let folder = tempfile::tempdir().unwrap();
    let document = std::fs::read_to_string(root().join("docs/backtest.md")).unwrap();
    let rows = document.split("```jsonl\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut text = String::new();
    for (number, row) in rows.lines().cycle().take(ROWS).enumerate() {
        let mut row: serde_json::Value = serde_json::from_str(row).unwrap();
        row["incident"] = format!("{}-{number}", row["incident"].as_str().unwrap_or_default()).into();
        let _ = writeln!(text, "{row}");
    }
    let path = folder.path().join("rows.jsonl");
    std::fs::write(&path, text).unwrap();
    let example = root().join("estate/example");
    let begun = tokio::time::Instant::now();
    let output = run(LINECLEAR, &["estate", "backtest", path.to_str().unwrap(), "--estate", example.to_str().unwrap(), "--json"]);
    eprintln!("T12: {ROWS} decisions in {:?}, the start of the program included", begun.elapsed());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(report.pointer("/rows").and_then(serde_json::Value::as_u64), Some(10_000), "{report}");
}
