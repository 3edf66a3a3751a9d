//! Why an operation of the store failed.

use lineclear_core::record::Stream;

/// Why an operation of the store failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The stream has another number of events than expected: somebody else was first. Load and decide again.
    #[error("stream `{stream}` has {found} events, not {expected}")]
    Conflict {
        /// Which stream.
        stream: Stream,
        /// As expected.
        expected: u64,
        /// As found.
        found: u64,
    },
    /// The idempotency key was used before for the same command; nothing was committed now.
    #[error("this command was carried out before, as `{stream}`")]
    Repeated {
        /// What it led to.
        stream: Stream,
    },
    /// The idempotency key was used before for another command.
    #[error("this idempotency key was used before for something else")]
    KeyReused,
    /// A batch that is empty, too large, or not of one piece.
    #[error("the batch is malformed: {0}")]
    Malformed(&'static str),
    /// The event fits no ledger entry.
    #[error("an event fits no ledger entry: {0}")]
    Entry(String),
    /// A row that fits no state.
    #[error("table `{table}` holds a row `{id}` that fits no state: {why}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which row.
        id: String,
        /// Why.
        why: String,
    },
    /// The database failed, or is gone.
    #[error("the database failed: {0}")]
    Database(String),
    /// The database cannot be opened: its version, its lock, its schema, its key.
    #[error("the database cannot be opened: {0}")]
    Open(String),
    /// The store was shut down.
    #[error("the store is shut down")]
    Closed,
}
