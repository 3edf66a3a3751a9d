//! What people decide about a stuck run, what each needs, and runs that this engine does not understand.

use super::driver::{Driver, ruling};
use crate::catalogue::Risk;
use crate::machine::Machine as _;
use crate::run::{Applied, Command, Effect, Event, Found, Override, Phase, Refusal, Resolution, SEMANTICS, State};
use crate::sample::{Step, order, person, second};

fn stuck_at(risk: Risk) -> Driver {
    let begun = super::super::Order { risk, ..order(&[Step::ASKING, Step::EFFECT]) };
    let mut driver = Driver::of(vec![Event::Begun { order: Box::new(begun) }]);
    driver.offer();
    driver.fail(Applied::No);
    assert_eq!(driver.run.word(), "stuck");
    driver
}

fn asks(driver: &mut Driver, who: u128, ruling: Override) -> Result<&'static str, Refusal> {
    driver.decide(Command::Resolve { by: person(who), ruling })?;
    Ok(driver.history.last().unwrap().word())
}

#[test]
fn nothing_is_marked_as_applied_without_evidence() {
    let mut driver = stuck_at(Risk::Low);
    for blank in [None, Some(" \t".to_owned()), Some("x".repeat(4_001))] {
        let ruling = Override { evidence: blank, ..Override::new(Resolution::MarkApplied, "it is so") };
        assert_eq!(asks(&mut driver, 1, ruling), Err(Refusal::Unproven));
    }
    let ruling = Override::new(Resolution::MarkApplied, "it is so").seen("dig +short says 192.0.2.11");
    assert_eq!(asks(&mut driver, 1, ruling), Ok("resolved"));
    assert_eq!(driver.stands(), ("ready", vec![0]));
}

#[test]
fn on_high_risk_a_step_is_skipped_by_two_people() {
    let mut driver = stuck_at(Risk::High);
    let skip = || ruling(Resolution::Skip);
    assert_eq!(asks(&mut driver, 1, skip()), Ok("second_asked"));
    assert_eq!(driver.run.word(), "stuck");
    assert_eq!(asks(&mut driver, 1, skip()), Err(Refusal::NeedsAnother));
    assert_eq!(asks(&mut driver, 2, skip()), Ok("resolved"));
    let Some(Event::Resolved { by, asked_by, .. }) = driver.history.last() else { panic!("it was to be resolved") };
    assert_eq!((*by, *asked_by), (person(2), Some(person(1))));
    assert_eq!(driver.run.word(), "ready");
    for risk in [Risk::Low, Risk::Medium] {
        assert_eq!(asks(&mut stuck_at(risk), 1, skip()), Ok("resolved"), "{risk}");
    }
}

#[test]
fn what_was_asked_for_lapses_with_any_other_decision() {
    let mut driver = stuck_at(Risk::High);
    assert_eq!(asks(&mut driver, 1, ruling(Resolution::Skip)), Ok("second_asked"));
    assert_eq!(asks(&mut driver, 3, ruling(Resolution::HandOver)), Ok("resolved"));
    assert_eq!(asks(&mut driver, 2, ruling(Resolution::Skip)), Ok("second_asked"), "the first asking is gone");
}

#[test]
fn a_run_is_handed_over_to_somebody_and_stays_where_it_is() {
    let mut driver = stuck_at(Risk::Medium);
    assert_eq!(asks(&mut driver, 1, Override::new(Resolution::HandOver, "my shift ends")), Err(Refusal::NoTaker));
    assert_eq!(asks(&mut driver, 1, Override::new(Resolution::HandOver, "my shift ends").to(person(7))), Ok("resolved"));
    let State::Stuck { with, why, .. } = &driver.run.state else { panic!("it was to stay stuck") };
    assert_eq!((*with, why.as_str()), (Some(person(7)), "the step failed"));
    assert_eq!(asks(&mut driver, 7, ruling(Resolution::Retry)), Ok("resolved"));
    assert_eq!(driver.run.word(), "ready");
}

#[test]
fn who_continues_gives_a_run_its_deadline_anew() {
    let mut driver = Driver::new(&[Step::EFFECT, Step::EFFECT]);
    driver.offer();
    driver.succeed();
    driver.wait(700);
    driver.intend();
    assert_eq!(driver.run.word(), "stuck");
    driver.resolve(Resolution::Continue);
    assert_eq!(driver.run.deadline(), second(1_300));
    driver.offer();
    driver.succeed();
    assert_eq!(driver.stands(), ("done", vec![0, 1]));
}

#[test]
fn nobody_continues_while_something_may_have_been_changed() {
    let mut driver = Driver::new(&[Step::ASKING]);
    driver.offer();
    driver.probe(Found::Inconclusive);
    assert_eq!(asks(&mut driver, 1, ruling(Resolution::Continue)), Err(Refusal::InDoubt));
    driver.resolve(Resolution::MarkNotApplied);
    assert_eq!(driver.run.word(), "ready");
}

fn strange() -> Driver {
    let begun = super::super::Order { semantics: SEMANTICS + 1, ..order(&[Step::EFFECT]) };
    Driver::of(vec![Event::Begun { order: Box::new(begun) }])
}

#[test]
fn a_run_of_another_meaning_is_a_persons_before_anything_is_done() {
    let mut driver = strange();
    assert_eq!(driver.run.effects(driver.now), [Effect::Tick]);
    driver.tick();
    let State::Stuck { why, .. } = &driver.run.state else { panic!("it was to be stuck") };
    assert!(why.contains("semantics version 3"), "{why}");
    for resolution in Resolution::ALL {
        let allowed = matches!(resolution, Resolution::Abort | Resolution::HandOver);
        let mut driver = Driver::of(driver.history.clone());
        assert_eq!(asks(&mut driver, 1, ruling(resolution)).is_ok(), allowed, "{resolution:?}");
    }
    let mut driver = strange();
    driver.intend();
    assert_eq!(driver.run.word(), "stuck");
}

#[test]
fn an_attempt_of_another_meaning_is_not_given_out_and_what_was_given_out_is_heard() {
    let mut known = Driver::new(&[Step::EFFECT]);
    known.intend();
    let intended = known.history.pop().unwrap();
    let begun = strange().history;
    let mut driver = Driver::of([&begun[..], std::slice::from_ref(&intended)].concat());
    assert!(matches!(driver.run.attempt(), Some((_, Phase::Intended))));
    assert_eq!(driver.run.effects(driver.now), [Effect::Tick]);
    let key = driver.key();
    let dispatch = Command::Dispatch { key, runner: super::driver::RUNNER, warrant: crate::sample::digest("w") };
    assert!(driver.decide(dispatch).is_err());
    driver.tick();
    assert_eq!(driver.run.word(), "stuck");
    let dispatched = Event::Dispatched { runner: super::driver::RUNNER, warrant: crate::sample::digest("w"), at: second(1) };
    let driver = Driver::of([&begun[..], &[intended, dispatched]].concat());
    let events = driver.run.decide(Command::Fail { key: driver.key(), applied: Applied::No, why: "no".into() }, second(2)).unwrap();
    assert_eq!(events.iter().map(Event::word).collect::<Vec<_>>(), ["failed", "got_stuck"]);
}

#[test]
fn a_run_from_before_meanings_were_numbered_is_of_the_first() {
    let mut written = serde_json::to_value(order(&[Step { attempts: 2, ..Step::EFFECT }])).unwrap();
    for member in ["semantics", "risk"] {
        written.as_object_mut().unwrap().remove(member);
    }
    let order: super::super::Order = serde_json::from_value(written).unwrap();
    assert_eq!((order.semantics, order.risk, order.rules[0].retry.attempts), (1, Risk::High, 2));
}
