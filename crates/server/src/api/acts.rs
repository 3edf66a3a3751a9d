//! What is done to a change that exists: taken back before it runs, amended, declared, undone, resolved.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use lineclear_core::catalogue::InputValue;
use lineclear_core::run::{Override, Resolution};
use lineclear_core::{ChangeId, OperatorId};
use lineclear_engine::ChangeView;
use serde::Deserialize;
use utoipa::ToSchema;

use super::parameter::Named;
use super::proposal::InputShape;
use crate::json::Strict;
use crate::{App, Asking, Person, Problem};

type Shown = Result<Json<ChangeView>, Problem>;

/// A reason, and nothing else.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// Why; it is recorded.
    pub reason: String,
}

/// New inputs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Amendment {
    /// Exactly the action's inputs.
    #[schema(value_type = BTreeMap<String, InputShape>)]
    inputs: BTreeMap<String, InputValue>,
}

/// What a person says of the result.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declaration {
    /// Whether it succeeded.
    success: bool,
    /// Why; it is recorded.
    reason: String,
}

/// What a person decides about a stuck run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resolved {
    /// `retry`, `mark_applied`, `mark_not_applied`, `skip`, `continue`, `undo`, `abort` or `hand_over`.
    #[schema(value_type = String)]
    resolution: Resolution,
    /// Why; it is recorded.
    reason: String,
    /// What was seen; needed for `mark_applied`.
    #[serde(default)]
    evidence: Option<String>,
    /// To whom, as `operator_…`; needed for `hand_over`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    to: Option<OperatorId>,
}

/// Takes a proposal back before it runs; an agent only its own.
#[utoipa::path(post, path = "/api/v1/changes/{id}/withdraw", tag = "changes", params(("id" = String, Path, description = "The change")),
    request_body = Reason, responses((status = 200, description = "The change as it stands now", body = Object)))]
pub(super) async fn withdraw(
    State(app): State<App>,
    Asking(caller): Asking,
    Named(id): Named<ChangeId>,
    Strict(body): Strict<Reason>,
) -> Shown {
    app.engine.withdraw(&caller, id, body.reason).await?;
    Ok(Json(app.engine.view(id).await?))
}

/// Changes a proposal's inputs before it runs; an agent only its own. It is judged and asked again.
#[utoipa::path(post, path = "/api/v1/changes/{id}/amend", tag = "changes", params(("id" = String, Path, description = "The change")),
    request_body = Amendment, responses((status = 200, description = "The change as it stands now", body = Object)))]
pub(super) async fn amend(
    State(app): State<App>,
    Asking(caller): Asking,
    Named(id): Named<ChangeId>,
    Strict(body): Strict<Amendment>,
) -> Shown {
    app.engine.amend(&caller, id, body.inputs).await?;
    Ok(Json(app.engine.view(id).await?))
}

/// Declares how a change ended, or overrules the machine. People only.
#[utoipa::path(post, path = "/api/v1/changes/{id}/declare", tag = "changes", params(("id" = String, Path, description = "The change")),
    request_body = Declaration, responses((status = 200, description = "The change as it stands now", body = Object)))]
pub(super) async fn declare(
    State(app): State<App>,
    person: Person,
    Named(id): Named<ChangeId>,
    Strict(body): Strict<Declaration>,
) -> Shown {
    app.engine.declare(&person.caller(), id, body.success, body.reason).await?;
    Ok(Json(app.engine.view(id).await?))
}

/// Takes back what a finished run did. People only.
#[utoipa::path(post, path = "/api/v1/changes/{id}/take-back", tag = "changes", params(("id" = String, Path, description = "The change")),
    request_body = Reason, responses((status = 200, description = "The change as it stands now", body = Object)))]
pub(super) async fn take_back(State(app): State<App>, person: Person, Named(id): Named<ChangeId>, Strict(body): Strict<Reason>) -> Shown {
    app.engine.take_back(&person.caller(), id, body.reason).await?;
    Ok(Json(app.engine.view(id).await?))
}

/// Decides about a stuck run. People only.
#[utoipa::path(post, path = "/api/v1/changes/{id}/resolve", tag = "changes", params(("id" = String, Path, description = "The change")),
    request_body = Resolved, responses((status = 200, description = "The change as it stands now", body = Object)))]
pub(super) async fn resolve(State(app): State<App>, person: Person, Named(id): Named<ChangeId>, Strict(body): Strict<Resolved>) -> Shown {
    let Resolved { resolution, reason, evidence, to } = body;
    app.engine.resolve(&person.caller(), id, Override { resolution, reason, evidence, to }).await?;
    Ok(Json(app.engine.view(id).await?))
}
