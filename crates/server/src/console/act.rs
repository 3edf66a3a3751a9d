//! What people do on pages: plain forms, answered with the page itself. The engine decides; what it refuses is said in
//! place, with what was typed still there.

use std::collections::BTreeSet;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use lineclear_core::bundle::Bundle;
use lineclear_core::catalogue::Risk;
use lineclear_core::id::IdError;
use lineclear_core::incident::Role;
use lineclear_core::name::Login;
use lineclear_core::posture::Posture;
use lineclear_core::run::{Override, Resolution};
use lineclear_core::statement::{Decision, Signature};
use lineclear_core::{ApprovalId, ChangeId, Digest, IncidentId, SignalId};
use lineclear_engine::EngineError;
use serde::Deserialize;

use super::visitor::{Failure, Visitor};
use super::{change, incident};
use crate::{App, Code, Problem};

pub(super) type Filled<T> = Result<Form<T>, FormRejection>;
type Answered = Result<Response, Failure>;

/// A vote: on exactly what was on the screen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vote {
    approval: ApprovalId,
    digest: Digest,
    #[serde(default)]
    reason: String,
    /// The target's name, typed, where the risk is high.
    #[serde(default)]
    confirm: String,
}

/// A declaration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    success: bool,
    #[serde(default)]
    reason: String,
}

/// A reason, and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    #[serde(default)]
    pub reason: String,
}

/// What a person decides about a stuck run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resolved {
    resolution: Resolution,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    evidence: String,
    /// An operator's id; nothing where nobody was chosen.
    #[serde(default)]
    to: String,
}

/// What an incident is part of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Merged {
    into: IncidentId,
    #[serde(default)]
    reason: String,
}

/// A role, and what is done about it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleForm {
    role: Role,
    /// `take`, `hand_over` or `leave`.
    act: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    reason: String,
}

/// A posture to set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PostureForm {
    posture: Posture,
    #[serde(default)]
    reason: String,
}

/// No fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Empty {}

/// The fields of a form.
pub(super) fn fields<T>(form: Filled<T>) -> Result<T, Problem> {
    form.map(|Form(fields)| fields).map_err(|rejection| {
        let code = if rejection.status() == http::StatusCode::PAYLOAD_TOO_LARGE { Code::TooLarge } else { Code::Malformed };
        Problem::with(code, rejection.body_text())
    })
}

/// Browsers send line ends as CR LF (WHATWG URL §5); what people sign has LF.
pub(super) fn plain(reason: &str) -> String {
    reason.replace("\r\n", "\n").trim().to_owned()
}

/// Approves.
pub(super) async fn approve(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<Vote>) -> Answered {
    vote(&app, visitor, &id, fields(form)?, Decision::Approve).await
}

/// Rejects.
pub(super) async fn reject(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<Vote>) -> Answered {
    vote(&app, visitor, &id, fields(form)?, Decision::Reject).await
}

async fn vote(app: &App, visitor: Visitor, id: &str, vote: Vote, decision: Decision) -> Answered {
    let id = change::named(id)?;
    let reason = plain(&vote.reason);
    let done = cast(app, &visitor, id, &vote, decision, reason.clone()).await;
    let form = match decision {
        Decision::Approve => "approve",
        Decision::Reject => "reject",
    };
    answer(app, visitor, id, form, reason, done).await
}

async fn cast(app: &App, visitor: &Visitor, id: ChangeId, vote: &Vote, decision: Decision, reason: String) -> Result<(), Problem> {
    let request = app.engine.request(id).await?.request;
    if request.id != vote.approval || request.digest != vote.digest {
        return Err(Problem::with(Code::Mismatch, "what is asked now is not what was on your screen; nothing was recorded"));
    }
    if decision == Decision::Reject && reason.is_empty() {
        return Err(Problem::new(Code::Unreasoned));
    }
    if decision == Decision::Approve {
        confirmed(&request.bundle, vote.confirm.trim())?;
    }
    let caller = visitor.caller();
    let text = app.engine.statement(&caller, request.id, decision, reason).await?;
    app.engine.vote(&caller, request.id, text, Signature::Session).await?;
    Ok(())
}

/// High risk asks for the target's name: the bundle that is bound says both.
fn confirmed(bundle: &str, typed: &str) -> Result<(), Problem> {
    let bundle: Bundle = serde_json::from_str(bundle).map_err(|error| {
        tracing::error!(%error, "the bundle of an open request cannot be read");
        Problem::new(Code::Fault)
    })?;
    let target = bundle.target.to_string();
    if bundle.risk == Risk::High && typed != target {
        return Err(
            Problem::with(Code::Malformed, format!("the risk is high: type the target’s name, `{target}`, to approve")).at("/confirm")
        );
    }
    Ok(())
}

/// Declares the outcome.
pub(super) async fn declare(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<Declared>) -> Answered {
    let (id, form) = (change::named(&id)?, fields(form)?);
    let reason = plain(&form.reason);
    let done = app.engine.declare(&visitor.caller(), id, form.success, reason.clone()).await;
    answer(&app, visitor, id, "declare", reason, said(done)).await
}

/// Takes back what was done.
pub(super) async fn take_back(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<Reason>) -> Answered {
    let (id, form) = (change::named(&id)?, fields(form)?);
    let reason = plain(&form.reason);
    let done = app.engine.take_back(&visitor.caller(), id, reason.clone()).await;
    answer(&app, visitor, id, "take-back", reason, said(done)).await
}

/// Decides about a stuck run.
pub(super) async fn resolve(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<Resolved>) -> Answered {
    let (id, form) = (change::named(&id)?, fields(form)?);
    let reason = plain(&form.reason);
    let done = match ruling(&form, reason.clone()) {
        Ok(ruling) => said(app.engine.resolve(&visitor.caller(), id, ruling).await),
        Err(problem) => Err(problem),
    };
    answer(&app, visitor, id, "resolve", reason, done).await
}

/// A form sends every field; what nobody filled in is not given.
fn ruling(form: &Resolved, reason: String) -> Result<Override, Problem> {
    let evidence = Some(plain(&form.evidence)).filter(|text| !text.is_empty());
    let to = match form.to.trim() {
        "" => None,
        id => Some(id.parse().map_err(|error: IdError| Problem::with(Code::Malformed, error.to_string()).at("/to"))?),
    };
    Ok(Override { resolution: form.resolution, reason, evidence, to })
}

fn said(done: Result<(), EngineError>) -> Result<(), Problem> {
    done.map_err(Problem::from)
}

/// The change's page: by redirection when it is done, so that loading it again does nothing twice; in place when it was refused.
async fn answer(app: &App, visitor: Visitor, id: ChangeId, form: &'static str, reason: String, done: Result<(), Problem>) -> Answered {
    let Err(problem) = done else { return Ok(Redirect::to(&format!("/changes/{id}")).into_response()) };
    let status = problem.code().status();
    let mut page = change::load(app, id, visitor.id).await?;
    page.notice = Some(change::Notice { problem, form, reason });
    Ok((status, change::render(&visitor.frame, &page)).into_response())
}

/// Takes an incident.
pub(super) async fn take(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<Empty>) -> Answered {
    let id = incident::named(&id)?;
    fields(form)?;
    let done = app.engine.acknowledge(&visitor.caller(), id).await;
    answer_incident(&app, visitor, id, said(done)).await
}

/// Takes a role, hands it over, or leaves it.
pub(super) async fn role(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<RoleForm>) -> Answered {
    let (id, form) = (incident::named(&id)?, fields(form)?);
    let caller = visitor.caller();
    let done = match (form.act.as_str(), form.to.trim().parse::<Login>()) {
        ("take", _) => said(app.engine.take_role(&caller, id, form.role, &plain(&form.reason)).await),
        ("hand_over", Ok(to)) => said(app.engine.hand_over_role(&caller, id, form.role, &to).await),
        ("hand_over", Err(_)) => Err(Problem::new(Code::NoTaker).at("/to")),
        ("leave", _) => said(app.engine.leave_role(&caller, id, form.role).await),
        (_, _) => Err(Problem::with(Code::Malformed, "a role is taken, handed over or left").at("/act")),
    };
    answer_incident(&app, visitor, id, done).await
}

/// Asks again what lapsed unanswered.
pub(super) async fn ask_again(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<Empty>) -> Answered {
    let id = change::named(&id)?;
    fields(form)?;
    match app.engine.ask_again(&visitor.caller(), id).await {
        Ok(again) => Ok(Redirect::to(&format!("/changes/{}", again.change)).into_response()),
        Err(error) => answer(&app, visitor, id, "ask-again", String::new(), Err(error.into())).await,
    }
}

/// Closes an incident.
pub(super) async fn close(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<Reason>) -> Answered {
    let (id, form) = (incident::named(&id)?, fields(form)?);
    let done = app.engine.close_incident(&visitor.caller(), id, plain(&form.reason)).await;
    answer_incident(&app, visitor, id, said(done)).await
}

/// Makes an incident part of another one.
pub(super) async fn merge(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<Merged>) -> Answered {
    let (id, form) = (incident::named(&id)?, fields(form)?);
    match app.engine.merge_incidents(&visitor.caller(), id, form.into, plain(&form.reason)).await {
        Ok(()) => Ok(Redirect::to(&format!("/incidents/{}", form.into)).into_response()),
        refused => answer_incident(&app, visitor, id, said(refused)).await,
    }
}

/// Makes some of an incident's signals an incident of their own.
pub(super) async fn split(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Filled<Vec<(String, String)>>,
) -> Answered {
    let (id, pairs) = (incident::named(&id)?, fields(form)?);
    // A list that several are chosen from sends its name once for each.
    let (mut signals, mut reason) = (BTreeSet::new(), String::new());
    for (name, value) in pairs {
        match (name.as_str(), value.parse::<SignalId>()) {
            ("signals", Ok(signal)) => {
                signals.insert(signal);
            }
            ("reason", _) => reason = plain(&value),
            (_, _) => return Err(Problem::with(Code::Malformed, "this form holds signals and a reason").into()),
        }
    }
    match app.engine.split_incident(&visitor.caller(), id, signals, reason).await {
        Ok(into) => Ok(Redirect::to(&format!("/incidents/{into}")).into_response()),
        Err(refused) => answer_incident(&app, visitor, id, Err(refused.into())).await,
    }
}

async fn answer_incident(app: &App, visitor: Visitor, id: IncidentId, done: Result<(), Problem>) -> Answered {
    let Err(problem) = done else { return Ok(Redirect::to(&format!("/incidents/{id}")).into_response()) };
    let status = problem.code().status();
    let mut page = incident::load(app, id).await?;
    page.notice = Some(problem);
    Ok((status, incident::render(&visitor.frame, &page)).into_response())
}

/// Sets the posture.
pub(super) async fn posture(State(app): State<App>, visitor: Visitor, form: Filled<PostureForm>) -> Answered {
    let form = fields(form)?;
    app.engine.set_posture(&visitor.caller(), form.posture, &plain(&form.reason)).await?;
    Ok(Redirect::to("/policy").into_response())
}

/// Somebody loads the address of a form again: there is only its page to show.
pub(super) async fn back_to_change(Path(id): Path<String>) -> Result<Redirect, Failure> {
    Ok(Redirect::to(&format!("/changes/{}", change::named(&id)?)))
}

/// The same for an incident's forms.
pub(super) async fn back_to_incident(Path(id): Path<String>) -> Result<Redirect, Failure> {
    Ok(Redirect::to(&format!("/incidents/{}", incident::named(&id)?)))
}

/// The same for the posture.
pub(super) async fn back_to_policy() -> Redirect {
    Redirect::to("/policy")
}
