//! A store that breaks where a story wants it to: before a commit, or after it and before anybody hears of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lineclear_core::Timestamp;
use lineclear_core::record::{Row, Stream};
use lineclear_ledger::Hash;
use lineclear_store::{Answer, Batch, Committed, Head, Memory, Once, Page, RowQuery, Store, StoreError, Stored};

/// How a store breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The commit does not happen.
    BeforeCommit,
    /// The commit happens, and the answer is lost.
    AfterCommit,
}

/// A store in memory that breaks at one append, and stays broken until it is mended.
#[derive(Debug)]
pub struct Brittle {
    inner: Memory,
    appends: AtomicU64,
    plan: Mutex<Option<(u64, Break)>>,
    broken: AtomicBool,
}

impl Brittle {
    /// A store that holds.
    pub fn new(inner: Memory) -> Self {
        Self { inner, appends: AtomicU64::new(0), plan: Mutex::new(None), broken: AtomicBool::new(false) }
    }

    fn plan(&self) -> MutexGuard<'_, Option<(u64, Break)>> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Breaks at the `count`th append from now on; the first is 1.
    pub fn breaks_at(&self, count: u64, how: Break) {
        let at = self.appends.load(Ordering::SeqCst) + count;
        *self.plan() = Some((at, how));
    }

    /// Holds again.
    pub fn mend(&self) {
        *self.plan() = None;
        self.broken.store(false, Ordering::SeqCst);
    }

    /// Whether it broke.
    pub fn broken(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
    }

    /// How many appends were asked for.
    pub fn appends(&self) -> u64 {
        self.appends.load(Ordering::SeqCst)
    }

    fn usable(&self) -> Result<&Memory, StoreError> {
        if self.broken() { Err(StoreError::Database("the disk is gone".into())) } else { Ok(&self.inner) }
    }

    async fn try_append(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.usable()?;
        let number = self.appends.fetch_add(1, Ordering::SeqCst) + 1;
        let breaks = self.plan().filter(|(at, _)| *at == number).map(|(_, how)| how);
        if breaks.is_some() {
            self.broken.store(true, Ordering::SeqCst);
        }
        if breaks != Some(Break::BeforeCommit) {
            let committed = self.inner.append(batch).await?;
            if breaks.is_none() {
                return Ok(committed);
            }
        }
        Err(StoreError::Database("the disk is gone".into()))
    }
}

impl Store for Brittle {
    fn append(&self, batch: Batch) -> Answer<'_, Committed> {
        Box::pin(self.try_append(batch))
    }

    fn events(&self, stream: Stream, from: u64) -> Answer<'_, Vec<Stored>> {
        Box::pin(async move { self.usable()?.events(stream, from).await })
    }

    fn row(&self, stream: Stream) -> Answer<'_, Option<Row>> {
        Box::pin(async move { self.usable()?.row(stream).await })
    }

    fn rows(&self, query: RowQuery) -> Answer<'_, Page> {
        Box::pin(async move { self.usable()?.rows(query).await })
    }

    fn due(&self, now: Timestamp, limit: u32) -> Answer<'_, Vec<Row>> {
        Box::pin(async move { self.usable()?.due(now, limit).await })
    }

    fn postpone(&self, stream: Stream, due: Option<Timestamp>) -> Answer<'_, ()> {
        Box::pin(async move { self.usable()?.postpone(stream, due).await })
    }

    fn counts(&self) -> Answer<'_, Vec<(String, String, u64)>> {
        Box::pin(async move { self.usable()?.counts().await })
    }

    fn once(&self, key: String) -> Answer<'_, Option<Once>> {
        Box::pin(async move { self.usable()?.once(key).await })
    }

    fn head(&self) -> Answer<'_, Head> {
        Box::pin(async move { self.usable()?.head().await })
    }

    fn entries(&self, from: u64, count: u32) -> Answer<'_, Vec<(u64, Vec<u8>)>> {
        Box::pin(async move { self.usable()?.entries(from, count).await })
    }

    fn payload(&self, commitment: String) -> Answer<'_, Option<([u8; 32], Vec<u8>)>> {
        Box::pin(async move { self.usable()?.payload(commitment).await })
    }

    fn inclusion(&self, index: u64, size: u64) -> Answer<'_, Vec<Hash>> {
        Box::pin(async move { self.usable()?.inclusion(index, size).await })
    }

    fn consistency(&self, old: u64, new: u64) -> Answer<'_, Vec<Hash>> {
        Box::pin(async move { self.usable()?.consistency(old, new).await })
    }

    fn take_epoch(&self) -> Answer<'_, u64> {
        Box::pin(async move { self.usable()?.take_epoch().await })
    }
}
