//! What lists ask for.

use lineclear_core::Timestamp;
use lineclear_core::record::{Row, Stream};

/// Most rows in one page.
pub const PAGE_MAX: u32 = 500;
/// Most state words in one query: no machine has as many.
pub const WORDS_MAX: usize = 64;
/// Most events in one answer of [`crate::Store::events`].
pub const EVENTS_PAGE_MAX: u32 = 10_000;
/// Most entries in one answer of [`crate::Store::entries`]: four full bundles.
pub const ENTRIES_PAGE_MAX: u32 = 1_024;

/// Which rows to list: newest begun first, ties by stream id, descending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowQuery {
    /// Machines of this kind (`change`, `approval`, `run`, `incident`); empty means every kind.
    pub kind: String,
    /// Only these state words, at most [`WORDS_MAX`]; empty means any.
    pub words: Vec<String>,
    /// Only what can still change, or only what cannot.
    pub open: Option<bool>,
    /// Only this key.
    pub key: Option<String>,
    /// Only rows after this one in the order of the list: the last row of the page before.
    pub after: Option<(Timestamp, Stream)>,
    /// At most this many; more than [`PAGE_MAX`] counts as that.
    pub limit: u32,
}

impl RowQuery {
    /// How many rows the page holds at most.
    pub(crate) fn page(&self) -> u32 {
        self.limit.min(PAGE_MAX)
    }

    /// The query, when it keeps its bounds.
    pub(crate) fn bounded(&self) -> Result<(), crate::StoreError> {
        if self.words.len() > WORDS_MAX { Err(crate::StoreError::Malformed("a query for more than 64 words")) } else { Ok(()) }
    }
}

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// Whether more follow.
    pub more: bool,
}
