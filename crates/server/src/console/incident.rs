//! Incidents: the list, and the room of one: how bad and why, who was told, what was changed lately, its signals, its life,
//! and what people do about it.

mod acts;
mod room;

pub(super) use room::recent;

use axum::extract::{Path, State};
use lineclear_core::IncidentId;
use lineclear_core::incident::{Kept, Role, State as IncidentState};
use lineclear_core::record::Stream;
use lineclear_core::signal::SignalState;
use lineclear_engine::RoomView;
use maud::{Markup, html};

use super::frame::{Frame, Place, page, part};
use super::inbox::{IncidentLine, incident_lines, incidents};
use super::shown::Shown;
use super::visitor::{Failure, Visitor, heading, said};
use super::{moment, pager};
use crate::{App, Code, Problem};

/// Most signals that the page lists; the others are counted.
const SIGNALS_SHOWN: usize = 100;

/// What the page of an incident shows.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// The incident with all that stands around it.
    pub room: RoomView,
    /// Other open incidents, that it may be part of.
    pub others: Vec<IncidentLine>,
    /// Everybody to whom a role may be handed.
    pub people: Vec<String>,
    /// Why the reader's last act was refused.
    pub notice: Option<Problem>,
}

/// The incident of a path.
pub(super) fn named(text: &str) -> Result<IncidentId, Problem> {
    text.parse().map_err(|_| Problem::with(Code::NotFound, format!("there is no incident `{text}` here")))
}

/// The list.
pub(super) async fn list(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    Ok(render_list(&visitor.frame, &incidents(&app, Some(true)).await?, &incidents(&app, Some(false)).await?))
}

/// The part of the list that moves.
pub(super) async fn list_live(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    Ok(list_body(&visitor.frame, &incidents(&app, Some(true)).await?, &incidents(&app, Some(false)).await?))
}

/// One incident.
pub(super) async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Result<Markup, Failure> {
    let id = named(&id)?;
    app.engine.looks_at(&visitor.caller(), Stream::Incident(id));
    Ok(render(&visitor.frame, &load(&app, id).await?))
}

/// The part of it that moves.
pub(super) async fn live(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Result<Markup, Failure> {
    let id = named(&id)?;
    app.engine.looks_at(&visitor.caller(), Stream::Incident(id));
    Ok(body(&visitor.frame, &load(&app, id).await?))
}

/// Everything the page shows.
pub(super) async fn load(app: &App, id: IncidentId) -> Result<Page, Problem> {
    let room = app.engine.room(id).await?;
    let others = incidents(app, Some(true)).await?.into_iter().filter(|line| line.id != id).collect();
    let people = app.engine.estate().directory.operators.values().map(|person| person.login.to_string()).collect();
    Ok(Page { room, others, people, notice: None })
}

/// The page of the list.
pub(super) fn render_list(frame: &Frame, open: &[IncidentLine], closed: &[IncidentLine]) -> Markup {
    let body = html! {
        h1.head { "Incidents" }
        p.soft { a href="/on-call" { "Who is on call, and who is looked for" } }
        (part(frame, "incidents", "/incidents/live", &[], &list_body(frame, open, closed)))
    };
    page(frame, Place::Incidents, "Incidents", &body, None)
}

fn list_body(frame: &Frame, open: &[IncidentLine], closed: &[IncidentLine]) -> Markup {
    html! {
        section aria-labelledby="open" {
            h2 #open { "Open" }
            @if open.is_empty() { p.none { "Nothing is wrong that Lineclear knows of." } } @else { (incident_lines(frame, open)) }
        }
        section aria-labelledby="closed" {
            h2 #closed { "Closed" }
            @if closed.is_empty() { p.none { "None yet." } } @else { (incident_lines(frame, closed)) }
        }
    }
}

/// The page of one.
pub(super) fn render(frame: &Frame, it: &Page) -> Markup {
    let id = it.room.incident.id;
    let whole = html! {
        @if let Some(problem) = &it.notice {
            div.alert role="alert" { p { strong { (heading(problem)) } " Nothing was done." } (said(problem)) }
        }
        (part(frame, "incident", &format!("/incidents/{id}/live"), &[id.to_string()], &body(frame, it)))
        (acts::acts(it))
    };
    page(frame, Place::Incidents, &it.room.incident.title, &whole, None)
}

/// The part of it that moves.
fn body(frame: &Frame, it: &Page) -> Markup {
    let (room, incident) = (&it.room, &it.room.incident);
    html! {
        div.head {
            p.crumbs { a href="/incidents" { "Incidents" } " / " code { (incident.id.to_string()) } }
            h1 { (Shown(&incident.title)) }
            ul.chips {
                li { span.chip.stop[incident.severity.number() <= 2].wait[incident.severity.number() == 3] { "severity " (incident.severity.number()) } }
                li { (state(incident.state)) }
                li { (room::attention(&incident.attention)) }
            }
            @if let Some(into) = incident.merged {
                p.alert { "This is part of " a href=(format!("/incidents/{into}")) { "another incident" } "; its signals are there." }
            }
            dl.facts {
                dt { "Opened" } dd { (moment::ago(frame.now, incident.opened)) span.soft { ", " (moment::exact(incident.opened)) } }
                dt { "Commander" } dd { (commander(frame, it)) }
                @for role in Role::ALL.into_iter().filter(|role| *role != Role::Commander) {
                    @if let Some(name) = room.roles.get(&role) { dt { (capital(role.title())) } dd { (Shown(name)) } }
                }
                dt { "Told by" } dd { @match &room.path { Some(path) => { "escalation path " code { (path) } }, None => span.soft { "no escalation path is set for what it concerns" }, } }
                dt { "Group" } dd { code { (Shown(&incident.group)) } }
            }
        }
        (pager::section(frame, room.page.as_ref(), &room.looking))
        div.columns { (room::factors(room)) (room::recent(frame, &room.recent)) }
        section aria-labelledby="signals" {
            h2 #signals { "Signals" }
            p.soft.small { "As their senders word them. " (room::counted(incident)) }
            table {
                thead { tr { th scope="col" { "What" } th scope="col" { "State" } th scope="col" { "Since" } th scope="col" { "Labels and annotations" } } }
                tbody { @for kept in room::listed(incident).into_iter().take(SIGNALS_SHOWN) { (signal(frame, kept)) } }
            }
        }
        (room::timeline(room))
    }
}

/// Who commands it, or since when nobody does.
fn commander(frame: &Frame, it: &Page) -> Markup {
    html! {
        @match (&it.room.commander, it.room.incident.gap) {
            (Some(name), _) => (Shown(name)),
            (None, Some(gap)) => span.bad { "nobody: whoever did left " (moment::ago(frame.now, gap)) },
            (None, None) => span.warn { "nobody yet" },
        }
    }
}

/// With a capital.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn state(state: IncidentState) -> Markup {
    html! {
        @match state {
            IncidentState::Open => span.chip.wait { "open" },
            IncidentState::Acknowledged => span.chip.go { "taken" },
            IncidentState::Resolved => span.chip.done { "every signal has resolved" },
            IncidentState::Merged => span.chip.over { "part of another" },
            IncidentState::Closed => span.chip.over { "closed" },
        }
    }
}

fn signal(frame: &Frame, kept: &Kept) -> Markup {
    let signal = &kept.signal;
    html! {
        tr {
            td data-label="What" { (Shown(&signal.title)) br; span.small.soft { (Shown(&signal.source)) ", calls it “" (Shown(&signal.stated_severity)) "”" } }
            td data-label="State" { @match signal.state { SignalState::Firing if kept.flapping => span.warn { "goes back and forth" }, SignalState::Firing => span.bad { "firing" }, SignalState::Resolved => span.good { "resolved" }, } }
            td data-label="Since" { (moment::ago(frame.now, signal.starts)) }
            td data-label="Labels and annotations" {
                @for (name, value) in &signal.labels { code { (Shown(name)) "=" (Shown(value)) } " " }
                @for (name, value) in &signal.annotations { p.small { span.soft { (Shown(name)) ": " } (Shown(value)) } }
            }
        }
    }
}
