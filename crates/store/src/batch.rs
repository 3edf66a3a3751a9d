//! What is committed together.

use lineclear_core::Digest;
use lineclear_core::record::{Happened, Row, Stream};

/// Most appends in one batch: a change, its approval, its run and room, and the deliveries of the notices that they owe, of
/// which one notice has at most 100.
pub const APPENDS_MAX: usize = 128;
/// Most guards in one batch: the installation, an incident, and room.
pub const GUARDS_MAX: usize = 8;
/// Most events in one append: what one command leads to, times ten.
pub const EVENTS_MAX: usize = 64;
/// Longest payload of an event, in bytes: a proposal with its dossier and bundle, times ten.
pub const PAYLOAD_MAX: usize = 1 << 20;
/// Longest idempotency key, in bytes.
pub const ONCE_KEY_MAX: usize = 200;

/// Events to append to one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Whose history.
    pub stream: Stream,
    /// How many events the stream has now; another number is a conflict, and nothing of the batch is committed.
    pub expect: u64,
    /// What happened, in order; at least one, at most [`EVENTS_MAX`], each with a payload of at most [`PAYLOAD_MAX`].
    pub events: Vec<Happened>,
    /// The machine's row after these events.
    pub row: Row,
}

/// A key that makes a repeated command the same command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Scoped by its caller: `agent_… 01J…`. At most [`ONCE_KEY_MAX`] bytes.
    pub key: String,
    /// Digest of what was asked; the same key with another digest is a conflict, never "insert or ignore".
    pub digest: Digest,
    /// What it led to.
    pub stream: Stream,
}

/// A stream that must not have moved, checked inside the transaction: what a decision was read from but does not change,
/// such as the installation's posture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Which stream.
    pub stream: Stream,
    /// How many events it must have; another number is a conflict, and nothing of the batch is committed.
    pub expect: u64,
}

/// What is committed together: all of it, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Streams that must not have moved, at most [`GUARDS_MAX`].
    pub guards: Vec<Guard>,
    /// Appends to different streams, at most [`APPENDS_MAX`].
    pub appends: Vec<Append>,
    /// The idempotency key, if the command came with one.
    pub once: Option<Once>,
}
