//! What a world has left in its database: every event in the ledger's order, and whether an export of it verifies.

use std::collections::BTreeMap;
use std::path::Path;

use lineclear_ledger::{Entry, ExportSource, Hash, SaltedPayload, SourceError, Status, verify_export, write_export};
use lineclear_store::{Sqlite, Store as _};
use serde_json::Value;

use crate::{hand, plane, scenario};

/// How many entries are read at once.
const PAGE: u32 = 1_024;

/// One event.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its place in the ledger.
    pub index: u64,
    /// When, by the world's clock, in microseconds.
    pub at: i64,
    /// Whose: `run_…`.
    pub stream: String,
    /// What: `run.intended`.
    pub kind: String,
    /// Its members.
    pub event: Value,
}

/// The ledger of a world.
pub struct History {
    /// Every event, oldest first.
    pub told: Vec<Told>,
    /// Why the export does not verify, if so.
    pub fault: Option<String>,
}

struct Copy {
    checkpoint: String,
    entries: Vec<Vec<u8>>,
    payloads: BTreeMap<Hash, SaltedPayload>,
}

impl ExportSource for Copy {
    fn checkpoint(&self) -> Result<String, SourceError> {
        Ok(self.checkpoint.clone())
    }

    fn vkey(&self) -> Result<String, SourceError> {
        Ok(scenario::log_key().verifier().to_string())
    }

    fn entries(&self, from: u64, count: u32) -> Result<Vec<Vec<u8>>, SourceError> {
        Ok(self.entries.iter().skip(usize::try_from(from)?).take(usize::try_from(count)?).cloned().collect())
    }

    fn payload(&self, commitment: &Hash) -> Result<Option<SaltedPayload>, SourceError> {
        Ok(self.payloads.get(commitment).cloned())
    }
}

/// Reads what a world has left.
pub async fn read(world: &Path, runners: usize) -> History {
    let store = Sqlite::open(&plane::database(world), scenario::log_key()).expect("a killed plane leaves a database that opens");
    let head = store.head().await.expect("the database has a head");
    let mut copy = Copy { checkpoint: head.note, entries: Vec::new(), payloads: BTreeMap::new() };
    let mut told = Vec::new();
    let mut from = 0;
    while from < head.size {
        for (index, bytes) in store.entries(from, PAGE).await.expect("entries can be read") {
            let entry = Entry::parse(&bytes).expect("the ledger holds entries");
            for commitment in entry.commit().values() {
                let hash = Hash::from_base64url(&commitment.hash).expect("a commitment is a hash");
                let payload = store.payload(commitment.hash.clone()).await.expect("payloads can be read").expect("nothing was erased");
                let whole: Value = serde_json::from_slice(&payload.1).expect("a payload is JSON");
                told.push(Told {
                    index,
                    at: entry.time().parse::<lineclear_core::Timestamp>().expect("a time").as_micros(),
                    stream: entry.stream().to_owned(),
                    kind: entry.kind().trim_end_matches("/1").to_owned(),
                    event: whole.get("event").cloned().unwrap_or_default(),
                });
                copy.payloads.insert(hash, payload);
            }
            copy.entries.push(bytes);
            from = index + 1;
        }
    }
    let fault = verified(&copy, world, runners);
    History { told, fault }
}

/// Exports the ledger and has it verified against the heads that the runners kept.
fn verified(copy: &Copy, world: &Path, runners: usize) -> Option<String> {
    let directory = world.join("export");
    if let Err(error) = write_export(&directory, copy) {
        return Some(format!("the ledger cannot be exported: {error}"));
    }
    let kept: Vec<String> = (1..=runners).filter_map(|number| kept_head(world, number)).collect();
    let report = verify_export(&directory, &[scenario::log_key().verifier()], &kept);
    let valid = matches!(report.status(), Status::ValidWitnessed) || (kept.is_empty() && report.status() == Status::ValidUnwitnessed);
    (!valid).then(|| format!("the exported ledger is {}: {:?}", report.status(), report.findings))
}

/// The head of the ledger in a runner's journal.
fn kept_head(world: &Path, number: usize) -> Option<String> {
    let journal = hand::journal(world, number);
    let connection = journal.exists().then(|| rusqlite::Connection::open(journal).ok())??;
    connection.query_row("SELECT note FROM head", [], |row| row.get(0)).ok()
}
