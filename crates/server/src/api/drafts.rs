//! Drafted runbooks: whoever may propose may draft one; people read, take up and decline them. None of it runs anything.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use lineclear_core::{IncidentId, PatchId, RevisionId};
use lineclear_engine::{PatchView, Sketch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::acts::Reason;
use super::page::{Listed, Wanted};
use super::parameter::{Asked, Named};
use crate::json::Strict;
use crate::{App, Asking, Person, Problem};

/// A runbook that somebody drafted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftBody {
    /// The whole file with its tests, at most 64 KiB.
    #[schema(max_length = 65_536)]
    text: String,
    /// What it is for; people read it beside the draft.
    #[schema(max_length = 2_000)]
    note: String,
    /// The incident that it is for.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    incident: Option<IncidentId>,
}

/// What became of a draft.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Kept {
    /// The draft.
    #[schema(value_type = String)]
    id: PatchId,
    /// Where people look at it.
    url: String,
    /// Everything there is to see of it.
    #[schema(value_type = Object)]
    view: PatchView,
}

/// The version of the estate that a draft became part of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TakenUp {
    /// The proposed version; it is examined, reviewed and approved like every other one.
    #[schema(value_type = String)]
    revision: RevisionId,
    /// Where people look at it.
    url: String,
}

/// Keeps a drafted runbook for people to review. It is read against the estate in force, linted, and its tests are played; what has a
/// fault, or no test, is refused, and nothing is kept.
#[utoipa::path(post, path = "/api/v1/runbooks/drafts", tag = "runbooks", request_body = DraftBody,
    responses((status = 201, description = "Kept, with what was found out about it", body = Kept)))]
pub(super) async fn offer(State(app): State<App>, Asking(caller): Asking, Strict(body): Strict<DraftBody>) -> Result<Response, Problem> {
    let DraftBody { text, note, incident } = body;
    let id = app.engine.draft_runbook(&caller, Sketch { text, note, incident }).await?;
    let view = app.engine.patch(id).await?;
    let url = format!("{}/runbooks/drafts/{id}", app.settings.public_url());
    let mut response = (StatusCode::CREATED, Json(Kept { id, url, view })).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/runbooks/drafts/{id}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Lists drafts, newest first.
#[utoipa::path(get, path = "/api/v1/runbooks/drafts", tag = "runbooks", params(Wanted),
    responses((status = 200, description = "One page", body = Listed)))]
pub(super) async fn list(State(app): State<App>, _: Asking, Asked(wanted): Asked<Wanted>) -> Result<Json<Listed>, Problem> {
    Ok(Json(app.engine.list(wanted.query("patch")?).await?.into()))
}

/// Shows a draft with what was found out about it, the text that it would replace, and its whole life.
#[utoipa::path(get, path = "/api/v1/runbooks/drafts/{id}", tag = "runbooks", params(("id" = String, Path, description = "The draft")),
    responses((status = 200, description = "Everything there is to see of it", body = Object)))]
pub(super) async fn show(State(app): State<App>, _: Asking, Named(id): Named<PatchId>) -> Result<Json<PatchView>, Problem> {
    Ok(Json(app.engine.patch(id).await?))
}

/// Proposes a version of the estate that holds the draft. People only.
#[utoipa::path(post, path = "/api/v1/runbooks/drafts/{id}/take-up", tag = "runbooks", params(("id" = String, Path, description = "The draft")),
    responses((status = 200, description = "The proposed version", body = TakenUp)))]
pub(super) async fn take_up(State(app): State<App>, person: Person, Named(id): Named<PatchId>) -> Result<Json<TakenUp>, Problem> {
    let revision = app.engine.take_up(&person.caller(), id).await?;
    let url = format!("{}/estate/revisions/{revision}", app.settings.public_url());
    Ok(Json(TakenUp { revision, url }))
}

/// Declines a draft. People only.
#[utoipa::path(post, path = "/api/v1/runbooks/drafts/{id}/decline", tag = "runbooks", params(("id" = String, Path, description = "The draft")),
    request_body = Reason, responses((status = 200, description = "It as it stands now", body = Object)))]
pub(super) async fn decline(
    State(app): State<App>,
    person: Person,
    Named(id): Named<PatchId>,
    Strict(body): Strict<Reason>,
) -> Result<Json<PatchView>, Problem> {
    app.engine.decline_patch(&person.caller(), id, body.reason).await?;
    Ok(Json(app.engine.patch(id).await?))
}
