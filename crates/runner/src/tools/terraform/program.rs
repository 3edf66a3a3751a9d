//! Running Terraform, and the saved plans: each lies in a file that is named by its own digest.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use lineclear_core::digest::Digest;
use lineclear_core::run::AttemptKey;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::plan::Plan;
use crate::config::{TerraformConfig, read_secret};
use crate::secret::{Redactor, Secret};
use crate::tools::args::cut;
use crate::tools::fence::MARKER;
use crate::tools::spelled;

/// How long a look at the live system may take.
pub(super) const CHECK_TIMEOUT: Duration = Duration::from_mins(1);
/// How long `terraform show` may take.
const SHOW_TIMEOUT: Duration = Duration::from_secs(30);
/// What is kept of the budget to let Terraform end in order when it was interrupted: it writes its state and gives its lock back.
const GRACE: Duration = Duration::from_secs(10);
/// Largest saved plan, and largest description of one, in bytes.
const PLAN_MAX: u64 = 64 * 1024 * 1024;
/// How much of what Terraform says is kept.
const SAID_MAX: usize = 16 * 1024;
/// Saved plans that are kept: what was approved is applied within hours.
const PLANS_MAX: usize = 50;
/// The only variable that is inherited, and it is not inherited.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Terraform in one workspace.
pub(super) struct Terraform<'a> {
    config: &'a TerraformConfig,
    mark: Option<String>,
    environment: Vec<(String, String)>,
    redactor: Redactor,
}

/// How it ended: its code, none when it was killed; and the end of what it said.
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) said: String,
}

impl<'a> Terraform<'a> {
    /// For an attempt, whose processes can be found again.
    pub(super) fn new(config: &'a TerraformConfig, key: &AttemptKey) -> Result<Self, String> {
        Ok(Self { mark: Some(spelled(key)), ..Self::unbound(config)? })
    }

    /// For a look.
    pub(super) fn unbound(config: &'a TerraformConfig) -> Result<Self, String> {
        let text = match &config.environment {
            Some(file) => read_secret(file).map_err(|why| format!("the environment of Terraform {why}"))?,
            None => String::new(),
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pairs = lines.map(|line| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
        let environment = pairs.collect::<Option<Vec<_>>>().ok_or("the environment of Terraform has a line that is no `NAME=value`")?;
        let secrets: Vec<Secret> = environment.iter().map(|(_, value)| Secret::new(value.as_bytes())).collect();
        Ok(Self { config, mark: None, environment, redactor: Redactor::new(&secrets) })
    }

    /// What it said, for people.
    pub(super) fn clean(&self, said: &str) -> String {
        // The end says why.
        let tail: String = said.chars().rev().take(600).collect();
        cut(&self.redactor.text(&tail.chars().rev().collect::<String>()), 600)
    }

    /// Runs it to its end; interrupts it shortly before the time is up.
    pub(super) async fn run(&self, args: &[&str], budget: Duration) -> Result<Ended, String> {
        let mut child = self.command(args).spawn().map_err(|error| format!("Terraform cannot be started: {error}"))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let reading = async { tokio::join!(tail(out), tail(err)) };
        tokio::pin!(reading);
        let first = tokio::time::timeout(budget.saturating_sub(GRACE).max(Duration::from_secs(1)), &mut reading).await;
        let said = if let Ok(said) = first {
            said
        } else {
            if let Some(process) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
                // One that has ended meanwhile needs no interruption.
                let _ = kill_process(process, Signal::INT);
            }
            tokio::time::timeout(GRACE, &mut reading).await.map_err(|_| "Terraform did not end in time, and was killed".to_owned())?
        };
        let status = child.wait().await.map_err(|error| error.to_string())?;
        Ok(Ended { code: status.code(), said: format!("{}\n{}", said.0, said.1) })
    }

    /// What a saved plan would touch.
    pub(super) async fn show(&self, plan: &Path) -> Result<Plan, String> {
        let mut child = self
            .command(&["show", "-json", &plan.display().to_string()])
            .spawn()
            .map_err(|error| format!("Terraform cannot be started: {error}"))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let reading = async {
            let mut json = Vec::new();
            if let Some(out) = out {
                let _ = out.take(PLAN_MAX).read_to_end(&mut json).await;
            }
            (json, tail(err).await, child.wait().await)
        };
        let (json, said, status) =
            tokio::time::timeout(SHOW_TIMEOUT, reading).await.map_err(|_| "Terraform did not show the plan in time".to_owned())?;
        if status.is_ok_and(|status| status.success()) {
            Plan::read(&json)
        } else {
            Err(format!("Terraform cannot show the plan: {}", self.clean(&said)))
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.config.terraform);
        command
            .args(args)
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", &self.config.folder)
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(self.mark.iter().map(|mark| (MARKER, mark)))
            .current_dir(&self.config.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }
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

/// Where the plan with this digest lies.
pub(super) fn file(plans: &Path, digest: Digest) -> PathBuf {
    let digits: String = digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    plans.join(format!("{digits}.tfplan"))
}

/// The bytes of a saved plan.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(PLAN_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("this runner has no such saved plan: {error}"))?;
    if bytes.len() as u64 > PLAN_MAX { Err("the saved plan is too long".into()) } else { Ok(bytes) }
}

/// Names a fresh plan by its digest, and lets the oldest go.
pub(super) fn keep(plans: &Path, fresh: &Path) -> Result<Digest, String> {
    let digest = Digest::of(&read(fresh)?);
    // A plan holds the secrets of what it plans.
    fs::set_permissions(fresh, fs::Permissions::from_mode(0o600)).map_err(|error| error.to_string())?;
    fs::rename(fresh, file(plans, digest)).map_err(|error| format!("the plan could not be kept: {error}"))?;
    let aged = |entry: fs::DirEntry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()));
    let entries = fs::read_dir(plans).map_err(|error| error.to_string())?.flatten();
    let mut saved: Vec<_> = entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "tfplan")).filter_map(aged).collect();
    saved.sort_unstable();
    for (_, path) in saved.iter().take(saved.len().saturating_sub(PLANS_MAX)) {
        // One that cannot be removed now is removed with the next.
        let _ = fs::remove_file(path);
    }
    Ok(digest)
}
