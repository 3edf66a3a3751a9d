//! Runners for people: who is connected, what each carries and holds, and what a person does about one.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use lineclear_core::RunnerId;
use lineclear_core::runner::Act;
use lineclear_engine::{Holding, RunnerView};
use maud::{Markup, html};

use super::act::{Filled, Reason, fields, plain};
use super::frame::{Frame, Place, page, part};
use super::moment;
use super::shown::Shown;
use super::visitor::{Failure, Visitor, heading, said};
use crate::{App, Code, Problem};

/// What the page shows.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// Newest first, the one in this process last.
    pub runners: Vec<RunnerView>,
    /// The size of the ledger now.
    pub size: u64,
    /// What was refused.
    pub refused: Option<Problem>,
}

async fn look(app: &App, visitor: &Visitor) -> Result<Page, Failure> {
    let runners = app.engine.runners(&visitor.caller()).await?;
    Ok(Page { runners, size: app.engine.store().head().await?.size, refused: None })
}

/// The page.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    Ok(render(&visitor.frame, &look(&app, &visitor).await?))
}

/// The part of it that moves.
pub(super) async fn live(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    Ok(list(&visitor.frame, &look(&app, &visitor).await?))
}

/// Gives a runner no more warrants.
pub(super) async fn drain(app: State<App>, visitor: Visitor, id: Path<String>, form: Filled<Reason>) -> Result<Response, Failure> {
    act(app, visitor, id, form, Act::Drain).await
}

/// Gives it warrants again.
pub(super) async fn resume(app: State<App>, visitor: Visitor, id: Path<String>, form: Filled<Reason>) -> Result<Response, Failure> {
    act(app, visitor, id, form, Act::Resume).await
}

/// Makes its key count for nothing.
pub(super) async fn revoke(app: State<App>, visitor: Visitor, id: Path<String>, form: Filled<Reason>) -> Result<Response, Failure> {
    act(app, visitor, id, form, Act::Revoke).await
}

async fn act(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Filled<Reason>,
    act: Act,
) -> Result<Response, Failure> {
    let id: RunnerId = id.parse().map_err(|_| Problem::with(Code::NotFound, "there is no such runner here"))?;
    let reason = plain(&fields(form)?.reason);
    let Err(error) = app.engine.act_on_runner(&visitor.caller(), id, act, &reason).await else {
        return Ok(Redirect::to("/runners").into_response());
    };
    let problem = Problem::from(error);
    let status = problem.code().status();
    let page = Page { refused: Some(problem), ..look(&app, &visitor).await? };
    Ok((status, render(&visitor.frame, &page)).into_response())
}

/// Somebody loads the address of a form again: there is only its page to show.
pub(super) async fn back() -> Redirect {
    Redirect::to("/runners")
}

/// The page.
pub(super) fn render(frame: &Frame, it: &Page) -> Markup {
    let body = html! {
        h1.head { "Runners" }
        @if let Some(problem) = &it.refused { div.alert role="alert" { p { strong { (heading(problem)) } " Nothing was done." } (said(problem)) } }
        p { "A runner acts on warrants, after it has checked each against its own file. It is invited with " code { "lineclear runner invite NAME --labels site=ber" } ", and enrols with the token that this prints." }
        (part(frame, "runners", "/runners/live", &[], &list(frame, it)))
    };
    page(frame, Place::Policy, "Runners", &body, None)
}

fn list(frame: &Frame, it: &Page) -> Markup {
    html! {
        @if it.runners.is_empty() { p.none { "None: nothing can be carried out." } }
        @for runner in &it.runners { (one(frame, it.size, runner)) }
    }
}

fn one(frame: &Frame, size: u64, runner: &RunnerView) -> Markup {
    let heading = format!("of-{}", runner.id);
    html! {
        section aria-labelledby=(heading) {
            h2 id=(heading) { @match &runner.name { Some(name) => (name.as_str()), None => "In this process" } }
            ul.chips {
                li { span.chip.done[runner.state == "active" || runner.state == "embedded"].wait[runner.state == "draining" || runner.state == "invited"].over[runner.state == "revoked" || runner.state == "lapsed"] { (runner.state) } }
                @if runner.key.is_some() || runner.name.is_none() {
                    li { @if runner.connected { span.chip.done { "connected" } } @else { span.chip.stop { "away" } } }
                }
                @if runner.stopping { li { span.chip.wait { "stopping" } } }
                @for label in runner.labels.iter() { li { span.chip.low { (label.to_string()) } } }
            }
            @if runner.token_shown_again {
                p.small { strong { "Its token was shown again after it was used." } " If that was not its owner, somebody has a copy: revoke it, and invite another." }
            }
            dl.facts {
                dt { "Last heard" } dd { @match runner.heard { Some(at) => (moment::ago(frame.now, at)), None => "not since this installation started" } }
                @if let Some(head) = runner.head { dt { "Last head of the ledger" } dd { (head) " entries" @if head < size { span.soft { ", of " (size) } } } }
                @if let Some(version) = &runner.version { dt { "Version" } dd { (Shown(version)) } }
                @if let Some(sandbox) = &runner.sandbox { dt { "Sandbox for commands" } dd { (Shown(sandbox)) } }
                @if let Some(until) = runner.until { dt { "Its token works" } dd { "until " (moment::exact(until)) } }
                @if let Some(by) = &runner.invited_by { dt { "Invited by" } dd { (Shown(by)) @if let Some(at) = runner.invited { " " (moment::ago(frame.now, at)) } } }
                @if let Some(key) = runner.key { dt { "Key" } dd { code { (key.to_string()) } } }
                dt { "Holds" } dd { (holds(&runner.holds)) }
            }
            (acts(runner))
        }
    }
}

fn holds(holds: &[Holding]) -> Markup {
    html! {
        @if holds.is_empty() { "nothing" } @else {
            ul {
                @for holding in holds {
                    li { a href=(format!("/changes/{}", holding.change)) { (holding.attempt.step.as_str()) ", " (holding.attempt.direction.word()) ", attempt " (holding.attempt.number) } " (" (holding.phase.word()) ")" }
                }
            }
        }
    }
}

/// What a person may do now; nothing about the runner of this process, which lives and ends with it.
fn acts(runner: &RunnerView) -> Markup {
    let offered: &[(&str, &str)] = match runner.state {
        "active" => &[("drain", "Give it no more warrants"), ("revoke", "Revoke it")],
        "draining" => &[("resume", "Give it warrants again"), ("revoke", "Revoke it")],
        "invited" => &[("revoke", "Take the invitation back")],
        _ => &[],
    };
    html! {
        @for (word, says) in offered {
            @let field = format!("{word}-{}", runner.id);
            details {
                summary { (says) }
                form method="post" action=(format!("/runners/{}/{word}", runner.id)) autocomplete="off" {
                    label for=(field) { "Why (needed)" }
                    textarea id=(field) name="reason" rows="2" maxlength="2000" required {}
                    button type="submit" { (says) }
                }
            }
        }
    }
}
