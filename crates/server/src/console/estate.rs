//! The estate for people: which version is in force, since when and on whose word, and every version that was proposed.

use axum::extract::State;
use lineclear_core::installation::Tenure;
use lineclear_core::record::{Row, Stream};
use lineclear_core::situation::Actor;
use lineclear_core::{Digest, RevisionId, Timestamp};
use lineclear_store::RowQuery;
use maud::{Markup, html};

use super::frame::{Frame, Place, page, part};
use super::ladder;
use super::moment;
use super::shown::Shown;
use super::visitor::{Failure, Visitor};
use crate::App;

/// How many proposed versions the page shows.
const LINES_MAX: u32 = 50;

/// One proposed version.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Which.
    pub id: RevisionId,
    /// Its state.
    pub word: String,
    /// The first digits of its estate.
    pub title: String,
    /// When it was proposed.
    pub begun: Timestamp,
}

/// What the page shows.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// The estate in force.
    pub version: Digest,
    /// Since when, and on whose word.
    pub tenure: Option<Tenure>,
    /// The name of who brought it into force.
    pub by: Option<String>,
    /// Whose word another version needs, in words.
    pub asks: String,
    /// Proposed versions, newest first.
    pub lines: Vec<Line>,
}

/// The page.
pub(super) async fn show(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    let it = look(&app).await?;
    Ok(render(&visitor.frame, &it))
}

/// What moves on it.
pub(super) async fn live(State(app): State<App>, visitor: Visitor) -> Result<Markup, Failure> {
    Ok(body(&visitor.frame, &look(&app).await?))
}

async fn look(app: &App) -> Result<Page, Failure> {
    let installation = app.engine.installation().await?;
    let query = RowQuery { kind: "revision".into(), limit: LINES_MAX, ..RowQuery::default() };
    let rows = app.engine.list(query).await?.rows;
    let by = installation.tenure.and_then(|tenure| tenure.by).map(|by| app.engine.name(Actor::Operator(by)));
    let estate = app.engine.estate();
    let asks =
        lineclear_core::revision::needs(&estate.authority).map_or_else(|| "nobody can".into(), |needs| super::revision::asks(&needs));
    Ok(Page { version: installation.estate, tenure: installation.tenure, by, asks, lines: rows.into_iter().filter_map(line).collect() })
}

fn line(row: Row) -> Option<Line> {
    let Stream::Revision(id) = row.stream else { return None };
    Some(Line { id, word: row.word, title: row.title, begun: row.begun })
}

/// The whole page.
pub(super) fn render(frame: &Frame, it: &Page) -> Markup {
    page(frame, Place::Policy, "Estate", &part(frame, "estate", "/estate/live", &[], &body(frame, it)), None)
}

fn body(frame: &Frame, it: &Page) -> Markup {
    html! {
        h1.head { "Estate" }
        section aria-labelledby="in-force" {
            h2 #in-force { "In force" }
            dl.facts {
                dt { "What" } dd { (Shown(&frame.estate)) }
                dt { "Version" } dd { code title=(it.version.to_string()) { (it.version.short()) } }
                @if let Some(tenure) = &it.tenure {
                    dt { "Since" } dd { (moment::exact(tenure.since)) }
                    dt { "On whose word" }
                    dd {
                        @match (&it.by, tenure.revision) {
                            (Some(by), Some(revision)) => { (Shown(by)) ", once enough people had approved " a href=(path(revision)) { "what was proposed" } }
                            (_, _) => "the folder that the installation was started with",
                        }
                    }
                }
                dt { "To replace it" } dd { (it.asks) "; never who proposes it, and never an agent" }
            }
        }
        section aria-labelledby="proposed" {
            h2 #proposed { "Proposed versions" }
            @if it.lines.is_empty() {
                p.none { "None yet." }
            } @else {
                ul.work {
                    @for line in &it.lines {
                        li {
                            a.row href=(path(line.id)) {
                                span { (super::revision::chip(&line.word)) }
                                span.name { (Shown(&line.title)) }
                                span.left { (moment::ago(frame.now, line.begun)) }
                            }
                        }
                    }
                }
            }
            p { a href="/runbooks/drafts" { "Drafted runbooks" } " wait apart: nothing runs one, and taking one up proposes a version here." }
            p { "Propose another version from a machine that has the folder:" }
            pre { code { "lineclear estate propose DIR --note WHY" } }
        }
    }
}

/// The page of a proposed version.
pub(super) fn path(id: RevisionId) -> String {
    format!("/estate/revisions/{id}")
}

/// People of a number, in words.
pub(super) fn people(count: u8) -> String {
    ladder::people(count)
}
