//! The only way a change changes: one match over state and event.

use super::{Change, Event, Gate, Outcome, SAMPLE_EVERY, SAMPLES_MAX, SETTLE_MAX, State};
use crate::catalogue::Inputs;
use crate::dossier::{Difference, Dossier};
use crate::id::{ApprovalId, RunId};
use crate::machine::{IllegalTransition, Machine as _};
use crate::run::RunEnd;
use crate::time::Span;

pub(super) fn begin(event: &Event) -> Result<Change, IllegalTransition> {
    if let Event::Proposed { id, proposal, at } = event {
        return Ok(Change {
            id: *id,
            proposal: (**proposal).clone(),
            proposed: *at,
            rounds: 0,
            state: State::Proposed,
            since: *at,
            amended_by: std::collections::BTreeSet::new(),
            assessed: None,
            differences: Vec::new(),
            refusals: 0,
        });
    }
    Err(IllegalTransition { machine: "change", from: "nothing", event: event.word() })
}

#[expect(clippy::too_many_lines, reason = "one match over state and event is the table that people read")]
pub(super) fn apply(mut change: Change, event: &Event) -> Result<Change, IllegalTransition> {
    let illegal = IllegalTransition { machine: "change", from: change.word(), event: event.word() };
    let (state, at) = match (change.state.clone(), event) {
        (_, Event::ActRefused { .. }) => {
            change.refusals = change.refusals.saturating_add(1);
            return Ok(change);
        }
        // The estate may lose what a change is about while it waits.
        (State::Proposed | State::Blocked { .. } | State::Awaiting { .. } | State::Cleared { .. }, Event::Misfit { misfit, at }) => {
            (ended(&change, Outcome::Misfit { misfit: misfit.clone() }), *at)
        }
        (State::Proposed | State::Blocked { .. } | State::Awaiting { .. } | State::Cleared { .. }, Event::Blocked { dossier, until }) => {
            change.assessed = Some(dossier.at);
            (State::Blocked { dossier: dossier.clone(), until: *until }, dossier.at)
        }
        (State::Proposed | State::Blocked { .. } | State::Awaiting { .. } | State::Cleared { .. }, Event::Denied { dossier }) => {
            change.assessed = Some(dossier.at);
            (denied(&change, dossier), dossier.at)
        }
        (
            State::Proposed | State::Blocked { .. } | State::Awaiting { .. } | State::Cleared { .. },
            Event::Asked { dossier, bundle, approval, differences },
        ) => {
            change.rounds = change.rounds.saturating_add(1);
            change.assessed = Some(dossier.at);
            change.differences.clone_from(differences);
            let gate = Box::new(Gate { dossier: (**dossier).clone(), bundle: (**bundle).clone() });
            (State::Awaiting { gate, approval: *approval }, dossier.at)
        }
        (
            State::Proposed | State::Blocked { .. } | State::Awaiting { .. } | State::Cleared { .. },
            Event::Cleared { dossier, bundle, differences, until },
        ) => {
            change.assessed = Some(dossier.at);
            change.differences.clone_from(differences);
            let gate = Box::new(Gate { dossier: (**dossier).clone(), bundle: (**bundle).clone() });
            (State::Cleared { gate, approval: None, until: *until, behind: None }, dossier.at)
        }
        (State::Awaiting { gate, approval }, Event::Approved { until, at }) => {
            (State::Cleared { gate, approval: Some(approval), until: *until, behind: None }, *at)
        }
        (State::Awaiting { .. } | State::Cleared { .. }, Event::Rejected { by, at }) => {
            (ended(&change, Outcome::Rejected { by: *by }), *at)
        }
        (State::Proposed | State::Blocked { .. } | State::Awaiting { .. } | State::Cleared { .. }, Event::Lapsed { at }) => {
            (ended(&change, Outcome::Lapsed), *at)
        }
        (State::Proposed | State::Blocked { .. } | State::Awaiting { .. } | State::Cleared { .. }, Event::Withdrawn { by, at, .. }) => {
            (ended(&change, Outcome::Withdrawn { by: *by }), *at)
        }
        (State::Proposed | State::Blocked { .. } | State::Awaiting { .. } | State::Cleared { .. }, Event::Amended { by, inputs, at }) => {
            change.amended_by.insert(*by);
            let known = if change.state == State::Proposed { std::mem::take(&mut change.differences) } else { Vec::new() };
            change.differences = amended(known, &change.proposal.inputs, inputs);
            change.proposal.inputs.clone_from(inputs);
            (State::Proposed, *at)
        }
        (State::Cleared { gate, approval, until, .. }, Event::Queued { run, .. }) => {
            (State::Cleared { gate, approval, until, behind: Some(*run) }, change.since)
        }
        (State::Cleared { .. }, Event::Advised { at }) => (ended(&change, Outcome::Advised), *at),
        (State::Cleared { mut gate, approval, .. }, Event::Started { run, dossier, bundle, before, at }) => {
            *gate = Gate { dossier: (**dossier).clone(), bundle: (**bundle).clone() };
            change.assessed = Some(dossier.at);
            (State::Running { gate, approval, run: *run, before: before.clone() }, *at)
        }
        (State::Running { gate, approval, run, before }, Event::RunEnded { how: RunEnd::Done, soak, at }) => {
            let window = *at + SETTLE_MAX + *soak;
            let every = pace(window.since(*at));
            // One pace more: goals reached at the last moment are seen up to one pace later, and must still last.
            let until = window + every;
            (State::Verifying { gate, approval, run, soak: *soak, until, every, before, samples: Vec::new() }, *at)
        }
        (State::Running { run, .. }, Event::RunEnded { how: RunEnd::Undone, at, .. }) => (over(&change, Outcome::Undone, run, None), *at),
        (State::Running { gate, approval, run, .. }, Event::RunEnded { how: RunEnd::Aborted | RunEnd::Stopped, at, .. }) => {
            (State::Escalated { gate, approval, run, judgement: None }, *at)
        }
        (State::Verifying { gate, approval, run, soak, until, every, before, mut samples }, Event::Sampled { sample }) => {
            samples.push(sample.clone());
            (State::Verifying { gate, approval, run, soak, until, every, before, samples }, change.since)
        }
        (State::Verifying { run, .. }, Event::Judged { judgement, closes: true, at }) => {
            (over(&change, Outcome::Succeeded { by: None }, run, Some(*judgement)), *at)
        }
        (State::Verifying { gate, approval, run, .. }, Event::Judged { judgement, closes: false, at }) => {
            (State::Escalated { gate, approval, run, judgement: Some(*judgement) }, *at)
        }
        (State::Escalated { gate, approval, run, judgement: Some(_) }, Event::TakenBack { at, .. }) => {
            let before = super::Sample { at: *at, goals: std::collections::BTreeMap::new(), neighbours: std::collections::BTreeMap::new() };
            (State::Running { gate, approval, run, before }, *at)
        }
        (State::Escalated { run, judgement, .. }, Event::Declared { by, success, at, .. }) => {
            (over(&change, declared(*by, *success), run, judgement), *at)
        }
        // A person may overrule what the machine closed as a success.
        (
            State::Closed { outcome: Outcome::Succeeded { by: None }, run: Some(run), judgement, .. },
            Event::Declared { by, success, at, .. },
        ) => (over(&change, declared(*by, *success), run, judgement), *at),
        (_, _) => return Err(illegal),
    };
    change.since = at;
    change.state = state;
    Ok(change)
}

fn declared(by: crate::id::OperatorId, success: bool) -> Outcome {
    if success { Outcome::Succeeded { by: Some(by) } } else { Outcome::Failed { by } }
}

fn denied(change: &Change, dossier: &Dossier) -> State {
    let gate = change.gate().map(|gate| Box::new(Gate { dossier: dossier.clone(), bundle: gate.bundle.clone() }));
    let dossier = Some(Box::new(dossier.clone()));
    State::Closed { outcome: Outcome::Denied, gate, dossier, approval: change.approval(), run: None, judgement: None }
}

fn ended(change: &Change, outcome: Outcome) -> State {
    let dossier = if let State::Blocked { dossier, .. } = &change.state { Some(dossier.clone()) } else { None };
    State::Closed { outcome, gate: boxed(change), dossier, approval: change.approval(), run: None, judgement: None }
}

fn over(change: &Change, outcome: Outcome, run: RunId, judgement: Option<super::Judgement>) -> State {
    let approval: Option<ApprovalId> = change.approval();
    State::Closed { outcome, gate: boxed(change), dossier: None, approval, run: Some(run), judgement }
}

fn boxed(change: &Change) -> Option<Box<Gate>> {
    change.gate().map(|gate| Box::new(gate.clone()))
}

/// What differs between the inputs that were asked about and these; `known` holds earlier amendments that nobody was
/// asked about yet.
fn amended(mut known: Vec<Difference>, before: &Inputs, after: &Inputs) -> Vec<Difference> {
    let said = |inputs: &Inputs, name| inputs.get(name).map_or_else(|| "nothing".into(), ToString::to_string);
    for name in before.keys().chain(after.keys()).collect::<std::collections::BTreeSet<_>>() {
        let what = format!("inputs.{name}");
        let after = said(after, name);
        if let Some(earlier) = known.iter_mut().find(|difference| difference.what == what) {
            earlier.after = after;
        } else {
            known.push(Difference { what, before: said(before, name), after });
        }
    }
    known.retain(|difference| difference.before != difference.after);
    known
}

/// How far apart samples are taken, so that at most [`SAMPLES_MAX`] are kept.
pub(super) fn pace(window: Span) -> Span {
    // Two fewer: one for the pace that the window is longer, one for the last look when the time is over.
    let apart = Span::from_millis(window.as_micros() / 1_000 / (SAMPLES_MAX - 2));
    apart.max(SAMPLE_EVERY)
}
