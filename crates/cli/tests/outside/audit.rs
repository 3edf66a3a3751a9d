//! Looking back from outside: the demo's own ledger decided again, and past incidents put to the example estate.

use std::fs;

use serde_json::Value;

use super::installation::{LINECLEAR, root, run, succeeds};

fn told(args: &[&str]) -> (Option<i32>, Value, String) {
    let output = run(LINECLEAR, args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or(Value::Null), said)
}

#[test]
fn the_ledger_of_the_demo_holds_when_it_is_decided_again_and_a_touched_one_does_not() {
    let house = tempfile::tempdir().unwrap();
    let text = |name: &str| house.path().join(name).to_str().unwrap().to_owned();
    succeeds(LINECLEAR, &["demo", "--unattended", "--port", "0", "--keep", &text("demo")]);
    let (export, estate) = (text("demo/export"), text("demo/estate"));
    let (code, report, said) = told(&["audit", "drift", &export, "--estate", &estate, "--json"]);
    assert_eq!((code, report.pointer("/assessment")), (Some(0), Some(&Value::from("holds"))), "{report}\n{said}");
    let count = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).unwrap();
    assert!(count("/verdicts") >= 3 && count("/redecided") == count("/verdicts") && count("/runs") >= 1, "{report}");
    // The demo points the example at its own telemetry, so this is another estate: nothing of it was decided under that one.
    let example = root().join("estate/example");
    let (code, report, said) = told(&["audit", "drift", &export, "--estate", example.to_str().unwrap(), "--json"]);
    assert_eq!((code, report.pointer("/assessment")), (Some(1), Some(&Value::from("incomplete"))), "{report}\n{said}");
    let both = ["audit", "drift", &export, "--estate", example.to_str().unwrap(), "--old-estates", &estate, "--json"];
    assert_eq!(told(&both).0, Some(0));
    // One digit in a payload.
    let judged = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.contains("\"event\":\"asked\"") && text.contains("\"confirmed\":")
    };
    let payloads = fs::read_dir(house.path().join("demo/export/payloads")).unwrap().map(|item| item.unwrap().path());
    let path = payloads.into_iter().find(|path| judged(&fs::read(path).unwrap())).unwrap();
    let touched = fs::read_to_string(&path).unwrap().replacen("\"confirmed\":", "\"confirmed\": ", 1);
    fs::write(&path, touched).unwrap();
    let (code, report, said) = told(&["audit", "drift", &export, "--estate", &estate, "--json"]);
    assert_eq!((code, report.pointer("/alarms/0/fault")), (Some(6), Some(&Value::from("commitment"))), "{report}\n{said}");
}

#[test]
fn past_incidents_are_put_to_an_estate_and_a_bad_row_stops_everything() {
    let house = tempfile::tempdir().unwrap();
    let example = root().join("estate/example");
    let document = fs::read_to_string(root().join("docs/backtest.md")).unwrap();
    let rows = document.split("```jsonl\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let ask = |name: &str, text: &str| {
        let path = house.path().join(name);
        fs::write(&path, text).unwrap();
        told(&["estate", "backtest", path.to_str().unwrap(), "--estate", example.to_str().unwrap(), "--json"])
    };
    let (code, report, said) = ask("rows.jsonl", rows);
    assert_eq!((code, report.pointer("/estate/sum/too_slow_minutes")), (Some(0), Some(&Value::from(52))), "{report}\n{said}");
    let (code, report, _) = ask("bad.jsonl", &format!("{rows}{{}}\n"));
    let message = report.pointer("/error/message").and_then(Value::as_str).unwrap();
    assert!(code == Some(1) && message.ends_with("line 7: missing field `time`, at column 2"), "{message}");
    let (code, _, said) = ask("rows.txt", rows);
    assert!(code == Some(1) && said.contains("name it `.jsonl`, `.csv` or `.json`"), "{said}");
}
