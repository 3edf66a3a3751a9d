//! One record of the log: what it must say, and the exact bytes that its leaf hash covers.
//!
//! A record is written canonically once, at the edge, and never serialised again: everything after that holds on to its bytes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::canonical;
pub use crate::canonical::{JsonFault, ValueFault};
use crate::commitment::Commitment;
use crate::hash::Hash;
use crate::tree::leaf_hash;

mod view;
pub(crate) use view::View;

/// Bytes in one record at most. A C2SP bundle cannot hold more than 65,535; bulk goes into payloads.
pub const ENTRY_MAX_BYTES: usize = 32 * 1024;

/// The profile's version, the member `v`.
pub const ENTRY_VERSION: i64 = 1;

/// `seq` of a stream's first record, the only one without `prev`.
pub const FIRST_SEQ: u64 = 0;

/// A record before it is sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Origin of the log it is for: `host/installation/e1`.
    pub log: String,
    /// The stream it continues, such as one change.
    pub stream: String,
    /// Its place in the stream, counted from [`FIRST_SEQ`] without gaps.
    pub seq: u64,
    /// Leaf hash of the stream's previous record; nothing for the first.
    pub prev: Option<Hash>,
    /// Unique in the log: repeating a command with the same id adds nothing.
    pub id: String,
    /// `name/major`, such as `change.cleared/1`.
    pub kind: String,
    /// `2026-11-22T02:14:07.123456Z`: UTC, always six digits.
    pub time: String,
    /// What kind of party did it.
    pub by_kind: String,
    /// Which one.
    pub by_id: String,
    /// An object without floats, without personal data and without free text.
    pub body: Value,
    /// Payloads that lie beside the log, by name.
    pub commit: BTreeMap<String, Commitment>,
    /// Our own ids of related things, by name.
    pub links: BTreeMap<String, String>,
}

/// Why a draft or bytes are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Longer than [`ENTRY_MAX_BYTES`].
    #[error("a record of {0} bytes, at most 32768 are allowed")]
    TooLong(usize),
    /// Not canonical JSON of our profile.
    #[error(transparent)]
    Json(#[from] JsonFault),
    /// A draft that canonical JSON would change.
    #[error(transparent)]
    Value(#[from] ValueFault),
    /// A member is missing, in the wrong place, or something stands there that we do not know.
    #[error("member `{0}` is not where it belongs")]
    Shape(&'static str),
    /// A member holds something that it must not.
    #[error("member `{member}` is not {expected}")]
    Member {
        /// Its name.
        member: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A record of a profile that this program does not know.
    #[error("a record of version {0}, only 1 is known")]
    Version(i64),
}

impl Draft {
    /// The record, once and for all. Refuses whatever [`Entry::parse`] would refuse, so no record with an index is ever unreadable.
    pub fn seal(&self) -> Result<Entry, EntryError> {
        let value = json!({
            "body": self.body,
            "by": {"id": self.by_id, "kind": self.by_kind},
            "commit": self.commit,
            "id": self.id,
            "kind": self.kind,
            "links": self.links,
            "log": self.log,
            "prev": self.prev.map(|prev| prev.to_base64url()),
            "seq": self.seq,
            "sign": [],
            "stream": self.stream,
            "time": self.time,
            "v": ENTRY_VERSION,
        });
        Entry::parse(&canonical::write(&value)?)
    }
}

/// A record that keeps the exact bytes its leaf hash covers.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    // INVARIANT: `bytes` are canonical and everything below was read from them; upheld by `parse`, the only constructor.
    bytes: Vec<u8>,
    leaf: Hash,
    draft: Draft,
}

impl Entry {
    /// Reads a record strictly: size, UTF-8, RFC 8785 spelling, integers within ±(2^53 − 1), depth, known members, version, time.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        let view = View::parse(bytes)?;
        let body = serde_json::from_slice(view.body).map_err(|_| EntryError::Shape("body"))?;
        let draft = Draft {
            log: view.log.into_owned(),
            stream: view.stream.into_owned(),
            seq: view.seq,
            prev: view.prev,
            id: view.id.into_owned(),
            kind: view.kind.into_owned(),
            time: view.time.into_owned(),
            by_kind: view.by_kind.into_owned(),
            by_id: view.by_id.into_owned(),
            body,
            commit: view.commit,
            links: view.links,
        };
        Ok(Self { leaf: leaf_hash(bytes), bytes: bytes.to_vec(), draft })
    }

    /// The bytes to store, exactly.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes to store, exactly, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// SHA-256(0x00 ‖ bytes).
    pub const fn leaf(&self) -> Hash {
        self.leaf
    }

    /// What the record says, as it was before sealing.
    pub const fn draft(&self) -> &Draft {
        &self.draft
    }

    /// Origin of its log.
    pub fn log(&self) -> &str {
        &self.draft.log
    }

    /// The stream it continues.
    pub fn stream(&self) -> &str {
        &self.draft.stream
    }

    /// Its place in the stream.
    pub const fn seq(&self) -> u64 {
        self.draft.seq
    }

    /// Leaf hash of the stream's previous record.
    pub const fn prev(&self) -> Option<Hash> {
        self.draft.prev
    }

    /// Unique in the log.
    pub fn id(&self) -> &str {
        &self.draft.id
    }

    /// `name/major`.
    pub fn kind(&self) -> &str {
        &self.draft.kind
    }

    /// RFC 3339, UTC, six digits: compares as text.
    pub fn time(&self) -> &str {
        &self.draft.time
    }

    /// What kind of party did it.
    pub fn by_kind(&self) -> &str {
        &self.draft.by_kind
    }

    /// Which one.
    pub fn by_id(&self) -> &str {
        &self.draft.by_id
    }

    /// The caller's object.
    pub const fn body(&self) -> &Value {
        &self.draft.body
    }

    /// Payloads beside the log.
    pub const fn commit(&self) -> &BTreeMap<String, Commitment> {
        &self.draft.commit
    }

    /// Related ids.
    pub const fn links(&self) -> &BTreeMap<String, String> {
        &self.draft.links
    }
}

#[cfg(test)]
mod tests;
