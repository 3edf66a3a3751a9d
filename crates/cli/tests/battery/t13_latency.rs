//! T13: how long a verdict takes over HTTP, told and not judged: machines differ. Every answer has to be a verdict.

use reqwest::Method;
use serde_json::json;

use super::world::{World, plain};

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_is_answered_and_its_time_is_told() {
    let world = World::new(1, 1, plain).await;
    let body = json!({"action": "cache.purge", "target": "cache/c0", "inputs": {"mode": "soft", "note": "x"}, "confidence_bp": 9_000, "reason": "stale"});
    let mut times = Vec::new();
    for _ in 0..100 {
        let begun = tokio::time::Instant::now();
        let (status, answer) = world.house.ask("purger", Method::POST, "/api/v1/checks", Some(body.clone()), &[]).await;
        times.push(begun.elapsed());
        assert!(status == 200 && answer.to_string().contains("needs_approval"), "{answer}");
    }
    times.sort();
    eprintln!("T13: gate 1 and verdict over HTTP, 100 in a row: p50 {:?}, p99 {:?}", times[50], times[98]);
    assert_eq!(world.house.get("alice", "/api/v1/changes").await["items"].as_array().map(Vec::len), Some(0), "asking records nothing");
}
