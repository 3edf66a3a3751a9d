//! Other versions of the estate: proposed, read, withdrawn and brought into force by people. No machine comes past the
//! extractor, and the engine refuses one all the same.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{HeaderMap, HeaderValue, LOCATION};
use lineclear_core::RevisionId;
use lineclear_engine::RevisionView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::acts::Reason;
use super::page::{Listed, Wanted};
use super::parameter::{Asked, Named, preferred_wait};
use crate::difference::{Differing, differences};
use crate::json::Strict;
use crate::{App, Person, Problem};

/// Largest body of a proposal, in bytes: 4 MiB of files, and what JSON adds to them.
pub(crate) const PROPOSAL_MAX: usize = 10 << 20;

/// Files that are to become the estate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EstateBody {
    /// The text of every file, by its path in the estate: at most 512, each at most 256 KiB, all at most 4 MiB.
    files: BTreeMap<String, String>,
    /// What it is for; people read it beside the report.
    #[serde(default)]
    #[schema(max_length = 2_000)]
    note: String,
}

/// What became of a proposal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Taken {
    /// The proposed version.
    #[schema(value_type = String)]
    id: RevisionId,
    /// Where people look at it.
    url: String,
    /// Everything there is to see of it now.
    #[schema(value_type = Object)]
    view: RevisionView,
}

/// Proposes files as the estate. People only. They are kept and recorded at once, and examined in their own time.
#[utoipa::path(post, path = "/api/v1/estate/revisions", tag = "revisions", request_body = EstateBody,
    params(("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds, at most 50, until it was examined")),
    responses((status = 201, description = "Recorded", body = Taken)))]
pub(super) async fn propose(
    State(app): State<App>,
    person: Person,
    headers: HeaderMap,
    Strict(body): Strict<EstateBody>,
) -> Result<Response, Problem> {
    let files = body.files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
    let id = app.engine.propose_estate(&person.caller(), files, body.note).await?;
    let view = app.engine.examined(id, preferred_wait(&headers).unwrap_or(Duration::ZERO)).await?;
    let url = format!("{}/estate/revisions/{id}", app.settings.public_url());
    let mut response = (StatusCode::CREATED, Json(Taken { id, url, view })).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/estate/revisions/{id}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Lists proposed versions, newest first. People only.
#[utoipa::path(get, path = "/api/v1/estate/revisions", tag = "revisions", params(Wanted),
    responses((status = 200, description = "One page", body = Listed)))]
pub(super) async fn list(State(app): State<App>, _: Person, Asked(wanted): Asked<Wanted>) -> Result<Json<Listed>, Problem> {
    Ok(Json(app.engine.list(wanted.query("revision")?).await?.into()))
}

/// Shows a proposed version with its report, its request and its whole life. People only.
#[utoipa::path(get, path = "/api/v1/estate/revisions/{id}", tag = "revisions",
    params(("id" = String, Path, description = "The proposed version"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds, at most 50, until it was examined")),
    responses((status = 200, description = "Everything there is to see of it", body = Object)))]
pub(super) async fn show(
    State(app): State<App>,
    _: Person,
    Named(id): Named<RevisionId>,
    headers: HeaderMap,
) -> Result<Json<RevisionView>, Problem> {
    Ok(Json(app.engine.examined(id, preferred_wait(&headers).unwrap_or(Duration::ZERO)).await?))
}

/// What people are asked about a proposed version. People only.
#[utoipa::path(get, path = "/api/v1/estate/revisions/{id}/request", tag = "revisions",
    params(("id" = String, Path, description = "The proposed version")),
    responses((status = 200, description = "The request for approval, the exact text that is bound included", body = Object)))]
pub(super) async fn request(State(app): State<App>, _: Person, Named(id): Named<RevisionId>) -> Result<Response, Problem> {
    Ok(Json(app.engine.estate_request(id).await?).into_response())
}

/// How the files of a proposed version differ from those it is compared with. People only.
#[utoipa::path(get, path = "/api/v1/estate/revisions/{id}/difference", tag = "revisions",
    params(("id" = String, Path, description = "The proposed version")),
    responses((status = 200, description = "The files that differ, as unified text", body = Vec<Differing>)))]
pub(super) async fn difference(State(app): State<App>, _: Person, Named(id): Named<RevisionId>) -> Result<Json<Vec<Differing>>, Problem> {
    let revision = app.engine.revision(id).await?.revision;
    let (before, after) = (app.engine.estate_files(revision.base).await?, app.engine.estate_files(revision.estate).await?);
    Ok(Json(differences(&before, &after)))
}

/// Takes a proposed version back. People only.
#[utoipa::path(post, path = "/api/v1/estate/revisions/{id}/withdraw", tag = "revisions",
    params(("id" = String, Path, description = "The proposed version")), request_body = Reason,
    responses((status = 200, description = "It as it stands now", body = Object)))]
pub(super) async fn withdraw(
    State(app): State<App>,
    person: Person,
    Named(id): Named<RevisionId>,
    Strict(body): Strict<Reason>,
) -> Result<Json<RevisionView>, Problem> {
    app.engine.withdraw_estate(&person.caller(), id, body.reason).await?;
    Ok(Json(app.engine.revision(id).await?))
}

/// Brings a version that enough people approved into force. People only.
#[utoipa::path(post, path = "/api/v1/estate/revisions/{id}/activate", tag = "revisions",
    params(("id" = String, Path, description = "The proposed version")),
    responses((status = 200, description = "It as it stands now", body = Object)))]
pub(super) async fn activate(State(app): State<App>, person: Person, Named(id): Named<RevisionId>) -> Result<Json<RevisionView>, Problem> {
    app.engine.activate_estate(&person.caller(), id).await?;
    Ok(Json(app.engine.revision(id).await?))
}
