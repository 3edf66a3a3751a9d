//! The RFC 6962 tree: its three hashes, and its right edge, which is all that appending needs.

use sha2::{Digest as _, Sha256};

use crate::hash::Hash;

/// SHA-256(0x00 ‖ exact stored bytes) (RFC 6962 §2.1).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Hash::from_bytes(Sha256::new().chain_update([0x00]).chain_update(bytes).finalize().into())
}

/// SHA-256(0x01 ‖ left ‖ right) (RFC 6962 §2.1).
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    let mut message = [1u8; 65];
    let (_, rest) = message.split_at_mut(1);
    let (first, second) = rest.split_at_mut(32);
    first.copy_from_slice(left.as_bytes());
    second.copy_from_slice(right.as_bytes());
    Hash::from_bytes(Sha256::digest(message).into())
}

/// The root of a tree without leaves: SHA-256 of nothing (RFC 6962 §2.1).
pub fn empty_root() -> Hash {
    Hash::from_bytes(Sha256::digest(b"").into())
}

/// The root over the roots of perfect subtrees, given from left (largest) to right (smallest).
pub(crate) fn fold_right(subtrees: &[Hash]) -> Hash {
    match subtrees.split_last() {
        None => empty_root(),
        Some((last, rest)) => rest.iter().rev().fold(*last, |right, left| node_hash(*left, right)),
    }
}

/// The root of a perfect subtree over `nodes`, whose number is a power of two.
pub(crate) fn fold_perfect(mut nodes: Vec<Hash>) -> Hash {
    while nodes.len() > 1 {
        nodes = nodes.chunks(2).map(|pair| if let [left, right] = pair { node_hash(*left, *right) } else { fold_right(pair) }).collect();
    }
    fold_right(&nodes)
}

/// The right edge of a log: the roots of the perfect subtrees that make up its `size` leaves, at most 64 hashes.
///
/// Never advance the one in memory before COMMIT has answered: append to a clone, and keep the clone afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    // INVARIANT: one subtree for each bit set in `size`, the largest first; upheld by `append` and `from_parts`.
    subtrees: Vec<Hash>,
}

/// Why parts do not make an [`Edge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an edge of size {size} has {needed} subtrees, not {found}")]
pub struct EdgeError {
    size: u64,
    needed: u32,
    found: usize,
}

impl Edge {
    /// The edge of a log without records.
    pub const fn new() -> Self {
        Self { size: 0, subtrees: Vec::new() }
    }

    /// Rebuilt from every leaf hash, in order.
    pub fn from_leaves(leaves: impl IntoIterator<Item = Hash>) -> Self {
        let mut edge = Self::new();
        leaves.into_iter().for_each(|leaf| edge.append(leaf));
        edge
    }

    /// Rebuilt from its size and [`Edge::subtrees`].
    pub fn from_parts(size: u64, subtrees: Vec<Hash>) -> Result<Self, EdgeError> {
        let (needed, found) = (size.count_ones(), subtrees.len());
        if usize::try_from(needed) == Ok(found) { Ok(Self { size, subtrees }) } else { Err(EdgeError { size, needed, found }) }
    }

    /// Adds one leaf hash: about one node hash on average.
    pub fn append(&mut self, leaf: Hash) {
        let merged = (0..self.size.trailing_ones()).fold(leaf, |right, _| match self.subtrees.pop() {
            Some(left) => node_hash(left, right),
            None => right,
        });
        self.subtrees.push(merged);
        self.size += 1;
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the perfect subtrees, the largest first: what a store keeps to start without reading tiles.
    pub fn subtrees(&self) -> &[Hash] {
        &self.subtrees
    }

    /// MTH of all leaves (RFC 6962 §2.1).
    pub fn root(&self) -> Hash {
        fold_right(&self.subtrees)
    }
}

impl Default for Edge {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962 §2.1, word for word.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node_hash(mth(&leaves[..split]), mth(&leaves[split..]))
            }
        }
    }

    fn counted(size: u64) -> Vec<Hash> {
        (0..size).map(|leaf| leaf_hash(&leaf.to_be_bytes())).collect()
    }

    #[test]
    fn the_published_roots_come_out() {
        let inputs: [&[u8]; 8] = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"];
        let check = |leaves: Vec<Hash>, root: &str| assert_eq!(Edge::from_leaves(leaves).root().to_string(), root);
        let first = |count: usize| inputs.iter().take(count).map(|bytes| leaf_hash(bytes)).collect::<Vec<_>>();
        check(first(0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(first(1), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        check(first(3), "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
        check(first(8), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
        check(counted(256), "15e2dd4973ae44de8c8cf3048fd98d17adaaea6287f4e0606a55a643617408c0");
        check(counted(70_000), "0759167a0f98e35e802d46ff7c7d29d2c3f03a63a256deb6abbff357a91b63b1");
    }

    #[test]
    fn the_edge_has_the_root_of_the_whole_tree_at_every_size() {
        let leaves = counted(300);
        let mut edge = Edge::new();
        for (index, leaf) in leaves.iter().enumerate() {
            assert_eq!(edge.root(), mth(&leaves[..index]));
            assert_eq!(Edge::from_parts(edge.size(), edge.subtrees().to_vec()), Ok(edge.clone()));
            edge.append(*leaf);
        }
    }

    #[test]
    fn an_edge_with_too_few_subtrees_is_refused() {
        assert_eq!(Edge::from_parts(3, counted(1)).unwrap_err().to_string(), "an edge of size 3 has 2 subtrees, not 1");
    }
}
