//! The demo, unattended, as a newcomer runs it.

use serde_json::Value;

use super::installation::{LINECLEAR, run};

/// Every member of "the decision record"; each is there, and says so when this version does not produce it.
const MEMBERS: &[&str] = &[
    "format",
    "change",
    "state",
    "proposed",
    "trigger",
    "agent",
    "model",
    "policy_version",
    "input_signals",
    "confidence_bp",
    "suggested_action",
    "verdict",
    "approved_action",
    "difference",
    "approvers",
    "rollback",
    "attempts",
    "verification",
    "outcome",
    "overrides",
    "links",
    "ledger",
    "checkpoint",
];

#[test]
fn the_unattended_demo_proves_what_it_did() {
    let output = run(LINECLEAR, &["demo", "--unattended", "--json", "--port", "0"]);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document.pointer("/ledger/status").and_then(Value::as_str), Some("valid, witnessed"));
    let records = document.get("records").and_then(Value::as_array).unwrap();
    assert_eq!(records.len(), 3);
    for record in records {
        let members: Vec<&String> = record.as_object().unwrap().keys().collect();
        let missing: Vec<&&str> = MEMBERS.iter().filter(|member| !members.iter().any(|known| known == *member)).collect();
        assert!(missing.is_empty(), "missing: {missing:?}");
        for (name, value) in record.as_object().unwrap() {
            assert!(!value.is_null(), "`{name}` is null; it has to say why it is absent");
        }
    }
    let dns = &records[2];
    assert_eq!(dns.pointer("/state").and_then(Value::as_str), Some("succeeded"));
    assert_eq!(dns.pointer("/approvers").and_then(Value::as_array).map(Vec::len), Some(2));
}
