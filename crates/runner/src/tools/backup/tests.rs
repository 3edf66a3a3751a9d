use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use lineclear_core::run::{AttemptKey, Direction};
use tempfile::TempDir;

use super::*;
use crate::control::{call, id};

fn site() -> Site {
    let key = AttemptKey { run: id("run", 1), step: "only".parse().unwrap(), direction: Direction::Do, number: 1 };
    Site { key, budget: Duration::from_mins(1) }
}

/// A real repository of restic, and a shelf whose `current` points to `live-1`.
struct Real {
    folder: TempDir,
    snapshot: String,
}

impl Real {
    /// None where restic is not installed.
    fn start() -> Option<Self> {
        if !Path::new("/usr/bin/restic").exists() {
            println!("restic is not installed here; nothing was tested against it");
            return None;
        }
        let mut it = Self { folder: TempDir::new().unwrap(), snapshot: String::new() };
        std::fs::write(it.path("password"), "a long password\n").unwrap();
        let live = it.path("shelf/live-1");
        std::fs::create_dir_all(live.join("deep/er")).unwrap();
        for number in 0..40 {
            std::fs::write(live.join(format!("deep/{number}.txt")), "line\n".repeat(number * 100)).unwrap();
        }
        std::fs::write(live.join("deep/er/ü \"quoted\".bin"), (0..=255).cycle().take(300_000).collect::<Vec<u8>>()).unwrap();
        std::fs::write(live.join("empty"), "").unwrap();
        symlink("deep/1.txt", live.join("link")).unwrap();
        symlink("live-1", it.path("shelf/current")).unwrap();
        it.restic(&["init"]);
        it.restic(&["backup", live.to_str().unwrap()]);
        let said: Value = serde_json::from_str(&it.restic(&["snapshots", "--json"])).unwrap();
        it.snapshot = said[0]["id"].as_str().unwrap().to_owned();
        // What is written since is not in it.
        std::fs::write(live.join("empty"), "not any more").unwrap();
        Some(it)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// restic, as a person uses it.
    fn restic(&self, args: &[&str]) -> String {
        let mut command = Command::new("/usr/bin/restic");
        command.args(["--no-cache", "--quiet", "--repo"]).arg(self.path("repository")).arg("--password-file").arg(self.path("password"));
        let output = command.args(args).stdin(std::process::Stdio::null()).output().unwrap();
        assert!(output.status.success(), "restic {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn tools(&self) -> (BackupRestore, BackupSwap) {
        let config = BackupConfig {
            repository: self.path("repository").display().to_string(),
            password_file: self.path("password"),
            environment: None,
            path: self.path("shelf/live-1"),
            root: self.path("shelf"),
            restic: "/usr/bin/restic".into(),
        };
        let all = Arc::new(Backups::new(&[("files".to_owned(), config)].into()));
        (BackupRestore(Arc::clone(&all)), BackupSwap(all))
    }

    fn restore(&self, into: &str) -> ToolCall {
        call("backup_restore", json!({"backup": "files", "snapshot": self.snapshot, "into": into}))
    }

    /// `diff`, as people compare folders: its exit code and what it says.
    fn diff(&self, one: &str, other: &str) -> (Option<i32>, String) {
        let (one, other) = (self.path("shelf").join(one), self.path("shelf").join(other));
        let output = Command::new("diff").args(["-r", "--no-dereference", "-q"]).args([&one, &other]).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn current(&self) -> String {
        std::fs::read_link(self.path("shelf/current")).unwrap().display().to_string()
    }
}

fn swap(replace: &str, with: &str) -> ToolCall {
    call("backup_swap", json!({"backup": "files", "replace": replace, "with": with}))
}

fn refused(said: &Result<Value, ToolError>, why: &str) {
    assert!(matches!(said, Err(ToolError::NotApplied(text)) if text.contains(why)), "{why}: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_snapshot_comes_back_under_a_new_name_and_is_swapped_in_and_out() {
    let Some(real) = Real::start() else { return };
    let (restore, swapping) = real.tools();
    let there = real.restore("tuesday");
    let preview = restore.preview(Args::of(&there), None).await.unwrap();
    assert_eq!(preview.after["files/tuesday"]["files"], 42, "{preview:?}");
    // A swap that comes after the restore can be looked at before it.
    let (over, back) = (swap("live-1", "tuesday"), swap("tuesday", "live-1"));
    let early = swapping.preview(Args::of(&over), Some(&back)).await.unwrap();
    assert!(early.reversible && early.summary.ends_with("it is not there yet"), "{early:?}");
    refused(&swapping.call(Args::of(&over), &site()).await, "there is no copy `tuesday`");

    let done = restore.call(Args::of(&there), &site()).await.unwrap();
    assert_eq!((&done["files"], &done["snapshot"]), (&json!(42), &json!(real.snapshot)));
    assert_eq!(
        real.diff("live-1", "tuesday"),
        (Some(1), format!("Files {0}/live-1/empty and {0}/tuesday/empty differ\n", real.path("shelf").display()))
    );
    assert_eq!(real.current(), "live-1", "what is in use is what it was");
    assert!(restore.check(Args::of(&there)).await.unwrap().holds);
    assert_eq!(restore.call(Args::of(&there), &site()).await.unwrap()["already"], true);

    swapping.call(Args::of(&over), &site()).await.unwrap();
    assert_eq!(real.current(), "tuesday");
    assert!(swapping.check(Args::of(&call("backup_swap", json!({"backup": "files", "expect": "tuesday"})))).await.unwrap().holds);
    assert_eq!(swapping.call(Args::of(&over), &site()).await.unwrap()["already"], true);
    refused(&swapping.call(Args::of(&swap("monday", "live-1")), &site()).await, "`tuesday` is in use, not `monday`");
    swapping.call(Args::of(&back), &site()).await.unwrap();
    assert_eq!(real.current(), "live-1");
    let left: Vec<String> =
        std::fs::read_dir(real.path("shelf")).unwrap().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(!left.iter().any(|name| name.contains(".partial") || name.contains(".new")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_not_what_was_backed_up_is_seen_and_never_put_into_use() {
    let Some(real) = Real::start() else { return };
    let (restore, swapping) = real.tools();
    let there = real.restore("tuesday");
    restore.call(Args::of(&there), &site()).await.unwrap();
    // One byte, in a file of the same length.
    let file = real.path("shelf/tuesday/deep/7.txt");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    assert!(!restore.check(Args::of(&there)).await.unwrap().holds);
    refused(&restore.call(Args::of(&there), &site()).await, "nothing is restored over it");
    // A file that is gone.
    std::fs::remove_file(&file).unwrap();
    refused(&swapping.call(Args::of(&swap("live-1", "tuesday")), &site()).await, "`tuesday` has 41 files");
    assert!(swapping.preview(Args::of(&swap("live-1", "tuesday")), None).await.is_err());
    assert_eq!(real.current(), "live-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_repository_gives_nothing_a_name() {
    let Some(real) = Real::start() else { return };
    let (restore, _) = real.tools();
    let packs: Vec<PathBuf> = std::fs::read_dir(real.path("repository/data"))
        .unwrap()
        .flatten()
        .flat_map(|folder| std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.path()).collect::<Vec<_>>())
        .collect();
    let largest = packs.iter().max_by_key(|path| std::fs::metadata(path).unwrap().len()).unwrap();
    let mut bytes = std::fs::read(largest).unwrap();
    for byte in bytes.iter_mut().take(2_000) {
        *byte ^= 0x55;
    }
    let mut permissions = std::fs::metadata(largest).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    std::fs::set_permissions(largest, permissions).unwrap();
    std::fs::write(largest, bytes).unwrap();
    refused(&restore.call(Args::of(&real.restore("tuesday")), &site()).await, "");
    assert!(!real.path("shelf/tuesday").exists() && !real.path("shelf/.tuesday.partial").exists());
    assert_eq!(real.current(), "live-1");
}

#[tokio::test]
async fn in_place_is_never_possible_and_arguments_that_are_none_start_nothing() {
    let folder = TempDir::new().unwrap();
    let shelf = folder.path().join("shelf");
    std::fs::create_dir_all(shelf.join("live-1")).unwrap();
    std::fs::create_dir(shelf.join("current")).unwrap();
    let config = BackupConfig {
        repository: "/nowhere".into(),
        password_file: "/nowhere".into(),
        environment: None,
        path: "/srv/files".into(),
        root: shelf.clone(),
        restic: "/nowhere/restic".into(),
    };
    let all = Arc::new(Backups::new(&[("files".to_owned(), config)].into()));
    let (restore, swapping) = (BackupRestore(Arc::clone(&all)), BackupSwap(all));
    let of = |snapshot: &str, into: &str| call("backup_restore", json!({"backup": "files", "snapshot": snapshot, "into": into}));
    for (snapshot, into) in [
        ("latest", "copy"),
        ("0123456", "copy"),
        ("0123456789 --target /", "copy"),
        ("0123456789", "current"),
        ("0123456789", "../copy"),
        ("0123456789", "a/b"),
        ("0123456789", ".hidden"),
        ("0123456789", "-x"),
        ("0123456789", ""),
    ] {
        assert!(restore.effect(&Args::of(&of(snapshot, into))).is_err(), "{snapshot} {into}");
        refused(&restore.call(Args::of(&of(snapshot, into)), &site()).await, "");
    }
    refused(&restore.call(Args::of(&of("0123456789", "live-1")), &site()).await, "nothing is restored over it");
    refused(&restore.call(Args::of(&of("0123456789", "copy")), &site()).await, "`restic` cannot be started");
    for (replace, with) in [("live-1", "live-1"), ("live-1", "current"), ("live-1", "/etc")] {
        assert!(swapping.effect(&Args::of(&swap(replace, with))).is_err());
    }
    // What is in use is a folder, and no link: it is nobody's to replace.
    refused(&swapping.call(Args::of(&swap("live-2", "live-1")), &site()).await, "is no link to a copy");
    std::fs::remove_dir(shelf.join("current")).unwrap();
    symlink("/etc", shelf.join("current")).unwrap();
    refused(&swapping.call(Args::of(&swap("etc", "live-1")), &site()).await, "points out of its folder");
    assert_eq!(restore.effect(&Args::of(&of("0123456789", "copy"))), Ok(EffectClass::Cas));
    assert_eq!(swapping.effect(&Args::of(&swap("a", "b"))), Ok(EffectClass::Converge));
}
