//! Incidents: anybody known reads them, people take and close them, a machine may raise a severity.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use lineclear_core::incident::{Incident, Severity};
use lineclear_core::{IncidentId, SignalId};
use lineclear_engine::RoomView;
use serde::Deserialize;
use utoipa::ToSchema;

use super::acts::Reason;
use super::page::{Listed, Wanted};
use super::parameter::{Asked, Named};
use crate::json::Strict;
use crate::{App, Asking, Person, Problem};

type Shown = Result<Json<Incident>, Problem>;

/// How bad it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grading {
    /// 1 (worst) to 5.
    #[schema(value_type = u8, minimum = 1, maximum = 5)]
    severity: Severity,
}

/// What an incident turned out to be part of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Merging {
    /// The incident that it is part of.
    #[schema(value_type = String)]
    into: IncidentId,
    /// Why; it is recorded.
    reason: String,
}

/// Signals that turned out to be something else.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Splitting {
    /// Their ids, at most 48, and never all of the incident's.
    #[schema(value_type = Vec<String>)]
    signals: BTreeSet<SignalId>,
    /// Why; it is recorded.
    reason: String,
}

/// Lists incidents, newest first.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(Wanted), responses((status = 200, description = "One page", body = Listed)))]
pub(super) async fn list(State(app): State<App>, _: Asking, Asked(wanted): Asked<Wanted>) -> Result<Json<Listed>, Problem> {
    Ok(Json(app.engine.list(wanted.query("incident")?).await?.into()))
}

/// Shows an incident with its signals.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents", params(("id" = String, Path, description = "The incident")),
    responses((status = 200, description = "The incident", body = Object)))]
pub(super) async fn show(State(app): State<App>, _: Asking, Named(id): Named<IncidentId>) -> Shown {
    Ok(Json(app.engine.incident(id).await?))
}

/// Takes an incident: from now on it has a commander. People only.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/acknowledge", tag = "incidents", params(("id" = String, Path, description = "The incident")),
    responses((status = 200, description = "The incident as it stands now", body = Object)))]
pub(super) async fn acknowledge(State(app): State<App>, person: Person, Named(id): Named<IncidentId>) -> Shown {
    app.engine.acknowledge(&person.caller(), id).await?;
    Ok(Json(app.engine.incident(id).await?))
}

/// Closes an incident. People only.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/close", tag = "incidents", params(("id" = String, Path, description = "The incident")),
    request_body = Reason, responses((status = 200, description = "The incident as it stands now", body = Object)))]
pub(super) async fn close(State(app): State<App>, person: Person, Named(id): Named<IncidentId>, Strict(body): Strict<Reason>) -> Shown {
    app.engine.close_incident(&person.caller(), id, body.reason).await?;
    Ok(Json(app.engine.incident(id).await?))
}

/// Grades an incident. A machine may raise its severity, never lower it.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/grade", tag = "incidents", params(("id" = String, Path, description = "The incident")),
    request_body = Grading, responses((status = 200, description = "The incident as it stands now", body = Object)))]
pub(super) async fn grade(
    State(app): State<App>,
    Asking(caller): Asking,
    Named(id): Named<IncidentId>,
    Strict(body): Strict<Grading>,
) -> Shown {
    app.engine.grade(&caller, id, body.severity).await?;
    Ok(Json(app.engine.incident(id).await?))
}

/// Shows the incident room: the incident, the five factors, its escalation path, what was changed lately, and the newest
/// moments of its life.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/room", tag = "incidents", params(("id" = String, Path, description = "The incident")),
    responses((status = 200, description = "The room", body = Object)))]
pub(super) async fn room(State(app): State<App>, _: Asking, Named(id): Named<IncidentId>) -> Result<Json<RoomView>, Problem> {
    Ok(Json(app.engine.room(id).await?))
}

/// Says that an incident is part of another one: its signals go there. People only.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/merge", tag = "incidents", params(("id" = String, Path, description = "The incident")),
    request_body = Merging, responses((status = 200, description = "The incident that it is part of now", body = Object)))]
pub(super) async fn merge(State(app): State<App>, person: Person, Named(id): Named<IncidentId>, Strict(body): Strict<Merging>) -> Shown {
    app.engine.merge_incidents(&person.caller(), id, body.into, body.reason).await?;
    Ok(Json(app.engine.incident(body.into).await?))
}

/// Says that some signals of an incident are something else: they become an incident of their own. People only.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/split", tag = "incidents", params(("id" = String, Path, description = "The incident")),
    request_body = Splitting, responses((status = 200, description = "The new incident", body = Object)))]
pub(super) async fn split(State(app): State<App>, person: Person, Named(id): Named<IncidentId>, Strict(body): Strict<Splitting>) -> Shown {
    let into = app.engine.split_incident(&person.caller(), id, body.signals, body.reason).await?;
    Ok(Json(app.engine.incident(into).await?))
}
