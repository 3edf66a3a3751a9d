use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method as AxumMethod, StatusCode, Uri};
use axum::response::IntoResponse as _;
use lineclear_core::run::{AttemptKey, Direction};

use super::*;
use crate::control::{call, id};

/// What the fake service was sent.
type Seen = Arc<Mutex<Vec<String>>>;

fn site(millis: u64) -> Site {
    let key = AttemptKey { run: id("run", 1), step: "only".parse().unwrap(), direction: Direction::Do, number: 1 };
    Site { key, budget: Duration::from_millis(millis) }
}

/// A fake service that remembers what it was sent and answers by path.
async fn fake() -> (Http, Seen) {
    async fn answer(State(seen): State<Seen>, method: AxumMethod, uri: Uri, headers: HeaderMap, body: String) -> axum::response::Response {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned();
        seen.lock().unwrap().push(format!("{method} {uri} {} {} {body}", header("authorization"), header("idempotency-key")));
        match uri.path() {
            "/base/state" => r#"{"replicas":3,"name":"shop"}"#.into_response(),
            "/base/moved" => (StatusCode::FOUND, [("location", "/base/state")]).into_response(),
            "/base/missing" => StatusCode::NOT_FOUND.into_response(),
            "/base/broken" => StatusCode::BAD_GATEWAY.into_response(),
            "/base/huge" => "x".repeat(BODY_MAX + 1).into_response(),
            "/base/silent" => std::future::pending().await,
            _ => "plain".into_response(),
        }
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/base/", listener.local_addr().unwrap());
    let seen = Seen::default();
    let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let service = Service { url, bearer: Some(crate::secret::Secret::new("token")) };
    let gone = Service { url: "http://127.0.0.1:1".into(), bearer: None };
    (Http::new(&BTreeMap::from([("svc".to_owned(), service), ("gone".to_owned(), gone)])).unwrap(), seen)
}

fn put(path: &str, body: &Value) -> ToolCall {
    call("http", json!({"service": "svc", "method": "PUT", "path": path, "body": body, "effect": "converge"}))
}

#[tokio::test]
async fn a_request_goes_to_its_service_with_its_token_and_key() {
    let (tool, seen) = fake().await;
    let with = json!({"service": "svc", "method": "POST", "path": "/purge/x?a=1", "expect_status": [200], "effect": "keyed"});
    let purge = call("http", with);
    assert_eq!(tool.effect(&Args::of(&purge)), Ok(EffectClass::Keyed));
    let output = tool.call(Args::of(&purge), &site(5_000)).await.unwrap();
    assert_eq!(output, json!({"status": 200, "body": "plain"}));
    let key = spelled(&site(0).key);
    assert_eq!(*seen.lock().unwrap(), [format!("POST /base/purge/x?a=1 Bearer token {key} ")]);
    let once = call("http", json!({"service": "svc", "method": "POST", "path": "/x"}));
    assert_eq!(tool.effect(&Args::of(&once)), Ok(EffectClass::Once));
    tool.call(Args::of(&once), &site(5_000)).await.unwrap();
    assert_eq!(seen.lock().unwrap()[1], "POST /base/x Bearer token - ");
}

#[tokio::test]
async fn an_answer_says_whether_anything_was_done() {
    let (tool, seen) = fake().await;
    let outcome = async |service: &str, path: &str| {
        let call = call("http", json!({"service": service, "method": "POST", "path": path}));
        match tool.call(Args::of(&call), &site(400)).await {
            Ok(_) => "done",
            Err(ToolError::NotApplied(_)) => "not applied",
            Err(ToolError::Partly(_)) => "partly",
            Err(ToolError::Unknown(_)) => "unknown",
        }
    };
    assert_eq!(outcome("svc", "/x").await, "done");
    assert_eq!(outcome("svc", "/missing").await, "not applied");
    assert_eq!(outcome("svc", "/broken").await, "unknown");
    assert_eq!(outcome("svc", "/huge").await, "unknown");
    assert_eq!(outcome("svc", "/silent").await, "unknown");
    // Not followed.
    let before = seen.lock().unwrap().len();
    assert_eq!(outcome("svc", "/moved").await, "unknown");
    assert_eq!(seen.lock().unwrap().len(), before + 1);
    assert_eq!(outcome("gone", "/x").await, "not applied");
    assert_eq!(outcome("other", "/x").await, "not applied");
}

#[tokio::test]
async fn a_check_compares_status_and_members() {
    let (tool, _seen) = fake().await;
    let look = async |path: &str, json: Value| {
        let call = call("http", json!({"service": "svc", "method": "GET", "path": path, "expect_json": json}));
        tool.check(Args::of(&call)).await.map(|look| look.holds)
    };
    assert_eq!(look("/state", json!({"/replicas": 3})).await, Ok(true));
    assert_eq!(look("/state", json!({"/replicas": 3, "/name": "shop"})).await, Ok(true));
    assert_eq!(look("/state", json!({"/replicas": "3"})).await, Ok(false));
    assert_eq!(look("/state", json!({"/other": null})).await, Ok(false));
    assert_eq!(look("/missing", json!({})).await, Ok(false));
    assert!(look("/broken", json!({})).await.is_err());
    assert!(tool.check(Args::of(&put("/state", &json!({})))).await.is_err());
}

#[tokio::test]
async fn a_preview_shows_what_it_can_and_says_what_it_cannot() {
    let (tool, seen) = fake().await;
    let scale = put("/state", &json!({"replicas": 6}));
    let preview = tool.preview(Args::of(&scale), Some(&put("/state", &json!({"replicas": 3})))).await.unwrap();
    assert_eq!(preview.before, json!({"replicas": 3, "name": "shop"}));
    assert_eq!(preview.after, json!({"replicas": 6, "name": "shop"}));
    assert!(preview.reversible);
    assert_eq!(preview.summary, "`PUT /state` is sent to `svc`");
    assert!(!tool.preview(Args::of(&scale), Some(&put("/state", &json!({"replicas": 2})))).await.unwrap().reversible);
    assert!(!tool.preview(Args::of(&scale), Some(&put("/other", &json!({"replicas": 3})))).await.unwrap().reversible);
    let blind = tool.preview(Args::of(&put("/missing", &json!({}))), None).await.unwrap();
    assert_eq!((blind.before, blind.after, blind.reversible), (Value::Null, Value::Null, false));
    assert!(blind.summary.contains("preview unavailable"));
    assert!(seen.lock().unwrap().iter().all(|line| line.starts_with("GET ")), "a preview changes nothing");
}

#[test]
fn a_path_stays_where_it_belongs() {
    for good in ["/", "/a/b-c_d.e", "/a?x=1&y=2", "/a%20b", "/~x"] {
        assert!(checked_path(good).is_ok(), "{good}");
    }
    let bad = [
        "",
        "a",
        "//evil.test/",
        "/../x",
        "/a/..",
        "/%2e%2e/x",
        "/a%2Fb",
        "/a b",
        "/a\n",
        "/a\r\nHost: x",
        "/a\\b",
        "/a#b",
        "/ü",
        "/a/./b",
    ];
    for bad in bad.into_iter().map(str::to_owned).chain([format!("/{}", "a".repeat(PATH_MAX))]) {
        assert!(checked_path(&bad).is_err(), "{bad}");
    }
}

#[test]
fn an_address_in_the_runners_file_is_plain() {
    assert!(base("http://127.0.0.1:8080").is_ok() && base("https://host.test/base/").is_ok());
    for bad in ["", "x", "ftp://host.test", "http://user@host.test", "http://user:secret@host.test", "http://host.test/?a", "file:///etc"] {
        assert!(base(bad).is_err(), "{bad}");
    }
}
