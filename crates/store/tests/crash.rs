//! Killing the process under load, again and again: nothing acknowledged is lost, no index is given twice.
//!
//! This very executable is the victim: the parent starts it once more for the one test that writes, in a folder that
//! holds the word to begin.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use lineclear_core::record::{Event, Happened, Row, Stream};
use lineclear_core::situation::Actor;
use lineclear_core::{Digest, EventId, Timestamp, incident};
use lineclear_ledger::{Edge, Entry, LogKey, leaf_hash, verify_inclusion};
use lineclear_store::{Append, Batch, Sqlite, Store, StoreError};

/// Times the process is killed.
#[cfg(test)]
const ROUNDS: u64 = 20;
/// Tasks that write at the same time.
#[cfg(test)]
const WRITERS: u64 = 16;
/// Tells a process started by the parent from one that runs all tests.
#[cfg(test)]
const WORD: &str = "begin";

#[cfg(test)]
mod victim {
    use super::*;

    fn key() -> LogKey {
        LogKey::from_seed("ledger.example/acme/e1", &[7; 32]).unwrap()
    }

    fn batch(epoch: u64, writer: u64, seq: u64) -> Batch {
        let stream: Stream = format!("incident_{epoch:016x}{writer:016x}").parse().unwrap();
        let id: EventId = format!("event_{epoch:08x}{writer:08x}{seq:016x}").parse().unwrap();
        let at = Timestamp::from_micros(1_795_400_000_000_000);
        let event = Event::Incident(incident::Event::Resolved { at });
        let salt = *Digest::of(id.to_string().as_bytes()).as_bytes();
        let row = Row { stream, word: "open".into(), open: true, due: None, key: "k".into(), title: "t".into(), begun: at };
        let events = vec![Happened { id, at, by: Actor::Engine, event, salt }];
        Batch { appends: vec![Append { stream, expect: seq, events, row }], ..Batch::default() }
    }

    /// Does nothing unless the parent of this file's other tests started it: then it writes until it is killed, or the store
    /// refuses.
    #[test]
    fn the_victim_writes_until_it_is_killed() {
        if !Path::new(WORD).exists() {
            return;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let store = Arc::new(Sqlite::open(Path::new("db"), key()).unwrap());
            let epoch = store.take_epoch().await.unwrap();
            println!("epoch {epoch}");
            let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(Arc::clone(&store), epoch, writer))).collect();
            for writer in writers {
                writer.await.unwrap();
            }
            println!("head {}", store.head().await.unwrap().size);
        });
    }

    async fn write(store: Arc<Sqlite>, epoch: u64, writer: u64) {
        for seq in 0.. {
            let batch = batch(epoch, writer, seq);
            let id = batch.appends[0].events[0].id;
            match store.append(batch).await {
                Ok(committed) => println!("ack {} {id} {}", committed.events[0].index, committed.head.size),
                Err(StoreError::Database(why)) => {
                    println!("refused {why}");
                    return;
                }
                Err(other) => panic!("{other}"),
            }
        }
    }

    /// The victim in `folder`, begun by a shell that sets its limits first.
    fn start(folder: &Path, limits: &str) -> Child {
        std::fs::write(folder.join(WORD), b"").unwrap();
        let own = std::env::current_exe().unwrap();
        let script = format!("{limits} exec \"$0\" --exact victim::the_victim_writes_until_it_is_killed --nocapture");
        Command::new("sh").arg("-c").arg(script).arg(own).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Reads what the victim says, and kills it after `acks` acknowledgements; what it said until it died.
    fn kill_after(mut victim: Child, acks: usize) -> Vec<String> {
        let mut heard = Vec::new();
        let mut acknowledged = 0;
        for line in BufReader::new(victim.stdout.take().unwrap()).split(b'\n') {
            let line = String::from_utf8(line.unwrap()).unwrap();
            acknowledged += usize::from(line.starts_with("ack "));
            heard.push(line);
            if acknowledged == acks {
                victim.kill().unwrap();
            }
        }
        victim.wait().unwrap();
        heard
    }

    type Acks = BTreeMap<u64, String>;

    /// Index and id of each acknowledgement. A line that death cut short has no third word and does not count.
    fn keep(acks: &mut Acks, heard: &[String]) {
        for line in heard {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["ack", index, id, _head] = words.as_slice() {
                let before = acks.insert(index.parse().unwrap(), (*id).to_owned());
                assert_eq!(before, None, "index {index} was given twice");
            }
        }
    }

    /// Everything that was acknowledged is where it was said to be; the tree over all of it has the signed root. Its size.
    async fn verify(store: &Sqlite, acks: &Acks) -> u64 {
        let head = store.head().await.unwrap();
        let (mut edge, mut ids) = (Edge::new(), BTreeSet::new());
        while edge.size() < head.size {
            for (index, bytes) in store.entries(edge.size(), 1_024).await.unwrap() {
                let entry = Entry::parse(&bytes).unwrap();
                assert_eq!(index, edge.size());
                assert!(acks.get(&index).is_none_or(|id| id == entry.id()), "index {index} holds another record");
                assert!(ids.insert(entry.id().to_owned()), "{} is there twice", entry.id());
                edge.append(leaf_hash(&bytes));
                let opened = store.payload(entry.commit()["event"].hash.clone()).await.unwrap().unwrap();
                assert!(entry.commit()["event"].opens(&opened.0, &opened.1));
            }
        }
        assert!(acks.last_key_value().is_none_or(|(last, _)| *last < head.size), "an acknowledged record is lost");
        let signed = key().verifier().open_checkpoint(&head.note).unwrap();
        assert_eq!((edge.root(), edge.size()), (signed.root, signed.size));
        for index in [0, head.size / 2, head.size - 1] {
            let bytes = store.entries(index, 1).await.unwrap().remove(0).1;
            let proof = store.inclusion(index, head.size).await.unwrap();
            verify_inclusion(leaf_hash(&bytes), index, head.size, &proof, head.root).unwrap();
        }
        head.size
    }

    #[test]
    fn twenty_kills_under_load_lose_nothing_that_was_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (mut acks, mut size, mut epochs) = (Acks::new(), 0, BTreeSet::new());
        for round in 0..ROUNDS {
            let heard = kill_after(start(folder.path(), ""), usize::try_from(20 + round * 17).unwrap());
            keep(&mut acks, &heard);
            let epoch: u64 = heard.iter().find_map(|line| line.strip_prefix("epoch ")).unwrap().parse().unwrap();
            assert!(epochs.last().is_none_or(|last| *last < epoch), "epoch {epoch} was given before");
            epochs.insert(epoch);
            let store = Sqlite::open(&folder.path().join("db"), key()).unwrap();
            let found = runtime.block_on(verify(&store, &acks));
            assert!(found > size);
            size = found;
        }
        let unheard = size - u64::try_from(acks.len()).unwrap();
        println!("{ROUNDS} kills: {} records acknowledged and there, {unheard} there and never acknowledged", acks.len());
    }

    #[test]
    fn a_failed_write_poisons_the_store_until_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        // No file grows beyond 1,024 blocks of 512 or 1,024 bytes, as the shell has it: the write-ahead log meets that first,
        // and as an I/O error rather than as a full disk.
        let mut victim = start(folder.path(), "trap '' XFSZ; ulimit -f 1024;");
        let heard: Vec<String> = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
        assert!(victim.wait().unwrap().success(), "{heard:?}");
        let refusals: BTreeSet<&str> = heard.iter().filter_map(|line| line.strip_prefix("refused ")).collect();
        let poisoned = "nothing is written any more after an earlier failure, open the store again: the database failed: disk I/O error";
        assert!(
            refusals.iter().all(|why| ["disk I/O error", poisoned].contains(why)) && refusals.contains("disk I/O error"),
            "{refusals:?}"
        );
        let mut acks = Acks::new();
        keep(&mut acks, &heard);
        assert!(!acks.is_empty());
        // It went on answering what it had: its head covers exactly what it acknowledged.
        let head: u64 = heard.iter().find_map(|line| line.strip_prefix("head ")).unwrap().parse().unwrap();
        assert_eq!(head, u64::try_from(acks.len()).unwrap());
        let store = Sqlite::open(&folder.path().join("db"), key()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(verify(&store, &acks)), head);
    }
}
