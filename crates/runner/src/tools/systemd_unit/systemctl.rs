//! The service manager, asked through `systemctl` and never by a shell: the machine's own, an account's own, or a stand-in where
//! systemd does not run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::config::SystemdConfig;
use crate::tools::program::{self, Lost};
use crate::tools::{Site, ToolError};

/// This folder is there where systemd is the first process (`sd_booted(3)`).
const BOOTED: &str = "/run/systemd/system";
/// How long a look may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// What is left of an attempt's time to look what came of it.
const MARGIN: Duration = Duration::from_secs(2);
/// What is asked about a unit (`org.freedesktop.systemd1(5)`).
const PROPERTIES: &str = "Id,LoadState,ActiveState,SubState,Result,InvocationID,ActiveEnterTimestamp,CanReload";

/// The manager of a runner's file.
#[derive(Clone)]
pub(in crate::tools) struct Manager {
    config: SystemdConfig,
    booted: PathBuf,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    System,
    User,
    StandIn,
}

/// What a unit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tools) struct State {
    kind: Kind,
    load: String,
    pub(in crate::tools) active: String,
    sub: String,
    result: String,
    invocation: String,
    /// When it became active, in seconds since 1970.
    pub(in crate::tools) since: Option<u64>,
    reloads: bool,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::System => "systemd",
            Self::User => "systemd of an account",
            Self::StandIn => "a stand-in",
        }
    }
}

impl State {
    /// A unit that can be started.
    pub(in crate::tools) fn loaded(&self, unit: &str) -> Result<(), String> {
        if self.load == "loaded" { Ok(()) } else { Err(format!("the unit `{unit}` is `{}`", self.load)) }
    }

    pub(in crate::tools) fn runs(&self) -> bool {
        matches!(self.active.as_str(), "active" | "reloading")
    }

    pub(super) const fn reloads(&self) -> bool {
        self.reloads
    }

    /// Whether nothing at all has happened to it.
    pub(super) fn same(&self, other: &Self) -> bool {
        (&self.active, &self.sub, &self.invocation) == (&other.active, &other.sub, &other.invocation)
    }

    pub(super) fn shown(&self) -> Value {
        json!({"state": self.active, "sub": self.sub, "result": self.result, "since": self.since, "manager": self.kind.word()})
    }

    /// What is said beside whatever was done by a stand-in.
    pub(in crate::tools) const fn aside(&self) -> &'static str {
        match self.kind {
            Kind::System | Kind::User => "",
            Kind::StandIn => "; a stand-in for systemd does it",
        }
    }
}

impl Manager {
    pub(in crate::tools) fn new(config: &SystemdConfig) -> Self {
        Self::booted(config, Path::new(BOOTED))
    }

    /// One that looks for systemd elsewhere.
    pub(in crate::tools) fn booted(config: &SystemdConfig, booted: &Path) -> Self {
        Self { config: config.clone(), booted: booted.to_owned() }
    }

    pub(super) fn has(&self, unit: &str) -> bool {
        self.config.units.contains(unit)
    }

    /// Who is there to be asked.
    fn kind(&self) -> Result<Kind, String> {
        let runs = match &self.config.user {
            Some(user) => user.join("systemd/private").exists(),
            None => self.booted.is_dir(),
        };
        match (runs, &self.config.user, &self.config.stand_in) {
            (true, None, _) => Ok(Kind::System),
            (true, Some(_), _) => Ok(Kind::User),
            (false, _, Some(_)) => Ok(Kind::StandIn),
            (false, None, None) => Err(format!(
                "systemd is not the first process of this machine (there is no `{}`), and the runner's file names no `stand_in`",
                self.booted.display()
            )),
            (false, Some(user), None) => Err(format!("no systemd of an account listens below `{}`", user.display())),
        }
    }

    fn command(&self, kind: Kind, site: Option<&Site>) -> Command {
        let path = match (kind, &self.config.stand_in) {
            (Kind::StandIn, Some(stand_in)) => stand_in,
            (Kind::StandIn | Kind::System | Kind::User, _) => &self.config.systemctl,
        };
        let mut command = program::command(path, site);
        command.arg("--no-pager");
        if let (Kind::User, Some(user)) = (kind, &self.config.user) {
            command.arg("--user").env("XDG_RUNTIME_DIR", user);
        }
        command
    }

    /// What the units are now, in their order.
    pub(in crate::tools) async fn look(&self, units: &[String]) -> Result<Vec<State>, String> {
        let kind = self.kind()?;
        let mut command = self.command(kind, None);
        command.arg("--timestamp=unix").arg(format!("--property={PROPERTIES}")).arg("show").arg("--").args(units);
        let ended = program::run(command, "systemctl", LOOK_TIMEOUT).await.map_err(Lost::words)?;
        if ended.code != Some(0) {
            return Err(format!("systemctl cannot tell: {}", ended.complaint()));
        }
        let states: Vec<State> = ended.out.split("\n\n").filter(|block| !block.trim().is_empty()).map(|block| state(kind, block)).collect();
        if states.len() == units.len() { Ok(states) } else { Err("systemctl told of other units than it was asked about".into()) }
    }

    pub(super) async fn look_at(&self, unit: &str) -> Result<State, String> {
        let mut states = self.look(&[unit.to_owned()]).await?;
        states.pop().ok_or_else(|| "systemctl told nothing".to_owned())
    }

    /// Gives one order, and waits until its job is over. Whether it was taken; an order that was refused may have changed something.
    pub(in crate::tools) async fn order(
        &self,
        verb: &str,
        unit: &str,
        site: &Site,
        budget: Duration,
    ) -> Result<Result<(), String>, ToolError> {
        let kind = self.kind().map_err(ToolError::NotApplied)?;
        let mut command = self.command(kind, Some(site));
        // A job that contradicts one which is under way is refused instead of pushing that one out.
        command.args(["--no-ask-password", "--job-mode=fail", verb, "--", unit]);
        let budget = budget.checked_sub(MARGIN).unwrap_or(budget / 2);
        match program::run(command, "systemctl", budget).await {
            Ok(ended) if ended.code == Some(0) => Ok(Ok(())),
            Ok(ended) => Ok(Err(ended.complaint())),
            Err(Lost::NotStarted(why)) => Err(ToolError::NotApplied(why)),
            // The job goes on without whoever waited for it.
            Err(Lost::Midway(why)) => Err(ToolError::Unknown(why)),
        }
    }
}

fn state(kind: Kind, block: &str) -> State {
    let pairs: BTreeMap<&str, &str> = block.lines().filter_map(|line| line.split_once('=')).collect();
    let text = |name: &str| pairs.get(name).copied().unwrap_or_default().to_owned();
    State {
        kind,
        load: text("LoadState"),
        active: text("ActiveState"),
        sub: text("SubState"),
        result: text("Result"),
        invocation: text("InvocationID"),
        since: text("ActiveEnterTimestamp").strip_prefix('@').and_then(|seconds| seconds.parse().ok()).filter(|seconds| *seconds > 0),
        reloads: text("CanReload") == "yes",
    }
}
