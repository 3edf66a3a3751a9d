//! The tools: one file each, all with the same five questions. What a tool may reach comes from the runner's own file; what it is
//! told comes from the warrant, and is never believed to be well-formed.

mod acme_issue;
mod args;
mod backup;
mod cgroup;
mod dns_query;
mod dns_update;
mod exchange;
mod fence;
mod guarded;
mod haproxy_server;
pub(crate) mod http;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod nginx_upstream;
mod notify;
mod postgres_switchover;
mod program;
mod sandbox;
mod scale;
mod shell;
mod systemd_unit;
mod terraform;
mod tls_probe;
mod wait_for;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use args::Args;
pub(crate) use fence::fence;
use lineclear_core::Timestamp;
use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use lineclear_core::run::{AttemptKey, Direction};
use lineclear_core::sandbox::Sandbox;
pub use sandbox::{ITSELF, LAUNCH, Level, launch, offered};
use serde_json::Value;

use self::guarded::Guarded;
use crate::config::Tools;
use crate::link::BoxFuture;
use crate::secret::Redactor;

/// What says what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Where a call stands: for whom, and how long it may take.
#[derive(Debug, Clone)]
pub struct Site {
    /// The attempt.
    pub key: AttemptKey,
    /// How long the call may take.
    pub budget: Duration,
}

/// What a check saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Whether it is as expected.
    pub holds: bool,
    /// What it is.
    pub seen: Value,
}

/// Why a call did not do what it should, by what that means for the world outside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// Nothing was changed.
    #[error("{0}")]
    NotApplied(String),
    /// Something was changed, but not what it should be.
    #[error("{0}")]
    Partly(String),
    /// It was sent, and nobody knows what became of it.
    #[error("{0}")]
    Unknown(String),
}

/// One deterministic tool.
pub trait Tool: Send + Sync {
    /// As calls name it.
    fn name(&self) -> &'static str;

    /// What protects from a second send, for these arguments.
    ///
    /// # Errors
    /// When the arguments are not such.
    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String>;

    /// How far the programs that it starts are boxed in; none when it starts no program.
    fn boxed(&self) -> Option<Level> {
        None
    }

    /// What the call would change, read from the live system and changing nothing. `undo` tells whether it can be taken back.
    ///
    /// # Errors
    /// Why the call would not do what it says, or the live system could not be read; in words.
    fn preview<'a>(&'a self, args: Args<'a>, undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>>;

    /// Does it, within the site's budget.
    ///
    /// # Errors
    /// See [`ToolError`].
    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>>;

    /// Looks whether it is as the check form of the call expects; changes nothing.
    ///
    /// # Errors
    /// When the live system could not be read; in words.
    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>>;
}

/// The tools that this runner has.
pub struct Toolbox {
    tools: BTreeMap<&'static str, Box<dyn Tool>>,
    sandbox: String,
}

/// Why there is no toolbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{section}` of the runner's file cannot be used: {why}")]
pub struct ToolboxError {
    /// Which section.
    pub section: String,
    /// Why.
    pub why: String,
}

impl Toolbox {
    /// The tools for which the runner's file has a section.
    ///
    /// # Errors
    /// The first section that cannot be used.
    pub fn new(config: &Tools, clock: &Clock) -> Result<Self, ToolboxError> {
        let mut tools: Vec<Box<dyn Tool>> = Vec::new();
        let fault = |section: String| move |why: String| ToolboxError { section, why };
        if let Some(haproxy) = &config.haproxy {
            tools.push(Box::new(haproxy_server::HaproxyServer::new(haproxy)));
        }
        if !config.dns.is_empty() || !config.powerdns.is_empty() {
            let update = dns_update::DnsUpdate::new(&config.dns, &config.powerdns, clock).map_err(fault("dns".into()))?;
            tools.push(Box::new(update));
        }
        if !config.services.is_empty() {
            tools.push(Box::new(http::Http::new(&config.services).map_err(fault("services".into()))?));
        }
        if let Some(prometheus) = &config.prometheus {
            tools.push(Box::new(wait_for::WaitFor::new(prometheus).map_err(fault("prometheus".into()))?));
        }
        if !config.zones.is_empty() {
            tools.push(Box::new(dns_query::DnsQuery::new(&config.zones).map_err(fault("zones".into()))?));
        }
        if !config.endpoints.is_empty() {
            let probe = tls_probe::TlsProbe::new(&config.endpoints, clock).map_err(fault("endpoints".into()))?;
            tools.push(Box::new(probe));
        }
        if let Some(authority) = &config.acme {
            tools.push(Box::new(acme_issue::AcmeIssue::new(authority, config, clock).map_err(fault("certificates".into()))?));
        }
        if !config.postgres.is_empty() {
            tools.push(Box::new(postgres_switchover::PostgresSwitchover::new(&config.postgres)));
        }
        if !config.terraform.is_empty() {
            let all = Arc::new(terraform::Workspaces::new(&config.terraform));
            tools.push(Box::new(terraform::TerraformPlan(Arc::clone(&all))));
            tools.push(Box::new(terraform::TerraformApply(all)));
        }
        Self::of_the_host(&mut tools, config, clock)?;
        let redactor = Redactor::new(config.secrets());
        let mut sandbox = "it runs no commands".to_owned();
        if let Some(shell) = &config.shell {
            let shell = shell::Shell::new(shell).map_err(fault("shell".into()))?;
            sandbox = shell.level().to_string();
            tools.push(Box::new(shell));
        }
        let guarded = |inner: Box<dyn Tool>| -> (&'static str, Box<dyn Tool>) {
            (inner.name(), Box::new(Guarded { inner, redactor: redactor.clone() }))
        };
        Ok(Self { tools: tools.into_iter().map(guarded).collect(), sandbox })
    }

    /// What commands are boxed in by, in words.
    pub fn sandbox(&self) -> String {
        self.sandbox.clone()
    }

    /// Those that act on what runs on this machine, or beside it.
    fn of_the_host(tools: &mut Vec<Box<dyn Tool>>, config: &Tools, clock: &Clock) -> Result<(), ToolboxError> {
        let fault = |section: String| move |why: String| ToolboxError { section, why };
        if let Some(systemd) = config.systemd.as_ref().filter(|systemd| !systemd.units.is_empty()) {
            tools.push(Box::new(systemd_unit::SystemdUnit::new(systemd, clock)));
        }
        if !config.scale.is_empty() {
            let manager = config.systemd.as_ref().map(systemd_unit::systemctl::Manager::new);
            let scale = scale::Scale::new(&config.scale, &config.services, manager.as_ref()).map_err(fault("scale".into()))?;
            tools.push(Box::new(scale));
        }
        if let Some(nginx) = &config.nginx {
            tools.push(Box::new(nginx_upstream::NginxUpstream::new(nginx, clock).map_err(fault("nginx".into()))?));
        }
        if !config.backups.is_empty() {
            let all = Arc::new(backup::Backups::new(&config.backups));
            tools.push(Box::new(backup::BackupRestore(Arc::clone(&all))));
            tools.push(Box::new(backup::BackupSwap(all)));
        }
        if !config.receivers.is_empty() {
            tools.push(Box::new(notify::Notify::new(&config.receivers).map_err(fault("receivers".into()))?));
        }
        if config.kubernetes.is_empty() { Ok(()) } else { Self::of_clusters(tools, config, clock) }
    }

    #[cfg(feature = "kubernetes")]
    fn of_clusters(tools: &mut Vec<Box<dyn Tool>>, config: &Tools, clock: &Clock) -> Result<(), ToolboxError> {
        use kubernetes::{Clusters, Kind, Kubernetes};
        let all = Clusters::new(&config.kubernetes, clock).map_err(|why| ToolboxError { section: "kubernetes".into(), why })?;
        let all = Arc::new(all);
        for kind in [Kind::Scale, Kind::Restart, Kind::Rollback] {
            tools.push(Box::new(Kubernetes(kind, Arc::clone(&all))));
        }
        Ok(())
    }

    /// A section that nobody here can serve is a fault at start, and not a surprise at night.
    #[cfg(not(feature = "kubernetes"))]
    fn of_clusters(_tools: &mut Vec<Box<dyn Tool>>, _config: &Tools, _clock: &Clock) -> Result<(), ToolboxError> {
        Err(ToolboxError { section: "kubernetes".into(), why: "this program was built without the feature `kubernetes`".into() })
    }

    /// The tool of a call.
    ///
    /// # Errors
    /// When this runner has no such tool.
    pub fn tool(&self, call: &ToolCall) -> Result<&dyn Tool, String> {
        let tool = self.tools.get(call.tool.as_str());
        tool.map(|tool| &**tool).ok_or_else(|| format!("this runner's file has no section for the tool `{}`", call.tool))
    }
}

/// Why programs that a call starts are not boxed in as far as demanded; none when they are, or when it starts none.
pub(crate) fn open_box(tools: &Toolbox, call: &ToolCall, demand: Sandbox) -> Option<String> {
    let level = tools.tool(call).ok()?.boxed()?;
    (!level.meets(demand))
        .then(|| format!("the bundle demands a sandbox of at least `{demand}` for `{}`, and this runner has: {level}", call.tool))
}

/// Longest reason in a report, in characters.
const WHY_MAX: usize = 1_900;

/// A reason as reports may carry it: bounded, on one line.
pub(crate) fn shorten(why: &str) -> String {
    args::cut(why, WHY_MAX)
}

/// The attempt in one word, for keys and markers: `run_…/drain/do/1`.
pub(crate) fn spelled(key: &AttemptKey) -> String {
    let direction = match key.direction {
        Direction::Do => "do",
        Direction::Undo => "undo",
    };
    format!("{}/{}/{direction}/{}", key.run, key.step, key.number)
}
