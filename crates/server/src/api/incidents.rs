//! Incidents: anybody known reads them, people take and close them, a machine may raise a severity.

use axum::Json;
use axum::extract::State;
use lineclear_core::IncidentId;
use lineclear_core::incident::{Incident, Severity};
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
