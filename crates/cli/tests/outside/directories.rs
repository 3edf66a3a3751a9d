//! Directories that hold keys and tokens: whatever command makes them, or finds them there, nobody but their owner may enter.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::caches::{estate, rules};
use super::installation::{Installation, LINECLEAR, run, succeeds};

fn mode(path: &Path) -> String {
    format!("{:o}", fs::metadata(path).unwrap().permissions().mode() & 0o777)
}

fn opened(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(mode(path), "755");
}

#[test]
fn what_holds_keys_and_tokens_is_for_its_owner_alone_whichever_command_made_it() {
    // It ran `init`, and `token create` after it.
    let house = Installation::new(&estate(1), &["alice"], &["purger"], &rules("http://127.0.0.1:9"));
    for folder in ["data", "data/keys"] {
        assert_eq!(mode(&house.path(folder)), "700", "{folder}");
    }
    for file in ["data/keys/log.seed", "data/keys/warrant.seed", "data/runner/runner.toml", "data/tokens.json"] {
        assert_eq!(mode(&house.path(file)), "600", "{file}");
    }
    let estate = house.text("estate");
    let data = |name: &str| (house.path(name), house.text(name));

    let (made, path) = data("tokens-first");
    succeeds(LINECLEAR, &["token", "create", "purger", "--data", &path, "--estate", &estate]);
    assert_eq!((mode(&made), mode(&made.join("tokens.json"))), ("700".into(), "600".into()));

    for command in [&["init"][..], &["token", "create", "purger"]] {
        let (found, path) = data(command[0]);
        fs::create_dir(&found).unwrap();
        opened(&found);
        succeeds(LINECLEAR, &[command, &["--data", &path, "--estate", &estate]].concat());
        assert_eq!(mode(&found), "700", "{command:?}");
    }
}

#[test]
fn an_installation_closes_its_data_directory_when_it_starts() {
    let mut house = Installation::new(&estate(1), &["alice"], &[], &rules("http://127.0.0.1:9"));
    opened(&house.path("data"));
    opened(&house.path("data/keys"));
    house.start();
    assert_eq!((mode(&house.path("data")), mode(&house.path("data/keys"))), ("700".into(), "700".into()));
    succeeds(LINECLEAR, &["sign-in", "alice", "--data", &house.text("data"), "--url", &house.base]);
    assert_eq!(mode(&house.path("data/invites")), "700");
}

#[test]
fn the_demo_is_kept_in_an_empty_directory_only() {
    let folder = tempfile::tempdir().unwrap();
    opened(folder.path());
    let kept = folder.path().join("theirs.txt");
    fs::write(&kept, "not ours").unwrap();
    let path = folder.path().to_str().unwrap();
    let output = run(LINECLEAR, &["demo", "--unattended", "--port", "0", "--keep", path]);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}\n{err}");
    assert!(err.contains(path) && err.contains("directory not empty"), "{err}");
    // What was there is as it was: nothing was added, and nothing was closed.
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["theirs.txt"]);
    assert_eq!(fs::read_to_string(kept).unwrap(), "not ours");
    assert_eq!(mode(folder.path()), "755");
}
