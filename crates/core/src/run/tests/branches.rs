//! Branches, conditions and stopping: what follows when a step fails, and which steps are done at all.

use serde_json::json;

use super::driver::Driver;
use crate::machine::Machine as _;
use crate::plan::EffectClass;
use crate::run::{Applied, Event, Resolution, RunEnd, State};
use crate::sample::{BRANCHED, Failing, Step};

/// Two steps; when the second fails, two others; when the last of those fails, everything is taken back.
const FOUR: [Step; 4] = [
    Step::EFFECT,
    Step { on_failure: Failing::Goto("spare"), ..Step::EFFECT },
    Step { branch: Some("spare"), ..Step::EFFECT },
    Step { branch: Some("spare"), ..Step::EFFECT },
];

fn names(driver: &Driver) -> Vec<String> {
    let intended = driver.history.iter().filter_map(|event| {
        let Event::Intended { attempt, .. } = event else { return None };
        Some(format!("{} {}", attempt.key.step, attempt.key.direction.word()))
    });
    intended.collect()
}

fn at_the_branch(applied: Applied) -> Driver {
    let mut driver = Driver::new(&FOUR);
    driver.offer();
    driver.succeed();
    driver.offer();
    driver.fail(applied);
    assert_eq!(driver.run.branches, ["spare".parse().unwrap()]);
    driver
}

#[test]
fn a_branch_is_no_part_of_the_way_without_failures() {
    let mut driver = Driver::new(&FOUR);
    for _ in 0..2 {
        driver.offer();
        driver.succeed();
    }
    assert_eq!(driver.stands(), ("done", vec![0, 1]));
}

#[test]
fn a_step_that_fails_is_followed_by_its_branch_and_the_run_ends_where_the_branch_does() {
    let mut driver = at_the_branch(Applied::No);
    for _ in 0..2 {
        driver.offer();
        driver.succeed();
    }
    assert_eq!(driver.stands(), ("done", vec![0, 2, 3]));
    assert_eq!(names(&driver), ["step-0 do", "step-1 do", "step-2 do", "step-3 do"]);
}

#[test]
fn what_a_branch_did_is_taken_back_with_what_was_done_before_it_and_no_more() {
    for (applied, expected) in [
        (Applied::No, &["step-3 undo", "step-2 undo", "step-0 undo"][..]),
        (Applied::Partly, &["step-3 undo", "step-2 undo", "step-1 undo", "step-0 undo"]),
    ] {
        let mut driver = at_the_branch(applied);
        driver.offer();
        driver.succeed();
        driver.offer();
        driver.fail(Applied::Partly);
        while driver.run.open() {
            driver.offer();
            driver.succeed();
        }
        assert_eq!(driver.run.word(), "undone");
        assert_eq!(names(&driver)[4..], *expected, "{applied:?}");
    }
}

#[test]
fn a_branch_is_taken_at_most_once() {
    let again = Step { branch: Some("spare"), on_failure: Failing::Goto("spare"), ..Step::EFFECT };
    let mut driver = Driver::new(&[BRANCHED[0], again]);
    for _ in 0..2 {
        driver.offer();
        driver.fail(Applied::No);
    }
    assert_eq!(driver.run.word(), "stuck");
    let nowhere = Step { on_failure: Failing::Goto("nowhere"), ..Step::EFFECT };
    let mut driver = Driver::new(&[nowhere]);
    driver.offer();
    driver.fail(Applied::No);
    assert_eq!(driver.run.word(), "stuck");
}

#[test]
fn a_failed_undo_asks_a_person_whatever_the_step_says_of_failures() {
    for on_failure in [Failing::Stop, Failing::Goto("spare"), Failing::Undo, Failing::Person] {
        let steps = [Step { on_failure, ..Step::EFFECT }, Step::EFFECT, Step { branch: Some("spare"), ..Step::EFFECT }];
        let mut driver = Driver::new(&steps);
        driver.offer();
        driver.succeed();
        driver.offer();
        driver.fail(Applied::No);
        driver.offer();
        driver.fail(Applied::No);
        assert_eq!(driver.run.word(), "stuck", "{on_failure:?}");
    }
}

#[test]
fn a_run_that_stops_leaves_everything_as_it_stands() {
    let mut driver = Driver::new(&[Step::EFFECT, Step { on_failure: Failing::Stop, ..Step::EFFECT }, Step::EFFECT]);
    driver.offer();
    driver.succeed();
    driver.offer();
    driver.fail(Applied::Partly);
    assert_eq!(driver.run.state, State::Ended { how: RunEnd::Stopped });
    assert_eq!(driver.stands(), ("stopped", vec![0]));
}

/// A look, a step that is done only when the look said `up`, and one that is always done.
const CONDITIONAL: [Step; 3] = [Step::READ, Step { when: Some(0), ..Step::EFFECT }, Step::EFFECT];

fn looked(report: serde_json::Value) -> Driver {
    let mut driver = Driver::new(&CONDITIONAL);
    driver.offer();
    driver.report(report);
    driver.intend();
    driver
}

#[test]
fn a_step_whose_condition_does_not_hold_is_left_out_and_the_record_says_why() {
    let mut driver = looked(json!({ "state": "down" }));
    let Some(Event::Skipped { step, why, .. }) = driver.history.last() else { panic!("it was to be skipped") };
    assert_eq!((step.as_str(), why.as_str()), ("step-1", "it is not so that `steps.step-0.outputs.state` is `up`"));
    driver.offer();
    driver.succeed();
    assert_eq!(driver.stands(), ("done", vec![2]));
    let mut driver = looked(json!({ "state": "up" }));
    assert_eq!(driver.key().step.as_str(), "step-1");
    driver.tick();
}

#[test]
fn the_last_step_may_be_left_out_and_then_the_run_is_over() {
    let mut driver = Driver::new(&CONDITIONAL[..2]);
    driver.offer();
    driver.report(json!({ "state": "down" }));
    driver.intend();
    assert_eq!(driver.stands(), ("done", vec![]));
}

#[test]
fn a_condition_on_what_nobody_reported_is_neither_true_nor_false_and_a_person_decides() {
    for report in [json!(null), json!({}), json!({ "state": 5 }), json!({ "state": "x".repeat(41) })] {
        let mut driver = looked(report.clone());
        let State::Stuck { why, .. } = &driver.run.state else { panic!("{report}") };
        assert!(why.contains("`steps.step-0.outputs.state` is not known"), "{why}");
        driver.resolve(Resolution::Continue);
        driver.intend();
        assert_eq!(driver.key().step.as_str(), "step-1", "a person said that it is done");
    }
    let mut driver = looked(json!({}));
    driver.resolve(Resolution::Skip);
    driver.offer();
    driver.succeed();
    assert_eq!(driver.stands(), ("done", vec![2]));
}

#[test]
fn a_condition_is_asked_before_the_first_try_and_not_again() {
    let mut driver = Driver::new(&[Step::READ, Step { when: Some(0), attempts: 2, ..Step::EFFECT }]);
    driver.offer();
    driver.report(json!({ "state": "up" }));
    driver.offer();
    driver.fail(Applied::No);
    driver.run.outputs.clear();
    driver.offer();
    driver.succeed();
    assert_eq!(driver.stands(), ("done", vec![1]));
}

#[test]
fn a_branch_of_reads_alone_takes_nothing_back() {
    let look = Step { effect: EffectClass::Read, branch: Some("spare"), ..Step::EFFECT };
    let mut driver = Driver::new(&[BRANCHED[0], look]);
    driver.offer();
    driver.fail(Applied::No);
    driver.offer();
    driver.fail(Applied::No);
    assert_eq!(driver.stands(), ("undone", vec![]));
}
