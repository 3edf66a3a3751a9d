//! T10: the log touched by its own operator: a byte edited, a record taken from the middle, the tail cut off, and the whole history
//! written anew with the real keys. Each is found from an export alone; the last two against a head that somebody else has kept.

use std::fs;
use std::path::{Path, PathBuf};

use super::world::{World, plain};
use crate::installation::{LINECLEAR, run, succeeds};

fn verify(args: &[&str]) -> (Option<i32>, String) {
    let output = run(LINECLEAR, &[&["ledger", "verify"], args].concat());
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn export(world: &World, data: &str, name: &str) -> String {
    let (to, data, estate) = (world.house.text(name), world.house.text(data), world.house.text("estate"));
    succeeds(LINECLEAR, &["ledger", "export", &to, "--data", &data, "--estate", &estate]);
    to
}

/// The files of a folder, whatever their order on the disk.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for path in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(path, target).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_touch_the_log_is_found_from_an_export_alone() {
    let mut world = World::new(2, 1, plain).await;
    let early = export(&world, "data", "early");
    let change = world.asks("c0").await;
    assert_eq!(world.approve("alice", &change).await, "counted");
    assert_eq!(world.house.finished("alice", &change).await, "succeeded");
    fs::write(world.house.path("kept"), world.house.lineclear("alice", &["ledger", "head"]).stdout).unwrap();
    let (kept, whole) = (world.house.text("kept"), export(&world, "data", "whole"));
    assert_eq!(verify(&[&whole, "--kept", &kept]).0, Some(0));

    // One byte, in each file of the entries in turn.
    for path in files(&Path::new(&whole).join("tile/entries")) {
        let bytes = fs::read(&path).unwrap();
        let mut touched = bytes.clone();
        let middle = touched.len() / 2;
        touched[middle] ^= 1;
        fs::write(&path, touched).unwrap();
        let (code, said) = verify(&[&whole]);
        assert!(code == Some(6) && said.starts_with("tampered"), "{}: {said}", path.display());
        fs::write(&path, bytes).unwrap();
    }
    // A record taken from the middle: length and bytes of one entry (C2SP tlog-tiles, entry bundles).
    let bundle = files(&Path::new(&whole).join("tile/entries")).remove(0);
    let bytes = fs::read(&bundle).unwrap();
    let first = 2 + usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    let second = 2 + usize::from(u16::from_be_bytes([bytes[first], bytes[first + 1]]));
    fs::write(&bundle, [&bytes[..first], &bytes[first + second..]].concat()).unwrap();
    assert_eq!(verify(&[&whole]).0, Some(6));
    fs::write(&bundle, bytes).unwrap();
    assert_eq!(verify(&[&whole]).0, Some(0), "put back as it was");

    // The tail cut off: an older export is signed and whole; the head that somebody kept says that there was more.
    assert_eq!(verify(&[&early]).0, Some(0));
    let (code, said) = verify(&[&early, "--kept", &kept]);
    assert!(code == Some(6) && said.starts_with("tampered"), "{said}");

    // Everything chained anew, with the real keys, as long as before or longer.
    world.house.kill();
    let forged = world.house.path("forged");
    copy(&world.house.path("data/keys"), &forged.join("keys"));
    copy(&world.house.path("data/runner"), &forged.join("runner"));
    let _ = fs::remove_file(forged.join("runner/journal.db"));
    fs::copy(world.house.path("data/tokens.json"), forged.join("tokens.json")).unwrap();
    fs::rename(world.house.path("data"), world.house.path("true")).unwrap();
    fs::rename(&forged, world.house.path("data")).unwrap();
    world.house.start();
    for _ in 0..2 {
        let change = world.asks("c1").await;
        assert_eq!(world.approve("alice", &change).await, "counted");
        assert_eq!(world.house.finished("alice", &change).await, "succeeded");
    }
    let forged = export(&world, "data", "anew");
    assert_eq!(verify(&[&forged]).0, Some(0), "by itself it is whole, and signed by the real key");
    let (code, said) = verify(&[&forged, "--kept", &kept]);
    assert!(code == Some(6) && said.starts_with("tampered"), "{said}");
}
