//! The fence: makes sure that nothing of an attempt runs any more, before anybody looks at what it did. A process that outlives
//! a crashed runner would otherwise act *after* the look.
//!
//! Two nets. The control group of the attempt, where the machine has them, holds everything that was ever started in it. Every
//! process that `shell` starts also carries its attempt in its environment, and so do its children: that finds processes on any
//! machine, but not one that has wiped its own environment.

use std::path::Path;
use std::time::Duration;

use lineclear_core::run::AttemptKey;
use rustix::process::{Pid, Signal, kill_process};

use super::{cgroup, spelled};

/// The variable that marks the processes of an attempt.
pub(super) const MARKER: &str = "LINECLEAR_ATTEMPT";
/// How often processes are killed and counted again: a child may be born between the two.
const ROUNDS_MAX: u32 = 50;
/// How long a killed process may take to vanish before it is counted again.
const ROUND: Duration = Duration::from_millis(20);

/// Kills every process of the attempt and waits until there is none; whether there is none.
pub(crate) async fn fence(key: &AttemptKey) -> bool {
    let marker = format!("{MARKER}={}", spelled(key));
    let groups = cgroup::find(key);
    for _ in 0..ROUNDS_MAX {
        // Each of them is ended in each round, whatever became of the one before.
        let full = groups.iter().filter(|group| !cgroup::end(group)).count();
        let Some(found) = marked(&marker) else { return false };
        if found.is_empty() && full == 0 {
            return true;
        }
        for process in found {
            // A process that has ended meanwhile is what we want; the next round counts.
            let _ = kill_process(process, Signal::KILL);
        }
        tokio::time::sleep(ROUND).await;
    }
    false
}

/// The processes that carry the marker; none when `/proc` cannot be read.
fn marked(marker: &str) -> Option<Vec<Pid>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        // Unreadable ones belong to somebody else, and a runner starts nothing as somebody else.
        let Ok(environment) = std::fs::read(Path::new("/proc").join(id.to_string()).join("environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|variable| variable == marker.as_bytes()) {
            found.extend(Pid::from_raw(id));
        }
    }
    Some(found)
}
