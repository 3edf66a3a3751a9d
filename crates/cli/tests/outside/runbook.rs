//! Runbooks from outside: their tests, what looks careless, the plan that a running installation makes, the page, the schema.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use super::caches::{Counter, estate, rules};
use super::installation::{Installation, LINECLEAR, root, run, succeeds};

fn example() -> String {
    root().join("estate/example").to_str().unwrap().to_owned()
}

/// Exit code, standard output and standard error.
fn told(args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = run(LINECLEAR, args);
    (status.code(), String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned())
}

fn document(args: &[&str]) -> (Option<i32>, Value) {
    let (code, out, said) = told(&[args, &["--json"]].concat());
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}\n{said}")))
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A copy of one runbook in which one thing was changed.
fn changed(folder: &Path, name: &str, old: &str, new: &str) -> String {
    let before = fs::read_to_string(root().join("estate/example/runbooks").join(format!("{name}.yaml"))).unwrap();
    assert!(before.contains(old), "{name} has no {old:?}");
    let path = folder.join(format!("{name}.yaml"));
    fs::write(&path, before.replacen(old, new, 1)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_tests_of_the_example_hold_and_one_that_does_not_is_told_with_its_place() {
    let estate = example();
    let (code, all) = document(&["runbook", "test", "--estate", &estate]);
    assert_eq!((code, all.pointer("/holds")), (Some(0), Some(&json!(true))), "{all}");
    let runbooks = all.pointer("/runbooks").and_then(Value::as_array).unwrap();
    assert!(runbooks.len() >= 28 && runbooks.iter().all(|one| one["rehearsed"] == true && one["tests"].as_array().unwrap().len() >= 3));
    let (code, out, said) = told(&["runbook", "test", "update-dns", "drain-host", "--estate", &estate]);
    assert!(
        code == Some(0) && out.contains("update-dns  8 of 8 tests hold") && out.contains("17 of 17 tests hold in 2 runbooks"),
        "{out}{said}"
    );
    // A file of no estate needs none.
    let folder = tempfile::tempdir().unwrap();
    let file = changed(folder.path(), "update-dns", "fakes: { switch.verify: fails }", "fakes: { switch.verify: holds }");
    let (code, out, said) = told(&["runbook", "test", &file]);
    assert_eq!(code, Some(3), "{out}{said}");
    assert!(
        out.contains("7 of 8 tests hold") && out.contains("expected: undone; reached `switch`; took back `switch`; it is: done"),
        "{out}"
    );
    let (code, report) = document(&["runbook", "test", &file]);
    let fault = report.pointer("/runbooks/0/tests/1/fault").unwrap();
    assert_eq!((code, report.pointer("/holds"), &fault["path"]), (Some(3), Some(&json!(false)), &json!(file)), "{report}");
    let line = usize::try_from(fault["line"].as_u64().unwrap()).unwrap();
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.lines().nth(line - 1).unwrap().contains("expect: { outcome: undone"), "{fault}");
    assert_eq!(report.pointer("/runbooks/0/unrehearsed"), Some(&json!([])), "another test takes it back: {report}");
}

#[test]
fn what_cannot_be_read_or_found_is_said_with_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let file = changed(folder.path(), "update-dns", "fakes: { switch.verify: fails }", "fakes: { swich.verify: fails }");
    let (code, out, said) = told(&["runbook", "test", &file]);
    assert!(code == Some(1) && out.is_empty() && said.contains("did you mean `switch.verify`?"), "{out}{said}");
    let (code, _, said) = told(&["runbook", "test", "update-dsn", "--estate", &example()]);
    assert!(code == Some(1) && said.contains("`update-dsn` is no runbook of this estate") && said.contains("update-dns"), "{said}");
    let (code, _, said) = told(&["runbook", "test"]);
    assert!(code == Some(1) && said.contains("give `--estate DIR`"), "{said}");
    let (code, _, said) = told(&["runbook", "lint", "nowhere.yaml"]);
    assert!(code == Some(1) && said.contains("`nowhere.yaml` cannot be read"), "{said}");
}

#[test]
fn an_undo_that_no_test_takes_back_is_a_warning_and_counts_with_strict() {
    let folder = tempfile::tempdir().unwrap();
    let clean = changed(folder.path(), "grant-access", "title:", "title:");
    let (code, out, _) = told(&["runbook", "lint", &clean, "--strict"]);
    assert!(code == Some(0) && out.contains("1 runbooks, 0 warnings"), "{out}");
    let before = fs::read_to_string(&clean).unwrap();
    let (head, _) = before.split_once("\ntests:\n").unwrap();
    fs::write(&clean, format!("{head}\n")).unwrap();
    let (code, out, _) = told(&["runbook", "lint", &clean]);
    assert!(code == Some(0) && out.contains("no test that holds takes back step `grant`, so it cannot become routine"), "{out}");
    let (code, report) = document(&["runbook", "lint", &clean, "--strict"]);
    assert_eq!(
        (code, report.pointer("/clean"), report.pointer("/runbooks/0/rehearsed")),
        (Some(3), Some(&json!(false)), Some(&json!(false))),
        "{report}"
    );
}

#[test]
fn estate_check_plays_the_tests_too() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("estate");
    succeeds("cp", &["-r", &example(), copy.to_str().unwrap()]);
    let directory = copy.to_str().unwrap();
    let (code, report) = document(&["estate", "check", directory, "--no-proofs"]);
    assert_eq!((code, report.pointer("/failed_tests")), (Some(0), Some(&json!([]))), "{report}");
    assert!(report.pointer("/tests").and_then(Value::as_u64).unwrap() > 150, "{report}");
    let file = copy.join("runbooks/drain-host.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("fakes: { settle.do: not_applied }", "fakes: { settle.do: ok }", 1)).unwrap();
    let (code, out, _) = told(&["estate", "check", directory, "--no-proofs"]);
    assert!(code == Some(3) && out.contains("runbooks/drain-host.yaml:") && out.contains("tests of runbooks hold"), "{out}");
    let line = out.lines().find(|line| line.contains("runbooks/drain-host.yaml:")).unwrap();
    assert!(line.contains("the server is put back when errors do not go away: expected: undone"), "{line}");
}

#[test]
fn the_page_and_the_schemas_are_what_the_files_say() {
    let estate = example();
    let (code, markdown, _) = told(&["runbook", "render", "update-dns", "--estate", &estate]);
    assert_eq!(code, Some(0));
    for part in [
        "# Change one address record",
        "It carries out `dns.update`",
        "## Inputs",
        "| `from` | an IPv4 address |",
        "1. `switch`",
        "It is taken back by `dns_update`",
        "the old address is put back when a server answers with another",
    ] {
        assert!(markdown.contains(part), "{part} is not in\n{markdown}");
    }
    let (_, html, _) = told(&["runbook", "render", "update-dns", "--estate", &estate, "--html"]);
    assert!(html.starts_with("<!doctype html>") && html.contains("<h1>Change one address record</h1>"), "{html}");
    // It loads nothing and runs nothing.
    assert!(["<script", "src=", "href=", "url("].iter().all(|part| !html.contains(part)), "{html}");
    let (_, report) = document(&["runbook", "render", "update-dns", "--estate", &estate]);
    assert_eq!(text(&report, "/markdown").trim(), markdown.trim());
    let committed = |kind: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(root().join(format!("docs/schema/{kind}.json"))).unwrap()).unwrap()
    };
    let (_, out, _) = told(&["runbook", "schema"]);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), committed("runbook"));
    let (_, out, _) = told(&["estate", "schema", "actions"]);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), committed("actions"));
    let (_, all) = document(&["estate", "schema"]);
    assert_eq!(all.pointer("/schemas/runbook"), Some(&committed("runbook")));
    let (code, _, said) = told(&["estate", "schema", "action"]);
    assert!(code == Some(1) && said.contains("known: ") && said.contains("actions"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_installation_says_what_a_runbook_would_do_and_does_nothing() {
    let counter = Counter::start();
    let mut house = Installation::new(&estate(2), &["alice"], &["purger"], &rules(&counter.url));
    house.start();
    let asked = |args: &[&str]| {
        let Output { status, stdout, stderr } = house.lineclear("alice", &[&["runbook", "plan"], args].concat());
        (status.code(), String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned())
    };
    let (code, out, said) = asked(&["purge", "--target", "cache/c1"]);
    assert_eq!(code, Some(0), "{out}{said}");
    assert!(
        out.contains("purge on cache/c1, as cache.purge would do it now") && out.contains("`POST /purge/c1` is sent to `counter`"),
        "{out}"
    );
    assert!(out.contains("1. purge  (once)") && out.contains("cannot be taken back"), "{out}");
    let (code, out, said) = asked(&["purge", "--target", "cache/c1", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{said}"));
    assert_eq!((code, text(&report, "/plan/steps/0/call/with/path")), (Some(0), "/purge/c1".to_owned()), "{report}");
    // Nothing was called, and nothing was recorded.
    assert!(counter.effects().is_empty(), "{:?}", counter.effects());
    let changes = house.get("alice", "/api/v1/changes").await;
    assert_eq!(changes.pointer("/items"), Some(&json!([])), "{changes}");
    let (code, _, said) = asked(&["puge", "--target", "cache/c1"]);
    assert!(code == Some(1) && said.contains("no action of this installation has runbook `puge`"), "{said}");
    let (code, _, said) = asked(&["purge", "--target", "zone/c1"]);
    assert!(code == Some(1) && said.contains("`--target cache/…`"), "{said}");
    let (code, _, said) = asked(&["purge", "--target", "cache/c1", "--action", "cache.wipe"]);
    assert!(code == Some(1) && said.contains("these have it: cache.purge"), "{said}");
    let (code, _, said) = asked(&["purge", "--target", "cache/c1", "--input", "x=1"]);
    assert!(code == Some(3) && said.contains("`x`"), "{said}");
}
