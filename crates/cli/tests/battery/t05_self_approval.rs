//! T5: whoever proposes does not approve: not the agent, not its owner, not a person who proposed; and where one person works alone, the
//! record says so.

use reqwest::Method;
use serde_json::json;

use super::world::{World, plain};

#[tokio::test(flavor = "multi_thread")]
async fn neither_the_agent_nor_its_owner_nor_the_proposer_approves() {
    let world = World::new(2, 1, plain).await;
    let change = world.asks("c0").await;
    let approval = world.approval(&change).await;
    let path = format!("/api/v1/approvals/{approval}/votes");
    let statement = world.statement("bob", &approval).await;
    let vote = json!({"statement": statement, "signature": {"grade": "session"}});
    let (status, answer) = world.house.ask("purger", Method::POST, &path, Some(vote), &[]).await;
    assert_eq!((status, answer["code"].as_str()), (403, Some("people_only")), "{answer}");
    assert_eq!(world.approve("bob", &change).await, "self_approval");
    let (_, answer) = world.propose("carol", "c1", "by hand").await;
    let own = answer["id"].as_str().unwrap().to_owned();
    world.becomes(&own, "awaiting_approval").await;
    assert_eq!(world.approve("carol", &own).await, "self_approval");
    assert_eq!((world.purged("c0"), world.purged("c1")), (0, 0));
    assert_eq!(world.approve("alice", &own).await, "counted");
    assert_eq!(world.house.finished("alice", &own).await, "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_works_alone_may_and_every_record_says_so() {
    let alone = |files: &mut std::collections::BTreeMap<String, String>| {
        let authority = files["authority.yaml"].replace("single_operator: false", "single_operator: true");
        files.insert("authority.yaml".into(), authority);
    };
    let world = World::new(1, 1, alone).await;
    let change = world.asks("c0").await;
    assert_eq!(world.approve("bob", &change).await, "counted");
    assert_eq!(world.house.finished("alice", &change).await, "succeeded");
    let record = world.house.get("alice", &format!("/api/v1/changes/{change}/record")).await.to_string();
    assert!(record.contains("single_operator\":true") || record.contains("single-operator"), "{record}");
}
