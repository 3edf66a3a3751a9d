//! A copy of the log that a stranger can check without us: a valid C2SP `tlog-tiles` directory with payloads beside it.
//!
//! ```text
//! checkpoint                       the signed note, written last: without it the copy is not finished
//! trust.txt                        verifier keys, one a line; an auditor should have them from elsewhere
//! manifest.json                    origin, size and root once more
//! tile/<level>/<n>[.p/<width>]     hashes
//! tile/entries/<n>[.p/<width>]     records
//! payloads/<commitment, hex>.json  or .bin: the payload as it was committed to
//! payloads/<commitment, hex>.salt  its salt, base64url
//! ```

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::canonical;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::commitment::{Commitment, SALT_LEN};
use crate::entry::{EntryError, View};
use crate::hash::Hash;
use crate::key::{KeyError, Verifier};
use crate::tile::{TILE_WIDTH, TileError, TilePath, encode_bundle, encode_tile};
use crate::tiler::{Tile, Tiler};
use crate::tree::leaf_hash;

/// What `manifest.json` calls this layout.
pub const EXPORT_FORMAT: &str = "lineclear-export/1";

/// Whatever the source of an export failed with.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// A salt and the payload it hides.
pub type SaltedPayload = ([u8; SALT_LEN], Vec<u8>);

/// Where an export takes the log from: one that does not change while it is read, such as one transaction.
pub trait ExportSource {
    /// The signed note of the head to export.
    fn checkpoint(&self) -> Result<String, SourceError>;
    /// The log's verifier key; further ones on further lines.
    fn vkey(&self) -> Result<String, SourceError>;
    /// The exact bytes of `count` records from index `from` on.
    fn entries(&self, from: u64, count: u32) -> Result<Vec<Vec<u8>>, SourceError>;
    /// Salt and payload of a commitment; nothing when it was erased.
    fn payload(&self, commitment: &Hash) -> Result<Option<SaltedPayload>, SourceError>;
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The head of the copy.
    pub checkpoint: Checkpoint,
    /// Payloads written.
    pub payloads: u64,
    /// Commitments without a payload at the source, erased or lost.
    pub payloads_absent: u64,
}

/// Why there is no export. A directory without `checkpoint` is an unfinished one.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Something is in the directory already.
    #[error("`{}` is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// A file could not be written.
    #[error("`{}` could not be written", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The source failed.
    #[error("the log could not be read")]
    Source(#[source] SourceError),
    /// The source's verifier key is none.
    #[error("the log's verifier key is unusable")]
    Key(#[from] KeyError),
    /// None of the verifier keys opens the checkpoint.
    #[error("the log's checkpoint does not open with its own key")]
    Checkpoint(#[source] CheckpointError),
    /// The source has fewer records than its checkpoint says.
    #[error("{found} records were found from {from} on, {needed} are needed")]
    Short {
        /// First record asked for.
        from: u64,
        /// How many were needed.
        needed: u32,
        /// How many came.
        found: usize,
    },
    /// A stored record is no record.
    #[error("record {index} is spoilt")]
    Record {
        /// Which.
        index: u64,
        /// What is wrong with it.
        #[source]
        source: EntryError,
    },
    /// A stored record does not fit a bundle.
    #[error("records from {from} on do not fit a bundle")]
    Bundle {
        /// First record of the bundle.
        from: u64,
        /// Why.
        #[source]
        source: TileError,
    },
    /// A stored payload is not the one committed to.
    #[error("record {index}: payload `{name}` does not open its commitment")]
    Payload {
        /// Which record.
        index: u64,
        /// Which payload.
        name: String,
    },
    /// The stored records are not the ones that were signed.
    #[error("the {0} stored records do not rebuild the signed root")]
    Root(u64),
}

/// Writes the log into `dir`, which is made if need be and must be empty. Refuses to write what [`crate::verify_export`] would refuse.
pub fn write_export(dir: &Path, source: &dyn ExportSource) -> Result<Exported, ExportError> {
    let note = source.checkpoint().map_err(ExportError::Source)?;
    let keys = source.vkey().map_err(ExportError::Source)?;
    let keys: Vec<Verifier> = keys.lines().map(Verifier::parse).collect::<Result<_, _>>()?;
    let checkpoint = open_with(&keys, &note)?;
    let mut copy = Copy::begin(dir, source)?;
    let mut tiler = Tiler::default();
    for n in 0..checkpoint.size.div_ceil(TILE_WIDTH) {
        copy.bundle(n, (checkpoint.size - n * TILE_WIDTH).min(TILE_WIDTH), &mut tiler)?;
    }
    tiler.partial().iter().try_for_each(|tile| copy.tile(tile))?;
    if tiler.root() != checkpoint.root {
        return Err(ExportError::Root(checkpoint.size));
    }
    copy.write("trust.txt", &trust_text(&keys))?;
    copy.write("manifest.json", &manifest_text(&checkpoint))?;
    copy.write("checkpoint", note.as_bytes())?;
    File::open(dir).and_then(|folder| folder.sync_all()).map_err(|source| ExportError::Io { path: dir.to_owned(), source })?;
    Ok(Exported { checkpoint, payloads: copy.payloads, payloads_absent: copy.absent })
}

/// One verifier key a line.
pub(crate) fn trust_text(keys: &[Verifier]) -> Vec<u8> {
    keys.iter().flat_map(|key| [key.to_string(), "\n".to_owned()]).collect::<String>().into_bytes()
}

/// The manifest of a checkpoint: the same bytes every time, so that a verifier can write it again and compare.
pub(crate) fn manifest_text(checkpoint: &Checkpoint) -> Vec<u8> {
    let (origin, size, root) = (&checkpoint.origin, checkpoint.size.to_string(), checkpoint.root.to_base64());
    let value = json!({"format": EXPORT_FORMAT, "log": "c2sp.org/tlog-tiles", "origin": origin, "root": root, "size": size});
    let mut text = canonical::write(&value).unwrap_or_default();
    text.push(b'\n');
    text
}

/// Where the payload and the salt of a commitment lie.
pub(crate) fn payload_paths(commitment: &Commitment, digest: &Hash) -> (String, String) {
    let kind = if commitment.media == "application/json" { "json" } else { "bin" };
    (format!("payloads/{digest}.{kind}"), format!("payloads/{digest}.salt"))
}

fn open_with(keys: &[Verifier], note: &str) -> Result<Checkpoint, ExportError> {
    let mut refused = CheckpointError::Shape;
    for key in keys {
        match key.open_checkpoint(note) {
            Ok(checkpoint) => return Ok(checkpoint),
            Err(error) => refused = error,
        }
    }
    Err(ExportError::Checkpoint(refused))
}

struct Copy<'a> {
    dir: &'a Path,
    source: &'a dyn ExportSource,
    payloads: u64,
    absent: u64,
}

impl<'a> Copy<'a> {
    fn begin(dir: &'a Path, source: &'a dyn ExportSource) -> Result<Self, ExportError> {
        let io = |source| ExportError::Io { path: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(io)?;
        if fs::read_dir(dir).map_err(io)?.next().is_some() {
            return Err(ExportError::NotEmpty(dir.to_owned()));
        }
        Ok(Self { dir, source, payloads: 0, absent: 0 })
    }

    fn bundle(&mut self, n: u64, width: u64, tiler: &mut Tiler) -> Result<(), ExportError> {
        let from = n * TILE_WIDTH;
        let needed = u32::try_from(width).unwrap_or(0);
        let records = self.source.entries(from, needed).map_err(ExportError::Source)?;
        if u32::try_from(records.len()) != Ok(needed) {
            return Err(ExportError::Short { from, needed, found: records.len() });
        }
        for (index, record) in (from..).zip(&records) {
            let view = View::parse(record).map_err(|source| ExportError::Record { index, source })?;
            for (name, commitment) in &view.commit {
                self.payload(index, name, commitment)?;
            }
            tiler.push(leaf_hash(record)).iter().try_for_each(|tile| self.tile(tile))?;
        }
        let bundle = encode_bundle(&records).map_err(|source| ExportError::Bundle { from, source })?;
        self.write(&TilePath::entries(n, u16::try_from(width).unwrap_or(0)).to_string(), &bundle)
    }

    fn tile(&self, (path, hashes): &Tile) -> Result<(), ExportError> {
        self.write(&path.to_string(), &encode_tile(hashes))
    }

    fn payload(&mut self, index: u64, name: &str, commitment: &Commitment) -> Result<(), ExportError> {
        let wrong = || ExportError::Payload { index, name: name.to_owned() };
        let digest = commitment.digest().ok_or_else(wrong)?;
        let Some((salt, bytes)) = self.source.payload(&digest).map_err(ExportError::Source)? else {
            self.absent += 1;
            return Ok(());
        };
        if !commitment.opens(&salt, &bytes) {
            return Err(wrong());
        }
        let (payload_path, salt_path) = payload_paths(commitment, &digest);
        self.write(&payload_path, &bytes)?;
        self.write(&salt_path, URL_SAFE_NO_PAD.encode(salt).as_bytes())?;
        self.payloads += 1;
        Ok(())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
        let path = self.dir.join(name);
        let written = || {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            let mut file = File::create(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        written().map_err(|source| ExportError::Io { path: path.clone(), source })
    }
}
