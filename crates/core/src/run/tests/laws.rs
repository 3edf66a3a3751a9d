//! Laws of runs under any sequence of messages, late and repeated ones included, and under any sequence of answers.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Applied, AttemptKey, Command, Found, Phase, Resolution, Run, State};
use super::driver::{Driver, RUNNER, ruling};
use crate::id::WarrantId;
use crate::machine::{Machine as _, fold};
use crate::plan::EffectClass;
use crate::runbook::OnUnknown;
use crate::sample::{Failing, Step, digest, id, person};

const FOUND: [Found; 4] = [Found::NeverStarted, Found::Applied, Found::NotApplied, Found::Inconclusive];
const EFFECTS: [EffectClass; 5] = [EffectClass::Read, EffectClass::Cas, EffectClass::Keyed, EffectClass::Converge, EffectClass::Once];

const FAILING: [Failing; 5] = [Failing::Undo, Failing::Person, Failing::Stop, Failing::Goto("left"), Failing::Goto("right")];

/// Up to five steps on the main way, and up to two on each of two branches; some under a condition, some tried again.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = (0_usize..5, prop::bool::weighted(0.9), 1_u8..12, 0_usize..5, any::<bool>(), 0_u64..3, any::<bool>(), 0_usize..12).prop_map(
        |(effect, undo, attempts, failing, look, wait, again_partly, when)| Step {
            effect: EFFECTS[effect],
            undo,
            attempts,
            wait: wait * 20,
            again_partly,
            on_failure: FAILING[failing],
            on_unknown: if look { OnUnknown::Verify } else { OnUnknown::Person },
            branch: None,
            when: Some(when).filter(|when| *when < 3),
        },
    );
    let way = |most| prop::collection::vec(one.clone(), 0..most);
    (way(5), way(3), way(3)).prop_map(|(main, left, right)| {
        let on = |branch, steps: Vec<Step>| steps.into_iter().map(move |step| Step { branch: Some(branch), ..step });
        main.into_iter().chain(on("left", left)).chain(on("right", right)).collect()
    })
}

fn command(kind: u8, number: u8, key: AttemptKey) -> Command {
    let applied = if number.is_multiple_of(2) { Applied::No } else { Applied::Partly };
    match kind {
        0..=4 => Command::Intend { warrant: WarrantId::new(id(60)), epoch: 1 },
        5..=8 => Command::Dispatch { key, runner: RUNNER, warrant: digest("warrant") },
        9 => Command::Accept(key),
        10 | 11 => Command::Start(key),
        12 => Command::Refuse { key, code: "expired".into(), why: "too late".into() },
        13..=16 => Command::Succeed { key, output: json!({ "state": if number.is_multiple_of(2) { "up" } else { "down" } }) },
        17 | 18 => Command::Fail { key, applied, why: "it did not".into() },
        19 | 20 => Command::Probe { key, found: FOUND[usize::from(number) % 4], output: Value::Null },
        21 => Command::Tick,
        22 | 23 => Command::Resolve { by: person(1), ruling: ruling(Resolution::ALL[usize::from(number) % 8]) },
        _ => Command::TakeBack,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn no_message_breaks_a_promise(
        steps in steps(),
        messages in prop::collection::vec((0_u8..25, 0_u8..12, 0_u8..10, 0_usize..4), 0..120),
    ) {
        let mut driver = Driver::new(&steps);
        let mut keys: Vec<AttemptKey> = Vec::new();
        for (kind, number, late, pause) in messages {
            driver.wait([0, 1, 3, 90][pause]);
            let current = driver.run.attempt().map(|(attempt, _)| attempt.key.clone());
            keys.extend(current.clone().filter(|key| !keys.contains(key)));
            let stale = keys.get(usize::from(number) % keys.len().max(1)).cloned();
            let stale = stale.filter(|_| late == 0 || current.is_none());
            let Some(key) = stale.or(current.clone()).or_else(|| Some(AttemptKey { run: driver.run.order.id, step: "x".parse().unwrap(), direction: driver.run.direction(), number: 1 })) else { continue };
            let other = Some(&key) != current.as_ref();
            let before = driver.run.clone();
            let command = command(kind, number, key);
            let about_attempt = (5..=20).contains(&kind);
            let done = driver.decide(command.clone());
            if about_attempt && other {
                prop_assert!(done.is_err(), "a message about another attempt was taken: {command:?}");
                prop_assert_eq!(&driver.run, &before);
            }
            if matches!(command, Command::Accept(_) | Command::Start(_)) && done.is_ok() {
                prop_assert_eq!(driver.decide(command), Ok(0), "a repeated command adds no event");
            }
        }
        prop_assert_eq!(fold::<Run>(&driver.history).unwrap(), Some(driver.run));
    }

    #[test]
    fn a_run_that_gets_its_answers_ends_whole_or_undone_or_with_a_person(
        steps in steps(),
        answers in prop::collection::vec((0_u8..14, 0_u8..12), 1..60),
    ) {
        let mut driver = Driver::new(&steps);
        let mut answers = answers.into_iter().cycle();
        let mut rounds = 0;
        while !matches!(driver.run.state, State::Stuck { .. } | State::Ended { .. }) {
            rounds += 1;
            prop_assert!(rounds < 1_000, "it goes on for ever at {:?}", driver.run.state);
            let (answer, number) = answers.next().unwrap();
            // Time goes on, and the engine looks at the clock.
            driver.wait(10);
            driver.tick();
            if let State::Stuck { .. } = driver.run.state {
                break;
            }
            match driver.run.attempt().map(|(attempt, phase)| (attempt.key.clone(), phase)) {
                None if driver.run.wait.is_some_and(|wait| driver.now < wait) => driver.wait(20),
                None => driver.intend(),
                Some((_, Phase::Intended)) if answer == 0 => { driver.wait(60); driver.tick(); }
                Some((key, Phase::Intended)) => drop(driver.decide(command(5, 0, key))),
                Some((_, Phase::Unknown)) if answer == 0 => { driver.wait(300); driver.tick(); }
                Some((_, Phase::Unknown)) => driver.probe(FOUND[usize::from(number) % 4]),
                Some((_, Phase::Dispatched | Phase::Accepted | Phase::Started)) if answer == 1 => { driver.wait(80); driver.tick(); }
                Some((key, Phase::Dispatched | Phase::Accepted | Phase::Started)) => drop(driver.decide(command(7 + answer, number, key))),
            }
        }
        // A person can always leave it.
        if let State::Stuck { .. } = driver.run.state {
            driver.resolve(Resolution::Abort);
        }
        prop_assert!(!driver.run.open());
    }
}
