//! Reading an event back: entry and payload are believed only together, and only when they fit each other.

use lineclear_core::record::{Event, Happened, Stream};
use lineclear_core::situation::Actor;
use lineclear_ledger::{Entry, Hash};

use crate::prepared::COMMITTED;
use crate::{StoreError, Stored};

/// A ledger entry as it lies in the database, with the payload beside it.
pub(crate) struct Kept {
    pub(crate) index: u64,
    pub(crate) leaf: Hash,
    pub(crate) entry: Vec<u8>,
    pub(crate) payload: Option<([u8; 32], Vec<u8>)>,
}

impl Kept {
    /// The event, when every part of it fits: leaf hash, place, commitment, kind.
    pub(crate) fn open(self, stream: Stream, seq: u64) -> Result<Stored, StoreError> {
        let index = self.index;
        let spoilt = |why: String| StoreError::Corrupt { table: "entry", id: index.to_string(), why };
        let entry = Entry::parse(&self.entry).map_err(|error| spoilt(error.to_string()))?;
        if entry.leaf() != self.leaf {
            return Err(spoilt("its bytes have another leaf hash".into()));
        }
        if entry.stream() != stream.to_string() || entry.seq() != seq {
            return Err(spoilt(format!("it says that it is number {} of `{}`", entry.seq(), entry.stream())));
        }
        let id = entry.id().parse().map_err(|error| spoilt(format!("{error}")))?;
        let at = entry.time().parse().map_err(|error| spoilt(format!("{error}")))?;
        let by = actor(&entry).ok_or_else(|| spoilt(format!("`{}` is nobody that is `{}`", entry.by_id(), entry.by_kind())))?;
        let commitment = entry.commit().get(COMMITTED).ok_or_else(|| spoilt("it commits to no event".into()))?;
        let unfit = |why: &str| StoreError::Corrupt { table: "payload", id: commitment.hash.clone(), why: why.into() };
        let (salt, payload) = self.payload.ok_or_else(|| unfit("it is gone"))?;
        if !commitment.opens(&salt, &payload) {
            return Err(unfit("it does not open its commitment"));
        }
        let event: Event = serde_json::from_slice(&payload).map_err(|error| unfit(&error.to_string()))?;
        if event.kind() != entry.kind() {
            return Err(unfit("it is an event of another kind than its entry"));
        }
        Ok(Stored { happened: Happened { id, at, by, event, salt }, stream, seq, index, leaf: self.leaf })
    }
}

fn actor(entry: &Entry) -> Option<Actor> {
    match (entry.by_kind(), entry.by_id()) {
        ("agent", id) => id.parse().ok().map(Actor::Agent),
        ("operator", id) => id.parse().ok().map(Actor::Operator),
        ("engine", "engine") => Some(Actor::Engine),
        _ => None,
    }
}
