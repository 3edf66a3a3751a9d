//! `runner.toml`: what this runner trusts and what its tools may reach, in the words of whoever runs it. Read strictly and
//! once; a member that is unknown is an error with its line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lineclear_core::authority::Grade;
use lineclear_core::catalogue::Risk;
use lineclear_core::name::{ActionName, ToolName};
use lineclear_core::{OperatorId, RunnerId};
use lineclear_ledger::Verifier;
use lineclear_warrant::{Rule, TargetRule, Trust, TrustDraft, TrustError, WarrantVerifier};
use serde::{Deserialize, Deserializer};

use crate::secret::Secret;

/// Longest file in bytes: a thousand rules and keys.
pub const CONFIG_MAX: usize = 1024 * 1024;
/// Longest secret file in bytes.
const SECRET_MAX: usize = 16 * 1024;

/// Everything that a runner is told by its own file.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whom it believes, and what may be done.
    pub trust: Trust,
    /// What its tools may reach.
    pub tools: Tools,
}

/// What the tools may reach. A tool without a section cannot be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tools {
    /// `[services.<name>]`, for `http`.
    pub services: BTreeMap<String, Service>,
    /// `[haproxy]`, for `haproxy_server`.
    pub haproxy: Option<HaproxyConfig>,
    /// `[dns."<zone>"]`, for `dns_update`.
    pub dns: BTreeMap<String, DnsZone>,
    /// `[prometheus]`, for `wait_for`.
    pub prometheus: Option<PrometheusConfig>,
    /// `[shell]`, for `shell`.
    pub shell: Option<ShellConfig>,
}

/// One HTTP service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its base address: `http://127.0.0.1:8080` or with a path.
    pub url: String,
    /// Sent as `Authorization: Bearer`.
    pub bearer: Option<Secret>,
}

/// The load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HaproxyConfig {
    /// Its runtime socket, with level `admin`.
    pub socket: PathBuf,
}

/// One zone and the key that may change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsZone {
    /// Its primary server.
    pub server: SocketAddr,
    /// The name of the TSIG key (hmac-sha256).
    pub key_name: String,
    /// The key.
    pub secret: Secret,
}

/// Where facts are asked for while waiting.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrometheusConfig {
    /// Its base address.
    pub url: String,
}

/// What may be started.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShellConfig {
    /// Absolute paths of the programs that may be started; nothing else ever is.
    pub commands: BTreeSet<PathBuf>,
    /// Where they are started.
    pub workdir: PathBuf,
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
    prometheus: Option<PrometheusConfig>,
    shell: Option<ShellConfig>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceSection {
    url: String,
    bearer_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DnsSection {
    server: SocketAddr,
    key_name: String,
    secret: Option<String>,
    secret_file: Option<PathBuf>,
}

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
        let trust = Trust::new(TrustDraft {
            runner: file.runner.id,
            audience: file.log.origin,
            log: file.log.vkey,
            warrants: file.control.warrant_key,
            approvers,
            allow,
        })?;
        let services = file.services.into_iter().map(|(name, section)| Ok((name.clone(), service(&name, section)?)));
        let dns = file.dns.into_iter().map(|(zone, section)| Ok((zone.clone(), dns_zone(&zone, section)?)));
        let shell = file.shell.map(checked_shell).transpose()?;
        let tools = Tools {
            services: services.collect::<Result<_, ConfigError>>()?,
            haproxy: file.haproxy,
            dns: dns.collect::<Result<_, ConfigError>>()?,
            prometheus: file.prometheus,
            shell,
        };
        Ok(Self { trust, tools })
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

fn service(name: &str, section: ServiceSection) -> Result<Service, ConfigError> {
    let bearer = section.bearer_file.map(|path| read_secret(&format!("services.{name}"), &path)).transpose()?;
    let visible = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let bearer = bearer.map(|text| {
        let why = || ConfigError::SecretFile { of: format!("services.{name}"), path: PathBuf::new(), why: "holds no token".into() };
        if visible(text.trim()) { Ok(Secret::new(text.trim())) } else { Err(why()) }
    });
    Ok(Service { url: section.url, bearer: bearer.transpose()? })
}

fn dns_zone(zone: &str, section: DnsSection) -> Result<DnsZone, ConfigError> {
    let text = match (section.secret, section.secret_file) {
        (Some(text), None) => text,
        (None, Some(path)) => read_secret(&format!("dns.{zone}"), &path)?,
        (Some(_), Some(_)) | (None, None) => return Err(ConfigError::Secret(zone.into())),
    };
    let secret = Secret::from_base64(&text).filter(|secret| !secret.expose().is_empty());
    let secret = secret.ok_or_else(|| ConfigError::Secret(zone.into()))?;
    Ok(DnsZone { server: section.server, key_name: section.key_name, secret })
}

fn read_secret(of: &str, path: &Path) -> Result<String, ConfigError> {
    let fault = |why: String| ConfigError::SecretFile { of: of.into(), path: path.to_owned(), why };
    let mut text = String::new();
    let limit = u64::try_from(SECRET_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let read = std::fs::File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text));
    read.map_err(|error| fault(format!("cannot be read: {error}")))?;
    if text.len() > SECRET_MAX { Err(fault("is too long".into())) } else { Ok(text) }
}

fn checked_shell(shell: ShellConfig) -> Result<ShellConfig, ConfigError> {
    let relative = shell.commands.iter().chain([&shell.workdir]).find(|path| !path.is_absolute()).cloned();
    relative.map_or(Ok(shell), |path| Err(ConfigError::Relative(path)))
}

#[cfg(test)]
mod tests;
