//! A batch that was checked, with everything sealed that does not depend on where it lands: what every backend starts from.

use std::collections::BTreeSet;

use lineclear_core::Timestamp;
use lineclear_core::digest::canonical;
use lineclear_core::record::{Event, Happened, Leaf, Row, Stream};
use lineclear_ledger::{Commitment, Draft, Entry, Hash, commit_payload};

use crate::batch::{APPENDS_MAX, EVENTS_MAX, GUARDS_MAX, ONCE_KEY_MAX, PAYLOAD_MAX};
use crate::{Batch, Guard, Once, StoreError, Stored};

/// The name of the event's commitment in its ledger entry.
pub(crate) const COMMITTED: &str = "event";
/// Its media type: RFC 8785 JSON.
const MEDIA: &str = "application/json";

/// A batch without a fault of its own.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) guards: Vec<Guard>,
    pub(crate) appends: Vec<PreparedAppend>,
    pub(crate) once: Option<Once>,
}

/// Events for one stream.
#[derive(Debug)]
pub(crate) struct PreparedAppend {
    pub(crate) stream: Stream,
    pub(crate) expect: u64,
    pub(crate) events: Vec<PreparedEvent>,
    pub(crate) row: Row,
}

/// An event with its payload and the commitment to it.
#[derive(Debug)]
pub(crate) struct PreparedEvent {
    pub(crate) happened: Happened,
    pub(crate) payload: Vec<u8>,
    /// The hash of `commitment`, as bytes.
    pub(crate) hash: Hash,
    commitment: Commitment,
}

impl Prepared {
    /// Checks a batch and writes its payloads down, once and for all.
    pub(crate) fn new(batch: Batch) -> Result<Self, StoreError> {
        check_shape(&batch)?;
        let appends = batch.appends.into_iter().map(|append| {
            let kind = append.stream.kind();
            let events = append.events.into_iter().map(|happened| PreparedEvent::new(happened, kind)).collect::<Result<_, _>>()?;
            Ok(PreparedAppend { stream: append.stream, expect: append.expect, events, row: append.row })
        });
        Ok(Self { guards: batch.guards, appends: appends.collect::<Result<_, StoreError>>()?, once: batch.once })
    }

    /// What an idempotency key that was used before means for this batch.
    pub(crate) fn check_once(&self, used: Option<&Once>) -> Result<(), StoreError> {
        match (&self.once, used) {
            (Some(now), Some(used)) if now.digest == used.digest => Err(StoreError::Repeated { stream: used.stream }),
            (Some(_), Some(_)) => Err(StoreError::KeyReused),
            (_, None) | (None, _) => Ok(()),
        }
    }
}

/// Whether a stream has as many events as somebody believed.
pub(crate) fn check_length(stream: Stream, expected: u64, found: u64) -> Result<(), StoreError> {
    if expected == found { Ok(()) } else { Err(StoreError::Conflict { stream, expected, found }) }
}

fn check_shape(batch: &Batch) -> Result<(), StoreError> {
    let streams: BTreeSet<Stream> = batch.appends.iter().map(|append| append.stream).collect();
    let fault = match batch {
        _ if batch.appends.is_empty() => "it appends nothing",
        _ if batch.appends.len() > APPENDS_MAX => "more than 128 appends",
        _ if batch.guards.len() > GUARDS_MAX => "more than 8 guards",
        _ if streams.len() != batch.appends.len() => "two appends to one stream",
        _ if batch.appends.iter().any(|append| append.events.is_empty()) => "an append without events",
        _ if batch.appends.iter().any(|append| append.events.len() > EVENTS_MAX) => "more than 64 events in one append",
        _ if batch.appends.iter().any(|append| append.row.stream != append.stream) => "the row of another stream",
        _ if batch.once.as_ref().is_some_and(|once| once.key.is_empty()) => "an empty idempotency key",
        _ if batch.once.as_ref().is_some_and(|once| once.key.len() > ONCE_KEY_MAX) => "an idempotency key of more than 200 bytes",
        _ => return Ok(()),
    };
    Err(StoreError::Malformed(fault))
}

impl PreparedEvent {
    fn new(happened: Happened, kind: &str) -> Result<Self, StoreError> {
        if machine(&happened.event) != kind {
            return Err(StoreError::Malformed("an event of another kind of machine than its stream"));
        }
        let payload = canonical(&happened.event).map_err(|error| StoreError::Entry(error.to_string()))?;
        if payload.len() > PAYLOAD_MAX {
            return Err(StoreError::Entry(format!("`{}` has a payload of {} bytes, at most 1048576 are kept", happened.id, payload.len())));
        }
        // Canonical JSON silently changes numbers beyond 2^53: what cannot be read back must not get an index.
        if serde_json::from_slice::<Event>(&payload).ok().as_ref() != Some(&happened.event) {
            return Err(StoreError::Entry(format!("`{}` cannot be read back from its payload", happened.id)));
        }
        let commitment = commit_payload(&happened.salt, &payload, MEDIA);
        let hash = commitment.digest().ok_or_else(|| StoreError::Entry(format!("`{}` has no commitment", happened.id)))?;
        Ok(Self { happened, payload, hash, commitment })
    }

    /// When it counts as committed: time in a log never falls, and commands may be committed in another order than they
    /// were decided in.
    pub(crate) fn at(&self, last: Timestamp) -> Timestamp {
        self.happened.at.max(last)
    }

    /// The ledger entry at its place in a stream.
    pub(crate) fn seal(&self, log: &str, stream: Stream, seq: u64, prev: Option<Hash>, at: Timestamp) -> Result<Entry, StoreError> {
        let Leaf { kind, by_kind, by_id, body, links } = self.happened.leaf();
        let draft = Draft {
            log: log.to_owned(),
            stream: stream.to_string(),
            seq,
            prev,
            id: self.happened.id.to_string(),
            kind,
            time: at.to_string(),
            by_kind: by_kind.to_owned(),
            by_id,
            body,
            commit: [(COMMITTED.to_owned(), self.commitment.clone())].into(),
            links,
        };
        draft.seal().map_err(|error| StoreError::Entry(format!("`{}`: {error}", self.happened.id)))
    }

    /// The event as it is kept there.
    pub(crate) fn stored(&self, stream: Stream, seq: u64, index: u64, leaf: Hash, at: Timestamp) -> Stored {
        Stored { happened: Happened { at, ..self.happened.clone() }, stream, seq, index, leaf }
    }

    /// The refusal of an id that the ledger has already.
    pub(crate) fn id_taken(&self) -> StoreError {
        StoreError::Entry(format!("the id `{}` was used before", self.happened.id))
    }

    /// The refusal of a salt that already blinds the same payload: one erasure would take both.
    pub(crate) fn salt_taken(&self) -> StoreError {
        StoreError::Entry(format!("the salt of `{}` was used before for the same payload", self.happened.id))
    }
}

const fn machine(event: &Event) -> &'static str {
    match event {
        Event::Installation(_) => "installation",
        Event::Approval(_) => "approval",
        Event::Change(_) => "change",
        Event::Delivery(_) => "delivery",
        Event::Deployment(_) => "deployment",
        Event::Emergency(_) => "emergency",
        Event::Incident(_) => "incident",
        Event::Lane(_) => "lane",
        Event::Page(_) => "page",
        Event::Patch(_) => "patch",
        Event::Revision(_) => "revision",
        Event::Run(_) => "run",
        Event::Runner(_) => "runner",
    }
}
