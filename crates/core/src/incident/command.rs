//! What can be asked of an incident, and what that leads to.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{IncidentId, OperatorId, SignalId};
use crate::incident::{
    Attention, Event, FLAP_WITHIN, FLAPS, HEARD_MAX, Incident, Kept, Quiet, Role, RoleAct, SIGNALS_MAX, SPLIT_MAX, Severity, State, Why,
};
use crate::name::PathName;
use crate::severity::Impact;
use crate::signal::{Signal, SignalState};
use crate::situation::Actor;
use crate::time::Timestamp;
use crate::topology::EntityRef;

/// Signals that come over in one event: their texts are bounded, and an event has its bound, too.
const TOGETHER: usize = 16;

/// What can be asked of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A signal of it came in.
    Signal {
        /// The id for it, if it is new.
        id: SignalId,
        /// What came in.
        signal: Box<Signal>,
        /// What it concerns.
        subject: Option<EntityRef>,
    },
    /// So many more signals came than it keeps by name, see [`Incident::beyond`].
    Overflow(u64),
    /// The engine looks at it: who must be told, and how bad it is by now.
    Look(Look),
    /// Somebody grades it.
    Grade {
        /// To what.
        severity: Severity,
        /// By whom.
        by: Actor,
    },
    /// A person takes it.
    Acknowledge(OperatorId),
    /// A person does something about a role.
    Role {
        /// Which.
        role: Role,
        /// Who.
        by: OperatorId,
        /// What.
        act: RoleAct,
    },
    /// It is part of another one.
    Merge {
        /// Of which.
        into: IncidentId,
        /// Who says so.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// Some of its signals are something else.
    Split {
        /// The incident that they become.
        into: IncidentId,
        /// Which.
        signals: BTreeSet<SignalId>,
        /// Who says so.
        by: OperatorId,
        /// Why.
        reason: String,
    },
    /// A person closes it.
    Close {
        /// Who.
        by: OperatorId,
        /// Why it is over.
        reason: String,
    },
}

/// What the estate says of an incident at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Its signals that page nobody, by key, and why.
    pub quiet: BTreeMap<String, Quiet>,
    /// What is happening, and the severity by the estate's table.
    pub impact: Option<(Impact, Severity)>,
    /// The path of a rule that pages whatever the severity is.
    pub rule: Option<PathName>,
    /// The path of what it concerns.
    pub path: Option<PathName>,
}

/// Why a command cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A machine may raise severity, never lower it.
    #[error("only a person lowers the severity of incident `{0}`")]
    LoweredByMachine(IncidentId),
    /// It is closed.
    #[error("incident `{0}` is closed")]
    Closed(IncidentId),
    /// It is part of another one.
    #[error("incident `{0}` is part of `{1}`")]
    Merged(IncidentId, IncidentId),
    /// It needs a reason.
    #[error("say why: what is done to incident `{0}` is recorded with its reason")]
    Unreasoned(IncidentId),
    /// An incident is no part of itself.
    #[error("incident `{0}` cannot be part of itself")]
    Itself(IncidentId),
    /// Another person holds the role.
    #[error("somebody is {role} of incident `{incident}`: let them hand it over, or say why you take it", role = .role.title())]
    Held {
        /// Which.
        incident: IncidentId,
        /// The role.
        role: Role,
    },
    /// They do not hold the role.
    #[error("you are not {role} of incident `{incident}`", role = .role.title())]
    NotHeld {
        /// Which.
        incident: IncidentId,
        /// The role.
        role: Role,
    },
    /// The signals are not its own, too many, or all that it has.
    #[error("choose 1 to {SPLIT_MAX} signals of incident `{0}`, and leave it one")]
    Unsplittable(IncidentId),
}

impl Incident {
    /// What a command leads to. A signal that says nothing new adds no event.
    ///
    /// # Errors
    /// When the state does not allow it.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        match (self.state, self.merged) {
            (State::Closed, _) => return Err(Refusal::Closed(self.id)),
            (State::Merged, Some(into)) => return Err(Refusal::Merged(self.id, into)),
            (State::Open | State::Acknowledged | State::Resolved | State::Merged, _) => {}
        }
        match command {
            Command::Signal { id, signal, subject } => Ok(self.signalled(id, *signal, subject, now)),
            Command::Overflow(0) => Ok(Vec::new()),
            Command::Overflow(more) => Ok(vec![Event::Overflowed { total: self.overflow.saturating_add(more), at: now }]),
            Command::Look(look) => Ok(self.looked(look, now)),
            Command::Grade { severity, by } => match by {
                // A larger number is less severe.
                Actor::Agent(_) | Actor::Engine if severity > self.severity => Err(Refusal::LoweredByMachine(self.id)),
                Actor::Agent(_) | Actor::Engine | Actor::Operator(_) if severity == self.severity => Ok(Vec::new()),
                Actor::Agent(_) | Actor::Engine | Actor::Operator(_) => Ok(vec![Event::Graded { severity, by, impact: None, at: now }]),
            },
            Command::Acknowledge(by) => Ok(if self.commander == Some(by) { Vec::new() } else { vec![Event::Acknowledged { by, at: now }] }),
            Command::Role { role, by, act } => self.role(role, by, act, now),
            Command::Merge { reason, .. } | Command::Split { reason, .. } | Command::Close { reason, .. } if reason.trim().is_empty() => {
                Err(Refusal::Unreasoned(self.id))
            }
            Command::Merge { into, .. } if into == self.id => Err(Refusal::Itself(self.id)),
            Command::Merge { into, by, reason } => Ok(vec![Event::Merged { into, by, reason, at: now }]),
            Command::Split { into, signals, by, reason } => self.split(into, signals, by, reason, now),
            Command::Close { by, reason } => Ok(vec![Event::Closed { by, reason, at: now }]),
        }
    }

    /// What taking another one in leads to, once that is merged; its signals come with it.
    ///
    /// # Errors
    /// When this one is over, or the other is this one.
    pub fn absorb(&self, other: &Self, by: Actor, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        if other.id == self.id {
            return Err(Refusal::Itself(self.id));
        }
        match (self.state, self.merged) {
            (State::Closed, _) => return Err(Refusal::Closed(self.id)),
            (State::Merged, Some(into)) => return Err(Refusal::Merged(self.id, into)),
            (State::Open | State::Acknowledged | State::Resolved | State::Merged, _) => {}
        }
        let room = SIGNALS_MAX.saturating_sub(self.signals.len());
        let (mut firing, resolved): (Vec<_>, Vec<_>) =
            other.signals.values().cloned().partition(|kept| kept.signal.state == SignalState::Firing);
        firing.extend(resolved);
        let over = u64::try_from(firing.len().saturating_sub(room)).unwrap_or(u64::MAX);
        firing.truncate(room);
        let paged = matches!(other.attention, Attention::Paged { .. });
        let mut parts: Vec<Vec<Kept>> = firing.chunks(TOGETHER).map(<[Kept]>::to_vec).collect();
        if parts.is_empty() {
            parts.push(Vec::new());
        }
        let mut overflow = other.overflow.saturating_add(over);
        let events = parts.into_iter().map(|signals| Event::Absorbed {
            from: other.id,
            signals,
            // Counted once, with the first part.
            overflow: std::mem::take(&mut overflow),
            paged,
            severity: other.severity,
            by,
            at: now,
        });
        Ok(events.collect())
    }

    /// Whether this signal is news that can only be counted: it has no place by name, or the history is long enough.
    pub fn beyond(&self, signal: &Signal) -> bool {
        let known = self.signals.get(&signal.key());
        let news = known.is_none_or(|kept| kept.signal.state != signal.state);
        news && signal.state == SignalState::Firing && ((known.is_none() && self.full()) || self.heard >= HEARD_MAX)
    }

    /// Whether no place is left for another signal by name, and none can be made.
    fn full(&self) -> bool {
        self.signals.len() >= SIGNALS_MAX && !self.signals.values().any(Kept::over)
    }

    fn signalled(&self, id: SignalId, signal: Signal, subject: Option<EntityRef>, now: Timestamp) -> Vec<Event> {
        let key = signal.key();
        let known = self.signals.get(&key);
        let turned = known.is_some_and(|kept| kept.signal.state != signal.state);
        let worse_word = known.is_some_and(|kept| signal.state == SignalState::Firing && signal.graded() < kept.signal.graded());
        if known.is_some_and(|kept| !turned && !worse_word && kept.signal.starts == signal.starts) {
            return Vec::new();
        }
        if let Some(kept) = known.filter(|kept| turned && kept.flaps(now)) {
            return if kept.flapping { Vec::new() } else { vec![Event::Flapping { signal_id: kept.id, at: now }] };
        }
        if self.beyond(&signal) {
            return Vec::new();
        }
        if self.heard >= HEARD_MAX || (known.is_none() && self.full()) {
            return Vec::new();
        }
        let signal_id = known.map_or(id, |kept| kept.id);
        let others_resolved = self.signals.iter().all(|(other, kept)| *other == key || kept.over());
        let over = signal.state == SignalState::Resolved && others_resolved && self.overflow == 0;
        let stated = signal.graded();
        let worse = signal.state == SignalState::Firing && stated < self.severity && (stated < self.found || turned || known.is_none());
        let mut events = vec![Event::Signalled { signal_id, signal, subject, at: now }];
        if worse {
            events.push(Event::Graded { severity: stated, by: Actor::Engine, impact: None, at: now });
        }
        if over && self.state != State::Resolved {
            events.push(Event::Resolved { at: now });
        }
        events
    }

    fn looked(&self, look: Look, now: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        let mut severity = self.severity;
        if let Some((impact, found)) = look.impact.filter(|(_, found)| *found < self.found && self.firing().next().is_some()) {
            severity = severity.min(found);
            events.push(Event::Graded { severity, by: Actor::Engine, impact: Some(impact), at: now });
        }
        if !matches!(self.state, State::Open | State::Acknowledged) {
            return events;
        }
        if matches!(self.attention, Attention::Paged { .. }) {
            // A rule that comes to hold later tells its own people, too, and once.
            let other = look.rule.filter(|path| !self.ruled && self.path.as_ref() != Some(path));
            events.extend(other.map(|path| Event::Paged { why: Why::Rule, path: Some(path), severity, at: now }));
            return events;
        }
        let loud = self.firing().any(|kept| !look.quiet.contains_key(&kept.signal.key())) || self.overflow > 0;
        let gathering = matches!(self.attention, Attention::Gathering { until } if now < until);
        if let Some(path) = look.rule {
            events.push(Event::Paged { why: Why::Rule, path: Some(path), severity, at: now });
        } else if loud && !gathering {
            let why = if matches!(self.attention, Attention::Quiet { .. }) { Why::NoLongerQuiet } else { Why::Actionable };
            events.push(Event::Paged { why, path: look.path, severity, at: now });
        } else if !loud && !gathering {
            let reasons = self.firing().filter_map(|kept| look.quiet.get(&kept.signal.key()));
            // The one that ends first is when to look again.
            let why = reasons.min_by_key(|why| (why.until().is_none(), why.until(), (*why).clone()));
            let same = |why: &Quiet| matches!(&self.attention, Attention::Quiet { why: known } if known == why);
            events.extend(why.filter(|why| !same(why)).map(|why| Event::Quieted { why: why.clone(), at: now }));
        }
        events
    }

    fn split(
        &self,
        into: IncidentId,
        signals: BTreeSet<SignalId>,
        by: OperatorId,
        reason: String,
        now: Timestamp,
    ) -> Result<Vec<Event>, Refusal> {
        let own = self.signals.values().filter(|kept| signals.contains(&kept.id)).count();
        let fits = !signals.is_empty() && signals.len() <= SPLIT_MAX && own == signals.len() && own < self.signals.len();
        if !fits || into == self.id {
            return Err(Refusal::Unsplittable(self.id));
        }
        let stay = self.signals.values().filter(|kept| !signals.contains(&kept.id));
        let over = self.overflow == 0 && self.state != State::Resolved && stay.into_iter().all(Kept::over);
        let mut events = vec![Event::Split { into, signals, by, reason, at: now }];
        events.extend(over.then_some(Event::Resolved { at: now }));
        Ok(events)
    }
}

impl Kept {
    /// Whether it no longer holds.
    pub fn over(&self) -> bool {
        self.signal.state == SignalState::Resolved
    }

    /// Whether one more turn now would be one too many.
    pub fn flaps(&self, now: Timestamp) -> bool {
        let recent = self.turns.iter().filter(|at| now.since(**at) < FLAP_WITHIN).count();
        if self.flapping { recent > 0 } else { recent >= FLAPS }
    }
}
