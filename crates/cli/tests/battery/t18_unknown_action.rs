//! T18: an action that nobody wrote down, and one that no policy permits.

use reqwest::Method;
use serde_json::json;

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_no_catalogue_and_no_policy_knows_is_refused() {
    let unruled = |files: &mut std::collections::BTreeMap<String, String>| {
        let policy = "@id(\"nothing\")\n@title(\"Nothing is permitted\")\nforbid (principal, action, resource);\n";
        files.insert("policies/purge.cedar".into(), policy.into());
    };
    let world = World::new(1, 1, unruled).await;
    let body = json!({"action": "cache.destroy", "target": "cache/c0", "confidence_bp": 9_900, "reason": "it is faster"});
    let (status, answer) = world.house.ask("purger", Method::POST, "/api/v1/changes", Some(body), &[]).await;
    assert_eq!((status, answer["code"].as_str()), (422, Some("unknown_action")), "{answer}");
    let (_, answer) = world.propose("purger", "c0", "battery").await;
    let change = answer["id"].as_str().unwrap().to_owned();
    world.becomes(&change, "denied").await;
    assert_eq!(world.purged("c0"), 0);
}
