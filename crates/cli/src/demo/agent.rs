//! The scripted agent: a stranger that speaks MCP and holds nothing but a token.

use rmcp::model::{CallToolRequestParams, JsonObject};
use rmcp::service::{RoleClient, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ServiceExt as _, model::ClientConfig};
use serde_json::Value;

use super::DemoError;

/// A connected agent.
pub struct ScriptedAgent {
    session: RunningService<RoleClient, ClientConfig>,
}

impl ScriptedAgent {
    /// Connects to the MCP endpoint of `base`.
    ///
    /// # Errors
    /// When the endpoint refuses the token or speaks something else.
    pub async fn connect(base: &str, token: &str) -> Result<Self, DemoError> {
        let config = StreamableHttpClientTransportConfig::with_uri(format!("{base}/mcp")).auth_header(token);
        let transport = StreamableHttpClientTransport::from_config(config);
        let session = ClientConfig::default().serve(transport).await.map_err(|error| DemoError::Agent(error.to_string()))?;
        Ok(Self { session })
    }

    /// The names of the tools it is offered.
    ///
    /// # Errors
    /// When the endpoint does not answer.
    pub async fn tools(&self) -> Result<Vec<String>, DemoError> {
        let tools = self.session.list_all_tools().await.map_err(|error| DemoError::Agent(error.to_string()))?;
        Ok(tools.into_iter().map(|tool| tool.name.into_owned()).collect())
    }

    /// Calls a tool and returns its structured answer.
    ///
    /// # Errors
    /// When the tool refuses, or answers with nothing structured.
    pub async fn call(&self, tool: &'static str, arguments: Value) -> Result<Value, DemoError> {
        let arguments: JsonObject = match arguments {
            Value::Object(members) => members,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => JsonObject::new(),
        };
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        let result = self.session.call_tool(request).await.map_err(|error| DemoError::Agent(format!("{tool}: {error}")))?;
        let answer = result.structured_content.unwrap_or(Value::Null);
        if result.is_error == Some(true) {
            return Err(DemoError::Agent(format!("{tool}: {answer}")));
        }
        Ok(answer)
    }

    /// Says goodbye.
    pub async fn leave(self) {
        // The session ends either way.
        let _ = self.session.cancel().await;
    }
}
