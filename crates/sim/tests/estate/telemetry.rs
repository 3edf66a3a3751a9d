//! The query API.

use crate::{client, estate, json, value};
use serde_json::json;

#[tokio::test]
async fn a_query_by_get_and_by_form_gives_the_same_series() {
    let (estate, _directory) = estate(|_| {}).await;
    let url = format!("{}/api/v1/query", estate.addresses().prometheus);
    let query = [("query", "probe_success{job=\"http\",server=\"web-1\"}")];
    let (_, by_get) = json(client().get(&url).query(&query)).await;
    let (_, by_form) = json(client().post(&url).form(&query)).await;
    let labels = json!({
        "__name__": "probe_success", "job": "http", "server": "web-1", "service": "shop",
        "instance": format!("{}/", estate.addresses().servers["web-1"]),
    });
    for body in [by_get, by_form] {
        assert_eq!((&body["status"], &body["data"]["resultType"]), (&json!("success"), &json!("vector")));
        assert_eq!(body["data"]["result"][0]["metric"], labels);
        assert_eq!(body["data"]["result"][0]["value"][1], "1");
        assert!(body["data"]["result"][0]["value"][0].as_f64().unwrap() > 1.0e9);
    }
    estate.stop().await;
}

#[tokio::test]
async fn every_promised_metric_is_there() {
    let (estate, _directory) = estate(|_| {}).await;
    let cases = [
        ("count(probe_success{job=\"http\",service=\"shop\"})", 3.0),
        ("probe_success{job=\"http\",service=\"status\"}", 1.0),
        ("count(probe_success{job=\"dns\"} == 1)", 4.0),
        ("count(dns_answer_matches{service=\"dns\"} == 1)", 4.0),
        ("count(haproxy_server_status{proxy=\"shop\",server=\"web-1\"})", 5.0),
        ("count(haproxy_server_status{proxy=\"shop\",state=\"UP\"} == 1)", 3.0),
        ("haproxy_server_weight{proxy=\"shop\",server=\"web-3\"}", 100.0),
        ("haproxy_server_current_sessions{proxy=\"shop\",server=\"web-3\"}", 0.0),
        ("http_error_ratio{service=\"shop\"}", 0.0),
        ("http_requests_rate{service=\"shop\"}", 0.0),
        ("slo_error_budget_remaining_ratio{service=\"shop\"}", 1.0),
        ("node_up{server=\"web-2\"}", 1.0),
        ("service_replicas{service=\"api\"}", 2.0),
        ("cache_hit_ratio{cache=\"edge\"}", 0.95),
        ("count(tls_certificate_days_left > 29)", 4.0),
        ("sum(nothing_like_it) or vector(0)", 0.0),
    ];
    for (query, expected) in cases {
        let found = value(&estate, query).await;
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-9), "{query}: {found:?}");
    }
    estate.stop().await;
}

#[tokio::test]
async fn what_is_not_understood_is_bad_data() {
    let (estate, _directory) = estate(|_| {}).await;
    let url = format!("{}/api/v1/query", estate.addresses().prometheus);
    for query in ["rate(probe_success[5m])", "avg_over_time(probe_success[5m])", "probe_success + 1", "", "probe_success{job=~\"h.*\"}"] {
        let (status, body) = json(client().get(&url).query(&[("query", query)])).await;
        assert_eq!((status, &body["status"], &body["errorType"]), (400, &json!("error"), &json!("bad_data")), "{query}");
        assert!(body["error"].as_str().unwrap().contains("simulated"), "{body}");
    }
    let (status, _) = json(client().get(&url).query(&[("query", "node_up"), ("time", "1000")])).await;
    assert_eq!(status, 400, "there is no history");
    let (status, _) = json(client().get(&url)).await;
    assert_eq!(status, 400);
    estate.stop().await;
}

#[tokio::test]
async fn a_metric_can_be_aged_and_dropped_and_comes_back() {
    let (estate, _directory) = estate(|_| {}).await;
    let url = format!("{}/api/v1/query", estate.addresses().prometheus);
    let query = "dns_answer_matches{name=\"www.example.test\"}";
    let at =
        async |query: &str| json(client().get(&url).query(&[("query", query)])).await.1["data"]["result"][0]["value"][0].as_f64().unwrap();
    let fresh = at(query).await;
    estate.set_stale("dns_answer_matches", 600);
    let (aged, now) = (at(query).await, at("node_up{server=\"web-1\"}").await);
    assert!((now - aged - 600.0).abs() < 5.0 && now >= fresh, "{aged} {now}");
    let taken = value(&estate, &format!("timestamp({query})")).await.unwrap();
    assert!((now - taken - 600.0).abs() < 5.0);
    estate.drop_metric("dns_answer_matches");
    assert_eq!(value(&estate, query).await, None);
    assert_eq!(value(&estate, "count(probe_success{job=\"dns\"})").await, Some(4.0), "only that one is gone");
    estate.restore("dns_answer_matches");
    assert!(at(query).await >= now);
    estate.stop().await;
}

#[tokio::test]
async fn a_planted_wrong_answer_and_a_spent_budget_are_seen() {
    let (estate, _directory) = estate(|_| {}).await;
    estate.tamper("shop.example.test", "192.0.2.66".parse().unwrap()).unwrap();
    assert_eq!(value(&estate, "dns_answer_matches{name=\"shop.example.test\"}").await, Some(0.0));
    assert_eq!(value(&estate, "count(probe_success{job=\"dns\"} == 0)").await, Some(1.0));
    estate.set_error_budget("shop", 0.1).unwrap();
    assert!((value(&estate, "slo_error_budget_remaining_ratio{service=\"shop\"}").await.unwrap() - 0.1).abs() < 1e-9);
    assert!(estate.set_error_budget("nope", 0.1).is_err());
    estate.stop().await;
}

#[tokio::test]
async fn the_past_is_a_simulated_one_in_which_all_was_well() {
    let (estate, _directory) = estate(|_| {}).await;
    let cases = [
        ("avg_over_time(http_error_ratio{service=\"shop\"}[30d:1m])", 0.0),
        ("avg_over_time((avg_over_time(http_error_ratio{service=\"shop\"}[1m:15s]) <= bool 0.01)[30d:1m])", 1.0),
        ("avg_over_time(((min(dns_answer_matches)) >= bool 1)[5m:15s])", 1.0),
        (
            "(sum(avg_over_time((sum(probe_success{job=\"http\",service=\"shop\"}))[28d:1m])) / sum(avg_over_time((count(probe_success{job=\"http\",service=\"shop\"}))[28d:1m])))",
            1.0,
        ),
    ];
    for (query, expected) in cases {
        let found = value(&estate, query).await;
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-9), "{query}: {found:?}");
    }
    let age = value(&estate, "time() - max(timestamp(http_error_ratio{service=\"shop\"}))").await;
    assert!(age.is_some_and(|age| age.abs() < 5.0), "{age:?}");
    estate.drop_metric("http_error_ratio");
    assert_eq!(value(&estate, "time() - max(timestamp(http_error_ratio{service=\"shop\"}))").await, None);
    estate.stop().await;
}
