//! Laws of grouping: within the window the order does not matter, nothing is lost, a cascade is one.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Book, WINDOW};
use crate::id::{IncidentId, SignalId};
use crate::incident::{Command, Event, Incident, near, subject};
use crate::machine::{Machine as _, fold};
use crate::name::EntityName;
use crate::sample::{id, person, second, signal};
use crate::signal::{Signal, SignalState};
use crate::situation::Actor;
use crate::time::Timestamp;
use crate::topology::{Entity, EntityKind, EntityRef, Environment, Topology};

fn thing(name: &str) -> EntityRef {
    let kind = if name.starts_with("db") {
        EntityKind::Database
    } else if name.starts_with("web") {
        EntityKind::Host
    } else {
        EntityKind::Service
    };
    EntityRef { kind, name: name.parse::<EntityName>().unwrap() }
}

/// Two worlds that share nothing: a database under three services and a front, and a mail service with two hosts.
fn topology() -> Topology {
    let of = |name: &str, part_of: &[&str], depends_on: &[&str]| Entity {
        reference: thing(name),
        title: name.into(),
        owner: "team".parse().unwrap(),
        environment: Environment::Production,
        regions: BTreeSet::new(),
        customers: 10,
        customer_data: false,
        money_path: false,
        part_of: part_of.iter().map(|name| thing(name)).collect(),
        depends_on: depends_on.iter().map(|name| thing(name)).collect(),
        runs_on: crate::label::Labels::default(),
    };
    let list = [
        of("db", &[], &[]),
        of("cart", &[], &["db"]),
        of("search", &[], &["db"]),
        of("pay", &[], &["db"]),
        of("front", &[], &["cart", "search"]),
        of("mail", &[], &[]),
        of("web-1", &["mail"], &[]),
        of("web-2", &["mail"], &[]),
        of("lonely", &[], &[]),
    ];
    Topology::new(list).unwrap()
}

fn about(name: &str, fingerprint: &str) -> Signal {
    let label = if name.starts_with("web") {
        "host"
    } else if name.starts_with("db") {
        "db"
    } else {
        "service"
    };
    let mut signal = signal(fingerprint, SignalState::Firing);
    signal.group = fingerprint.into();
    signal.service = None;
    signal.labels = BTreeMap::from([(label.into(), name.into())]);
    signal
}

/// An engine in small: the book and the incidents.
#[derive(Default)]
struct Small {
    book: Book,
    incidents: BTreeMap<IncidentId, Incident>,
    drawn: u128,
}

impl Small {
    fn draw(&mut self) -> u128 {
        self.drawn += 1;
        self.drawn
    }

    fn hear(&mut self, signal: &Signal, topology: &Topology, now: Timestamp) {
        let about = subject(signal, topology);
        let near = about.as_ref().map(|thing| near(thing, topology)).unwrap_or_default();
        let placed = self.book.place(signal, about.as_ref(), &near, now);
        let signal_id = SignalId::new(id(self.draw()));
        let Some(into) = placed.join else {
            let id = IncidentId::new(id(self.draw()));
            let severity = signal.graded();
            let opened = Event::Opened { id, signal_id, signal: signal.clone(), subject: about, severity, split_from: None, at: now };
            return self.keep(fold(&[opened]).unwrap().unwrap());
        };
        let mut it = self.incidents[&into].clone();
        for event in it.decide(Command::Signal { id: signal_id, signal: Box::new(signal.clone()), subject: about }, now).unwrap() {
            it = it.apply(&event).unwrap();
        }
        for from in placed.merge {
            let other = self.incidents[&from].clone();
            for event in it.absorb(&other, Actor::Engine, now).unwrap() {
                it = it.apply(&event).unwrap();
            }
            let merge = Command::Merge { into, by: Actor::Engine, reason: "near".into() };
            let merged = other.decide(merge, now).unwrap().iter().fold(other, |other, event| other.apply(event).unwrap());
            self.keep(merged);
        }
        self.keep(it);
    }

    fn keep(&mut self, it: Incident) {
        self.book.learn(&it);
        self.incidents.insert(it.id, it);
    }

    /// The signals of each open incident.
    fn partition(&self) -> BTreeSet<BTreeSet<String>> {
        self.incidents.values().filter(|it| it.open()).map(|it| it.signals.keys().cloned().collect()).collect()
    }
}

const NAMES: [&str; 9] = ["db", "cart", "search", "pay", "front", "mail", "web-1", "web-2", "lonely"];

fn heard(signals: &[Signal]) -> Small {
    let (topology, mut small) = (topology(), Small::default());
    for (at, signal) in signals.iter().enumerate() {
        small.hear(signal, &topology, second(i64::try_from(at).unwrap()));
    }
    small
}

fn check(names: &[&str], expected: usize) {
    let signals: Vec<Signal> = names.iter().map(|name| about(name, name)).collect();
    assert_eq!(heard(&signals).partition().len(), expected, "{names:?}");
}

#[test]
fn a_cascade_is_one_incident_and_what_shares_nothing_is_another() {
    check(&["db", "cart", "search", "pay", "front"], 1);
    check(&["front", "pay", "search", "cart", "db"], 1);
    check(&["cart", "pay"], 2);
    check(&["cart", "pay", "db"], 1);
    check(&["web-1", "web-2"], 1);
    check(&["web-1", "db"], 2);
    check(&["lonely", "mail", "front"], 3);
}

#[test]
fn near_holds_both_ways() {
    let topology = topology();
    for a in NAMES {
        for b in NAMES {
            assert_eq!(near(&thing(a), &topology).contains(&thing(b)), near(&thing(b), &topology).contains(&thing(a)), "{a} {b}");
        }
    }
}

#[test]
fn what_comes_much_later_is_something_else_unless_it_is_of_the_same_group() {
    let (topology, mut small) = (topology(), Small::default());
    small.hear(&about("db", "a"), &topology, second(0));
    small.hear(&about("cart", "b"), &topology, second(0) + WINDOW);
    assert_eq!(small.partition().len(), 2);
    let again = Signal { fingerprint: "c".into(), ..about("db", "a") };
    small.hear(&again, &topology, second(0) + WINDOW + WINDOW + WINDOW);
    assert_eq!(small.partition().len(), 2, "the group is the sender's own word");
}

#[test]
fn what_somebody_has_taken_does_not_vanish_into_another() {
    let (topology, mut small) = (topology(), Small::default());
    small.hear(&about("cart", "a"), &topology, second(0));
    small.hear(&about("pay", "b"), &topology, second(1));
    let taken = small.incidents.values().last().unwrap().clone();
    let taken = taken.decide(Command::Acknowledge(person(1)), second(2)).unwrap().iter().fold(taken, |it, event| it.apply(event).unwrap());
    small.keep(taken);
    small.hear(&about("db", "c"), &topology, second(3));
    assert_eq!(small.partition().len(), 2);
}

#[test]
fn what_a_person_has_split_stays_apart() {
    let (topology, mut small) = (topology(), heard(&[about("db", "a"), about("cart", "b")]));
    let it = small.incidents.values().next().unwrap().clone();
    let (into, by) = (IncidentId::new(id(900)), person(1));
    let part = it.signals["alertmanager/b"].clone();
    let split = Command::Split { into, signals: [part.id].into(), by, reason: "another cause".into() };
    let rest = it.decide(split, second(9)).unwrap().iter().fold(it.clone(), |it, event| it.apply(event).unwrap());
    small.keep(rest);
    let opened = Event::Opened {
        id: into,
        signal_id: part.id,
        signal: part.signal,
        subject: part.subject,
        severity: it.severity,
        split_from: Some(it.id),
        at: second(9),
    };
    small.keep(fold(&[opened]).unwrap().unwrap());
    small.hear(&about("front", "c"), &topology, second(10));
    small.hear(&about("db", "d"), &topology, second(11));
    small.hear(&about("cart", "b"), &topology, second(12));
    assert_eq!(small.partition().len(), 2);
    assert!(small.incidents[&into].signals.contains_key("alertmanager/b"));
}

proptest! {
    #[test]
    fn within_the_window_the_order_does_not_matter_and_no_signal_is_lost(
        chosen in prop::collection::vec(0_usize..9, 1..14).prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
    ) {
        let signals = |list: &[usize]| -> Vec<Signal> {
            // The same thing twice is the same signal: a repetition.
            list.iter().map(|at| about(NAMES[*at], NAMES[*at])).collect()
        };
        let (one, other) = (heard(&signals(&chosen.0)), heard(&signals(&chosen.1)));
        prop_assert_eq!(one.partition(), other.partition());
        let all: BTreeSet<String> = one.partition().into_iter().flatten().collect();
        let sent: BTreeSet<String> = chosen.0.iter().map(|at| format!("alertmanager/{}", NAMES[*at])).collect();
        prop_assert_eq!(all, sent);
        let places: usize = one.partition().iter().map(BTreeSet::len).sum();
        prop_assert_eq!(places, one.partition().into_iter().flatten().collect::<BTreeSet<_>>().len(), "each stands in one place");
    }
}
