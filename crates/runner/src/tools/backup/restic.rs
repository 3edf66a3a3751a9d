//! restic in one repository: what a snapshot holds, and its content into an empty folder.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;

use super::manifest::Counts;
use crate::config::{BackupConfig, read_secret};
use crate::secret::{Redactor, Secret};
use crate::tools::program::{self, Lost};
use crate::tools::{Site, ToolError};

/// How long restic may take to name a snapshot: it opens the repository with a slow key.
const NAME_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take to list one.
const LIST_TIMEOUT: Duration = Duration::from_mins(5);
/// Longest line of a list: a path with its data.
const LINE_MAX: u64 = 64 * 1024;

/// One repository.
pub(super) struct Restic<'a> {
    config: &'a BackupConfig,
    environment: Vec<(String, String)>,
    redactor: Redactor,
}

/// A snapshot, as restic names it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Snapshot {
    pub(super) id: String,
    pub(super) time: String,
    paths: Vec<String>,
}

/// A line of `restic ls --json`.
#[derive(Deserialize)]
struct Node {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    size: u64,
}

impl<'a> Restic<'a> {
    pub(super) fn new(config: &'a BackupConfig) -> Result<Self, String> {
        let text = match &config.environment {
            Some(file) => read_secret(file).map_err(|why| format!("the environment of restic {why}"))?,
            None => String::new(),
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pairs = lines.map(|line| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
        let environment = pairs.collect::<Option<Vec<_>>>().ok_or("the environment of restic has a line that is no `NAME=value`")?;
        let secrets: Vec<Secret> = environment.iter().map(|(_, value)| Secret::new(value.as_bytes())).collect();
        Ok(Self { config, environment, redactor: Redactor::new(&secrets) })
    }

    fn command(&self, site: Option<&Site>) -> Command {
        let mut command = program::command(&self.config.restic, site);
        command
            .arg("--repo")
            .arg(&self.config.repository)
            .arg("--password-file")
            .arg(&self.config.password_file)
            .args(["--no-cache", "--quiet"]);
        command.env("HOME", "/nonexistent").envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The one snapshot that begins so, with the folder in it.
    pub(super) async fn snapshot(&self, prefix: &str) -> Result<Snapshot, String> {
        let mut command = self.command(None);
        command.args(["snapshots", "--json", "--", prefix]);
        let ended = program::run(command, "restic", NAME_TIMEOUT).await.map_err(Lost::words)?;
        if ended.code != Some(0) {
            return Err(format!("restic refuses: {}", self.redactor.text(&ended.complaint())));
        }
        let found: Option<Vec<Snapshot>> = serde_json::from_str(&ended.out).map_err(|_| "restic's answer was not understood".to_owned())?;
        let found: Vec<Snapshot> = found.into_iter().flatten().filter(|snapshot| snapshot.id.starts_with(prefix)).collect();
        let [snapshot] = found.as_slice() else { return Err(format!("there is no one snapshot `{prefix}`; {} begin so", found.len())) };
        if snapshot.paths.iter().any(|path| self.config.path.starts_with(path)) {
            Ok(snapshot.clone())
        } else {
            Err(format!("the snapshot `{prefix}` does not hold `{}`", self.config.path.display()))
        }
    }

    /// How much the snapshot holds of the folder, by restic's own list.
    pub(super) async fn counts(&self, snapshot: &Snapshot) -> Result<Counts, String> {
        let mut command = self.command(None);
        command.args(["ls", "--json", "--recursive", "--", &snapshot.id]).arg(&self.config.path);
        let listing = async {
            let mut child = command.spawn().map_err(|error| format!("`restic` cannot be started: {error}"))?;
            let mut errors = child.stderr.take();
            let said = async {
                let mut said = Vec::new();
                if let Some(errors) = &mut errors {
                    // What is too long to be shown is not read; then restic ends with an error, which is one.
                    let _ = errors.take(LINE_MAX).read_to_end(&mut said).await;
                }
                said
            };
            let counting = async {
                let mut counts = Counts::default();
                let Some(out) = child.stdout.take() else { return Ok(counts) };
                let mut lines = BufReader::new(out);
                loop {
                    let mut line = Vec::new();
                    let read = (&mut lines).take(LINE_MAX).read_until(b'\n', &mut line).await.map_err(|error| error.to_string())?;
                    if read == 0 {
                        return Ok(counts);
                    }
                    let node: Node = serde_json::from_slice(&line).map_err(|_| "restic's list was not understood".to_owned())?;
                    if node.kind.as_deref() == Some("file") {
                        counts.files += 1;
                        counts.bytes += node.size;
                    }
                }
            };
            let (counts, said): (Result<Counts, String>, Vec<u8>) = tokio::join!(counting, said);
            let counts = counts?;
            let status = child.wait().await.map_err(|error| error.to_string())?;
            if status.success() {
                Ok(counts)
            } else {
                Err(format!("restic cannot list it: {}", self.redactor.text(&String::from_utf8_lossy(&said))))
            }
        };
        tokio::time::timeout(LIST_TIMEOUT, listing).await.map_err(|_| "restic did not list it in time".to_owned())?
    }

    /// Reads the folder out of the snapshot into an empty one, and has restic read every restored byte again.
    pub(super) async fn restore(&self, snapshot: &Snapshot, into: &Path, site: &Site, budget: Duration) -> Result<(), ToolError> {
        let mut command = self.command(Some(site));
        command.args(["restore", "--verify", "--target"]).arg(into).arg("--include").arg(&self.config.path).args(["--", &snapshot.id]);
        match program::run(command, "restic", budget).await {
            Ok(ended) if ended.code == Some(0) => Ok(()),
            // Nothing has a name yet that anybody uses.
            Ok(ended) => Err(ToolError::NotApplied(format!("restic cannot restore it: {}", self.redactor.text(&ended.complaint())))),
            Err(lost) => Err(ToolError::NotApplied(lost.words())),
        }
    }
}
