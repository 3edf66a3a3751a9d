//! One endpoint, two lives: the handshake of 2025-11-25 and before, and the stateless requests of 2026-07-28; by hand, and
//! through a client that somebody else wrote.

use http::{Method, StatusCode};
use rmcp::RoleClient;
use rmcp::model::{CallToolRequestParams, ClientConfig, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::super::tools::{INSTRUCTIONS, NAMES};
use super::{ACCEPT, call, message, pending, post};
use crate::rig::{AGENT, PATIENCE, Reply, Rig, dns};

/// A message as revision 2026-07-28 sends it.
async fn stateless(rig: &Rig, method: &str, name: Option<&str>, mut params: Value) -> Reply {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "by-hand", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let token = format!("Bearer {AGENT}");
    let mut headers =
        vec![("authorization", token.as_str()), ("accept", ACCEPT), ("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
    headers.extend(name.map(|name| ("mcp-name", name)));
    rig.send(Method::POST, "/mcp", &headers, Some(&message(method, &params).to_string())).await
}

#[tokio::test]
async fn an_older_client_shakes_hands_and_calls() {
    let rig = Rig::quiet().await;
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let hello = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "by-hand", "version": "1"}});
        let token = format!("Bearer {AGENT}");
        let headers = [("authorization", token.as_str()), ("accept", ACCEPT)];
        let reply = rig.send(Method::POST, "/mcp", &headers, Some(&message("initialize", &hello).to_string())).await;
        let result = &reply.json()["result"];
        assert_eq!(result["protocolVersion"], version);
        assert_eq!(result["capabilities"], json!({"tools": {}}));
        assert_eq!((&result["serverInfo"]["name"], &result["instructions"]), (&json!("lineclear"), &json!(INSTRUCTIONS)));
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(post(&rig, AGENT, &ready).await.status, StatusCode::ACCEPTED);
        let listed = post(&rig, AGENT, &message("tools/call", &json!({"name": "list_actions"}))).await.json();
        assert_eq!(listed["result"]["isError"], false, "{listed}");
        assert!(listed["result"].get("resultType").is_none(), "older clients do not know it");
    }
}

#[tokio::test]
async fn a_stateless_client_discovers_and_calls() {
    let rig = Rig::quiet().await;
    let found = stateless(&rig, "server/discover", None, json!({})).await.json();
    assert!(found["result"]["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")), "{found}");
    let reply = stateless(&rig, "tools/call", Some("list_actions"), json!({"name": "list_actions", "arguments": {}})).await;
    let result = &reply.json()["result"];
    assert_eq!((&result["resultType"], &result["isError"]), (&json!("complete"), &json!(false)), "{result}");
    assert_eq!(result["structuredContent"]["estate"], "Northwind Hosting (example)");
    let told_otherwise = stateless(&rig, "tools/call", Some("get_change"), json!({"name": "list_actions", "arguments": {}})).await;
    assert_eq!(told_otherwise.status, StatusCode::BAD_REQUEST, "header and body name two tools");
}

#[tokio::test]
async fn what_is_not_offered_does_not_answer() {
    let rig = Rig::quiet().await;
    for method in ["prompts/list", "resources/list", "resources/templates/list", "tasks/get", "completion/complete", "logging/setLevel"] {
        let params = match method {
            "tasks/get" => json!({"taskId": "change_1"}),
            "completion/complete" => json!({"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "x", "value": "y"}}),
            "logging/setLevel" => json!({"level": "debug"}),
            _ => json!({}),
        };
        let old = post(&rig, AGENT, &message(method, &params)).await.json();
        assert_eq!(old["error"]["code"], -32601, "{method}: {old}");
        let name = params["taskId"].as_str().map(ToOwned::to_owned);
        let new = stateless(&rig, method, name.as_deref(), params).await.json();
        assert_eq!(new["error"]["code"], -32601, "{method}: {new}");
    }
    let unknown = post(&rig, AGENT, &message("tools/call", &json!({"name": "approve_change", "arguments": {}}))).await.json();
    assert_eq!(unknown["error"]["code"], -32602);
    assert_eq!(unknown["error"]["data"]["tools"], json!(NAMES));
}

/// The whole server on a port of its own.
async fn serve(rig: &Rig) -> (String, DropGuard) {
    lineclear_connect::install_tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(crate::serve(rig.app.clone(), listener, stop.clone()));
    (base, stop.drop_guard())
}

async fn connect(base: &str, token: &str, lifecycle: ClientLifecycleMode) -> Option<RunningService<RoleClient, ClientConfig>> {
    let config = StreamableHttpClientTransportConfig::with_uri(format!("{base}/mcp")).auth_header(token);
    let transport = StreamableHttpClientTransport::from_config(config);
    ClientConfig::default().serve_with_lifecycle(transport, lifecycle).await.ok()
}

async fn ask(client: &RunningService<RoleClient, ClientConfig>, tool: &'static str, arguments: Value) -> Value {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    let result = client.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await.unwrap();
    assert_eq!(result.is_error, Some(false), "{result:?}");
    result.structured_content.unwrap()
}

async fn story(lifecycle: ClientLifecycleMode) {
    let rig = Rig::busy().await;
    let (base, _stop) = serve(&rig).await;
    assert!(connect(&base, "wrong", lifecycle.clone()).await.is_none());
    let client = connect(&base, AGENT, lifecycle).await.unwrap();
    let tools = client.list_all_tools().await.unwrap();
    assert_eq!(tools.iter().map(|tool| tool.name.as_ref()).collect::<Vec<_>>(), NAMES);
    let proposed = ask(&client, "propose_change", dns()).await;
    assert_eq!((&proposed["status"], &proposed["verdict"]["word"]), (&json!("pending_approval"), &json!("needs_approval")), "{proposed}");
    let change = proposed["change"].clone();
    let waited = ask(&client, "wait_for_decision", json!({"change": change, "seconds": 0})).await;
    assert_eq!(waited["status"], "pending_approval");
    let (ended, withdrawn) = tokio::join!(
        ask(&client, "wait_for_decision", json!({"change": change})),
        ask(&client, "withdraw_change", json!({"change": change, "reason": "the address answers again"})),
    );
    assert_eq!((&withdrawn["state"], &ended["state"]), (&json!("withdrawn"), &json!("withdrawn")));
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_foreign_client_proposes_waits_and_withdraws_after_a_handshake() {
    story(ClientLifecycleMode::Initialize).await;
}

#[tokio::test]
async fn a_foreign_client_proposes_waits_and_withdraws_without_a_handshake() {
    story(ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }).await;
}

#[tokio::test]
async fn a_wait_ends_when_the_server_stops() {
    let rig = Rig::busy().await;
    let change = pending(&rig, &dns()).await;
    let begun = tokio::time::Instant::now();
    let arguments = json!({"change": change});
    let (answer, ()) = tokio::join!(call(&rig, AGENT, "wait_for_decision", &arguments), async { rig.app.stop.cancel() });
    assert_eq!(answer["status"], "pending_approval");
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}
