//! Who comes through which door: every route, every kind of caller, one table.

use std::fmt::Write as _;

use http::Method;
use lineclear_warrant::RequestKey;
use serde_json::{Value, json};

use crate::api::openapi::described;
use crate::rig::{AGENT, EXPIRED_AGENT, HOST, OTHER_AGENT, Rig, WEBHOOK, dns, triage};

const NOBODY: &str = "0193f0c4a1007a3e8b11d2c3b4a5ffff";

/// Every route with a body that fits it. `CHANGE` and `INCIDENT` are fresh ones; `APPROVAL`, `PAGE`, `EMERGENCY`, `REVISION` and `PATCH` do not exist, so that
/// whoever is let in finds nothing.
fn routes() -> Vec<(Method, &'static str, Option<Value>)> {
    let reason = || Some(json!({"reason": "because"}));
    let get = |path| (Method::GET, path, None);
    vec![
        get("/api/v1/openapi.json"),
        get("/api/v1/changes"),
        (Method::POST, "/api/v1/changes", Some(dns())),
        get("/api/v1/changes/CHANGE"),
        get("/api/v1/changes/CHANGE/record"),
        get("/api/v1/changes/CHANGE/explanation"),
        get("/api/v1/changes/CHANGE/request"),
        (Method::POST, "/api/v1/changes/CHANGE/withdraw", reason()),
        (Method::POST, "/api/v1/changes/CHANGE/amend", Some(json!({"inputs": dns()["inputs"]}))),
        (Method::POST, "/api/v1/changes/CHANGE/declare", Some(json!({"success": true, "reason": "it works"}))),
        (Method::POST, "/api/v1/changes/CHANGE/take-back", reason()),
        (Method::POST, "/api/v1/changes/CHANGE/resolve", Some(json!({"resolution": "abort", "reason": "because"}))),
        (
            Method::POST,
            "/api/v1/checks",
            Some(json!({"action": "status.draft", "target": "service/shop", "inputs": {"text": "x"}, "confidence_bp": 1, "reason": "x"})),
        ),
        get("/api/v1/actions"),
        (Method::POST, "/api/v1/approvals/APPROVAL/statement", Some(json!({"decision": "approve"}))),
        (Method::POST, "/api/v1/approvals/APPROVAL/votes", Some(json!({"statement": "{}", "signature": {"grade": "session"}}))),
        get("/api/v1/incidents"),
        get("/api/v1/incidents/INCIDENT"),
        (Method::POST, "/api/v1/incidents/INCIDENT/acknowledge", None),
        (Method::POST, "/api/v1/incidents/INCIDENT/close", reason()),
        (Method::POST, "/api/v1/incidents/INCIDENT/grade", Some(json!({"severity": 1}))),
        get("/api/v1/posture"),
        (Method::PUT, "/api/v1/posture", Some(json!({"posture": "advise-only", "reason": "because"}))),
        get("/api/v1/estate"),
        get("/api/v1/estate/revisions"),
        (Method::POST, "/api/v1/estate/revisions", Some(json!({"files": {"lineclear.toml": "no"}, "note": "because"}))),
        get("/api/v1/estate/revisions/REVISION"),
        get("/api/v1/estate/revisions/REVISION/request"),
        get("/api/v1/estate/revisions/REVISION/difference"),
        (Method::POST, "/api/v1/estate/revisions/REVISION/withdraw", reason()),
        (Method::POST, "/api/v1/estate/revisions/REVISION/activate", None),
        get("/api/v1/runners"),
        (Method::POST, "/api/v1/runners", Some(json!({"name": "fresh-NAME", "labels": ["site=ber"]}))),
        (Method::POST, "/api/v1/runners/RUNNER/drain", reason()),
        (Method::POST, "/api/v1/runners/RUNNER/resume", reason()),
        (Method::POST, "/api/v1/runners/RUNNER/revoke", reason()),
        (Method::POST, "/api/v1/runner/enrol", Some(json!({"token": "lcr_x", "key": RequestKey::from_seed([3; 32]).public()}))),
        (Method::POST, "/api/v1/runner/poll", Some(json!({"runner": format!("runner_{NOBODY}"), "nonce": "", "head": null}))),
        (Method::POST, "/api/v1/runner/heartbeat", Some(json!({"version": "1", "sandbox": "", "stopping": false, "head": null}))),
        (Method::POST, "/api/v1/runner/report", Some(json!({"report": "refused", "attempt": null, "code": "x", "why": "x"}))),
        (Method::POST, "/api/v1/runner/answer", Some(json!({"answer": "preview", "question": 1, "result": {"Err": "x"}}))),
        get("/api/v1/runbooks/drafts"),
        (Method::POST, "/api/v1/runbooks/drafts", Some(json!({"text": "runbook: v1", "note": "because"}))),
        get("/api/v1/runbooks/drafts/PATCH"),
        (Method::POST, "/api/v1/runbooks/drafts/PATCH/take-up", None),
        (Method::POST, "/api/v1/runbooks/drafts/PATCH/decline", reason()),
        get("/api/v1/events"),
        get("/api/v1/ledger/checkpoint"),
        get("/api/v1/ledger/entries"),
        get("/api/v1/ledger/proof?index=0"),
        get("/api/v1/ledger/consistency?old=1&new=1"),
        get("/api/v1/ledger/vkey"),
        get("/api/v1/incidents/INCIDENT/room"),
        (Method::POST, "/api/v1/incidents/INCIDENT/merge", Some(json!({"into": format!("incident_{NOBODY}"), "reason": "because"}))),
        (Method::POST, "/api/v1/incidents/INCIDENT/split", Some(json!({"signals": [], "reason": "because"}))),
        (Method::POST, "/hooks/alertmanager", Some(json!({"version": "4", "groupKey": "g", "alerts": []}))),
        (Method::POST, "/hooks/SOURCE", Some(json!({}))),
        (Method::POST, "/hooks/SOURCE/v2/enqueue", Some(json!({}))),
        get("/healthz"),
        get("/readyz"),
        get("/metrics"),
    ]
}

/// What people are told outside the console.
fn notices() -> Vec<(Method, &'static str, Option<Value>)> {
    vec![
        (Method::GET, "/api/v1/notices", None),
        (Method::GET, "/api/v1/notices/DELIVERY", None),
        (Method::POST, "/api/v1/notices/DELIVERY/retry", None),
        (Method::POST, "/api/v1/notices/DELIVERY/dismiss", Some(json!({"reason": "because"}))),
        (Method::GET, "/api/v1/channels", None),
        (Method::POST, "/api/v1/channels/CHANNEL/test", None),
        (Method::POST, "/hooks/slack/PLACE", Some(json!({}))),
    ]
}

/// Emergencies, and what was done without the control plane.
fn emergencies() -> Vec<(Method, &'static str, Option<Value>)> {
    let get = |path| (Method::GET, path, None);
    let reason = || Some(json!({"reason": "because"}));
    vec![
        get("/api/v1/emergencies"),
        (Method::POST, "/api/v1/emergencies", Some(json!({"justification": "because of the fire", "scope": "estate", "lasts_s": 600}))),
        (Method::POST, "/api/v1/break-glass", Some(json!({"journal": "none"}))),
        get("/api/v1/emergencies/EMERGENCY"),
        (Method::POST, "/api/v1/emergencies/EMERGENCY/end", reason()),
        (Method::POST, "/api/v1/emergencies/EMERGENCY/review", Some(json!({"findings": "because of the fire"}))),
    ]
}

/// The routes of pages, roles and who is on call.
fn pages() -> Vec<(Method, &'static str, Option<Value>)> {
    let get = |path| (Method::GET, path, None);
    vec![
        (Method::POST, "/api/v1/incidents/INCIDENT/roles", Some(json!({"role": "scribe", "act": "take"}))),
        (Method::POST, "/api/v1/changes/CHANGE/ask-again", None),
        get("/api/v1/pages"),
        get("/api/v1/pages/PAGE"),
        (Method::POST, "/api/v1/pages/PAGE/acknowledge", None),
        (Method::POST, "/api/v1/pages/PAGE/hand-over", Some(json!({"to": "bob", "reason": "because"}))),
        get("/api/v1/on-call"),
        get("/on-call/shop-primary.ics"),
    ]
}

/// The table's rows are the documented operations, no more and no fewer.
#[test]
fn no_route_is_missing_from_the_table() {
    let mut tested: Vec<String> = routes()
        .iter()
        .chain(&notices())
        .chain(&pages())
        .chain(&emergencies())
        .map(|(method, path, _)| {
            let path = path.split('?').next().unwrap();
            let path = ["CHANGE", "APPROVAL", "INCIDENT", "REVISION", "DELIVERY", "RUNNER", "PAGE", "PATCH", "EMERGENCY"]
                .iter()
                .fold(path.to_owned(), |path, id| path.replace(id, "{id}"));
            let path = path.replace("SOURCE/v2/enqueue", "{source}/{suffix}").replace("SOURCE", "{source}");
            let path = path.replace("CHANNEL", "{name}").replace("PLACE", "{channel}").replace("shop-primary.ics", "{file}");
            format!("{method} {path}")
        })
        .collect();
    let mut documented = Vec::new();
    for (path, item) in described().paths.paths {
        let methods =
            [("GET", item.get.is_some()), ("POST", item.post.is_some()), ("PUT", item.put.is_some()), ("DELETE", item.delete.is_some())];
        documented.extend(methods.into_iter().filter(|(_, there)| *there).map(|(method, _)| format!("{method} {path}")));
    }
    tested.sort();
    documented.sort();
    assert_eq!(tested, documented);
    let routed = include_str!("../../api.rs").lines().filter(|line| line.trim_start().starts_with(".route(")).count();
    let paths = documented.iter().filter_map(|line| line.split_once(' ')).map(|(_, path)| path).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(routed, paths.len());
}

#[tokio::test]
async fn every_door_opens_for_those_it_is_for_and_nobody_else() {
    let rig = Rig::quiet().await;
    // Reached from elsewhere, so that nothing is open because of where we are.
    let away = Rig::new("https://line.example").await;
    let cookie = rig.sign_in("alice").await;
    let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
    let cookie = || ("cookie", cookie.clone());
    let callers: Vec<(&str, Vec<(&str, String)>)> = vec![
        ("nobody", vec![]),
        ("agent", vec![bearer(AGENT)]),
        ("other agent", vec![bearer(OTHER_AGENT)]),
        ("expired", vec![bearer(EXPIRED_AGENT)]),
        ("session", vec![cookie(), ("sec-fetch-site", "same-origin".into())]),
        ("bare cookie", vec![cookie()]),
        ("operator", vec![bearer(&rig.operator_token("alice"))]),
        ("webhook", vec![bearer(WEBHOOK)]),
    ];
    let names: Vec<&str> = callers.iter().map(|(name, _)| *name).collect();
    let mut table = format!("{:<60}{:<12}away\n", "", names.map_join());
    for (method, path, body) in routes().into_iter().chain(notices()).chain(pages()).chain(emergencies()) {
        let mut line = format!("{:<60}", format!("{method} {path}"));
        for (at, (_, headers)) in callers.iter().enumerate() {
            let status = knock(&rig, (&method, path, body.as_ref()), headers, at).await;
            let _ = write!(line, "{status:<12}");
        }
        let status = knock(&away, (&method, path, body.as_ref()), &[("host", "line.example".into())], 0).await;
        let _ = writeln!(table, "{line}{status}");
    }
    insta::assert_snapshot!(table);
}

async fn knock(rig: &Rig, (method, path, body): (&Method, &str, Option<&Value>), headers: &[(&str, String)], at: usize) -> u16 {
    let change = rig.app.engine.propose(&triage(), serde_json::from_value(dns()).unwrap(), None).await.unwrap().change;
    let incident = rig.incident(&format!("{path} {at}")).await;
    let path = path.replace("CHANGE", &change.to_string()).replace("INCIDENT", &incident.to_string());
    let path = path.replace("APPROVAL", &format!("approval_{NOBODY}")).replace("REVISION", &format!("revision_{NOBODY}"));
    let path = path.replace("DELIVERY", &format!("delivery_{NOBODY}")).replace("CHANNEL", "no-channel").replace("PLACE", "no-channel");
    let path = path.replace("PATCH", &format!("patch_{NOBODY}"));
    let path = path.replace("EMERGENCY", &format!("emergency_{NOBODY}"));
    let path = path.replace("RUNNER", &format!("runner_{NOBODY}"));
    let body = body.map(|body| body.to_string().replace("NAME", &at.to_string()));
    let path = path.replace("PAGE", &format!("page_{NOBODY}"));
    let mut all: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    if !all.iter().any(|(name, _)| *name == "host") {
        all.push(("host", HOST));
    }
    rig.open(method.clone(), &path, &all, body.as_deref()).await.status().as_u16()
}

trait Columns {
    fn map_join(&self) -> String;
}

impl Columns for Vec<&str> {
    fn map_join(&self) -> String {
        self.iter().map(|name| format!("{name:<12}")).collect()
    }
}
