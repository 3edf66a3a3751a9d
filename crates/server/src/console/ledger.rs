//! The ledger for people: its head, its newest entries, one entry with its exact bytes and its proof, and how to check all
//! of it without us.

use axum::extract::{Path, Query, State};
use lineclear_core::record::Stream;
use lineclear_core::situation::Actor;
use lineclear_core::{AgentId, OperatorId, Timestamp};
use lineclear_ledger::{Entry, Ticket, leaf_hash};
use maud::{Markup, html};
use serde::Deserialize;

use super::frame::{Frame, Place, page};
use super::moment;
use super::shown::Shown;
use super::visitor::{Failure, Visitor};
use crate::{App, Code, Problem};

/// Entries on one page.
const SHOWN: u32 = 50;

/// One entry in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its place.
    pub index: u64,
    /// Its kind.
    pub kind: String,
    /// When it was committed.
    pub at: Option<Timestamp>,
    /// Who caused it, as people know them.
    pub by: String,
    /// Whose history.
    pub stream: String,
}

/// The ledger's page.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// How many entries.
    pub size: u64,
    /// The root in hexadecimal.
    pub root: String,
    /// The signed checkpoint.
    pub note: String,
    /// The verifier key.
    pub key: String,
    /// The newest entry's time.
    pub newest: Option<Timestamp>,
    /// Entries, newest first.
    pub lines: Vec<Line>,
    /// The index before which older ones lie; none on the last page.
    pub older: Option<u64>,
}

/// One entry's page.
#[derive(Debug, Clone)]
pub(super) struct One {
    /// Its line.
    pub line: Line,
    /// Its exact text.
    pub text: String,
    /// Its leaf hash in hexadecimal.
    pub leaf: String,
    /// Its proof, as a ticket with its checkpoint.
    pub ticket: String,
    /// How many entries there are.
    pub size: u64,
    /// The verifier key.
    pub key: String,
}

/// Where a page begins.
#[derive(Debug, Deserialize)]
pub(super) struct Before {
    /// Entries before this index.
    before: Option<u64>,
}

/// The ledger.
pub(super) async fn list(State(app): State<App>, visitor: Visitor, Query(from): Query<Before>) -> Result<Markup, Failure> {
    let head = app.engine.store().head().await?;
    let end = from.before.unwrap_or(head.size).min(head.size);
    let start = end.saturating_sub(SHOWN.into());
    let count = u32::try_from(end - start).unwrap_or(SHOWN);
    let read = if count == 0 { Vec::new() } else { app.engine.store().entries(start, count).await? };
    let newest = app.engine.store().entries(head.size.saturating_sub(1), 1).await?;
    let page = Page {
        size: head.size,
        root: head.root.to_string(),
        note: head.note,
        key: app.engine.log().to_string(),
        newest: newest.first().and_then(|(index, bytes)| line(&app, *index, bytes).at),
        lines: read.iter().rev().map(|(index, bytes)| line(&app, *index, bytes)).collect(),
        older: (start > 0).then_some(start),
    };
    Ok(render(&visitor.frame, &page))
}

/// One entry.
pub(super) async fn show(State(app): State<App>, visitor: Visitor, Path(index): Path<String>) -> Result<Markup, Failure> {
    let head = app.engine.store().head().await?;
    let missing = || Problem::with(Code::NotFound, format!("the ledger has {} entries, and none at that place", head.size));
    let index: u64 = index.parse().ok().filter(|index| *index < head.size).ok_or_else(missing)?;
    let (_, bytes) = app.engine.store().entries(index, 1).await?.into_iter().next().ok_or_else(missing)?;
    let proof = app.engine.store().inclusion(index, head.size).await?;
    let one = One {
        line: line(&app, index, &bytes),
        leaf: leaf_hash(&bytes).to_string(),
        ticket: Ticket { index, proof, checkpoint: head.note.clone() }.to_text(),
        text: String::from_utf8_lossy(&bytes).into_owned(),
        size: head.size,
        key: app.engine.log().to_string(),
    };
    Ok(render_one(&visitor.frame, &one))
}

fn line(app: &App, index: u64, bytes: &[u8]) -> Line {
    let Ok(entry) = Entry::parse(bytes) else {
        return Line { index, kind: "unreadable".into(), at: None, by: String::new(), stream: String::new() };
    };
    let known = match entry.by_kind() {
        "agent" => entry.by_id().parse::<AgentId>().ok().map(Actor::Agent),
        "operator" => entry.by_id().parse::<OperatorId>().ok().map(Actor::Operator),
        _ => Some(Actor::Engine),
    };
    // A run or a request belongs to a change, which has the page.
    let stream = entry.links().get("change").filter(|_| !entry.stream().starts_with("change_")).cloned();
    Line {
        index,
        kind: entry.kind().into(),
        at: entry.time().parse().ok(),
        by: known.map_or_else(|| entry.by_id().to_owned(), |actor| app.engine.name(actor)),
        stream: stream.unwrap_or_else(|| entry.stream().to_owned()),
    }
}

/// The ledger's page.
pub(super) fn render(frame: &Frame, it: &Page) -> Markup {
    let body = html! {
        h1.head { "The ledger" }
        section aria-labelledby="head" {
            h2 #head { "Its head" }
            dl.facts {
                dt { "Entries" } dd { (it.size) @if let Some(at) = it.newest { span.soft { ", the newest " (moment::ago(frame.now, at)) } } }
                dt { "Root" } dd { code { (it.root) } }
                dt { "Verifier key" } dd { code { (Shown(&it.key)) } }
            }
            h3 { "Signed checkpoint" }
            pre { code { (Shown(&it.note)) } }
        }
        (without_us(it))
        section aria-labelledby="entries" {
            h2 #entries { "Entries" }
            @if it.lines.is_empty() { p.none { "None." } } @else { (table(frame, &it.lines)) }
            @if let Some(older) = it.older { p { a.button href=(format!("/ledger?before={older}")) { "Older" } } }
        }
    };
    page(frame, Place::Ledger, "Ledger", &body, None)
}

fn without_us(it: &Page) -> Markup {
    html! {
        section aria-labelledby="check" {
            h2 #check { "Check it without us" }
            p { "Keep a checkpoint where we cannot reach it; later, compare an export with it. The verification itself needs no network, and not our word." }
            pre { code {
                "lineclear ledger head > head.txt\n"
                "lineclear ledger export DIR --data DATA --estate ESTATE\n"
                "lineclear ledger verify DIR --trust '" (Shown(&it.key)) "' --kept head.txt"
            } }
        }
    }
}

fn table(frame: &Frame, lines: &[Line]) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Entry" } th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "By" } th scope="col" { "Of" } } }
            tbody {
                @for line in lines {
                    tr {
                        td data-label="Entry" { a href=(format!("/ledger/{}", line.index)) { (line.index) } }
                        td data-label="When" { @if let Some(at) = line.at { (moment::ago(frame.now, at)) } }
                        td data-label="What" { code { (Shown(&line.kind)) } }
                        td data-label="By" { (Shown(&line.by)) }
                        td data-label="Of" { (of(&line.stream)) }
                    }
                }
            }
        }
    }
}

/// A link where there is a page.
fn of(stream: &str) -> Markup {
    html! {
        @match stream.parse::<Stream>() {
            Ok(Stream::Change(id)) => a href=(format!("/changes/{id}")) { (short(stream)) },
            Ok(Stream::Emergency(id)) => a href=(format!("/emergencies/{id}")) { (short(stream)) },
            Ok(Stream::Incident(id)) => a href=(format!("/incidents/{id}")) { (short(stream)) },
            Ok(Stream::Patch(id)) => a href=(format!("/runbooks/drafts/{id}")) { (short(stream)) },
            Ok(Stream::Revision(id)) => a href=(format!("/estate/revisions/{id}")) { (short(stream)) },
            Ok(_) => span.soft { (short(stream)) },
            Err(_) => (Shown(stream)),
        }
    }
}

/// Kind and last digits of an id, with the whole of it at hand.
fn short(id: &str) -> Markup {
    let tail = id.split_once('_').and_then(|(kind, digits)| Some((kind, digits.get(digits.len().checked_sub(8)?..)?)));
    html! {
        @match tail {
            Some((kind, tail)) => span title=(id) { (kind) " …" (tail) },
            None => (id),
        }
    }
}

/// The page of one entry.
pub(super) fn render_one(frame: &Frame, it: &One) -> Markup {
    let index = it.line.index;
    let body = html! {
        div.head {
            p.crumbs { a href="/ledger" { "Ledger" } " / " (index) }
            h1 { "Entry " (index) ": " (Shown(&it.line.kind)) }
            dl.facts {
                @if let Some(at) = it.line.at { dt { "When" } dd { (moment::exact(at)) } }
                dt { "By" } dd { (Shown(&it.line.by)) }
                dt { "Of" } dd { (of(&it.line.stream)) }
            }
        }
        section aria-labelledby="bytes" {
            h2 #bytes { "Its exact bytes" }
            pre { code { (Shown(&it.text)) } }
            p.small.soft { "The leaf is the RFC 6962 hash of exactly these bytes: " code { (it.leaf) } }
        }
        section aria-labelledby="proof" {
            h2 #proof { "Its proof" }
            p { "That it is in the tree of " (it.size) " entries (C2SP tlog-proof, checkpoint included):" }
            pre { code { (Shown(&it.ticket)) } }
            p.small.soft { "Signed by " code { (Shown(&it.key)) } }
        }
        p { @if index > 0 { a.button href=(format!("/ledger/{}", index - 1)) { "Before it" } " " } @if index + 1 < it.size { a.button href=(format!("/ledger/{}", index + 1)) { "After it" } } }
    };
    page(frame, Place::Ledger, &format!("Entry {index}"), &body, None)
}
