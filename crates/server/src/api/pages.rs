//! Pages and who is on call: anybody known reads them; people answer, hand over, and take roles on an incident.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use lineclear_core::incident::{Incident, Role};
use lineclear_core::name::{Login, RotationName};
use lineclear_core::{ChangeId, IncidentId, PageId, Timestamp};
use lineclear_engine::{Answered, ChangeView, OnCall, PageView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page::{Listed, Wanted};
use super::parameter::{Asked, Named};
use crate::json::Strict;
use crate::{App, Asking, Code, Person, Problem};

/// A moment.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Moment {
    /// When (RFC 3339); now when nothing is said.
    #[param(value_type = Option<String>)]
    at: Option<Timestamp>,
}

/// Who is on call.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Watching {
    /// At which moment (RFC 3339).
    #[schema(value_type = String)]
    at: Timestamp,
    /// Every rotation.
    #[schema(value_type = Vec<Object>)]
    rotations: Vec<OnCall>,
}

/// What an answer to a page led to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answer {
    /// `yours`, or `too_late` when somebody else has it or it is over.
    #[schema(value_type = String)]
    answered: Answered,
    /// The page as it stands now.
    #[schema(value_type = Object)]
    page: PageView,
}

/// To whom a page is handed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Handing {
    /// Their login.
    #[schema(value_type = String)]
    to: Login,
    /// Why; it is recorded.
    reason: String,
}

/// What is done about a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoleDoing {
    /// To take it; from whoever holds it only with a reason.
    Take,
    /// To hand it to another person, named in `to`.
    HandOver,
    /// To leave it, so that nobody holds it.
    Leave,
}

/// A role, and what is done about it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleBody {
    /// `commander`, `decision_owner`, `communications` or `scribe`.
    #[schema(value_type = String)]
    role: Role,
    /// What is done.
    act: RoleDoing,
    /// To whom; needed for `hand_over`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    to: Option<Login>,
    /// Why; needed to take it from somebody.
    #[serde(default)]
    reason: String,
}

/// Lists pages, newest first.
#[utoipa::path(get, path = "/api/v1/pages", tag = "pages", params(Wanted), responses((status = 200, description = "One page of the list", body = Listed)))]
pub(super) async fn list(State(app): State<App>, _: Asking, Asked(wanted): Asked<Wanted>) -> Result<Json<Listed>, Problem> {
    Ok(Json(app.engine.list(wanted.query("page")?).await?.into()))
}

/// Shows a page: who is asked, who has answered, when it climbs and to whom. The page of an incident or of a request for
/// approval has the same digits.
#[utoipa::path(get, path = "/api/v1/pages/{id}", tag = "pages", params(("id" = String, Path, description = "The page")),
    responses((status = 200, description = "The page", body = Object)))]
pub(super) async fn show(State(app): State<App>, _: Asking, Named(id): Named<PageId>) -> Result<Json<PageView>, Problem> {
    Ok(Json(app.engine.page(id).await?))
}

/// Answers a page: from now on this person sees to it. People only.
#[utoipa::path(post, path = "/api/v1/pages/{id}/acknowledge", tag = "pages", params(("id" = String, Path, description = "The page")),
    responses((status = 200, description = "What that led to", body = Answer)))]
pub(super) async fn acknowledge(State(app): State<App>, person: Person, Named(id): Named<PageId>) -> Result<Json<Answer>, Problem> {
    let answered = app.engine.acknowledge_page(&person.caller(), id).await?;
    Ok(Json(Answer { answered, page: app.engine.page(id).await? }))
}

/// Hands a page to another person, who is told, and has to answer. People only.
#[utoipa::path(post, path = "/api/v1/pages/{id}/hand-over", tag = "pages", params(("id" = String, Path, description = "The page")),
    request_body = Handing, responses((status = 200, description = "The page as it stands now", body = Object)))]
pub(super) async fn hand_over(
    State(app): State<App>,
    person: Person,
    Named(id): Named<PageId>,
    Strict(body): Strict<Handing>,
) -> Result<Json<PageView>, Problem> {
    app.engine.hand_over_page(&person.caller(), id, &body.to, &body.reason).await?;
    Ok(Json(app.engine.page(id).await?))
}

/// Who is on call, now or at a moment.
#[utoipa::path(get, path = "/api/v1/on-call", tag = "pages", params(Moment), responses((status = 200, description = "Every rotation", body = Watching)))]
pub(super) async fn on_call(State(app): State<App>, _: Asking, Asked(moment): Asked<Moment>) -> Json<Watching> {
    let at = moment.at.unwrap_or_else(|| app.engine.now());
    Json(Watching { at, rotations: app.engine.on_call(at) })
}

/// A rotation as a calendar, a week back and a quarter ahead.
#[utoipa::path(get, path = "/on-call/{file}", tag = "pages", params(("file" = String, Path, description = "The rotation's name and `.ics`")),
    responses((status = 200, description = "iCalendar (RFC 5545)", body = String, content_type = "text/calendar")))]
pub(super) async fn calendar(State(app): State<App>, _: Asking, Named(file): Named<String>) -> Result<Response, Problem> {
    let name = file.strip_suffix(".ics").and_then(|name| name.parse::<RotationName>().ok());
    let name = name.ok_or_else(|| Problem::new(Code::NotFound))?;
    let text = app.engine.on_call_calendar(&name)?;
    Ok(([(http::header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text).into_response())
}

/// Takes, hands over or leaves a role on an incident. People only.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/roles", tag = "incidents", params(("id" = String, Path, description = "The incident")),
    request_body = RoleBody, responses((status = 200, description = "The incident as it stands now", body = Object)))]
pub(super) async fn role(
    State(app): State<App>,
    person: Person,
    Named(id): Named<IncidentId>,
    Strict(body): Strict<RoleBody>,
) -> Result<Json<Incident>, Problem> {
    let RoleBody { role, act, to, reason } = body;
    let caller = person.caller();
    match (act, to) {
        (RoleDoing::Take, _) => app.engine.take_role(&caller, id, role, &reason).await?,
        (RoleDoing::HandOver, Some(to)) => app.engine.hand_over_role(&caller, id, role, &to).await?,
        (RoleDoing::HandOver, None) => return Err(Problem::new(Code::NoTaker).at("/to")),
        (RoleDoing::Leave, _) => app.engine.leave_role(&caller, id, role).await?,
    }
    Ok(Json(app.engine.incident(id).await?))
}

/// Proposes again what lapsed unanswered, to be judged on fresh facts; asking twice is asking once. An agent only its own.
#[utoipa::path(post, path = "/api/v1/changes/{id}/ask-again", tag = "changes", params(("id" = String, Path, description = "The change that lapsed")),
    responses((status = 200, description = "The change that asks again", body = Object)))]
pub(super) async fn ask_again(
    State(app): State<App>,
    Asking(caller): Asking,
    Named(id): Named<ChangeId>,
) -> Result<Json<ChangeView>, Problem> {
    let again = app.engine.ask_again(&caller, id).await?;
    Ok(Json(app.engine.view(again.change).await?))
}
