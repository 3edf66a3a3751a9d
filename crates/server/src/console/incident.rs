//! Incidents: the list, and the page of one with its signals, its commander, and the end of it.

use axum::extract::{Path, State};
use lineclear_core::IncidentId;
use lineclear_core::incident::{Incident, Kept, State as IncidentState};
use lineclear_core::signal::SignalState;
use lineclear_core::situation::Actor;
use maud::{Markup, html};

use super::frame::{Frame, Place, page, part};
use super::inbox::{IncidentLine, incident_lines, incidents};
use super::moment;
use super::shown::Shown;
use super::visitor::{Failure, Visitor, heading, said};
use crate::{App, Code, Problem};

/// What the page of an incident shows.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// The incident.
    pub incident: Incident,
    /// Who took it.
    pub commander: Option<String>,
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
    Ok(render(&visitor.frame, &load(&app, named(&id)?).await?))
}

/// The part of it that moves.
pub(super) async fn live(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Result<Markup, Failure> {
    Ok(body(&visitor.frame, &load(&app, named(&id)?).await?))
}

/// Everything the page shows.
pub(super) async fn load(app: &App, id: IncidentId) -> Result<Page, Problem> {
    let incident = app.engine.incident(id).await?;
    let commander = incident.commander.map(|id| app.engine.name(Actor::Operator(id)));
    Ok(Page { incident, commander, notice: None })
}

/// The page of the list.
pub(super) fn render_list(frame: &Frame, open: &[IncidentLine], closed: &[IncidentLine]) -> Markup {
    let body = html! {
        h1.head { "Incidents" }
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
    let id = it.incident.id;
    let whole = html! {
        @if let Some(problem) = &it.notice {
            div.alert role="alert" { p { strong { (heading(problem)) } " Nothing was done." } (said(problem)) }
        }
        (part(frame, "incident", &format!("/incidents/{id}/live"), &[id.to_string()], &body(frame, it)))
        (acts(it))
    };
    page(frame, Place::Incidents, &it.incident.title, &whole, None)
}

/// The part of it that moves.
fn body(frame: &Frame, it: &Page) -> Markup {
    let incident = &it.incident;
    html! {
        div.head {
            p.crumbs { a href="/incidents" { "Incidents" } " / " code { (incident.id.to_string()) } }
            h1 { (Shown(&incident.title)) }
            ul.chips {
                li { span.chip.stop[incident.severity.number() <= 2].wait[incident.severity.number() == 3] { "severity " (incident.severity.number()) } }
                li { (state(incident.state)) }
            }
            dl.facts {
                dt { "Opened" } dd { (moment::ago(frame.now, incident.opened)) span.soft { ", " (moment::exact(incident.opened)) } }
                dt { "Taken by" } dd { @match &it.commander { Some(name) => (Shown(name)), None => span.warn { "nobody yet" }, } }
                dt { "Group" } dd { code { (Shown(&incident.group)) } }
            }
        }
        section aria-labelledby="signals" {
            h2 #signals { "Signals" }
            p.soft.small { "As their senders word them." }
            table {
                thead { tr { th scope="col" { "What" } th scope="col" { "State" } th scope="col" { "Since" } th scope="col" { "Labels and annotations" } } }
                tbody { @for kept in incident.signals.values() { (signal(frame, kept)) } }
            }
        }
    }
}

fn state(state: IncidentState) -> Markup {
    html! {
        @match state {
            IncidentState::Open => span.chip.wait { "open" },
            IncidentState::Acknowledged => span.chip.go { "taken" },
            IncidentState::Resolved => span.chip.done { "every signal has resolved" },
            IncidentState::Closed => span.chip.over { "closed" },
        }
    }
}

fn signal(frame: &Frame, kept: &Kept) -> Markup {
    let signal = &kept.signal;
    html! {
        tr {
            td data-label="What" { (Shown(&signal.title)) br; span.small.soft { (Shown(&signal.source)) ", calls it “" (Shown(&signal.stated_severity)) "”" } }
            td data-label="State" { @match signal.state { SignalState::Firing => span.bad { "firing" }, SignalState::Resolved => span.good { "resolved" }, } }
            td data-label="Since" { (moment::ago(frame.now, signal.starts)) }
            td data-label="Labels and annotations" {
                @for (name, value) in &signal.labels { code { (Shown(name)) "=" (Shown(value)) } " " }
                @for (name, value) in &signal.annotations { p.small { span.soft { (Shown(name)) ": " } (Shown(value)) } }
            }
        }
    }
}

/// Taking and closing; nothing for an incident that is closed.
fn acts(it: &Page) -> Markup {
    let path = format!("/incidents/{}", it.incident.id);
    html! {
        @if it.incident.state != IncidentState::Closed {
            section aria-labelledby="acts" {
                h2 #acts { "Take it, or close it" }
                form method="post" action=(format!("{path}/take")) { p { button type="submit" { @if it.commander.is_some() { "Take it over" } @else { "Take it" } } } }
                form method="post" action=(format!("{path}/close")) autocomplete="off" {
                    label for="reason" { "Why it is over (needed)" }
                    textarea #reason name="reason" rows="2" maxlength="2000" required {}
                    button type="submit" { "Close it" }
                }
            }
        }
    }
}
