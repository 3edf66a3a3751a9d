//! Signals at a running installation: senders' own formats over HTTP, a storm that is one incident, and `kill -9` in its midst.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use reqwest::Method;
use serde_json::{Value, json};

use super::caches::rules;
use super::installation::{Installation, PATIENCE, example};

const SENDERS: &str = "
[signals.pager]
kind = \"pagerduty\"
secret_file = \"pager.secret\"

[signals.metrics]
kind = \"prometheus\"
";

fn house() -> Installation {
    let mut files = example("http://127.0.0.1:9");
    files.get_mut("lineclear.toml").unwrap().push_str(SENDERS);
    let mut house = Installation::new(&files, &["alice"], &["triage-agent"], &rules("http://127.0.0.1:9"));
    let secret = house.path("data/secrets/pager.secret");
    std::fs::create_dir_all(secret.parent().unwrap()).unwrap();
    std::fs::write(&secret, "R0UT1NG\n").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    house.start();
    house
}

async fn post(house: &Installation, path: &str, body: &Value) -> Option<(u16, Value)> {
    let answer = reqwest::Client::new().post(format!("{}{path}", house.base)).json(body).timeout(PATIENCE).send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.json().await.unwrap_or(Value::Null)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pagerduty_sender_pages_through_its_own_format_and_resolves_it() {
    let house = house();
    let trigger = json!({"routing_key": "R0UT1NG", "event_action": "trigger", "dedup_key": "d1",
        "payload": {"summary": "Orders fail", "source": "web-1", "severity": "critical", "component": "shop"}});
    let (status, answer) = post(&house, "/hooks/pager/v2/enqueue", &trigger).await.unwrap();
    assert_eq!((status, answer), (202, json!({"status": "success", "message": "Event processed", "dedup_key": "d1"})));
    let stranger = json!({"routing_key": "x", "event_action": "resolve", "dedup_key": "d1"});
    assert_eq!(post(&house, "/hooks/pager/v2/enqueue", &stranger).await.unwrap().0, 401);
    let rows = house.get("alice", "/api/v1/incidents").await;
    let id = rows["items"][0]["id"].as_str().unwrap_or_else(|| panic!("{rows}")).to_owned();
    let room = house.get("alice", &format!("/api/v1/incidents/{id}/room")).await;
    assert_eq!((&room["incident"]["severity"], &room["path"]), (&json!(2), &json!("money")));
    let page = house.page("alice", &format!("/incidents/{id}")).await;
    assert!(page.contains("Orders fail") && page.contains("How bad, and why"), "{page}");
    let over = json!({"routing_key": "R0UT1NG", "event_action": "resolve", "dedup_key": "d1"});
    assert_eq!(post(&house, "/hooks/pager/v2/enqueue", &over).await.unwrap().0, 202);
    let after = house.get("alice", &format!("/api/v1/incidents/{id}")).await;
    assert_eq!(after["state"], "resolved");
}

/// The alerts that were answered with success are all there after a `kill -9`, and they are one incident.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_is_one_incident_and_nothing_that_was_taken_is_lost_by_kill_9() {
    let mut house = house();
    let (client, token, base) = (reqwest::Client::new(), house.token("webhook").to_owned(), house.base.clone());
    let storm = tokio::spawn(async move {
        let mut taken = BTreeSet::new();
        for round in 0..400 {
            let sends = (0..8).map(|lane| {
                let name = format!("alert-{lane}-{}", round % 30);
                let alerts =
                    json!([{"labels": {"alertname": name, "service": "shop", "severity": "warning"}, "startsAt": "2026-11-25T08:00:00Z"}]);
                let request =
                    client.post(format!("{base}/hooks/metrics/api/v2/alerts")).bearer_auth(&token).json(&alerts).timeout(PATIENCE);
                async move { (name, request.send().await.is_ok_and(|answer| answer.status().is_success())) }
            });
            for (name, ok) in futures_util::future::join_all(sends).await {
                if !ok {
                    return taken;
                }
                taken.insert(name);
            }
        }
        taken
    });
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    house.kill();
    let taken = storm.await.unwrap();
    assert!(!taken.is_empty(), "nothing was taken before the end");
    house.start();
    let rows = house.get("alice", "/api/v1/incidents").await;
    let rows = rows["items"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    let id = rows[0]["id"].as_str().unwrap();
    let incident = house.get("alice", &format!("/api/v1/incidents/{id}")).await;
    let kept: BTreeSet<String> = incident["signals"]
        .as_object()
        .unwrap()
        .values()
        .map(|kept| kept["signal"]["labels"]["alertname"].as_str().unwrap().to_owned())
        .collect();
    assert!(kept.is_superset(&taken), "lost: {:?}", taken.difference(&kept).collect::<Vec<_>>());
    let (status, _) = house.ask("alice", Method::POST, &format!("/api/v1/incidents/{id}/acknowledge"), None, &[]).await;
    assert_eq!(status, 200);
}
