//! The battery's world: caches that two operators may purge, telemetry whose answers a test sets (a stand-in for Prometheus, so that
//! facts can be made to fail), and a counter of effects in a process of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Form;
use axum::extract::State;
use axum::routing::post;
use lineclear_engine::{Clock as _, SystemClock};
use reqwest::Method;
use serde_json::{Value, json};

use crate::caches::{Counter, estate, rules};
use crate::installation::{Installation, eventually};

/// Answers instant queries with what a test has set; a query that was not set finds nothing.
#[derive(Clone, Default)]
pub struct Telemetry(Arc<Mutex<BTreeMap<String, f64>>>);

impl Telemetry {
    /// From now on this query answers that.
    pub fn set(&self, query: &str, value: f64) {
        self.0.lock().unwrap().insert(query.into(), value);
    }

    /// From now on this query finds nothing.
    pub fn unset(&self, query: &str) {
        self.0.lock().unwrap().remove(query);
    }

    async fn start() -> (Self, String) {
        let it = Self::default();
        let app = axum::Router::new().route("/api/v1/query", post(answer)).with_state(it.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (it, url)
    }
}

async fn answer(State(it): State<Telemetry>, Form(asked): Form<BTreeMap<String, String>>) -> axum::Json<Value> {
    let query = asked.get("query").cloned().unwrap_or_default();
    let now = f64::from(u32::try_from(SystemClock::default().now().as_micros() / 1_000_000).unwrap());
    let plain = query.strip_prefix("timestamp(").and_then(|rest| rest.strip_suffix(')'));
    let known = it.0.lock().unwrap().get(plain.unwrap_or(&query)).copied();
    let value = known.map(|value| if plain.is_some() { now } else { value });
    let result: Vec<Value> = value.iter().map(|value| json!({"metric": {}, "value": [now, value.to_string()]})).collect();
    axum::Json(json!({"status": "success", "data": {"resultType": "vector", "result": result}}))
}

/// An installation of the battery.
pub struct World {
    /// The installation.
    pub house: Installation,
    /// What has been done.
    pub counter: Counter,
    /// What can be seen.
    pub telemetry: Telemetry,
}

const FACTS: &str = "facts:
  - { name: origin_up, title: the origin answers, source: prometheus, query: 'origin_up', limit: 30s, holds: { op: '==', value: 1 } }
  - { name: hits_good, title: the cache answers most requests, source: prometheus, query: 'hit_ratio', limit: 30s, holds: { op: '>=', value: 0.5 } }
  - { name: neighbour_good, title: the shop answers, source: prometheus, query: 'shop_up', limit: 30s, holds: { op: '==', value: 1 } }
";

const ACTION: &str = "action: cache.purge
title: Purge a cache
risk: medium
reversibility: partly
resource: cache
runbook: purge
inputs:
  mode: { type: choice, of: [soft, hard] }
  note: { type: text, max: 1500 }
facts: { required: [origin_up] }
closes: machine
";

const RUNBOOK: &str = "runbook: v1
id: purge
title: Purge
owner: edge
inputs:
  mode: { type: choice, of: [soft, hard] }
  note: { type: text, max: 1500 }
deadline: 5m
steps:
  - id: purge
    do: { http: { service: counter, method: POST, path: \"/purge/${target.name}\", body: { mode: \"${inputs.mode}\", note: \"${inputs.note}\" }, expect_status: [200] } }
    timeout: 20s
    on_failure: person
    on_unknown: person
verification: { goals: [hits_good], neighbours: [neighbour_good], soak: 2s }
";

const CAROL: &str = "---
apiVersion: backstage.io/v1alpha1
kind: User
metadata:
  name: carol
  annotations: { lineclear.dev/id: operator_0193f0c4a1007a3e8b11d2c3b4a50003 }
spec: { profile: { displayName: Carol }, memberOf: [edge] }
";

impl World {
    /// With so many caches, approved by so many operators; `change` has the last word on the files of the estate.
    pub async fn new(caches: usize, humans: u8, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Self {
        let (counter, (telemetry, url)) = (Counter::start(), Telemetry::start().await);
        let mut files = estate(caches);
        files.insert("facts.yaml".into(), FACTS.into());
        files.insert("actions/purge.yaml".into(), ACTION.into());
        files.insert("runbooks/purge.yaml".into(), RUNBOOK.into());
        let settings = files["lineclear.toml"].replace("http://127.0.0.1:9\"", &format!("{url}\""));
        files.insert("lineclear.toml".into(), settings);
        files.get_mut("catalog/people.yaml").unwrap().push_str(CAROL);
        let authority =
            files["authority.yaml"].replace("humans: 1", &format!("humans: {humans}")).replace("[alice, bob]", "[alice, bob, carol]");
        files.insert("authority.yaml".into(), authority);
        let policy = files["policies/purge.cedar"].replace("humans >= 1", &format!("humans >= {humans}"));
        files.insert("policies/purge.cedar".into(), policy);
        change(&mut files);
        let mut house = Installation::new(&files, &["alice", "bob", "carol"], &["purger"], &rules(&counter.url));
        for (query, value) in [("origin_up", 1.0), ("hit_ratio", 0.9), ("shop_up", 1.0)] {
            telemetry.set(query, value);
        }
        house.start();
        Self { house, counter, telemetry }
    }

    /// Proposes to purge a cache; status and answer.
    pub async fn propose(&self, who: &str, cache: &str, note: &str) -> (u16, Value) {
        let body = json!({
            "action": "cache.purge", "target": format!("cache/{cache}"), "inputs": {"mode": "soft", "note": note}, "confidence_bp": 9_100,
            "reason": "stale pages since the deploy", "evidence": [{"kind": "fact", "name": "origin_up"}], "alternatives": ["wait for the pages to expire"],
        });
        self.house.ask(who, Method::POST, "/api/v1/changes", Some(body), &[]).await
    }

    /// The same by the agent, waiting until people are asked; the change.
    pub async fn asks(&self, cache: &str) -> String {
        let (status, answer) = self.propose("purger", cache, "battery").await;
        assert_eq!(status, 201, "{answer}");
        let change = answer["id"].as_str().unwrap().to_owned();
        self.becomes(&change, "awaiting_approval").await;
        change
    }

    /// Waits until a change is in this state.
    pub async fn becomes(&self, change: &str, word: &str) {
        eventually(&format!("`{word}`"), async || (self.word(change).await == word).then_some(())).await;
    }

    /// A change's state.
    pub async fn word(&self, change: &str) -> String {
        self.house.get("alice", &format!("/api/v1/changes/{change}")).await["word"].as_str().unwrap().to_owned()
    }

    /// The id of what is asked now.
    pub async fn approval(&self, change: &str) -> String {
        let asked = self.house.get("alice", &format!("/api/v1/changes/{change}/request")).await;
        asked["request"]["id"].as_str().unwrap().to_owned()
    }

    /// The statement by which somebody would approve what is asked now.
    pub async fn statement(&self, who: &str, approval: &str) -> Value {
        let body = json!({"decision": "approve", "reason": ""});
        let path = format!("/api/v1/approvals/{approval}/statement");
        self.house.ask(who, Method::POST, &path, Some(body), &[]).await.1["statement"].clone()
    }

    /// Sends a statement as a vote; `counted`, or the code of the refusal.
    pub async fn vote(&self, who: &str, approval: &str, statement: &Value) -> String {
        let vote = json!({"statement": statement, "signature": {"grade": "session"}});
        let (status, answer) = self.house.ask(who, Method::POST, &format!("/api/v1/approvals/{approval}/votes"), Some(vote), &[]).await;
        if status == 200 { "counted".into() } else { answer["code"].as_str().unwrap_or_default().to_owned() }
    }

    /// Approves what is asked now; `counted`, or the code of the refusal.
    pub async fn approve(&self, who: &str, change: &str) -> String {
        let approval = self.approval(change).await;
        let statement = self.statement(who, &approval).await;
        self.vote(who, &approval, &statement).await
    }

    /// How often a cache was purged.
    pub fn purged(&self, cache: &str) -> usize {
        self.counter.effects().get(&format!("/purge/{cache}")).copied().unwrap_or(0)
    }
}

/// An estate as it comes.
pub const fn plain(_: &mut BTreeMap<String, String>) {}
