//! The table of runs, and the stories behind its cells.

mod branches;
mod driver;
mod laws;
mod overrides;
mod retries;

use std::collections::BTreeSet;

use super::{Applied, Command, Direction, Event, Found, PICKUP_MAX, Phase, REPORT_GRACE, Refusal, Resolution, RunEnd, State, UNKNOWN_MAX};
use crate::machine::Machine as _;
use crate::runbook::OnUnknown;
use crate::sample::{Step, after, order, run_events, run_states, table, words};
use driver::Driver;

#[test]
fn the_table_of_states_and_events() {
    insta::assert_snapshot!(table(&run_states(), &run_events()));
}

#[test]
fn no_event_and_no_state_is_missing_from_the_table() {
    let events: BTreeSet<String> = run_events().iter().map(|(_, event)| event.word().into()).collect();
    assert_eq!(events, words(include_str!("event.rs"), "impl Event {"));
    let states: BTreeSet<String> = run_states().iter().map(|(_, state)| state.word().into()).collect();
    let phases = words(include_str!("attempt.rs"), "impl Phase {");
    assert_eq!(states, &words(include_str!("../run.rs"), "impl Machine for Run") | &phases);
}

#[test]
fn a_run_whose_steps_all_succeed_is_done() {
    let mut driver = Driver::new(&[Step::READ, Step::EFFECT, Step::EFFECT]);
    for _ in 0..3 {
        driver.offer();
        driver.succeed();
    }
    assert_eq!((driver.run.word(), &driver.run.applied[..]), ("done", &[1, 2][..]));
}

#[test]
fn what_was_applied_is_taken_back_in_reverse_and_reads_are_left_alone() {
    let mut driver = Driver::new(&[Step::EFFECT, Step::READ, Step::EFFECT, Step::EFFECT]);
    for _ in 0..3 {
        driver.offer();
        driver.succeed();
    }
    driver.offer();
    driver.fail(Applied::Partly);
    let mut taken_back = Vec::new();
    while driver.run.open() {
        driver.offer();
        taken_back.push(driver.key().step.to_string());
        driver.succeed();
    }
    assert_eq!(taken_back, ["step-3", "step-2", "step-0"]);
    assert_eq!(driver.run.word(), "undone");
}

#[test]
fn a_failed_undo_is_stuck() {
    for applied in [Applied::No, Applied::Partly] {
        let mut driver = Driver::new(&[Step::EFFECT, Step::EFFECT]);
        driver.offer();
        driver.succeed();
        driver.offer();
        driver.fail(Applied::No);
        assert_eq!(driver.run.word(), "undoing");
        driver.offer();
        driver.fail(applied);
        assert_eq!(driver.run.word(), "stuck");
    }
}

#[test]
fn a_step_without_undo_is_stuck_on_the_way_back() {
    let mut driver = Driver::new(&[Step { undo: false, ..Step::EFFECT }, Step::EFFECT]);
    driver.offer();
    driver.succeed();
    driver.offer();
    driver.fail(Applied::No);
    driver.intend();
    assert_eq!(driver.run.word(), "stuck");
}

#[test]
fn an_attempt_that_a_person_lets_be_tried_again_has_a_number_of_its_own() {
    let mut driver = Driver::new(&[Step::ASKING]);
    let mut numbers = Vec::new();
    for resolution in [Resolution::Retry, Resolution::MarkNotApplied, Resolution::Retry, Resolution::Undo] {
        driver.offer();
        numbers.push(driver.key().number);
        driver.fail(Applied::Partly);
        driver.resolve(resolution);
    }
    assert_eq!(numbers, [1, 2, 3, 4]);
    driver.offer();
    driver.fail(Applied::No);
    driver.resolve(Resolution::Undo);
    driver.offer();
    assert_eq!((driver.key().direction, driver.key().number), (Direction::Undo, 2));
}

#[test]
fn a_person_who_undoes_takes_back_what_may_have_begun_and_nothing_else() {
    let stuck = |how: &dyn Fn(&mut Driver)| {
        let mut driver = Driver::new(&[Step::EFFECT, Step::ASKING]);
        driver.offer();
        driver.succeed();
        how(&mut driver);
        assert_eq!(driver.run.word(), "stuck");
        driver.resolve(Resolution::Undo);
        driver.run.applied
    };
    assert_eq!(
        stuck(&|driver| {
            driver.offer();
            driver.fail(Applied::No);
        }),
        [0]
    );
    assert_eq!(
        stuck(&|driver| {
            driver.offer();
            driver.refuse();
        }),
        [0]
    );
    assert_eq!(
        stuck(&|driver| {
            driver.wait(600);
            driver.intend();
        }),
        [0],
        "past the deadline nothing began"
    );
    assert_eq!(
        stuck(&|driver| {
            driver.offer();
            driver.fail(Applied::Partly);
        }),
        [0, 1]
    );
    assert_eq!(
        stuck(&|driver| {
            driver.offer();
            driver.probe(Found::Inconclusive);
        }),
        [0, 1]
    );
    assert_eq!(
        stuck(&|driver| {
            driver.lose();
            driver.wait(301);
            driver.tick();
        }),
        [0, 1]
    );
}

#[test]
fn what_an_earlier_attempt_may_have_changed_is_taken_back_though_the_last_one_changed_nothing() {
    let mut driver = Driver::new(&[Step::EFFECT]);
    driver.offer();
    driver.probe(Found::Inconclusive);
    driver.resolve(Resolution::Retry);
    driver.offer();
    driver.fail(Applied::No);
    assert_eq!((driver.run.word(), &driver.run.applied[..]), ("undoing", &[0][..]));
}

#[test]
fn a_read_is_never_taken_back_even_by_a_person() {
    let mut driver = Driver::new(&[Step { on_failure: crate::sample::Failing::Person, ..Step::READ }]);
    driver.offer();
    driver.fail(Applied::Partly);
    driver.resolve(Resolution::Undo);
    assert_eq!(driver.run.word(), "undone");
}

#[test]
fn what_a_person_left_on_the_way_back_is_not_recorded_as_undone() {
    let mut driver = Driver::new(&[Step::EFFECT, Step::EFFECT]);
    driver.offer();
    driver.succeed();
    driver.offer();
    driver.fail(Applied::No);
    driver.offer();
    driver.fail(Applied::No);
    driver.resolve(Resolution::Skip);
    assert_eq!(driver.run.word(), "aborted");
    assert_eq!(driver.history.last().map(Event::word), Some("ended"));
}

#[test]
fn a_report_whose_beginning_was_lost_still_spends_an_attempt() {
    let mut driver = Driver::new(&[Step::EFFECT]);
    driver.offer();
    driver.fail(Applied::No);
    assert_eq!(driver.run.word(), "undone", "one attempt was allowed, and it was used");
    let mut driver = Driver::new(&[Step::EFFECT]);
    driver.lose();
    driver.probe(Found::NotApplied);
    assert_eq!(driver.run.word(), "undone");
    let mut driver = Driver::new(&[Step::EFFECT]);
    driver.lose();
    driver.probe(Found::NeverStarted);
    assert_eq!(driver.run.word(), "ready", "what never started spends none");
}

#[test]
fn a_runner_that_denies_what_it_began_is_not_sent_it_again() {
    let mut driver = Driver::new(&[Step::EFFECT]);
    driver.offer();
    driver.start();
    driver.probe(Found::NeverStarted);
    assert_eq!(driver.run.word(), "stuck");
}

#[test]
fn nobody_knows_and_the_runbook_asks_a_person() {
    for found in [Found::Applied, Found::NotApplied, Found::Inconclusive] {
        let mut driver = Driver::new(&[Step { on_unknown: OnUnknown::Person, ..Step::EFFECT }]);
        driver.lose();
        driver.probe(found);
        assert_eq!(driver.run.word(), "stuck", "{found:?}");
    }
}

#[test]
fn time_makes_an_attempt_unknown_and_then_a_persons() {
    let mut driver = Driver::new(&[Step::EFFECT]);
    driver.offer();
    let deadline = driver.run.attempt().unwrap().0.deadline;
    assert_eq!(driver.run.decide(Command::Tick, deadline), Ok(Vec::new()));
    driver.now = deadline + REPORT_GRACE;
    driver.tick();
    assert_eq!(driver.run.word(), "unknown");
    assert_eq!(driver.run.decide(Command::Tick, driver.now), Ok(Vec::new()));
    driver.now = driver.now + UNKNOWN_MAX;
    driver.tick();
    assert_eq!(driver.run.word(), "stuck");
}

#[test]
fn past_its_deadline_no_step_starts_forwards_and_undoing_goes_on() {
    let mut driver = Driver::new(&[Step::EFFECT, Step::EFFECT]);
    driver.offer();
    driver.succeed();
    driver.wait(599 - driver.seconds());
    driver.intend();
    let attempt = driver.run.attempt().unwrap().0.clone();
    assert_eq!(attempt.pickup, driver.run.order.deadline, "no runner may take it later than that");
    driver.now = attempt.pickup;
    let late = Command::Dispatch { key: attempt.key, runner: driver::RUNNER, warrant: crate::sample::digest("w") };
    assert!(matches!(driver.run.decide(late, driver.now), Err(Refusal::WrongState { .. })));
    driver.tick();
    driver.intend();
    assert_eq!(driver.run.word(), "stuck");
    driver.resolve(Resolution::Undo);
    driver.offer();
    driver.succeed();
    assert_eq!(driver.run.word(), "undone");
}

#[test]
fn a_plan_of_nothing_is_done_and_a_plan_without_rules_is_a_persons() {
    let mut driver = Driver::new(&[]);
    driver.intend();
    assert_eq!(driver.run.word(), "done");
    let mut broken = order(&[Step::EFFECT]);
    broken.rules.clear();
    let mut driver = Driver::new(&[]);
    driver.run = after(&[Event::Begun { order: Box::new(broken) }]);
    driver.intend();
    assert_eq!(driver.run.word(), "stuck");
}

#[test]
fn a_done_run_is_taken_back_by_a_person_and_only_once() {
    let mut driver = Driver::new(&[Step::EFFECT]);
    driver.offer();
    driver.succeed();
    driver.decide(Command::TakeBack).unwrap();
    assert!(driver.decide(Command::TakeBack).is_err());
    driver.offer();
    driver.succeed();
    assert_eq!(driver.run.state, State::Ended { how: RunEnd::Undone });
    assert!(driver.decide(Command::TakeBack).is_err());
}

#[test]
fn a_resolution_without_a_reason_is_refused() {
    let mut driver = Driver::new(&[Step::EFFECT]);
    driver.offer();
    driver.refuse();
    let resolve = Command::Resolve { by: crate::sample::person(1), ruling: super::Override::new(Resolution::Retry, "\t ") };
    assert_eq!(driver.decide(resolve), Err(Refusal::Unreasoned));
    assert_eq!(driver.run.word(), "stuck");
}

#[test]
fn an_attempt_is_offered_until_its_pickup_and_not_after() {
    let mut driver = Driver::new(&[Step::EFFECT]);
    driver.intend();
    assert!(matches!(driver.run.effects(driver.now)[..], [super::Effect::Offer(_)]));
    assert_eq!(driver.run.effects(driver.now + PICKUP_MAX), [super::Effect::Tick]);
    assert!(matches!(driver.run.attempt(), Some((_, Phase::Intended))));
    assert_eq!(driver.key().number, 1);
}
