//! Drafted runbooks for people: what they would replace, what looks careless, how each test came out and what it would call. A draft runs
//! nothing; taking it up proposes a version of the estate.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use lineclear_core::id::IdError;
use lineclear_core::patch::{Patch, Played, State as Standing};
use lineclear_core::record::{Row, Stream};
use lineclear_core::revision::How;
use lineclear_core::{PatchId, Timestamp};
use lineclear_engine::{Files, PatchView};
use lineclear_store::RowQuery;
use maud::{Markup, html};

use super::act::{Empty, Filled, Reason, fields, plain};
use super::change::gets;
use super::frame::{Frame, Place, page};
use super::moment;
use super::shown::Shown;
use super::visitor::{Failure, Visitor, heading, said};
use crate::difference::{Differing, differences};
use crate::{App, Code, Problem};

/// How many drafts the list shows.
const LINES_MAX: u32 = 50;

/// One draft in the list.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Which.
    pub id: PatchId,
    /// Its state.
    pub word: String,
    /// Of which runbook.
    pub title: String,
    /// When it was offered.
    pub begun: Timestamp,
}

/// What the page of a draft shows.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// Everything there is to see of it.
    pub view: PatchView,
    /// The drafter's name.
    pub by: String,
    /// How the file differs from the one in force; none when it does not.
    pub file: Option<Differing>,
    /// What was refused just now, and what was typed.
    pub refused: Option<(Problem, String)>,
}

fn named(text: &str) -> Result<PatchId, Problem> {
    text.parse().map_err(|error: IdError| Problem::with(Code::BadParameter, error))
}

/// Its page.
pub(super) fn path(id: PatchId) -> String {
    format!("/runbooks/drafts/{id}")
}

/// The list.
pub(super) async fn list(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    let query = RowQuery { kind: "patch".into(), limit: LINES_MAX, ..RowQuery::default() };
    let rows = app.engine.list(query).await?.rows;
    let lines: Vec<Line> = rows.into_iter().filter_map(line).collect();
    Ok(page(&visitor.frame, Place::Policy, "Drafted runbooks", &listed(&visitor.frame, &lines), None))
}

fn line(row: Row) -> Option<Line> {
    let Stream::Patch(id) = row.stream else { return None };
    Some(Line { id, word: row.word, title: row.title, begun: row.begun })
}

/// The list without its frame.
pub(super) fn listed(frame: &Frame, lines: &[Line]) -> Markup {
    html! {
        h1.head { "Drafted runbooks" }
        p { "Agents and people may draft a runbook with its tests. Nothing runs a draft: a person takes it up, and it becomes part of a " a href="/estate" { "proposed version of the estate" } "." }
        @if lines.is_empty() { p.none { "None yet." } } @else {
            ul.work {
                @for line in lines {
                    li {
                        a.row href=(path(line.id)) {
                            span { (chip(&line.word)) }
                            span.name { (Shown(&line.title)) }
                            span.left { (moment::ago(frame.now, line.begun)) }
                        }
                    }
                }
            }
        }
    }
}

fn chip(word: &str) -> Markup {
    let (class, words) = match word {
        "offered" => ("wait", "waits for a person"),
        "taken_up" => ("done", "taken up"),
        "declined" => ("stop", "declined"),
        other => ("over", other),
    };
    html! { span class=(format!("chip {class}")) { (Shown(words)) } }
}

async fn look(app: &App, id: PatchId) -> Result<Page, Failure> {
    let view = app.engine.patch(id).await?;
    let by = app.engine.name(view.patch.by);
    let file = |text: &str| Files::from([(view.patch.path(), text.as_bytes().to_vec())]);
    let before = view.replaces.as_deref().map(file).unwrap_or_default();
    let file = differences(&before, &file(&view.patch.text)).into_iter().next();
    Ok(Page { by, file, refused: None, view })
}

/// The page of a draft.
pub(super) async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Result<Markup, Failure> {
    let it = look(&app, named(&id)?).await?;
    Ok(render(&visitor.frame, &it))
}

/// The whole page.
pub(super) fn render(frame: &Frame, it: &Page) -> Markup {
    let body = html! {
        @if let Some((problem, _)) = &it.refused { div.alert role="alert" { p { strong { (Shown(&heading(problem))) } } (said(problem)) } }
        (head(frame, it))
        (findings(it))
        (file(it))
        (timeline(it))
    };
    page(frame, Place::Policy, "Drafted runbook", &body, choices(it).as_ref())
}

fn head(frame: &Frame, it: &Page) -> Markup {
    let Patch { review, how, note, incident, offered, .. } = &it.view.patch;
    let what = if *how == How::Added { "a new runbook" } else { "another text of a runbook" };
    html! {
        div.head {
            p.crumbs { a href="/policy" { "Policy" } " / " a href="/runbooks/drafts" { "Drafted runbooks" } " / " code { (it.view.patch.id.to_string()) } }
            h1 { (Shown(&review.title)) }
            ul.chips { li { (chip(it.view.word)) } li { span.chip { (moment::left(frame.now, it.view.patch.until())) } } }
            p.sentence { (Shown(&it.by)) " drafted " (what) ", " code { (review.runbook.as_str()) } ", " (moment::ago(frame.now, *offered)) ". Team " code { (review.owner.as_str()) } " would answer for it. Nothing runs it." }
            p.said-by { "In their words:" } blockquote.said { (Shown(note)) }
            @if let Some(incident) = incident { p { "For " a href=(format!("/incidents/{incident}")) { "this incident" } "." } }
            @if let Standing::TakenUp { revision, .. } = it.view.patch.state { p { "It is part of " a href=(super::estate::path(revision)) { "a proposed version of the estate" } "." } }
        }
    }
}

fn findings(it: &Page) -> Markup {
    let review = &it.view.patch.review;
    html! {
        section.alarm[!review.holds()] aria-labelledby="tests" {
            h2 #tests { "Tests" }
            p { (review.holding()) " of " (review.tests.len()) " hold, played through the machine that real runs go through." }
            @for test in &review.tests { (played(test)) }
            @if !review.unrehearsed.is_empty() {
                p.warn { "No test that holds takes back " @for (index, step) in review.unrehearsed.iter().enumerate() { @if index > 0 { ", " } code { (step.as_str()) } } ", so it can never become routine." }
            }
        }
        section aria-labelledby="careless" {
            h2 #careless { "What looks careless" }
            @if review.warnings.is_empty() { p.none { "Nothing." } }
            ul { @for warning in &review.warnings { li { (Shown(warning)) } } }
        }
        section aria-labelledby="gets" {
            h2 #gets { "What it could get" }
            (gets(&review.permissions))
        }
    }
}

fn played(test: &Played) -> Markup {
    html! {
        details.step {
            summary { @if test.fault.is_none() { span.good { "holds" } } @else { span.bad { "does not hold" } } " " (Shown(&test.name)) }
            @if let Some(fault) = &test.fault { p.bad { (Shown(fault)) } }
            p.small.soft { "With its target and inputs, the steps would call:" }
            ol { @for line in &test.plan { li { code { (Shown(line)) } } } }
        }
    }
}

fn file(it: &Page) -> Markup {
    html! {
        section aria-labelledby="file" {
            h2 #file { "The file" }
            @match &it.file {
                None => p.none { "It is the file in force, word by word." },
                Some(file) => {
                    p { code { (Shown(&file.path)) } }
                    pre { code { (Shown(&file.text)) } }
                    @if file.cut { p.warn { "It is longer than what is shown." } }
                }
            }
        }
    }
}

fn timeline(it: &Page) -> Markup {
    html! {
        section aria-labelledby="timeline" {
            h2 #timeline { "What has happened" }
            ol.timeline reversed {
                @for moment in it.view.timeline.iter().rev() {
                    li id=(format!("entry-{}", moment.index)) {
                        span.when { (moment::clock(moment.at)) }
                        span { (Shown(&moment.says)) " " span.by { (Shown(&moment.name)) ", " a href=(format!("/ledger/{}", moment.index)) { "entry " (moment.index) } } }
                    }
                }
            }
        }
    }
}

fn choices(it: &Page) -> Option<Markup> {
    if it.view.patch.state != Standing::Offered {
        return None;
    }
    let at = path(it.view.patch.id);
    let typed = it.refused.as_ref().map(|(_, typed)| typed.as_str()).unwrap_or_default();
    Some(html! {
        aside #decide .bar aria-label="Decide" {
            div.bar-in {
                p.ask { strong { "Take it up?" } " That proposes a version of the estate with this file. It comes into force only after its owners and the people whom the ladder asks have approved it." }
                div.choices {
                    form method="post" action=(format!("{at}/take-up")) { button.yes type="submit" { "Propose it" } }
                    details name="act" {
                        summary.no { "Decline…" }
                        form method="post" action=(format!("{at}/decline")) autocomplete="off" {
                            label for="decline-why" { "Why (needed; the drafter reads it)" }
                            textarea #decline-why name="reason" rows="2" maxlength="2000" required { (typed) }
                            button.no type="submit" { "Decline it" }
                        }
                    }
                }
            }
        }
    })
}

/// Takes it up: the answer is the page of the proposed version.
pub(super) async fn take_up(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Filled<Empty>,
) -> Result<Response, Failure> {
    let id = named(&id)?;
    fields(form)?;
    match app.engine.take_up(&visitor.caller(), id).await {
        Ok(revision) => Ok(Redirect::to(&super::estate::path(revision)).into_response()),
        Err(error) => refused(&app, &visitor, id, String::new(), error.into()).await,
    }
}

/// Declines it.
pub(super) async fn decline(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Filled<Reason>,
) -> Result<Response, Failure> {
    let (id, reason) = (named(&id)?, plain(&fields(form)?.reason));
    match app.engine.decline_patch(&visitor.caller(), id, reason.clone()).await {
        Ok(()) => Ok(Redirect::to(&path(id)).into_response()),
        Err(error) => refused(&app, &visitor, id, reason, error.into()).await,
    }
}

async fn refused(app: &App, visitor: &Visitor, id: PatchId, typed: String, problem: Problem) -> Result<Response, Failure> {
    let status = problem.code().status();
    let mut page = look(app, id).await?;
    page.refused = Some((problem, typed));
    Ok((status, render(&visitor.frame, &page)).into_response())
}

/// Somebody loads the address of a form again: there is only its page to show.
pub(super) async fn back(Path(id): Path<String>) -> Result<Redirect, Failure> {
    Ok(Redirect::to(&path(named(&id)?)))
}
