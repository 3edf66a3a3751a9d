//! What the ledger promises, checked with the ledger's own verifier and nothing of the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use lineclear_ledger::{Edge, Entry, Hash, empty_root, leaf_hash, verify_consistency, verify_inclusion};
use lineclear_store::{Head, Store, StoreError};

use crate::world::{ORIGIN, append, approval, batch, change, incident, key, run};

/// 300 entries on 40 streams, so that one tile is full; the heads after each commit.
async fn three_hundred(store: &Arc<dyn Store>) -> Vec<Head> {
    let mut heads = vec![store.head().await.unwrap()];
    for number in 0..100_u128 {
        let (first, second) = (number % 20, number % 20 + 100);
        let seq = u64::try_from(number / 20).unwrap();
        let (three, four) = (append(incident(first), seq * 2, [number * 3, number * 3 + 1]), append(change(second), seq, [number * 3 + 2]));
        heads.push(store.append(batch([three, four])).await.unwrap().head);
    }
    heads
}

async fn leaves(store: &Arc<dyn Store>) -> Vec<Hash> {
    store.entries(0, 1_024).await.unwrap().iter().map(|(_, bytes)| leaf_hash(bytes)).collect()
}

fn root(leaves: &[Hash], size: u64) -> Hash {
    Edge::from_leaves(leaves.iter().take(usize::try_from(size).unwrap()).copied()).root()
}

/// Every smaller number where a tile ends, begins or is nearly empty, and every eighth elsewhere, another eighth for each size:
/// all 45,000 pairs take a minute without optimisation.
fn below(size: u64) -> impl Iterator<Item = u64> {
    let whole = size < 20 || (254..=258).contains(&size) || size == 300;
    (0..size).filter(move |index| whole || index % 8 == size % 8)
}

pub async fn every_entry_is_proven_in_every_tree(store: Arc<dyn Store>) {
    three_hundred(&store).await;
    let leaves = leaves(&store).await;
    for size in 1..=300 {
        let root = root(&leaves, size);
        for index in below(size) {
            let proof = store.inclusion(index, size).await.unwrap();
            verify_inclusion(leaves[usize::try_from(index).unwrap()], index, size, &proof, root).unwrap();
        }
    }
}

pub async fn every_tree_continues_every_smaller_one(store: Arc<dyn Store>) {
    three_hundred(&store).await;
    let leaves = leaves(&store).await;
    let roots: Vec<Hash> = (0..=300).map(|size| root(&leaves, size)).collect();
    let at = |size: u64| roots[usize::try_from(size).unwrap()];
    for new in 1..=300 {
        for old in below(new).chain([new]) {
            let proof = store.consistency(old, new).await.unwrap();
            verify_consistency(old, at(old), new, at(new), &proof).unwrap();
        }
    }
}

pub async fn entries_are_the_leaves_and_chain_each_stream(store: Arc<dyn Store>) {
    let heads = three_hundred(&store).await;
    let entries = store.entries(0, 2_000).await.unwrap();
    let (mut leaves, mut last) = (Vec::new(), BTreeMap::<String, (u64, Hash)>::new());
    for (place, (index, bytes)) in (0_u64..).zip(&entries) {
        let entry = Entry::parse(bytes).unwrap();
        assert_eq!((entry.log(), *index), (ORIGIN, place));
        let before = last.insert(entry.stream().to_owned(), (entry.seq(), entry.leaf()));
        assert_eq!((entry.seq(), entry.prev()), before.map_or((0, None), |(seq, leaf)| (seq + 1, Some(leaf))));
        let stored = store.events(entry.stream().parse().unwrap(), entry.seq()).await.unwrap().remove(0);
        assert_eq!((stored.index, stored.leaf, stored.happened.id.to_string()), (*index, leaf_hash(bytes), entry.id().to_owned()));
        assert_eq!((entry.kind(), entry.time()), (&*stored.happened.event.kind(), &*stored.happened.at.to_string()));
        leaves.push(entry.leaf());
    }
    assert_eq!(leaves.len(), 300);
    for head in heads {
        let signed = key().verifier().open_checkpoint(&head.note).unwrap();
        assert_eq!((signed.size, signed.root), (head.size, root(&leaves, head.size)));
        assert_eq!(signed.root, head.root);
    }
    assert_eq!(store.entries(298, 10).await.unwrap(), entries[298..]);
    assert_eq!(store.entries(3, 2).await.unwrap(), entries[3..5]);
}

pub async fn payloads_open_their_commitments(store: Arc<dyn Store>) {
    for (number, stream) in (0..).zip([incident(1), change(1), approval(1), run(1)]) {
        store.append(batch([append(stream, 0, [number])])).await.unwrap();
    }
    for (_, bytes) in store.entries(0, 10).await.unwrap() {
        let entry = Entry::parse(&bytes).unwrap();
        let commitment = &entry.commit()["event"];
        let (salt, payload) = store.payload(commitment.hash.clone()).await.unwrap().unwrap();
        assert!(commitment.opens(&salt, &payload));
        assert_eq!(commitment.media, "application/json");
        let json: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(entry.kind().split_once('.').unwrap().0, json["machine"]);
        assert_eq!(lineclear_core::digest::canonical(&json).unwrap(), payload);
    }
    assert_eq!(store.payload(Hash::from_bytes([1; 32]).to_base64url()).await, Ok(None));
}

pub async fn the_head_of_an_empty_log_is_signed(store: Arc<dyn Store>) {
    let head = store.head().await.unwrap();
    assert_eq!((head.size, head.root), (0, empty_root()));
    assert_eq!(key().verifier().open_checkpoint(&head.note).unwrap().size, 0);
}

pub async fn nothing_is_proven_beyond_the_end(store: Arc<dyn Store>) {
    store.append(batch([append(incident(1), 0, [1, 2])])).await.unwrap();
    let beyond = StoreError::Malformed("a proof beyond the end of the log");
    for (index, size) in [(0, 3), (2, 2), (u64::MAX, 2), (0, u64::MAX)] {
        assert_eq!(store.inclusion(index, size).await, Err(beyond.clone()), "{index} of {size}");
    }
    for (old, new) in [(0, 3), (2, 1), (1, u64::MAX), (3, 3)] {
        assert_eq!(store.consistency(old, new).await, Err(beyond.clone()), "{old} to {new}");
    }
}
