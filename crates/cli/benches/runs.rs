//! Runs through the release binary: how long a step takes from its journalled intent until its runner has begun, a thousand runs of five
//! steps at once, and what a run that waits costs in memory. `cargo bench -p lineclear-cli --bench runs`

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a bench may fail loudly, and reads the clock")]

#[path = "../tests/outside/caches.rs"]
#[expect(dead_code, reason = "the tests next door use the rest")]
mod caches;
#[path = "../tests/outside/installation.rs"]
#[expect(dead_code, reason = "the tests next door use the rest")]
mod installation;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use lineclear_core::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use installation::Installation;

/// Runs one after the other, for what a step costs when nothing else is going on.
const ALONE: usize = 100;
/// Runs at once.
const AT_ONCE: usize = 1_000;
/// Steps of each.
const STEPS: usize = 5;
/// Runs that wait for their next try, while memory is read.
const WAITING: usize = 2_000;
/// Proposals on their way at the same time.
const SENDERS: usize = 32;
/// Longest that any part may take.
const PATIENCE: Duration = Duration::from_mins(10);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let url = target().await;
        alone(&url).await;
        at_once(&url).await;
        waiting(&url).await;
    });
}

/// What the steps call: every POST does what it should, and `/later` never is ready.
async fn target() -> String {
    let app =
        Router::new().route("/later", get(|| async { (StatusCode::SERVICE_UNAVAILABLE, "{}") })).route("/{*path}", post(|| async { "{}" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// An estate of so many caches, whose one action needs nobody and has these steps.
fn house(url: &str, count: usize, steps: &str) -> Installation {
    let mut files: BTreeMap<String, String> = caches::estate(count);
    let action =
        "action: cache.purge\ntitle: Purge a cache\nrisk: low\nreversibility: partly\nresource: cache\nrunbook: purge\ncloses: person\n";
    files.insert("actions/purge.yaml".into(), action.into());
    let policy = "@id(\"purge\")\n@title(\"Anybody may purge\")\npermit (principal, action == Action::\"cache.purge\", resource);\n";
    files.insert("policies/purge.cedar".into(), policy.into());
    let runbook = format!("runbook: v1\nid: purge\ntitle: Purge\nowner: edge\ndeadline: 1h\nsteps:\n{steps}");
    files.insert("runbooks/purge.yaml".into(), runbook);
    let rules = caches::rules(url).replace("\"medium\"", "\"low\"");
    let mut house = Installation::new(&files, &["alice"], &["purger"], &rules);
    house.start();
    house
}

fn five() -> String {
    let step = |n: usize| {
        format!(
            "  - id: purge-{n}\n    do: {{ http: {{ service: counter, method: POST, path: \"/{n}/${{target.name}}\", expect_status: [200] }} }}\n    timeout: 60s\n    on_failure: person\n    on_unknown: person\n"
        )
    };
    (0..STEPS).map(step).collect()
}

async fn propose(house: &Installation, n: usize) -> String {
    let body = json!({"action": "cache.purge", "target": format!("cache/c{n}"), "confidence_bp": 5000, "reason": "bench"});
    let (status, answer) = house.ask("purger", Method::POST, "/api/v1/changes", Some(body), &[]).await;
    assert_eq!(status, 201, "{answer}");
    answer.get("id").and_then(Value::as_str).unwrap().to_owned()
}

/// Proposes for each cache, some at a time.
async fn propose_all(house: &Arc<Installation>, count: usize) -> Vec<String> {
    let left = Arc::new(Mutex::new((0..count).collect::<VecDeque<usize>>()));
    let send = |_| {
        let (house, left) = (Arc::clone(house), Arc::clone(&left));
        tokio::spawn(async move {
            let mut sent = Vec::new();
            loop {
                let Some(n) = left.lock().unwrap().pop_front() else { return sent };
                sent.push(propose(&house, n).await);
            }
        })
    };
    let senders: Vec<_> = (0..SENDERS).map(send).collect();
    let mut all = Vec::new();
    for sender in senders {
        all.extend(sender.await.unwrap());
    }
    all
}

/// How many changes stand at this word, counted no further than `enough`.
async fn standing(house: &Installation, word: &str, enough: usize) -> usize {
    let (mut found, mut cursor) = (0, String::new());
    while found < enough {
        let page = house.get("alice", &format!("/api/v1/changes?state={word}&limit=200{cursor}")).await;
        found += page.get("items").and_then(Value::as_array).map_or(0, Vec::len);
        let Some(next) = page.get("next").and_then(Value::as_str) else { return found };
        cursor = format!("&cursor={next}");
    }
    found
}

async fn until_none(house: &Installation, words: &[&str]) {
    let began = Instant::now();
    'again: loop {
        assert!(began.elapsed() < PATIENCE, "it takes too long");
        for word in words {
            if standing(house, word, 1).await > 0 {
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue 'again;
            }
        }
        return;
    }
}

/// From intent to begun, of every attempt of a change, by the engine's clock; and how many steps did what they should.
async fn overheads(house: &Installation, change: &str, into: &mut Vec<Duration>) -> usize {
    let view = house.get("alice", &format!("/api/v1/changes/{change}")).await;
    let (mut intended, mut done) = (None, 0);
    for moment in view.get("timeline").and_then(Value::as_array).unwrap() {
        let at: Timestamp = moment.get("at").and_then(Value::as_str).unwrap().parse().unwrap();
        match moment.get("kind").and_then(Value::as_str).unwrap() {
            "run.intended/1" => intended = Some(at),
            "run.started/1" => into.extend(intended.take().map(|from: Timestamp| Duration::from_micros(at.since(from).as_micros()))),
            "run.succeeded/1" => done += 1,
            _ => {}
        }
    }
    done
}

fn told(what: &str, mut all: Vec<Duration>) {
    all.sort();
    let at = |share: usize| all.get((all.len() * share / 100).min(all.len().saturating_sub(1))).unwrap().as_secs_f64() * 1e3;
    println!("intent journalled to runner begun, {what}: p50 {:.1} ms, p99 {:.1} ms, of {} attempts", at(50), at(99), all.len());
}

async fn alone(url: &str) {
    let house = house(url, ALONE, &five());
    let mut all = Vec::new();
    for n in 0..ALONE {
        let change = propose(&house, n).await;
        until_none(&house, &["proposed", "cleared", "running"]).await;
        assert_eq!(overheads(&house, &change, &mut all).await, STEPS);
    }
    told("one run at a time", all);
}

async fn at_once(url: &str) {
    let house = Arc::new(house(url, AT_ONCE, &five()));
    let began = Instant::now();
    let changes = propose_all(&house, AT_ONCE).await;
    let proposed = began.elapsed();
    until_none(&house, &["proposed", "cleared", "running"]).await;
    let took = began.elapsed().as_secs_f64();
    let (mut all, mut done) = (Vec::new(), 0);
    for change in &changes {
        done += overheads(&house, change, &mut all).await;
    }
    let steps = AT_ONCE * STEPS;
    println!(
        "{AT_ONCE} runs of {STEPS} steps: proposed in {:.1} s, over after {took:.1} s; {done} of {steps} steps done, {:.0} a second",
        proposed.as_secs_f64(),
        f64::from(u32::try_from(done).unwrap()) / took
    );
    told(&format!("{AT_ONCE} runs at once"), all);
    println!("resident memory when they are over: {:.0} MB", resident(&house) / 1024.0);
}

fn resident(house: &Installation) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", house.server.as_ref().unwrap().id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn waiting(url: &str) {
    let steps = "  - id: later\n    do: { http: { service: counter, method: GET, path: /later, expect_status: [200] } }\n    timeout: 20s\n    retry: { attempts: 5, backoff: [10m], on: [not_applied, partly] }\n    on_failure: person\n    on_unknown: person\n";
    let house = Arc::new(house(url, WAITING * 2, steps));
    let mut before = 0.0;
    // The first lot warms up what is there once: caches of the store, pools, the allocator.
    for (round, from) in [0, WAITING].into_iter().enumerate() {
        for n in from..from + WAITING {
            propose(&house, n).await;
        }
        until_none(&house, &["proposed", "cleared"]).await;
        let began = Instant::now();
        while standing(&house, "running", WAITING * (round + 1)).await < WAITING * (round + 1) || working(&house).await {
            assert!(began.elapsed() < PATIENCE, "they do not wait");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        let now = resident(&house);
        if round > 0 {
            let each = (now - before) / f64::from(u32::try_from(WAITING).unwrap());
            println!(
                "{WAITING} more runs that wait for their next try: {:.0} MB before, {:.0} MB with them, {each:.1} KiB each",
                before / 1024.0,
                now / 1024.0
            );
        } else {
            println!("{WAITING} runs that wait: {:.0} MB resident", now / 1024.0);
        }
        before = now;
    }
}

/// Whether the newest run is still being tried: they wait in the order in which they began.
async fn working(house: &Installation) -> bool {
    let page = house.get("alice", "/api/v1/changes?state=running&limit=1").await;
    let Some(id) = page.pointer("/items/0/id").and_then(Value::as_str) else { return true };
    let view = house.get("alice", &format!("/api/v1/changes/{id}")).await;
    !view
        .get("timeline")
        .and_then(Value::as_array)
        .is_some_and(|all| all.iter().any(|moment| moment.get("kind") == Some(&json!("run.retried/1"))))
}
