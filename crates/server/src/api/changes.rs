//! Changes: proposing them, reading them.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use lineclear_core::ChangeId;
use lineclear_engine::ChangeView;
use lineclear_policy::Explanation;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::page::{Listed, Wanted};
use super::parameter::{Asked, Named, idempotency_key, preferred_wait};
use super::proposal::ProposalBody;
use crate::json::Strict;
use crate::{App, Asking, Problem};

/// What became of a proposal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answered {
    /// The change.
    #[schema(value_type = String)]
    id: ChangeId,
    /// Whether the same request had been carried out before.
    repeated: bool,
    /// Where people look at it.
    url: String,
    /// Everything there is to see of it now.
    #[schema(value_type = Object)]
    view: ChangeView,
}

/// Proposes a change. It is recorded before anything else happens; policy and people answer in their own time.
#[utoipa::path(post, path = "/api/v1/changes", tag = "changes", request_body = ProposalBody,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request the same request: 1 to 100 visible ASCII characters"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds, at most 50, until gate 1 has looked"),
    ),
    responses((status = 201, description = "Recorded", body = Answered), (status = 200, description = "Recorded before, with the same key", body = Answered)))]
pub(super) async fn propose(
    State(app): State<App>,
    Asking(caller): Asking,
    headers: HeaderMap,
    Strict(body): Strict<ProposalBody>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let proposed = app.engine.propose(&caller, body.into(), key).await?;
    let wait = preferred_wait(&headers);
    let view = app.engine.settled(proposed.change, wait.unwrap_or(Duration::ZERO)).await?;
    let id = proposed.change;
    let url = format!("{}/changes/{id}", app.settings.public_url());
    let status = if proposed.repeated { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = (status, Json(Answered { id, repeated: proposed.repeated, url, view })).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/changes/{id}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    applied(response.headers_mut(), wait);
    Ok(response)
}

/// Says that a preference was honoured (RFC 7240 §3).
fn applied(headers: &mut HeaderMap, wait: Option<Duration>) {
    let value = wait.and_then(|wait| HeaderValue::from_str(&format!("wait={}", wait.as_secs())).ok());
    if let Some(value) = value {
        headers.insert(HeaderName::from_static("preference-applied"), value);
    }
}

/// Lists changes, newest first.
#[utoipa::path(get, path = "/api/v1/changes", tag = "changes", params(Wanted), responses((status = 200, description = "One page", body = Listed)))]
pub(super) async fn list(State(app): State<App>, _: Asking, Asked(wanted): Asked<Wanted>) -> Result<Json<Listed>, Problem> {
    Ok(Json(app.engine.list(wanted.query("change")?).await?.into()))
}

/// What to wait for.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Until {
    /// Gate 1 has looked.
    Settled,
    /// People or policy have decided.
    Decided,
    /// It is over, or needs a person.
    Finished,
}

/// What to wait for, if anything.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Waiting {
    /// What `Prefer: wait=N` waits for; `decided` when nothing is said.
    until: Option<Until>,
}

/// Shows a change with its request, its run and its whole life.
#[utoipa::path(get, path = "/api/v1/changes/{id}", tag = "changes",
    params(("id" = String, Path, description = "The change"), Waiting,
        ("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds, at most 50")),
    responses((status = 200, description = "Everything there is to see of it", body = Object)))]
pub(super) async fn show(
    State(app): State<App>,
    _: Asking,
    Named(id): Named<ChangeId>,
    Asked(waiting): Asked<Waiting>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wait = preferred_wait(&headers);
    let view = match (wait, waiting.until.unwrap_or(Until::Decided)) {
        (None, _) => app.engine.view(id).await?,
        (Some(wait), Until::Settled) => app.engine.settled(id, wait).await?,
        (Some(wait), Until::Decided) => app.engine.decided(id, wait).await?,
        (Some(wait), Until::Finished) => app.engine.finished(id, wait).await?,
    };
    let mut response = Json(view).into_response();
    applied(response.headers_mut(), wait);
    Ok(response)
}

/// The decision record: one document that joins everything an auditor asks for.
#[utoipa::path(get, path = "/api/v1/changes/{id}/record", tag = "changes", params(("id" = String, Path, description = "The change")),
    responses((status = 200, description = "The decision record", body = Object)))]
pub(super) async fn record(State(app): State<App>, _: Asking, Named(id): Named<ChangeId>) -> Result<Response, Problem> {
    Ok(Json(app.engine.decision_record(id).await?).into_response())
}

/// What gate 1 and policy would say of a proposal now. Nothing is recorded and nobody is asked.
#[utoipa::path(post, path = "/api/v1/checks", tag = "changes", request_body = ProposalBody,
    responses((status = 200, description = "What gate 1 found, the verdict included", body = Object)))]
pub(super) async fn check(
    State(app): State<App>,
    Asking(caller): Asking,
    Strict(body): Strict<ProposalBody>,
) -> Result<Json<Value>, Problem> {
    let found = app.engine.check(&caller, body.into()).await?;
    let mut answer = serde_json::to_value(found.dossier).unwrap_or_default();
    if let Some(members) = answer.as_object_mut() {
        members.insert("explanation".into(), explained(found.explanation.as_ref()));
    }
    Ok(Json(answer))
}

/// Everything policy has to say of a change on the facts that gate 1 found: the answer at every rung with its reasons, and the
/// smallest sets of things that can happen and would move the verdict. `null` when policy was not asked, or when the
/// policies that judged it are no longer in force; the recorded reasons stand in the change itself.
#[utoipa::path(get, path = "/api/v1/changes/{id}/explanation", tag = "changes", params(("id" = String, Path, description = "The change")),
    responses((status = 200, description = "`explanation`: `verdict`, `rungs`, `remedies`, and `says`, the lines that people read", body = Object)))]
pub(super) async fn explanation(State(app): State<App>, _: Asking, Named(id): Named<ChangeId>) -> Result<Json<Value>, Problem> {
    let view = app.engine.view(id).await?;
    let found = view.change.dossier().and_then(|dossier| app.engine.explanation(&view.change.proposal, dossier));
    Ok(Json(json!({ "change": id, "explanation": explained(found.as_ref()) })))
}

fn explained(explanation: Option<&Explanation>) -> Value {
    let Some(it) = explanation else { return Value::Null };
    let text = it.to_string();
    json!({ "verdict": it.verdict, "rungs": it.rungs, "remedies": it.remedies, "says": text.lines().collect::<Vec<_>>() })
}
