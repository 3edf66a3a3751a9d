//! Checking proofs, word for word as in RFC 9162 §2.1.3.2 and §2.1.4.2, with every bound before the first hash.

use crate::hash::Hash;
use crate::tree::{empty_root, node_hash};

/// Hashes in one proof at most: a tree of 2^63 leaves needs no more, and C2SP allows no more.
pub const PROOF_MAX_HASHES: usize = 63;

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofInvalid {
    /// The index lies outside the tree.
    #[error("record {index} is not among the first {size}")]
    Index {
        /// The record.
        index: u64,
        /// The tree.
        size: u64,
    },
    /// The newer tree is smaller.
    #[error("a tree of size {new} cannot continue one of size {old}")]
    Shrunk {
        /// Size of the older tree.
        old: u64,
        /// Size of the newer tree.
        new: u64,
    },
    /// More or fewer hashes than this index and these sizes take.
    #[error("the proof has the wrong number of hashes")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
    /// The hashes do not lead to the older root: the two trees differ in records that both have.
    #[error("the proof leads to another older root")]
    OldRoot,
}

/// Whether `leaf` is record `index` of the tree with `size` records and this `root` (RFC 9162 §2.1.3.2).
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash], root: Hash) -> Result<(), ProofInvalid> {
    if index >= size {
        return Err(ProofInvalid::Index { index, size });
    }
    if proof.len() > PROOF_MAX_HASHES {
        return Err(ProofInvalid::Length);
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            return Err(ProofInvalid::Length);
        }
        if node % 2 == 1 || node == last {
            hash = node_hash(*sibling, hash);
            (node, last) = climb(node, last);
        } else {
            hash = node_hash(hash, *sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofInvalid::Length);
    }
    if hash == root { Ok(()) } else { Err(ProofInvalid::Root) }
}

/// Whether the tree (`new`, `new_root`) continues the tree (`old`, `old_root`) (RFC 9162 §2.1.4.2).
///
/// Every tree continues the empty one, whose root is still checked. Equal sizes need equal roots and no proof.
pub fn verify_consistency(old: u64, old_root: Hash, new: u64, new_root: Hash, proof: &[Hash]) -> Result<(), ProofInvalid> {
    if old > new {
        return Err(ProofInvalid::Shrunk { old, new });
    }
    if proof.len() > PROOF_MAX_HASHES {
        return Err(ProofInvalid::Length);
    }
    if old == 0 || old == new {
        return trivially(old, old_root, new_root, new, proof);
    }
    let shift = (old - 1).trailing_ones();
    let (mut node, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    // A complete old tree is itself the first hash; the proof leaves it out.
    let (first, rest) = if old.is_power_of_two() { (&old_root, proof) } else { proof.split_first().ok_or(ProofInvalid::Length)? };
    let (mut from_old, mut from_new) = (*first, *first);
    for hash in rest {
        if last == 0 {
            return Err(ProofInvalid::Length);
        }
        if node % 2 == 1 || node == last {
            from_old = node_hash(*hash, from_old);
            from_new = node_hash(*hash, from_new);
            (node, last) = climb(node, last);
        } else {
            from_new = node_hash(from_new, *hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofInvalid::Length);
    }
    if from_old != old_root {
        return Err(ProofInvalid::OldRoot);
    }
    if from_new == new_root { Ok(()) } else { Err(ProofInvalid::Root) }
}

fn trivially(old: u64, old_root: Hash, new_root: Hash, new: u64, proof: &[Hash]) -> Result<(), ProofInvalid> {
    if !proof.is_empty() {
        return Err(ProofInvalid::Length);
    }
    if old == 0 && old_root != empty_root() {
        return Err(ProofInvalid::OldRoot);
    }
    if old == new && old_root != new_root { Err(ProofInvalid::Root) } else { Ok(()) }
}

/// Past the levels at which the last node has no right sibling.
const fn climb(node: u64, last: u64) -> (u64, u64) {
    if node == 0 {
        return (node, last);
    }
    let levels = node.trailing_zeros();
    (node >> levels, last >> levels)
}
