//! The box around a program: a launcher of its own, which is this very binary started again with one thread, takes away from itself
//! what the program may not have, and then becomes the program. What the kernel offers of that is found out at start, told by
//! `lineclear doctor`, and written into the report of each attempt; an attempt that would get less than was found does not begin.
//!
//! Limits, then no new privileges, then landlock (files, TCP, signals), then seccomp, then `execve`. It is not done between `fork`
//! and `exec` of the runner: that has many threads, and a child of those may not even allocate.

mod denied;
mod land;
mod launch;
mod level;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

pub use launch::launch;
pub use level::Level;
use serde::{Deserialize, Serialize};

use crate::config::ShellConfig;

/// The word that starts the launcher instead of the command line.
pub const LAUNCH: &str = "launch";
/// Starts the running binary again, even when the file was replaced meanwhile.
pub const ITSELF: &str = "/proc/self/exe";
/// Before the one line that the launcher writes to standard error before it becomes the program.
const SAYS: &str = "lineclear-launch ";
/// Longest such line in bytes.
const SAYS_MAX: usize = 4 * 1024;
/// Most open files of a program: plenty for a script, few for a leak.
const FILES_MAX: u64 = 1_024;
/// Largest file that a program may write, in bytes.
const FILE_MAX: u64 = 1 << 30;

/// What the launcher is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    /// What may be read and executed beside the system's own programs.
    read: BTreeSet<PathBuf>,
    /// Below which folders may be written.
    write: BTreeSet<PathBuf>,
    /// TCP ports that may be connected to; without one there is no network.
    connect: BTreeSet<u16>,
    /// Whether sockets of this machine may be used.
    local_sockets: bool,
    /// The control group to join.
    cgroup: Option<PathBuf>,
    /// Less than this, and nothing is started.
    least: Level,
}

/// The launcher's one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said {
    /// It goes on to become the program.
    Level(Level),
    /// It does not: nothing was started.
    Refused(String),
}

/// Starts programs boxed in, as far as this machine can.
#[derive(Debug, Clone)]
pub(super) struct Launcher {
    path: PathBuf,
    order: Order,
}

impl Launcher {
    /// Finds out what this machine offers.
    ///
    /// # Errors
    /// When the launcher itself cannot be run, or the machine offers less than the file demands.
    pub(crate) fn new(path: &Path, config: &ShellConfig) -> Result<Self, String> {
        let order = Order {
            read: config.read.iter().chain(&config.commands).cloned().collect(),
            write: config.write.iter().chain([&config.workdir]).cloned().collect(),
            connect: config.connect.clone(),
            local_sockets: config.local_sockets,
            cgroup: None,
            least: Level::NONE,
        };
        let mut launcher = Self { path: path.to_owned(), order };
        launcher.order.least = launcher.probe()?;
        Ok(launcher)
    }

    /// What every attempt gets.
    pub(crate) const fn level(&self) -> Level {
        self.order.least
    }

    /// The command that becomes the program, in this control group.
    pub(crate) fn command(&self, program: &Path, secrets: &[&Path], cgroup: Option<&Path>) -> Result<tokio::process::Command, String> {
        let mut order = self.order.clone();
        order.cgroup = cgroup.map(Path::to_owned);
        order.read.extend(secrets.iter().map(|path| (*path).to_owned()));
        let text = serde_json::to_string(&order).map_err(|error| error.to_string())?;
        let mut command = tokio::process::Command::new(&self.path);
        command.arg(LAUNCH).arg(text).arg(program);
        Ok(command)
    }

    fn probe(&self) -> Result<Level, String> {
        let text = serde_json::to_string(&self.order).map_err(|error| error.to_string())?;
        let fault = |why: &dyn std::fmt::Display| format!("the launcher `{}` cannot be run: {why}", self.path.display());
        let mut child = std::process::Command::new(&self.path)
            .args([LAUNCH, &text])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| fault(&error))?;
        let mut said = Vec::new();
        let limit = u64::try_from(SAYS_MAX).unwrap_or(u64::MAX);
        let read = child.stderr.take().map(|from| from.take(limit).read_to_end(&mut said));
        let status = child.wait().map_err(|error| fault(&error))?;
        if let Some(Err(error)) = read {
            return Err(fault(&error));
        }
        let (line, _) = split(&said).ok_or_else(|| fault(&status))?;
        match line {
            Said::Level(level) => Ok(Level { cgroup: super::cgroup::available(), ..level }),
            Said::Refused(why) => Err(fault(&why)),
        }
    }
}

/// What this machine offers to a program that may do nothing but run, found out by trying.
///
/// # Errors
/// When the launcher cannot be run; in words.
pub fn offered() -> Result<Level, String> {
    let nothing = ShellConfig { commands: BTreeSet::new(), workdir: "/".into(), ..ShellConfig::default() };
    Launcher::new(Path::new(ITSELF), &nothing).map(|launcher| launcher.level())
}

/// The launcher's line at the beginning of standard error, and what follows it; none while there is no whole line.
pub(super) fn split(stderr: &[u8]) -> Option<(Said, &[u8])> {
    let end = stderr.iter().take(SAYS_MAX).position(|byte| *byte == b'\n')?;
    let (line, rest) = stderr.split_at_checked(end)?;
    let said = serde_json::from_slice(line.strip_prefix(SAYS.as_bytes())?).ok()?;
    Some((said, rest.get(1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_launchers_and_the_rest_the_programs() {
        let level = Level { limits: true, ..Level::NONE };
        let line = format!("{SAYS}{}\n", serde_json::to_string(&Said::Level(level)).unwrap());
        assert_eq!(split(format!("{line}hello\n").as_bytes()), Some((Said::Level(level), &b"hello\n"[..])));
        assert_eq!(split(line.trim().as_bytes()), None, "the line is not whole yet");
        assert_eq!(split(b"sh: not found\n"), None);
        let twice = format!("{line}{line}");
        assert_eq!(split(twice.as_bytes()).unwrap().1, line.as_bytes(), "a program that copies it says nothing by it");
    }
}
