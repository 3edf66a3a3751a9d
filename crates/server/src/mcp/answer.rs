//! A change as an agent reads it: where it stands, why, and what to do now. Bounded; no statements and no signatures.

use lineclear_core::change::Outcome;
use lineclear_core::situation::Actor;
use lineclear_core::{AgentId, ChangeId, Timestamp};
use lineclear_engine::{ChangeView, Engine, Moment};
use serde::Serialize;

use super::finding::{Finding, clip};
use super::next::{Status, next};

/// Most moments of a timeline; the newest are told.
const MOMENTS_MAX: usize = 100;

/// Who is asked, and until when.
#[derive(Debug, Serialize)]
struct Asked {
    people: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    of_the_owning_team: bool,
    approved_so_far: usize,
    lapses: Timestamp,
}

/// One moment of a change's life.
#[derive(Debug, Serialize)]
struct Told {
    at: Timestamp,
    by: String,
    says: String,
}

/// A change as an agent reads it.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    change: ChangeId,
    title: String,
    proposed_by: String,
    yours: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeated: Option<bool>,
    state: &'static str,
    status: Status,
    #[serde(flatten)]
    finding: Option<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<Asked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    explanation: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline: Option<Vec<Told>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    earlier_moments_left_out: Option<usize>,
    url: String,
    next: &'static str,
}

impl Answer {
    /// What there is to say of a change to this agent.
    pub fn of(view: &ChangeView, agent: AgentId, engine: &Engine, url: String) -> Self {
        let proposal = &view.change.proposal;
        let yours = proposal.by == Actor::Agent(agent);
        Self {
            change: view.change.id,
            title: clip(&format!("{} on {}", proposal.action, proposal.target)),
            proposed_by: engine.name(proposal.by),
            yours,
            repeated: None,
            state: view.word,
            status: Status::of(view),
            finding: view.change.dossier().map(|dossier| Finding::of(dossier, &engine.estate())),
            asked: asked(view),
            ended_by: ended_by(view.change.outcome()).map(|by| engine.name(by)),
            explanation: Vec::new(),
            timeline: None,
            earlier_moments_left_out: None,
            url,
            next: next(view, yours),
        }
    }

    /// Says whether the same proposal had been recorded before.
    #[must_use]
    pub fn repeated(self, repeated: bool) -> Self {
        Self { repeated: Some(repeated), ..self }
    }

    /// Says what policy thinks at every rung, too.
    #[must_use]
    pub fn explained(self, explanation: Vec<String>) -> Self {
        Self { explanation, ..self }
    }

    /// Tells its life, too.
    #[must_use]
    pub fn with_timeline(self, moments: &[Moment]) -> Self {
        let left_out = moments.len().saturating_sub(MOMENTS_MAX);
        let tell = |moment: &Moment| Told { at: moment.at, by: clip(&moment.name), says: clip(&moment.says) };
        let timeline = Some(moments.iter().skip(left_out).map(tell).collect());
        Self { timeline, earlier_moments_left_out: (left_out > 0).then_some(left_out), ..self }
    }
}

/// Only while somebody can still answer.
fn asked(view: &ChangeView) -> Option<Asked> {
    let approval = view.approval.as_ref().filter(|_| Status::of(view) == Status::PendingApproval)?;
    let needs = &approval.request.needs;
    Some(Asked {
        people: needs.humans,
        roles: needs.roles.iter().map(ToString::to_string).collect(),
        of_the_owning_team: needs.owner,
        approved_so_far: approval.votes().len(),
        lapses: approval.request.until,
    })
}

/// Whoever ended it, when it was not the engine.
fn ended_by(outcome: Option<&Outcome>) -> Option<Actor> {
    match outcome? {
        Outcome::Rejected { by } | Outcome::Failed { by } | Outcome::Succeeded { by: Some(by) } => Some(Actor::Operator(*by)),
        Outcome::Withdrawn { by } => Some(*by),
        Outcome::Denied
        | Outcome::Misfit { .. }
        | Outcome::Lapsed
        | Outcome::Advised
        | Outcome::Succeeded { by: None }
        | Outcome::Undone => None,
    }
}
