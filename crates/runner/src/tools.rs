//! The tools: one file each, all with the same five questions. What a tool may reach comes from the runner's own file; what it is
//! told comes from the warrant, and is never believed to be well-formed.

mod acme_issue;
mod args;
mod cgroup;
mod dns_query;
mod dns_update;
mod fence;
mod guarded;
mod haproxy_server;
mod http;
mod postgres_switchover;
mod sandbox;
mod shell;
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
        if !config.dns.is_empty() {
            tools.push(Box::new(dns_update::DnsUpdate::new(&config.dns, clock).map_err(fault("dns".into()))?));
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
        let redactor = Redactor::new(config.secrets());
        if let Some(shell) = &config.shell {
            tools.push(Box::new(shell::Shell::new(shell).map_err(fault("shell".into()))?));
        }
        let guarded = |inner: Box<dyn Tool>| -> (&'static str, Box<dyn Tool>) {
            (inner.name(), Box::new(Guarded { inner, redactor: redactor.clone() }))
        };
        Ok(Self { tools: tools.into_iter().map(guarded).collect() })
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
