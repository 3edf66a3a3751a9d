//! T16: a request that nobody answers climbs, in order and on time: each tier is reminded and passed by, the last resort is told,
//! what an acknowledgement silences comes back when nothing is done, and when it lapses there is a way forward.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::world::World;

/// Whom paths tell, by login, and how long each has; the shortest times that an estate may name.
const PATH: &str = "path: everything
title: Everything
otherwise: true
tiers:
  - { title: alice, people: [alice], within: 1m }
  - { title: carol, people: [carol], within: 1m }
last_resort: { people: [alice] }
";

fn files(files: &mut BTreeMap<String, String>) {
    // The shortest wait that an estate may set: tiers have their share of three quarters of it.
    let authority = files["authority.yaml"].replace("approval_ttl: 2h", "approval_ttl: 1m");
    files.insert("authority.yaml".into(), authority);
    files.insert("escalation/everything.yaml".into(), PATH.into());
}

/// When people were told, in seconds since it began: `(who, seconds)`.
fn told(page: &Value) -> Vec<(String, i64)> {
    let time = |moment: &Value| moment["at"].as_str().unwrap().parse::<lineclear_core::Timestamp>().unwrap().as_micros();
    let moments = page["timeline"].as_array().unwrap();
    let begun = time(&moments[0]);
    let told = moments.iter().filter(|moment| moment["kind"] == "page.told/1");
    told.map(|moment| {
        let says = moment["says"].as_str().unwrap();
        let who = says.split("told ").nth(1).unwrap().split([',', ' ']).next().unwrap().to_owned();
        (who, (time(moment) - begun) / 1_000_000)
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_request_climbs_in_order_and_on_time_and_can_be_asked_again() {
    let world = World::new(1, 2, files).await;
    let change = world.asks("c0").await;
    let approval = world.approval(&change).await;
    let page = approval.replace("approval_", "/api/v1/pages/page_");
    // An agent cannot make it be silent.
    let (status, answer) = world.house.ask("purger", Method::POST, &format!("{page}/acknowledge"), None, &[]).await;
    assert_eq!((status, answer["code"].as_str().unwrap_or_default()), (403, "people_only"), "{answer}");
    // Nor can the agent's owner, who may not approve.
    let (status, answer) = world.house.ask("bob", Method::POST, &format!("{page}/acknowledge"), None, &[]).await;
    assert_eq!((status, answer["code"].as_str().unwrap_or_default()), (403, "page_recused"), "{answer}");
    // A minute passes; the patience of the tests is as long, so it is asked for twice.
    let path = format!("/api/v1/changes/{change}?until=finished");
    for _ in 0..2 {
        let _ = world.house.ask("alice", Method::GET, &path, None, &[("prefer", "wait=50")]).await;
    }
    assert_eq!(world.word(&change).await, "lapsed");
    let view = world.house.get("alice", &page).await;
    let told = told(&view);
    // 45 s are shared by two tiers: 22.5 s each, and then the last resort. The pulse looks five times a second.
    assert_eq!(told.iter().take(3).map(|(who, _)| who.as_str()).collect::<Vec<_>>(), ["alice", "carol", "alice"], "{view}");
    let seconds: Vec<i64> = told.iter().take(3).map(|(_, seconds)| *seconds).collect();
    assert!(seconds[0] <= 1 && (22..=24).contains(&seconds[1]) && (45..=47).contains(&seconds[2]), "{seconds:?}");
    let kinds: Vec<&str> = view["timeline"].as_array().unwrap().iter().filter_map(|moment| moment["kind"].as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "page.reminded/1").count(), 3, "{kinds:?}");
    assert_eq!(kinds.last(), Some(&"page.ended/1"), "{kinds:?}");
    // It is all in the decision record, with its places in the ledger.
    let record = world.house.get("alice", &format!("/api/v1/changes/{change}/record")).await;
    assert_eq!(record["pages"][0]["moments"].as_array().unwrap().len(), kinds.len(), "{record}");
    // And there is a way forward, once.
    let path = format!("/api/v1/changes/{change}/ask-again");
    let (status, first) = world.house.ask("alice", Method::POST, &path, None, &[]).await;
    assert_eq!(status, 200, "{first}");
    let (_, second) = world.house.ask("bob", Method::POST, &path, None, &[]).await;
    assert_eq!(second["change"]["id"], first["change"]["id"]);
    let fresh = first["change"]["id"].as_str().unwrap().to_owned();
    world.becomes(&fresh, "awaiting_approval").await;
    assert_eq!(world.purged("c0"), 0);
    // Whoever answers is believed for a quarter of the time, and no longer.
    let page = world.approval(&fresh).await.replace("approval_", "/api/v1/pages/page_");
    let (status, answer) = world.house.ask("alice", Method::POST, &format!("{page}/acknowledge"), None, &[]).await;
    assert_eq!((status, answer["answered"].as_str().unwrap_or_default()), (200, "yours"), "{answer}");
    let forgotten = crate::installation::eventually("`page.forgotten/1`", async || {
        let view = world.house.get("alice", &page).await;
        view["timeline"].as_array().unwrap().iter().any(|moment| moment["kind"] == "page.forgotten/1").then_some(view)
    });
    let view = forgotten.await;
    assert!(
        view["timeline"]
            .as_array()
            .unwrap()
            .iter()
            .any(|moment| moment["says"] == "alice answered and did nothing about it in time: it climbs on."),
        "{view}"
    );
    let handed = json!({"to": "alice", "reason": "she knows the caches"});
    let (status, answer) = world.house.ask("bob", Method::POST, &format!("{page}/hand-over"), Some(handed), &[]).await;
    assert_eq!((status, answer["code"].as_str().unwrap_or_default()), (403, "not_your_page"), "{answer}");
}
