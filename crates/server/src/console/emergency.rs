//! Emergencies for people: what is in force and waits for a review, one of them with all that was done under it, and the forms to
//! declare, end and review.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use lineclear_core::emergency::{Declaration, Ending, Origin, Rules, State as Stands};
use lineclear_core::situation::Actor;
use lineclear_core::topology::{EntityKind, EntityRef};
use lineclear_core::{EmergencyId, Span, Timestamp};
use lineclear_engine::{EmergencyView, emergency_of, emergency_rows};
use maud::{Markup, html};
use serde::Deserialize;

use super::act::{Filled, Reason, fields, plain};
use super::frame::{Frame, Place, page, part};
use super::moment;
use super::shown::Shown;
use super::visitor::{Failure, Visitor, heading, said};
use crate::{App, Code, Problem};

/// How many emergencies the list shows.
const LINES_MAX: u32 = 50;

/// One line of the list.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Which.
    pub id: EmergencyId,
    /// Its state.
    pub word: String,
    /// What it covers, in words.
    pub title: String,
    /// When it began.
    pub begun: Timestamp,
}

/// What the list shows.
#[derive(Debug, Clone)]
pub(super) struct List {
    /// Newest first.
    pub lines: Vec<Line>,
    /// How many reviews are open.
    pub reviews: usize,
    /// What the estate says; none when it has no emergencies.
    pub rules: Option<Rules>,
    /// The services that may be named.
    pub services: Vec<EntityRef>,
    /// Why the reader's declaration was refused.
    pub notice: Option<Problem>,
}

/// What the page of one shows.
#[derive(Debug, Clone)]
pub(super) struct One {
    /// The emergency.
    pub view: EmergencyView,
    /// Who ended it, and who reviewed it, as people know them.
    pub names: (Option<String>, Option<String>),
    /// Whether the reader began it.
    pub own: bool,
    /// Why the reader's last act was refused.
    pub notice: Option<Problem>,
}

/// What a review found.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Found {
    #[serde(default)]
    findings: String,
}

/// The emergency of a path.
fn named(text: &str) -> Result<EmergencyId, Problem> {
    text.parse().map_err(|_| Problem::with(Code::NotFound, format!("there is no emergency `{text}` here")))
}

/// The list.
pub(super) async fn list(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    Ok(render_list(&visitor.frame, &look(&app).await?))
}

/// The part of the list that moves.
pub(super) async fn list_live(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    Ok(lines(&visitor.frame, &look(&app).await?))
}

/// One emergency.
pub(super) async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Result<Markup, Failure> {
    let one = load(&app, &visitor, named(&id)?).await?;
    Ok(render(&visitor.frame, &one))
}

/// The part of it that moves.
pub(super) async fn live(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Result<Markup, Failure> {
    let one = load(&app, &visitor, named(&id)?).await?;
    Ok(body(&visitor.frame, &one))
}

async fn look(app: &App) -> Result<List, Failure> {
    let rows = app.engine.list(emergency_rows(None, LINES_MAX)).await?.rows;
    let line =
        |row: lineclear_core::record::Row| emergency_of(&row).map(|id| Line { id, word: row.word, title: row.title, begun: row.begun });
    let estate = app.engine.estate();
    let services = estate.topology.iter().map(|entity| &entity.reference).filter(|thing| thing.kind == EntityKind::Service);
    Ok(List {
        lines: rows.into_iter().filter_map(line).collect(),
        reviews: app.engine.installation().await?.reviews.len(),
        rules: estate.authority.emergencies.clone(),
        services: services.cloned().collect(),
        notice: None,
    })
}

async fn load(app: &App, visitor: &Visitor, id: EmergencyId) -> Result<One, Failure> {
    let view = app.engine.emergency(id).await?;
    let ended = |ending: &Ending| match ending {
        Ending::Ended { by, .. } => Some(app.engine.name(Actor::Operator(*by))),
        Ending::Expired | Ending::Told => None,
    };
    let names = match &view.emergency.state {
        Stands::InForce => (None, None),
        Stands::Over { ending } => (ended(ending), None),
        Stands::Reviewed { ending, by, .. } => (ended(ending), Some(app.engine.name(Actor::Operator(*by)))),
    };
    Ok(One { own: view.emergency.by == visitor.id, names, view, notice: None })
}

/// Declares.
pub(super) async fn declare(State(app): State<App>, visitor: Visitor, form: Filled<Vec<(String, String)>>) -> Result<Response, Failure> {
    let pairs = fields(form)?;
    // A list that several are chosen from sends its name once for each.
    let (mut services, mut scope, mut minutes, mut justification) = (BTreeSet::new(), String::new(), 0_u64, String::new());
    for (name, value) in pairs {
        match (name.as_str(), value.parse::<EntityRef>()) {
            ("services", Ok(service)) => {
                services.insert(service);
            }
            ("scope", _) => scope = value,
            ("minutes", _) => minutes = value.trim().parse().unwrap_or_default(),
            ("justification", _) => justification = plain(&value),
            (_, _) => return Err(Problem::with(Code::Malformed, "this form holds a scope, minutes and a justification").into()),
        }
    }
    if scope == "estate" {
        services.clear();
    }
    let done = match crate::api::scope_of(&scope, services) {
        Ok(scope) => {
            let lasts = Span::from_secs(minutes.min(10_000) * 60);
            let declared = Declaration { justification, scope, lasts, incident: None };
            app.engine.declare_emergency(&visitor.caller(), declared).await.map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    match done {
        Ok(id) => Ok(Redirect::to(&path(id)).into_response()),
        Err(problem) => {
            let status = problem.code().status();
            let list = List { notice: Some(problem), ..look(&app).await? };
            Ok((status, render_list(&visitor.frame, &list)).into_response())
        }
    }
}

/// Ends one.
pub(super) async fn end(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Filled<Reason>,
) -> Result<Response, Failure> {
    let (id, form) = (named(&id)?, fields(form)?);
    let done = app.engine.end_emergency(&visitor.caller(), id, plain(&form.reason)).await;
    answer(&app, visitor, id, done.map_err(Problem::from)).await
}

/// Closes a review.
pub(super) async fn review(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Filled<Found>,
) -> Result<Response, Failure> {
    let (id, form) = (named(&id)?, fields(form)?);
    let done = app.engine.review_emergency(&visitor.caller(), id, plain(&form.findings)).await;
    answer(&app, visitor, id, done.map_err(Problem::from)).await
}

async fn answer(app: &App, visitor: Visitor, id: EmergencyId, done: Result<(), Problem>) -> Result<Response, Failure> {
    let Err(problem) = done else { return Ok(Redirect::to(&path(id)).into_response()) };
    let status = problem.code().status();
    let one = One { notice: Some(problem), ..load(app, &visitor, id).await? };
    Ok((status, render(&visitor.frame, &one)).into_response())
}

/// Somebody loads the address of a form again: there is only its page to show.
pub(super) async fn back(Path(id): Path<String>) -> Result<Redirect, Failure> {
    Ok(Redirect::to(&path(named(&id)?)))
}

/// The page of an emergency.
pub(super) fn path(id: EmergencyId) -> String {
    format!("/emergencies/{id}")
}

fn chip(word: &str) -> Markup {
    match word {
        "in_force" => html! { span.chip.stop { "in force" } },
        "in_review" => html! { span.chip.wait { "waits for its review" } },
        "reviewed" => html! { span.chip.over { "reviewed" } },
        other => html! { span.chip { (Shown(other)) } },
    }
}

/// The page of the list.
pub(super) fn render_list(frame: &Frame, it: &List) -> Markup {
    let body = html! {
        h1.head { "Emergencies" }
        p { "An emergency relaxes what the policies say it relaxes, and nothing else. Everything done under it says so for ever, counts as no experience, and waits for a review by somebody else." }
        (refused(it.notice.as_ref()))
        (part(frame, "emergencies", "/emergencies/live", &[], &lines(frame, it)))
        (form(it))
    };
    page(frame, Place::Emergencies, "Emergencies", &body, None)
}

fn refused(notice: Option<&Problem>) -> Markup {
    html! {
        @if let Some(problem) = notice {
            div.alert role="alert" { p { strong { (heading(problem)) } " Nothing was done." } (said(problem)) }
        }
    }
}

fn lines(frame: &Frame, it: &List) -> Markup {
    html! {
        section aria-labelledby="all" {
            h2 #all { "In force, in review, and before" }
            @if it.reviews > 0 { p.warn { (it.reviews) @if it.reviews == 1 { " review is open." } @else { " reviews are open." } } }
            @if it.lines.is_empty() {
                p.none { "None was ever declared, and no glass was broken." }
            } @else {
                ul.work {
                    @for line in &it.lines {
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
}

fn form(it: &List) -> Markup {
    html! {
        section aria-labelledby="declare" {
            h2 #declare { "Declare one" }
            @match &it.rules {
                None => p.none { "This estate lists no emergencies, so nobody declares one here." },
                Some(rules) => {
                    p { "It lasts " (rules.longest) " at the longest, and " (rules.open_reviews) " may wait for a review at once, this one included." }
                    form method="post" action="/emergencies" autocomplete="off" {
                        fieldset {
                            legend { "What it covers" }
                            label.pick { input type="radio" name="scope" value="services" required; span { "what reaches these services and no others" } }
                            label for="services" { "Services" }
                            select #services name="services" multiple size="4" {
                                @for service in &it.services { option value=(service.to_string()) { (service.to_string()) } }
                            }
                            label.pick { input type="radio" name="scope" value="estate" required; span { "the whole estate" } }
                        }
                        label for="minutes" { "For how many minutes" }
                        input #minutes type="text" name="minutes" inputmode="numeric" pattern="[0-9]{1,4}" value="60" required;
                        label for="justification" { "Why (needed; it is recorded)" }
                        textarea #justification name="justification" rows="3" minlength="10" maxlength="2000" required {}
                        button type="submit" { "Declare an emergency" }
                    }
                }
            }
        }
    }
}

/// The page of one.
pub(super) fn render(frame: &Frame, it: &One) -> Markup {
    let id = it.view.emergency.id;
    let whole = html! {
        (refused(it.notice.as_ref()))
        (part(frame, "emergency", &format!("{}/live", path(id)), &[id.to_string()], &body(frame, it)))
        (acts(it))
    };
    page(frame, Place::Emergencies, "Emergency", &whole, None)
}

fn body(frame: &Frame, it: &One) -> Markup {
    let one = &it.view.emergency;
    html! {
        h1.head { "Emergency " (chip(it.view.word)) }
        section aria-labelledby="what" {
            h2 #what { "What it is" }
            dl.facts {
                dt { "Begun by" } dd { (Shown(&it.view.name)) ", " (moment::exact(one.begun)) }
                dt { "Why" } dd { (Shown(&one.justification)) }
                @match &one.origin {
                    Origin::Declared { scope, incident } => {
                        dt { "Covers" } dd { (Shown(&scope.to_string())) }
                        @if let Some(incident) = incident { dt { "About" } dd { a href=(format!("/incidents/{incident}")) { "its incident" } } }
                    }
                    Origin::BrokenGlass { glass } => {
                        dt { "What was done" } dd { code { (glass.statement.action.as_str()) } " on " code { (glass.statement.target.to_string()) } ", by hand on " code { (glass.statement.runner.to_string()) } ", without the control plane" }
                        dt { "Runbook" } dd { code { (glass.statement.runbook.to_string()) } }
                    }
                }
                dt { "Until" } dd { (moment::exact(one.until)) " at the longest" }
                (ending(it))
            }
        }
        (done(frame, it))
    }
}

fn ending(it: &One) -> Markup {
    let over = |ending: &Ending| {
        html! {
            dt { "Ended" }
            dd {
                @match (ending, &it.names.0) {
                    (Ending::Ended { reason, .. }, Some(name)) => { "by " (Shown(name)) ": " (Shown(reason)) }
                    (Ending::Ended { reason, .. }, None) => (Shown(reason)),
                    (Ending::Expired, _) => "its time was over",
                    (Ending::Told, _) => "before it was told here",
                }
            }
        }
    };
    html! {
        @match &it.view.emergency.state {
            Stands::InForce => {}
            Stands::Over { ending } => { (over(ending)) dt { "Review" } dd.warn { "open: somebody else than who began it has to look at it" } }
            Stands::Reviewed { ending, findings, .. } => {
                (over(ending))
                dt { "Review" } dd { "closed by " (Shown(it.names.1.as_deref().unwrap_or("somebody"))) ": " (Shown(findings)) }
            }
        }
    }
}

fn done(frame: &Frame, it: &One) -> Markup {
    let one = &it.view.emergency;
    html! {
        section aria-labelledby="done" {
            h2 #done { "What was done under it" }
            @if one.acts.is_empty() && one.lines.is_empty() { p.none { "Nothing." } }
            @if !one.acts.is_empty() {
                ul { @for act in &one.acts { li { a href=(format!("/changes/{}", act.change)) { code { (act.change.to_string()) } } ", " (moment::ago(frame.now, act.at)) } } }
            }
            @if !one.lines.is_empty() { p { (one.lines.len()) " signed lines of its journal are in the ledger." } }
        }
        section aria-labelledby="life" {
            h2 #life { "Its life" }
            ol.timeline {
                @for moment in &it.view.timeline {
                    li { (moment::ago(frame.now, moment.at)) " " (Shown(&moment.says)) " " a.small.soft href=(format!("/ledger/{}", moment.index)) { "entry " (moment.index) } }
                }
            }
        }
    }
}

fn acts(it: &One) -> Markup {
    let id = it.view.emergency.id;
    html! {
        @match &it.view.emergency.state {
            Stands::InForce => section aria-labelledby="end" {
                h2 #end { "End it" }
                form method="post" action=(format!("{}/end", path(id))) autocomplete="off" {
                    label for="why" { "Why it is over (needed; it is recorded)" }
                    textarea #why name="reason" rows="2" maxlength="2000" required {}
                    button type="submit" { "End the emergency" }
                }
            },
            Stands::Over { .. } if it.own => section aria-labelledby="review" {
                h2 #review { "Review" }
                p { "You began it: somebody else closes its review." }
            },
            Stands::Over { .. } => section aria-labelledby="review" {
                h2 #review { "Review" }
                form method="post" action=(format!("{}/review", path(id))) autocomplete="off" {
                    label for="findings" { "What you found (needed; it is recorded)" }
                    textarea #findings name="findings" rows="4" minlength="10" maxlength="2000" required {}
                    button type="submit" { "Close the review" }
                }
            },
            Stands::Reviewed { .. } => {}
        }
    }
}
