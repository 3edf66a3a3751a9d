//! The fence: makes sure that nothing of an attempt runs any more, before anybody looks at what it did. A process that outlives
//! a crashed runner would otherwise act *after* the look.
//!
//! Every process that `shell` starts carries its attempt in its environment, and so do its children. A process that wipes its
//! own environment escapes; only a control group holds that one (not built).

use std::path::Path;
use std::time::Duration;

use lineclear_core::run::AttemptKey;

use super::spelled;

/// The variable that marks the processes of an attempt.
pub(super) const MARKER: &str = "LINECLEAR_ATTEMPT";
/// How often processes are killed and counted again: a child may be born between the two.
const ROUNDS_MAX: u32 = 50;
/// How long a killed process may take to vanish before it is counted again.
const ROUND: Duration = Duration::from_millis(20);

/// Kills every process of the attempt and waits until there is none; whether there is none.
pub(crate) async fn fence(key: &AttemptKey) -> bool {
    let marker = format!("{MARKER}={}", spelled(key));
    for _ in 0..ROUNDS_MAX {
        let Some(found) = marked(&marker) else { return false };
        if found.is_empty() {
            return true;
        }
        let ids: Vec<String> = found.iter().map(ToString::to_string).collect();
        // A process that has ended meanwhile is what we want; the next round counts.
        let _ = tokio::process::Command::new("/bin/kill").arg("-KILL").args(ids).env_clear().kill_on_drop(true).output().await;
        tokio::time::sleep(ROUND).await;
    }
    false
}

/// The processes that carry the marker; none when `/proc` cannot be read.
fn marked(marker: &str) -> Option<Vec<u32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // Unreadable ones belong to somebody else, and a runner starts nothing as somebody else.
        let Ok(environment) = std::fs::read(Path::new("/proc").join(id.to_string()).join("environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|variable| variable == marker.as_bytes()) {
            found.push(id);
        }
    }
    Some(found)
}
