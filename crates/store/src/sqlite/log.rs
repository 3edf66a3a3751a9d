//! The tree over the entries: its right edge in memory, its full tiles in the database, and proofs from both.

use lineclear_ledger::{
    Edge, Hash, Hashes, ProofError, TILE_WIDTH, Verifier, consistency_proof, decode_tile, full_tiles, inclusion_proof, partial_width,
    root_at,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::number::column;
use super::select::{self, failed};
use crate::{Head, StoreError};

/// Levels of tiles in the largest log there can be: 2^63 entries.
const LEVELS: u8 = 8;

/// The right edge of the tree with the hashes of every unfinished tile.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    edge: Edge,
    // INVARIANT: `tails[l]` holds the `partial_width(size, l)` hashes of the unfinished tile at level `l`; upheld by `push` and `load`.
    tails: Vec<Vec<Hash>>,
}

/// A tile that an entry filled.
#[derive(Debug)]
pub(super) struct FullTile {
    pub(super) level: u8,
    pub(super) n: u64,
    pub(super) root: Hash,
    pub(super) hashes: Vec<Hash>,
}

impl Log {
    pub(super) const fn size(&self) -> u64 {
        self.edge.size()
    }

    pub(super) fn root(&self) -> Hash {
        self.edge.root()
    }

    /// Adds a leaf; the tiles that it filled, from the leaves up.
    pub(super) fn push(&mut self, leaf: Hash) -> Vec<FullTile> {
        self.edge.append(leaf);
        let mut filled = Vec::new();
        let mut carried = leaf;
        for level in 0..LEVELS {
            if self.tails.len() <= usize::from(level) {
                self.tails.push(Vec::new());
            }
            let Some(tail) = self.tails.get_mut(usize::from(level)) else { break };
            tail.push(carried);
            if partial_width(self.edge.size(), level) != 0 {
                break;
            }
            let hashes = std::mem::take(tail);
            carried = Edge::from_leaves(hashes.iter().copied()).root();
            let n = full_tiles(self.edge.size(), level).saturating_sub(1);
            filled.push(FullTile { level, n, root: carried, hashes });
        }
        filled
    }
}

/// The log as it is kept, when entries, tiles, head and signature fit each other at the edge.
pub(super) fn load(connection: &Connection, verifier: &Verifier) -> Result<(Log, Head), StoreError> {
    let origin: Option<String> = connection.query_row("SELECT origin FROM head", [], |row| row.get(0)).optional().map_err(failed)?;
    if let Some(origin) = origin.filter(|origin| origin != verifier.name()) {
        return Err(StoreError::Open(format!("it holds the log `{origin}`, and the key is that of `{}`", verifier.name())));
    }
    let head = select::head(connection)?;
    let spoilt = |why: String| StoreError::Corrupt { table: "head", id: "1".into(), why };
    let signed = verifier.open_checkpoint(&head.note).map_err(|error| spoilt(error.to_string()))?;
    if (signed.size, signed.root) != (head.size, head.root) {
        return Err(spoilt("its note signs another size or root".into()));
    }
    let next: i64 = connection.query_row("SELECT coalesce(max(idx) + 1, 0) FROM entry", [], |row| row.get(0)).map_err(failed)?;
    if next != column(head.size) {
        return Err(spoilt(format!("its size is {}, and the next entry would be number {next}", head.size)));
    }
    let edge = root_at(&Tiles(connection), head.size).map_err(unproven)?;
    if edge.root() != head.root {
        return Err(spoilt("the entries have another root".into()));
    }
    let tails = (0..LEVELS).map(|level| tail(connection, head.size, level)).collect::<Result<_, _>>()?;
    Ok((Log { edge, tails }, head))
}

fn tail(connection: &Connection, size: u64, level: u8) -> Result<Vec<Hash>, StoreError> {
    let width = partial_width(size, level);
    let from = full_tiles(size, level) * TILE_WIDTH;
    let hashes = match level.checked_sub(1) {
        _ if width == 0 => Vec::new(),
        None => Tiles(connection).leaf_hashes(from, u32::from(width))?,
        Some(below) => Tiles(connection).tile_roots(below, from, u32::from(width))?.unwrap_or_default(),
    };
    if hashes.len() == usize::from(width) {
        return Ok(hashes);
    }
    let why = format!("{} hashes from {from} on, {width} are needed", hashes.len());
    Err(StoreError::Corrupt { table: "tile", id: format!("level {level}"), why })
}

/// The proof that entry `index` is in the tree of `size`.
pub(super) fn inclusion(connection: &Connection, index: u64, size: u64) -> Result<Vec<Hash>, StoreError> {
    within(connection, size)?;
    inclusion_proof(&Tiles(connection), index, size).map_err(unproven)
}

/// The proof that the tree of `new` continues that of `old`.
pub(super) fn consistency(connection: &Connection, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
    within(connection, new)?;
    consistency_proof(&Tiles(connection), old, new).map_err(unproven)
}

/// The log only grows, so what is within it now is still there for the statements that follow.
fn within(connection: &Connection, size: u64) -> Result<(), StoreError> {
    let beyond = StoreError::Malformed("a proof beyond the end of the log");
    if size > select::head(connection)?.size { Err(beyond) } else { Ok(()) }
}

fn unproven(error: ProofError<StoreError>) -> StoreError {
    match error {
        ProofError::Index { .. } | ProofError::Order { .. } => StoreError::Malformed("a proof beyond the end of the log"),
        ProofError::Short { level, from, needed, found } => {
            let why = format!("{found} hashes from {from} on, {needed} are needed");
            StoreError::Corrupt { table: "tile", id: format!("level {level}"), why }
        }
        ProofError::Source(error) => error,
    }
}

/// Hashes from the tables `entry` and `tile`.
struct Tiles<'a>(&'a Connection);

impl Tiles<'_> {
    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<Hash>, StoreError> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        let rows = statement.query_map(values, |row| row.get(0).map(Hash::from_bytes)).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }
}

impl Hashes for Tiles<'_> {
    type Error = StoreError;

    fn leaf_hashes(&self, from: u64, count: u32) -> Result<Vec<Hash>, StoreError> {
        let until = column(from.saturating_add(u64::from(count)));
        self.run("SELECT leaf FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx", params![column(from), until])
    }

    fn tile(&self, level: u8, n: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        let mut statement = self.0.prepare_cached("SELECT hashes FROM tile WHERE level = ?1 AND n = ?2").map_err(failed)?;
        let bytes: Option<Vec<u8>> = statement.query_row(params![level, column(n)], |row| row.get(0)).optional().map_err(failed)?;
        let corrupt = |why: String| StoreError::Corrupt { table: "tile", id: format!("{level}/{n}"), why };
        bytes.map(|bytes| decode_tile(&bytes).map_err(|error| corrupt(error.to_string()))).transpose()
    }

    fn tile_roots(&self, level: u8, from: u64, count: u32) -> Result<Option<Vec<Hash>>, StoreError> {
        let until = column(from.saturating_add(u64::from(count)));
        let sql = "SELECT root FROM tile WHERE level = ?1 AND n >= ?2 AND n < ?3 ORDER BY n";
        self.run(sql, params![level, column(from), until]).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use lineclear_ledger::leaf_hash;

    use super::*;

    #[test]
    fn every_tile_is_filled_once_and_the_tails_hold_the_rest() {
        let mut log = Log::default();
        let mut full = [0_u64; 3];
        for index in 0..66_000_u64 {
            for tile in log.push(leaf_hash(&index.to_be_bytes())) {
                let count = &mut full[usize::from(tile.level)];
                assert_eq!((tile.n, tile.hashes.len()), (*count, 256));
                *count += 1;
            }
            let widths: Vec<usize> = (0..3).map(|level| usize::from(partial_width(log.size(), level))).collect();
            let tails: Vec<usize> = (0..3).map(|level| log.tails.get(level).map_or(0, Vec::len)).collect();
            assert_eq!(tails, widths);
        }
        assert_eq!(full, [257, 1, 0]);
    }
}
