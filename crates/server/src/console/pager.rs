//! The page of a search for a person, where somebody who was told answers; a link to it carries no authority. And the few lines
//! of it that stand on the pages of incidents and changes.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use lineclear_core::PageId;
use lineclear_core::name::Login;
use lineclear_core::page::{About, State as PageState};
use lineclear_core::subject::Subject;
use lineclear_engine::PageView;
use maud::{Markup, html};
use serde::Deserialize;

use super::act::{Filled, Reason, fields, plain};
use super::frame::{Frame, Place, page, part};
use super::moment;
use super::shown::{Shown, flat};
use super::visitor::{Failure, Visitor, heading, said};
use crate::{App, Code, Problem};

/// What the page shows.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// The search.
    pub view: PageView,
    /// Everybody to whom it may be handed.
    pub people: Vec<String>,
    /// Why the reader's last act was refused.
    pub notice: Option<Problem>,
}

/// To whom a page is handed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Handing {
    to: String,
    #[serde(default)]
    reason: String,
}

/// The page of a path.
fn named(text: &str) -> Result<PageId, Problem> {
    text.parse().map_err(|_| Problem::with(Code::NotFound, format!("there is no page `{text}` here")))
}

async fn load(app: &App, id: PageId) -> Result<Page, Problem> {
    let people = app.engine.estate().directory.operators.values().map(|person| person.login.to_string()).collect();
    Ok(Page { view: app.engine.page(id).await?, people, notice: None })
}

/// The page.
pub(super) async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Result<Markup, Failure> {
    Ok(render(&visitor.frame, &load(&app, named(&id)?).await?))
}

/// The part of it that moves.
pub(super) async fn live(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Result<Markup, Failure> {
    Ok(body(&visitor.frame, &load(&app, named(&id)?).await?.view))
}

/// Somebody loads the address of a form again: there is only its page to show.
pub(super) async fn back(Path(id): Path<String>) -> Result<Redirect, Failure> {
    Ok(Redirect::to(&format!("/pages/{}", named(&id)?)))
}

/// Answers it.
pub(super) async fn answer(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Filled<Reason>,
) -> Result<Response, Failure> {
    let id = named(&id)?;
    fields(form)?;
    let done = app.engine.acknowledge_page(&visitor.caller(), id).await.map(drop);
    done_or_shown(&app, visitor, id, done.map_err(Problem::from)).await
}

/// Hands it over.
pub(super) async fn hand_over(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Filled<Handing>,
) -> Result<Response, Failure> {
    let (id, form) = (named(&id)?, fields(form)?);
    let to: Result<Login, Problem> = form.to.trim().parse().map_err(|_| Problem::new(Code::NoTaker).at("/to"));
    let done = match to {
        Ok(to) => app.engine.hand_over_page(&visitor.caller(), id, &to, &plain(&form.reason)).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    done_or_shown(&app, visitor, id, done).await
}

async fn done_or_shown(app: &App, visitor: Visitor, id: PageId, done: Result<(), Problem>) -> Result<Response, Failure> {
    let Err(problem) = done else { return Ok(Redirect::to(&format!("/pages/{id}")).into_response()) };
    let status = problem.code().status();
    let mut page = load(app, id).await?;
    page.notice = Some(problem);
    Ok((status, render(&visitor.frame, &page)).into_response())
}

/// The page.
pub(super) fn render(frame: &Frame, it: &Page) -> Markup {
    let id = it.view.page.id;
    let whole = html! {
        @if let Some(problem) = &it.notice {
            div.alert role="alert" { p { strong { (heading(problem)) } " Nothing was done." } (said(problem)) }
        }
        (part(frame, "page", &format!("/pages/{id}/live"), &[id.to_string()], &body(frame, &it.view)))
        (acts(it))
    };
    page(frame, Place::Incidents, "A person is looked for", &whole, None)
}

/// Where what it is about can be read.
fn about(view: &PageView) -> (String, &'static str) {
    match &view.page.about {
        About::Incident { incident } => (format!("/incidents/{incident}"), "an incident"),
        About::Request { subject: Subject::Change { change }, .. } => (format!("/changes/{change}"), "a request to approve a change"),
        About::Request { subject: Subject::Revision { revision, .. }, .. } => {
            (format!("/estate/revisions/{revision}"), "a request to approve another version of the estate")
        }
    }
}

fn body(frame: &Frame, view: &PageView) -> Markup {
    let (path, what) = about(view);
    html! {
        div.head {
            p.crumbs { a href="/on-call" { "On call" } " / " code { (view.page.id.to_string()) } }
            h1 { "A person is looked for: " (Shown(&view.page.title)) }
            p.sentence { "For " a href=(path) { (what) } "." }
            (lines(frame, view))
        }
        section aria-labelledby="told" {
            h2 #told { "What happened" }
            ol.timeline {
                @for moment in &view.timeline {
                    li { (moment::clock(moment.at)) " " a href=(format!("/ledger/{}", moment.index)) { "#" (moment.index) } " " (Shown(&moment.says)) }
                }
            }
        }
    }
}

/// Who is asked, who has answered, and when it climbs: one sentence.
pub(super) fn lines(frame: &Frame, view: &PageView) -> Markup {
    html! {
        p.pager {
            @match &view.page.state {
                PageState::Held { until } => { "Quiet hours: " (names(&view.next)) " told at " (moment::clock(*until)) "." }
                PageState::Owed { .. } => { "Somebody is about to be told." }
                PageState::Calling { .. } => {
                    "Asked: " strong { @if view.asked.is_empty() { "nobody" } @else { (names(&view.asked)) } }
                    span.soft { " (" (Shown(&view.step)) ")" }
                    @if let Some(climbs) = view.climbs { ", climbs to " (names(&view.next)) ", " (moment::left(frame.now, climbs)) }
                    "."
                }
                PageState::Acknowledged { .. } => {
                    "Answered by " strong { (names(view.holder.as_slice())) }
                    @if let Some(climbs) = view.climbs { "; climbs to " (names(&view.next)) " when nothing is done, " (moment::left(frame.now, climbs)) }
                    "."
                }
                PageState::Resting { .. } => { "Nobody is looked for while no signal fires." }
                PageState::Over { .. } => { "Nobody is looked for any more." }
            }
        }
    }
}

fn names(people: &[String]) -> Markup {
    html! {
        @if people.is_empty() { "nobody" }
        @for (index, name) in people.iter().enumerate() { @if index > 0 { ", " } (Shown(name)) }
    }
}

fn acts(it: &Page) -> Markup {
    let path = format!("/pages/{}", it.view.page.id);
    html! {
        @if !matches!(it.view.page.state, PageState::Over { .. }) {
            section aria-labelledby="acts" {
                h2 #acts { "Answer it, or hand it over" }
                form method="post" action=(format!("{path}/answer")) { p { button type="submit" { "I am on it" } } }
                form method="post" action=(format!("{path}/hand-over")) autocomplete="off" {
                    label for="to" { "To whom" }
                    select #to name="to" required { @for person in &it.people { option value=(flat(person)) { (Shown(person)) } } }
                    label for="reason" { "Why (needed)" }
                    textarea #reason name="reason" rows="2" maxlength="2000" required {}
                    button type="submit" { "Hand it over" }
                }
            }
        }
    }
}

/// The lines of it on another page, with the way to it, and who else is looking.
pub(super) fn section(frame: &Frame, view: Option<&PageView>, looking: &[String]) -> Markup {
    html! {
        @if view.is_some() || !looking.is_empty() {
            section.pager aria-labelledby="pager" {
                h2 #pager { "Who is on it" }
                @if let Some(view) = view {
                    (lines(frame, view))
                    p.small { a href=(format!("/pages/{}", view.page.id)) { "Answer it, hand it over, or see who was told" } }
                }
                @if !looking.is_empty() { p.soft { "Looking now: " (names(looking)) "." } }
            }
        }
    }
}
