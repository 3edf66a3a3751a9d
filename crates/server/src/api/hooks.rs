//! Signals and news of changes come in: one address for each source that the estate names, and one for Alertmanager that
//! needs no naming.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use lineclear_connect::{Headers, Heard, ProofError, WebhookError, proof};
use lineclear_core::name::SourceName;
use lineclear_core::signal::{Proof, Signal, SignalSource, SourceKind};
use lineclear_core::{IncidentId, Span};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::json::unread;
use crate::{App, Code, Problem};

/// The source that is there without being named.
const BUILT_IN: &str = "alertmanager";
/// What senders put behind the address that they are given.
const SUFFIXES: [&str; 4] = ["v2/enqueue", "v2/change/enqueue", "api/v2/alerts", "api/v1/alerts"];
/// Longest key that is answered to a sender, in characters.
const DEDUP_MAX: usize = 255;

/// What became of a body.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Taken {
    /// Signals in the body, the same one twice counted once.
    received: usize,
    /// Of these, signals that were news.
    new: usize,
    /// The incidents that were touched.
    #[schema(value_type = Vec<String>)]
    incidents: Vec<IncidentId>,
    /// Changes that others made and that were news.
    changes: usize,
    /// Why nothing of the body concerns anybody here.
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored: Option<&'static str>,
}

/// Takes an Alertmanager webhook, version 4, with a webhook token as bearer. Sending it again is safe.
#[utoipa::path(post, path = "/hooks/alertmanager", tag = "signals",
    request_body(content = Object, description = "Alertmanager's webhook body, at most 1 MiB"),
    responses((status = 200, description = "Taken", body = Taken)))]
pub(super) async fn alertmanager(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    take(&app, BUILT_IN, &headers, body).await
}

/// Takes what a source of the estate sends, in its own format and with its own proof (`[signals.NAME]` in `lineclear.toml`).
/// Sending it again is safe.
#[utoipa::path(post, path = "/hooks/{source}", tag = "signals", operation_id = "source", params(("source" = String, Path, description = "The source's name")),
    request_body(content = Object, description = "A body in the source's format, at most 1 MiB"),
    responses((status = 200, description = "Taken", body = Taken), (status = 202, description = "Taken, in the words of the sender's product", body = Object)))]
pub(super) async fn source(
    State(app): State<App>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    take(&app, &source, &headers, body).await
}

/// The same for senders that put a path of their own behind the address: `PagerDuty`'s `v2/enqueue` and `v2/change/enqueue`,
/// Prometheus' `api/v2/alerts`.
#[utoipa::path(post, path = "/hooks/{source}/{suffix}", tag = "signals", operation_id = "suffixed",
    params(("source" = String, Path, description = "The source's name"), ("suffix" = String, Path, description = "The sender's own path")),
    request_body(content = Object, description = "A body in the source's format, at most 1 MiB"),
    responses((status = 200, description = "Taken", body = Taken), (status = 202, description = "Taken, in the words of the sender's product", body = Object)))]
pub(super) async fn suffixed(
    State(app): State<App>,
    Path((source, suffix)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    if !SUFFIXES.contains(&suffix.as_str()) {
        return Err(Problem::new(Code::NotFound));
    }
    take(&app, &source, &headers, body).await
}

async fn take(app: &App, name: &str, headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Response, Problem> {
    let estate = app.engine.estate();
    let known = name.parse::<SourceName>().ok().and_then(|name| estate.signals.get(&name));
    let built_in = SignalSource {
        kind: SourceKind::Alertmanager,
        proof: Proof::Token,
        replay: Span::ZERO,
        mapping: None,
        pages: true,
        topics: Vec::new(),
    };
    // Whoever asks for a source that is not there learns no more than whoever has no proof for one that is.
    let source = known.or((name == BUILT_IN).then_some(&built_in)).ok_or_else(|| Problem::new(Code::Unauthenticated))?;
    let body = body.map_err(|rejection| unread(&rejection))?;
    let pairs: Vec<(&str, &str)> = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let headers = Headers::new(&pairs);
    prove(app, name, source, headers, &body)?;
    let mapping = source.mapping.as_ref().and_then(|mapping| estate.mappings.get(mapping));
    let heard = lineclear_connect::read(name, source.kind, mapping, headers, &body, app.engine.now());
    match (source.kind, heard) {
        (SourceKind::Pagerduty, Err(error)) => Ok(invalid_event(&error)),
        (_, Err(error)) => Err(refused(error)),
        (SourceKind::Pagerduty, Ok(heard)) => {
            let key = dedup_key(&heard, &body);
            keep(app, source, heard).await?;
            let told = json!({"status": "success", "message": "Event processed", "dedup_key": key});
            Ok((StatusCode::ACCEPTED, Json(told)).into_response())
        }
        (_, Ok(heard)) => Ok(Json(keep(app, source, heard).await?).into_response()),
    }
}

/// Whether the sender has shown that it is the one.
fn prove(app: &App, name: &str, source: &SignalSource, headers: Headers<'_>, body: &[u8]) -> Result<(), Problem> {
    let now = app.engine.now();
    let tokens = || proof::presented(source.kind, headers, body);
    let held = match &source.proof {
        Proof::Nothing => Ok(true),
        Proof::Token => Ok(tokens().iter().fold(false, |held, token| held | app.auth.webhook(token, now))),
        Proof::Secret { secret } => secret_of(app, name, secret).map(|secret| proof::holds(&tokens(), &secret)),
        Proof::Signature { secret } => secret_of(app, name, secret).map(|secret| {
            let signed = proof::signed(source.kind, &secret, headers, body, now, source.replay);
            if let Err(error @ ProofError::Stale) = signed {
                tracing::warn!(source = name, %error, "a signed message was refused");
            }
            signed.is_ok()
        }),
    };
    if held? { Ok(()) } else { Err(Problem::new(Code::Unauthenticated)) }
}

fn secret_of(app: &App, name: &str, secret: &lineclear_core::signal::SecretName) -> Result<Vec<u8>, Problem> {
    app.auth.secret(secret).ok_or_else(|| {
        tracing::error!(source = name, "the secret of a source of signals is not there; what it sends is refused");
        Problem::new(Code::Unauthenticated)
    })
}

/// Keeps what was heard.
async fn keep(app: &App, source: &SignalSource, heard: Heard) -> Result<Taken, Problem> {
    match heard {
        Heard::Signals(signals) => {
            if let Some(topic) = signals.iter().filter_map(|signal| signal.labels.get("topic")).find(|topic| foreign(source, topic)) {
                return Err(Problem::with(Code::BadWebhook, format!("topic `{topic}` is not among the source's topics")).at("/TopicArn"));
            }
            let received = app.engine.receive(once(signals)).await?;
            Ok(Taken { received: received.new + received.known, new: received.new, incidents: received.incidents, ..Taken::default() })
        }
        Heard::Reports(reports) => Ok(Taken { changes: app.engine.take_reports(reports).await?, ..Taken::default() }),
        Heard::Nothing(why) => Ok(Taken { ignored: Some(why), ..Taken::default() }),
        Heard::Confirm { topic, url } => {
            if !source.topics.contains(&topic) {
                tracing::warn!(topic, "a topic asks to be confirmed and is not among the source's topics; nothing was opened");
                return Ok(Taken {
                    ignored: Some("the topic is not among the source's topics: a person confirms it, or names it"),
                    ..Taken::default()
                });
            }
            match lineclear_connect::confirm(&url).await {
                Ok(()) => Ok(Taken { ignored: Some("the subscription is confirmed"), ..Taken::default() }),
                Err(error) => {
                    tracing::error!(topic, %error, "a topic could not be confirmed");
                    Err(Problem::with(Code::BadWebhook, error.to_string()).at("/SubscribeURL"))
                }
            }
        }
    }
}

fn foreign(source: &SignalSource, topic: &str) -> bool {
    !source.topics.is_empty() && !source.topics.iter().any(|known| known == topic)
}

/// The first of those with the same key and state.
fn once(signals: Vec<Signal>) -> Vec<Signal> {
    let mut seen = std::collections::BTreeSet::new();
    signals.into_iter().filter(|signal| seen.insert((signal.key(), signal.state))).collect()
}

/// The key by which a `PagerDuty` sender resolves what it has sent: its own, or the one that it is known by here.
fn dedup_key(heard: &Heard, body: &[u8]) -> String {
    let given: Option<BTreeMap<String, serde_json::Value>> = serde_json::from_slice(body).ok();
    let given = given.and_then(|members| members.get("dedup_key")?.as_str().map(str::to_owned));
    let known = if let Heard::Signals(signals) = heard { signals.first().map(|signal| signal.fingerprint.clone()) } else { None };
    given.or(known).unwrap_or_default().chars().take(DEDUP_MAX).collect()
}

/// The refusal of an event in `PagerDuty`'s words.
fn invalid_event(error: &WebhookError) -> Response {
    let told = json!({"status": "invalid event", "message": "Event object is invalid", "errors": [error.to_string()]});
    (StatusCode::BAD_REQUEST, Json(told)).into_response()
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
