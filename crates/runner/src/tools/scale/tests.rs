use std::path::Path;
use std::sync::{Arc, Mutex as Shared};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::IntoResponse as _;
use lineclear_core::run::{AttemptKey, Direction};
use tempfile::TempDir;

use super::super::systemd_unit::tests::{Real, fake};
use super::*;
use crate::config::{Scaler, SystemdConfig};
use crate::control::{call, id};

fn site() -> Site {
    let key = AttemptKey { run: id("run", 1), step: "only".parse().unwrap(), direction: Direction::Do, number: 1 };
    Site { key, budget: Duration::from_secs(30) }
}

fn units(most: u32) -> BTreeMap<String, ScaleConfig> {
    [("shop".to_owned(), ScaleConfig { by: Scaler::Units { template: "web@".into() }, least: 1, most })].into()
}

fn to(from: u64, to: u64) -> ToolCall {
    call("scale", json!({"service": "shop", "from": from, "to": to}))
}

fn is(count: u64) -> ToolCall {
    call("scale", json!({"service": "shop", "expect": count}))
}

fn refused(said: &Result<Value, ToolError>, why: &str) {
    assert!(matches!(said, Err(ToolError::NotApplied(text)) if text.contains(why)), "{why}: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_instances_are_started_and_stopped_from_the_number_that_was_seen() {
    let Some(real) = Real::start(&[("web@.service", "[Service]\nExecStart=/bin/sleep 600\n")]) else { return };
    let manager = Manager::booted(&real.config(&[]), Path::new("/nowhere"));
    let tool = Scale::new(&units(5), &BTreeMap::new(), Some(&manager)).unwrap();
    let running = || {
        let said = real.systemctl(&["list-units", "--plain", "--no-legend", "--state=active", "web@*"]).unwrap();
        let mut names: Vec<String> = said.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(running(), Vec::<String>::new());
    assert!(tool.check(Args::of(&is(0))).await.unwrap().holds);
    let preview = tool.preview(Args::of(&to(0, 3)), Some(&to(3, 1))).await.unwrap();
    assert_eq!((preview.summary.as_str(), preview.reversible), ("`shop` goes from 0 to 3", false));
    tool.call(Args::of(&to(0, 3)), &site()).await.unwrap();
    assert_eq!(running(), ["web@1.service", "web@2.service", "web@3.service"]);
    // The second of the same is over already; whoever saw another number is refused.
    assert_eq!(tool.call(Args::of(&to(0, 3)), &site()).await.unwrap()["already"], true);
    refused(&tool.call(Args::of(&to(2, 4)), &site()).await, "`shop` has 3, not 2: it has changed since");
    assert!(tool.preview(Args::of(&to(2, 4)), None).await.unwrap_err().contains("has 3, not 2"));
    assert!(tool.preview(Args::of(&to(3, 1)), Some(&to(1, 3))).await.unwrap().reversible);
    tool.call(Args::of(&to(3, 1)), &site()).await.unwrap();
    assert_eq!(running(), ["web@1.service"]);
    // One with a hole in its numbers has no number.
    real.systemctl(&["start", "web@4.service"]).unwrap();
    assert!(tool.check(Args::of(&is(2))).await.unwrap_err().contains("`web@4.service` runs, and one with a lower number does not"));
    refused(&tool.call(Args::of(&to(1, 2)), &site()).await, "lower number");
}

#[tokio::test]
async fn a_manager_that_stops_midway_leaves_a_part_and_says_which() {
    let folder = TempDir::new().unwrap();
    let stood = SystemdConfig { units: [].into(), systemctl: "/nowhere".into(), user: None, stand_in: Some(fake(&folder)) };
    let manager = Manager::booted(&stood, &folder.path().join("no-systemd"));
    let tool = Scale::new(&units(5), &BTreeMap::new(), Some(&manager)).unwrap();
    assert!(tool.preview(Args::of(&to(0, 2)), None).await.unwrap().summary.ends_with("a stand-in for systemd does it"));
    tool.call(Args::of(&to(0, 2)), &site()).await.unwrap();
    let orders = std::fs::read_to_string(folder.path().join("orders")).unwrap();
    let orders: Vec<&str> = orders.lines().filter(|line| !line.starts_with("show")).collect();
    assert_eq!(orders, ["start web@1.service", "start web@2.service"]);
    std::fs::write(folder.path().join("refuse"), "").unwrap();
    let said = tool.call(Args::of(&to(2, 4)), &site()).await;
    assert_eq!(said, Err(ToolError::Partly("`web@3.service`: the fake refuses; before it, 0 were changed".into())));
}

/// A fake scaler, which is none: a number with an entity tag, and what it was sent.
#[derive(Clone, Default)]
struct Fake {
    count: Arc<Shared<u64>>,
    seen: Arc<Shared<Vec<String>>>,
    tagged: bool,
}

async fn answer(State(it): State<Fake>, method: Method, headers: HeaderMap, body: String) -> axum::response::Response {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    it.seen.lock().unwrap().push(format!("{method} {} {} {body}", header("if-match"), header("authorization")).trim_end().to_owned());
    let mut count = it.count.lock().unwrap();
    if method == Method::PUT {
        if header("if-match") != format!("\"v{count}\"") {
            return StatusCode::PRECONDITION_FAILED.into_response();
        }
        *count = serde_json::from_str::<Value>(&body).unwrap()["replicas"].as_u64().unwrap();
    }
    let body = json!({"replicas": *count, "fake": true}).to_string();
    if it.tagged { ([("etag", format!("\"v{count}\""))], body).into_response() } else { body.into_response() }
}

async fn scaler(fake: &Fake) -> Scale {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/base", listener.local_addr().unwrap());
    let router = Router::new().route("/base/services/shop", axum::routing::get(answer).put(answer)).with_state(fake.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let services = [("scaler".to_owned(), Service { url, bearer: Some(crate::secret::Secret::new("token")) })].into();
    let by = Scaler::Http { service: "scaler".into(), path: "/services/shop".into(), member: "replicas".into() };
    Scale::new(&[("shop".to_owned(), ScaleConfig { by, least: 1, most: 6 })].into(), &services, None).unwrap()
}

#[tokio::test]
async fn a_scaler_refuses_a_number_that_has_changed_since() {
    let fake = Fake { tagged: true, ..Fake::default() };
    *fake.count.lock().unwrap() = 3;
    let tool = scaler(&fake).await;
    assert!(tool.preview(Args::of(&to(3, 5)), Some(&to(5, 3))).await.unwrap().reversible);
    tool.call(Args::of(&to(3, 5)), &site()).await.unwrap();
    assert!(tool.check(Args::of(&is(5))).await.unwrap().holds);
    let sent: Vec<String> = fake.seen.lock().unwrap().iter().filter(|line| line.starts_with("PUT")).cloned().collect();
    assert_eq!(sent, ["PUT \"v3\" Bearer token {\"replicas\":5}"]);
    refused(&tool.call(Args::of(&to(3, 4)), &site()).await, "`shop` has 5, not 3");
    // Somebody else is faster than the second request: the scaler refuses, and their number stands.
    let seen = tool.things["shop"].by.look().await.unwrap();
    *fake.count.lock().unwrap() = 6;
    let said = tool.things["shop"].by.set(&seen, 4, &site()).await;
    assert!(matches!(&said, Err(ToolError::NotApplied(why)) if why.contains("has changed since it was looked at")), "{said:?}");
    assert_eq!(*fake.count.lock().unwrap(), 6);
}

#[tokio::test]
async fn a_scaler_that_could_refuse_nothing_is_not_used() {
    let fake = Fake::default();
    let tool = scaler(&fake).await;
    refused(&tool.call(Args::of(&to(0, 2)), &site()).await, "shows no strong entity tag");
    assert!(fake.seen.lock().unwrap().iter().all(|line| line.starts_with("GET")));
}

#[tokio::test]
async fn arguments_that_are_none_ask_nobody() {
    let fake = Fake { tagged: true, ..Fake::default() };
    let tool = scaler(&fake).await;
    for (name, value) in [
        ("service", json!("other")),
        ("to", json!(7)),
        ("to", json!(0)),
        ("to", json!(2)),
        ("from", json!(-1)),
        ("to", json!("4")),
        ("x", json!(1)),
    ] {
        let mut call = to(2, 4);
        call.with.insert(name.into(), value.clone());
        assert!(tool.effect(&Args::of(&call)).is_err(), "{name} {value}");
    }
    assert_eq!(tool.effect(&Args::of(&to(2, 4))), Ok(EffectClass::Cas));
    assert!(fake.seen.lock().unwrap().is_empty());
}
