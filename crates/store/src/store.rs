//! The operations of a store, whole ones only.

use std::future::Future;
use std::pin::Pin;

use lineclear_core::Timestamp;
use lineclear_core::record::{Row, Stream};
use lineclear_ledger::Hash;

use crate::{Batch, Committed, Head, Page, RowQuery, StoreError, Stored};

/// What every operation returns.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeping events and their ledger, as whole operations.
pub trait Store: Send + Sync {
    /// Commits a batch: events, payloads, entries, rows, head. Acknowledged only once it is durable; the checkpoint's
    /// signature leaves the store only after that. Dropping the future does not cancel the commit.
    fn append(&self, batch: Batch) -> Answer<'_, Committed>;
    /// The events of a stream, from `from` on, in order; an unknown stream has none. At most 10,000.
    fn events(&self, stream: Stream, from: u64) -> Answer<'_, Vec<Stored>>;
    /// The row of a stream.
    fn row(&self, stream: Stream) -> Answer<'_, Option<Row>>;
    /// A page of rows.
    fn rows(&self, query: RowQuery) -> Answer<'_, Page>;
    /// Open rows whose `due` is not after `now`, earliest first, at most [`crate::query::PAGE_MAX`].
    fn due(&self, now: Timestamp, limit: u32) -> Answer<'_, Vec<Row>>;
    /// Moves the moment at which a row is due again; no event, no record. An unknown stream is no error. For things that
    /// were looked at and had not changed.
    fn postpone(&self, stream: Stream, due: Option<Timestamp>) -> Answer<'_, ()>;
    /// How many rows of a kind stand at each word: for pages and metrics. `(kind, word, count)`.
    fn counts(&self) -> Answer<'_, Vec<(String, String, u64)>>;
    /// What an idempotency key led to.
    fn once(&self, key: String) -> Answer<'_, Option<crate::Once>>;
    /// The ledger's newest head.
    fn head(&self) -> Answer<'_, Head>;
    /// Exact bytes of ledger entries, from `from` on, at most `count` (1,024 at most). With each its place.
    fn entries(&self, from: u64, count: u32) -> Answer<'_, Vec<(u64, Vec<u8>)>>;
    /// The payload that a commitment hash (base64url) opens: salt and exact bytes; none when it was erased or never was.
    fn payload(&self, commitment: String) -> Answer<'_, Option<([u8; 32], Vec<u8>)>>;
    /// Proof that entry `index` is in the tree of `size`.
    fn inclusion(&self, index: u64, size: u64) -> Answer<'_, Vec<Hash>>;
    /// Proof that the tree of `new` continues the tree of `old`.
    fn consistency(&self, old: u64, new: u64) -> Answer<'_, Vec<Hash>>;
    /// Takes the next epoch: the fencing number of one engine's life, durable before it is answered.
    fn take_epoch(&self) -> Answer<'_, u64>;
}
