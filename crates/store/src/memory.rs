//! A store in memory: the oracle that every other one is held against, and what tests and rehearsals run on.
//! It keeps nothing when it is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lineclear_core::Timestamp;
use lineclear_core::record::{Row, Stream};
use lineclear_ledger::{Checkpoint, Edge, Entry, Hash, LogKey, MemoryHashes, consistency_proof, inclusion_proof};

use crate::prepared::{Prepared, PreparedEvent, check_length};
use crate::query::{ENTRIES_PAGE_MAX, EVENTS_PAGE_MAX, PAGE_MAX};
use crate::{Answer, Batch, Committed, Head, Once, Page, RowQuery, Store, StoreError, Stored};

/// A store in memory.
#[derive(Debug)]
pub struct Memory {
    key: LogKey,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    leaves: MemoryHashes,
    edge: Edge,
    head: Head,
    entries: Vec<Vec<u8>>,
    ids: BTreeSet<String>,
    payloads: BTreeMap<Hash, ([u8; 32], Vec<u8>)>,
    streams: BTreeMap<Stream, Vec<Stored>>,
    rows: BTreeMap<Stream, Row>,
    once: BTreeMap<String, Once>,
    epoch: u64,
    last: Timestamp,
}

/// What a batch will add, once all of it was found to fit.
#[derive(Default)]
struct Staged<'a> {
    entries: Vec<(Entry, &'a PreparedEvent)>,
    events: Vec<Stored>,
}

impl Memory {
    /// An empty store whose log is named and signed by `key`.
    pub fn new(key: LogKey) -> Self {
        let edge = Edge::new();
        let kept = Kept {
            head: sign(&key, &edge),
            edge,
            leaves: MemoryHashes::default(),
            entries: Vec::new(),
            ids: BTreeSet::new(),
            payloads: BTreeMap::new(),
            streams: BTreeMap::new(),
            rows: BTreeMap::new(),
            once: BTreeMap::new(),
            epoch: 0,
            last: Timestamp::from_micros(0),
        };
        Self { key, kept: Mutex::new(kept) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing between two changes of `Kept` can panic, so what a poisoned lock guards is whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sign(key: &LogKey, edge: &Edge) -> Head {
    let (size, root) = (edge.size(), edge.root());
    Head { size, root, note: key.sign_checkpoint(&Checkpoint { origin: key.name().to_owned(), size, root }) }
}

impl Kept {
    fn length(&self, stream: Stream) -> u64 {
        self.streams.get(&stream).map_or(0, |events| count(events.len()))
    }

    fn append(&mut self, key: &LogKey, batch: &Prepared) -> Result<Committed, StoreError> {
        batch.check_once(batch.once.as_ref().and_then(|once| self.once.get(&once.key)))?;
        for guard in &batch.guards {
            check_length(guard.stream, guard.expect, self.length(guard.stream))?;
        }
        let Staged { entries, events } = self.stage(key, batch)?;
        for (entry, event) in entries {
            self.ids.insert(entry.id().to_owned());
            self.payloads.insert(event.hash, (event.happened.salt, event.payload.clone()));
            self.edge.append(entry.leaf());
            self.leaves.0.push(entry.leaf());
            self.entries.push(entry.into_bytes());
        }
        for event in &events {
            self.last = event.happened.at;
            self.streams.entry(event.stream).or_default().push(event.clone());
        }
        self.rows.extend(batch.appends.iter().map(|append| (append.stream, append.row.clone())));
        self.once.extend(batch.once.iter().map(|once| (once.key.clone(), once.clone())));
        self.head = sign(key, &self.edge);
        Ok(Committed { events, head: self.head.clone() })
    }

    fn stage<'a>(&self, key: &LogKey, batch: &'a Prepared) -> Result<Staged<'a>, StoreError> {
        let mut staged = Staged::default();
        let (mut ids, mut hashes) = (BTreeSet::new(), BTreeSet::new());
        let mut index = self.edge.size();
        let mut last = self.last;
        for append in &batch.appends {
            check_length(append.stream, append.expect, self.length(append.stream))?;
            let mut prev = self.streams.get(&append.stream).and_then(|events| events.last()).map(|last| last.leaf);
            for (seq, event) in (append.expect..).zip(&append.events) {
                last = event.at(last);
                let entry = event.seal(key.name(), append.stream, seq, prev, last)?;
                if self.ids.contains(entry.id()) || !ids.insert(event.happened.id) {
                    return Err(event.id_taken());
                }
                if self.payloads.contains_key(&event.hash) || !hashes.insert(event.hash) {
                    return Err(event.salt_taken());
                }
                prev = Some(entry.leaf());
                staged.events.push(event.stored(append.stream, seq, index, entry.leaf(), last));
                staged.entries.push((entry, event));
                index += 1;
            }
        }
        Ok(staged)
    }

    fn list(&self, query: &RowQuery) -> Page {
        let place = |begun: Timestamp, stream: Stream| (begun, stream.to_string());
        let after = query.after.map(|(begun, stream)| place(begun, stream));
        let mut rows: Vec<&Row> = self.rows.values().filter(|row| wanted(row, query)).collect();
        rows.sort_by_cached_key(|row| std::cmp::Reverse(place(row.begun, row.stream)));
        let rows = rows.into_iter().filter(|row| after.as_ref().is_none_or(|after| place(row.begun, row.stream) < *after));
        let mut rows: Vec<Row> = rows.take(wide(query.page()) + 1).cloned().collect();
        let more = rows.len() > wide(query.page());
        rows.truncate(wide(query.page()));
        Page { rows, more }
    }

    fn due(&self, now: Timestamp, limit: u32) -> Vec<Row> {
        let mut rows: Vec<&Row> = self.rows.values().filter(|row| row.open && row.due.is_some_and(|due| due <= now)).collect();
        rows.sort_by_cached_key(|row| (row.due, row.stream.to_string()));
        rows.into_iter().take(wide(limit.min(PAGE_MAX))).cloned().collect()
    }
}

fn wanted(row: &Row, query: &RowQuery) -> bool {
    (query.kind.is_empty() || query.kind == row.stream.kind())
        && (query.words.is_empty() || query.words.contains(&row.word))
        && query.open.is_none_or(|open| open == row.open)
        && query.key.as_ref().is_none_or(|key| *key == row.key)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn wide(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn place(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

impl Store for Memory {
    fn append(&self, batch: Batch) -> Answer<'_, Committed> {
        Box::pin(async move { self.kept().append(&self.key, &Prepared::new(batch)?) })
    }

    fn events(&self, stream: Stream, from: u64) -> Answer<'_, Vec<Stored>> {
        Box::pin(async move {
            let kept = self.kept();
            let events = kept.streams.get(&stream).map_or(&[] as &[Stored], Vec::as_slice);
            Ok(events.iter().skip(place(from)).take(wide(EVENTS_PAGE_MAX)).cloned().collect())
        })
    }

    fn row(&self, stream: Stream) -> Answer<'_, Option<Row>> {
        Box::pin(async move { Ok(self.kept().rows.get(&stream).cloned()) })
    }

    fn rows(&self, query: RowQuery) -> Answer<'_, Page> {
        Box::pin(async move {
            query.bounded()?;
            Ok(self.kept().list(&query))
        })
    }

    fn due(&self, now: Timestamp, limit: u32) -> Answer<'_, Vec<Row>> {
        Box::pin(async move { Ok(self.kept().due(now, limit)) })
    }

    fn postpone(&self, stream: Stream, due: Option<Timestamp>) -> Answer<'_, ()> {
        Box::pin(async move {
            if let Some(row) = self.kept().rows.get_mut(&stream) {
                row.due = due;
            }
            Ok(())
        })
    }

    fn counts(&self) -> Answer<'_, Vec<(String, String, u64)>> {
        Box::pin(async move {
            let mut counts = BTreeMap::<(String, String), u64>::new();
            for row in self.kept().rows.values() {
                *counts.entry((row.stream.kind().into(), row.word.clone())).or_default() += 1;
            }
            Ok(counts.into_iter().map(|((kind, word), count)| (kind, word, count)).collect())
        })
    }

    fn once(&self, key: String) -> Answer<'_, Option<Once>> {
        Box::pin(async move { Ok(self.kept().once.get(&key).cloned()) })
    }

    fn head(&self) -> Answer<'_, Head> {
        Box::pin(async move { Ok(self.kept().head.clone()) })
    }

    fn entries(&self, from: u64, count: u32) -> Answer<'_, Vec<(u64, Vec<u8>)>> {
        Box::pin(async move {
            let kept = self.kept();
            let entries = (0..).zip(&kept.entries).skip(place(from)).take(wide(count.min(ENTRIES_PAGE_MAX)));
            Ok(entries.map(|(index, entry)| (index, entry.clone())).collect())
        })
    }

    fn payload(&self, commitment: String) -> Answer<'_, Option<([u8; 32], Vec<u8>)>> {
        Box::pin(async move { Ok(Hash::from_base64url(&commitment).ok().and_then(|hash| self.kept().payloads.get(&hash).cloned())) })
    }

    fn inclusion(&self, index: u64, size: u64) -> Answer<'_, Vec<Hash>> {
        Box::pin(async move {
            let kept = self.kept();
            let beyond = StoreError::Malformed("a proof beyond the end of the log");
            if size > kept.edge.size() { Err(beyond) } else { inclusion_proof(&kept.leaves, index, size).map_err(|_| beyond) }
        })
    }

    fn consistency(&self, old: u64, new: u64) -> Answer<'_, Vec<Hash>> {
        Box::pin(async move {
            let kept = self.kept();
            let beyond = StoreError::Malformed("a proof beyond the end of the log");
            if new > kept.edge.size() { Err(beyond) } else { consistency_proof(&kept.leaves, old, new).map_err(|_| beyond) }
        })
    }

    fn take_epoch(&self) -> Answer<'_, u64> {
        Box::pin(async move {
            let mut kept = self.kept();
            kept.epoch += 1;
            Ok(kept.epoch)
        })
    }
}
