//! The door for runners on other machines: enrolling by token, then everything by signed requests. What they may be told and what
//! they are believed is the engine's to say.

use axum::Json;
use axum::extract::State;
use lineclear_core::runner::RunnerKey;
use lineclear_engine::Enrolled;
use lineclear_warrant::{Answer, Beat, Poll, Report, Work, request};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Signed;
use crate::json::Strict;
use crate::{App, Code, Problem};

/// A runner that shows its token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enrolment {
    /// The token's text.
    #[schema(max_length = 101)]
    token: String,
    /// The runner's public Ed25519 key, 64 hexadecimal digits.
    #[schema(value_type = String)]
    key: RunnerKey,
    /// Its version.
    #[serde(default)]
    #[schema(max_length = 64)]
    version: String,
}

/// Lets a runner in that shows its token, with its own key. The token works once.
#[utoipa::path(post, path = "/api/v1/runner/enrol", tag = "runner", request_body = Enrolment, security(()),
    responses((status = 200, description = "Who it is from now on, and the keys that it should compare with its own file", body = Object)))]
pub(super) async fn enrol(State(app): State<App>, Strict(body): Strict<Enrolment>) -> Result<Json<Enrolled>, Problem> {
    request::usable(&body.key).map_err(|fault| Problem::with(Code::Malformed, fault).at("/key"))?;
    Ok(Json(app.engine.enrol_runner(&body.token, body.key, &body.version).await?))
}

/// Asks for work, and waits for it up to 20 seconds.
#[utoipa::path(post, path = "/api/v1/runner/poll", tag = "runner", request_body = Object, security(("runner" = [])),
    responses((status = 200, description = "What to do now: a warrant, a question, or nothing", body = Object)))]
pub(super) async fn poll(State(app): State<App>, signed: Signed<Poll>) -> Result<Json<Work>, Problem> {
    if signed.body.runner != signed.runner {
        return Err(Problem::with(Code::ForgedRequest, "a runner asks for work for itself alone"));
    }
    tokio::select! {
        work = app.engine.poll(signed.body) => Ok(Json(work?)),
        () = app.stop.cancelled() => Err(Problem::new(Code::ShuttingDown)),
    }
}

/// Says that it is there.
#[utoipa::path(post, path = "/api/v1/runner/heartbeat", tag = "runner", request_body = Object, security(("runner" = [])),
    responses((status = 200, description = "Heard", body = Object)))]
pub(super) async fn heartbeat(State(app): State<App>, signed: Signed<Beat>) -> Result<Json<()>, Problem> {
    app.engine.heartbeat(signed.runner, signed.body).await?;
    Ok(Json(()))
}

/// Reports on a warrant. What is late or repeated changes nothing.
#[utoipa::path(post, path = "/api/v1/runner/report", tag = "runner", request_body = Object, security(("runner" = [])),
    responses((status = 200, description = "Arrived", body = Object)))]
pub(super) async fn report(State(app): State<App>, signed: Signed<Report>) -> Result<Json<()>, Problem> {
    app.engine.report(signed.runner, signed.body).await?;
    Ok(Json(()))
}

/// Answers a question that it was asked.
#[utoipa::path(post, path = "/api/v1/runner/answer", tag = "runner", request_body = Object, security(("runner" = [])),
    responses((status = 200, description = "Arrived", body = Object)))]
pub(super) async fn answer(State(app): State<App>, signed: Signed<Answer>) -> Result<Json<()>, Problem> {
    app.engine.answer(signed.runner, signed.body)?;
    Ok(Json(()))
}
