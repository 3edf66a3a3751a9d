//! T7: nobody answers: it lapses, by the clock and by nobody, never runs, and a late answer counts for nothing.

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_neither_yes_nor_no() {
    let soon = |files: &mut std::collections::BTreeMap<String, String>| {
        // The shortest wait that an estate may set.
        let authority = files["authority.yaml"].replace("approval_ttl: 2h", "approval_ttl: 1m");
        files.insert("authority.yaml".into(), authority);
    };
    let world = World::new(1, 2, soon).await;
    let change = world.asks("c0").await;
    let approval = world.approval(&change).await;
    let (first, late) = (world.statement("alice", &approval).await, world.statement("carol", &approval).await);
    assert_eq!(world.vote("alice", &approval, &first).await, "counted");
    // A minute passes; the patience of the tests is as long, so it is asked for twice.
    let path = format!("/api/v1/changes/{change}?until=finished");
    for _ in 0..2 {
        let _ = world.house.ask("alice", reqwest::Method::GET, &path, None, &[("prefer", "wait=50")]).await;
    }
    assert_eq!(world.word(&change).await, "lapsed");
    assert_eq!(world.vote("carol", &approval, &late).await, "late");
    assert_eq!(world.word(&change).await, "lapsed");
    assert_eq!(world.purged("c0"), 0);
    let record = world.house.get("alice", &format!("/api/v1/changes/{change}/record")).await;
    assert_eq!(record["outcome"]["outcome"], "lapsed", "{record}");
    let ended = record["ledger"].as_array().unwrap().iter().find(|entry| entry["kind"] == "change.lapsed/1").cloned();
    assert_eq!(ended.unwrap_or_default()["by"], "engine", "{record}");
}
