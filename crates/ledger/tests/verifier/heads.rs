//! What only a head that somebody else kept can show, and what the keys show.

use lineclear_ledger::{FindingKind, LogKey, Status, TrustSource, Verifier};

use crate::log::{Log, ORIGIN, expect, key, other_key};

#[test]
fn an_untouched_export_is_valid_and_without_a_kept_head_unwitnessed() {
    for count in [0, 1, 7, 255, 256, 257, 600] {
        let report = Log::of(count).export().verify(&[]);
        assert_eq!(report.status(), Status::ValidUnwitnessed, "{count}: {:#?}", report.findings);
        assert!(report.findings.is_empty(), "{count}: {:#?}", report.findings);
        assert_eq!((report.entries, report.trust), (count, TrustSource::Given));
    }
}

#[test]
fn an_untouched_export_agrees_with_every_head_and_ticket_it_ever_gave_out() {
    let log = Log::of(300);
    let export = log.export();
    let mut kept: Vec<String> = [1, 5, 255, 256, 257, 300].map(|size| log.head(size)).into();
    kept.extend([(0, 1), (3, 7), (255, 256), (299, 300)].map(|(index, size)| log.ticket(index, size).to_text()));
    let report = export.verify(&kept);
    assert_eq!(report.status(), Status::ValidWitnessed, "{:#?}", report.findings);
    assert_eq!((report.witnesses, report.witnessed_size), (10, 300));
}

#[test]
fn an_empty_kept_head_witnesses_nothing() {
    let log = Log::of(7);
    assert_eq!(log.export().verify(&[log.head(0)]).status(), Status::ValidUnwitnessed);
}

#[test]
fn keys_out_of_the_export_itself_are_used_and_pointed_out() {
    let report = Log::of(7).export().verify_with(&[], &[]);
    assert_eq!(report.trust, TrustSource::Export);
    expect(&report, Status::ValidUnwitnessed, FindingKind::Key, "the keys are the export's own `trust.txt`");
}

#[test]
fn a_cut_tail_is_seen_against_a_kept_head_and_only_so() {
    let log = Log::of(12);
    let cut = Log { records: log.records[..7].to_vec(), ..Log::of(7) }.export();
    assert_eq!(cut.verify(&[]).status(), Status::ValidUnwitnessed);
    assert_eq!(cut.verify(&[log.head(7)]).status(), Status::ValidWitnessed);
    let report = cut.verify(&[log.head(12)]);
    expect(&report, Status::Tampered, FindingKind::Truncated, "the export ends at 7, kept head 1 says 12");
    let report = cut.verify(&[log.head(5), log.ticket(8, 9).to_text()]);
    expect(&report, Status::Tampered, FindingKind::Truncated, "the export ends at 7, kept head 2 says 9");
}

#[test]
fn a_log_written_anew_with_its_own_key_is_seen_against_a_kept_head_and_only_so() {
    let log = Log::of(12);
    let anew = Log::with(12, key(), |draft| {
        if draft.id == "id-4" {
            draft.by_id = "agent_2".to_owned();
        }
    });
    let export = anew.export();
    assert_eq!(export.verify(&[]).status(), Status::ValidUnwitnessed);
    assert_eq!(export.verify(&[log.head(4)]).status(), Status::ValidWitnessed, "the first four are still the same");
    for size in 5..=12 {
        let text = format!("the first {size} records are not those of kept head 1");
        expect(&export.verify(&[log.head(size)]), Status::Tampered, FindingKind::Forked, &text);
    }
}

#[test]
fn a_log_written_anew_with_another_key_is_seen_by_the_key() {
    let anew = Log::with(7, other_key(), |_| {});
    let export = anew.export();
    let report = export.verify(&[]);
    expect(&report, Status::Tampered, FindingKind::Checkpoint, "the checkpoint is signed by an unknown key");
    expect(&report, Status::Tampered, FindingKind::Key, "none of which you trust");
    // Without the auditor's key only a head kept from before helps.
    assert_eq!(export.verify_with(&[], &[]).status(), Status::ValidUnwitnessed);
    let before = Log::with(7, key(), |draft| draft.by_id = "agent_2".to_owned());
    let report = export.verify_with(&[], &[before.head(7)]);
    expect(&report, Status::Tampered, FindingKind::Forked, "the first 7 records are not those of kept head 1");
    let report = export.verify_with(&[], &[Log::of(7).head(7)]);
    expect(&report, Status::Unverifiable, FindingKind::Kept, "kept head 1 fits but proves nothing");
}

#[test]
fn a_kept_head_that_cannot_be_used_is_never_passed_over() {
    let log = Log::of(7);
    let export = log.export();
    let check = |kept: String, text: &str| expect(&export.verify(&[kept]), Status::Unverifiable, FindingKind::Kept, text);
    check("garbage".to_owned(), "kept head 1 cannot be used: not a signed note");
    check("c2sp.org/tlog-proof@v1\n".to_owned(), "kept head 1 cannot be used: not a `c2sp.org/tlog-proof@v1`");
    check(log.head(5).replacen("\n5\n", "\n6\n", 1), "kept head 1 cannot be used: the signature of");
    let elsewhere = Log { key: LogKey::from_seed("ledger.example/acme/e2", &[1; 32]).unwrap(), ..Log::of(7) };
    check(elsewhere.head(7), &format!("kept head 1 is of the log `ledger.example/acme/e2`, the export is of `{ORIGIN}`"));
}

#[test]
fn a_ticket_for_another_record_is_seen() {
    let log = Log::of(7);
    let mut ticket = log.ticket(3, 7);
    ticket.index = 2;
    let report = log.export().verify(&[ticket.to_text()]);
    expect(&report, Status::Tampered, FindingKind::Kept, "record 2: not the one that the ticket in kept head 1 was made for");
}

#[test]
fn an_export_without_checkpoint_or_keys_is_unverifiable() {
    let export = Log::of(7).export();
    export.remove("trust.txt");
    expect(&export.verify_with(&[], &[]), Status::Unverifiable, FindingKind::Key, "`trust.txt` is missing");
    expect(&export.verify(&[]), Status::Incomplete, FindingKind::Key, "`trust.txt` is missing");
    export.remove("checkpoint");
    expect(&export.verify(&[]), Status::Unverifiable, FindingKind::Checkpoint, "`checkpoint` is missing");
    let nowhere: &[Verifier] = &[];
    let report = lineclear_ledger::verify_export(&export.path().join("nowhere"), nowhere, &[]);
    assert_eq!(report.status(), Status::Unverifiable);
}

#[test]
fn each_status_has_its_exit_code() {
    let codes = [Status::ValidWitnessed, Status::ValidUnwitnessed, Status::Incomplete, Status::Tampered, Status::Unverifiable];
    assert_eq!(codes.map(Status::exit_code), [0, 0, 3, 4, 5]);
    assert_eq!(
        codes.map(|status| status.to_string()),
        ["valid, witnessed", "valid, unwitnessed", "incomplete", "tampered", "unverifiable"]
    );
}
