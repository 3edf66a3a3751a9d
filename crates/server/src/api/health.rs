//! For what watches this process: alive, ready, and counts.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::{App, Problem};

/// Alive.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "Alive", body = String, content_type = "text/plain")), security(()))]
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// Ready: the store answers.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, description = "Ready", body = String, content_type = "text/plain")), security(()))]
pub(super) async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    app.engine.store().head().await?;
    Ok("ready\n")
}

/// Counts in Prometheus's text format. Known callers, or anybody on this machine while the installation is reached there only.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, description = "Counts", body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    // Behind a proxy every connection comes from loopback, so where it comes from says nothing.
    if app.settings.secure() || app.settings.beyond_loopback {
        app.caller(&headers)?;
    }
    let text = written(&app).await?;
    let mut response = text.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    Ok(response)
}

async fn written(app: &App) -> Result<String, Problem> {
    let store = app.engine.store();
    let counts = store.counts().await?;
    let size = store.head().await?.size;
    let installation = app.engine.installation().await?;
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, lines: &[(String, u64)]| {
        // Writing to a string does not fail.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
        for (labels, value) in lines {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let lines: Vec<(String, u64)> =
        counts.iter().map(|(kind, word, count)| (format!("{{kind=\"{kind}\",state=\"{word}\"}}"), *count)).collect();
    gauge("lineclear_machines", "Changes, approvals, runs and incidents by state.", &lines);
    gauge("lineclear_epoch", "The fencing number of this engine's life.", &[(String::new(), installation.epoch)]);
    gauge("lineclear_ledger_entries", "Entries in the ledger.", &[(String::new(), size)]);
    let rank = u64::try_from(installation.posture.rank()).unwrap_or_default();
    gauge("lineclear_posture", "The autonomy that remains: 0 (stopped) to 3 (full).", &[(String::new(), rank)]);
    Ok(text)
}
