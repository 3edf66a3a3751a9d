//! Reading an export for the audit: one thread deals records out, the others read payloads and decide. Memory does not grow with
//! the log: a few batches wait for each worker, and a worker keeps a bounded number of answers.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lineclear_audit::{Auditor, Tally, Versions, shard, wanted};
use lineclear_ledger::{BUNDLE_MAX_BYTES, Commitment, Entry, SALT_LEN, SaltedPayload, TILE_WIDTH, TilePath, decode_bundle};
use serde_json::Value;

use crate::exit::Failure;

/// Most threads that decide; more would wait for the disk.
const WORKERS_MAX: usize = 8;
/// Batches that wait for each worker; one comes from one bundle of 256 records.
const WAITING_MAX: usize = 8;
/// Bytes of the manifest at most.
const MANIFEST_MAX: usize = 64 * 1024;
/// Bytes of a payload at most: as many as the store keeps.
const PAYLOAD_MAX: usize = 1024 * 1024;
/// Bytes of a salt's file at most: 32 in base64url, and room to spare.
const SALT_MAX: usize = 64;

/// A record and its index in the log.
type Record = (u64, Vec<u8>);

/// Decides everything in the export again.
///
/// # Errors
/// When a file of the export cannot be read, or a record is spoilt.
pub(super) fn audited(folder: &Path, versions: &Versions<'_>) -> Result<Tally, Failure> {
    let size = size(folder)?;
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).clamp(1, WORKERS_MAX);
    std::thread::scope(|scope| {
        let (mut senders, mut threads) = (Vec::new(), Vec::new());
        for _ in 0..workers {
            let (sender, receiver) = sync_channel(WAITING_MAX);
            senders.push(sender);
            threads.push(scope.spawn(move || work(folder, versions, &receiver)));
        }
        let dealt = deal(folder, size, &senders);
        drop(senders);
        let mut tally = Tally::default();
        for thread in threads {
            tally = tally.join(thread.join().map_err(|_| Failure::new("a worker of the audit was lost"))??);
        }
        dealt.map(|()| tally)
    })
}

fn size(folder: &Path) -> Result<u64, Failure> {
    let no = |why: &str| Failure::new(format!("`{}` is no export: {why}", folder.display())).help("`lineclear ledger export` writes one");
    let manifest = read(&folder.join("manifest.json"), MANIFEST_MAX)?.ok_or_else(|| no("it has no `manifest.json`"))?;
    let manifest: Value = serde_json::from_slice(&manifest).map_err(|_| no("its `manifest.json` is no JSON"))?;
    manifest.get("size").and_then(Value::as_str).and_then(|size| size.parse().ok()).ok_or_else(|| no("its `manifest.json` tells no size"))
}

fn deal(folder: &Path, size: u64, senders: &[SyncSender<Vec<Record>>]) -> Result<(), Failure> {
    for n in 0..size.div_ceil(TILE_WIDTH) {
        let from = n * TILE_WIDTH;
        let width = (size - from).min(TILE_WIDTH);
        let path = TilePath::entries(n, u16::try_from(width).unwrap_or(0)).to_string();
        let bad =
            |why: &str| Failure::new(format!("`{path}` of the export {why}")).help("`lineclear ledger verify` says what is wrong with it");
        let bundle = read(&folder.join(&path), BUNDLE_MAX_BYTES)?.ok_or_else(|| bad("is missing"))?;
        let records = decode_bundle(&bundle).map_err(|error| bad(&format!("is spoilt: {error}")))?;
        if u64::try_from(records.len()) != Ok(width) {
            return Err(bad("has another number of records than its name says"));
        }
        let mut batches: Vec<Vec<Record>> = senders.iter().map(|_| Vec::new()).collect();
        for (index, record) in (from..).zip(records) {
            let share = shard(record).and_then(|sum| usize::try_from(sum.checked_rem(u64::try_from(senders.len()).ok()?)?).ok());
            if let Some(batch) = share.and_then(|share| batches.get_mut(share)) {
                batch.push((index, record.to_vec()));
            }
        }
        for (sender, batch) in senders.iter().zip(batches) {
            // A worker that is gone has a failure of its own, which is told instead.
            if sender.send(batch).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn work(folder: &Path, versions: &Versions<'_>, records: &Receiver<Vec<Record>>) -> Result<Tally, Failure> {
    let mut auditor = Auditor::new(versions);
    for (index, bytes) in records.iter().flatten() {
        let spoilt = |error| Failure::new(format!("record {index} is spoilt: {error}")).help("`lineclear ledger verify` says more");
        let entry = Entry::parse(&bytes).map_err(spoilt)?;
        let payload = wanted(&entry).map(|commitment| payload(folder, commitment)).transpose()?.flatten();
        auditor.take(index, &entry, payload.as_ref().map(|(salt, bytes)| (salt, bytes.as_slice())));
    }
    Ok(auditor.finish())
}

/// Salt and payload; nothing when either was erased.
fn payload(folder: &Path, commitment: &Commitment) -> Result<Option<SaltedPayload>, Failure> {
    let Some(digest) = commitment.digest() else { return Ok(None) };
    let kind = if commitment.media == "application/json" { "json" } else { "bin" };
    let bytes = read(&folder.join(format!("payloads/{digest}.{kind}")), PAYLOAD_MAX)?;
    let salt = read(&folder.join(format!("payloads/{digest}.salt")), SALT_MAX)?;
    let (Some(bytes), Some(salt)) = (bytes, salt) else { return Ok(None) };
    // A salt that cannot be read opens nothing, which the audit tells as what it is.
    let salt = URL_SAFE_NO_PAD.decode(&salt).ok().and_then(|salt| salt.try_into().ok()).unwrap_or([0; SALT_LEN]);
    Ok(Some((salt, bytes)))
}

/// A regular file of at most `max` bytes; nothing when it is not there.
fn read(path: &Path, max: usize) -> Result<Option<Vec<u8>>, Failure> {
    let bad = |why: String| Failure::new(format!("`{}` cannot be read: {why}", path.display()));
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(bad(error.to_string())),
    };
    let limit = u64::try_from(max).unwrap_or(u64::MAX);
    if !found.is_file() || found.len() > limit {
        return Err(bad(format!("it is no regular file of at most {max} bytes")));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0));
    File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(|error| bad(error.to_string()))?;
    Ok(Some(bytes))
}
