//! Keeping: events and their ledger entries are committed together or not at all, and nothing acts before they are.
//!
//! [`Store`] holds whole operations, never "run this SQL". Every backend passes the one conformance suite, with
//! [`Memory`] as the oracle.

pub mod batch;
pub mod error;
pub mod memory;
mod opened;
mod prepared;
pub mod query;
pub mod sqlite;
pub mod store;
pub mod stored;

pub use batch::{APPENDS_MAX, Append, Batch, Guard, Once};
pub use error::StoreError;
pub use memory::Memory;
pub use query::{Page, RowQuery};
pub use sqlite::Sqlite;
pub use store::{Answer, Store};
pub use stored::{Committed, Head, Stored};
