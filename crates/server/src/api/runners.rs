//! Runners on other machines, as people look after them: invited, drained, resumed, revoked. No machine comes past the
//! extractor, and the engine refuses one all the same.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use lineclear_core::RunnerId;
use lineclear_core::label::Labels;
use lineclear_core::name::RunnerName;
use lineclear_core::runner::Act;
use lineclear_engine::{Invitation, RunnerView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::acts::Reason;
use super::parameter::Named;
use crate::json::Strict;
use crate::{App, Person, Problem};

/// A runner that is to come.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invited {
    /// What people call it: lower-case letters, digits, `.`, `-`, `_`. No two runners have one name.
    #[schema(value_type = String, max_length = 253)]
    name: RunnerName,
    /// Where it stands, as `key=value`: at most 16.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    labels: Labels,
}

/// Runners.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Runners {
    /// Newest first; the one in this process last.
    #[schema(value_type = Vec<Object>)]
    items: Vec<RunnerView>,
}

/// Makes a token that lets one runner in, once, within an hour. People only. The token is shown here and nowhere else.
#[utoipa::path(post, path = "/api/v1/runners", tag = "runners", request_body = Invited,
    responses((status = 201, description = "The token, with the runner that it will make and until when it works", body = Object)))]
pub(super) async fn invite(State(app): State<App>, person: Person, Strict(body): Strict<Invited>) -> Result<Response, Problem> {
    let invitation: Invitation = app.engine.invite_runner(&person.caller(), body.name, body.labels).await?;
    let mut response = (StatusCode::CREATED, Json(invitation)).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Lists runners: who is connected, what they carry and hold. People only.
#[utoipa::path(get, path = "/api/v1/runners", tag = "runners", responses((status = 200, description = "All of them", body = Runners)))]
pub(super) async fn list(State(app): State<App>, person: Person) -> Result<Json<Runners>, Problem> {
    Ok(Json(Runners { items: app.engine.runners(&person.caller()).await? }))
}

/// Gives a runner no more warrants; it finishes what it has. People only.
#[utoipa::path(post, path = "/api/v1/runners/{id}/drain", tag = "runners", params(("id" = String, Path, description = "The runner")),
    request_body = Reason, responses((status = 200, description = "It as it stands now", body = Object)))]
pub(super) async fn drain(
    state: State<App>,
    person: Person,
    id: Named<RunnerId>,
    body: Strict<Reason>,
) -> Result<Json<RunnerView>, Problem> {
    act(state, person, id, body, Act::Drain).await
}

/// Gives a runner warrants again. People only.
#[utoipa::path(post, path = "/api/v1/runners/{id}/resume", tag = "runners", params(("id" = String, Path, description = "The runner")),
    request_body = Reason, responses((status = 200, description = "It as it stands now", body = Object)))]
pub(super) async fn resume(
    state: State<App>,
    person: Person,
    id: Named<RunnerId>,
    body: Strict<Reason>,
) -> Result<Json<RunnerView>, Problem> {
    act(state, person, id, body, Act::Resume).await
}

/// Makes a runner's key, or its token, count for nothing. What it holds is unknown from then on. People only.
#[utoipa::path(post, path = "/api/v1/runners/{id}/revoke", tag = "runners", params(("id" = String, Path, description = "The runner")),
    request_body = Reason, responses((status = 200, description = "It as it stands now", body = Object)))]
pub(super) async fn revoke(
    state: State<App>,
    person: Person,
    id: Named<RunnerId>,
    body: Strict<Reason>,
) -> Result<Json<RunnerView>, Problem> {
    act(state, person, id, body, Act::Revoke).await
}

async fn act(
    State(app): State<App>,
    person: Person,
    Named(id): Named<RunnerId>,
    Strict(body): Strict<Reason>,
    act: Act,
) -> Result<Json<RunnerView>, Problem> {
    Ok(Json(app.engine.act_on_runner(&person.caller(), id, act, &body.reason).await?))
}
