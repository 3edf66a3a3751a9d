//! The table of emergencies, and their laws under any sequence of commands.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{ACTS_MAX, Command, Declaration, Emergency, Event, Refusal, Rules, Scope, Standing, State};
use crate::id::{ChangeId, EmergencyId, RunId};
use crate::machine::{Machine as _, fold};
use crate::sample::{MARK, after, emergency_events, emergency_states, id, person, second, table, words};
use crate::time::Span;

#[test]
fn the_table_of_states_and_events() {
    insta::assert_snapshot!(table(&emergency_states(), &emergency_events()));
}

#[test]
fn no_event_and_no_state_is_missing_from_the_table() {
    let events: BTreeSet<String> = emergency_events().iter().map(|(_, event)| event.word().into()).collect();
    assert_eq!(events, words(include_str!("event.rs"), "impl Event {"));
    let states: BTreeSet<String> = emergency_states().iter().map(|(_, state)| state.word().into()).collect();
    assert_eq!(states, words(include_str!("../emergency.rs"), "impl Machine for Emergency"));
}

fn rules(longest: u64, open_reviews: u8, roles: &[&str]) -> Rules {
    Rules { longest: Span::from_secs(longest), open_reviews, roles: roles.iter().map(|role| role.parse().unwrap()).collect() }
}

fn declared(justification: &str, lasts: u64, scope: Scope) -> Declaration {
    Declaration { justification: justification.into(), scope, lasts: Span::from_secs(lasts), incident: None }
}

#[test]
fn nobody_declares_without_a_reason_a_role_an_end_or_room_for_another_review() {
    let lead: BTreeSet<_> = BTreeSet::from(["lead".parse().unwrap()]);
    let rules = rules(3_600, 2, &["lead", "commander"]);
    let declare = |rules: Option<&Rules>, roles: &BTreeSet<_>, open_reviews, what: Declaration| {
        let standing = Standing { rules, roles, open_reviews };
        Emergency::declare(EmergencyId::new(id(80)), person(1), what, standing, second(1))
    };
    let good = || declared("checkout answers nobody", 600, Scope::Estate);
    assert!(declare(Some(&rules), &lead, 1, good()).is_ok());
    assert_eq!(declare(None, &lead, 0, good()), Err(Refusal::NotHere));
    assert!(matches!(declare(Some(&rules), &BTreeSet::new(), 0, good()), Err(Refusal::NotYours(roles)) if roles == "`commander`, `lead`"));
    assert_eq!(declare(Some(&rules), &lead, 2, good()), Err(Refusal::Unreviewed { open: 2, bound: 2 }));
    for words in ["", "          ", "fire", &"x".repeat(2_001)] {
        assert!(matches!(declare(Some(&rules), &lead, 0, declared(words, 600, Scope::Estate)), Err(Refusal::Words(_))), "{words}");
    }
    for lasts in [0, 59, 3_601] {
        let refused = declare(Some(&rules), &lead, 0, declared(MARK, lasts, Scope::Estate));
        assert_eq!(refused, Err(Refusal::Lasts(rules.longest)), "{lasts}");
    }
    let none = Scope::Services { services: BTreeSet::new() };
    assert_eq!(declare(Some(&rules), &lead, 0, declared(MARK, 600, none)), Err(Refusal::Services));
    assert!(declare(Some(&Rules { roles: BTreeSet::new(), ..rules }), &BTreeSet::new(), 0, good()).is_ok(), "no role is asked");
}

#[test]
fn an_emergency_of_services_covers_what_reaches_some_of_them_and_no_other() {
    let things = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<BTreeSet<_>>();
    let shop = Scope::Services { services: things(&["service/shop", "service/search"]) };
    assert!(shop.covers(&things(&["host/web-1", "service/shop"])));
    assert!(shop.covers(&things(&["service/search", "service/shop"])));
    assert!(!shop.covers(&things(&["database/main", "service/checkout", "service/shop"])), "checkout was not said to be in trouble");
    assert!(!shop.covers(&things(&["zone/example.test"])), "what reaches no service is none of theirs");
    assert!(Scope::Estate.covers(&things(&["zone/example.test"])));
}

#[test]
fn whoever_began_it_does_not_close_its_review_and_nobody_does_while_it_is_in_force() {
    let declared: Emergency = after(&[emergency_events().remove(0).1]);
    let review = |by| Command::Review { by: person(by), findings: "two people drained web-1, and it helped".into() };
    assert!(matches!(declared.decide(review(2), second(2)), Err(Refusal::WrongState { .. })));
    let over = declared.clone().apply(&Event::Expired { at: second(601) }).unwrap();
    assert!(matches!(over.decide(review(1), second(602)), Err(Refusal::OwnReview(_))));
    assert!(matches!(over.decide(Command::Review { by: person(2), findings: "fine".into() }, second(602)), Err(Refusal::Words(_))));
    assert_eq!(over.decide(review(2), second(602)).map(|events| events.len()), Ok(1));
    let glass: Emergency = after(&[emergency_events().remove(1).1]);
    assert!(matches!(glass.decide(review(1), second(602)), Err(Refusal::OwnReview(_))));
    assert_eq!(glass.decide(review(2), second(602)).map(|events| events.len()), Ok(1));
}

#[test]
fn acts_beyond_those_that_are_listed_are_no_events_of_the_emergency() {
    let act = |number: u128| Event::Acted { change: ChangeId::new(id(number)), run: RunId::new(id(number)), at: second(2) };
    let mut events = vec![emergency_events().remove(0).1];
    events.extend((1..=ACTS_MAX as u128).map(act));
    let full: Emergency = after(&events);
    let command = Command::Act { change: ChangeId::new(id(1)), run: RunId::new(id(1)) };
    assert_eq!(full.decide(command.clone(), second(3)), Ok(Vec::new()));
    assert!(matches!(full.decide(command, second(600)), Err(Refusal::WrongState { .. })), "its time is over, written down or not");
}

fn command(kind: u8, number: u8) -> Command {
    let by = person(u128::from(number % 3) + 1);
    let words = || if number.is_multiple_of(4) { String::new() } else { "because of what was seen".into() };
    match kind {
        0..=2 => Command::Act { change: ChangeId::new(id(u128::from(number))), run: RunId::new(id(u128::from(number))) },
        3 => Command::End { by, reason: words() },
        4 | 5 => Command::Tick,
        _ => Command::Review { by, findings: words() },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn nothing_is_done_under_it_once_it_is_over_and_its_review_is_closed_once_by_somebody_else(
        commands in prop::collection::vec((0_u8..9, 0_u8..12, 0_i64..120), 0..60),
        glass in any::<bool>(),
    ) {
        let first = emergency_events().remove(usize::from(glass)).1;
        let mut it: Emergency = after(std::slice::from_ref(&first));
        let mut history = vec![first];
        let (mut now, mut reviews, mut ended) = (1, 0, glass);
        for (kind, number, pause) in commands {
            now += pause;
            let Ok(events) = it.decide(command(kind, number), second(now)) else { continue };
            for event in &events {
                match event {
                    Event::Acted { .. } => prop_assert!(!ended && second(now) < it.until, "an act after its end"),
                    Event::Ended { .. } => { prop_assert!(!ended); ended = true; }
                    Event::Expired { .. } => { prop_assert!(!ended && it.until <= second(now), "too early"); ended = true; }
                    Event::Reviewed { by, .. } => {
                        prop_assert!(ended && *by != it.by);
                        reviews += 1;
                    }
                    Event::Declared { .. } | Event::GlassBroken { .. } | Event::Told { .. } => prop_assert!(false, "nobody asked for that"),
                }
                it = it.apply(event).unwrap();
            }
            prop_assert_eq!(it.due().is_some(), it.state == State::InForce);
            prop_assert_eq!(it.effects(second(now)).is_empty(), it.due().is_none_or(|due| second(now) < due));
            prop_assert_eq!(it.open(), reviews == 0, "open until it is reviewed");
            history.extend(events);
        }
        prop_assert!(reviews <= 1);
        prop_assert_eq!(fold::<Emergency>(&history).unwrap(), Some(it));
    }
}
