//! Proofs at every size up to 70 and across tile borders, and every way of breaking them.

use super::*;
use crate::tree::leaf_hash;

fn counted(size: u64) -> Vec<Hash> {
    (0..size).map(|leaf| leaf_hash(&leaf.to_be_bytes())).collect()
}

fn root(leaves: &[Hash]) -> Hash {
    Edge::from_leaves(leaves.iter().copied()).root()
}

/// Hash `at` of the proof with one bit turned over.
fn flipped(proof: &[Hash], at: usize, bit: usize) -> Vec<Hash> {
    let mut proof = proof.to_vec();
    proof[at] = flip(proof[at], bit);
    proof
}

fn flip(hash: Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Hash::from_bytes(bytes)
}

#[test]
fn every_record_is_proven_at_every_size_and_nothing_else_is() {
    let leaves = counted(70);
    let memory = MemoryHashes(leaves.clone());
    for size in 1..=70usize {
        let top = root(&leaves[..size]);
        for (index, leaf) in leaves.iter().copied().enumerate().take(size) {
            let (i, s) = (index as u64, size as u64);
            let proof = inclusion_proof(&memory, i, s).unwrap();
            assert_eq!(verify_inclusion(leaf, i, s, &proof, top), Ok(()));
            for at in 0..proof.len() {
                let bent = flipped(&proof, at, (index * 31 + at * 7 + size) % 256);
                assert_eq!(verify_inclusion(leaf, i, s, &bent, top), Err(ProofInvalid::Root));
                assert_eq!(verify_inclusion(leaf, i, s, &proof[..at], top), Err(ProofInvalid::Length));
            }
            let longer: Vec<_> = proof.iter().copied().chain([top]).collect();
            assert_eq!(verify_inclusion(leaf, i, s, &longer, top), Err(ProofInvalid::Length));
            assert_eq!(verify_inclusion(flip(leaf, index), i, s, &proof, top), Err(ProofInvalid::Root));
            assert_eq!(verify_inclusion(leaf, i, s, &proof, flip(top, index)), Err(ProofInvalid::Root));
            assert!(verify_inclusion(leaf, (i + 1) % s, s, &proof, top).is_err() || size == 1);
        }
    }
}

#[test]
fn every_tree_is_proven_to_continue_every_smaller_one() {
    let leaves = counted(70);
    let memory = MemoryHashes(leaves.clone());
    for new in 0..=70usize {
        let new_root = root(&leaves[..new]);
        for old in 0..=new {
            let (o, n, old_root) = (old as u64, new as u64, root(&leaves[..old]));
            let proof = consistency_proof(&memory, o, n).unwrap();
            assert_eq!(verify_consistency(o, old_root, n, new_root, &proof), Ok(()), "{old} to {new}");
            for at in 0..proof.len() {
                assert!(verify_consistency(o, old_root, n, new_root, &flipped(&proof, at, (at * 11 + new) % 256)).is_err());
                assert!(verify_consistency(o, old_root, n, new_root, &proof[..at]).is_err());
            }
            let longer: Vec<_> = proof.iter().copied().chain([new_root]).collect();
            assert_eq!(verify_consistency(o, old_root, n, new_root, &longer), Err(ProofInvalid::Length));
            assert!(verify_consistency(o, flip(old_root, new), n, new_root, &proof).is_err());
            assert!(old == 0 || verify_consistency(o, old_root, n, flip(new_root, old), &proof).is_err());
        }
    }
}

#[test]
fn every_bit_of_a_proof_counts() {
    let leaves = counted(21);
    let (memory, top) = (MemoryHashes(leaves.clone()), root(&leaves));
    let inclusion = inclusion_proof(&memory, 9, 21).unwrap();
    let consistency = consistency_proof(&memory, 13, 21).unwrap();
    for bit in 0..256 {
        for at in 0..inclusion.len() {
            assert!(verify_inclusion(leaves[9], 9, 21, &flipped(&inclusion, at, bit), top).is_err());
        }
        for at in 0..consistency.len() {
            assert!(verify_consistency(13, root(&leaves[..13]), 21, top, &flipped(&consistency, at, bit)).is_err());
        }
    }
}

#[test]
fn a_smaller_tree_never_continues_a_larger_one() {
    let leaves = counted(5);
    let memory = MemoryHashes(leaves.clone());
    assert_eq!(consistency_proof(&memory, 5, 4), Err(ProofError::Order { old: 5, new: 4 }));
    let shrunk = verify_consistency(5, root(&leaves), 4, root(&leaves[..4]), &[]);
    assert_eq!(shrunk, Err(ProofInvalid::Shrunk { old: 5, new: 4 }));
    assert_eq!(inclusion_proof(&memory, 5, 5), Err(ProofError::Index { index: 5, size: 5 }));
    assert_eq!(inclusion_proof(&memory, 8, 9), Err(ProofError::Source(MemoryError(5))));
    let endless = vec![leaves[0]; 64];
    assert_eq!(verify_inclusion(leaves[0], 0, u64::MAX, &endless, leaves[0]), Err(ProofInvalid::Length));
}

/// Full tiles of every level with their roots beside them, and how often they were read: what a store has.
struct Stored {
    leaves: Vec<Hash>,
    roots: bool,
    reads: std::cell::Cell<usize>,
}

impl Stored {
    fn hash(&self, level: u8, at: usize) -> Hash {
        let width = 256usize.pow(u32::from(level));
        fold_perfect(self.leaves[at * width..(at + 1) * width].to_vec())
    }
}

impl Hashes for Stored {
    type Error = MemoryError;

    fn leaf_hashes(&self, from: u64, count: u32) -> Result<Vec<Hash>, MemoryError> {
        assert!(count < 256, "a full tile was at hand");
        self.reads.set(self.reads.get() + 1);
        Ok(self.leaves[usize::try_from(from).unwrap()..][..count as usize].to_vec())
    }

    fn tile(&self, level: u8, n: u64) -> Result<Option<Vec<Hash>>, MemoryError> {
        self.reads.set(self.reads.get() + 1);
        let from = usize::try_from(n * 256).unwrap();
        Ok(Some((from..from + 256).map(|at| self.hash(level, at)).collect()))
    }

    fn tile_roots(&self, level: u8, from: u64, count: u32) -> Result<Option<Vec<Hash>>, MemoryError> {
        self.reads.set(self.reads.get() + 1);
        let from = usize::try_from(from).unwrap();
        Ok(self.roots.then(|| (from..from + count as usize).map(|at| self.hash(level + 1, at)).collect()))
    }
}

#[test]
fn proofs_from_tiles_are_the_proofs_from_memory() {
    let leaves = counted(70_000);
    let memory = MemoryHashes(leaves.clone());
    for roots in [true, false] {
        let stored = Stored { leaves: leaves.clone(), roots, reads: std::cell::Cell::new(0) };
        for (index, size) in [(0, 70_000), (69_999, 70_000), (65_535, 65_536), (255, 256), (256, 257), (300, 66_000), (511, 70_000)] {
            let proof = inclusion_proof(&stored, index, size).unwrap();
            assert_eq!(proof, inclusion_proof(&memory, index, size).unwrap());
            let root = root_at(&memory, size).unwrap().root();
            assert_eq!(root_at(&stored, size).unwrap().root(), root);
            assert_eq!(verify_inclusion(leaves[usize::try_from(index).unwrap()], index, size, &proof, root), Ok(()));
        }
        for (old, new) in [(1, 70_000), (256, 70_000), (65_536, 70_000), (65_537, 66_000), (255, 257)] {
            assert_eq!(consistency_proof(&stored, old, new).unwrap(), consistency_proof(&memory, old, new).unwrap());
        }
    }
}

#[test]
fn a_proof_reads_each_tile_once() {
    let stored = Stored { leaves: counted(70_000), roots: true, reads: std::cell::Cell::new(0) };
    inclusion_proof(&stored, 12_345, 70_000).unwrap();
    assert!(stored.reads.get() <= 8, "{} reads", stored.reads.get());
}
