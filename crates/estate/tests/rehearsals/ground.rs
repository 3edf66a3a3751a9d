//! The shipped runbooks, and each way in which one of their steps can go.

use std::path::Path;
use std::sync::LazyLock;

use lineclear_core::name::StepName;
use lineclear_core::run::Direction;
use lineclear_core::runbook::{Runbook, Step};
use lineclear_estate::{Answer, Decision, Fakes, Loaded, Look, Rehearsal, Script, Test, load};

static EXAMPLE: LazyLock<Loaded> =
    LazyLock::new(|| load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estate/example")).unwrap_or_else(|error| panic!("{error}")));

pub(crate) fn example() -> &'static Loaded {
    &EXAMPLE
}

/// Every runbook with its first test, which says what it acts on.
pub(crate) fn runbooks() -> impl Iterator<Item = (&'static Runbook, &'static Test)> {
    let loaded = example();
    loaded.estate.runbooks.values().map(|runbook| (runbook, &loaded.tests[&runbook.id][0]))
}

/// What one step's call and its check say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    pub answer: Answer,
    pub look: Look,
}

/// Every way.
pub(crate) fn ways() -> Vec<Way> {
    let answers = [
        Answer::Ok,
        Answer::NotApplied,
        Answer::Partial,
        Answer::NoAnswer,
        Answer::Unknown,
        Answer::Gone,
        Answer::Refused,
        Answer::Untaken,
    ];
    let looks = [Look::Holds, Look::Fails, Look::Silent];
    answers.into_iter().flat_map(|answer| looks.into_iter().map(move |look| Way { answer, look })).collect()
}

/// The fakes of a run in which this step goes this way, each time that it is tried.
pub(crate) fn fakes(step: &Step, way: Way) -> Fakes {
    let fakes = Fakes::default().call(step.id.clone(), Direction::Do, Script::Always(way.answer.into()));
    fakes.look(step.id.clone(), Script::Always(way.look))
}

/// The same, in which an undo goes another way too.
pub(crate) fn back(fakes: Fakes, step: &StepName, answer: Answer) -> Fakes {
    fakes.call(step.clone(), Direction::Undo, Script::Always(answer.into()))
}

pub(crate) fn begin(runbook: &Runbook, test: &Test, fakes: Fakes, people: &[Decision]) -> Rehearsal {
    Rehearsal::begin(runbook, &test.target, &test.inputs, fakes, people).unwrap()
}
