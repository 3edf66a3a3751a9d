//! Exhaustive: no byte of an export can change without a finding, and no rubbish in it makes the verifier panic.

use std::fs;

use lineclear_ledger::{Gravity, Status, verify_export};
use proptest::prelude::*;

use crate::log::{Log, key};

#[test]
fn every_changed_byte_is_found_with_and_without_the_key() {
    let log = Log::of(6);
    let export = log.export();
    let trust = [key().verifier()];
    for file in export.files() {
        let path = export.path().join(&file);
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            fs::write(&path, bad).unwrap();
            for keys in [&trust[..], &[]] {
                let report = verify_export(export.path(), keys, &[]);
                let heavy = report.findings.iter().any(|finding| finding.gravity > Gravity::Remark);
                assert!(heavy && report.status() == Status::Tampered, "{file}, byte {at}: {:#?}", report.findings);
            }
        }
        for cut in [0, good.len() / 2, good.len() - 1] {
            fs::write(&path, &good[..cut]).unwrap();
            let status = verify_export(export.path(), &trust, &[]).status();
            assert!(status > Status::ValidUnwitnessed, "{file}, cut to {cut}");
        }
        fs::write(&path, good).unwrap();
    }
    assert_eq!(export.verify(&[log.head(6)]).status(), Status::ValidWitnessed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rubbish_in_any_file_is_answered(rubbish in prop::collection::vec(any::<u8>(), 0..600), at in any::<prop::sample::Index>()) {
        let export = Log::of(6).export();
        let files = export.files();
        fs::write(export.path().join(&files[at.index(files.len())]), &rubbish).unwrap();
        prop_assert!(export.verify(&[String::from_utf8_lossy(&rubbish).into_owned()]).status() > Status::ValidUnwitnessed);
    }
}
