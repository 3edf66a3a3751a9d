//! The pass over all records: read bundles, rebuild tiles and root, and hold each record against the profile.

use super::Seen;
use super::chain::Chain;
use super::folder::{Folder, Unread};
use super::payloads::Payloads;
use super::report::{FindingKind, Gravity, Report};
use crate::checkpoint::Checkpoint;
use crate::entry::View;
use crate::hash::Hash;
use crate::tile::{BUNDLE_MAX_BYTES, TILE_WIDTH, TileKind, TilePath, decode_bundle, decode_tile};
use crate::tiler::{Tile, Tiler};
use crate::tree::leaf_hash;

/// Bytes of a tile at most.
const TILE_MAX_BYTES: usize = 8_192;

/// Bundles that may be missing together with their tiles before the search ends: a forged size could name 2^55 of them.
const LOST_MAX: u32 = 100;

/// The state of one pass.
pub(super) struct Records<'a, 'r> {
    folder: &'a Folder<'a>,
    head: &'a Checkpoint,
    report: &'r mut Report,
    seen: Seen,
    tiler: Tiler,
    chain: Chain,
    payloads: Payloads,
    /// Tiles that differ from what the records rebuild, and the first hash that does.
    differing: Vec<(TilePath, usize)>,
    /// Bundles of which not even the hashes are there. From the first one on there is no tree, only records.
    lost: u32,
}

impl<'a, 'r> Records<'a, 'r> {
    pub(super) fn new(folder: &'a Folder<'a>, head: &'a Checkpoint, seen: Seen, report: &'r mut Report) -> Self {
        let (chain, payloads) = (Chain::new(&head.origin), Payloads::default());
        Self { folder, head, report, seen, tiler: Tiler::default(), chain, payloads, differing: Vec::new(), lost: 0 }
    }

    /// The rebuilt root, unless so much is missing that there is none.
    pub(super) fn run(&mut self) -> Option<Hash> {
        self.passed(0);
        for n in 0..self.head.size.div_ceil(TILE_WIDTH) {
            self.bundle(n, (self.head.size - n * TILE_WIDTH).min(TILE_WIDTH));
            if self.lost >= LOST_MAX {
                let text = format!("nothing after record {} was looked at: too much is missing", n * TILE_WIDTH);
                self.report.find(Gravity::Incomplete, FindingKind::Bundle, None, text);
                break;
            }
        }
        self.chain.finish(self.report);
        self.payloads.finish(self.report);
        if self.lost > 0 {
            self.explain(false);
            return None;
        }
        for tile in self.tiler.partial() {
            self.tile(&tile);
        }
        let root = self.tiler.root();
        self.explain(root == self.head.root);
        Some(root)
    }

    pub(super) fn finish(self) -> (Seen, Payloads) {
        (self.seen, self.payloads)
    }

    /// Reads one bundle, or what is left of it.
    fn bundle(&mut self, n: u64, width: u64) {
        let path = TilePath::entries(n, u16::try_from(width).unwrap_or(0));
        let (from, needed) = (n * TILE_WIDTH, path.count());
        let bytes = match self.folder.read(&path.to_string(), BUNDLE_MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(Unread::Missing) => {
                let text = format!("records {from} to {} are missing: there is no `{path}`", from + width - 1);
                self.report.find(Gravity::Incomplete, FindingKind::Bundle, Some(from), text);
                return self.skip(n, 0, needed);
            }
            Err(Unread::Unfit(text)) => {
                self.report.find(Gravity::Tampered, FindingKind::Bundle, Some(from), text);
                return self.skip(n, 0, needed);
            }
        };
        let records = match decode_bundle(&bytes) {
            Ok(records) => records,
            Err(error) => {
                let text = format!("records {from} to {}: `{path}` is {error}", from + width - 1);
                self.report.find(Gravity::Tampered, FindingKind::Bundle, Some(from), text);
                return self.skip(n, 0, needed);
            }
        };
        if records.len() != needed {
            let text = format!("`{path}` holds {} records where {needed} belong", records.len());
            self.report.find(Gravity::Tampered, FindingKind::Bundle, Some(from), text);
        }
        for (index, record) in (from..).zip(records.iter().take(needed)) {
            self.record(index, record);
        }
        if records.len() < needed {
            self.skip(n, records.len(), needed);
        }
    }

    fn record(&mut self, index: u64, bytes: &[u8]) {
        self.report.entries += 1;
        let leaf = leaf_hash(bytes);
        match View::parse(bytes) {
            Ok(view) => {
                self.chain.record(index, leaf, &view, self.report);
                self.payloads.record(index, &view, self.folder, self.report);
            }
            Err(error) => self.report.find(Gravity::Tampered, FindingKind::Record, Some(index), format!("record {index}: {error}")),
        }
        if let Some(wanted) = self.seen.leaves.get_mut(&index) {
            *wanted = Some(leaf);
        }
        self.leaf(index, leaf);
    }

    fn leaf(&mut self, index: u64, leaf: Hash) {
        if self.lost > 0 {
            return;
        }
        for tile in self.tiler.push(leaf) {
            self.tile(&tile);
        }
        self.passed(index + 1);
    }

    /// Notes the root at a size that a kept head speaks of.
    fn passed(&mut self, size: u64) {
        if let Some(wanted) = self.seen.roots.get_mut(&size) {
            *wanted = Some(self.tiler.root());
        }
    }

    /// Goes on with the hashes of the leaf tile where records are missing, so that everything after them is still checked.
    fn skip(&mut self, n: u64, from: usize, needed: usize) {
        self.chain.hole();
        self.payloads.hole();
        let path = TilePath::hashes(0, n, u16::try_from(needed).unwrap_or(0));
        let hashes = self.folder.read(&path.to_string(), TILE_MAX_BYTES).ok().and_then(|bytes| decode_tile(&bytes).ok());
        let Some(hashes) = hashes.filter(|hashes| hashes.len() == needed) else {
            if self.lost == 0 {
                let text = format!("the root cannot be rebuilt: neither the records nor `{path}` are there");
                self.report.find(Gravity::Incomplete, FindingKind::Root, None, text);
            }
            self.lost += 1;
            return;
        };
        for (index, leaf) in (n * TILE_WIDTH..).zip(hashes).skip(from) {
            self.leaf(index, leaf);
        }
    }

    /// Compares a rebuilt tile with the one in the export.
    fn tile(&mut self, (path, rebuilt): &Tile) {
        let bytes = match self.folder.read(&path.to_string(), TILE_MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(Unread::Missing) => {
                self.report.find(Gravity::Incomplete, FindingKind::Tile, None, format!("`{path}` is missing"));
                return;
            }
            Err(Unread::Unfit(text)) => {
                self.report.find(Gravity::Tampered, FindingKind::Tile, None, text);
                return;
            }
        };
        match decode_tile(&bytes) {
            Ok(found) if found.len() == rebuilt.len() => {
                let first = found.iter().zip(rebuilt).position(|(found, rebuilt)| found != rebuilt);
                self.differing.extend(first.map(|first| (*path, first)));
            }
            Ok(found) => {
                let text = format!("`{path}` holds {} hashes where {} belong", found.len(), rebuilt.len());
                self.report.find(Gravity::Tampered, FindingKind::Tile, None, text);
            }
            Err(error) => self.report.find(Gravity::Tampered, FindingKind::Tile, None, format!("`{path}` is {error}")),
        }
    }

    /// Says of each differing tile whether the tile or the record was changed: the signed root knows.
    fn explain(&mut self, root_fits: bool) {
        let blamed = self.differing.iter().any(|(path, _)| path.kind == TileKind::Hashes(0));
        for (path, first) in std::mem::take(&mut self.differing) {
            let from = path.n.saturating_mul(TILE_WIDTH).saturating_add(u64::try_from(first).unwrap_or(0));
            let leaves = path.kind == TileKind::Hashes(0);
            if leaves && !root_fits {
                let text = format!("record {from}: its bytes are not what `{path}` holds the hash of");
                self.report.find(Gravity::Tampered, FindingKind::Record, Some(from), text);
            } else if root_fits || !blamed {
                let text = format!("`{path}`: hash {first} is not the one that the records rebuild");
                self.report.find(Gravity::Tampered, FindingKind::Tile, None, text);
            }
        }
    }
}
