//! What only a store on disk promises: it comes back, lets nobody else in, notices what was changed, and survives a full disk.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lineclear_core::Timestamp;
use lineclear_ledger::LogKey;
use lineclear_store::{Sqlite, Store, StoreError};
use rusqlite::Connection;

use crate::world::{append, batch, change, happened, incident, key, once, row, sqlite};

async fn fill(store: &Sqlite, from: u128, count: u128) {
    for number in from..from + count {
        let mut one = batch([append(incident(number % 7), u64::try_from(number / 7).unwrap(), [number])]);
        one.once = Some(once(&format!("key {number}"), "x", incident(number % 7)));
        store.append(one).await.unwrap();
    }
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let mut epoch = 0;
    for life in 0..4_u128 {
        let store = sqlite(&path);
        let taken = store.take_epoch().await.unwrap();
        assert!(taken > epoch);
        epoch = taken;
        // 70 a life: the third one fills the first tile.
        fill(&store, life * 140, 140).await;
        let head = store.head().await.unwrap();
        store.close();
        assert_eq!(store.append(batch([append(change(1), 0, [9_999])])).await, Err(StoreError::Closed));
        assert_eq!(store.head().await, Err(StoreError::Closed));
        drop(store);
        let store = sqlite(&path);
        assert_eq!((store.head().await.unwrap(), head.size), (head, u64::try_from(life + 1).unwrap() * 140));
        let events = store.events(incident(0), 0).await.unwrap();
        assert_eq!(events.len(), usize::try_from((life + 1) * 20).unwrap());
        assert_eq!(events[3].happened, happened(incident(0), 21));
        assert_eq!(store.row(incident(0)).await, Ok(Some(row(incident(0), "open"))));
        assert!(store.once("key 0".into()).await.unwrap().is_some());
    }
}

#[test]
fn a_second_server_is_refused_under_every_name_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("db"), folder.path().join("link"));
    let store = sqlite(&path);
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for name in [&path, &link] {
        let refused = Sqlite::open(name, key()).unwrap_err().to_string();
        assert!(refused.starts_with("the database cannot be opened: another server has `") && refused.contains("/db`"), "{refused}");
    }
    drop(store);
    drop(sqlite(&link));
}

#[test]
fn only_its_own_account_reads_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    std::fs::write(&path, b"").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = sqlite(&path);
    store.backup(&folder.path().join("backup")).unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap()).collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn another_key_does_not_open_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    drop(sqlite(&path));
    let next = Sqlite::open(&path, LogKey::from_seed("ledger.example/acme/e2", &[7; 32]).unwrap()).unwrap_err();
    let expected = "it holds the log `ledger.example/acme/e1`, and the key is that of `ledger.example/acme/e2`";
    assert_eq!(next, StoreError::Open(expected.into()));
    let stolen = Sqlite::open(&path, LogKey::from_seed("ledger.example/acme/e1", &[8; 32]).unwrap()).unwrap_err();
    assert!(matches!(stolen, StoreError::Corrupt { table: "head", .. }), "{stolen}");
}

/// What opening says after `change` to a database of 300 entries.
async fn opened_after(change: &str) -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = sqlite(&path);
    fill(&store, 0, 300).await;
    drop(store);
    alter(&path, change);
    Sqlite::open(&path, key()).map(|_| ())
}

fn alter(path: &Path, change: &str) {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.execute_batch(change).unwrap();
}

#[tokio::test]
async fn a_database_that_was_changed_does_not_open() {
    for (change, expected) in [
        ("DELETE FROM head", "head"),
        ("UPDATE head SET size = 299", "head"),
        ("UPDATE head SET note = replace(note, '300', '301')", "head"),
        ("DELETE FROM entry WHERE idx = 299", "head"),
        ("DELETE FROM entry WHERE idx = 270", "tile"),
        ("UPDATE entry SET leaf = zeroblob(32) WHERE idx = 256", "head"),
        ("DELETE FROM tile", "tile"),
        ("UPDATE tile SET root = zeroblob(32)", "head"),
    ] {
        match opened_after(change).await {
            Err(StoreError::Corrupt { table, .. }) => assert_eq!(table, expected, "{change}"),
            other => panic!("{change}: {other:?}"),
        }
    }
    assert_eq!(opened_after("SELECT 1").await, Ok(()));
}

#[tokio::test]
async fn an_event_that_was_changed_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = sqlite(&path);
    for number in 0..10 {
        store.append(batch([append(incident(number), 0, [number])])).await.unwrap();
    }
    drop(store);
    alter(
        &path,
        "UPDATE payload SET bytes = CAST(replace(bytes, 'reason 0', 'reason 1') AS BLOB) WHERE idx = 0;
        UPDATE payload SET salt = zeroblob(32) WHERE idx = 1;
        DELETE FROM payload WHERE idx = 2;
        UPDATE entry SET body = CAST(replace(body, 'closed', 'opened') AS BLOB) WHERE idx = 3;
        UPDATE entry SET body = x'00' WHERE idx = 4;
        UPDATE entry SET seq = 1 WHERE idx = 5;
        UPDATE machine SET kind = 'run' WHERE stream LIKE '%6';",
    );
    let store = sqlite(&path);
    for (number, table, expected) in [
        (0, "payload", "it does not open its commitment"),
        (1, "payload", "it does not open its commitment"),
        (2, "payload", "it is gone"),
        (3, "entry", "its bytes have another leaf hash"),
        (4, "entry", "member `body` is not where it belongs"),
        (5, "entry", "number 0 is missing"),
    ] {
        match store.events(incident(number), 0).await {
            Err(StoreError::Corrupt { table: found, why, .. }) => assert_eq!((found, &*why), (table, expected), "{number}"),
            other => panic!("{number}: {other:?}"),
        }
    }
    assert!(matches!(store.row(incident(6)).await, Err(StoreError::Corrupt { table: "machine", .. })));
    assert_eq!(store.events(incident(7), 0).await.unwrap()[0].happened, happened(incident(7), 7));
}

#[tokio::test]
async fn a_full_disk_refuses_and_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = Sqlite::open_capped(&path, key(), 60).unwrap();
    let (mut kept, mut refused) = (0_u64, None);
    for number in 0..1_000_u128 {
        // Two streams, so that half of a batch could be seen.
        let whole = batch([append(incident(number), 0, [number * 4, number * 4 + 1]), append(change(number), 0, [number * 4 + 2])]);
        match store.append(whole).await {
            Ok(_) => kept += 1,
            Err(error) => {
                refused = Some((number, error));
                break;
            }
        }
    }
    let (number, error) = refused.unwrap();
    assert_eq!(error, StoreError::Database("database or disk is full".into()));
    let head = store.head().await.unwrap();
    assert_eq!((head.size, u128::from(kept)), (kept * 3, number));
    assert_eq!((store.events(incident(number), 0).await, store.row(change(number)).await), (Ok(vec![]), Ok(None)));
    // Still full, still whole: not poisoned, and what fits is taken.
    assert!(matches!(store.append(batch([append(incident(number), 0, [1_000_000])])).await, Ok(_) | Err(StoreError::Database(_))));
    assert_eq!(store.events(incident(0), 0).await.unwrap().len(), 2);
    assert!(store.take_epoch().await.is_ok());
    drop(store);
    let store = sqlite(&path);
    assert!(store.head().await.unwrap().size >= head.size);
    let after = store.append(batch([append(change(number), 0, [number * 4 + 3])])).await.unwrap();
    assert_eq!(after.events[0].index + 1, after.head.size);
}

#[tokio::test]
async fn a_refusal_in_a_group_takes_nobody_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(sqlite(&folder.path().join("db")));
    // Sent without a pause in between, so that most share a group; every other one is refused.
    let jobs: Vec<_> = (0..200_u128)
        .map(|number| {
            let store = std::sync::Arc::clone(&store);
            let mut one = batch([append(incident(number), 0, [number])]);
            if number % 2 == 1 {
                let mut spoilt = append(change(number), 0, [number + 1_000]);
                spoilt.events[0].at = Timestamp::from_micros(i64::MAX);
                one.appends.push(spoilt);
            }
            tokio::spawn(async move { store.append(one).await.map(|committed| committed.events[0].index) })
        })
        .collect();
    let mut indexes = Vec::new();
    for (number, job) in (0..200).zip(jobs) {
        match job.await.unwrap() {
            Ok(index) if number % 2 == 0 => indexes.push(index),
            Err(StoreError::Entry(_)) if number % 2 == 1 => {}
            other => panic!("{number}: {other:?}"),
        }
    }
    indexes.sort_unstable();
    assert_eq!(indexes, (0..100).collect::<Vec<_>>());
    assert_eq!(store.head().await.unwrap().size, 100);
    assert_eq!(store.row(incident(1)).await, Ok(None));
}

#[tokio::test]
async fn closing_answers_everybody_who_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = std::sync::Arc::new(sqlite(&path));
    // More than one queue full, so that some still wait at the door when it closes.
    let jobs: Vec<_> = (0..3_000_u128)
        .map(|number| {
            let store = std::sync::Arc::clone(&store);
            tokio::spawn(async move { store.append(batch([append(incident(number), 0, [number])])).await })
        })
        .collect();
    tokio::task::yield_now().await;
    // On the only thread of this runtime: nobody who waits can move until it returns.
    store.close();
    let mut committed = 0;
    for job in jobs {
        match job.await.unwrap() {
            Ok(_) => committed += 1,
            Err(error) => assert_eq!(error, StoreError::Closed),
        }
    }
    drop(store);
    assert_eq!(sqlite(&path).head().await.unwrap().size, committed);
    assert!((1..3_000).contains(&committed), "{committed}");
}

#[tokio::test]
async fn a_backup_opens_with_everything_that_was_acknowledged_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("db"), folder.path().join("copy"));
    let store = std::sync::Arc::new(sqlite(&path));
    fill(&store, 0, 280).await;
    let before = store.head().await.unwrap().size;
    let writer = {
        let store = std::sync::Arc::clone(&store);
        tokio::spawn(async move { fill(&store, 280, 50).await })
    };
    let backup = std::sync::Arc::clone(&store);
    let to = copy.clone();
    tokio::task::spawn_blocking(move || backup.backup(&to)).await.unwrap().unwrap();
    writer.await.unwrap();
    assert!(store.backup(&copy).unwrap_err().to_string().ends_with("exists; a backup goes to a new file"));
    let copied = sqlite(&copy);
    let size = copied.head().await.unwrap().size;
    assert!(size >= before);
    let old = store.entries(0, 1_024).await.unwrap();
    assert_eq!(copied.entries(0, 1_024).await.unwrap(), old[..usize::try_from(size).unwrap()]);
}
