//! Signals come in.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use bytes::Bytes;
use http::HeaderMap;
use lineclear_connect::WebhookError;
use lineclear_connect::alertmanager::parse;
use lineclear_core::IncidentId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::bearer;
use crate::json::unread;
use crate::{App, Code, Problem};

/// What became of a body of signals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Taken {
    /// Signals in the body, the same one twice counted once.
    received: usize,
    /// Of these, signals that were news.
    new: usize,
    /// The incidents that were touched.
    #[schema(value_type = Vec<String>)]
    incidents: Vec<IncidentId>,
}

/// Takes an Alertmanager webhook, version 4, with a webhook token as bearer. Sending it again is safe.
#[utoipa::path(post, path = "/hooks/alertmanager", tag = "signals",
    request_body(content = Object, description = "Alertmanager's webhook body, at most 1 MiB"),
    responses((status = 200, description = "Taken", body = Taken)))]
pub(super) async fn alertmanager(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Taken>, Problem> {
    if !bearer(&headers).is_some_and(|token| app.auth.webhook(token, app.engine.now())) {
        return Err(Problem::new(Code::Unauthenticated));
    }
    let body = body.map_err(|rejection| unread(&rejection))?;
    let signals = parse(&body).map_err(refused)?;
    let received = app.engine.receive(signals).await?;
    Ok(Json(Taken { received: received.new + received.known, new: received.new, incidents: received.incidents }))
}

fn refused(error: WebhookError) -> Problem {
    let detail = error.to_string();
    match error {
        WebhookError::TooLarge { .. } => Problem::with(Code::TooLarge, detail),
        WebhookError::TooMany { .. } => Problem::with(Code::BadWebhook, detail).at("/alerts"),
        WebhookError::Json(_) => Problem::with(Code::NotJson, detail),
        WebhookError::Twice(at) => Problem::with(Code::DuplicateMember, detail).at(at),
        WebhookError::Member { at, .. } => Problem::with(Code::BadWebhook, detail).at(at),
    }
}
