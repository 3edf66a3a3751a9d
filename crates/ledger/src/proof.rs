//! Proofs that a record is in a tree and that one tree continues another: made from tiles, checked from hashes alone.

use std::collections::BTreeMap;

use crate::hash::Hash;
use crate::tile::{TILE_WIDTH, full_tiles};
use crate::tree::{Edge, empty_root, fold_perfect, fold_right};

mod check;
pub use check::{PROOF_MAX_HASHES, ProofInvalid, verify_consistency, verify_inclusion};

/// A tile's height in the tree: 2^8 hashes.
const TILE_HEIGHT: u8 = 8;

/// Where proofs get their hashes from. Whole tiles, because one query for each hash is a hundred times slower.
pub trait Hashes {
    /// Why hashes could not be read.
    type Error;

    /// Exactly `count` leaf hashes from index `from` on, or an error; fewer are reported as [`ProofError::Short`].
    fn leaf_hashes(&self, from: u64, count: u32) -> Result<Vec<Hash>, Self::Error>;

    /// The 256 hashes of full tile `n` at `level`, or nothing when it is not stored: then it is derived from the level below.
    fn tile(&self, level: u8, n: u64) -> Result<Option<Vec<Hash>>, Self::Error>;

    /// The roots of `count` full tiles at `level` from `from` on, when they are stored beside the tiles. Answering this spares
    /// up to 255 tile reads for the unfinished tile of the level above; the default derives them.
    fn tile_roots(&self, level: u8, from: u64, count: u32) -> Result<Option<Vec<Hash>>, Self::Error> {
        let _ = (level, from, count);
        Ok(None)
    }
}

/// Why no proof could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError<E> {
    /// The log is not that long.
    #[error("record {index} is not among the first {size}")]
    Index {
        /// The record asked for.
        index: u64,
        /// The tree asked for.
        size: u64,
    },
    /// A tree does not continue a larger one.
    #[error("a tree of size {new} cannot continue one of size {old}")]
    Order {
        /// Size of the older tree.
        old: u64,
        /// Size of the newer tree.
        new: u64,
    },
    /// The source answered with another number of hashes than it was asked for.
    #[error("{found} hashes were stored at level {level} from {from} on, {needed} are needed")]
    Short {
        /// Tile level.
        level: u8,
        /// First hash asked for.
        from: u64,
        /// How many were needed.
        needed: usize,
        /// How many came.
        found: usize,
    },
    /// The source failed.
    #[error("hashes could not be read")]
    Source(#[source] E),
}

/// The RFC 6962 §2.1.1 audit path of record `index` in the tree of the first `size` records, the leaf's sibling first.
pub fn inclusion_proof<H: Hashes>(hashes: &H, index: u64, size: u64) -> Result<Vec<Hash>, ProofError<H::Error>> {
    if index >= size {
        return Err(ProofError::Index { index, size });
    }
    let mut tiles = Tiles::new(hashes, size);
    let (mut low, mut high) = (0, size);
    let mut path = Vec::new();
    while high - low > 1 {
        let split = low + largest_power_below(high - low);
        if index < split {
            path.push(tiles.root(split, high)?);
            high = split;
        } else {
            path.push(tiles.root(low, split)?);
            low = split;
        }
    }
    path.reverse();
    Ok(path)
}

/// The RFC 6962 §2.1.2 proof that the tree of size `new` continues the one of size `old`. Empty when `old` is 0 or equals `new`.
pub fn consistency_proof<H: Hashes>(hashes: &H, old: u64, new: u64) -> Result<Vec<Hash>, ProofError<H::Error>> {
    if old > new {
        return Err(ProofError::Order { old, new });
    }
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let mut tiles = Tiles::new(hashes, new);
    let (mut low, mut high) = (0, new);
    let mut path = Vec::new();
    while high != old {
        let split = low + largest_power_below(high - low);
        if old <= split {
            path.push(tiles.root(split, high)?);
            high = split;
        } else {
            path.push(tiles.root(low, split)?);
            low = split;
        }
    }
    // Only a walk that went right at some point leaves a subtree that the old root does not name already.
    if low != 0 {
        path.push(tiles.root(low, high)?);
    }
    path.reverse();
    Ok(path)
}

/// The root of the tree of the first `size` records, and its edge, read from tiles: how a log starts.
pub fn root_at<H: Hashes>(hashes: &H, size: u64) -> Result<Edge, ProofError<H::Error>> {
    let subtrees = Tiles::new(hashes, size).subtrees(0, size)?;
    let found = subtrees.len();
    Edge::from_parts(size, subtrees).map_err(|_| ProofError::Short { level: 0, from: 0, needed: found, found })
}

/// The largest power of two smaller than `width`, which is at least 2.
const fn largest_power_below(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

/// Reads each tile once for one proof.
struct Tiles<'a, H> {
    hashes: &'a H,
    size: u64,
    read: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl<'a, H: Hashes> Tiles<'a, H> {
    const fn new(hashes: &'a H, size: u64) -> Self {
        Self { hashes, size, read: BTreeMap::new() }
    }

    /// MTH(D[low:high]), where `low` is a multiple of the largest power of two in the range.
    fn root(&mut self, low: u64, high: u64) -> Result<Hash, ProofError<H::Error>> {
        Ok(if low == high { empty_root() } else { fold_right(&self.subtrees(low, high)?) })
    }

    fn subtrees(&mut self, mut low: u64, high: u64) -> Result<Vec<Hash>, ProofError<H::Error>> {
        let mut subtrees = Vec::new();
        while low < high {
            let height = (high - low).ilog2();
            subtrees.push(self.perfect(low, height)?);
            low += 1 << height;
        }
        Ok(subtrees)
    }

    /// The root of the perfect subtree of 2^`height` leaves that begins at `low`: a run of hashes inside one tile.
    fn perfect(&mut self, low: u64, height: u32) -> Result<Hash, ProofError<H::Error>> {
        let level = u8::try_from(height / u32::from(TILE_HEIGHT)).unwrap_or(u8::MAX);
        let width = 1usize << (height % u32::from(TILE_HEIGHT));
        let from = low >> (u32::from(level) * u32::from(TILE_HEIGHT));
        let offset = usize::try_from(from % TILE_WIDTH).unwrap_or(usize::MAX);
        let n = from / TILE_WIDTH;
        let tile = self.tile(level, n)?;
        let found = tile.len();
        match tile.get(offset..offset.saturating_add(width)) {
            Some(run) => Ok(fold_perfect(run.to_vec())),
            None => Err(ProofError::Short { level, from, needed: width, found: found.saturating_sub(offset) }),
        }
    }

    /// All hashes of a tile that exist in the tree of this size, from the source or from the level below.
    fn tile(&mut self, level: u8, n: u64) -> Result<&[Hash], ProofError<H::Error>> {
        if !self.read.contains_key(&(level, n)) {
            let tile = self.load(level, n)?;
            self.read.insert((level, n), tile);
        }
        Ok(self.read.get(&(level, n)).map_or(&[], Vec::as_slice))
    }

    fn load(&mut self, level: u8, n: u64) -> Result<Vec<Hash>, ProofError<H::Error>> {
        let from = n * TILE_WIDTH;
        let whole = if level == 0 { self.size } else { full_tiles(self.size, level - 1) };
        let width = whole.saturating_sub(from).min(TILE_WIDTH);
        let (count, needed) = (u32::try_from(width).unwrap_or(0), usize::try_from(width).unwrap_or(0));
        let stored = if width == TILE_WIDTH { self.hashes.tile(level, n).map_err(ProofError::Source)? } else { None };
        let hashes = match (stored, level) {
            (Some(tile), _) => tile,
            (None, 0) => self.hashes.leaf_hashes(from, count).map_err(ProofError::Source)?,
            (None, _) => match self.hashes.tile_roots(level - 1, from, count).map_err(ProofError::Source)? {
                Some(roots) => roots,
                None => (from..from + width).map(|below| self.load(level - 1, below).map(fold_perfect)).collect::<Result<_, _>>()?,
            },
        };
        if hashes.len() == needed { Ok(hashes) } else { Err(ProofError::Short { level, from, needed, found: hashes.len() }) }
    }
}

/// Leaf hashes in memory: for small logs, runners and tests.
#[derive(Debug, Clone, Default)]
pub struct MemoryHashes(pub Vec<Hash>);

/// A read past the end of [`MemoryHashes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only {0} leaf hashes are in memory")]
pub struct MemoryError(usize);

impl Hashes for MemoryHashes {
    type Error = MemoryError;

    fn leaf_hashes(&self, from: u64, count: u32) -> Result<Vec<Hash>, MemoryError> {
        let short = MemoryError(self.0.len());
        let from = usize::try_from(from).map_err(|_| short)?;
        let until = usize::try_from(count).ok().and_then(|count| from.checked_add(count)).ok_or(short)?;
        self.0.get(from..until).map(<[Hash]>::to_vec).ok_or(short)
    }

    fn tile(&self, level: u8, n: u64) -> Result<Option<Vec<Hash>>, MemoryError> {
        if level == 0 { self.leaf_hashes(n * TILE_WIDTH, 256).map(Some) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests;
