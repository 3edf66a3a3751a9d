//! Payloads beside the log: swapped, lost, erased.

use std::collections::BTreeMap;

use lineclear_ledger::{Draft, FindingKind, Hash, Status};
use serde_json::{Value, json};

use crate::log::{Export, Log, expect, key};

/// The file of record 1's payload, without its ending.
fn first_payload(export: &Export) -> String {
    let files = export.files();
    let mut names = files.iter().filter(|file| file.starts_with("payloads/")).filter_map(|file| file.strip_suffix(".json"));
    names.next().unwrap().to_owned()
}

/// Eight records, the last of which says that something was erased.
fn erasing(body: &dyn Fn() -> Value) -> Log {
    let erase = |draft: &mut Draft| {
        if draft.id == "id-7" {
            draft.kind = "payload.erased/1".to_owned();
            draft.body = body();
            draft.commit = BTreeMap::new();
        }
    };
    Log::with(8, key(), erase)
}

#[test]
fn a_swapped_payload_is_named() {
    let export = Log::of(4).export();
    let name = first_payload(&export);
    export.change(&format!("{name}.json"), |bytes| bytes[2] ^= 1);
    let text = format!("record 1: payload `evidence`: `{name}.json` does not open the commitment");
    expect(&export.verify(&[]), Status::Tampered, FindingKind::Payload, &text);
}

#[test]
fn a_missing_payload_or_salt_is_named() {
    for ending in ["json", "salt"] {
        let export = Log::of(4).export();
        export.remove(&format!("{}.{ending}", first_payload(&export)));
        let text = "record 1: payload `evidence` is missing and no record says that it was erased";
        expect(&export.verify(&[]), Status::Incomplete, FindingKind::Payload, text);
    }
}

#[test]
fn an_erased_payload_is_not_missed() {
    let commitment: Hash = *Log::of(2).payloads.keys().next().unwrap();
    let by_commitment = || json!({"commitments": [commitment.to_base64url()]});
    for body in [&(|| json!({"indexes": [1]})) as &dyn Fn() -> Value, &by_commitment] {
        let mut log = erasing(body);
        let kept = log.export().verify(&[]);
        expect(&kept, Status::ValidUnwitnessed, FindingKind::Payload, "record 1: payload `evidence` is still here although record 7 says");
        log.payloads.remove(&commitment);
        let report = log.export().verify(&[]);
        assert_eq!((report.status(), report.erased, report.payloads), (Status::ValidUnwitnessed, 1, 1), "{:#?}", report.findings);
        assert!(report.findings.is_empty(), "{:#?}", report.findings);
    }
}

#[test]
fn an_erasure_speaks_of_earlier_records_only() {
    let report = erasing(&|| json!({"indexes": [9, -1, "x"]})).export().verify(&[]);
    expect(&report, Status::ValidUnwitnessed, FindingKind::Payload, "record 7: says that 9 was erased, which is no record before it");
}
