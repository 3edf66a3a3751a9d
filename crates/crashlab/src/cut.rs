//! A store with a failpoint before and after every commit. Reading passes none: it changes nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use lineclear_core::Timestamp;
use lineclear_core::record::{Event, Row, Stream};
use lineclear_core::run;
use lineclear_ledger::Hash;
use lineclear_store::{Answer, Batch, Committed, Head, Once, Page, RowQuery, Sqlite, Store, Stored};

use crate::attempt::spelled;
use crate::failpoint::Failpoints;

/// The product's own store, watched.
pub struct Cut {
    inner: Sqlite,
    points: Arc<Failpoints>,
    /// The attempt that each run is at, as far as this life has seen it begin.
    at: Mutex<BTreeMap<Stream, String>>,
}

impl Cut {
    /// Watches a store.
    pub const fn new(inner: Sqlite, points: Arc<Failpoints>) -> Self {
        Self { inner, points, at: Mutex::new(BTreeMap::new()) }
    }

    /// What a batch says, in the order of its events, and which attempt it is about: `run.failed run.retried shift do 1`.
    fn named(&self, batch: &Batch) -> String {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let mut name = String::from("commit");
        for append in &batch.appends {
            for happened in &append.events {
                name.push(' ');
                name.push_str(happened.event.kind().trim_end_matches("/1"));
                if let Event::Run(run::Event::Intended { attempt, .. }) = &happened.event {
                    at.insert(append.stream, spelled(&attempt.key));
                }
            }
            if let Some(attempt) = at.get(&append.stream) {
                name.push(' ');
                name.push_str(attempt);
            }
        }
        name
    }

    async fn commit<T>(&self, what: String, work: Answer<'_, T>) -> Result<T, lineclear_store::StoreError> {
        self.points.pass(&format!("{what} before"));
        let done = work.await?;
        self.points.pass(&format!("{what} after"));
        Ok(done)
    }
}

impl Store for Cut {
    fn append(&self, batch: Batch) -> Answer<'_, Committed> {
        let what = self.named(&batch);
        Box::pin(self.commit(what, self.inner.append(batch)))
    }

    fn events(&self, stream: Stream, from: u64) -> Answer<'_, Vec<Stored>> {
        self.inner.events(stream, from)
    }

    fn row(&self, stream: Stream) -> Answer<'_, Option<Row>> {
        self.inner.row(stream)
    }

    fn rows(&self, query: RowQuery) -> Answer<'_, Page> {
        self.inner.rows(query)
    }

    fn due(&self, now: Timestamp, limit: u32) -> Answer<'_, Vec<Row>> {
        self.inner.due(now, limit)
    }

    fn postpone(&self, stream: Stream, due: Option<Timestamp>) -> Answer<'_, ()> {
        Box::pin(self.commit(format!("postpone {}", stream.kind()), self.inner.postpone(stream, due)))
    }

    fn counts(&self) -> Answer<'_, Vec<(String, String, u64)>> {
        self.inner.counts()
    }

    fn once(&self, key: String) -> Answer<'_, Option<Once>> {
        self.inner.once(key)
    }

    fn head(&self) -> Answer<'_, Head> {
        self.inner.head()
    }

    fn entries(&self, from: u64, count: u32) -> Answer<'_, Vec<(u64, Vec<u8>)>> {
        self.inner.entries(from, count)
    }

    fn payload(&self, commitment: String) -> Answer<'_, Option<([u8; 32], Vec<u8>)>> {
        self.inner.payload(commitment)
    }

    fn inclusion(&self, index: u64, size: u64) -> Answer<'_, Vec<Hash>> {
        self.inner.inclusion(index, size)
    }

    fn consistency(&self, old: u64, new: u64) -> Answer<'_, Vec<Hash>> {
        self.inner.consistency(old, new)
    }

    fn take_epoch(&self) -> Answer<'_, u64> {
        Box::pin(self.commit("commit epoch".into(), self.inner.take_epoch()))
    }
}
