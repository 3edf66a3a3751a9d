//! Payloads beside the log: each opens its commitment, or a record says that it was erased.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::folder::{Folder, Unread};
use super::report::{FindingKind, Gravity, Report};
use crate::commitment::{Commitment, SALT_LEN};
use crate::entry::View;
use crate::export::payload_paths;
use crate::hash::Hash;

/// Bytes of one payload at most: it is read whole.
const PAYLOAD_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of a salt file: 32 bytes in base64url.
const SALT_MAX_BYTES: usize = 43;

/// The kind of record that says what was erased, in any major version. Its body names records in `indexes`: whole numbers
/// smaller than its own index, whose payloads are all gone; or single commitments in `commitments`, base64url.
const ERASED_KIND: &str = "payload.erased/";

/// What was committed to, what is missing and what was erased.
#[derive(Debug, Default)]
pub(super) struct Payloads {
    committed: BTreeSet<Hash>,
    absent: Vec<(u64, String, Hash)>,
    present: Vec<(u64, String, Hash)>,
    erased_records: BTreeMap<u64, u64>,
    erased_commitments: BTreeMap<Hash, u64>,
    /// Records are missing, and with them what they committed to.
    holed: bool,
}

impl Payloads {
    /// Whether some record committed to this, or may have.
    pub(super) fn knows(&self, digest: &Hash) -> bool {
        self.holed || self.committed.contains(digest)
    }

    pub(super) const fn hole(&mut self) {
        self.holed = true;
    }

    pub(super) fn record(&mut self, index: u64, view: &View<'_>, folder: &Folder<'_>, report: &mut Report) {
        if view.kind.starts_with(ERASED_KIND) {
            self.erasure(index, view.body, report);
        }
        for (name, commitment) in &view.commit {
            let Some(digest) = commitment.digest() else { continue };
            self.committed.insert(digest);
            match open(commitment, &digest, folder) {
                Ok(true) => {
                    report.payloads += 1;
                    self.present.push((index, name.clone(), digest));
                }
                Ok(false) => self.absent.push((index, name.clone(), digest)),
                Err((gravity, problem)) => {
                    let text = format!("record {index}: payload `{name}`: {problem}");
                    report.find(gravity, FindingKind::Payload, Some(index), text);
                }
            }
        }
    }

    fn erasure(&mut self, index: u64, body: &[u8], report: &mut Report) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let (records, commitments) = (body.get("indexes").and_then(Value::as_array), body.get("commitments").and_then(Value::as_array));
        for record in records.into_iter().flatten() {
            if let Some(record) = record.as_u64().filter(|record| *record < index) {
                self.erased_records.insert(record, index);
            } else {
                let text = format!("record {index}: says that {record} was erased, which is no record before it");
                report.find(Gravity::Remark, FindingKind::Payload, Some(index), text);
            }
        }
        let hashes = commitments.into_iter().flatten().filter_map(Value::as_str).filter_map(|text| Hash::from_base64url(text).ok());
        self.erased_commitments.extend(hashes.map(|hash| (hash, index)));
    }

    fn erased_by(&self, index: u64, digest: &Hash) -> Option<u64> {
        self.erased_records.get(&index).or_else(|| self.erased_commitments.get(digest)).copied()
    }

    /// Missing ones without a word about it, and erased ones that are still there.
    pub(super) fn finish(&mut self, report: &mut Report) {
        for (index, name, digest) in std::mem::take(&mut self.absent) {
            if self.erased_by(index, &digest).is_some() {
                report.erased += 1;
            } else {
                let text = format!("record {index}: payload `{name}` is missing and no record says that it was erased");
                report.find(Gravity::Incomplete, FindingKind::Payload, Some(index), text);
            }
        }
        for (index, name, digest) in std::mem::take(&mut self.present) {
            if let Some(by) = self.erased_by(index, &digest) {
                let text = format!("record {index}: payload `{name}` is still here although record {by} says that it was erased");
                report.find(Gravity::Remark, FindingKind::Payload, Some(index), text);
            }
        }
    }
}

/// Whether the payload is there and opens; otherwise what is wrong with it.
fn open(commitment: &Commitment, digest: &Hash, folder: &Folder<'_>) -> Result<bool, (Gravity, String)> {
    let (payload_path, salt_path) = payload_paths(commitment, digest);
    let (salt, bytes) = match (folder.read(&salt_path, SALT_MAX_BYTES), folder.read(&payload_path, PAYLOAD_MAX_BYTES)) {
        (Ok(salt), Ok(bytes)) => (salt, bytes),
        (Err(Unread::Unfit(text)), _) => return Err((Gravity::Tampered, text)),
        (_, Err(Unread::Unfit(text))) => return Err((Gravity::Unverifiable, text)),
        (Err(Unread::Missing), _) | (_, Err(Unread::Missing)) => return Ok(false),
    };
    let salt: Option<[u8; SALT_LEN]> = URL_SAFE_NO_PAD.decode(salt).ok().and_then(|salt| salt.try_into().ok());
    let Some(salt) = salt else { return Err((Gravity::Tampered, format!("`{salt_path}` is not 32 bytes in base64url"))) };
    if commitment.opens(&salt, &bytes) {
        Ok(true)
    } else {
        Err((Gravity::Tampered, format!("`{payload_path}` does not open the commitment")))
    }
}
