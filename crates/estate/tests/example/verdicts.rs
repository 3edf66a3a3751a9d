//! Every action by an agent and by a person, in every environment, in every posture, as one table; and what no facts, no
//! confidence and no routine ever move.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lineclear_core::budget::{Budget, Burn};
use lineclear_core::catalogue::{Action, Risk};
use lineclear_core::measure::Confidence;
use lineclear_core::posture::Posture;
use lineclear_core::situation::Actor;
use lineclear_core::topology::{EntityRef, Environment};
use lineclear_estate::Loaded;

use crate::house::{agent, case, example, person, targets, word};

const POSTURES: [Posture; 4] = [Posture::Full, Posture::RoutineOnly, Posture::AdviseOnly, Posture::Stopped];

/// Where a thing runs and what passes through it: all that the policies see of a place on a quiet day.
fn place(loaded: &Loaded, target: &EntityRef, environment: Environment) -> (u8, String) {
    let blast = loaded.estate.topology.blast(target);
    let (rank, mut told) = match environment {
        Environment::Production => (0, "production".to_owned()),
        Environment::Staging => (10, "staging".to_owned()),
        Environment::Dev => (20, "dev".to_owned()),
    };
    if blast.customer_data {
        told.push_str(" with data");
    }
    if blast.money_path {
        told.push_str(if blast.customer_data { " and money" } else { " with money" });
    }
    (rank + u8::from(blast.customer_data) + 2 * u8::from(blast.money_path), told)
}

/// One thing for each kind of place, the first by name.
fn places(loaded: &Loaded, action: &Action) -> BTreeMap<(u8, String), EntityRef> {
    let mut found = BTreeMap::new();
    for thing in targets(loaded, action) {
        found.entry(place(loaded, &thing.reference, thing.environment)).or_insert_with(|| thing.reference.clone());
    }
    found
}

fn cells(loaded: &Loaded, principal: Actor, action: &Action, target: &EntityRef) -> [String; 4] {
    POSTURES.map(|posture| {
        let mut asked = case(loaded, principal, action, target, true);
        asked.situation.posture = posture;
        word(loaded, &asked)
    })
}

/// The rows of one action: places that are answered alike share a row, and so do an agent and a person.
fn rows(loaded: &Loaded, action: &Action) -> Vec<(String, &'static str, [String; 4])> {
    let mut rows: Vec<(Vec<String>, &'static str, [String; 4])> = Vec::new();
    let places = places(loaded, action);
    let all = places.len();
    for ((_, told), target) in places {
        let [machine, human] = [agent(loaded), person(loaded)].map(|who| cells(loaded, who, action, &target));
        let answers = if machine == human { vec![("anyone", machine)] } else { vec![("agent", machine), ("person", human)] };
        for (who, answer) in answers {
            match rows.iter_mut().find(|(_, other, same)| *other == who && *same == answer) {
                Some((places, _, _)) => places.push(told.clone()),
                None => rows.push((vec![told.clone()], who, answer)),
            }
        }
    }
    let said = |places: Vec<String>| if places.len() == all && all > 1 { "everywhere".to_owned() } else { places.join(", ") };
    rows.into_iter().map(|(places, who, answer)| (said(places), who, answer)).collect()
}

#[test]
fn every_verdict_of_the_example_stands_in_one_table() {
    let loaded = example();
    let mut table = "What the shipped policies say on good facts and a quiet day, in each posture.\n".to_owned();
    for risk in [Risk::Low, Risk::Medium, Risk::High] {
        let head = format!("{risk} risk");
        writeln!(table, "\n{head:<26}{:<8}{:<20}{:<20}{:<20}{:<10}where", "who", "full", "routine-only", "advise-only", "stopped").unwrap();
        for action in loaded.estate.catalogue.actions.values().filter(|action| action.risk == risk) {
            let mut name = action.name.as_str();
            for (places, who, [full, routine, advise, stopped]) in rows(loaded, action) {
                writeln!(table, "{name:<26}{who:<8}{full:<20}{routine:<20}{advise:<20}{stopped:<10}{places}").unwrap();
                name = "";
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn without_a_confirmed_fact_nothing_above_low_risk_is_possible_and_all_of_low_risk_is() {
    let loaded = example();
    for action in loaded.estate.catalogue.actions.values() {
        for thing in targets(loaded, action) {
            for who in [agent(loaded), person(loaded)] {
                let expected = if action.risk == Risk::Low { "clear" } else { "denied" };
                let found = word(loaded, &case(loaded, who, action, &thing.reference, false));
                assert_eq!(found, expected, "{} on {}", action.name, thing.reference);
            }
        }
    }
}

#[test]
fn no_confidence_moves_the_verdict_of_a_high_risk_action() {
    let loaded = example();
    for action in loaded.estate.catalogue.actions.values().filter(|action| action.risk == Risk::High) {
        for thing in targets(loaded, action) {
            for (confirmed, burn) in [(true, Burn::Steady), (true, Burn::Fast), (false, Burn::Slow)] {
                let mut asked = case(loaded, agent(loaded), action, &thing.reference, confirmed);
                asked.situation.budget = Some(Budget { remaining_bp: 4_000, burn });
                let mut words: Vec<String> = Vec::new();
                for bp in [0, 4_999, 8_000, 10_000] {
                    asked.situation.confidence = Confidence::try_from(bp).unwrap();
                    words.push(word(loaded, &asked));
                }
                assert!(words.iter().all(|w| *w == words[0] && w != "clear"), "{} on {}: {words:?}", action.name, thing.reference);
            }
        }
    }
}

#[test]
fn confidence_and_routine_without_facts_clear_nothing_that_is_not_low_risk() {
    let loaded = example();
    for action in loaded.estate.catalogue.actions.values().filter(|action| action.risk > Risk::Low) {
        for thing in targets(loaded, action) {
            let mut asked = case(loaded, agent(loaded), action, &thing.reference, false);
            asked.situation.confidence = Confidence::try_from(10_000).unwrap();
            asked.situation.routine = true;
            assert_ne!(word(loaded, &asked), "clear", "{} on {}", action.name, thing.reference);
        }
    }
}

#[test]
fn a_high_risk_action_is_never_routine() {
    let loaded = example();
    for action in loaded.estate.catalogue.actions.values().filter(|action| action.risk == Risk::High) {
        assert!(action.never_routine, "{}", action.name);
        for thing in targets(loaded, action) {
            for who in [agent(loaded), person(loaded)] {
                let plain = case(loaded, who, action, &thing.reference, true);
                let mut routine = plain.clone();
                (routine.situation.routine, routine.situation.undo_drilled) = (true, true);
                assert_eq!(word(loaded, &routine), word(loaded, &plain), "{} on {}", action.name, thing.reference);
            }
        }
    }
}

#[test]
fn a_budget_that_burns_or_is_empty_never_asks_for_less() {
    let loaded = example();
    let rank = |word: &str| loaded.estate.authority.rungs.iter().position(|rung| rung.name.as_str() == word);
    let rank = |word: &str| match word {
        "clear" => 0,
        "denied" => usize::MAX,
        rung => rank(rung).unwrap(),
    };
    for action in loaded.estate.catalogue.actions.values() {
        for thing in targets(loaded, action) {
            let mut asked = case(loaded, agent(loaded), action, &thing.reference, true);
            let mut last = 0;
            for (remaining_bp, burn) in
                [(10_000, Burn::Steady), (8_000, Burn::Slow), (4_000, Burn::Fast), (0, Burn::Fast), (-5_000, Burn::Fast)]
            {
                asked.situation.budget = Some(Budget { remaining_bp, burn });
                let now = rank(&word(loaded, &asked));
                assert!(now >= last, "{} on {} at {remaining_bp}", action.name, thing.reference);
                last = now;
            }
            assert!(action.risk == Risk::Low || last > 0, "{} on {} runs alone with nothing left", action.name, thing.reference);
        }
    }
}
