//! How much slower verifying an export from scratch is than hashing the same bytes: the price of proof over reading.
#![expect(clippy::print_stdout, reason = "a benchmark's output is its result")]
#![expect(clippy::disallowed_methods, reason = "measuring time is what a benchmark is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use lineclear_ledger::{
    Checkpoint, Draft, Edge, ExportSource, Hash, LogKey, SaltedPayload, SourceError, Status, leaf_hash, verify_export, write_export,
};
use sha2::{Digest as _, Sha256};

const RECORDS: u64 = 100_000;
const STREAMS: u64 = 1_000;
const ROUNDS: usize = 3;
const ORIGIN: &str = "ledger.example/bench/e1";

struct Log {
    key: LogKey,
    records: Vec<Vec<u8>>,
    root: Hash,
}

impl Log {
    fn new() -> Result<Self, Box<dyn Error>> {
        let mut last: BTreeMap<u64, (u64, Hash)> = BTreeMap::new();
        let (mut records, mut edge) = (Vec::new(), Edge::new());
        for index in 0..RECORDS {
            let before = last.get(&(index % STREAMS));
            let draft = Draft {
                log: ORIGIN.to_owned(),
                stream: format!("change_0190a1b2-c3d4-7e5f-8a9b-{:012}", index % STREAMS),
                seq: before.map_or(0, |(seq, _)| seq + 1),
                prev: before.map(|(_, leaf)| *leaf),
                id: format!("0190a1b2-c3d4-7e5f-8a9b-{index:012}"),
                kind: "change.noted/1".to_owned(),
                time: format!("2026-11-22T02:14:07.{index:06}Z"),
                by_kind: "agent".to_owned(),
                by_id: "agent_0190a1b2".to_owned(),
                body: serde_json::json!({"facts": (0..12).map(|n| serde_json::json!({"age_us": index + n, "source": "metrics", "value": "0123456789abcdef"})).collect::<Vec<_>>()}),
                commit: BTreeMap::new(),
                links: BTreeMap::from([("incident".to_owned(), "incident_0190a1b2".to_owned())]),
            };
            let entry = draft.seal()?;
            last.insert(index % STREAMS, (draft.seq, entry.leaf()));
            edge.append(entry.leaf());
            records.push(entry.into_bytes());
        }
        Ok(Self { key: LogKey::from_seed(ORIGIN, &[7; 32])?, records, root: edge.root() })
    }
}

impl ExportSource for Log {
    fn checkpoint(&self) -> Result<String, SourceError> {
        Ok(self.key.sign_checkpoint(&Checkpoint { origin: ORIGIN.to_owned(), size: RECORDS, root: self.root }))
    }

    fn vkey(&self) -> Result<String, SourceError> {
        Ok(self.key.verifier().to_string())
    }

    fn entries(&self, from: u64, count: u32) -> Result<Vec<Vec<u8>>, SourceError> {
        Ok(self.records.iter().skip(usize::try_from(from)?).take(usize::try_from(count)?).cloned().collect())
    }

    fn payload(&self, _: &Hash) -> Result<Option<SaltedPayload>, SourceError> {
        Ok(None)
    }
}

/// The fastest of some rounds.
fn best(mut round: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let mut fastest = Duration::MAX;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        round()?;
        fastest = fastest.min(began.elapsed());
    }
    Ok(fastest)
}

fn main() -> Result<(), Box<dyn Error>> {
    let log = Log::new()?;
    let dir = tempfile::tempdir()?;
    write_export(dir.path(), &log)?;
    let trust = [log.key.verifier()];
    let verify = best(|| {
        let report = verify_export(dir.path(), &trust, &[]);
        if report.status() == Status::ValidUnwitnessed { Ok(()) } else { Err(report.status().to_string().into()) }
    })?;
    let bare = best(|| {
        for record in &log.records {
            std::hint::black_box(Sha256::digest(record));
        }
        Ok(())
    })?;
    let leaves = best(|| {
        for record in &log.records {
            std::hint::black_box(leaf_hash(record));
        }
        Ok(())
    })?;
    let bytes: usize = log.records.iter().map(Vec::len).sum();
    let rate = |count: f64, took: Duration| count / took.as_secs_f64();
    let records = f64::from(u32::try_from(RECORDS)?);
    let megabytes = f64::from(u32::try_from(bytes / 1_000)?) / 1_000.0;
    println!(
        "verify_export: {:.0} entries/s; bare SHA-256 over the same bytes: {:.0} MB/s and {:.0} entries/s, ratio {:.2}",
        rate(records, verify),
        rate(megabytes, bare),
        rate(records, bare),
        verify.as_secs_f64() / bare.as_secs_f64()
    );
    println!("leaf hashes alone: {:.0} entries/s; {:.0} bytes a record", rate(records, leaves), megabytes * 1e6 / records);
    Ok(())
}
