//! What the ledger gives out can be checked without us.

use http::Method;
use lineclear_ledger::{Hash, Ticket, Verifier, leaf_hash, verify_consistency};
use serde_json::{Value, json};

use crate::rig::{AGENT, Rig, dns};

async fn get(rig: &Rig, path: &str) -> String {
    let reply = rig.bearer(AGENT, Method::GET, path, None).await;
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    reply.text
}

#[tokio::test]
async fn every_entry_is_proved_by_the_public_formats() {
    let rig = Rig::quiet().await;
    for _ in 0..3 {
        rig.propose(&dns()).await;
    }
    let verifier = Verifier::parse(get(&rig, "/api/v1/ledger/vkey").await.trim_end()).unwrap();
    let entries: Value = serde_json::from_str(&get(&rig, "/api/v1/ledger/entries?count=2").await).unwrap();
    assert_eq!((entries["items"].as_array().unwrap().len(), &entries["next"]), (2, &json!(2)));
    let rest: Value = serde_json::from_str(&get(&rig, "/api/v1/ledger/entries?from=2").await).unwrap();
    assert_eq!(rest["next"], Value::Null);
    let all: Vec<Value> = [entries, rest].iter().flat_map(|page| page["items"].as_array().unwrap().clone()).collect();
    for entry in &all {
        let text = get(&rig, &format!("/api/v1/ledger/proof?index={}", entry["index"])).await;
        let leaf = leaf_hash(entry["entry"].as_str().unwrap().as_bytes());
        let checkpoint = Ticket::parse(&text).unwrap().verify(leaf, &verifier).unwrap();
        assert_eq!(usize::try_from(checkpoint.size).unwrap(), all.len());
    }
}

#[tokio::test]
async fn the_ledger_continues_what_was_seen_before() {
    let rig = Rig::quiet().await;
    let verifier = Verifier::parse(get(&rig, "/api/v1/ledger/vkey").await.trim_end()).unwrap();
    let before = verifier.open_checkpoint(&get(&rig, "/api/v1/ledger/checkpoint").await).unwrap();
    rig.propose(&dns()).await;
    let after = verifier.open_checkpoint(&get(&rig, "/api/v1/ledger/checkpoint").await).unwrap();
    let path = format!("/api/v1/ledger/consistency?old={}&new={}", before.size, after.size);
    let proof: Value = serde_json::from_str(&get(&rig, &path).await).unwrap();
    let hashes: Vec<Hash> =
        proof["hashes"].as_array().unwrap().iter().map(|hash| Hash::from_base64(hash.as_str().unwrap()).unwrap()).collect();
    verify_consistency(before.size, before.root, after.size, after.root, &hashes).unwrap();
}

#[tokio::test]
async fn what_is_not_in_the_ledger_is_refused() {
    let rig = Rig::quiet().await;
    let check = async |path: &str, expected: u16| {
        let reply = rig.bearer(AGENT, Method::GET, path, None).await;
        assert_eq!(reply.status.as_u16(), expected, "{path}: {}", reply.text);
    };
    check("/api/v1/ledger/entries?from=1000", 200).await;
    check("/api/v1/ledger/entries?from=18446744073709551615", 200).await;
    for bad in ["entries?count=0", "entries?count=257", "entries?from=-1", "proof", "proof?index=x", "consistency?old=0&new=1"] {
        check(&format!("/api/v1/ledger/{bad}"), 400).await;
    }
    for bad in ["consistency?old=2&new=1", "consistency?old=1&new=1000", "consistency?old=1", "entries?to=1"] {
        check(&format!("/api/v1/ledger/{bad}"), 400).await;
    }
    check("/api/v1/ledger/proof?index=1000", 404).await;
}
