//! What one recorded change says about the next of its kind.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Lost;
use crate::catalogue::Inputs;
use crate::change::{self, Change, Judgement, Outcome};
use crate::digest::Digest;
use crate::id::{ChangeId, RunId};
use crate::machine::Machine as _;
use crate::plan::{EffectClass, Plan, Preview};
use crate::run::{self, Direction, Found, RunEnd};
use crate::time::Timestamp;

/// A change that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Which.
    pub change: ChangeId,
    /// The runbook that it ran, by its exact text.
    pub runbook: Digest,
    /// The inputs that it ran with.
    pub inputs: Inputs,
    /// When it came to where it stands.
    pub ended: Timestamp,
    /// What it says.
    pub mark: Mark,
}

/// What a run says about the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It did what it should, the goals held for the whole soak, and nobody said otherwise.
    Good,
    /// It takes away what was earned.
    Bad(Flaw),
    /// It counts for nothing, in either direction.
    Aside(Aside),
}

/// What was wrong with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// What was done was taken back.
    Undone,
    /// It was left as it stood.
    Aborted,
    /// A person had to decide how it goes on.
    Stuck,
    /// The goals were not reached, or nobody could tell.
    Unverified,
    /// The world got worse, the target or a neighbour.
    Worse,
    /// A person declared that it failed.
    Declared,
}

/// Why a run counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aside {
    /// It is not over.
    Open,
    /// It ran in an emergency: what was done without the usual care is no experience.
    Emergency,
    /// It belongs to another installation, for instance a simulated one.
    Elsewhere,
    /// Nothing was changed by it: doing nothing often earns nothing.
    Nothing,
    /// There was nothing to verify.
    Unseen,
    /// A person took it back although it was good, to see whether the way back works.
    Drill,
}

/// An undo that was really run to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// The runbook, by its exact text.
    pub runbook: Digest,
    /// The change whose steps were taken back.
    pub change: ChangeId,
    /// Its run.
    pub run: RunId,
    /// When the last step was taken back.
    pub at: Timestamp,
}

impl Past {
    /// What a change says, from all its events and those of its run, in the installation of this origin; none when it never
    /// ran.
    pub fn of(change: &Change, events: &[&change::Event], run: &[&run::Event], origin: &str) -> Option<Self> {
        change.run()?;
        let gate = change.gate()?;
        let plan = gate.dossier.plan.as_ref()?;
        let judged =
            events.iter().find_map(|event| if let change::Event::Judged { judgement, .. } = event { Some(*judgement) } else { None });
        let taken_back = events.iter().any(|event| matches!(event, change::Event::TakenBack { .. }));
        let flaw = flaw(change, judged, taken_back, run);
        let mark = match flaw {
            Some(flaw) => Mark::Bad(flaw),
            None if change.open() => Mark::Aside(Aside::Open),
            None if taken_back => Mark::Aside(Aside::Drill),
            None if gate.bundle.audience != origin => Mark::Aside(Aside::Elsewhere),
            None if gate.dossier.situation.emergency => Mark::Aside(Aside::Emergency),
            None if judged != Some(Judgement::Improved) => Mark::Aside(Aside::Unseen),
            None if !changes_something(plan) => Mark::Aside(Aside::Nothing),
            None => Mark::Good,
        };
        Some(Self { change: change.id, runbook: plan.runbook_digest, inputs: change.proposal.inputs.clone(), ended: change.since, mark })
    }

    /// What it takes away.
    pub(super) fn lost(&self) -> Option<Lost> {
        match self.mark {
            Mark::Bad(flaw) => Some(Lost { change: self.change, flaw, at: self.ended }),
            Mark::Good | Mark::Aside(_) => None,
        }
    }
}

/// Whether any step would make a difference, as the runner read the live system before it started. Where the state before or after
/// could not be read, it may have.
fn changes_something(plan: &Plan) -> bool {
    let differs = |preview: &Preview| preview.before.is_null() || preview.before != preview.after;
    plan.steps.iter().any(|step| step.effect != EffectClass::Read && differs(&step.preview))
}

fn flaw(change: &Change, judged: Option<Judgement>, taken_back: bool, run: &[&run::Event]) -> Option<Flaw> {
    if run.iter().any(|event| matches!(event, run::Event::GotStuck { .. })) {
        return Some(Flaw::Stuck);
    }
    let end = run.iter().rev().find_map(|event| if let run::Event::Ended { how, .. } = event { Some(*how) } else { None });
    if end.is_some_and(|end| end != RunEnd::Done && end != RunEnd::Undone) {
        return Some(Flaw::Aborted);
    }
    if matches!(change.outcome(), Some(Outcome::Failed { .. })) {
        return Some(Flaw::Declared);
    }
    let closed_by_machine = matches!(change.outcome(), Some(Outcome::Succeeded { by: None }));
    match judged {
        Some(Judgement::Worse | Judgement::Shifted) => Some(Flaw::Worse),
        // What only reads has nothing that could be seen; the rule closes it.
        Some(Judgement::Unchanged | Judgement::Inconclusive) if !closed_by_machine => Some(Flaw::Unverified),
        Some(Judgement::Improved) if taken_back => None,
        Some(Judgement::Improved | Judgement::Unchanged | Judgement::Inconclusive) | None => {
            (end == Some(RunEnd::Undone)).then_some(Flaw::Undone)
        }
    }
}

impl Drill {
    /// The drill that a run was, from all its events: it ended undone, it never was stuck, and every step of the way without
    /// failures that has an undo was taken back.
    pub fn of(events: &[&run::Event]) -> Option<Self> {
        let order = events.iter().find_map(|event| if let run::Event::Begun { order } = event { Some(order) } else { None })?;
        if events.iter().any(|event| matches!(event, run::Event::GotStuck { .. })) {
            return None;
        }
        let undone = |event: &&run::Event| if let run::Event::Ended { how: RunEnd::Undone, at } = event { Some(*at) } else { None };
        let at = events.iter().find_map(undone)?;
        let main = order.plan.steps.iter().enumerate().filter(|(_, step)| step.flow.branch.is_none());
        let wanted: BTreeSet<usize> = main.filter(|(_, step)| step.undo.is_some()).map(|(index, _)| index).collect();
        let back = taken_back(events);
        let whole = !wanted.is_empty() && wanted.is_subset(&back);
        whole.then_some(Self { runbook: order.plan.runbook_digest, change: order.change, run: order.id, at })
    }
}

/// The steps whose undo did what it should, by its own report or by the probe after it.
fn taken_back(events: &[&run::Event]) -> BTreeSet<usize> {
    let (mut back, mut trying) = (BTreeSet::new(), None);
    for event in events {
        if let run::Event::Intended { attempt, .. } = event {
            trying = (attempt.key.direction == Direction::Undo).then_some(attempt.index);
        } else if let (run::Event::Succeeded { .. } | run::Event::Probed { found: Found::Applied, .. }, Some(index)) = (event, trying) {
            back.insert(index);
        }
    }
    back
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Undone => "was undone",
            Self::Aborted => "was left as it stood",
            Self::Stuck => "got stuck",
            Self::Unverified => "could not be verified",
            Self::Worse => "made things worse",
            Self::Declared => "was declared a failure",
        })
    }
}
