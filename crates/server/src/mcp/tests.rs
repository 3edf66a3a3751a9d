//! Tests of the face for agents: what is offered, who passes, what each tool answers, and both revisions of the protocol.

mod doors;
mod protocol;
mod states;
mod strict;
mod tools;

use http::Method;
use serde_json::{Value, json};

use crate::rig::{AGENT, Reply, Rig};

/// Sends one message to the endpoint, as a client of revision 2025-11-25 does.
async fn post(rig: &Rig, token: &str, message: &Value) -> Reply {
    let token = format!("Bearer {token}");
    let headers = [("authorization", token.as_str()), ("accept", ACCEPT), ("mcp-protocol-version", "2025-11-25")];
    rig.send(Method::POST, "/mcp", &headers, Some(&message.to_string())).await
}

const ACCEPT: &str = "application/json, text/event-stream";

fn message(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
}

/// The result of a tool, as this agent gets it.
async fn result(rig: &Rig, token: &str, tool: &str, arguments: &Value) -> Value {
    let reply = post(rig, token, &message("tools/call", &json!({"name": tool, "arguments": arguments}))).await;
    let answer = reply.json();
    assert_eq!((reply.status.as_u16(), &answer["id"]), (200, &json!(7)), "{answer}");
    answer["result"].clone()
}

/// The structured answer of a tool that did what it was asked.
async fn call(rig: &Rig, token: &str, tool: &str, arguments: &Value) -> Value {
    let result = result(rig, token, tool, arguments).await;
    assert_eq!(result["isError"], json!(false), "{result}");
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, result["structuredContent"], "both forms say the same");
    text
}

/// Code, pointer and message of a tool that refused.
async fn refused(rig: &Rig, token: &str, tool: &str, arguments: &Value) -> String {
    let result = result(rig, token, tool, arguments).await;
    assert_eq!(result["isError"], json!(true), "{result}");
    let said = &result["structuredContent"];
    assert!(said["help"].as_str().is_some_and(|help| !help.is_empty() && !help.contains("GET /api")), "{said}");
    let at = said["pointer"].as_str().map(|pointer| format!(" at {pointer}")).unwrap_or_default();
    format!("{}{at}: {}", said["code"].as_str().unwrap(), said["message"].as_str().unwrap())
}

/// A change that the triage agent proposed, waiting for people.
async fn pending(rig: &Rig, proposal: &Value) -> String {
    let answer = call(rig, AGENT, "propose_change", proposal).await;
    assert_eq!(answer["status"], "pending_approval", "{answer}");
    answer["change"].as_str().unwrap().to_owned()
}
