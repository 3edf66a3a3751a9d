//! An agent as any other: an MCP client with a token.

use rmcp::ServiceExt as _;
use rmcp::model::{CallToolRequestParams, ClientConfig, JsonObject};
use rmcp::service::{RoleClient, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::Value;

/// A connected agent.
pub struct Agent(RunningService<RoleClient, ClientConfig>);

impl Agent {
    /// Connects.
    pub async fn connect(base: &str, token: &str) -> Self {
        let config = StreamableHttpClientTransportConfig::with_uri(format!("{base}/mcp")).auth_header(token);
        Self(ClientConfig::default().serve(StreamableHttpClientTransport::from_config(config)).await.unwrap())
    }

    /// Calls a tool and returns its structured answer.
    pub async fn call(&self, tool: &'static str, arguments: Value) -> Value {
        self.try_call(tool, arguments).await.unwrap()
    }

    /// The same; what went wrong, in words.
    pub async fn try_call(&self, tool: &'static str, arguments: Value) -> Result<Value, String> {
        let arguments: JsonObject = serde_json::from_value(arguments).unwrap();
        let called = self.0.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await;
        called.map(|result| result.structured_content.unwrap_or_default()).map_err(|error| error.to_string())
    }
}
