//! Records, bundles and tiles changed behind the signed root.

use std::fs;

use lineclear_ledger::{
    ExportError, ExportSource, FindingKind, Hash, SaltedPayload, SourceError, Status, TilePath, encode_tile, write_export,
};

use crate::log::{Export, Log, expect, key, resealed};

const BUNDLE: TilePath = TilePath { kind: lineclear_ledger::TileKind::Entries, n: 0, width: Some(8) };

fn export() -> Export {
    Log::of(8).export()
}

#[track_caller]
fn tampered(export: &Export, kind: FindingKind, text: &str) {
    expect(&export.verify(&[]), Status::Tampered, kind, text);
}

#[test]
fn an_edited_record_is_named() {
    let export = export();
    export.records(BUNDLE, |records| records[3] = resealed(&records[3], |draft| draft.by_id = "agent_9".to_owned()));
    tampered(&export, FindingKind::Record, "record 3: its bytes are not what `tile/0/000.p/8` holds the hash of");
    tampered(&export, FindingKind::Root, "the 8 records rebuild another root than the one in the checkpoint");
    tampered(&export, FindingKind::Chain, "record 6: `prev` is not the hash of record 3, the one before it in `change_0`");
}

#[test]
fn an_edited_record_is_named_by_its_follower_even_when_the_tile_was_edited_too() {
    let export = export();
    let mut log = Log::of(8);
    log.records[3] = resealed(&log.records[3], |draft| draft.by_id = "agent_9".to_owned());
    export.records(BUNDLE, |records| records.clone_from(&log.records));
    export.change("tile/0/000.p/8", |bytes| *bytes = encode_tile(&log.leaves()));
    tampered(&export, FindingKind::Chain, "record 6: `prev` is not the hash of record 3");
    tampered(&export, FindingKind::Root, "rebuild another root");
}

#[test]
fn a_record_that_is_no_longer_one_is_named() {
    let export = export();
    export.records(BUNDLE, |records| records[2].insert(1, b' '));
    tampered(&export, FindingKind::Record, "record 2: member `body` is not where it belongs");
}

#[test]
fn a_deleted_record_is_named() {
    let export = export();
    export.records(BUNDLE, |records| drop(records.remove(4)));
    tampered(&export, FindingKind::Bundle, "`tile/entries/000.p/8` holds 7 records where 8 belong");
    tampered(&export, FindingKind::Record, "record 4: its bytes are not what `tile/0/000.p/8` holds the hash of");
    tampered(&export, FindingKind::Chain, "record 6: stream `change_1` goes from 0 to 2: 1 is missing");
}

#[test]
fn a_deleted_record_is_named_even_when_everything_was_signed_again() {
    let mut log = Log::of(8);
    log.records.remove(4);
    tampered(&log.export(), FindingKind::Chain, "record 6: stream `change_1` goes from 0 to 2: 1 is missing");
    log.records.remove(0);
    tampered(&log.export(), FindingKind::Chain, "record 2: stream `change_0` begins with 1: 0 is missing");
}

#[test]
fn reordered_and_repeated_records_are_named_even_when_everything_was_signed_again() {
    let mut log = Log::of(8);
    log.records.swap(2, 5);
    tampered(&log.export(), FindingKind::Chain, "record 2: stream `change_2` begins with 1: 0 is missing");
    tampered(&log.export(), FindingKind::Chain, "record 5: stream `change_2` repeats 0, record 2 was 1");
    tampered(&log.export(), FindingKind::Chain, "record 3: time falls from 2026-11-22T00:00:05.000000Z to 2026-11-22T00:00:03.000000Z");
    let mut log = Log::of(8);
    log.records.push(log.records[7].clone());
    tampered(&log.export(), FindingKind::Chain, "record 8: has the id of record 7");
    tampered(&log.export(), FindingKind::Chain, "record 8: stream `change_1` repeats 2, record 7 was 2");
}

#[test]
fn a_record_of_another_log_is_named() {
    let log = Log::with(8, key(), |draft| {
        if draft.id == "id-5" {
            draft.log = "ledger.example/acme/e0".to_owned();
        }
    });
    tampered(&log.export(), FindingKind::Chain, "record 5: written for the log `ledger.example/acme/e0`");
}

#[test]
fn an_id_used_twice_is_named() {
    let log = Log::with(8, key(), |draft| {
        if draft.id == "id-5" {
            draft.id = "id-2".to_owned();
        }
    });
    tampered(&log.export(), FindingKind::Chain, "record 5: has the id of record 2");
}

#[test]
fn an_altered_tile_is_told_from_an_altered_record() {
    let export = export();
    export.change("tile/0/000.p/8", |bytes| bytes[32 * 6] ^= 1);
    let report = export.verify(&[]);
    expect(&report, Status::Tampered, FindingKind::Tile, "`tile/0/000.p/8`: hash 6 is not the one that the records rebuild");
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    let export = Log::of(300).export();
    export.change("tile/1/000.p/1", |bytes| bytes[0] ^= 1);
    tampered(&export, FindingKind::Tile, "`tile/1/000.p/1`: hash 0 is not the one that the records rebuild");
    export.change("tile/0/001.p/44", |bytes| bytes.truncate(32));
    tampered(&export, FindingKind::Tile, "`tile/0/001.p/44` holds 1 hashes where 44 belong");
}

#[test]
fn missing_files_are_named_and_what_is_left_is_still_checked() {
    let export = Log::of(600).export();
    export.remove("tile/entries/001");
    let report = export.verify(&[Log::of(600).head(600)]);
    expect(&report, Status::Incomplete, FindingKind::Bundle, "records 256 to 511 are missing: there is no `tile/entries/001`");
    assert_eq!((report.findings.len(), report.witnesses, report.root.is_some()), (1, 1, true), "{:#?}", report.findings);
    export.records(TilePath::entries(2, 88), |records| records[3].truncate(9));
    tampered(&export, FindingKind::Record, "record 515: ");
    export.remove("tile/0/001");
    tampered(&export, FindingKind::Record, "record 515: ");
    tampered(&export, FindingKind::Root, "the root cannot be rebuilt: neither the records nor `tile/0/001` are there");
    let export = self::export();
    export.remove("tile/0/000.p/8");
    expect(&export.verify(&[]), Status::Incomplete, FindingKind::Tile, "`tile/0/000.p/8` is missing");
    export.remove("manifest.json");
    expect(&export.verify(&[]), Status::Incomplete, FindingKind::Manifest, "`manifest.json` is missing");
}

#[test]
fn a_file_that_nothing_refers_to_is_remarked_on() {
    let export = export();
    fs::write(export.path().join("tile/entries/001.p/9"), "x").unwrap_or_else(|_| {
        fs::create_dir_all(export.path().join("tile/entries/001.p")).unwrap();
        fs::write(export.path().join("tile/entries/001.p/9"), "x").unwrap();
    });
    fs::write(export.path().join("README"), "x").unwrap();
    expect(&export.verify(&[]), Status::ValidUnwitnessed, FindingKind::Stray, "nothing refers to `README`");
    expect(&export.verify(&[]), Status::ValidUnwitnessed, FindingKind::Stray, "nothing refers to `tile/entries/001.p/9`");
}

#[test]
fn a_link_or_folder_in_place_of_a_file_is_not_followed() {
    let export = export();
    let bundle = export.path().join(BUNDLE.to_string());
    fs::rename(&bundle, export.path().join("moved")).unwrap();
    std::os::unix::fs::symlink(export.path().join("moved"), &bundle).unwrap();
    tampered(&export, FindingKind::Bundle, "`tile/entries/000.p/8` is not a regular file");
}

#[test]
fn a_log_that_would_not_verify_is_not_exported() {
    let check = |change: &dyn Fn(&mut Log), expected: &str| {
        let mut log = Log::of(8);
        change(&mut log);
        assert_eq!(write_export(tempfile::tempdir().unwrap().path(), &log).unwrap_err().to_string(), expected);
    };
    check(&|log| log.records[3].truncate(9), "record 3 is spoilt");
    check(&|log| log.payloads.values_mut().for_each(|(salt, _)| salt[0] ^= 1), "record 1: payload `evidence` does not open its commitment");
    let shifted = Shifted(Log::of(8));
    let refused = write_export(tempfile::tempdir().unwrap().path(), &shifted).unwrap_err();
    assert_eq!(refused.to_string(), "the 8 stored records do not rebuild the signed root");
    let export = export();
    let again = write_export(export.path(), &Log::of(8)).unwrap_err();
    assert!(matches!(again, ExportError::NotEmpty(_)));
}

#[test]
fn a_forged_size_does_not_make_the_verifier_search_for_ever() {
    let export = export();
    let head = lineclear_ledger::Checkpoint { origin: crate::log::ORIGIN.to_owned(), size: (1 << 63) - 1, root: Log::of(1).leaves()[0] };
    fs::write(export.path().join("checkpoint"), key().sign_checkpoint(&head)).unwrap();
    let text = "nothing after record 25344 was looked at: too much is missing";
    expect(&export.verify(&[]), Status::Tampered, FindingKind::Manifest, "`manifest.json` says something else than the checkpoint");
    fs::write(export.path().join("manifest.json"), "").unwrap();
    export.remove("manifest.json");
    expect(&export.verify(&[]), Status::Incomplete, FindingKind::Bundle, text);
}

/// A source whose checkpoint and records have come apart.
struct Shifted(Log);

impl ExportSource for Shifted {
    fn checkpoint(&self) -> Result<String, SourceError> {
        self.0.checkpoint()
    }

    fn vkey(&self) -> Result<String, SourceError> {
        self.0.vkey()
    }

    fn entries(&self, from: u64, count: u32) -> Result<Vec<Vec<u8>>, SourceError> {
        let mut records = self.0.entries(from, count)?;
        records.reverse();
        Ok(records)
    }

    fn payload(&self, commitment: &Hash) -> Result<Option<SaltedPayload>, SourceError> {
        self.0.payload(commitment)
    }
}
