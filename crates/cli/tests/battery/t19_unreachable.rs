//! T19: the engine cannot be reached: the agent's call fails, on every face, and nothing happens.

use std::process::Command;

use super::world::{World, plain};
use crate::installation::LINECLEAR;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_nobody_fails_closed() {
    let mut world = World::new(1, 1, plain).await;
    let (base, token) = (world.house.base.clone(), world.house.token("purger").to_owned());
    let agent = crate::agent::Agent::connect(&base, &token).await;
    world.house.kill();
    let arguments = serde_json::json!({"action": "cache.purge", "target": "cache/c0", "inputs": {"mode": "soft", "note": "x"}, "confidence_bp": 9_000, "reason": "stale"});
    assert!(agent.try_call("propose_change", arguments).await.is_err());
    let args =
        ["propose", "cache.purge", "cache/c0", "--input", "mode=soft", "--input", "note=x", "--reason", "stale", "--confidence", "90"];
    let said = Command::new(LINECLEAR).args(args).args(["--url", &base, "--token", &token]).output().unwrap();
    assert_eq!(said.status.code(), Some(1), "{}", String::from_utf8_lossy(&said.stderr));
    world.house.start();
    let changes = world.house.get("alice", "/api/v1/changes").await;
    assert_eq!(changes["items"].as_array().map(Vec::len), Some(0), "{changes}");
    assert_eq!(world.purged("c0"), 0);
}
