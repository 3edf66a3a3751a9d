//! How events change an incident: the only way.

use std::collections::{BTreeMap, BTreeSet};

use crate::incident::{Attention, Event, FLAP_WITHIN, FLAPS, GATHER, Incident, Kept, Role, State, Why};
use crate::machine::{IllegalTransition, Machine};
use crate::signal::{Signal, SignalState};
use crate::situation::Actor;
use crate::time::Timestamp;
use crate::topology::EntityRef;

impl Machine for Incident {
    type Event = Event;

    fn begin(event: &Event) -> Result<Self, IllegalTransition> {
        let Event::Opened { id, signal_id, signal, subject, severity, split_from, at } = event else {
            return Err(IllegalTransition { machine: "incident", from: "nothing", event: event.word() });
        };
        let kept = Kept { id: *signal_id, signal: signal.clone(), subject: subject.clone(), at: *at, turns: Vec::new(), flapping: false };
        Ok(Self {
            id: *id,
            title: signal.title.clone(),
            group: signal.group.clone(),
            severity: *severity,
            impact: None,
            found: *severity,
            signals: BTreeMap::from([(signal.key(), kept)]),
            heard: 1,
            overflow: 0,
            attention: Attention::Gathering { until: *at + GATHER },
            apart: split_from.iter().copied().collect(),
            absorbed: BTreeSet::new(),
            merged: None,
            path: None,
            ruled: false,
            commander: None,
            gap: None,
            roles: BTreeMap::new(),
            state: State::Open,
            opened: *at,
            last: *at,
        })
    }

    fn apply(mut self, event: &Event) -> Result<Self, IllegalTransition> {
        let illegal = IllegalTransition { machine: "incident", from: self.word(), event: event.word() };
        match (self.state, event) {
            (State::Merged | State::Closed, _) | (_, Event::Opened { .. }) => return Err(illegal),
            (_, Event::Signalled { signal_id, signal, subject, at }) => {
                self.keep(*signal_id, signal, subject.as_ref(), *at);
                if signal.state == SignalState::Firing {
                    self.again();
                }
            }
            (_, Event::Flapping { signal_id, at }) => {
                if let Some(kept) = self.signals.values_mut().find(|kept| kept.id == *signal_id) {
                    kept.flapping = true;
                    kept.turn(*at);
                    // What comes back again and again is not over.
                    kept.signal.state = SignalState::Firing;
                }
                self.again();
                self.heard = self.heard.saturating_add(1);
            }
            (_, Event::Overflowed { total, at }) => {
                self.overflow = *total;
                self.last = *at;
                self.again();
            }
            (State::Open | State::Acknowledged, Event::Quieted { why, .. }) => self.attention = Attention::Quiet { why: why.clone() },
            (State::Open | State::Acknowledged, Event::Paged { why, path, at, .. }) => {
                self.attention = Attention::Paged { at: *at };
                self.path.clone_from(path);
                self.ruled |= *why == Why::Rule;
            }
            (_, Event::Graded { severity, by, impact, .. }) => {
                self.severity = *severity;
                self.impact = impact.or(self.impact);
                if *by == Actor::Engine {
                    self.found = self.found.min(*severity);
                }
            }
            (_, Event::Acknowledged { by, at }) => self.give(Role::Commander, Some(*by), *at),
            (_, Event::RoleTaken { role, by, at, .. }) => self.give(*role, Some(*by), *at),
            (_, Event::RoleHandedOver { role, to, at, .. }) => self.give(*role, Some(*to), *at),
            (_, Event::RoleLeft { role, at, .. }) => self.give(*role, None, *at),
            (State::Open | State::Acknowledged, Event::Resolved { .. }) => self.state = State::Resolved,
            (_, Event::Merged { into, .. }) => {
                self.state = State::Merged;
                self.merged = Some(*into);
            }
            (_, Event::Absorbed { .. }) => self.absorbs(event),
            (_, Event::Split { into, signals, .. }) => {
                self.signals.retain(|_, kept| !signals.contains(&kept.id));
                self.apart.insert(*into);
            }
            (_, Event::Closed { .. }) => self.state = State::Closed,
            (_, _) => return Err(illegal),
        }
        Ok(self)
    }

    fn word(&self) -> &'static str {
        match self.state {
            State::Open => "open",
            State::Acknowledged => "acknowledged",
            State::Resolved => "resolved",
            State::Merged => "merged",
            State::Closed => "closed",
        }
    }

    fn open(&self) -> bool {
        !matches!(self.state, State::Merged | State::Closed)
    }

    fn due(&self) -> Option<Timestamp> {
        let attention = match (self.state, &self.attention) {
            (State::Resolved | State::Merged | State::Closed, _) => None,
            (State::Open | State::Acknowledged, Attention::Gathering { until }) => Some(*until),
            (State::Open | State::Acknowledged, Attention::Quiet { why }) => why.until(),
            // What lasts gets worse: it is looked at again and again while it holds.
            (State::Open | State::Acknowledged, Attention::Paged { at }) => Some(*at),
        };
        let steady = self.signals.values().filter(|kept| kept.flapping && self.open()).filter_map(|kept| kept.turns.last()).min();
        attention.into_iter().chain(steady.map(|at| *at + FLAP_WITHIN)).min()
    }
}

impl Incident {
    fn keep(&mut self, id: crate::id::SignalId, signal: &Signal, subject: Option<&EntityRef>, at: Timestamp) {
        self.heard = self.heard.saturating_add(1);
        self.last = at;
        let key = signal.key();
        if let Some(kept) = self.signals.get_mut(&key) {
            if kept.signal.state != signal.state {
                kept.flapping = false;
                kept.turn(at);
            }
            kept.signal = signal.clone();
            kept.subject = subject.cloned();
            kept.at = at;
            return;
        }
        if self.signals.len() >= super::SIGNALS_MAX {
            // A place is made by what is over longest.
            let oldest = self.signals.iter().filter(|(_, kept)| kept.over()).min_by_key(|(_, kept)| kept.at).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.signals.remove(&oldest);
            }
        }
        let kept = Kept { id, signal: signal.clone(), subject: subject.cloned(), at, turns: Vec::new(), flapping: false };
        self.signals.insert(key, kept);
    }

    /// What fires again is not resolved, whoever had taken it.
    fn again(&mut self) {
        if self.state == State::Resolved {
            self.state = if self.commander.is_some() { State::Acknowledged } else { State::Open };
        }
    }

    fn absorbs(&mut self, event: &Event) {
        let Event::Absorbed { from, signals, overflow, paged, severity, at, .. } = event else { return };
        self.absorbed.insert(*from);
        self.heard = self.heard.saturating_add(u64::try_from(signals.len()).unwrap_or(u64::MAX)).saturating_add(1);
        self.apart.remove(from);
        self.overflow = self.overflow.saturating_add(*overflow);
        self.severity = self.severity.min(*severity);
        self.found = self.found.min(*severity);
        for kept in signals {
            if !kept.over() {
                self.again();
            }
            self.last = self.last.max(kept.at);
            self.signals.entry(kept.signal.key()).or_insert_with(|| kept.clone());
        }
        if *paged && !matches!(self.attention, Attention::Paged { .. }) {
            // The people who were told of the part were told of the whole.
            self.attention = Attention::Paged { at: *at };
        }
    }
}

impl Kept {
    fn turn(&mut self, at: Timestamp) {
        self.turns.push(at);
        if self.turns.len() > FLAPS {
            self.turns.remove(0);
        }
    }
}
