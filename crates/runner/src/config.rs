//! `runner.toml`: what this runner trusts and what its tools may reach, in the words of whoever runs it. Read strictly and
//! once; a member that is unknown is an error with its line.

mod glass;
mod tools;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use lineclear_core::authority::Grade;
use lineclear_core::catalogue::Risk;
use lineclear_core::name::{ActionName, ToolName};
use lineclear_core::{OperatorId, RunnerId};
use lineclear_ledger::Verifier;
use lineclear_warrant::{Rule, TargetRule, Trust, TrustDraft, TrustError, WarrantVerifier};
use serde::{Deserialize, Deserializer};

pub use self::glass::GlassRules;
pub use self::tools::{
    AcmeConfig, BackupConfig, CertificateConfig, Challenge, DnsZone, EndpointConfig, HaproxyConfig, KubernetesConfig, NginxConfig,
    PostgresConfig, PowerdnsZone, PrometheusConfig, ReceiverConfig, Sandbox, ScaleConfig, Scaler, Service, ShellConfig, ShellSecret,
    SystemdConfig, TerraformConfig, Tools, UpstreamConfig, ZoneConfig,
};
use self::tools::{DnsSection, KubernetesSection, PowerdnsSection, ReceiverSection, Sections, ServiceSection};
pub(crate) use self::tools::{is_unit, read_secret};

/// Longest file in bytes: a thousand rules and keys.
pub const CONFIG_MAX: usize = 1024 * 1024;

/// Everything that a runner is told by its own file.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whom it believes, and what may be done.
    pub trust: Trust,
    /// What its tools may reach.
    pub tools: Tools,
    /// Who may act here without the control plane; none lets nobody.
    pub glass: Option<GlassRules>,
}

/// Why a runner's file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Longer than [`CONFIG_MAX`].
    #[error("a file of {0} bytes, at most {CONFIG_MAX} are allowed")]
    TooLong(usize),
    /// Not TOML, or not of this shape; the message shows the line.
    #[error("{0}")]
    Shape(String),
    /// Something twice.
    #[error("`{0}` stands there twice")]
    Twice(String),
    /// Not to be trusted.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A secret file that cannot be used; its content is never shown.
    #[error("the secret file `{path}` of {of} {why}")]
    SecretFile {
        /// Which section.
        of: String,
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Both or neither of `secret` and `secret_file`, or no base64.
    #[error("`dns.{0}` needs either `secret` or `secret_file`, in base64")]
    Secret(String),
    /// A list of servers, ports or names that cannot be meant.
    #[error("`{0}` {1}")]
    Section(String, &'static str),
    /// A path that is not absolute.
    #[error("`{0}` is no absolute path")]
    Relative(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    runner: RunnerSection,
    log: LogSection,
    control: ControlSection,
    #[serde(default)]
    approver: Vec<Approver>,
    #[serde(default)]
    allow: Vec<Allow>,
    #[serde(default)]
    services: BTreeMap<String, ServiceSection>,
    haproxy: Option<HaproxyConfig>,
    #[serde(default)]
    dns: BTreeMap<String, DnsSection>,
    #[serde(default)]
    powerdns: BTreeMap<String, PowerdnsSection>,
    systemd: Option<SystemdConfig>,
    #[serde(default)]
    scale: BTreeMap<String, ScaleConfig>,
    nginx: Option<NginxConfig>,
    #[serde(default)]
    backups: BTreeMap<String, BackupConfig>,
    #[serde(default)]
    receivers: BTreeMap<String, ReceiverSection>,
    #[serde(default)]
    kubernetes: BTreeMap<String, KubernetesSection>,
    #[serde(default)]
    zones: BTreeMap<String, ZoneConfig>,
    #[serde(default)]
    endpoints: BTreeMap<String, EndpointConfig>,
    acme: Option<AcmeConfig>,
    #[serde(default)]
    certificates: BTreeMap<String, CertificateConfig>,
    #[serde(default)]
    postgres: BTreeMap<String, PostgresConfig>,
    #[serde(default)]
    terraform: BTreeMap<String, TerraformConfig>,
    prometheus: Option<PrometheusConfig>,
    shell: Option<ShellConfig>,
    breakglass: Option<glass::GlassSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunnerSection {
    id: RunnerId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogSection {
    origin: String,
    #[serde(deserialize_with = "parsed")]
    vkey: Verifier,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ControlSection {
    #[serde(deserialize_with = "parsed")]
    warrant_key: WarrantVerifier,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approver {
    id: OperatorId,
    keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allow {
    action: ActionName,
    risk: Risk,
    tools: BTreeSet<ToolName>,
    #[serde(default)]
    services: BTreeSet<String>,
    #[serde(default)]
    with: BTreeMap<ToolName, BTreeMap<String, BTreeSet<String>>>,
    targets: Vec<Target>,
    #[serde(default)]
    humans: u8,
    #[serde(default)]
    grade: Grade,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Target(#[serde(deserialize_with = "parsed")] TargetRule);

impl Config {
    /// Reads a runner's file, and the secret files that it names.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        if text.len() > CONFIG_MAX {
            return Err(ConfigError::TooLong(text.len()));
        }
        let file: File = toml::from_str(text).map_err(|error| ConfigError::Shape(shown(&error, text)))?;
        let approvers = unique(file.approver.into_iter().map(|one| (one.id, one.keys)))?;
        let allow = unique(file.allow.into_iter().map(|one| {
            let targets = one.targets.into_iter().map(|target| target.0).collect();
            let Allow { action, risk, tools, services, with, humans, grade, .. } = one;
            (action, Rule { risk, tools, services, with, targets, humans, grade })
        }))?;
        let draft = TrustDraft {
            runner: file.runner.id,
            audience: file.log.origin,
            log: file.log.vkey,
            warrants: file.control.warrant_key,
            approvers,
            allow,
        };
        let glass = file.breakglass.map(|section| section.read(&draft)).transpose()?;
        let trust = Trust::new(draft)?;
        let tools = Sections {
            services: file.services,
            haproxy: file.haproxy,
            dns: file.dns,
            powerdns: file.powerdns,
            systemd: file.systemd,
            scale: file.scale,
            nginx: file.nginx,
            backups: file.backups,
            receivers: file.receivers,
            kubernetes: file.kubernetes,
            zones: file.zones,
            endpoints: file.endpoints,
            acme: file.acme,
            certificates: file.certificates,
            postgres: file.postgres,
            terraform: file.terraform,
            prometheus: file.prometheus,
            shell: file.shell,
        };
        let tools = tools.read()?;
        Ok(Self { trust, tools, glass })
    }
}

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(from: D) -> Result<T, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

/// Line and message, but not the line itself: it may hold a secret.
fn shown(error: &toml::de::Error, text: &str) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    format!("line {line}: {}", error.message())
}

fn unique<K: Ord + fmt::Display, V>(pairs: impl Iterator<Item = (K, V)>) -> Result<BTreeMap<K, V>, ConfigError> {
    let mut map = BTreeMap::new();
    for (key, value) in pairs {
        if map.contains_key(&key) {
            return Err(ConfigError::Twice(key.to_string()));
        }
        map.insert(key, value);
    }
    Ok(map)
}

#[cfg(test)]
mod tests;
