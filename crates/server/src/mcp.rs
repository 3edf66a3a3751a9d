//! The face for agents: the Model Context Protocol at `/mcp`, revision 2026-07-28 and older ones at one endpoint.
//!
//! An agent lists, checks, proposes, waits, reads and withdraws here. Nothing here approves: that takes a named person, and
//! no tool stands in for one.

mod agents;
mod answer;
mod arguments;
mod finding;
mod gate;
mod next;
mod offer;
mod refusal;
#[cfg(test)]
mod tests;
mod tools;

use std::sync::Arc;

use axum::Router;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};

use crate::App;
use crate::server::BODY_MAX;
use agents::Agents;

/// Where agents connect.
const PATH: &str = "/mcp";

/// The routes of this face, to be merged at the root.
pub fn router(app: &App) -> Router {
    let agents = Agents::new(app.clone());
    let sessions = Arc::new(NeverSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(agents.clone()), sessions, config(app.settings.public_url()));
    Router::new().route_service(PATH, service).route_layer(axum::middleware::from_fn_with_state(app.clone(), gate::admit))
}

/// No sessions, so that nothing but the token of each request says who speaks; pages of other sites are refused. The stop
/// of the server is not given on: it would cut answers off, and every wait here ends by itself then.
fn config(public_url: &str) -> StreamableHttpServerConfig {
    let authority = public_url.split_once("://").map_or(public_url, |(_, authority)| authority);
    let local = ["localhost", "127.0.0.1", "[::1]"];
    let origins = local.map(|host| format!("http://{host}:*")).into_iter().chain([with_port(public_url, authority)]);
    StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(BODY_MAX)
        .with_allowed_hosts(local.into_iter().chain([authority]))
        .with_allowed_origins(origins)
        .enforce_origin_validation()
}

/// An origin without a port would match every port.
fn with_port(origin: &str, authority: &str) -> String {
    let given = authority.parse::<http::uri::Authority>().is_ok_and(|authority| authority.port().is_some());
    match (given, origin.starts_with("https://")) {
        (true, _) => origin.to_owned(),
        (false, true) => format!("{origin}:443"),
        (false, false) => format!("{origin}:80"),
    }
}
