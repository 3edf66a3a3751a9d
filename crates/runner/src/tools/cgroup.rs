//! Control groups, version 2: one for each attempt, so that everything that a program started ends together, whatever it did to its
//! own environment, session or parents. Its name is made from the attempt, so that a runner that has lost its memory finds it again.

use std::path::{Path, PathBuf};

use lineclear_core::digest::Digest;
use lineclear_core::run::AttemptKey;

use super::spelled;

/// Folders that are looked through for a group: a machine with a thousand containers has a tenth.
const FOLDERS_MAX: usize = 50_000;
/// How deep is looked.
const DEPTH_MAX: usize = 16;

/// Whether this runner can make a control group that can be ended as a whole; found out by making one.
pub(super) fn available() -> bool {
    let Some(made) = make(&format!("lineclear-probe-{}", std::process::id())) else { return false };
    let good = made.join("cgroup.kill").exists();
    // An empty group that cannot be removed is harmless, and it is reused.
    let _ = std::fs::remove_dir(made);
    good
}

/// Makes the group of an attempt.
pub(super) fn create(key: &AttemptKey) -> Option<PathBuf> {
    make(&name(key))
}

/// The groups of an attempt, wherever a runner made them.
pub(super) fn find(key: &AttemptKey) -> Vec<PathBuf> {
    let Some(mount) = mount() else { return Vec::new() };
    let (name, mut found, mut seen) = (name(key), Vec::new(), 0);
    let mut open = vec![(mount, 0)];
    while let Some((folder, depth)) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            seen += 1;
            if entry.file_name().to_str() == Some(&name) {
                found.push(entry.path());
            } else if seen < FOLDERS_MAX && depth < DEPTH_MAX {
                open.push((entry.path(), depth + 1));
            }
        }
    }
    found
}

/// Ends everything in the group; whether it is empty now, and then it is gone too.
pub(super) fn end(group: &Path) -> bool {
    // A group that has vanished is an empty one.
    let _ = std::fs::write(group.join("cgroup.kill"), "1");
    let empty = match std::fs::read_to_string(group.join("cgroup.events")) {
        Ok(events) => events.lines().any(|line| line == "populated 0"),
        Err(_) => !group.exists(),
    };
    if empty {
        let _ = std::fs::remove_dir(group);
    }
    empty
}

/// A short name that no other attempt has.
fn name(key: &AttemptKey) -> String {
    let digest = Digest::of(spelled(key).as_bytes());
    let digits: String = digest.as_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("lineclear-{digits}")
}

/// Beside this process, or at the top where that is not possible.
fn make(name: &str) -> Option<PathBuf> {
    let mount = mount()?;
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::/")).map(|path| mount.join(path));
    own.into_iter().chain([mount]).map(|parent| parent.join(name)).find(|group| {
        let made = std::fs::create_dir(group).or_else(|error| if group.is_dir() { Ok(()) } else { Err(error) });
        made.is_ok() && group.join("cgroup.procs").exists()
    })
}

/// Where version 2 is mounted (proc(5): the file system's type stands after the dash).
fn mount() -> Option<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let point = before.split(' ').nth(4)?;
        after.starts_with("cgroup2 ").then(|| PathBuf::from(point))
    })
}
