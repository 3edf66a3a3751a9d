//! What people are told outside the console: what cannot arrive first, then what is on its way, then what arrived; and the channels,
//! each of which can be tried out.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use lineclear_core::delivery::State as DeliveryState;
use lineclear_core::name::ChannelName;
use lineclear_core::{DeliveryId, Timestamp};
use lineclear_engine::DeliveryView;
use lineclear_store::RowQuery;
use maud::{Markup, html};
use serde::Deserialize;

use super::act::{Empty, Filled, Reason, fields, plain};
use super::frame::{Frame, Place, page, part};
use super::moment;
use super::shown::Shown;
use super::visitor::{Failure, Visitor, heading, said};
use crate::{App, Code, Problem};

/// Most dead letters that are shown; more of them have one cause.
const DEAD_MAX: u32 = 50;
/// Most others that are shown.
const SHOWN_MAX: u32 = 30;

type Answered = Result<Response, Failure>;

/// One delivery in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Which.
    pub id: DeliveryId,
    /// Its state in one word.
    pub word: String,
    /// What is said, in one line.
    pub title: String,
    /// The page that it leads to.
    pub path: String,
    /// The kind of notice.
    pub kind: &'static str,
    /// Through which channel.
    pub channel: String,
    /// To whom; none for a room.
    pub to: Option<String>,
    /// Why it failed last.
    pub failure: Option<String>,
    /// When it was handed over.
    pub queued: Timestamp,
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChannelLine {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// Whether it has a room.
    pub room: bool,
    /// How many people have a place in it.
    pub people: usize,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    /// What cannot arrive, newest first.
    pub dead: Vec<Line>,
    /// What is on its way.
    pub waiting: Vec<Line>,
    /// What arrived, or needed not.
    pub over: Vec<Line>,
    /// The channels.
    pub channels: Vec<ChannelLine>,
    /// Why the reader's last act was refused.
    pub notice: Option<Problem>,
}

/// The page.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    Ok(render(&visitor.frame, &load(&app).await?))
}

/// The part of it that moves.
pub(super) async fn live(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    Ok(body(&visitor.frame, &load(&app).await?))
}

/// Sets a dead letter going again.
pub(super) async fn retry(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<Empty>) -> Answered {
    let id = named(&id)?;
    fields(form)?;
    let done = app.engine.retry_delivery(&visitor.caller(), id).await;
    answer(&app, visitor, done.map_err(Problem::from)).await
}

/// Lets a dead letter be.
pub(super) async fn dismiss(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, form: Filled<Reason>) -> Answered {
    let (id, form) = (named(&id)?, fields(form)?);
    let done = app.engine.dismiss_delivery(&visitor.caller(), id, plain(&form.reason)).await;
    answer(&app, visitor, done.map_err(Problem::from)).await
}

/// The channel to try out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tried {
    channel: ChannelName,
}

/// Tries out a channel.
pub(super) async fn test(State(app): State<App>, visitor: Visitor, form: Filled<Tried>) -> Answered {
    let form = fields(form)?;
    let done = app.engine.try_channel(&visitor.caller(), &form.channel).await;
    answer(&app, visitor, done.map(drop).map_err(Problem::from)).await
}

/// Somebody loads the address of a form again: there is only its page to show.
pub(super) async fn back() -> Redirect {
    Redirect::to("/notices")
}

fn named(text: &str) -> Result<DeliveryId, Problem> {
    text.parse().map_err(|_| Problem::with(Code::NotFound, format!("there is no delivery `{text}` here")))
}

async fn answer(app: &App, visitor: Visitor, done: Result<(), Problem>) -> Answered {
    let Err(problem) = done else { return Ok(Redirect::to("/notices").into_response()) };
    let status = problem.code().status();
    let page = Page { notice: Some(problem), ..load(app).await? };
    Ok((status, render(&visitor.frame, &page)).into_response())
}

async fn load(app: &App) -> Result<Page, Problem> {
    let estate = app.engine.estate();
    let channels = estate.notices.channels.iter().map(|(name, channel)| ChannelLine {
        name: name.to_string(),
        kind: channel.carrier.word(),
        room: channel.room.is_some() || !channel.carrier.finds_people(),
        people: estate.notices.people.values().filter(|places| places.contains_key(name)).count(),
    });
    Ok(Page {
        dead: lines(app, &["dead"], DEAD_MAX).await?,
        waiting: lines(app, &["queued", "failed", "superseded"], SHOWN_MAX).await?,
        over: lines(app, &["sent", "closed", "dismissed"], SHOWN_MAX).await?,
        channels: channels.collect(),
        notice: None,
    })
}

/// How many notices cannot arrive, as far as the page lists them.
pub(super) async fn undelivered(app: &App) -> Result<usize, Problem> {
    Ok(app.engine.list(query(&["dead"], DEAD_MAX)).await?.rows.len())
}

fn query(words: &[&str], limit: u32) -> RowQuery {
    RowQuery { kind: "delivery".into(), words: words.iter().map(|word| (*word).to_owned()).collect(), limit, ..RowQuery::default() }
}

async fn lines(app: &App, words: &[&str], limit: u32) -> Result<Vec<Line>, Problem> {
    let mut lines = Vec::new();
    for row in app.engine.list(query(words, limit)).await?.rows {
        if let lineclear_core::record::Stream::Delivery(id) = row.stream {
            lines.push(line(app.engine.delivery(id).await?));
        }
    }
    Ok(lines)
}

fn line(view: DeliveryView) -> Line {
    let notice = &view.delivery.order.notice;
    let failure = view.delivery.failure().map(|failure| format!("{}: {}", failure.why.word(), failure.detail));
    let editing = matches!(&view.delivery.state, DeliveryState::Dead { editing: Some(_), .. });
    Line {
        id: view.delivery.order.id,
        word: view.word.into(),
        title: if editing { format!("(what became of it) {}", notice.title) } else { notice.title.clone() },
        path: notice.path.clone(),
        kind: notice.kind.word(),
        channel: view.delivery.order.channel.to_string(),
        to: view.to,
        failure,
        queued: view.delivery.queued,
    }
}

/// The page.
pub(super) fn render(frame: &Frame, it: &Page) -> Markup {
    let whole = html! {
        h1.head { "Notices" }
        @if let Some(problem) = &it.notice {
            div.alert role="alert" { p { strong { (heading(problem)) } " Nothing was done." } (said(problem)) }
        }
        (part(frame, "notices", "/notices/live", &[], &body(frame, it)))
        (channels(it))
    };
    page(frame, Place::Inbox, "Notices", &whole, None)
}

fn body(frame: &Frame, it: &Page) -> Markup {
    html! {
        section aria-labelledby="dead" {
            h2 #dead { "Cannot arrive" }
            @if it.dead.is_empty() { p.none { "Nothing lies here." } } @else {
                p.soft.small { "Mend the channel, then try again; or tell them yourself, and say so. Nothing that was asked waits for these." }
                table {
                    thead { tr { th scope="col" { "What" } th scope="col" { "By" } th scope="col" { "Why not" } th scope="col" { "Now" } } }
                    tbody { @for line in &it.dead { (dead(frame, line)) } }
                }
            }
        }
        section aria-labelledby="waiting" { h2 #waiting { "On the way" } (table(frame, &it.waiting, "Nothing is on its way.")) }
        section aria-labelledby="over" { h2 #over { "Arrived lately" } (table(frame, &it.over, "Nothing was told yet.")) }
    }
}

fn what(frame: &Frame, line: &Line) -> Markup {
    html! {
        a href=(line.path) { (Shown(&line.title)) }
        br; span.small.soft { (line.kind) ", " (moment::ago(frame.now, line.queued)) }
    }
}

fn by(line: &Line) -> Markup {
    html! { code { (Shown(&line.channel)) } " to " @match &line.to { Some(to) => (Shown(to)), None => "its room", } }
}

fn dead(frame: &Frame, line: &Line) -> Markup {
    let reason = format!("reason-{}", line.id);
    html! {
        tr {
            td data-label="What" { (what(frame, line)) }
            td data-label="By" { (by(line)) }
            td data-label="Why not" { span.bad { (Shown(line.failure.as_deref().unwrap_or("unknown"))) } }
            td data-label="Now" {
                form method="post" action=(format!("/notices/{}/retry", line.id)) { button type="submit" { "Try again" } }
                form method="post" action=(format!("/notices/{}/dismiss", line.id)) {
                    label for=(reason) { "Or why it need not arrive" }
                    input id=(reason) type="text" name="reason" maxlength="500" required;
                    button.plain type="submit" { "Let it be" }
                }
            }
        }
    }
}

fn table(frame: &Frame, lines: &[Line], none: &str) -> Markup {
    html! {
        @if lines.is_empty() { p.none { (none) } } @else {
            table {
                thead { tr { th scope="col" { "What" } th scope="col" { "By" } th scope="col" { "How far" } } }
                tbody {
                    @for line in lines {
                        tr {
                            td data-label="What" { (what(frame, line)) }
                            td data-label="By" { (by(line)) }
                            td data-label="How far" { (line.word) @if let Some(failure) = &line.failure { br; span.small.warn { (Shown(failure)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn channels(it: &Page) -> Markup {
    html! {
        section aria-labelledby="channels" {
            h2 #channels { "Channels" }
            @if it.channels.is_empty() {
                p.none { "No channel is set up: people are told in the console only. Channels stand in " code { "lineclear.toml" } " of the estate." }
            } @else {
                table {
                    thead { tr { th scope="col" { "Channel" } th scope="col" { "Reaches" } th scope="col" { "Try it" } } }
                    tbody {
                        @for channel in &it.channels {
                            tr {
                                td data-label="Channel" { code { (Shown(&channel.name)) } " " span.soft { (channel.kind) } }
                                td data-label="Reaches" { @if channel.room { "a room" @if channel.people > 0 { " and " } } @if channel.people > 0 { (channel.people) " people" } @else if !channel.room { span.warn { "nobody" } } }
                                td data-label="Try it" {
                                    form method="post" action="/notices/test" {
                                        input type="hidden" name="channel" value=(channel.name);
                                        button.plain type="submit" { "Send a test" }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
