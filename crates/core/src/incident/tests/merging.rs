//! Two that are one, and one that is two.

use std::collections::BTreeSet;

use super::{advance, opened, signalled};
use crate::id::{IncidentId, SignalId};
use crate::incident::{Attention, Command, Event, Incident, Look, Refusal, SIGNALS_MAX, SPLIT_MAX, Severity, State};
use crate::machine::{Machine as _, fold};
use crate::sample::{id, person, second, signal};
use crate::signal::SignalState;
use crate::situation::Actor;

fn another(number: u128, fingerprints: &[String]) -> Incident {
    let opened = |fingerprint: &String| Event::Opened {
        id: IncidentId::new(id(number)),
        signal_id: SignalId::new(id(number * 1_000)),
        signal: signal(fingerprint, SignalState::Firing),
        subject: None,
        severity: Severity::try_from(3).unwrap(),
        split_from: None,
        at: second(3),
    };
    let first = fold::<Incident>(&[opened(&fingerprints[0])]).unwrap().unwrap();
    fingerprints[1..].iter().enumerate().fold(first, |it, (at, fingerprint)| {
        let id = SignalId::new(id(number * 1_000 + 1 + u128::try_from(at).unwrap()));
        advance(it, Command::Signal { id, signal: Box::new(signal(fingerprint, SignalState::Firing)), subject: None })
    })
}

fn names(count: usize, prefix: &str) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number}")).collect()
}

fn absorbed(into: Incident, other: &Incident) -> Incident {
    let events = into.absorb(other, Actor::Engine, second(9)).unwrap();
    assert!(events.len() <= 64, "it is one commit");
    events.iter().fold(into, |into, event| into.apply(event).unwrap())
}

#[test]
fn no_signal_is_lost_when_two_become_one() {
    let (one, other) = (another(1, &names(300, "a")), another(2, &names(300, "b")));
    let whole = absorbed(one, &other);
    let kept = u64::try_from(whole.signals.len()).unwrap();
    assert_eq!((whole.signals.len(), kept + whole.overflow), (SIGNALS_MAX, 600));
    let merged = advance(other, Command::Merge { into: whole.id, by: Actor::Engine, reason: "they are near".into() });
    assert_eq!((merged.state, merged.open(), merged.merged), (State::Merged, false, Some(whole.id)));
    let late = merged.decide(signalled("z", SignalState::Firing), second(20));
    assert_eq!(late, Err(Refusal::Merged(merged.id, whole.id)));
}

#[test]
fn whoever_was_told_of_a_part_was_told_of_the_whole() {
    let told = advance(another(2, &names(1, "b")), Command::Look(Look::default()));
    let told = told.decide(Command::Look(Look::default()), second(100)).unwrap().iter().fold(told, |it, event| it.apply(event).unwrap());
    assert!(matches!(told.attention, Attention::Paged { .. }));
    let whole = absorbed(opened().1, &told);
    assert_eq!(whole.decide(Command::Look(Look::default()), second(101)).unwrap(), []);
    assert_eq!(whole.severity.number(), 3, "the worse of the two");
}

#[test]
fn what_comes_over_firing_opens_what_was_resolved() {
    let over = advance(opened().1, signalled("a", SignalState::Resolved));
    assert_eq!(absorbed(over, &another(2, &names(1, "b"))).state, State::Open);
}

#[test]
fn a_person_may_split_some_off_but_not_everything_and_not_what_is_elsewhere() {
    let it = another(1, &names(SPLIT_MAX + 10, "a"));
    let all: BTreeSet<SignalId> = it.signals.values().map(|kept| kept.id).collect();
    let some: BTreeSet<SignalId> = all.iter().copied().take(SPLIT_MAX).collect();
    let into = IncidentId::new(id(9));
    let split = |signals: BTreeSet<SignalId>, reason: &str| {
        it.decide(Command::Split { into, signals, by: person(1), reason: reason.into() }, second(9))
    };
    let bad = Err(Refusal::Unsplittable(it.id));
    assert_eq!(split(all.clone(), "x"), bad);
    assert_eq!(split(BTreeSet::new(), "x"), bad);
    assert_eq!(split(all.iter().copied().take(SPLIT_MAX + 1).collect(), "x"), bad);
    assert_eq!(split([SignalId::new(id(77))].into(), "x"), bad);
    assert_eq!(split(some.clone(), " "), Err(Refusal::Unreasoned(it.id)));
    let events = split(some, "another disk").unwrap();
    let rest = events.iter().fold(it.clone(), |it, event| it.apply(event).unwrap());
    assert_eq!((rest.signals.len(), rest.apart.contains(&into)), (10, true));
}

#[test]
fn nothing_is_part_of_itself() {
    let it = opened().1;
    assert_eq!(it.absorb(&it, Actor::Engine, second(9)), Err(Refusal::Itself(it.id)));
    let merge = Command::Merge { into: it.id, by: Actor::Engine, reason: "x".into() };
    assert_eq!(it.decide(merge, second(9)), Err(Refusal::Itself(it.id)));
}
