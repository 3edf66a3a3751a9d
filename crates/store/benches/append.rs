//! Durable appends a second at 1, 16 and 64 concurrent writers, each beside the syncs of the same disk: a flat file that
//! takes as many bytes as one group, written and synced in the same run.

use std::error::Error;
use std::fs::File;
use std::io::{Write as _, stdout};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lineclear_core::record::{Event, Happened, Row, Stream};
use lineclear_core::situation::Actor;
use lineclear_core::{Digest, Timestamp, incident};
use lineclear_ledger::LogKey;
use lineclear_store::{Append, Batch, Sqlite, Store};
use tokio::time::Instant;

/// How long each figure is measured.
const SPAN: Duration = Duration::from_secs(3);
/// Bytes that one append takes on its way to the disk, about: entry, payload, row and their indexes.
const APPEND_BYTES: usize = 2_048;

type Failure = Box<dyn Error + Send + Sync>;

fn batch(round: u64, writer: u64, seq: u64) -> Result<Batch, Failure> {
    let stream: Stream = format!("incident_{round:016x}{writer:016x}").parse()?;
    let id = format!("event_{round:08x}{writer:08x}{seq:016x}");
    let at = Timestamp::from_micros(1_795_400_000_000_000);
    let event = Event::Incident(incident::Event::Closed { by: format!("operator_{writer:032x}").parse()?, reason: "x".repeat(400), at });
    let salt = *Digest::of(id.as_bytes()).as_bytes();
    let row = Row { stream, word: "open".into(), open: true, due: Some(at), key: "key".into(), title: "title".into(), begun: at };
    let events = vec![Happened { id: id.parse()?, at, by: Actor::Engine, event, salt }];
    Ok(Batch { appends: vec![Append { stream, expect: seq, events, row }], ..Batch::default() })
}

async fn write(store: Arc<Sqlite>, round: u64, writer: u64, until: Instant) -> Result<Vec<Duration>, Failure> {
    let mut took = Vec::new();
    let mut seq = 0;
    while Instant::now() < until {
        let batch = batch(round, writer, seq)?;
        let begun = Instant::now();
        store.append(batch).await?;
        took.push(begun.elapsed());
        seq += 1;
    }
    Ok(took)
}

/// Appends of `bytes` and a sync each, for [`SPAN`]: how many a second.
fn syncs(folder: &Path, bytes: usize) -> Result<f64, Failure> {
    let mut file = File::create(folder.join("flat"))?;
    let block = vec![7; bytes];
    let (begun, mut count) = (Instant::now(), 0_u32);
    while begun.elapsed() < SPAN {
        file.write_all(&block)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let key = LogKey::from_seed("ledger.example/bench/e1", &[7; 32])?;
    let store = Arc::new(Sqlite::open(&folder.path().join("db"), key)?);
    writeln!(stdout(), "writers  appends/s   p50 ms   p99 ms   syncs/s of a flat file, one group each   share of it")?;
    for writers in [1_u64, 16, 64] {
        let syncs = syncs(folder.path(), usize::try_from(writers)? * APPEND_BYTES)?;
        let (begun, until) = (Instant::now(), Instant::now() + SPAN);
        let tasks: Vec<_> = (0..writers).map(|writer| tokio::spawn(write(Arc::clone(&store), writers, writer, until))).collect();
        let mut took = Vec::new();
        for task in tasks {
            took.extend(task.await??);
        }
        let rate = f64::from(u32::try_from(took.len())?) / begun.elapsed().as_secs_f64();
        took.sort_unstable();
        let at = |share: usize| took.get(took.len() * share / 100).map_or(0.0, |took| took.as_secs_f64() * 1_000.0);
        let possible = syncs * f64::from(u32::try_from(writers)?);
        writeln!(stdout(), "{writers:>7}  {rate:>9.0}  {:>7.2}  {:>7.2}  {syncs:>38.0}  {:>12.2}", at(50), at(99), rate / possible)?;
    }
    Ok(())
}
