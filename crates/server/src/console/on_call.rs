//! Who is on call, whom paths tell in which order, and who is looked for now.

use axum::extract::State;
use lineclear_core::escalation::{EscalationPath, Whom};
use lineclear_core::record::Stream;
use lineclear_engine::{OnCall, PageView};
use lineclear_store::RowQuery;
use maud::{Markup, html};

use super::frame::{Frame, Place, page, part};
use super::shown::Shown;
use super::visitor::{Failure, Visitor};
use super::{moment, pager};
use crate::{App, Problem};

/// Most searches that the page shows: more at once is a bad night in which nobody reads lists.
const PAGES_SHOWN: u32 = 30;

/// What the page shows.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// Every rotation now.
    pub now: Vec<OnCall>,
    /// Every escalation path.
    pub paths: Vec<EscalationPath>,
    /// Searches that are not over.
    pub open: Vec<PageView>,
}

async fn load(app: &App) -> Result<Page, Problem> {
    let engine = &app.engine;
    let query = RowQuery { kind: "page".into(), open: Some(true), limit: PAGES_SHOWN, ..RowQuery::default() };
    let mut open = Vec::new();
    for row in engine.list(query).await?.rows {
        if let Stream::Page(id) = row.stream {
            open.extend(engine.page_if_any(id).await?);
        }
    }
    Ok(Page { now: engine.on_call(engine.now()), paths: engine.estate().escalation.values().cloned().collect(), open })
}

/// The page.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    Ok(render(&visitor.frame, &load(&app).await?))
}

/// The part of it that moves.
pub(super) async fn live(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    Ok(body(&visitor.frame, &load(&app).await?))
}

/// The page.
pub(super) fn render(frame: &Frame, it: &Page) -> Markup {
    let whole = html! {
        h1.head { "On call" }
        (part(frame, "on-call", "/on-call/live", &[], &body(frame, it)))
    };
    page(frame, Place::Incidents, "On call", &whole, None)
}

fn body(frame: &Frame, it: &Page) -> Markup {
    html! {
        section aria-labelledby="open" {
            h2 #open { "Looked for now" }
            @if it.open.is_empty() { p.none { "Nobody is looked for." } }
            @for view in &it.open {
                div.card { h3 { (Shown(&view.page.title)) } (pager::lines(frame, view)) p.small { a href=(format!("/pages/{}", view.page.id)) { "Answer it, or hand it over" } } }
            }
        }
        section aria-labelledby="rotations" {
            h2 #rotations { "Rotations" }
            @if it.now.is_empty() { p.none { "No rotation is written down." } } @else {
                table {
                    thead { tr { th scope="col" { "Rotation" } th scope="col" { "Now" } th scope="col" { "Until" } th scope="col" { "Then" } th scope="col" { "Calendar" } } }
                    tbody { @for rotation in &it.now { (line(rotation)) } }
                }
            }
        }
        section aria-labelledby="paths" {
            h2 #paths { "Escalation paths" }
            @for path in &it.paths { (steps(path)) }
            @if it.paths.is_empty() { p.none { "None is written down: the team that owns a thing is told, and then everybody." } }
        }
    }
}

fn line(it: &OnCall) -> Markup {
    html! {
        tr {
            td data-label="Rotation" { (Shown(&it.title)) br; span.small.soft { code { (it.rotation.as_str()) } ", clock of " (Shown(&it.zone)) } }
            td data-label="Now" { @if it.people.is_empty() { span.warn { "nobody" } } @else { strong { (Shown(&it.people.join(", "))) } } }
            td data-label="Until" { @match it.until { Some(until) => (moment::exact(until)), None => "for ever", } }
            td data-label="Then" { @if it.next.is_empty() { "nobody" } @else { (Shown(&it.next.join(", "))) } }
            td data-label="Calendar" { a href=(format!("/on-call/{}.ics", it.rotation)) { "iCalendar" } }
        }
    }
}

fn steps(path: &EscalationPath) -> Markup {
    html! {
        div.card {
            h3 { (Shown(&path.title)) " " code.small { (path.name.as_str()) } }
            ol {
                @for tier in &path.tiers { li { (Shown(&tier.title)) ": " (whom(&tier.whom)) ", within " (tier.within.to_string()) } }
            }
            p.soft.small {
                @if path.repeat > 0 { "Walked " (u16::from(path.repeat) + 1) " times. " }
                "Whoever has answered and does nothing for " (path.act_within.to_string()) " is passed by. "
                @if let Some(last) = &path.last_resort { "Last resort: " (whom(last)) "." }
            }
        }
    }
}

fn whom(whom: &Whom) -> Markup {
    let mut words: Vec<String> = whom.on_call.iter().map(|rotation| format!("on call in `{rotation}`")).collect();
    words.extend(whom.people.iter().map(ToString::to_string));
    words.extend(whom.roles.iter().map(|role| format!("every {role}")));
    words.extend(whom.owner.then(|| "the owning team".to_owned()));
    words.extend(whom.commander.then(|| "whoever commands it".to_owned()));
    html! { (Shown(&words.join(", "))) }
}
