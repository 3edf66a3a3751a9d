//! Who is told, when, and why not.

use std::collections::BTreeMap;

use super::{advance, opened, signalled};
use crate::incident::{Attention, Command, Event, GATHER, Look, Quiet, Severity, State, Why};
use crate::machine::Machine as _;
use crate::sample::{person, second};
use crate::severity::{Doubt, Impact, Loss};
use crate::signal::SignalState;
use crate::situation::Actor;
use crate::time::Span;

fn quiet(keys: &[&str], why: &Quiet) -> Look {
    Look { quiet: keys.iter().map(|key| (format!("alertmanager/{key}"), why.clone())).collect(), ..Look::default() }
}

fn window() -> Quiet {
    Quiet::Maintenance { title: "the disks are replaced".into(), until: second(600) }
}

fn words(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::word).collect()
}

#[test]
fn people_are_told_once_when_it_has_gathered() {
    let incident = opened().1;
    assert_eq!(incident.due(), Some(incident.opened + GATHER));
    assert_eq!(incident.decide(Command::Look(Look::default()), second(2)).unwrap(), []);
    let told = incident.decide(Command::Look(Look::default()), second(11)).unwrap();
    assert_eq!(words(&told), ["paged"]);
    let paged = told.iter().fold(incident, |incident, event| incident.apply(event).unwrap());
    assert_eq!(paged.decide(Command::Look(Look::default()), second(12)).unwrap(), []);
    let more = advance(paged, signalled("b", SignalState::Firing));
    assert_eq!(more.decide(Command::Look(Look::default()), second(13)).unwrap(), [], "a storm is one page");
}

#[test]
fn a_rule_that_pages_does_not_wait() {
    let look = Look { rule: Some("money".parse().unwrap()), ..quiet(&["a"], &Quiet::Informational) };
    let told = opened().1.decide(Command::Look(look), second(2)).unwrap();
    assert!(matches!(&told[..], [Event::Paged { why: Why::Rule, path: Some(path), .. }] if path.as_str() == "money"), "{told:?}");
}

#[test]
fn what_is_quiet_pages_nobody_until_something_of_it_is_not() {
    let incident = opened().1;
    let hushed = incident.decide(Command::Look(quiet(&["a"], &window())), second(11)).unwrap();
    assert_eq!(words(&hushed), ["quieted"]);
    let hushed = hushed.iter().fold(incident, |incident, event| incident.apply(event).unwrap());
    assert_eq!(hushed.due(), Some(second(600)), "it is looked at when the window ends");
    assert_eq!(hushed.decide(Command::Look(quiet(&["a"], &window())), second(12)).unwrap(), [], "the same reason is no news");
    let loud = advance(hushed.clone(), signalled("b", SignalState::Firing));
    let told = loud.decide(Command::Look(quiet(&["a"], &window())), second(13)).unwrap();
    assert!(matches!(told[..], [Event::Paged { why: Why::NoLongerQuiet, .. }]), "{told:?}");
    let ended = hushed.decide(Command::Look(Look { quiet: BTreeMap::new(), ..Look::default() }), second(601)).unwrap();
    assert_eq!(words(&ended), ["paged"], "the window is over and it still holds");
}

#[test]
fn what_is_over_before_it_has_gathered_pages_nobody() {
    let over = advance(opened().1, signalled("a", SignalState::Resolved));
    assert_eq!((over.state, over.due()), (State::Resolved, None));
    assert_eq!(over.decide(Command::Look(Look::default()), second(11)).unwrap(), []);
    assert!(matches!(over.attention, Attention::Gathering { .. }));
}

#[test]
fn what_is_found_to_be_worse_raises_it_and_a_person_has_the_last_word_about_the_same_finding() {
    let impact = Impact { customers: 9, lasting: Span::from_secs(1), regions: 1, security: Doubt::None, revenue: Loss::None };
    let found = |number| Look { impact: Some((impact, Severity::try_from(number).unwrap())), ..Look::default() };
    let it = advance(opened().1, Command::Look(found(2)));
    assert_eq!((it.severity.number(), it.impact), (2, Some(impact)));
    let it = advance(it, Command::Grade { severity: Severity::MILDEST, by: Actor::Operator(person(1)) });
    let it = advance(it, Command::Look(found(2)));
    assert_eq!(it.severity, Severity::MILDEST, "a person knew of it and said otherwise");
    let it = advance(it, Command::Look(found(1)));
    assert_eq!(it.severity, Severity::WORST, "this is new");
    let it = advance(it, Command::Look(found(4)));
    assert_eq!(it.severity, Severity::WORST, "a machine never lowers it");
}
