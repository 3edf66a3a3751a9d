//! The page of a change: everything a person needs in order to decide, in the order in which they need it, and nothing
//! that the agent says before what Lineclear read itself.

mod after;
mod around;
mod bar;
mod budget;
mod effect;
mod evidence;
mod head;
mod reach;
mod routine;
mod stuck;
mod timeline;
mod why;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use lineclear_core::authority::{Grade, Operator};
use lineclear_core::change::{Outcome, State as ChangeState};
use lineclear_core::incident::Incident;
use lineclear_core::passkey::Passkey;
use lineclear_core::record::Stream;
use lineclear_core::run::State as RunState;
use lineclear_core::situation::Actor;
use lineclear_core::verdict::Verdict;
use lineclear_core::{ChangeId, Digest, OperatorId, PageId};
use lineclear_engine::{Caller, ChangeView, PageView, Recent};
use lineclear_policy::Explanation;
use maud::{Markup, html};
use serde::Deserialize;

use super::frame::{Frame, Place, page, part};
use super::graph::{Node, nodes};
use super::ladder::{Step, steps};
use super::visitor::{Failure, Visitor};
use super::{incident, keys, pager};
use crate::{App, Code, Problem};

pub(super) use effect::gets;
pub(super) use head::state_chip;

/// What the page of a change shows.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// The change with request, run and timeline.
    pub view: ChangeView,
    /// The action's title in the catalogue.
    pub title: String,
    /// Who proposes, as people know them.
    pub proposer: String,
    /// Who answers for the agent that proposes; none for people.
    pub answers: Option<String>,
    /// The incident that it serves, as it stands.
    pub incident: Option<Incident>,
    /// Everybody in the directory who may answer, and everybody who answered.
    pub voters: Vec<Voter>,
    /// The ladder.
    pub ladder: Vec<Step>,
    /// What would change the verdict, in words.
    pub remedies: Vec<String>,
    /// What was changed lately on the target and near it.
    pub recent: Vec<Recent>,
    /// What is in reach, as a graph.
    pub reach: Vec<Node>,
    /// The estate in force now; the change was judged under its dossier's.
    pub in_force: Digest,
    /// Who reads.
    pub reader: OperatorId,
    /// The reader's passkeys that sign on this page.
    pub passkeys: Vec<String>,
    /// Everybody in the directory, while a stuck run may be handed over.
    pub people: Vec<(OperatorId, String)>,
    /// Who is looked for to answer what is asked, and who has.
    pub pager: Option<PageView>,
    /// Who is looking at it now.
    pub looking: Vec<String>,
    /// What came of the reader's last act, when it was refused.
    pub notice: Option<Notice>,
}

/// Somebody who may answer, or whose answer would count for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Voter {
    /// Who.
    pub id: OperatorId,
    /// As people know them.
    pub name: String,
    /// Roles, of those that are asked for.
    pub roles: Vec<String>,
    /// Whether they belong to the owning team.
    pub owner: bool,
    /// Whether their approval counts for nothing here.
    pub recused: bool,
    /// The grade of the approval they gave.
    pub voted: Option<Grade>,
}

/// A refused act: what is wrong, and what was typed.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    /// What is wrong and what to do.
    pub problem: Problem,
    /// Which form it was: `approve`, `reject`, `declare`, `take-back`, `resolve`.
    pub form: &'static str,
    /// The reason that was typed.
    pub reason: String,
}

impl Page {
    /// Whether people are asked and may still answer.
    pub(super) fn asked(&self) -> bool {
        matches!(self.view.change.state, ChangeState::Awaiting { .. })
    }

    /// Whether nothing was decided yet, so that ages are those of now.
    pub(super) fn undecided(&self) -> bool {
        matches!(self.view.change.state, ChangeState::Proposed | ChangeState::Blocked { .. } | ChangeState::Awaiting { .. })
    }
}

/// The page.
pub(super) async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Result<Markup, Failure> {
    Ok(render(&visitor.frame, &load(&app, named(&id)?, visitor.id).await?))
}

/// The part of it that moves.
pub(super) async fn live(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Result<Markup, Failure> {
    Ok(body(&visitor.frame, &load(&app, named(&id)?, visitor.id).await?))
}

/// What the browser has in its bar.
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    /// What [`bar::token`] gave.
    seen: Option<String>,
}

/// The bar in which people decide; nothing when the browser shows the right one already, so that nobody loses what they type.
pub(super) async fn decide(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(seen): Query<Seen>,
) -> Result<Response, Failure> {
    let page = load(&app, named(&id)?, visitor.id).await?;
    if seen.seen == Some(bar::token(&page)) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(bar::bar(&visitor.frame, &page).into_response())
}

/// The change of a path.
pub(super) fn named(text: &str) -> Result<ChangeId, Problem> {
    text.parse().map_err(|_| Problem::with(Code::NotFound, format!("there is no change `{text}` here")))
}

/// Everything the page shows.
pub(super) async fn load(app: &App, id: ChangeId, reader: OperatorId) -> Result<Page, Problem> {
    let (engine, estate) = (&app.engine, app.engine.estate());
    engine.looks_at(&Caller::Operator(reader), Stream::Change(id));
    let view = engine.view(id).await?;
    let proposal = &view.change.proposal;
    let answers = match proposal.by {
        Actor::Agent(agent) => estate.directory.agents.get(&agent).map(|agent| engine.name(Actor::Operator(agent.owner))),
        Actor::Operator(_) | Actor::Engine => None,
    };
    let incident = match proposal.incident {
        // A change may name an incident that never was; the page says so by showing its id alone.
        Some(id) => engine.incident(id).await.ok(),
        None => None,
    };
    let explained = view.change.dossier().and_then(|dossier| engine.explanation(proposal, dossier));
    let recent = engine.recent_beside(&view.change).await?;
    let reach = view.change.dossier().map(|dossier| nodes(&estate.topology, &proposal.target, &dossier.blast.affected)).unwrap_or_default();
    Ok(Page {
        title: estate.catalogue.actions.get(&proposal.action).map_or_else(|| proposal.action.to_string(), |action| action.title.clone()),
        proposer: engine.name(proposal.by),
        answers,
        incident,
        voters: voters(app, &view),
        ladder: ladder(app, &view, explained.as_ref()),
        remedies: explained.map(|it| it.remedies.iter().map(ToString::to_string).collect()).unwrap_or_default(),
        recent,
        reach,
        in_force: estate.digest,
        reader,
        passkeys: keys::passkeys(app, reader).iter().map(Passkey::credential).collect(),
        people: people(app, &view),
        pager: searched(app, &view).await?,
        looking: engine.looking_at(Stream::Change(id)),
        notice: None,
        view,
    })
}

/// The search for somebody who answers, while people are asked or were just now.
async fn searched(app: &App, view: &ChangeView) -> Result<Option<PageView>, Problem> {
    match &view.approval {
        Some(asked) => Ok(app.engine.page_if_any(PageId::new(asked.request.id.number())).await?),
        None => Ok(None),
    }
}

fn people(app: &App, view: &ChangeView) -> Vec<(OperatorId, String)> {
    if !view.run.as_ref().is_some_and(|run| matches!(run.state, RunState::Stuck { .. })) {
        return Vec::new();
    }
    app.engine.estate().directory.operators.values().map(|person| (person.id, person.name.clone())).collect()
}

fn voters(app: &App, view: &ChangeView) -> Vec<Voter> {
    let Some(asked) = &view.approval else { return Vec::new() };
    let needs = &asked.request.needs;
    let owners = view.change.dossier().map(|dossier| dossier.owners.clone()).unwrap_or_default();
    let voted = |id: OperatorId| asked.votes().iter().find(|vote| vote.by == id).map(|vote| vote.signature.grade());
    let voter = |person: &Operator| Voter {
        id: person.id,
        name: person.name.clone(),
        roles: person.roles.intersection(&needs.roles).map(ToString::to_string).collect(),
        owner: owners.contains(&person.id),
        recused: asked.request.recused.contains(&person.id) && !asked.request.single_operator,
        voted: voted(person.id),
    };
    let of_use = |voter: &Voter| {
        voter.voted.is_some() || voter.recused || needs.roles.is_empty() || !voter.roles.is_empty() || (needs.owner && voter.owner)
    };
    app.engine.estate().directory.operators.values().map(voter).filter(of_use).collect()
}

/// The ladder with what policy answers at each rung, as long as the policies under which the change was judged are in force.
fn ladder(app: &App, view: &ChangeView, explained: Option<&Explanation>) -> Vec<Step> {
    let estate = app.engine.estate();
    let Some(dossier) = view.change.dossier() else { return Vec::new() };
    let needed = match &dossier.verdict {
        Some(Verdict::NeedsApproval { rung, .. }) => Some(rung),
        Some(Verdict::Clear { .. }) => estate.authority.rungs.first().map(|rung| &rung.name),
        Some(Verdict::Denied { .. }) | None => None,
    };
    let answers = explained.map(|it| it.rungs.as_slice()).unwrap_or_default();
    steps(&estate.authority.rungs, needed, &|name| answers.iter().find(|answer| answer.rung == *name).map(|answer| answer.allowed))
}

/// The whole page.
pub(super) fn render(frame: &Frame, it: &Page) -> Markup {
    let path = format!("/changes/{}", it.view.change.id);
    let streams = vec![it.view.change.id.to_string()];
    let whole = html! {
        (notice(it))
        (part(frame, "change", &format!("{path}/live"), &streams, &body(frame, it)))
    };
    let bar = bar::bar(frame, it);
    let title = format!("{} on {}", it.view.change.proposal.action, it.view.change.proposal.target);
    page(frame, Place::Inbox, &title, &whole, Some(&bar))
}

fn notice(it: &Page) -> Markup {
    html! {
        @if let Some(notice) = &it.notice {
            div.alert role="alert" {
                p { strong { (super::visitor::heading(&notice.problem)) } " Nothing was done." }
                (super::visitor::said(&notice.problem))
            }
        }
    }
}

/// The part of the page that moves.
pub(super) fn body(frame: &Frame, it: &Page) -> Markup {
    html! {
        (bells(frame, it))
        (head::head(frame, it))
        (pager::section(frame, it.pager.as_ref(), &it.looking))
        (again(it))
        (after::after(frame, it))
        @if let Some(dossier) = it.view.change.dossier() {
            (why::differences(it))
            (effect::difference(frame, dossier, it.view.change.run().is_some()))
            (reach::worst_case(it, dossier))
            (effect::undo(frame, dossier))
            (evidence::evidence(frame, it, dossier))
            (why::why(it, dossier))
            div.columns { (around::in_flight(frame, dossier)) (around::prior(frame, dossier)) }
            (incident::recent(frame, &it.recent))
            (budget::budgets(frame, dossier))
            (routine::routine(frame, dossier))
        }
        (around::alternatives(it))
        (around::words(it))
        (timeline::timeline(it))
    }
}

/// A way forward for what nobody answered in time.
fn again(it: &Page) -> Markup {
    html! {
        @if matches!(it.view.change.state, ChangeState::Closed { outcome: Outcome::Lapsed, .. }) {
            form method="post" action=(format!("/changes/{}/ask-again", it.view.change.id)) {
                p { "Nobody answered in time. " button type="submit" { "Ask again, on fresh facts" } }
            }
        }
        @if let Some(before) = it.view.change.proposal.again {
            p.soft { "This asks again what " a href=(format!("/changes/{before}")) { "lapsed unanswered" } "." }
        }
    }
}

/// What asks for the page again when request or run move; they come and go with the change.
fn bells(frame: &Frame, it: &Page) -> Markup {
    let asked = it.view.approval.as_ref().map(|asked| asked.request.id.to_string());
    let pager = it.pager.as_ref().map(|view| view.page.id.to_string());
    let run = it.view.run.as_ref().map(|run| run.order.id.to_string());
    let path = format!("/changes/{}/live", it.view.change.id);
    html! {
        @for stream in asked.iter().chain(run.iter()).chain(pager.iter()) {
            i id=(format!("bell-{stream}")) hidden hx-nonce=(frame.nonce) hx-get=(path) hx-target="#change" hx-swap="innerMorph"
                hx-trigger=(format!("{stream} from:#live throttle:1s")) {}
        }
    }
}
