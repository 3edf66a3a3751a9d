//! Tiles and roots from a stream of leaf hashes, each node hashed once: what an export writes and a verifier compares.

use crate::hash::Hash;
use crate::tile::TilePath;
use crate::tree::{fold_perfect, fold_right};

/// Hashes in a full tile.
const WIDTH: usize = 256;

/// The unfinished tiles of a log, the leaves' level first.
#[derive(Debug, Default)]
pub(crate) struct Tiler {
    levels: Vec<Level>,
}

#[derive(Debug, Default)]
struct Level {
    full: u64,
    hashes: Vec<Hash>,
}

/// A tile and where it lies.
pub(crate) type Tile = (TilePath, Vec<Hash>);

impl Tiler {
    /// Adds a leaf; the tiles that it filled, from the leaves up.
    pub(crate) fn push(&mut self, leaf: Hash) -> Vec<Tile> {
        let mut filled = Vec::new();
        let mut carried = Some(leaf);
        for level in 0..=u8::MAX {
            let Some(hash) = carried.take() else { break };
            let at = usize::from(level);
            if self.levels.len() <= at {
                self.levels.push(Level::default());
            }
            let Some(row) = self.levels.get_mut(at) else { break };
            row.hashes.push(hash);
            if row.hashes.len() == WIDTH {
                let hashes = std::mem::take(&mut row.hashes);
                carried = Some(fold_perfect(hashes.clone()));
                filled.push((TilePath::hashes(level, row.full, 0), hashes));
                row.full += 1;
            }
        }
        filled
    }

    /// The unfinished tiles as they are now.
    pub(crate) fn partial(&self) -> Vec<Tile> {
        let rows = (0..=u8::MAX).zip(&self.levels).filter(|(_, row)| !row.hashes.is_empty());
        let width = |row: &Level| u16::try_from(row.hashes.len()).unwrap_or(0);
        rows.map(|(level, row)| (TilePath::hashes(level, row.full, width(row)), row.hashes.clone())).collect()
    }

    /// The root over everything pushed so far.
    pub(crate) fn root(&self) -> Hash {
        let mut subtrees = Vec::new();
        for row in self.levels.iter().rev() {
            let mut rest = row.hashes.as_slice();
            while let Some((run, tail)) = rest.len().checked_ilog2().and_then(|height| rest.split_at_checked(1 << height)) {
                subtrees.push(fold_perfect(run.to_vec()));
                rest = tail;
            }
        }
        fold_right(&subtrees)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile::{full_tiles, partial_width};
    use crate::tree::{Edge, leaf_hash};

    #[test]
    fn tiles_and_roots_are_those_of_the_edge_at_every_size() {
        let (mut tiler, mut edge) = (Tiler::default(), Edge::new());
        let mut full = [0u64; 3];
        for index in 0..66_000u64 {
            if index < 1_100 || index.is_multiple_of(997) || index.is_multiple_of(256) {
                assert_eq!(tiler.root(), edge.root(), "{index}");
                let widths: Vec<usize> = (0..3).map(|level| usize::from(partial_width(index, level))).filter(|width| *width > 0).collect();
                assert_eq!(tiler.partial().iter().map(|(_, hashes)| hashes.len()).collect::<Vec<_>>(), widths);
                assert_eq!(full, std::array::from_fn(|level| full_tiles(index, u8::try_from(level).unwrap())));
            }
            let leaf = leaf_hash(&index.to_be_bytes());
            edge.append(leaf);
            for (path, hashes) in tiler.push(leaf) {
                let crate::tile::TileKind::Hashes(level) = path.kind else { panic!("{path}") };
                assert_eq!((path.n, hashes.len()), (full[usize::from(level)], 256));
                full[usize::from(level)] += 1;
            }
        }
    }
}
