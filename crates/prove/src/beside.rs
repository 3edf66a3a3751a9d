//! What changes authority, or what is watched, without a word of policy: risk classes, rungs, people, facts, promises, freezes,
//! invariants. Each is one sentence.

mod people;
#[cfg(test)]
mod tests;
mod things;
mod watch;

use std::collections::BTreeMap;
use std::fmt::Display;

use cedar_policy::PolicySet;
use lineclear_core::catalogue::{Action, Closing, Risk};
use lineclear_core::estate::Estate;
use lineclear_policy::{Policies, Source};
use serde::Serialize;

/// One change beside the policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shift {
    /// What changed, for people.
    pub says: String,
    /// Whether it may open something.
    pub widens: bool,
}

/// All of them, in a fixed order; needs no solver.
pub fn beside(old: &Policies, new: &Policies) -> Vec<Shift> {
    // Every member is named, so that a new one cannot be left out in silence. Title and digest are no authority.
    let Estate {
        title: _,
        digest: _,
        origin,
        catalogue,
        topology,
        authority,
        directory,
        facts,
        runbooks,
        freezes,
        sources,
        posture,
        slos,
        severity,
        escalation,
        rotations,
        signals,
        mappings,
        notices,
        maintenance,
    } = &**new.estate();
    let old = old.estate();
    let mut shifts = Vec::new();
    if old.origin != *origin {
        shifts.push(wider(format!("the ledger's origin is now `{origin}`; statements and warrants are addressed to it")));
    }
    actions(&old.catalogue.actions, &catalogue.actions, &mut shifts);
    people::ladder(&old.authority, authority, &mut shifts);
    people::directory(&old.directory, directory, &mut shifts);
    things::things(&old.topology, topology, &mut shifts);
    things::runbooks(&old.runbooks, runbooks, &mut shifts);
    watch::facts(&old.facts, facts, &mut shifts);
    watch::sources(&old.sources, sources, &mut shifts);
    watch::objectives(&old.slos, slos, &mut shifts);
    watch::severity(old.severity.as_ref(), severity.as_ref(), &mut shifts);
    watch::paths(&old.escalation, escalation, &mut shifts);
    watch::rotations(&old.rotations, rotations, &mut shifts);
    watch::freezes(&old.freezes, freezes, &mut shifts);
    if old.posture != *posture {
        let says = format!("a new installation begins with the posture `{posture}` instead of `{}`", old.posture);
        shifts.push(Shift { says, widens: *posture > old.posture });
    }
    watch::signals(&old.signals, signals, &mut shifts);
    watch::mappings(&old.mappings, mappings, &mut shifts);
    watch::notices(&old.notices, notices, &mut shifts);
    watch::maintenance(&old.maintenance, maintenance, &mut shifts);
    shifts
}

/// What changed between two sets of invariants; one that is gone or another one leaves something unproved.
pub(crate) fn invariants(old: &[Source], new: &[Source]) -> Vec<Shift> {
    let (was, is) = (by_id(old), by_id(new));
    let mut shifts = Vec::new();
    keyed(
        &was,
        &is,
        &mut shifts,
        |name| says(false, format!("invariant `{name}` is new")),
        |name, _, _, shifts| {
            shifts.push(wider(format!("invariant `{name}` is another one")));
        },
    );
    shifts.extend(gone(&was, &is, |name| wider(format!("invariant `{name}` is gone, so nothing proves it any more"))));
    shifts
}

/// Invariants as Cedar prints them, by `@id`: what neither layout nor comments change. A text that does not parse stands for itself.
fn by_id(sources: &[Source]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for source in sources {
        let Ok(set) = source.text.parse::<PolicySet>() else {
            all.insert(source.path.clone(), source.text.clone());
            continue;
        };
        for policy in set.policies() {
            let id = policy.annotation("id").unwrap_or(&source.path).to_owned();
            let text = policy.to_json().map_or_else(|_| policy.to_string(), |json| json.to_string());
            all.insert(id, text);
        }
    }
    all
}

const fn wider(says: String) -> Shift {
    Shift { says, widens: true }
}

const fn narrower(says: String) -> Shift {
    Shift { says, widens: false }
}

const fn says(widens: bool, says: String) -> Shift {
    Shift { says, widens }
}

/// What is new and what changed, by name.
fn keyed<K: Ord, V: PartialEq>(
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
    shifts: &mut Vec<Shift>,
    fresh: impl Fn(&K) -> Shift,
    mut changed: impl FnMut(&K, &V, &V, &mut Vec<Shift>),
) {
    for (name, is) in new {
        match old.get(name) {
            None => shifts.push(fresh(name)),
            Some(was) if was != is => changed(name, was, is, shifts),
            Some(_) => {}
        }
    }
}

/// What is no longer there, by name.
fn gone<K: Ord, V>(old: &BTreeMap<K, V>, new: &BTreeMap<K, V>, told: impl Fn(&K) -> Shift) -> Vec<Shift> {
    old.keys().filter(|name| !new.contains_key(*name)).map(told).collect()
}

/// A sentence when two values differ: `the window of …` `5 min` `10 min`.
fn moved<T: PartialEq + Display>(what: &str, was: &T, is: &T, widens: bool, shifts: &mut Vec<Shift>) {
    if was != is {
        shifts.push(Shift { says: format!("{what} is {is} instead of {was}"), widens });
    }
}

fn actions<K: Ord + Display>(old: &BTreeMap<K, Action>, new: &BTreeMap<K, Action>, shifts: &mut Vec<Shift>) {
    keyed(
        old,
        new,
        shifts,
        |name| wider(format!("action `{name}` is new")),
        |_, was, is, shifts| {
            let before = shifts.len();
            of_action(was, is, shifts);
            if shifts.len() == before {
                shifts.push(narrower(format!("action `{}` has another title, or other facts that nothing requires", is.name)));
            }
        },
    );
    shifts.extend(gone(old, new, |name| narrower(format!("action `{name}` is gone"))));
}

fn of_action(old: &Action, new: &Action, shifts: &mut Vec<Shift>) {
    let name = &new.name;
    if old.risk != new.risk {
        let says = format!("action `{name}` moves from {} to {} risk", word(old.risk), word(new.risk));
        shifts.push(Shift { says, widens: new.risk < old.risk });
    }
    if old.never_routine != new.never_routine {
        let may = if new.never_routine { "may no longer" } else { "may" };
        shifts.push(says(!new.never_routine, format!("action `{name}` {may} become routine")));
    }
    if old.closes != new.closes {
        shifts.push(if new.closes == Closing::Machine {
            wider(format!("a machine may close changes of `{name}`"))
        } else {
            narrower(format!("a person closes changes of `{name}`"))
        });
    }
    let required = |of: &Action, fact: &_| of.facts.iter().any(|need| need.required && need.fact == *fact);
    for need in old.facts.iter().filter(|need| need.required && !required(new, &need.fact)) {
        shifts.push(wider(format!("action `{name}` no longer requires the fact `{}`", need.fact)));
    }
    for need in new.facts.iter().filter(|need| need.required && !required(old, &need.fact)) {
        shifts.push(narrower(format!("action `{name}` now requires the fact `{}`", need.fact)));
    }
    if old.resource != new.resource {
        shifts.push(wider(format!("action `{name}` acts on a {} instead of a {}", new.resource.as_str(), old.resource.as_str())));
    }
    if old.reversibility != new.reversibility {
        shifts.push(wider(format!("action `{name}` is said to be taken back otherwise than before")));
    }
    if old.runbook != new.runbook {
        let told = |action: &Action| action.runbook.as_ref().map_or_else(|| "nothing".to_owned(), |name| format!("`{name}`"));
        shifts.push(says(new.runbook.is_some(), format!("action `{name}` is carried out by {} instead of {}", told(new), told(old))));
    }
    if old.inputs != new.inputs {
        shifts.push(wider(format!("action `{name}` asks for other inputs")));
    }
}

const fn word(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    }
}
