//! The inbox: what waits for people first, by the cost of waiting; then what is under way; then what is over.

use axum::extract::State;
use lineclear_core::catalogue::Risk;
use lineclear_core::change::State as ChangeState;
use lineclear_core::incident::Incident;
use lineclear_core::record::{Row, Stream};
use lineclear_core::situation::Actor;
use lineclear_core::{ChangeId, IncidentId, Timestamp};
use lineclear_engine::ChangeView;
use lineclear_store::RowQuery;
use maud::{Markup, html};

use super::change::state_chip;
use super::frame::{Frame, Place, page, part};
use super::moment;
use super::shown::Shown;
use super::visitor::{Failure, Visitor};
use crate::{App, Problem};

/// Most open changes that are shown: more than anybody decides in a shift.
const OPEN_MAX: u32 = 60;
/// Most changes that are over that are shown.
const RECENT_MAX: u32 = 12;
/// Most open incidents that are shown.
const INCIDENTS_MAX: u32 = 30;

/// One line of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The change.
    pub id: ChangeId,
    /// Its state in one word.
    pub word: String,
    /// The action.
    pub action: String,
    /// The target.
    pub target: String,
    /// The risk; none when the catalogue no longer holds the action.
    pub risk: Option<Risk>,
    /// Who proposes; none where the line was made without reading the change.
    pub proposer: Option<String>,
    /// Severity of the incident that it serves; none when there is none.
    pub severity: Option<u8>,
    /// Until when something may happen; none when nothing runs out.
    pub until: Option<Timestamp>,
    /// What people are asked for: `2 people, 1 has answered`.
    pub asks: Option<String>,
    /// When it was proposed.
    pub begun: Timestamp,
}

/// An open incident in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IncidentLine {
    /// Which.
    pub id: IncidentId,
    /// Its title, as somebody else wrote it.
    pub title: String,
    /// 1 (worst) to 5.
    pub severity: u8,
    /// Its state in one word.
    pub word: String,
    /// Who took it.
    pub commander: Option<String>,
    /// When it was opened.
    pub opened: Timestamp,
}

/// The whole inbox.
#[derive(Debug, Clone, Default)]
pub(super) struct Inbox {
    /// What waits for people, the costliest first.
    pub waiting: Vec<Line>,
    /// What is under way.
    pub running: Vec<Line>,
    /// What is over, newest first.
    pub recent: Vec<Line>,
    /// Open incidents, the worst first.
    pub incidents: Vec<IncidentLine>,
    /// Whether more is open than is shown.
    pub more: bool,
    /// How many notices cannot arrive.
    pub undelivered: usize,
}

/// The inbox.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    Ok(render(&visitor.frame, &load(&app).await?))
}

/// The part of it that moves.
pub(super) async fn live(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    Ok(body(&visitor.frame, &load(&app).await?))
}

async fn load(app: &App) -> Result<Inbox, Problem> {
    let open = RowQuery { kind: "change".into(), open: Some(true), limit: OPEN_MAX, ..RowQuery::default() };
    let over = RowQuery { kind: "change".into(), open: Some(false), limit: RECENT_MAX, ..RowQuery::default() };
    let page = app.engine.list(open).await?;
    let mut inbox = Inbox {
        incidents: incidents(app, Some(true)).await?,
        more: page.more,
        undelivered: super::notices::undelivered(app).await?,
        ..Inbox::default()
    };
    for row in page.rows {
        let Stream::Change(id) = row.stream else { continue };
        let view = app.engine.view(id).await?;
        let line = of_view(app, &view);
        if waits(&line.word) { inbox.waiting.push(line) } else { inbox.running.push(line) }
    }
    inbox.waiting.sort_by_key(cost);
    let recent = app.engine.list(over).await?.rows;
    inbox.recent = recent.iter().filter_map(|row| of_row(app, row)).collect();
    Ok(inbox)
}

/// Incidents in lines: the worst first where they are open, the newest first elsewhere.
pub(super) async fn incidents(app: &App, open: Option<bool>) -> Result<Vec<IncidentLine>, Problem> {
    let query = RowQuery { kind: "incident".into(), open, limit: INCIDENTS_MAX, ..RowQuery::default() };
    let mut list = Vec::new();
    for row in app.engine.list(query).await?.rows {
        let Stream::Incident(id) = row.stream else { continue };
        list.push(incident_line(app, &app.engine.incident(id).await?, row.word));
    }
    if open == Some(true) {
        list.sort_by_key(|line| (line.severity, line.opened));
    }
    Ok(list)
}

fn incident_line(app: &App, incident: &Incident, word: String) -> IncidentLine {
    IncidentLine {
        id: incident.id,
        title: incident.title.clone(),
        severity: incident.severity.number(),
        word,
        commander: incident.commander.map(|id| app.engine.name(Actor::Operator(id))),
        opened: incident.opened,
    }
}

fn waits(word: &str) -> bool {
    matches!(word, "awaiting_approval" | "escalated" | "stuck" | "blocked")
}

/// What waits longest at the highest cost comes first: severity, then risk, then the time that is left.
fn cost(line: &Line) -> (u8, u8, Timestamp) {
    let risk = match line.risk {
        Some(Risk::High) => 0,
        Some(Risk::Medium) => 1,
        Some(Risk::Low) | None => 2,
    };
    (line.severity.unwrap_or(6), risk, line.until.unwrap_or(line.begun))
}

fn of_view(app: &App, view: &ChangeView) -> Line {
    let proposal = &view.change.proposal;
    let severity = view.change.dossier().map(|dossier| dossier.situation.severity).filter(|severity| *severity > 0);
    Line {
        id: view.change.id,
        word: view.word.into(),
        action: proposal.action.to_string(),
        target: proposal.target.to_string(),
        risk: app.engine.estate().catalogue.actions.get(&proposal.action).map(|action| action.risk),
        proposer: Some(app.engine.name(proposal.by)),
        severity,
        until: until(view),
        asks: asks(view, app.engine.now()),
        begun: view.change.proposed,
    }
}

/// Until when something may happen to a change.
pub(super) fn until(view: &ChangeView) -> Option<Timestamp> {
    match &view.change.state {
        ChangeState::Blocked { until, .. } | ChangeState::Cleared { until, .. } | ChangeState::Verifying { until, .. } => Some(*until),
        ChangeState::Awaiting { .. } => view.approval.as_ref().map(|asked| asked.request.until),
        ChangeState::Proposed | ChangeState::Running { .. } | ChangeState::Escalated { .. } | ChangeState::Closed { .. } => None,
    }
}

fn asks(view: &ChangeView, now: Timestamp) -> Option<String> {
    let asked = view.approval.as_ref().filter(|_| view.word == "awaiting_approval")?;
    let given = asked.amounts_to(now).humans;
    let needed = super::ladder::people(asked.request.needs.humans);
    Some(if given == 0 { format!("asks {needed}") } else { format!("asks {needed}, {given} so far") })
}

fn of_row(app: &App, row: &Row) -> Option<Line> {
    let Stream::Change(id) = row.stream else { return None };
    let (action, target) = row.key.split_once(' ')?;
    let estate = app.engine.estate();
    let risk = action.parse().ok().and_then(|name| estate.catalogue.actions.get(&name)).map(|action| action.risk);
    Some(Line {
        id,
        word: row.word.clone(),
        action: action.into(),
        target: target.into(),
        risk,
        proposer: None,
        severity: None,
        until: None,
        asks: None,
        begun: row.begun,
    })
}

/// The page.
pub(super) fn render(frame: &Frame, inbox: &Inbox) -> Markup {
    let body = html! {
        h1.head { "Inbox" }
        (part(frame, "inbox", "/live", &[], &body(frame, inbox)))
    };
    let title = match inbox.waiting.len() {
        0 => "Inbox".to_owned(),
        count => format!("({count}) Inbox"),
    };
    page(frame, Place::Inbox, &title, &body, None)
}

/// The part of it that moves.
pub(super) fn body(frame: &Frame, inbox: &Inbox) -> Markup {
    html! {
        @if inbox.undelivered > 0 {
            p.alert role="status" { strong { (inbox.undelivered) " notices cannot arrive." } " Somebody may not know what waits for them: " a href="/notices" { "see which, and why" } "." }
        }
        section aria-labelledby="waiting" {
            h2 #waiting { "Waiting for people" }
            (lines(frame, &inbox.waiting, false, "Nothing waits for anybody."))
        }
        @if !inbox.incidents.is_empty() {
            section aria-labelledby="incidents" {
                h2 #incidents { "Open incidents" }
                (incident_lines(frame, &inbox.incidents))
            }
        }
        section aria-labelledby="running" {
            h2 #running { "Under way" }
            (lines(frame, &inbox.running, false, "Nothing runs."))
        }
        section aria-labelledby="recent" {
            h2 #recent { "Over" }
            (lines(frame, &inbox.recent, true, "Nothing has ended yet."))
        }
        p.soft { a href="/notices" { "What people are told outside the console" } }
        @if inbox.more { p.soft { "More is open than is shown here: " code { "lineclear list" } " shows all of it." } }
    }
}

fn lines(frame: &Frame, lines: &[Line], over: bool, none: &str) -> Markup {
    html! {
        @if lines.is_empty() { p.none { (none) } } @else {
            ul.work { @for line in lines { li { (one(frame, line, over)) } } }
        }
    }
}

fn one(frame: &Frame, line: &Line, over: bool) -> Markup {
    html! {
        div.row {
            span.state { (state_chip(&line.word)) }
            span.what {
                a.name href=(format!("/changes/{}", line.id)) { (Shown(&line.action)) " on " (Shown(&line.target)) }
                " " @if over { span.about { (risk_words(line.risk)) } } @else { (risk_chip(line.risk)) }
                @if let Some(severity) = line.severity { " " span.chip.stop[severity <= 2] { "severity " (severity) } }
                span.about {
                    @if let Some(proposer) = &line.proposer { " by " (Shown(proposer)) }
                    @if let Some(asks) = &line.asks { " · " (asks) }
                }
            }
            span.left {
                @match line.until {
                    Some(until) => (moment::left(frame.now, until)),
                    None => span.soft { (moment::ago(frame.now, line.begun)) },
                }
            }
        }
    }
}

/// The risk as a chip.
pub(super) fn risk_chip(risk: Option<Risk>) -> Markup {
    html! {
        @match risk {
            Some(Risk::High) => span.chip.high { (risk_words(risk)) },
            Some(Risk::Medium) => span.chip.medium { (risk_words(risk)) },
            Some(Risk::Low) | None => span.chip.low { (risk_words(risk)) },
        }
    }
}

const fn risk_words(risk: Option<Risk>) -> &'static str {
    match risk {
        Some(Risk::High) => "high risk",
        Some(Risk::Medium) => "medium risk",
        Some(Risk::Low) => "low risk",
        None => "risk unknown",
    }
}

/// Incidents, one line each.
pub(super) fn incident_lines(frame: &Frame, lines: &[IncidentLine]) -> Markup {
    html! {
        ul.work {
            @for line in lines {
                li {
                    div.row {
                        span.state {
                            span.chip.stop[line.severity <= 2].wait[line.severity == 3].low[line.severity > 3] { "severity " (line.severity) }
                        }
                        span.what {
                            a.name href=(format!("/incidents/{}", line.id)) { (Shown(&line.title)) }
                            span.about {
                                " · " (Shown(&line.word))
                                @match &line.commander {
                                    Some(name) => { " · taken by " (Shown(name)) }
                                    None if line.word == "closed" => {}
                                    None => { " · " span.warn { "nobody has taken it" } }
                                }
                            }
                        }
                        span.left.soft { (moment::ago(frame.now, line.opened)) }
                    }
                }
            }
        }
    }
}
