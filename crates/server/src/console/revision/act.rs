//! What people do to a proposed version on its page: plain forms, answered with the page itself.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use lineclear_core::statement::{Decision, Signature};
use lineclear_core::{ApprovalId, Digest, RevisionId};
use serde::Deserialize;

use super::{look, named, render};
use crate::console::act::{Empty, Filled, Reason, fields, plain};
use crate::console::estate::path;
use crate::console::visitor::{Failure, Visitor};
use crate::{App, Code, Problem};

type Answered = Result<Response, Failure>;

/// A vote: on exactly what was on the screen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::console) struct Vote {
    approval: ApprovalId,
    digest: Digest,
    #[serde(default)]
    reason: String,
}

/// Approves, where the estate in force is content with a session.
pub(in crate::console) async fn approve(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<Vote>) -> Answered {
    vote(&app, visitor, &id, fields(form)?, Decision::Approve).await
}

/// Rejects.
pub(in crate::console) async fn reject(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<Vote>) -> Answered {
    vote(&app, visitor, &id, fields(form)?, Decision::Reject).await
}

async fn vote(app: &App, visitor: Visitor, id: &str, vote: Vote, decision: Decision) -> Answered {
    let (id, reason) = (named(id)?, plain(&vote.reason));
    let done = cast(app, &visitor, id, &vote, decision, reason.clone()).await;
    answer(app, visitor, id, reason, done).await
}

async fn cast(app: &App, visitor: &Visitor, id: RevisionId, vote: &Vote, decision: Decision, reason: String) -> Result<(), Problem> {
    let request = app.engine.estate_request(id).await?.request;
    if request.id != vote.approval || request.digest != vote.digest {
        return Err(Problem::with(Code::Mismatch, "what is asked now is not what was on your screen; nothing was recorded"));
    }
    if decision == Decision::Reject && reason.is_empty() {
        return Err(Problem::new(Code::Unreasoned));
    }
    let caller = visitor.caller();
    let text = app.engine.statement(&caller, request.id, decision, reason).await?;
    app.engine.vote(&caller, request.id, text, Signature::Session).await?;
    Ok(())
}

/// Takes it back.
pub(in crate::console) async fn withdraw(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Filled<Reason>,
) -> Answered {
    let (id, reason) = (named(&id)?, plain(&fields(form)?.reason));
    let done = app.engine.withdraw_estate(&visitor.caller(), id, reason.clone()).await.map_err(Problem::from);
    answer(&app, visitor, id, reason, done).await
}

/// Brings it into force.
pub(in crate::console) async fn activate(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Filled<Empty>,
) -> Answered {
    let id = named(&id)?;
    fields(form)?;
    let done = app.engine.activate_estate(&visitor.caller(), id).await.map_err(Problem::from);
    answer(&app, visitor, id, String::new(), done).await
}

/// Its page: by redirection when it is done, in place when it was refused.
async fn answer(app: &App, visitor: Visitor, id: RevisionId, typed: String, done: Result<(), Problem>) -> Answered {
    let Err(problem) = done else { return Ok(Redirect::to(&path(id)).into_response()) };
    let status = problem.code().status();
    let mut page = look(app, &visitor, id).await?;
    page.refused = Some((problem, typed));
    Ok((status, render(&visitor.frame, &page)).into_response())
}

/// Somebody loads the address of a form again: there is only its page to show.
pub(in crate::console) async fn back(Path(id): Path<String>) -> Result<Redirect, Failure> {
    Ok(Redirect::to(&path(named(&id)?)))
}
