//! The client against a fake Prometheus, which says of itself that it is a fake and answers as badly as sources do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::Sources;

const NOW: Timestamp = Timestamp::from_micros(1_795_400_047_000_000);

/// The queries that the fake was asked, in order.
type Asked = Arc<Mutex<Vec<String>>>;

/// What the fake answers.
type Answer = axum::response::Response;

struct Fake {
    address: String,
    asked: Asked,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn fake() -> Fake {
    let asked = Asked::default();
    let routes = Router::new()
        .route("/metrics/api/v1/query", post(answer))
        .route("/elsewhere", get(elsewhere).post(elsewhere))
        .with_state(Arc::clone(&asked));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/metrics", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    Fake { address, asked, server }
}

async fn elsewhere(State(asked): State<Asked>) -> Answer {
    asked.lock().unwrap().push("followed a redirect".into());
    success("scalar", r#"[1795400046.5,"1"]"#)
}

fn success(kind: &str, result: &str) -> Answer {
    let body = format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#);
    ([(header::SERVER, "fake-prometheus-for-tests")], body).into_response()
}

fn error(status: StatusCode, kind: &str) -> Answer {
    let body = format!(r#"{{"status":"error","errorType":"{kind}","error":"prose that must not get out"}}"#);
    (status, [(header::SERVER, "fake-prometheus-for-tests")], body).into_response()
}

/// The query tells which fault is wanted.
async fn answer(State(asked): State<Asked>, Form(form): Form<BTreeMap<String, String>>) -> Answer {
    assert_eq!(form.keys().collect::<Vec<_>>(), ["query"]);
    let query = form["query"].clone();
    asked.lock().unwrap().push(query.clone());
    match query.as_str() {
        "timestamp(up)" | "timestamp(gone)" | r#"timestamp(up{a="b"})"# => {
            success("vector", r#"[{"metric":{},"value":[1795400046.5,"1795400032.25"]}]"#)
        }
        "up" | r#"up{a="b"}"# | "sum(up)" => success("vector", r#"[{"metric":{},"value":[1795400046.5,"0.973"]}]"#),
        "1" => success("scalar", r#"[1795400046.5,"1"]"#),
        "gone" | "timestamp(none)" => success("vector", "[]"),
        "+several" => success("vector", r#"[{"metric":{},"value":[1,"1"]},{"metric":{},"value":[1,"1"]}]"#),
        "+nan" => success("vector", r#"[{"metric":{},"value":[1795400046.5,"NaN"]}]"#),
        "+garbage" => "\u{0}\u{1}{{{".into_response(),
        "+bad" | "timestamp(refused)" => error(StatusCode::BAD_REQUEST, "bad_data"),
        "+unprocessable" => error(StatusCode::UNPROCESSABLE_ENTITY, "execution"),
        "+gateway" => (StatusCode::BAD_GATEWAY, "<html>").into_response(),
        "+redirect" => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/elsewhere")]).into_response(),
        "+large" => vec![b' '; 5 << 20].into_response(),
        "+largest" => {
            let mut body = br#"{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}"#.to_vec();
            body.resize(ANSWER_MAX, b' ');
            body.into_response()
        }
        "+slow" => std::future::pending().await,
        other => panic!("the fake knows no `{other}`"),
    }
}

fn value(value: &str, observed_micros: i64) -> Reading {
    Reading::Value { value: value.parse().unwrap(), observed: Timestamp::from_micros(observed_micros) }
}

async fn check(query: &str, expected: &Reading, questions: &[&str]) {
    let fake = fake().await;
    let timeout = if query == "+slow" { Span::from_millis(200) } else { Span::from_secs(20) };
    let reading = Prometheus::new(&fake.address, timeout).unwrap().ask(query, NOW).await;
    assert_eq!(&reading, expected, "{query}");
    assert_eq!(*fake.asked.lock().unwrap(), questions, "{query}");
}

#[tokio::test]
async fn a_plain_selector_is_as_old_as_its_scrape() {
    check("up", &value("0.973", 1_795_400_032_250_000), &["timestamp(up)", "up"]).await;
    check(r#"up{a="b"}"#, &value("0.973", 1_795_400_032_250_000), &[r#"timestamp(up{a="b"})"#, r#"up{a="b"}"#]).await;
}

#[tokio::test]
async fn any_other_expression_is_as_old_as_its_evaluation() {
    check("sum(up)", &value("0.973", 1_795_400_046_500_000), &["sum(up)"]).await;
    check("1", &value("1", 1_795_400_046_500_000), &["1"]).await;
}

#[tokio::test]
async fn a_selector_whose_age_is_unknown_has_no_value() {
    check("none", &absent("no series"), &["timestamp(none)"]).await;
    check("gone", &absent("no series"), &["timestamp(gone)", "gone"]).await;
    check("refused", &absent("query failed: bad_data"), &["timestamp(refused)"]).await;
}

#[tokio::test]
async fn every_fault_of_a_source_is_a_short_reason() {
    let faults = [
        ("+several", "several series"),
        ("+nan", "not a number"),
        ("+garbage", "answer not understood"),
        ("+bad", "query failed: bad_data"),
        ("+unprocessable", "query failed: execution"),
        ("+gateway", "query failed: http 502"),
        ("+redirect", "query failed: http 307"),
        ("+large", "answer too large"),
        ("+slow", "source unreachable"),
    ];
    for (query, why) in faults {
        check(query, &absent(why), &[query]).await;
    }
    check("+largest", &value("7", 1_000_000), &["+largest"]).await;
    check(&"+".repeat(QUERY_MAX + 1), &absent("query too long"), &[]).await;
}

/// A server of raw bytes: after the request it sends `head`, then `more` until the client goes away, or nothing when empty.
async fn raw(head: &'static str, more: &'static [u8]) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut request = [0_u8; 4_096];
        let _read = client.read(&mut request).await;
        client.write_all(head.as_bytes()).await.unwrap();
        if more.is_empty() {
            // Until the client hangs up.
            while client.read(&mut request).await.is_ok_and(|read| read > 0) {}
        }
        while client.write_all(more).await.is_ok() && !more.is_empty() {}
    });
    (address, server)
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let chunk: &[u8] = b"10\r\n                \r\n";
    let (address, server) = raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunk).await;
    let reading = Prometheus::new(&address, Span::from_secs(20)).unwrap().ask("sum(up)", NOW).await;
    assert_eq!(reading, absent("answer too large"));
    server.await.unwrap();
}

#[tokio::test]
async fn an_answer_that_stops_half_way_is_given_up() {
    let (address, server) = raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", b"").await;
    let reading = Prometheus::new(&address, Span::from_millis(200)).unwrap().ask("sum(up)", NOW).await;
    assert_eq!(reading, absent("source unreachable"));
    server.await.unwrap();
}

#[tokio::test]
async fn a_source_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let reading = Prometheus::new(&address, Span::from_secs(20)).unwrap().ask("up", NOW).await;
    assert_eq!(reading, absent("source unreachable"));
}

#[tokio::test]
async fn sources_are_asked_by_name() {
    let fake = fake().await;
    let addresses = [("one".to_owned(), fake.address.clone()), ("two".to_owned(), "http://127.0.0.1:1".to_owned())].into();
    let sources = Sources::new(&addresses, Span::from_secs(20)).unwrap();
    assert_eq!(sources.ask("one", "up", NOW).await, value("0.973", 1_795_400_032_250_000));
    assert_eq!(sources.ask("two", "up", NOW).await, absent("source unreachable"));
    assert_eq!(sources.ask("three", "up", NOW).await, absent("no such source"));
}

fn check_address(base: &str, expected: Result<&str, &str>) {
    let made = query_address(base).map(|address| address.to_string()).map_err(|error| error.to_string());
    assert_eq!(made.as_deref().map_err(String::as_str), expected);
}

#[test]
fn an_address_is_a_plain_http_address() {
    check_address("http://127.0.0.1:9090", Ok("http://127.0.0.1:9090/api/v1/query"));
    check_address("https://example.test/prometheus//", Ok("https://example.test/prometheus/api/v1/query"));
    check_address(
        "example.test:9090",
        Err("`example.test:9090` is no address of a Prometheus: it begins with `http://` or `https://` and names a host"),
    );
    check_address(
        "file:///etc",
        Err("`file:///etc` is no address of a Prometheus: it begins with `http://` or `https://` and names a host"),
    );
    check_address("", Err("`` is no address of a Prometheus: it is no URL"));
    check_address("http://a/?b", Err("`http://a/?b` is no address of a Prometheus: it may hold no `?` and no `#`"));
}

#[test]
fn a_password_in_an_address_is_refused_and_not_shown() {
    for base in ["http://alice:secret@example.test", "http://alice:secret@exa mple.test", "ftp://secret@example.test"] {
        let error = Prometheus::new(base, Span::from_secs(1)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{base}");
    }
}

#[test]
fn https_has_a_provider_and_fails_only_for_want_of_trusted_certificates() {
    let made = Prometheus::new("https://example.test", Span::from_secs(1));
    assert!(matches!(made, Ok(_) | Err(PrometheusError::Client(_))), "{made:?}");
}

#[test]
fn a_timeout_has_bounds() {
    let made = |timeout| Prometheus::new("http://127.0.0.1:9090", timeout).map(drop);
    assert_eq!(made(TIMEOUT_MAX), Ok(()));
    assert_eq!(made(Span::ZERO), Err(PrometheusError::Timeout(Span::ZERO)));
    let long = TIMEOUT_MAX.as_secs() + 1;
    assert_eq!(made(Span::from_secs(long)), Err(PrometheusError::Timeout(Span::from_secs(31))));
}
