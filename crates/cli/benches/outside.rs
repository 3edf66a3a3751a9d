//! The release binary from outside: durable proposals over HTTP beside the disk's own sync rate, cold start, resident memory.
//! `cargo bench -p lineclear-cli --bench outside`

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a bench may fail loudly, and reads the clock")]

#[path = "../tests/outside/caches.rs"]
#[expect(dead_code, reason = "the tests next door use the rest")]
mod caches;
#[path = "../tests/outside/installation.rs"]
#[expect(dead_code, reason = "the tests next door use the rest")]
mod installation;

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use caches::{estate, rules};
use installation::Installation;

/// How long each figure is measured.
const ROUND: Duration = Duration::from_secs(5);
/// Caches that proposals name in turn.
const CACHES: usize = 50;
/// Changes that wait for approval when memory is read.
const PENDING: usize = 10_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        cold_start();
        proposals().await;
        memory().await;
    });
}

fn house() -> Installation {
    Installation::new(&estate(CACHES), &["alice"], &["purger"], &rules("http://127.0.0.1:9"))
}

fn cold_start() {
    let mut house = house();
    house.start();
    house.kill();
    let mut times: Vec<Duration> = (0..11)
        .map(|_| {
            let began = Instant::now();
            house.start();
            let took = began.elapsed();
            house.kill();
            took
        })
        .collect();
    times.sort();
    println!(
        "cold start: median {:.0} ms, worst {:.0} ms of 11 (from exec to listening)",
        times.get(5).unwrap().as_secs_f64() * 1e3,
        times.get(10).unwrap().as_secs_f64() * 1e3
    );
}

/// Appends of 1 KiB with a sync each, for one round.
fn sync_rate(folder: &std::path::Path) -> f64 {
    let mut file = File::create(folder.join("sync")).unwrap();
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < ROUND / 2 {
        file.write_all(&[7_u8; 1_024]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

async fn proposals() {
    for connections in [1_usize, 16, 64] {
        let mut house = house();
        house.start();
        let disk = sync_rate(&house.path("data"));
        let house = Arc::new(house);
        let done = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        let loops: Vec<_> = (0..connections)
            .map(|n| {
                let (house, done) = (Arc::clone(&house), Arc::clone(&done));
                tokio::spawn(async move {
                    while began.elapsed() < ROUND {
                        let body = json!({"action": "cache.purge", "target": format!("cache/c{}", n % CACHES), "confidence_bp": 5000, "reason": "bench"});
                        let (status, answer) = house.ask("purger", Method::POST, "/api/v1/changes", Some(body), &[]).await;
                        assert_eq!(status, 201, "{answer}");
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for one in loops {
            one.await.unwrap();
        }
        let rate = f64::from(u32::try_from(done.load(Ordering::Relaxed)).unwrap()) / began.elapsed().as_secs_f64();
        println!(
            "durable proposals over HTTP, {connections:>2} connections: {rate:.0}/s, gate 1 at work beside them; 1 KiB appends with a sync each on the same disk: {disk:.0}/s"
        );
    }
}

fn resident(house: &Installation) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", house.server.as_ref().unwrap().id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

async fn memory() {
    let mut house = house();
    house.start();
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("resident memory, idle: {:.0} MB", resident(&house));
    for n in 0..PENDING {
        let body = json!({"action": "cache.purge", "target": format!("cache/c{}", n % CACHES), "confidence_bp": 5000, "reason": "bench"});
        let (status, answer) = house.ask("purger", Method::POST, "/api/v1/changes", Some(body), &[]).await;
        assert_eq!(status, 201, "{answer}");
    }
    let waiting = async |house: &Installation| {
        let page = house.get("alice", "/api/v1/changes?state=proposed&limit=1").await;
        page.pointer("/items/0").is_none()
    };
    let began = Instant::now();
    while !waiting(&house).await && began.elapsed() < Duration::from_mins(5) {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("resident memory, {PENDING} changes that await approval: {:.0} MB", resident(&house));
    let (mut pages, mut after, mut asked) = (0, String::new(), 0);
    while pages == 0 || !after.is_empty() {
        let page = house.get("alice", &format!("/api/v1/changes?state=awaiting_approval&limit=100{after}")).await;
        asked += page.pointer("/items").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
        after = page.pointer("/next").and_then(serde_json::Value::as_str).map_or_else(String::new, |next| format!("&cursor={next}"));
        pages += 1;
    }
    assert_eq!(asked, PENDING, "somebody must be asked about each of them");
    house.kill();
    let began = Instant::now();
    house.start();
    println!("start with {PENDING} pending changes: {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("resident memory after that start: {:.0} MB", resident(&house));
}
