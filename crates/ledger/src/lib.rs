//! The transparency log: records, the tree over them, signed checkpoints, proofs, exports and the offline verifier.
//!
//! It proves **what was recorded, not that it was allowed**, and it knows no word of the domain: a record's `kind` and `body` are the
//! caller's. Formats are the public ones, so that a stranger's tool can check everything: RFC 6962 trees, RFC 8785 records,
//! and C2SP `signed-note`, `tlog-checkpoint`, `tlog-tiles` and `tlog-proof`.
//!
//! The parsers ([`Entry::parse`], [`open`], [`Checkpoint::parse`], [`Ticket::parse`], [`decode_tile`], [`decode_bundle`],
//! [`TilePath::parse`]) are pure functions over bytes that never panic. Only [`Guard`], [`write_export`] and [`verify_export`] touch files.

mod canonical;
mod checkpoint;
mod commitment;
mod entry;
mod export;
mod guard;
mod hash;
mod key;
mod note;
mod proof;
mod ticket;
mod tile;
mod tiler;
mod tree;
mod verify;

pub use checkpoint::{Checkpoint, CheckpointError, Signed};
pub use commitment::{COMMIT_ALG, Commitment, SALT_LEN, commit_payload};
pub use entry::{Draft, ENTRY_MAX_BYTES, ENTRY_VERSION, Entry, EntryError, FIRST_SEQ, JsonFault, ValueFault};
pub use export::{EXPORT_FORMAT, ExportError, ExportSource, Exported, SaltedPayload, SourceError, write_export};
pub use guard::{Guard, GuardError};
pub use hash::{Hash, HashError};
pub use key::{KeyError, LogKey, Verifier};
pub use note::{NOTE_MAX_BYTES, NoteError, SIGNATURES_MAX, open, sign};
pub use proof::{
    Hashes, MemoryError, MemoryHashes, PROOF_MAX_HASHES, ProofError, ProofInvalid, consistency_proof, inclusion_proof, root_at,
    verify_consistency, verify_inclusion,
};
pub use ticket::{TICKET_MAX_BYTES, Ticket, TicketError};
pub use tile::{
    BUNDLE_MAX_BYTES, TILE_WIDTH, TileError, TileKind, TilePath, decode_bundle, decode_tile, encode_bundle, encode_tile, full_tiles,
    partial_width,
};
pub use tree::{Edge, EdgeError, empty_root, leaf_hash, node_hash};
pub use verify::{Finding, FindingKind, Gravity, Report, Status, TrustSource, verify_export};
