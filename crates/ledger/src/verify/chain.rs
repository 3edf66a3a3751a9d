//! What one record says about the others: streams without gaps, chained hashes, ids used once, one log, time that does not fall.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::report::{FindingKind, Gravity, Report};
use crate::entry::{FIRST_SEQ, View};
use crate::hash::Hash;

/// Bytes of an id's digest that are kept: no two of 10^12 ids share sixteen.
const ID_BYTES: usize = 16;

/// The state of all streams after the records seen so far.
pub(super) struct Chain {
    origin: String,
    streams: BTreeMap<String, Last>,
    ids: Vec<([u8; ID_BYTES], u64)>,
    time: String,
    /// Records are missing by now, so a stream may have gone on unseen.
    holed: bool,
}

struct Last {
    index: u64,
    seq: u64,
    leaf: Hash,
}

impl Chain {
    pub(super) fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), streams: BTreeMap::new(), ids: Vec::new(), time: String::new(), holed: false }
    }

    pub(super) const fn hole(&mut self) {
        self.holed = true;
    }

    pub(super) fn record(&mut self, index: u64, leaf: Hash, view: &View<'_>, report: &mut Report) {
        let mut chain = |text: String| report.find(Gravity::Tampered, FindingKind::Chain, Some(index), text);
        if view.log != self.origin {
            chain(format!("record {index}: written for the log `{}`", view.log));
        }
        if *view.time < *self.time {
            chain(format!("record {index}: time falls from {} to {}", self.time, view.time));
        } else {
            (*view.time).clone_into(&mut self.time);
        }
        let stream = &*view.stream;
        let holed = self.holed;
        if let Some(last) = self.streams.get_mut(stream) {
            if view.seq <= last.seq {
                chain(format!("record {index}: stream `{stream}` repeats {}, record {} was {}", view.seq, last.index, last.seq));
            } else if view.seq > last.seq + 1 && !holed {
                let missing = gap(last.seq + 1, view.seq - 1);
                chain(format!("record {index}: stream `{stream}` goes from {} to {}: {missing} missing", last.seq, view.seq));
            } else if view.seq == last.seq + 1 && view.prev != Some(last.leaf) {
                chain(format!("record {index}: `prev` is not the hash of record {}, the one before it in `{stream}`", last.index));
            }
            *last = Last { index, seq: view.seq, leaf };
        } else {
            if view.seq != FIRST_SEQ && !holed {
                let missing = gap(FIRST_SEQ, view.seq - 1);
                chain(format!("record {index}: stream `{stream}` begins with {}: {missing} missing", view.seq));
            }
            self.streams.insert(stream.to_owned(), Last { index, seq: view.seq, leaf });
        }
        let digest: [u8; 32] = Sha256::digest(view.id.as_bytes()).into();
        self.ids.extend(digest.first_chunk::<ID_BYTES>().map(|id| (*id, index)));
    }

    pub(super) fn finish(&mut self, report: &mut Report) {
        self.ids.sort_unstable();
        for ((one, first), (other, index)) in self.ids.iter().zip(self.ids.iter().skip(1)) {
            if one == other {
                let text = format!("record {index}: has the id of record {first}");
                report.find(Gravity::Tampered, FindingKind::Chain, Some(*index), text);
            }
        }
        self.ids = Vec::new();
    }
}

fn gap(from: u64, until: u64) -> String {
    if from == until { format!("{from} is") } else { format!("{from} to {until} are") }
}
