//! The installation as a whole: which estate, which posture, which actions.

use axum::Json;
use axum::extract::State;
use lineclear_core::Digest;
use lineclear_core::catalogue::Action;
use lineclear_core::installation::Installation;
use lineclear_core::posture::Posture;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::json::Strict;
use crate::{App, Asking, Person, Problem};

/// Every action of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Actions {
    /// By name.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Action>,
}

/// The estate in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InForce {
    /// For people.
    title: String,
    /// The content address of its directory: the policy version on every record.
    #[schema(value_type = String)]
    digest: Digest,
    /// The ledger's origin, which is also the audience of statements.
    origin: String,
    /// Whether it is simulated.
    simulated: bool,
}

/// A posture to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostureBody {
    /// `stopped`, `advise-only`, `routine-only` or `full`.
    #[schema(value_type = String)]
    posture: Posture,
    /// Why; it is recorded.
    reason: String,
}

/// Lists the actions that may be proposed, with risk and inputs.
#[utoipa::path(get, path = "/api/v1/actions", tag = "estate", responses((status = 200, description = "The catalogue", body = Actions)))]
pub(super) async fn actions(State(app): State<App>, _: Asking) -> Json<Actions> {
    Json(Actions { items: app.engine.estate().catalogue.actions.values().cloned().collect() })
}

/// The estate in force.
#[utoipa::path(get, path = "/api/v1/estate", tag = "estate", responses((status = 200, description = "The estate in force", body = InForce)))]
pub(super) async fn estate(State(app): State<App>, _: Asking) -> Json<InForce> {
    let estate = app.engine.estate();
    let (title, origin) = (estate.title.clone(), estate.origin.clone());
    Json(InForce { title, digest: estate.digest, origin, simulated: app.settings.simulated })
}

/// Epoch, estate and posture as they stand.
#[utoipa::path(get, path = "/api/v1/posture", tag = "estate", responses((status = 200, description = "The installation", body = Object)))]
pub(super) async fn posture(State(app): State<App>, _: Asking) -> Result<Json<Installation>, Problem> {
    Ok(Json(app.engine.installation().await?))
}

/// Sets the posture: the autonomy that remains. People only.
#[utoipa::path(put, path = "/api/v1/posture", tag = "estate", request_body = PostureBody,
    responses((status = 200, description = "The installation as it stands now", body = Object)))]
pub(super) async fn set_posture(
    State(app): State<App>,
    person: Person,
    Strict(body): Strict<PostureBody>,
) -> Result<Json<Installation>, Problem> {
    app.engine.set_posture(&person.caller(), body.posture, &body.reason).await?;
    Ok(Json(app.engine.installation().await?))
}
