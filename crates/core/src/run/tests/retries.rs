//! Trying again: how often, when, and after what.

use super::driver::Driver;
use crate::machine::Machine as _;
use crate::plan::EffectClass;
use crate::run::{Applied, Command, Event, Found, Refusal};
use crate::sample::{Step, id, second};
use crate::time::Span;

const AGAIN: Step = Step { attempts: 3, wait: 20, ..Step::EFFECT };

#[test]
fn a_step_waits_before_it_is_tried_again_and_the_wait_is_in_the_record() {
    let mut driver = Driver::new(&[AGAIN]);
    driver.offer();
    driver.fail(Applied::No);
    assert_eq!(driver.run.word(), "waiting");
    assert_eq!(driver.run.due(), Some(second(20)));
    assert!(driver.run.effects(second(19)).is_empty(), "nothing is owed before its time");
    let early = Command::Intend { warrant: crate::id::WarrantId::new(id(60)), epoch: 1 };
    assert!(matches!(driver.decide(early), Err(Refusal::WrongState { .. })));
    let Some(Event::Retried { due, .. }) = driver.history.last() else { panic!("it was to be tried again") };
    assert_eq!(*due, Some(second(20)));
    // Folded again after a crash it waits just as long.
    let driver = Driver::of(driver.history);
    assert_eq!((driver.run.word(), driver.run.due()), ("waiting", Some(second(20))));
}

#[test]
fn its_tries_are_counted_in_the_record_and_then_its_failure_counts() {
    let mut driver = Driver::new(&[AGAIN]);
    let mut numbers = Vec::new();
    while driver.run.word() != "undone" {
        driver.wait(20);
        driver.offer();
        numbers.push(driver.key().number);
        driver.fail(Applied::No);
    }
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn a_wait_beyond_the_deadline_is_no_wait_but_a_failure() {
    let mut driver = Driver::new(&[AGAIN]);
    driver.wait(585);
    driver.offer();
    driver.fail(Applied::No);
    assert_eq!(driver.run.word(), "undone");
}

#[test]
fn an_attempt_that_no_runner_took_is_offered_again_at_once() {
    let mut driver = Driver::new(&[AGAIN]);
    driver.intend();
    driver.wait(60);
    driver.tick();
    assert_eq!((driver.run.word(), driver.run.wait), ("ready", None));
    driver.lose();
    driver.probe(Found::NeverStarted);
    assert_eq!((driver.run.word(), driver.run.wait), ("ready", None));
}

#[test]
fn what_may_have_been_changed_is_sent_again_only_where_the_end_is_the_same_and_the_runbook_says_so() {
    let after = |step: Step| {
        let mut driver = Driver::new(&[step]);
        driver.offer();
        driver.fail(Applied::Partly);
        driver.run.word()
    };
    assert_eq!(after(AGAIN), "undoing");
    assert_eq!(after(Step { again_partly: true, ..AGAIN }), "waiting");
    for effect in [EffectClass::Once, EffectClass::Cas, EffectClass::Keyed] {
        assert_eq!(after(Step { again_partly: true, effect, ..AGAIN }), "undoing", "{effect:?}");
    }
}

#[test]
fn what_was_partly_applied_is_taken_back_after_the_last_try_though_that_one_changed_nothing() {
    let mut driver = Driver::new(&[Step { again_partly: true, attempts: 2, ..AGAIN }]);
    driver.offer();
    driver.fail(Applied::Partly);
    driver.wait(20);
    driver.offer();
    driver.fail(Applied::No);
    assert_eq!(driver.stands(), ("undoing", vec![0]));
}

#[test]
fn a_person_need_not_wait() {
    let mut driver = Driver::new(&[Step { attempts: 1, wait: 20, ..Step::ASKING }]);
    driver.offer();
    driver.fail(Applied::No);
    driver.resolve(crate::run::Resolution::Retry);
    assert_eq!((driver.run.word(), driver.run.wait), ("ready", None));
    assert_eq!(driver.run.due(), Some(driver.now));
    driver.wait(1);
    driver.intend();
    assert_eq!(driver.key().number, 2);
    assert_eq!(driver.now, second(0) + Span::from_secs(1));
}
