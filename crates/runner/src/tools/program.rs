//! One program of the runner's machine, run to its end: exact arguments, an empty environment, and the end of what it says.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::args::cut;
use super::fence::MARKER;
use super::{Site, spelled};

/// How much of each stream is kept, from its end: the end says why.
const SAID_MAX: usize = 256 * 1024;
/// The only variable that is inherited, and it is not inherited.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How it ended: its code, none when it was killed; and what it said.
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

/// Why nobody knows how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lost {
    /// It was never started.
    NotStarted(String),
    /// It was ended before its time, or cannot be followed.
    Midway(String),
}

impl Lost {
    /// In words, for looks, where both mean the same.
    pub(super) fn words(self) -> String {
        match self {
            Self::NotStarted(why) | Self::Midway(why) => why,
        }
    }
}

impl Ended {
    /// What it complained of, for people.
    pub(super) fn complaint(&self) -> String {
        let said = if self.err.trim().is_empty() { &self.out } else { &self.err };
        let tail: String = said.trim().chars().rev().take(600).collect();
        let said = cut(&tail.chars().rev().collect::<String>(), 600);
        match (said.is_empty(), self.code) {
            (false, _) => said,
            (true, Some(code)) => format!("it ended with {code} and said nothing"),
            (true, None) => "it was killed".into(),
        }
    }
}

/// A program without arguments yet. With a site it carries the mark of its attempt, so that it is found again after a crash.
pub(super) fn command(path: &Path, site: Option<&Site>) -> Command {
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C")
        .envs(site.map(|site| (MARKER, spelled(&site.key))))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Runs it to its end; it is killed when the time is up.
pub(super) async fn run(mut command: Command, name: &str, budget: Duration) -> Result<Ended, Lost> {
    let mut child = command.spawn().map_err(|error| Lost::NotStarted(format!("`{name}` cannot be started: {error}")))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let whole = async {
        let (out, err) = tokio::join!(tail(out), tail(err));
        (out, err, child.wait().await)
    };
    let (out, err, status) =
        tokio::time::timeout(budget, whole).await.map_err(|_| Lost::Midway(format!("`{name}` did not end in time, and was killed")))?;
    let status = status.map_err(|error| Lost::Midway(format!("`{name}` cannot be followed: {error}")))?;
    Ok(Ended { code: status.code(), out, err })
}

/// Reads to the end and keeps the end.
async fn tail(from: Option<impl AsyncRead + Unpin>) -> String {
    let (mut kept, mut piece) = (Vec::new(), vec![0_u8; 8 * 1024]);
    if let Some(mut from) = from {
        while let Ok(count @ 1..) = from.read(&mut piece).await {
            kept.extend_from_slice(piece.get(..count).unwrap_or_default());
            let over = kept.len().saturating_sub(SAID_MAX);
            kept.drain(..over);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}
