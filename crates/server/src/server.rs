//! Listening: loopback unless somebody says otherwise, bounded in every direction, and an end that lets requests finish.

mod connection;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::limit::RequestBodyLimitLayer;

use crate::guard::{HANDLER_TIME, guard};
use crate::{App, Code, Problem, Settings, api, console, mcp, sign_in};

/// Largest body, in bytes: Alertmanager's in a storm; nothing else comes near.
pub(crate) const BODY_MAX: usize = 1 << 20;
/// Most requests that are answered at once; more wait. Long polls hold a place each.
const REQUESTS_MAX: usize = 512;
/// How long requests may take to finish once the server is told to stop.
const DRAIN: Duration = HANDLER_TIME;

/// Why the server does not listen, or no longer does.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address that others can reach, and nobody said that this is meant.
    #[error("`{0}` is not loopback: Lineclear speaks plain HTTP, put TLS in front of it and say so")]
    NotLoopback(SocketAddr),
    /// The socket failed.
    #[error("the listening socket failed")]
    Socket(#[from] io::Error),
}

/// Every face, behind the guard that every request passes.
pub fn router(app: &App) -> Router {
    let own = Router::new().merge(api::router()).merge(sign_in::router()).with_state(app.clone());
    // What reads bodies without axum's extractors is bounded here.
    let mcp = mcp::router(app).layer(RequestBodyLimitLayer::new(BODY_MAX));
    own.merge(mcp)
        .merge(console::router(app))
        .fallback(async || Problem::new(Code::NotFound))
        .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(GlobalConcurrencyLimitLayer::new(REQUESTS_MAX))
        .layer(axum::middleware::from_fn_with_state(app.clone(), guard))
}

fn may_listen(address: SocketAddr, settings: &Settings) -> Result<(), ServeError> {
    let allowed = address.ip().is_loopback() || settings.beyond_loopback;
    if allowed { Ok(()) } else { Err(ServeError::NotLoopback(address)) }
}

/// Serves until `stop`; then takes no more connections, ends streams, and lets requests finish.
///
/// # Errors
/// When the address is not loopback and the settings do not allow that, or the socket fails.
pub async fn serve(mut app: App, listener: TcpListener, stop: CancellationToken) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    may_listen(address, &app.settings)?;
    app.stop = stop.clone();
    tracing::info!(%address, url = app.settings.public_url(), simulated = app.settings.simulated, "listening");
    let service = router(&app);
    let told = stop.clone();
    let serving = axum::serve(connection::Bounded::new(listener), service).with_graceful_shutdown(async move { told.cancelled().await });
    tokio::select! {
        ended = async { serving.await } => ended?,
        () = async { stop.cancelled().await; tokio::time::sleep(DRAIN).await } => {
            tracing::warn!("some connections did not end in time and were cut");
        }
    }
    Ok(())
}
