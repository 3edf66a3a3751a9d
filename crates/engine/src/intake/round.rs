//! One round of sorting: signals are placed and decided one after the other, and committed together. What is not yet
//! committed lives in the draft alone; when a commit is lost, the round is decided again on what the store holds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lineclear_core::incident::{Command, Event, Incident, Kept, Look, Placement, Quiet, Severity, impact, path_of, subject};
use lineclear_core::machine::{Machine as _, fold};
use lineclear_core::record::{Row, Stream};
use lineclear_core::signal::{Signal, SignalState};
use lineclear_core::situation::Actor;
use lineclear_core::topology::EntityRef;
use lineclear_core::{IncidentId, SignalId, Timestamp};
use lineclear_store::{RowQuery, StoreError};

use super::{Known, Received, Room, Waiting};
use crate::EngineError;
use crate::engine::{CONFLICTS_MAX, Inner};
use crate::history::Draft;

/// Most incidents in one commit; the store takes eight.
const TOGETHER: usize = 6;
/// Most events of one incident before a commit; the store takes 64, and one signal with all that follows from it adds a few.
const EVENTS: usize = 52;
/// Most held words of signals that go back and forth; further ones are let go, and their incident waits for the next word.
const HELD_MAX: usize = 10_000;

/// What is decided and not yet committed.
pub(crate) struct Pending {
    now: Timestamp,
    by: Actor,
    incidents: BTreeMap<IncidentId, (Known, Vec<Event>)>,
}

impl Pending {
    pub(crate) fn new(by: Actor, now: Timestamp) -> Self {
        Self { now, by, incidents: BTreeMap::new() }
    }

    /// When it is decided.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// An incident as it stands here.
    pub(crate) fn get(&self, id: IncidentId) -> Result<&Incident, EngineError> {
        let found = self.incidents.get(&id).map(|(known, _)| &known.incident);
        found.ok_or_else(|| EngineError::NotFound(id.to_string()))
    }

    fn full(&self) -> bool {
        self.incidents.len() >= TOGETHER || self.incidents.values().any(|(_, events)| events.len() >= EVENTS)
    }

    /// Events of an incident that is here, applied. When one cannot happen, all that is pending is of no more use.
    pub(crate) fn add(&mut self, id: IncidentId, events: Vec<Event>) -> Result<(), EngineError> {
        let Some((mut known, mut list)) = self.incidents.remove(&id) else { return Err(EngineError::NotFound(id.to_string())) };
        for event in events {
            let next = known.incident.apply(&event);
            known.incident = next.map_err(|source| EngineError::Broken { stream: Stream::Incident(id), source })?;
            list.push(event);
        }
        self.incidents.insert(id, (known, list));
        Ok(())
    }

    /// Decides and applies.
    pub(crate) fn decide(&mut self, id: IncidentId, command: Command) -> Result<usize, EngineError> {
        let events = self.get(id)?.decide(command, self.now)?;
        let count = events.len();
        self.add(id, events)?;
        Ok(count)
    }

    /// One becomes part of another.
    pub(crate) fn merge(&mut self, from: IncidentId, into: IncidentId, by: Actor, reason: String) -> Result<(), EngineError> {
        let (part, whole) = (self.get(from)?, self.get(into)?);
        let merged = part.decide(Command::Merge { into, by, reason }, self.now)?;
        let absorbed = whole.absorb(part, by, self.now)?;
        self.add(into, absorbed)?;
        self.add(from, merged)
    }

    /// A new incident.
    pub(crate) fn begin(&mut self, events: Vec<Event>) -> Result<IncidentId, EngineError> {
        let stream = Stream::Installation;
        let incident = fold::<Incident>(&events).map_err(|source| EngineError::Broken { stream, source })?;
        let incident = incident.ok_or_else(|| EngineError::NotFound(stream.to_string()))?;
        let id = incident.id;
        self.incidents.insert(id, (Known { incident, len: 0 }, events));
        Ok(id)
    }
}

/// A signal of a body, and whose body it is.
struct Item {
    body: usize,
    signal: Signal,
}

impl Inner {
    /// Sorts what some senders have sent, and answers each.
    pub(super) async fn take(&self, room: &mut Room, round: Vec<Waiting>) {
        let mut bodies: Vec<Received> = round.iter().map(|_| Received::default()).collect();
        let mut answers = Vec::new();
        let mut items = VecDeque::new();
        for (body, waiting) in round.into_iter().enumerate() {
            items.extend(waiting.signals.into_iter().map(|signal| Item { body, signal }));
            answers.push(waiting.answer);
        }
        let fault = self.take_all(room, items, &mut bodies).await.err();
        if let Some((_, error)) = &fault {
            tracing::error!(%error, "signals could not be kept");
        }
        let failed = |body: usize| fault.as_ref().is_some_and(|(first, _)| body >= *first);
        for ((body, received), answer) in bodies.into_iter().enumerate().zip(answers) {
            let told = match &fault {
                Some((_, EngineError::Store(error))) if failed(body) => Err(EngineError::Store(error.clone())),
                Some(_) if failed(body) => Err(EngineError::Busy(Stream::Installation)),
                Some(_) | None => Ok(received),
            };
            // Whoever has gone away is not told.
            let _ = answer.send(told);
        }
    }

    /// Sorts all of it; on failure says from which body on nothing is certain.
    async fn take_all(&self, room: &mut Room, mut items: VecDeque<Item>, bodies: &mut [Received]) -> Result<(), (usize, EngineError)> {
        let mut attempts = 0;
        while let Some(first) = items.front().map(|item| item.body) {
            match self.take_some(room, &items).await {
                Ok(outcomes) => {
                    for (item, outcome) in items.drain(..outcomes.len().min(items.len())).zip(outcomes) {
                        let Some(received) = bodies.get_mut(item.body) else { continue };
                        match outcome {
                            Some(id) => {
                                received.new += 1;
                                if !received.incidents.contains(&id) {
                                    received.incidents.push(id);
                                }
                            }
                            None => received.known += 1,
                        }
                    }
                    attempts = 0;
                }
                Err(error) => {
                    room.forget();
                    attempts += 1;
                    if !matches!(error, EngineError::Busy(_) | EngineError::Incident(_)) || attempts >= CONFLICTS_MAX {
                        return Err((first, error));
                    }
                }
            }
        }
        Ok(())
    }

    /// Decides as many as fit into one commit, commits, and says for each which incident it touched; none for no news. When
    /// two incidents turn out to be one, that is the whole commit, and the signal is placed again after it.
    async fn take_some(&self, room: &mut Room, items: &VecDeque<Item>) -> Result<Vec<Option<IncidentId>>, EngineError> {
        self.open_book(room).await?;
        let mut pending = Pending::new(Actor::Engine, self.now());
        let mut outcomes = Vec::new();
        for item in items {
            let about = subject(&item.signal, &self.in_force().estate.topology);
            let placed = self.place(room, &item.signal, about.as_ref(), pending.now).await?;
            if let (Some(into), Some(from)) = (placed.join, placed.merge.first()) {
                if outcomes.is_empty() {
                    self.take_up(room, &mut pending, into).await?;
                    self.take_up(room, &mut pending, *from).await?;
                    pending.merge(*from, into, Actor::Engine, "a signal belongs to both".into())?;
                }
                break;
            }
            if pending.full() {
                break;
            }
            let outcome = self.take_one(room, &mut pending, &item.signal, about.clone(), placed.join).await?;
            if let (Some(id), Some(book)) = (outcome, &mut room.book) {
                if placed.join.is_none() {
                    book.learn(pending.get(id)?);
                }
                book.note(id, &item.signal, about.as_ref(), pending.now);
            }
            outcomes.push(outcome);
        }
        self.look_at_all(&mut pending)?;
        self.settle(room, pending).await?;
        Ok(outcomes)
    }

    async fn place(&self, room: &mut Room, signal: &Signal, about: Option<&EntityRef>, now: Timestamp) -> Result<Placement, EngineError> {
        let near = match about {
            Some(thing) => self.near(room, thing),
            None => std::sync::Arc::default(),
        };
        let Some(book) = &room.book else { return Ok(Placement::default()) };
        let placed = book.place(signal, about, &near, now);
        if placed.join.is_some() || book.incidents().count() < lineclear_core::incident::BOOK_MAX {
            return Ok(placed);
        }
        // Too many are open for the book: what it has forgotten is found by its group.
        let query =
            RowQuery { kind: "incident".into(), open: Some(true), key: Some(signal.group.clone()), limit: 1, ..RowQuery::default() };
        let found = self.store.rows(query).await?.rows.first().map(|row| row.stream);
        let join = if let Some(Stream::Incident(id)) = found { Some(id) } else { None };
        Ok(Placement { join, merge: Vec::new() })
    }

    async fn take_one(
        &self,
        room: &mut Room,
        pending: &mut Pending,
        signal: &Signal,
        about: Option<EntityRef>,
        join: Option<IncidentId>,
    ) -> Result<Option<IncidentId>, EngineError> {
        let signal_id = SignalId::new(self.ids.number());
        let Some(into) = join else {
            if signal.state == SignalState::Resolved {
                return Ok(None);
            }
            let (id, severity, at) = (IncidentId::new(self.ids.number()), signal.graded(), pending.now);
            let signal = dated(signal, None, at);
            let opened = Event::Opened { id, signal_id, signal, subject: about, severity, split_from: None, at };
            return pending.begin(vec![opened]).map(Some);
        };
        self.take_up(room, pending, into).await?;
        let incident = pending.get(into)?;
        if incident.beyond(signal) {
            let uncounted = room.uncounted.entry(into).or_default();
            *uncounted = uncounted.saturating_add(1);
            // Written down at 1, 2, 4, 8 …, and at each look: the record stays short.
            if *uncounted > incident.overflow {
                let more = std::mem::take(uncounted);
                pending.decide(into, Command::Overflow(more))?;
            }
            return Ok(Some(into));
        }
        let kept = incident.signals.get(&signal.key());
        let turned = kept.is_some_and(|kept| kept.signal.state != signal.state);
        let signal = dated(signal, kept, pending.now);
        let events = incident.decide(Command::Signal { id: signal_id, signal: Box::new(signal.clone()), subject: about }, pending.now)?;
        let recorded = events.iter().any(|event| matches!(event, Event::Signalled { .. }));
        // The newest word of a signal that goes back and forth is remembered until it is steady.
        let key = (into, signal.key());
        if turned && !recorded && room.held.len() < HELD_MAX {
            room.held.insert(key, signal);
        } else {
            room.held.remove(&key);
        }
        let news = !events.is_empty();
        pending.add(into, events)?;
        Ok(news.then_some(into))
    }

    /// Moves an incident into what is pending; what becomes of it returns to the room with the commit.
    pub(crate) async fn take_up(&self, room: &mut Room, pending: &mut Pending, id: IncidentId) -> Result<(), EngineError> {
        if pending.incidents.contains_key(&id) {
            return Ok(());
        }
        let known = if let Some(known) = room.known.remove(&id) {
            known
        } else {
            let loaded = self.need::<Incident>(Stream::Incident(id)).await?;
            Known { len: loaded.len(), incident: loaded.machine }
        };
        pending.incidents.insert(id, (known, Vec::new()));
        Ok(())
    }

    fn look_at_all(&self, pending: &mut Pending) -> Result<(), EngineError> {
        let touched = pending.incidents.iter().filter(|(_, (known, events))| known.incident.open() && !events.is_empty());
        let ids: Vec<IncidentId> = touched.map(|(id, _)| *id).collect();
        for id in ids {
            let look = self.look(pending.get(id)?, pending.now);
            pending.decide(id, Command::Look(look))?;
        }
        Ok(())
    }

    /// What the estate says of an incident now.
    pub(crate) fn look(&self, incident: &Incident, now: Timestamp) -> Look {
        let estate = self.in_force().estate.clone();
        let firing = incident.firing();
        let quiet = firing.filter_map(|kept| Some((kept.signal.key(), Quiet::of(&kept.signal, kept.subject.as_ref(), &estate, now)?)));
        let quiet: BTreeMap<String, Quiet> = quiet.collect();
        let path = path_of(incident, &estate).map(|path| path.name.clone());
        // What nobody need act on is no impact either.
        if !incident.firing().any(|kept| !quiet.contains_key(&kept.signal.key())) {
            return Look { quiet, path, ..Look::default() };
        }
        let found = impact(incident, &estate, now);
        let rule = estate.severity.as_ref().and_then(|table| table.pages(&found).next()).map(|rule| rule.path.clone());
        Look { quiet, impact: Severity::by_table(&found, &estate).map(|severity| (found, severity)), rule, path }
    }

    /// Commits what is pending, and remembers it.
    pub(crate) async fn settle(&self, room: &mut Room, pending: Pending) -> Result<(), EngineError> {
        let mut draft = Draft::new(&*self.ids, pending.by, pending.now);
        let (mut settled, mut asked) = (Vec::new(), Vec::new());
        for (id, (known, events)) in pending.incidents {
            for event in &events {
                if let Event::Paged { severity, path, .. } = event {
                    asked.push((id, *severity, path.clone()));
                }
            }
            let added = u64::try_from(events.len()).unwrap_or(u64::MAX);
            if added > 0 {
                draft.append::<Incident>(Stream::Incident(id), known.len, events, Row::incident(&known.incident));
            }
            settled.push((Known { len: known.len.saturating_add(added), ..known }, added > 0));
        }
        match self.commit(draft).await {
            Ok(_) => {
                for (id, severity, path) in asked {
                    let path = path.as_ref().map_or("none", |path| path.as_str());
                    tracing::warn!(incident.id = %id, incident.severity = severity.number(), path, "an incident asks for a person");
                }
                for (known, moved) in settled {
                    room.learn(known, moved);
                }
                Ok(())
            }
            Err(StoreError::Conflict { stream, .. }) => {
                room.forget();
                Err(EngineError::Busy(stream))
            }
            Err(error) => {
                room.forget();
                Err(error.into())
            }
        }
    }

    /// What is owed to an incident that is looked at: what lasts, who must be told, what has become steady.
    pub(crate) async fn revisit(&self, room: &mut Room, id: IncidentId) -> Result<bool, EngineError> {
        let mut pending = Pending::new(Actor::Engine, self.now());
        self.take_up(room, &mut pending, id).await?;
        if pending.get(id)?.open() {
            let held: BTreeSet<String> = room.held.keys().filter(|(of, _)| *of == id).map(|(_, key)| key.clone()).collect();
            for key in held {
                let kept = pending.get(id)?.signals.get(&key);
                let (steady, subject) = (kept.is_none_or(|kept| !kept.flaps(pending.now)), kept.and_then(|kept| kept.subject.clone()));
                if let Some(signal) = room.held.get(&(id, key.clone())).filter(|_| steady).cloned() {
                    let signal_id = SignalId::new(self.ids.number());
                    pending.decide(id, Command::Signal { id: signal_id, signal: Box::new(signal), subject })?;
                    room.held.remove(&(id, key));
                }
            }
            let more = room.uncounted.remove(&id).unwrap_or(0);
            pending.decide(id, Command::Overflow(more))?;
            let look = self.look(pending.get(id)?, pending.now);
            pending.decide(id, Command::Look(look))?;
        }
        let moved = pending.incidents.values().any(|(_, events)| !events.is_empty());
        self.settle(room, pending).await?;
        Ok(moved)
    }
}

/// The signal with a time: where its sender said none, since it came, and a repetition is no newer than what it repeats.
fn dated(signal: &Signal, kept: Option<&Kept>, now: Timestamp) -> Signal {
    if signal.starts != Signal::UNSTATED {
        return signal.clone();
    }
    let starts = kept.filter(|kept| kept.signal.state == signal.state).map_or(now, |kept| kept.signal.starts);
    Signal { starts, ..signal.clone() }
}
