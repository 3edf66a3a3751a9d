//! The control interfaces.

use crate::{client, estate, json, value};
use serde_json::json;

#[tokio::test]
async fn scaling_is_guarded_by_the_tag_it_was_planned_on() {
    let (estate, _directory) = estate(|_| {}).await;
    let url = format!("{}/services/shop/replicas", estate.addresses().scaler);
    let seen = client().get(&url).send().await.unwrap();
    let tag = seen.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(seen.json::<serde_json::Value>().await.unwrap()["replicas"], 3);
    let put = |replicas: u64| client().put(&url).header("if-match", &tag).json(&json!({ "replicas": replicas }));
    assert_eq!(json(put(5)).await.0, 200);
    assert_eq!(json(put(7)).await.0, 412, "it has another tag by now");
    assert_eq!((estate.replicas("shop"), estate.effects().scale_changes), (Some(5), 1));
    assert_eq!(value(&estate, "service_replicas{service=\"shop\"}").await, Some(5.0));
    let unguarded = client().put(&url).json(&json!({ "replicas": 5 }));
    assert_eq!((json(unguarded).await.0, estate.effects().scale_changes), (200, 1), "the same number is no change");
    for (body, status) in [("{\"replicas\": 21}", 422), ("{\"replicas\": -1}", 400), ("{\"replicas\": 1, \"x\": 1}", 400), ("", 400)] {
        assert_eq!(json(client().put(&url).body(body)).await.0, status, "{body}");
    }
    assert_eq!(json(client().get(format!("{}/services/nope/replicas", estate.addresses().scaler))).await.0, 404);
    assert_eq!(json(client().delete(&url)).await.0, 405);
    estate.stop().await;
}

#[tokio::test]
async fn a_repeated_key_purges_and_renews_once() {
    let (estate, _directory) = estate(|_| {}).await;
    let purge = format!("{}/purge/edge", estate.addresses().cache);
    let renew = format!("{}/certificates/www.example.test/renew", estate.addresses().certificates);
    for (repeated, url) in [(false, &purge), (true, &purge), (false, &renew), (true, &renew)] {
        let (status, body) = json(client().post(url).header("idempotency-key", "run-1")).await;
        assert_eq!((status, &body["repeated"]), (200, &json!(repeated)), "{url}");
    }
    assert_eq!((estate.effects().purges, estate.effects().renewals), (1, 1));
    assert!(value(&estate, "cache_hit_ratio{cache=\"edge\"}").await.unwrap() < 0.9);
    assert!(value(&estate, "tls_certificate_days_left{host=\"www.example.test\"}").await.unwrap() > 89.0);
    json(client().post(&purge)).await;
    assert_eq!(estate.effects().purges, 2, "without a key each one counts");
    let (_, cache) = json(client().get(format!("{}/caches/edge", estate.addresses().cache))).await;
    assert_eq!(cache["purges"], 2);
    let (_, certificate) = json(client().get(format!("{}/certificates/www.example.test", estate.addresses().certificates))).await;
    assert_eq!(certificate["serial"], 2);
    let long = client().post(&purge).header("idempotency-key", "k".repeat(300));
    assert_eq!((json(long).await.0, estate.effects().purges), (400, 2));
    assert_eq!(json(client().post(format!("{}/purge/nope", estate.addresses().cache))).await.0, 404);
    estate.stop().await;
}

#[tokio::test]
async fn the_firewall_and_the_status_page_take_only_their_words() {
    let (estate, _directory) = estate(|_| {}).await;
    let rule = format!("{}/waf/shop/rules/942100", estate.addresses().waf);
    assert_eq!(json(client().get(&rule)).await.1["mode"], "block");
    assert_eq!(json(client().put(&rule).json(&json!({ "mode": "detect" }))).await.1["mode"], "detect");
    assert_eq!(json(client().put(&rule).json(&json!({ "mode": "perhaps" }))).await.0, 400);
    let status = format!("{}/status/shop", estate.addresses().status);
    assert_eq!(json(client().get(&status)).await.1["state"], "operational");
    let told = json!({ "state": "degraded", "text": "one of three servers is out" });
    assert_eq!(json(client().put(&status).json(&told)).await.1["text"], told["text"]);
    assert_eq!(json(client().put(&status).json(&json!({ "state": "fine" }))).await.0, 400);
    let page = client().get(format!("{}/", estate.addresses().status)).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("simulated") && page.contains("shop: degraded one of three servers is out"), "{page}");
    assert_eq!((estate.effects().waf_changes, estate.effects().status_changes), (1, 1));
    estate.stop().await;
}
