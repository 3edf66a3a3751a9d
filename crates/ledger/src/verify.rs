//! The offline verifier: what an export proves, from its files alone, and against heads that somebody else kept.
//!
//! Cutting off the end, showing a fork and writing everything anew with the right key cannot be seen in one export alone. They show only
//! against a kept head, which is why a report without one says *unwitnessed*.

use std::path::Path;

use crate::hash::Hash;
use crate::key::Verifier;
use crate::note::NOTE_MAX_BYTES;

mod chain;
mod folder;
mod head;
mod kept;
mod payloads;
mod records;
mod report;
mod strays;

use folder::Folder;
use kept::Kept;
use records::Records;
pub use report::{Finding, FindingKind, Gravity, Report, Status, TrustSource};

/// Bytes read of `trust.txt` and `manifest.json` at most: a few hundred short lines.
const SMALL_FILE_MAX: usize = NOTE_MAX_BYTES;

/// Checks an export from scratch. Nothing in `dir` is believed, nothing outside it is touched, and nothing in it makes this panic.
///
/// `trust` are the keys that the auditor has from elsewhere; without any the export's own `trust.txt` is used, and the report says so.
/// `kept` are signed checkpoints or tickets that others hold: from runners, witnesses, mails or earlier exports.
pub fn verify_export(dir: &Path, trust: &[Verifier], kept: &[String]) -> Report {
    let folder = Folder::new(dir);
    let mut report = Report::new(if trust.is_empty() { TrustSource::Export } else { TrustSource::Given });
    let keys = head::trusted_keys(&folder, trust, &mut report);
    let Some(checkpoint) = head::checkpoint(&folder, &keys, &mut report) else { return report };
    head::manifest(&folder, &checkpoint, &mut report);
    let kept: Vec<Kept> = kept.iter().enumerate().filter_map(|(at, text)| Kept::read(at + 1, text, &keys, &mut report)).collect();
    let mut records = Records::new(&folder, &checkpoint, kept::wanted(&kept, &checkpoint), &mut report);
    let rebuilt = records.run();
    let (seen, payloads) = records.finish();
    if let Some(root) = rebuilt {
        head::root(&checkpoint, root, &mut report);
    }
    for kept in &kept {
        kept.compare(&checkpoint, &seen, &mut report);
    }
    strays::look(&folder, &checkpoint, &payloads, &mut report);
    report
}

/// What the records rebuild, at the places that kept heads ask about.
#[derive(Debug, Default)]
struct Seen {
    roots: std::collections::BTreeMap<u64, Option<Hash>>,
    leaves: std::collections::BTreeMap<u64, Option<Hash>>,
}
