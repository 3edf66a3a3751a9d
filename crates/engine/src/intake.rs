//! Signals come in: many senders at once, one commit for as many as wait. One task sorts what has queued up, so that the
//! order of commits is the order of decisions, and a storm costs a few commits and not thousands.

mod round;

pub(crate) use round::Pending;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lineclear_core::incident::{Book, Incident, near};
use lineclear_core::record::Stream;
use lineclear_core::signal::Signal;
use lineclear_core::topology::EntityRef;
use lineclear_core::{Digest, IncidentId};
use lineclear_store::RowQuery;
use tokio::sync::oneshot;

use crate::engine::Inner;
use crate::{Engine, EngineError};

/// Most signals that may wait to be sorted; whoever comes then is told to try again. Two seconds' worth of a storm.
const QUEUE_MAX: usize = 20_000;
/// Most signals that are sorted at once, but for one body that holds more.
const ROUND_MAX: usize = 1_000;
/// Most incidents kept unfolded in memory: further ones are read again.
const CACHE_MAX: usize = 256;
/// Rows that are read at once when the book is opened.
const PAGE: u32 = 500;
/// Most things whose neighbourhood is remembered.
const NEAR_MAX: usize = 4_096;

/// What became of a body of signals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Signals that were news.
    pub new: usize,
    /// Signals that said nothing new, or resolved what nobody had heard of.
    pub known: usize,
    /// The incidents that were touched.
    pub incidents: Vec<IncidentId>,
}

/// A body that waits to be sorted.
pub(crate) struct Waiting {
    signals: Vec<Signal>,
    answer: oneshot::Sender<Result<Received, EngineError>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    signals: usize,
    /// Whether a task is sorting.
    busy: bool,
}

/// The door that signals come in by.
#[derive(Default)]
pub(crate) struct Intake {
    queue: Mutex<Queue>,
    /// Whoever writes to incidents holds it.
    pub room: tokio::sync::Mutex<Room>,
}

/// An incident as it stands, and how long its history is.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub incident: Incident,
    pub len: u64,
}

/// What is known of incidents; everything in it can be read again from the store.
#[derive(Default)]
pub(crate) struct Room {
    book: Option<Book>,
    known: BTreeMap<IncidentId, Known>,
    near: BTreeMap<EntityRef, Arc<BTreeSet<EntityRef>>>,
    /// Which estate the neighbourhoods are of.
    estate: Option<Digest>,
    /// Signals that came and are not in the record's count yet.
    uncounted: BTreeMap<IncidentId, u64>,
    /// The newest word of signals that go back and forth, until they are steady.
    held: BTreeMap<(IncidentId, String), Signal>,
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    // What a panic leaves behind is a queue all the same.
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Takes signals in: each joins the incident that it belongs to, or opens one. Acknowledged once it is durable; a caller
    /// that goes away changes nothing.
    ///
    /// # Errors
    /// When the store fails or too many signals wait; sending all of them again is safe.
    pub async fn receive(&self, signals: Vec<Signal>) -> Result<Received, EngineError> {
        if signals.is_empty() {
            return Ok(Received::default());
        }
        let (answer, received) = oneshot::channel();
        {
            let mut queue = lock(&self.inner.intake.queue);
            if queue.signals.saturating_add(signals.len()) > QUEUE_MAX && queue.signals > 0 {
                return Err(EngineError::Busy(Stream::Installation));
            }
            queue.signals = queue.signals.saturating_add(signals.len());
            queue.waiting.push_back(Waiting { signals, answer });
            if !std::mem::replace(&mut queue.busy, true) {
                let inner = Arc::clone(&self.inner);
                tokio::spawn(async move { inner.sort().await });
            }
        }
        // The task that sorts answers everybody, or has panicked.
        received.await.unwrap_or(Err(EngineError::Busy(Stream::Installation)))
    }
}

/// Lets the next one sort if this task ends before it is done.
struct Shift<'i>(&'i Intake);

impl Drop for Shift<'_> {
    fn drop(&mut self) {
        lock(&self.0.queue).busy = false;
    }
}

impl Inner {
    /// Sorts what waits until nothing does.
    async fn sort(&self) {
        let shift = Shift(&self.intake);
        loop {
            let mut room = self.intake.room.lock().await;
            let Some(round) = self.intake.next() else {
                // The queue was found empty and the shift ended under one lock.
                std::mem::forget(shift);
                return;
            };
            self.take(&mut room, round).await;
        }
    }
}

impl Intake {
    /// What is sorted next; when there is nothing, the shift is over.
    fn next(&self) -> Option<Vec<Waiting>> {
        let mut queue = lock(&self.queue);
        let (mut round, mut signals) = (Vec::new(), 0_usize);
        while signals < ROUND_MAX {
            let Some(waiting) = queue.waiting.pop_front() else { break };
            signals = signals.saturating_add(waiting.signals.len());
            round.push(waiting);
        }
        queue.signals = queue.signals.saturating_sub(signals);
        queue.busy = !round.is_empty();
        (!round.is_empty()).then_some(round)
    }
}

impl Room {
    /// Everything is read again: somebody else has written, or a commit was lost.
    fn forget(&mut self) {
        self.book = None;
        self.known.clear();
    }

    /// An incident as whoever sorts signals knows it.
    pub(crate) fn known(&self, id: IncidentId) -> Option<&Incident> {
        self.known.get(&id).map(|known| &known.incident)
    }

    /// An incident as it stands now; the book is asked to look again where it has moved.
    fn learn(&mut self, known: Known, moved: bool) {
        if let Some(book) = self.book.as_mut().filter(|_| moved) {
            book.learn(&known.incident);
        }
        let id = known.incident.id;
        self.known.insert(id, known);
        if self.known.len() > CACHE_MAX {
            let oldest = self.known.values().min_by_key(|known| (known.incident.last, known.incident.id)).map(|known| known.incident.id);
            if let Some(oldest) = oldest.filter(|oldest| *oldest != id) {
                self.known.remove(&oldest);
            }
        }
    }
}

impl Inner {
    /// The book of the open incidents, read from the store when it is not at hand.
    async fn open_book(&self, room: &mut Room) -> Result<(), EngineError> {
        if room.book.is_some() {
            return Ok(());
        }
        let mut book = Book::default();
        let mut query = RowQuery { kind: "incident".into(), open: Some(true), limit: PAGE, ..RowQuery::default() };
        while book.incidents().count() < lineclear_core::incident::BOOK_MAX {
            let page = self.store.rows(query.clone()).await?;
            for row in &page.rows {
                if let Some(loaded) = self.load::<Incident>(row.stream).await? {
                    book.learn(&loaded.machine);
                }
            }
            query.after = page.rows.last().map(|row| (row.begun, row.stream));
            if !page.more {
                break;
            }
        }
        room.book = Some(book);
        Ok(())
    }

    /// Everything near a thing, in the estate that is in force.
    fn near(&self, room: &mut Room, thing: &EntityRef) -> Arc<BTreeSet<EntityRef>> {
        let estate = self.in_force().estate.clone();
        if room.estate != Some(estate.digest) || room.near.len() >= NEAR_MAX {
            room.near.clear();
            room.estate = Some(estate.digest);
        }
        room.near.entry(thing.clone()).or_insert_with(|| Arc::new(near(thing, &estate.topology))).clone()
    }
}
