//! What a runbook declares of a step that goes some way, in the words of its file and without a state machine.

use lineclear_core::Span;
use lineclear_core::plan::EffectClass;
use lineclear_core::run::Run;
use lineclear_core::runbook::{OnFailure, OnUnknown, Runbook, Step};
use lineclear_estate::{Answer, Look};

use crate::ground::Way;

/// What must come of it: the end, and the steps that were taken back, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    pub end: String,
    pub undone: Vec<String>,
}

enum Came {
    /// It took effect, and its check says so.
    Through,
    /// It took no effect.
    Clean,
    /// It may have taken some.
    Touched,
    /// A person has to look.
    Person,
}

fn came(runbook: &Runbook, step: &Step, changes: bool, way: Way) -> Came {
    let checked = step.verify.is_some();
    let seen = checked.then_some(way.look);
    match way.answer {
        Answer::Ok => match seen {
            None | Some(Look::Holds) => Came::Through,
            Some(Look::Fails | Look::Silent) if changes => Came::Touched,
            Some(Look::Fails | Look::Silent) => Came::Clean,
        },
        Answer::NoAnswer if seen == Some(Look::Holds) => Came::Through,
        Answer::NoAnswer | Answer::Partial => Came::Touched,
        // Eight offers of a minute each; when the time is over before the last one, a person decides.
        Answer::Untaken if runbook.deadline <= Span::from_secs(7 * 60) => Came::Person,
        Answer::NotApplied | Answer::Untaken => Came::Clean,
        Answer::Unknown => match seen {
            Some(Look::Holds) if step.on_unknown == OnUnknown::Verify => Came::Through,
            Some(Look::Fails) if step.on_unknown == OnUnknown::Verify => Came::Clean,
            _ => Came::Person,
        },
        Answer::Gone | Answer::Refused => Came::Person,
    }
}

/// What the runbook declares when the step at this place goes this way and all others go well. Only for steps that lead to no
/// branch; `run` says which steps change anything.
pub(crate) fn declared(runbook: &Runbook, at: usize, way: Way, run: &Run) -> Declared {
    let step = &runbook.steps[at];
    let changes = |index: usize| run.order.plan.steps[index].effect != EffectClass::Read;
    let just = |end: &str| Declared { end: end.into(), undone: Vec::new() };
    let touched = match came(runbook, step, changes(at), way) {
        Came::Through => return just("done"),
        Came::Person => return just(&format!("stuck at `{}.do`", step.id)),
        Came::Clean => false,
        Came::Touched => true,
    };
    match &step.on_failure {
        OnFailure::Person => just(&format!("stuck at `{}.do`", step.id)),
        OnFailure::Stop => just("stopped"),
        OnFailure::Goto(branch) => panic!("step `{}` leads to branch `{branch}`: say here how that ends", step.id),
        OnFailure::Undo => {
            let done = (0..at).chain((touched && changes(at)).then_some(at)).filter(|index| changes(*index)).rev();
            let mut undone = Vec::new();
            for index in done {
                if runbook.steps[index].undo.is_none() {
                    return Declared { end: format!("stuck at `{}.undo`", runbook.steps[index].id), undone };
                }
                undone.push(runbook.steps[index].id.to_string());
            }
            Declared { end: "undone".into(), undone }
        }
    }
}
