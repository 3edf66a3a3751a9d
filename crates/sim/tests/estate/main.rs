//! The whole estate, used only as a stranger could: by dig, nsupdate, socat and an HTTP client.
#![cfg(test)]

mod balancer;
mod lifecycle;
mod names;
mod notifier;
mod services;
mod telemetry;

use std::process::Stdio;
use std::time::Duration;

use lineclear_sim::{Estate, Options, TsigKey};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

const SECRET: &str = "c2ltdWxhdGVkIGtleSBmb3IgdGVzdHMgb25seSEhISE=";

fn key() -> TsigKey {
    TsigKey { name: "lineclear-key".to_owned(), secret: SECRET.to_owned() }
}

/// A running estate with its directory; without customers unless asked for.
async fn estate(change: impl FnOnce(&mut Options)) -> (Estate, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let mut options = Options::new(directory.path(), key());
    options.traffic = false;
    change(&mut options);
    (Estate::start(options).await.unwrap(), directory)
}

fn client() -> reqwest::Client {
    // A second call is told that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap()
}

async fn json(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["x-simulated"], "true");
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Runs a program with `input` and returns whether it succeeded and all it said.
async fn run(program: &str, arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("`{program}` does not start ({error}); Debian has it in bind9-dnsutils or socat"));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = tokio::time::timeout(Duration::from_secs(30), child.wait_with_output()).await.unwrap().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// The value of an instant query with one result, if there is one.
async fn value(estate: &Estate, query: &str) -> Option<f64> {
    let url = format!("{}/api/v1/query", estate.addresses().prometheus);
    let (status, body) = json(client().get(url).query(&[("query", query)])).await;
    assert_eq!(status, 200, "{query}: {body}");
    body["data"]["result"].get(0).map(|one| one["value"][1].as_str().unwrap().parse().unwrap())
}

/// Waits until `condition` is true of the value of `query`.
async fn until(estate: &Estate, query: &str, condition: impl Fn(f64) -> bool) {
    let mut beat = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..400 {
        beat.tick().await;
        if value(estate, query).await.is_some_and(&condition) {
            return;
        }
    }
    panic!("`{query}` never got there; it is {:?}", value(estate, query).await);
}
