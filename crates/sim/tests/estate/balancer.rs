//! The load balancer, by its socket and its front.

use crate::{client, estate, run, until, value};
use lineclear_sim::Estate;

async fn runtime(estate: &Estate, command: &str) -> String {
    let socket = format!("unix-connect:{}", estate.addresses().haproxy_socket.display());
    run("socat", &["-t", "5", "stdio", &socket], &format!("{command}\n")).await.1
}

#[tokio::test]
async fn requests_take_turns_and_every_page_says_simulated() {
    let (estate, _directory) = estate(|_| {}).await;
    let client = client();
    for _ in 0..6 {
        let response = client.get(&estate.addresses().balancer).send().await.unwrap();
        assert_eq!((response.status().as_u16(), &response.headers()["x-simulated"]), (200, &"true".parse().unwrap()));
        assert!(response.text().await.unwrap().contains("(simulated)"));
    }
    let served: Vec<u64> = ["web-1", "web-2", "web-3"].iter().filter_map(|name| estate.served(name)).collect();
    assert_eq!(served, [2, 2, 2]);
    estate.stop().await;
}

#[tokio::test]
async fn a_dead_server_hurts_until_it_is_drained_by_socat() {
    let (estate, _directory) = estate(|options| options.traffic = true).await;
    until(&estate, "http_requests_rate{service=\"shop\"}", |rate| rate > 5.0).await;
    estate.kill_backend("web-2").await.unwrap();
    assert!(client().get(&estate.addresses().servers["web-2"]).send().await.unwrap_err().is_connect());
    until(&estate, "probe_success{server=\"web-2\"}", |value| value < 1.0).await;
    until(&estate, "http_error_ratio{service=\"shop\"}", |ratio| ratio > 0.2).await;
    assert_eq!(value(&estate, "haproxy_server_status{server=\"web-2\",state=\"UP\"}").await, Some(1.0), "it makes no checks");
    assert_eq!(runtime(&estate, "set server shop/web-2 state drain").await, "\n");
    assert!(runtime(&estate, "show servers state shop").await.contains(" web-2 127.0.0.1 2 8 "));
    until(&estate, "http_error_ratio{service=\"shop\"}", |ratio| ratio == 0.0).await;
    assert_eq!(value(&estate, "haproxy_server_status{server=\"web-2\"} == 1").await, Some(1.0));
    assert_eq!(value(&estate, "haproxy_server_weight{server=\"web-2\"}").await, Some(0.0));
    assert!(value(&estate, "slo_error_budget_remaining_ratio{service=\"shop\"}").await.unwrap() < 1.0);
    assert_eq!(estate.effects().balancer_changes, 1);
    estate.restart_backend("web-2").await.unwrap();
    assert_eq!(runtime(&estate, "set server shop/web-2 state ready; set server shop/web-2 state ready").await, "\n\n");
    assert_eq!(estate.effects().balancer_changes, 2, "what is ready already does not change");
    let before = estate.served("web-2").unwrap();
    until(&estate, "http_error_ratio{service=\"shop\"}", |ratio| ratio == 0.0).await;
    until(&estate, "http_requests_rate{service=\"shop\"}", |_| estate.served("web-2").unwrap() > before).await;
    estate.stop().await;
}

#[tokio::test]
async fn without_any_server_the_page_of_haproxy_appears() {
    let (estate, _directory) = estate(|_| {}).await;
    for name in ["web-1", "web-2", "web-3"] {
        runtime(&estate, &format!("set server shop/{name} state maint")).await;
    }
    let response = client().get(&estate.addresses().balancer).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 503);
    assert!(response.text().await.unwrap().contains("simulated"));
    assert_eq!(runtime(&estate, "reboot").await.lines().next().unwrap().split(". ").next(), Some("Unknown command"));
    estate.stop().await;
}
