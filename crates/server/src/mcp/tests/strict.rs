//! Arguments are read strictly, and every complaint names its place.

use serde_json::{Value, json};

use super::refused;
use crate::rig::{AGENT, Rig, dns};

const CHANGE: &str = "change_0193f0c4a1007a3e8b11d2c3b4a60001";

#[tokio::test]
async fn what_a_tool_did_not_ask_for_is_refused_with_its_place() {
    let rig = Rig::quiet().await;
    let check = async |tool: &str, arguments: Value, expected: &str| {
        assert_eq!(refused(&rig, AGENT, tool, &arguments).await.split(", expected").next().unwrap(), expected, "{tool} {arguments}");
    };
    check("list_actions", json!({"all": true}), "malformed at /all: unknown field `all`, there are no fields").await;
    check("get_change", json!({}), "malformed: missing field `change`").await;
    check("get_change", json!({"change": CHANGE, "full": true}), "malformed at /full: unknown field `full`").await;
    check("get_change", json!({"change": 7}), "malformed at /change: invalid type: integer `7`").await;
    check("get_change", json!({"change": CHANGE}), &format!("not_found: there is no `{CHANGE}` here")).await;
    check(
        "wait_for_decision",
        json!({"change": CHANGE, "seconds": 51}),
        "malformed at /seconds: at most 50 seconds; call again to wait longer",
    )
    .await;
    check("wait_for_decision", json!({"change": CHANGE, "seconds": -1}), "malformed at /seconds: invalid value: integer `-1`").await;
    check("wait_for_decision", json!({"change": CHANGE, "until": "settled"}), "malformed at /until: unknown variant `settled`").await;
    check("withdraw_change", json!({"change": CHANGE}), "malformed: missing field `reason`").await;
    check("withdraw_change", json!({"change": CHANGE, "reason": " "}), "unreasoned at /reason: a reason is missing").await;
    let long = json!({"change": CHANGE, "reason": "é".repeat(4_001)});
    check("withdraw_change", long, "malformed at /reason: at most 4000 characters are read").await;
}

#[tokio::test]
async fn a_proposal_is_read_as_strictly_before_it_is_recorded() {
    let rig = Rig::quiet().await;
    let check = async |member: &str, value: Value, expected: &str| {
        let mut proposal = dns();
        proposal[member] = value;
        for tool in ["propose_change", "check_policy"] {
            let said = refused(&rig, AGENT, tool, &proposal).await;
            assert_eq!(said.split(", expected").next().unwrap(), expected, "{tool} {member}");
        }
    };
    check("approve", json!(true), "malformed at /approve: unknown field `approve`").await;
    check("approvals", json!(["alice"]), "malformed at /approvals: unknown field `approvals`").await;
    check("confidence_bp", json!(0.9), "malformed at /confidence_bp: invalid type: floating point `0.9`").await;
    check("inputs", json!([]), "malformed at /inputs: invalid type: sequence").await;
    check("evidence", json!([{"kind": "fact", "name": "x", "holds": true}]), "malformed at /evidence/0: unknown field `holds`").await;
    check("model", json!({"name": "x", "version": "1", "x": 1}), "malformed at /model/x: unknown field `x`").await;
    check("idempotency_key", json!("a b"), "malformed at /idempotency_key: a key has 1 to 100 visible ASCII characters").await;
    check("idempotency_key", json!(""), "malformed at /idempotency_key: a key has 1 to 100 visible ASCII characters").await;
    check("reason", json!("x".repeat(4_001)), "malformed: `reason` has 4001 characters, at most 4000 are read").await;
    check("alternatives", json!(vec!["x"; 33]), "malformed: `alternatives` has 33 items, at most 32 are read").await;
    let rows = rig.app.engine.list(lineclear_store::RowQuery { kind: "change".into(), limit: 9, ..Default::default() }).await.unwrap();
    assert!(rows.rows.is_empty(), "nothing malformed leaves a record");
}
