//! The processes of nginx, read from `/proc` (`proc(5)`): the first one, its workers, and since when each of them runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use lineclear_core::Timestamp;
use rustix::process::{Pid, Signal, kill_process};

/// Ticks in which `/proc` counts a process' start: the kernel shows 100 a second to programs on every machine (`USER_HZ`).
const TICKS: u64 = 100;
/// How exact both clocks are that are compared.
const BLUR: Duration = Duration::from_millis(30);

/// The first process.
pub(super) struct Master {
    pid: Pid,
}

/// One process that serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Worker {
    pid: i32,
    /// Ticks since the machine started.
    started: u64,
}

/// Of `/proc/<pid>/stat`: the name, the parent, the state and the start.
struct Stat {
    name: String,
    state: char,
    parent: i32,
    started: u64,
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, rest) = text.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    // The 22nd of all fields is the 20th after the name.
    let started = fields.nth(17)?.parse().ok()?;
    Some(Stat { name, state, parent, started })
}

impl Master {
    /// The process whose number stands in the file, when it is nginx.
    pub(super) fn find(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|error| format!("nginx does not run: `{}` cannot be read: {error}", file.display()))?;
        let pid = text.trim().parse::<i32>().ok().and_then(Pid::from_raw).ok_or("nginx does not run: its file holds no number")?;
        match stat(pid.as_raw_nonzero().get()) {
            Some(stat) if stat.name == "nginx" && stat.state != 'Z' => Ok(Self { pid }),
            Some(_) | None => Err("nginx does not run: its file names another process".into()),
        }
    }

    /// Every worker that serves, or still does.
    pub(super) fn workers(&self) -> BTreeSet<Worker> {
        let parent = self.pid.as_raw_nonzero().get();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let worker = |pid: i32| {
            let stat = stat(pid)?;
            (stat.parent == parent && stat.state != 'Z').then_some(Worker { pid, started: stat.started })
        };
        numbers.filter_map(worker).collect()
    }

    /// Asks it to read its configuration again.
    pub(super) fn reload(&self) -> Result<(), String> {
        kill_process(self.pid, Signal::HUP).map_err(|error| format!("nginx cannot be told to read its configuration: {error}"))
    }
}

/// Whether every one of them began after the file was written.
pub(super) fn younger(workers: &BTreeSet<Worker>, file: &Path, now: Timestamp) -> Option<bool> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime = uptime.split_ascii_whitespace().next()?.replace('.', "").parse::<u64>().ok()?;
    let modified = fs::metadata(file).ok()?.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = Duration::from_micros(u64::try_from(now.as_micros()).ok()?);
    let age = now.saturating_sub(modified) + BLUR;
    let oldest = workers.iter().map(|worker| uptime.saturating_sub(worker.started)).max()?;
    Some(Duration::from_millis(oldest.saturating_mul(1_000 / TICKS)) <= age)
}
