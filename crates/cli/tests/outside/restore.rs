//! A database restored from an older backup is refused at start, and an export that was touched does not verify.

use std::fs;
use std::time::Duration;

use super::caches::{estate, propose, rules};
use super::installation::{Installation, LINECLEAR, eventually, run, succeeds};

const DATABASE: [&str; 3] = ["data/lineclear.db", "data/lineclear.db-wal", "data/lineclear.db-shm"];

async fn started() -> Installation {
    let mut house = Installation::new(&estate(3), &["alice"], &["purger"], &rules("http://127.0.0.1:9"));
    house.start();
    propose(&house, 3).await;
    house
}

/// Waits until the committed head was remembered outside the database.
async fn remembered(house: &Installation) {
    let head = house.lineclear("alice", &["ledger", "head"]).stdout;
    eventually("the head outside the database", async || {
        let kept = fs::read(house.path("data/head.note")).unwrap_or_default();
        let size = |note: &[u8]| String::from_utf8_lossy(note).lines().nth(1).and_then(|line| line.parse::<u64>().ok());
        (size(&kept) >= size(&head)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_restored_from_an_older_backup_is_refused_at_start() {
    let mut house = started().await;
    house.kill();
    for name in DATABASE {
        if house.path(name).exists() {
            fs::copy(house.path(name), house.path(&format!("{name}.backup"))).unwrap();
        }
    }
    house.start();
    propose(&house, 3).await;
    remembered(&house).await;
    house.kill();
    for name in DATABASE {
        let _ = fs::remove_file(house.path(name));
        let backup = house.path(&format!("{name}.backup"));
        if backup.exists() {
            fs::copy(backup, house.path(name)).unwrap();
        }
    }
    let said = house.try_start().expect_err("an older database must not be served");
    assert!(said.contains("refusing to start"), "{said}");
    fs::remove_file(house.path("data/head.note")).unwrap();
    let said = house.try_start().expect_err("without its memory it must not be served either");
    assert!(said.contains("is missing although the database holds"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_was_touched_does_not_verify_and_the_verifier_says_where() {
    let house = started().await;
    let (data, estate) = (house.text("data"), house.text("estate"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let export = |name: &str| {
        succeeds(LINECLEAR, &["ledger", "export", &house.text(name), "--data", &data, "--estate", &estate]);
        house.text(name)
    };
    let verify = |args: &[&str]| {
        let output = run(LINECLEAR, &[&["ledger", "verify"], args].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let early = export("early");
    propose(&house, 3).await;
    fs::write(house.path("kept"), house.lineclear("alice", &["ledger", "head"]).stdout).unwrap();
    let kept = house.text("kept");
    let whole = export("whole");
    let (code, said) = verify(&[&whole, "--kept", &kept]);
    assert!(code == Some(0) && said.starts_with("valid, witnessed"), "{said}");
    // Cut back to an older head that was signed in its time: only a head that somebody kept tells.
    let (code, _) = verify(&[&early]);
    assert_eq!(code, Some(0));
    let (code, said) = verify(&[&early, "--kept", &kept]);
    assert!(code == Some(6) && said.starts_with("tampered"), "{said}");
    // One byte in the records.
    let bundle = fs::read_dir(house.path("whole/tile/entries")).unwrap().next().unwrap().unwrap().path();
    let bundle = if bundle.is_dir() { fs::read_dir(bundle).unwrap().next().unwrap().unwrap().path() } else { bundle };
    let mut bytes = fs::read(&bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    let (code, said) = verify(&[&whole]);
    assert!(code == Some(6) && said.starts_with("tampered"), "{said}");
}
