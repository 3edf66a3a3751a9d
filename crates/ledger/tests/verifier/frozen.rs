//! `frozen/v1/`: bytes that were written once and must verify for ever.

use std::fs;
use std::path::{Path, PathBuf};

use lineclear_ledger::{Entry, Status, Ticket, Verifier, verify_export, write_export};

use crate::log::{Log, files_below};

/// Records in the frozen log.
const RECORDS: u64 = 9;

fn frozen() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("frozen/v1")
}

fn text(name: &str) -> String {
    fs::read_to_string(frozen().join(name)).unwrap()
}

/// Writes the same files into another place; the frozen ones were written by this, once.
fn write_again(place: &Path) {
    let log = Log::of(RECORDS);
    fs::create_dir_all(place.join("entries")).unwrap();
    for (index, record) in log.records.iter().enumerate() {
        fs::write(place.join(format!("entries/{index}.json")), record).unwrap();
    }
    fs::write(place.join("vkey"), log.key.verifier().to_string()).unwrap();
    fs::write(place.join("checkpoint"), log.head(7)).unwrap();
    fs::write(place.join("ticket"), log.ticket(4, 7).to_text()).unwrap();
    write_export(&place.join("export"), &log).unwrap();
}

#[test]
fn frozen_records_checkpoint_and_ticket_verify() {
    let verifier = Verifier::parse(&text("vkey")).unwrap();
    let head = verifier.open_checkpoint(&text("checkpoint")).unwrap();
    assert_eq!(head.size, 7);
    let record = Entry::parse(text("entries/4.json").as_bytes()).unwrap();
    let ticket = Ticket::parse(&text("ticket")).unwrap();
    assert_eq!(ticket.verify(record.leaf(), &verifier), Ok(head));
    for index in 0..RECORDS {
        let bytes = text(&format!("entries/{index}.json")).into_bytes();
        assert_eq!(Entry::parse(&bytes).unwrap().draft().seal().unwrap().bytes(), bytes);
    }
}

#[test]
fn the_frozen_export_verifies_against_the_frozen_heads() {
    let kept = [text("checkpoint"), text("ticket")];
    let report = verify_export(&frozen().join("export"), &[Verifier::parse(&text("vkey")).unwrap()], &kept);
    assert_eq!((report.status(), report.witnesses, report.entries), (Status::ValidWitnessed, 2, RECORDS), "{:#?}", report.findings);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
}

#[test]
fn the_same_drafts_still_give_the_frozen_bytes() {
    let again = tempfile::tempdir().unwrap();
    write_again(again.path());
    let files = files_below(&frozen());
    assert_eq!(files, files_below(again.path()));
    for file in files {
        assert_eq!(fs::read(frozen().join(&file)).unwrap(), fs::read(again.path().join(&file)).unwrap(), "{file}");
    }
}
