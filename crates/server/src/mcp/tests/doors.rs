//! Who passes, from where, and with how much.

use axum::body::{Body, to_bytes};
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use serde_json::json;
use tower::ServiceExt as _;

use super::{ACCEPT, message, post};
use crate::Machine;
use crate::rig::{AGENT, EXPIRED_AGENT, Rig, agent};

#[tokio::test]
async fn only_an_agent_with_a_living_token_passes() {
    let rig = Rig::quiet().await;
    let list = message("tools/list", &json!({}));
    for token in ["", "wrong", EXPIRED_AGENT] {
        let reply = post(&rig, token, &list).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{token}");
        assert!(reply.headers[WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer"), "{token}");
    }
    let nobody = rig.send(Method::POST, "/mcp", &[("accept", ACCEPT)], Some(&list.to_string())).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    assert!(nobody.headers[WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer"));
    assert_eq!(post(&rig, AGENT, &list).await.status, StatusCode::OK);
}

#[tokio::test]
async fn people_do_not_speak_here_neither_by_token_nor_by_session() {
    let rig = Rig::quiet().await;
    let list = message("tools/list", &json!({}));
    let by_token = post(&rig, &rig.operator_token("alice"), &list).await;
    assert_eq!(by_token.problem(), "403 agents_only: only an agent can do this");
    let cookie = rig.sign_in("alice").await;
    let headers = [("cookie", cookie.as_str()), ("accept", ACCEPT), ("sec-fetch-site", "same-origin")];
    let by_session = rig.send(Method::POST, "/mcp", &headers, Some(&list.to_string())).await;
    assert_eq!(by_session.problem(), "403 agents_only: only an agent can do this");
}

#[tokio::test]
async fn other_hosts_and_other_sites_are_refused() {
    let rig = Rig::new("https://line.example").await;
    let list = message("tools/list", &json!({})).to_string();
    let token = format!("Bearer {AGENT}");
    let check = async |host: &str, origin: &str, expected: StatusCode| {
        let mut headers = vec![("authorization", token.as_str()), ("accept", ACCEPT), ("host", host)];
        if !origin.is_empty() {
            headers.push(("origin", origin));
        }
        let reply = rig.send(Method::POST, "/mcp", &headers, Some(&list)).await;
        assert_eq!(reply.status, expected, "{host} {origin}");
    };
    for origin in
        ["", "https://line.example", "https://line.example:443", "http://127.0.0.1:6274", "http://localhost:6274", "http://[::1]:1"]
    {
        check("line.example", origin, StatusCode::OK).await;
    }
    for origin in ["https://evil.example", "null", "http://line.example", "https://line.example:444", "https://localhost", "no origin", "x"]
    {
        check("line.example", origin, StatusCode::FORBIDDEN).await;
    }
    check("localhost:7171", "", StatusCode::OK).await;
    for host in ["evil.example", "line.example.evil.example", "10.0.0.1"] {
        check(host, "", StatusCode::MISDIRECTED_REQUEST).await;
    }
}

#[tokio::test]
async fn a_large_body_is_refused() {
    let rig = Rig::quiet().await;
    let large = message("tools/call", &json!({"name": "list_actions", "arguments": {"padding": "x".repeat(2 << 20)}}));
    assert_eq!(post(&rig, AGENT, &large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_body_that_two_readers_may_read_differently_is_refused() {
    let rig = Rig::quiet().await;
    let token = format!("Bearer {AGENT}");
    let headers = [("authorization", token.as_str()), ("accept", ACCEPT)];
    let send = async |body: &str| rig.send(Method::POST, "/mcp", &headers, Some(body)).await;
    let twice = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_actions","name":"withdraw_change"}}"#;
    assert_eq!(send(twice).await.problem(), "400 duplicate_member at /params/name: `/params/name` is there twice");
    let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"x":{}{}}}}}"#, "[".repeat(99), "]".repeat(99));
    assert_eq!(send(&deep).await.json()["code"], "too_deep");
    assert!(send("{").await.status.is_client_error());
}

#[tokio::test]
async fn there_are_no_sessions_and_no_streams_to_open() {
    let rig = Rig::quiet().await;
    let token = format!("Bearer {AGENT}");
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let headers = [("authorization", token.as_str()), ("accept", ACCEPT), ("mcp-session-id", "somebody-else")];
        let reply = rig.send(method.clone(), "/mcp", &headers, None).await;
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    let answer = post(&rig, AGENT, &message("tools/list", &json!({}))).await;
    assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
    assert!(!answer.headers.contains_key("mcp-session-id"));
}

#[tokio::test]
async fn the_token_itself_goes_no_further_than_the_gate() {
    let rig = Rig::quiet().await;
    let behind = axum::routing::post(async |axum::Extension(Machine(agent)): axum::Extension<Machine>, headers: HeaderMap| {
        format!("{agent} {:?}", headers.keys().map(HeaderName::as_str).collect::<Vec<_>>())
    });
    let gate = axum::middleware::from_fn_with_state(rig.app.clone(), super::super::gate::admit);
    let request = Request::post("/").header("authorization", format!("Bearer {AGENT}")).header("cookie", "a=b").header("accept", ACCEPT);
    let router = axum::Router::new().route("/", behind).route_layer(gate);
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let seen = to_bytes(response.into_body(), 1_000).await.unwrap();
    assert_eq!(seen, format!("{} [\"accept\"]", agent("triage-agent")));
}
