//! The generic promises, for every shipped runbook, every step and every way that it can go.

use std::collections::BTreeSet;

use lineclear_core::machine::fold;
use lineclear_core::run::{Direction, Run};
use lineclear_core::runbook::{Runbook, Step};
use lineclear_estate::{Answer, Decision, Look, Rehearsal, Test, Trail, check, unrehearsed};

use crate::ground::{Way, back, begin, example, fakes, runbooks, ways};
use crate::oracle::declared;

/// Every step of every runbook that is on the way without failures, and every way that it can go.
fn all() -> impl Iterator<Item = (&'static Runbook, &'static Test, usize, &'static Step, Way)> {
    runbooks().flat_map(|(runbook, test)| {
        let steps = runbook.steps.iter().enumerate();
        steps.flat_map(move |(at, step)| ways().into_iter().map(move |way| (runbook, test, at, step, way)))
    })
}

fn ended(rehearsal: Rehearsal) -> (Rehearsal, Trail) {
    let rehearsal = rehearsal.finish().unwrap();
    let trail = rehearsal.trail().unwrap();
    (rehearsal, trail)
}

/// Each attempt reached a tool at most once.
fn once(rehearsal: &Rehearsal) {
    let distinct: BTreeSet<_> = rehearsal.calls().iter().collect();
    assert_eq!(distinct.len(), rehearsal.calls().len(), "{:?}", rehearsal.calls());
}

/// The end and the way, without the words: attempts that were lost in a crash may add lines.
fn shape(trail: &Trail) -> String {
    trail.to_string()
}

#[test]
fn every_step_that_fails_is_undone_or_escalated_as_declared() {
    let mut count = 0;
    for (runbook, test, at, step, way) in all() {
        let (rehearsal, trail) = ended(begin(runbook, test, fakes(step, way), &[]));
        let what = format!("{}.{} {way:?}: {trail}", runbook.id, step.id);
        let expected = declared(runbook, at, way, rehearsal.run());
        let undone: Vec<String> = trail.undone.iter().map(ToString::to_string).collect();
        assert_eq!((trail.end.to_string(), undone), (expected.end, expected.undone), "{what}");
        // The step in question was reached, and its tool was called unless nobody took the warrant or the runner refused it.
        assert!(trail.reached.contains(&step.id), "{what}");
        let called = rehearsal.calls().iter().any(|key| key.step == step.id && key.direction == Direction::Do);
        assert_eq!(called, !matches!(way.answer, Answer::Refused | Answer::Untaken), "{what}");
        once(&rehearsal);
        count += 1;
    }
    assert!(count > 28 * 24, "{count}");
}

#[test]
fn everything_done_and_said_twice_ends_the_same() {
    for (runbook, test, _, step, way) in all() {
        let (_, once_only) = ended(begin(runbook, test, fakes(step, way), &[]));
        let (rehearsal, twice) = ended(begin(runbook, test, fakes(step, way), &[]).twice());
        assert_eq!(twice, once_only, "{}.{} {way:?}", runbook.id, step.id);
        once(&rehearsal);
    }
}

#[test]
fn a_control_plane_that_dies_after_any_commit_ends_the_same() {
    let mut deaths = 0;
    for (runbook, test, _, step, way) in all() {
        let what = format!("{}.{} {way:?}", runbook.id, step.id);
        let mut live = begin(runbook, test, fakes(step, way), &[]);
        let (_, expected) = ended(live.clone());
        loop {
            let killed = live.killed().unwrap();
            // What was committed is all that there is.
            assert_eq!(fold::<Run>(live.commits().iter().flatten()).unwrap().as_ref(), Some(live.run()), "{what}");
            let (rehearsal, trail) = ended(killed);
            assert_eq!(shape(&trail), shape(&expected), "{what}, killed after {} commits", live.commits().len());
            once(&rehearsal);
            deaths += 1;
            if !live.step().unwrap() {
                break;
            }
        }
    }
    assert!(deaths > 5_000, "{deaths}");
}

#[test]
fn every_undo_is_reached_and_one_that_fails_is_a_persons() {
    let touched = Way { answer: Answer::Partial, look: Look::Holds };
    let mut count = 0;
    for (runbook, test) in runbooks() {
        for step in runbook.steps.iter().filter(|step| step.undo.is_some()) {
            let (rehearsal, trail) =
                ended(begin(runbook, test, fakes(step, touched), &[Decision::Resolve(lineclear_core::run::Resolution::Undo)]));
            assert_eq!((trail.end.to_string(), trail.undone.first()), ("undone".into(), Some(&step.id)), "{}", runbook.id);
            let undos = rehearsal.calls().iter().filter(|key| key.step == step.id && key.direction == Direction::Undo).count();
            assert_eq!(undos, 1, "{}.{}", runbook.id, step.id);
            for answer in
                [Answer::NotApplied, Answer::Partial, Answer::NoAnswer, Answer::Unknown, Answer::Gone, Answer::Refused, Answer::Untaken]
            {
                let (_, trail) = ended(begin(runbook, test, back(fakes(step, touched), &step.id, answer), &[]));
                assert_eq!(trail.end.to_string(), format!("stuck at `{}.undo`", step.id), "{} {answer:?}", runbook.id);
                assert!(!trail.undone.contains(&step.id), "{} {answer:?}", runbook.id);
            }
            count += 1;
        }
    }
    assert!(count >= 12, "{count}");
}

#[test]
fn the_tests_of_every_runbook_hold_and_take_back_every_undo() {
    let loaded = example();
    let report = check(loaded);
    for outcome in &report.rehearsals {
        assert!(outcome.fault.is_none(), "{}:{} {}: {:?}", outcome.path, outcome.line, outcome.title, outcome.fault);
    }
    assert!(report.rehearsals.len() >= 150, "{}", report.rehearsals.len());
    for runbook in loaded.estate.runbooks.values() {
        assert!(runbook.rehearsed, "{}", runbook.id);
        assert_eq!(unrehearsed(runbook, &loaded.tests[&runbook.id]), Vec::<&lineclear_core::name::StepName>::new());
    }
}
