//! Which incident a signal belongs to: the one that knows it, else those of its group, of its thing and of things near it.
//! A signal that belongs to several makes them one. Within the window the order in which signals come does not matter.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::id::IncidentId;
use crate::incident::{HEARD_MAX, Incident, State};
use crate::signal::{Signal, SignalState};
use crate::time::{Span, Timestamp};
use crate::topology::EntityRef;

/// How long after its last news an incident still draws in what happens near it.
pub const WINDOW: Span = Span::from_secs(15 * 60);
/// Most incidents that the book holds; the ones that were quiet longest are forgotten first, and found again by their group.
pub const BOOK_MAX: usize = 4_000;

/// Where a signal belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// The incident that it joins; none when it opens one.
    pub join: Option<IncidentId>,
    /// Incidents that turn out to be part of that one.
    pub merge: Vec<IncidentId>,
}

#[derive(Debug, Clone)]
struct Entry {
    opened: Timestamp,
    last: Timestamp,
    keys: BTreeSet<String>,
    groups: BTreeSet<String>,
    things: BTreeSet<EntityRef>,
    services: BTreeSet<String>,
    apart: BTreeSet<IncidentId>,
    /// Whether it may become part of another by itself: nobody has taken it.
    free: bool,
    full: bool,
}

/// What is known of the open incidents, for placing signals; derived from them, never decided on elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Book {
    entries: BTreeMap<IncidentId, Entry>,
    keys: BTreeMap<String, IncidentId>,
    groups: BTreeMap<String, BTreeSet<IncidentId>>,
    things: BTreeMap<EntityRef, BTreeSet<IncidentId>>,
    services: BTreeMap<String, BTreeSet<IncidentId>>,
}

fn group_key(source: &str, group: &str) -> String {
    format!("{source}\n{group}")
}

impl Book {
    /// Writes down how an incident stands now.
    pub fn learn(&mut self, incident: &Incident) {
        self.forget(incident.id);
        if matches!(incident.state, State::Merged | State::Closed) {
            return;
        }
        let mut entry = Entry {
            opened: incident.opened,
            last: incident.last,
            keys: incident.signals.keys().cloned().collect(),
            groups: BTreeSet::new(),
            things: incident.things().into_iter().cloned().collect(),
            services: BTreeSet::new(),
            apart: incident.apart.clone(),
            free: incident.commander.is_none(),
            full: incident.heard >= HEARD_MAX,
        };
        for kept in incident.signals.values() {
            entry.groups.insert(group_key(&kept.signal.source, &kept.signal.group));
            entry.services.extend(service_of(&kept.signal, kept.subject.as_ref()));
        }
        self.keys.extend(entry.keys.iter().map(|key| (key.clone(), incident.id)));
        for group in &entry.groups {
            self.groups.entry(group.clone()).or_default().insert(incident.id);
        }
        for thing in &entry.things {
            self.things.entry(thing.clone()).or_default().insert(incident.id);
        }
        for service in &entry.services {
            self.services.entry(service.clone()).or_default().insert(incident.id);
        }
        self.entries.insert(incident.id, entry);
        if self.entries.len() > BOOK_MAX {
            let oldest = self.entries.iter().min_by_key(|(id, entry)| (entry.last, **id)).map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                self.forget(oldest);
            }
        }
    }

    /// Writes down that a signal has joined an incident, without looking at the rest of it.
    pub fn note(&mut self, id: IncidentId, signal: &Signal, subject: Option<&EntityRef>, now: Timestamp) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.last = entry.last.max(now);
        let (key, group) = (signal.key(), group_key(&signal.source, &signal.group));
        self.keys.insert(key.clone(), id);
        self.groups.entry(group.clone()).or_default().insert(id);
        entry.keys.insert(key);
        entry.groups.insert(group);
        if let Some(thing) = subject {
            self.things.entry(thing.clone()).or_default().insert(id);
            entry.things.insert(thing.clone());
        }
        if let Some(service) = service_of(signal, subject) {
            self.services.entry(service.clone()).or_default().insert(id);
            entry.services.insert(service);
        }
    }

    /// Strikes an incident out.
    pub fn forget(&mut self, id: IncidentId) {
        let Some(entry) = self.entries.remove(&id) else { return };
        self.keys.retain_those(&entry.keys, id);
        strike(&mut self.groups, &entry.groups, id);
        strike(&mut self.things, &entry.things, id);
        strike(&mut self.services, &entry.services, id);
    }

    /// The incidents in it.
    pub fn incidents(&self) -> impl Iterator<Item = IncidentId> {
        self.entries.keys().copied()
    }

    /// The incident that knows this signal.
    pub fn knows(&self, key: &str) -> Option<IncidentId> {
        self.keys.get(key).copied()
    }

    /// Where a signal about this thing belongs, with the things near it.
    pub fn place(&self, signal: &Signal, subject: Option<&EntityRef>, near: &BTreeSet<EntityRef>, now: Timestamp) -> Placement {
        if let Some(known) = self.knows(&signal.key()) {
            return Placement { join: Some(known), merge: Vec::new() };
        }
        let mut found: BTreeSet<IncidentId> =
            self.groups.get(&group_key(&signal.source, &signal.group)).into_iter().flatten().copied().collect();
        if signal.state == SignalState::Firing {
            let things = near.iter().filter_map(|thing| self.things.get(thing)).flatten();
            let services = service_of(signal, subject).and_then(|service| self.services.get(&service)).into_iter().flatten();
            found.extend(things.chain(services).filter(|id| self.recent(**id, now)).copied());
        }
        // The oldest is the one that people know.
        let mut all: Vec<(Timestamp, IncidentId)> = found.into_iter().filter_map(|id| Some((self.entries.get(&id)?.opened, id))).collect();
        all.sort_unstable();
        let Some((_, join)) = all.first().copied() else { return Placement::default() };
        let merge = all.iter().skip(1).map(|(_, id)| *id).filter(|id| self.may_merge(join, *id)).collect();
        Placement { join: Some(join), merge }
    }

    fn recent(&self, id: IncidentId, now: Timestamp) -> bool {
        self.entries.get(&id).is_some_and(|entry| now.since(entry.last) < WINDOW)
    }

    fn may_merge(&self, into: IncidentId, id: IncidentId) -> bool {
        let (Some(into_entry), Some(entry)) = (self.entries.get(&into), self.entries.get(&id)) else { return false };
        entry.free && !into_entry.full && !into_entry.apart.contains(&id) && !entry.apart.contains(&into)
    }
}

/// What a signal is grouped by when it is about nothing in the estate: what its source calls it.
fn service_of(signal: &Signal, subject: Option<&EntityRef>) -> Option<String> {
    let service = signal.service.as_ref().filter(|_| subject.is_none())?;
    Some(service.trim().to_lowercase()).filter(|service| !service.is_empty())
}

fn strike<K: Ord>(index: &mut BTreeMap<K, BTreeSet<IncidentId>>, keys: &BTreeSet<K>, id: IncidentId) {
    for key in keys {
        if let Some(ids) = index.get_mut(key) {
            ids.remove(&id);
            if ids.is_empty() {
                index.remove(key);
            }
        }
    }
}

trait RetainThose {
    fn retain_those(&mut self, keys: &BTreeSet<String>, id: IncidentId);
}

impl RetainThose for BTreeMap<String, IncidentId> {
    /// Strikes out the keys that lead to this incident, and leaves those that lead to another by now.
    fn retain_those(&mut self, keys: &BTreeSet<String>, id: IncidentId) {
        for key in keys {
            if self.get(key) == Some(&id) {
                self.remove(key);
            }
        }
    }
}
