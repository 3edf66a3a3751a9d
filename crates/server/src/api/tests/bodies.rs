//! Whatever is sent as a body, the answer is ours and no fault.

use std::sync::OnceLock;

use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::rig::{AGENT, Rig, WEBHOOK, dns};

#[tokio::test]
async fn bodies_are_strict_json_of_the_asked_shape() {
    let rig = Rig::quiet().await;
    let token = format!("Bearer {AGENT}");
    let send = async |media: &str, text: &str| {
        rig.send(Method::POST, "/api/v1/changes", &[("authorization", &token), ("content-type", media)], Some(text)).await.problem()
    };
    let json = "application/json";
    let good = dns().to_string();
    assert_eq!(send("text/plain", &good).await, "415 unsupported_media_type: the body is not sent as JSON");
    assert_eq!(send("", &good).await, "415 unsupported_media_type: the body is not sent as JSON");
    assert_eq!(send(json, "").await, "400 not_json: EOF while parsing a value at line 1 column 0");
    let twice = good.replacen('{', r#"{"action": "cache.purge", "#, 1);
    assert_eq!(send(json, &twice).await, "400 duplicate_member at /action: `/action` is there twice");
    let unknown = good.replacen('{', r#"{"risk": "low", "#, 1);
    assert!(send(json, &unknown).await.starts_with("422 malformed at /risk: unknown field `risk`"));
    let inner = good.replacen(r#""from""#, r#""to": "192.0.2.9", "from""#, 1);
    assert_eq!(send(json, &inner).await, "400 duplicate_member at /inputs/to: `/inputs/to` is there twice");
    let wide = good.replacen(r#""192.0.2.1""#, r#"[["192.0.2.1"]]"#, 1);
    assert!(send(json, &wide).await.starts_with("422 malformed at /inputs/from"));
    // A list is read, and is no address.
    let several = good.replacen(r#""192.0.2.1""#, r#"["192.0.2.1"]"#, 1);
    assert!(send(json, &several).await.starts_with("422 bad_inputs at /inputs/from"));
    let deep = format!(r#"{{"inputs": {}{}}}"#, "[".repeat(40), "]".repeat(40));
    assert_eq!(send(json, &deep).await, "400 too_deep: nested deeper than 32 levels");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z_]{1,12}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Bodies that are nearly right, by route.
fn nearly() -> Vec<(&'static str, Value)> {
    let id = "0193f0c4a1007a3e8b11d2c3b4a5ffff";
    let statement = json!({"_type": "lineclear.approval/1", "change": format!("change_{id}")}).to_string();
    let full = json!({
        "action": "dns.update", "target": "zone/example.test", "inputs": dns()["inputs"], "confidence_bp": 9000, "reason": "x",
        "model": {"name": "m", "version": "1"}, "evidence": [{"kind": "fact", "name": "dns_right"}, {"kind": "claim", "text": "x"}],
        "alternatives": ["nothing"], "incident": format!("incident_{id}"), "signals": [format!("signal_{id}")], "links": {"ticket": "T-1"},
    });
    vec![
        ("/api/v1/changes", full.clone()),
        ("/api/v1/checks", full),
        ("/api/v1/changes/change_0193f0c4a1007a3e8b11d2c3b4a5ffff/amend", json!({"inputs": {"a": 1}})),
        ("/api/v1/changes/change_0193f0c4a1007a3e8b11d2c3b4a5ffff/resolve", json!({"resolution": "skip", "reason": "x"})),
        (
            "/api/v1/approvals/approval_0193f0c4a1007a3e8b11d2c3b4a5ffff/votes",
            json!({"statement": statement, "signature": {"grade": "ssh", "armored": "x"}}),
        ),
        ("/api/v1/approvals/approval_0193f0c4a1007a3e8b11d2c3b4a5ffff/statement", json!({"decision": "reject", "reason": "x"})),
        ("/api/v1/incidents/incident_0193f0c4a1007a3e8b11d2c3b4a5ffff/grade", json!({"severity": 1})),
        (
            "/hooks/alertmanager",
            json!({"version": "4", "groupKey": "g", "alerts": [{"status": "firing", "startsAt": "2026-11-22T02:14:07Z", "fingerprint": "a"}]}),
        ),
    ]
}

/// Every place of a value, as pointers.
fn places(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, inner)| places(inner, format!("{at}/{name}"), into)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, inner)| places(inner, format!("{at}/{index}"), into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    into.push(at);
}

fn shared() -> &'static (Runtime, Rig, String) {
    static SHARED: OnceLock<(Runtime, Rig, String)> = OnceLock::new();
    SHARED.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let rig = runtime.block_on(Rig::quiet());
        let token = rig.operator_token("alice");
        (runtime, rig, token)
    })
}

fn answered(path: &str, body: &str) -> u16 {
    let (runtime, rig, operator) = shared();
    let token = if path.starts_with("/hooks") { WEBHOOK } else { operator };
    let header = format!("Bearer {token}");
    runtime.block_on(rig.send(Method::POST, path, &[("authorization", &header)], Some(body))).status.as_u16()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_member_may_be_anything_and_nothing_breaks(route in any::<proptest::sample::Index>(), place in any::<proptest::sample::Index>(), value in any_json()) {
        let all = nearly();
        let (path, mut body) = all[route.index(all.len())].clone();
        let mut pointers = Vec::new();
        places(&body, String::new(), &mut pointers);
        *body.pointer_mut(&pointers[place.index(pointers.len())]).unwrap() = value;
        prop_assert!(answered(path, &body.to_string()) < 500);
    }

    #[test]
    fn any_bytes_may_come_and_nothing_breaks(route in any::<proptest::sample::Index>(), edits in proptest::collection::vec((any::<proptest::sample::Index>(), 32..127_u8), 1..5)) {
        let all = nearly();
        let (path, body) = &all[route.index(all.len())];
        let mut bytes = body.to_string().into_bytes();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        prop_assert!(answered(path, std::str::from_utf8(&bytes).unwrap()) < 500);
    }
}
