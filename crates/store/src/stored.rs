//! What the store gives back.

use lineclear_core::record::{Happened, Stream};
use lineclear_ledger::Hash;

/// An event as it is kept, with its place in stream and ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What happened, when, by whom.
    pub happened: Happened,
    /// Whose history.
    pub stream: Stream,
    /// Its place in the stream, from 0.
    pub seq: u64,
    /// Its place in the ledger, from 0.
    pub index: u64,
    /// The leaf hash of its entry.
    pub leaf: Hash,
}

/// The newest state of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// How many entries.
    pub size: u64,
    /// Their root.
    pub root: Hash,
    /// The signed checkpoint of exactly this size.
    pub note: String,
}

/// What a commit led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The events as they are kept now, in the order of the batch.
    pub events: Vec<Stored>,
    /// The head whose signature was released after the commit returned; it covers these events.
    pub head: Head,
}
