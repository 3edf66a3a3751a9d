//! Emergencies: anybody known reads them; people declare, end and review them.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use lineclear_core::emergency::{Declaration, Scope};
use lineclear_core::topology::EntityRef;
use lineclear_core::{EmergencyId, IncidentId, Span};
use lineclear_engine::EmergencyView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::acts::Reason;
use super::page::{Listed, Wanted};
use super::parameter::{Asked, Named};
use crate::json::Strict;
use crate::{App, Asking, Code, Person, Problem};

type Shown = Result<Json<EmergencyView>, Problem>;

/// An emergency to declare.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declaring {
    /// Why there is one, in 10 to 2,000 characters; it is recorded.
    justification: String,
    /// `estate`, or `services` with a list of them.
    scope: String,
    /// As `service/shop`; 1 to 32, with the scope `services`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    services: BTreeSet<EntityRef>,
    /// How long it lasts, in seconds: at least 60, at most what the estate allows.
    lasts_s: u64,
    /// The incident that it is about.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    incident: Option<IncidentId>,
}

/// What a review found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Findings {
    /// In 10 to 2,000 characters; they are recorded.
    findings: String,
}

/// The journal of a broken glass.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Telling {
    /// The file, exactly as it is: one signed line after the other.
    journal: String,
}

/// What telling a journal led to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recorded {
    /// What it is called in the ledger.
    #[schema(value_type = String)]
    emergency: EmergencyId,
    /// How many lines it has.
    lines: usize,
    /// Whether it was new; a journal that is told again changes nothing.
    new: bool,
}

/// Largest body with a journal, in bytes: the journal, and the escapes that JSON puts before its quotes.
pub(crate) const JOURNAL_BODY_MAX: usize = 2 * lineclear_warrant::glass::JOURNAL_MAX + 4_096;

/// Tells the journal of a broken glass: verified line by line, recorded once, with a review that is open. People only; the journal
/// speaks for itself, whoever brings it.
#[utoipa::path(post, path = "/api/v1/break-glass", tag = "emergencies", request_body = Telling,
    responses((status = 200, description = "What it is called in the ledger", body = Recorded)))]
pub(super) async fn tell(State(app): State<App>, _: Person, Strict(body): Strict<Telling>) -> Result<Json<Recorded>, Problem> {
    let told = app.engine.tell_glass(&body.journal).await?;
    Ok(Json(Recorded { emergency: told.emergency, lines: told.lines, new: told.new }))
}

/// What an emergency covers, from a word and a list.
pub(crate) fn scope(word: &str, services: BTreeSet<EntityRef>) -> Result<Scope, Problem> {
    match (word, services.is_empty()) {
        ("estate", true) => Ok(Scope::Estate),
        ("services", false) => Ok(Scope::Services { services }),
        (_, _) => Err(Problem::with(Code::Malformed, "`scope` is `estate`, or `services` with a list of them").at("/scope")),
    }
}

/// Lists emergencies, newest first. Those with `open=true` are in force or wait for their review.
#[utoipa::path(get, path = "/api/v1/emergencies", tag = "emergencies", params(Wanted), responses((status = 200, description = "One page", body = Listed)))]
pub(super) async fn list(State(app): State<App>, _: Asking, Asked(wanted): Asked<Wanted>) -> Result<Json<Listed>, Problem> {
    Ok(Json(app.engine.list(wanted.query("emergency")?).await?.into()))
}

/// Declares an emergency. People only.
#[utoipa::path(post, path = "/api/v1/emergencies", tag = "emergencies", request_body = Declaring,
    responses((status = 201, description = "The emergency, which is in force", body = Object)))]
pub(super) async fn declare(
    State(app): State<App>,
    person: Person,
    Strict(body): Strict<Declaring>,
) -> Result<(StatusCode, Json<EmergencyView>), Problem> {
    let scope = scope(&body.scope, body.services)?;
    let lasts = Span::from_secs(body.lasts_s);
    let declared = Declaration { justification: body.justification, scope, lasts, incident: body.incident };
    let id = app.engine.declare_emergency(&person.caller(), declared).await?;
    Ok((StatusCode::CREATED, Json(app.engine.emergency(id).await?)))
}

/// Shows an emergency, with what was done under it and how its review stands.
#[utoipa::path(get, path = "/api/v1/emergencies/{id}", tag = "emergencies", params(("id" = String, Path, description = "The emergency")),
    responses((status = 200, description = "The emergency", body = Object)))]
pub(super) async fn show(State(app): State<App>, _: Asking, Named(id): Named<EmergencyId>) -> Shown {
    Ok(Json(app.engine.emergency(id).await?))
}

/// Ends an emergency before its time; its review stays open. People only.
#[utoipa::path(post, path = "/api/v1/emergencies/{id}/end", tag = "emergencies", params(("id" = String, Path, description = "The emergency")),
    request_body = Reason, responses((status = 200, description = "The emergency as it stands now", body = Object)))]
pub(super) async fn end(State(app): State<App>, person: Person, Named(id): Named<EmergencyId>, Strict(body): Strict<Reason>) -> Shown {
    app.engine.end_emergency(&person.caller(), id, body.reason).await?;
    Ok(Json(app.engine.emergency(id).await?))
}

/// Closes the review of an emergency that is over, or of a broken glass. People only, and never who began it.
#[utoipa::path(post, path = "/api/v1/emergencies/{id}/review", tag = "emergencies", params(("id" = String, Path, description = "The emergency")),
    request_body = Findings, responses((status = 200, description = "The emergency as it stands now", body = Object)))]
pub(super) async fn review(State(app): State<App>, person: Person, Named(id): Named<EmergencyId>, Strict(body): Strict<Findings>) -> Shown {
    app.engine.review_emergency(&person.caller(), id, body.findings).await?;
    Ok(Json(app.engine.emergency(id).await?))
}
