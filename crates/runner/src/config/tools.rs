//! The sections of a runner's file that say what its tools may reach. A tool without a section cannot be used.

mod backups;
mod kubernetes;
mod nginx;
mod powerdns;
mod receivers;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use self::backups::BackupConfig;
use self::backups::checked_backup;
pub use self::kubernetes::KubernetesConfig;
pub(super) use self::kubernetes::KubernetesSection;
use self::nginx::checked_nginx;
pub use self::nginx::{NginxConfig, UpstreamConfig};
pub(super) use self::powerdns::PowerdnsSection;
pub use self::powerdns::PowerdnsZone;
pub use self::receivers::ReceiverConfig;
pub(super) use self::receivers::ReceiverSection;
pub(crate) use self::units::is_unit;
pub use self::units::{ScaleConfig, Scaler, SystemdConfig};
use self::units::{checked_scale, checked_systemd};
use super::ConfigError;
use crate::secret::Secret;

/// Longest secret file in bytes.
pub(super) const SECRET_MAX: usize = 16 * 1024;
/// Most authoritative servers of a zone: the root has thirteen.
const SERVERS_MAX: usize = 16;
/// Most names of one certificate: what large authorities issue.
const NAMES_MAX: usize = 100;
/// Longest name of a secret.
const NAME_MAX: usize = 64;

/// What the tools may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tools {
    /// `[services.<name>]`, for `http`.
    pub services: BTreeMap<String, Service>,
    /// `[haproxy]`, for `haproxy_server`.
    pub haproxy: Option<HaproxyConfig>,
    /// `[dns."<zone>"]`, for `dns_update`.
    pub dns: BTreeMap<String, DnsZone>,
    /// `[powerdns."<zone>"]`, for `dns_update` too.
    pub powerdns: BTreeMap<String, PowerdnsZone>,
    /// `[systemd]`, for `systemd_unit`, and for `scale` by units.
    pub systemd: Option<SystemdConfig>,
    /// `[scale.<name>]`, for `scale`.
    pub scale: BTreeMap<String, ScaleConfig>,
    /// `[nginx]`, for `nginx_upstream`.
    pub nginx: Option<NginxConfig>,
    /// `[backups.<name>]`, for `backup_restore` and `backup_swap`.
    pub backups: BTreeMap<String, BackupConfig>,
    /// `[receivers.<name>]`, for `notify`.
    pub receivers: BTreeMap<String, ReceiverConfig>,
    /// `[kubernetes.<cluster>]`, for the tools of the feature `kubernetes`.
    pub kubernetes: BTreeMap<String, KubernetesConfig>,
    /// `[zones."<zone>"]`, for `dns_query`.
    pub zones: BTreeMap<String, ZoneConfig>,
    /// `[endpoints.<name>]`, for `tls_probe`.
    pub endpoints: BTreeMap<String, EndpointConfig>,
    /// `[acme]`, for `acme_issue`.
    pub acme: Option<AcmeConfig>,
    /// `[certificates.<name>]`, for `acme_issue`.
    pub certificates: BTreeMap<String, CertificateConfig>,
    /// `[postgres.<cluster>]`, for `postgres_switchover`.
    pub postgres: BTreeMap<String, PostgresConfig>,
    /// `[terraform.<workspace>]`, for `terraform_plan` and `terraform_apply`.
    pub terraform: BTreeMap<String, TerraformConfig>,
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

/// One zone that may be asked about.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneConfig {
    /// All of its authoritative servers, hidden ones too.
    pub servers: BTreeSet<SocketAddr>,
}

/// One place where TLS is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// Where it listens.
    pub address: SocketAddr,
    /// A PEM file with the roots that its chain has to lead to; without one, the machine's own.
    #[serde(default)]
    pub roots: Option<PathBuf>,
}

/// The authority that issues certificates.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcmeConfig {
    /// Its directory (RFC 8555 §7.1.1), over https.
    pub directory: String,
    /// A PEM file with the roots of an authority that is not public.
    #[serde(default)]
    pub roots: Option<PathBuf>,
    /// Where the account and its key are kept; made when it is missing.
    pub account: PathBuf,
    /// That somebody has read the authority's terms and agrees; without it no account is made.
    #[serde(default)]
    pub terms_agreed: bool,
}

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateConfig {
    /// Exactly these names, in small letters.
    pub names: BTreeSet<String>,
    /// Where it is kept; `current/` in it is what servers are pointed at.
    pub folder: PathBuf,
    /// How the names are proved.
    pub challenge: Challenge,
}

/// How a name is proved to be ours.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Challenge {
    /// A record in the zone, with the key of `[dns."<zone>"]`.
    #[serde(rename = "dns-01")]
    Dns01 {
        /// Which zone.
        zone: String,
    },
    /// A file on the web server.
    #[serde(rename = "http-01")]
    Http01 {
        /// The folder that it serves as `/`.
        webroot: PathBuf,
    },
}

/// One PostgreSQL cluster: a primary and the standbys that follow it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// Connection strings of all of its nodes, by name: `host=… port=… user=… dbname=postgres sslmode=verify-full`, no password.
    pub nodes: BTreeMap<String, String>,
    /// A password file (libpq's `.pgpass`).
    #[serde(default)]
    pub passfile: Option<PathBuf>,
    /// The site's proof that a node can take no writes: told its name, it ends with 0 only when that is certain.
    #[serde(default)]
    pub fenced: Option<PathBuf>,
    /// Where `psql` is.
    #[serde(default = "psql")]
    pub psql: PathBuf,
}

fn psql() -> PathBuf {
    "/usr/bin/psql".into()
}

/// One Terraform workspace, initialised by a person.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerraformConfig {
    /// The folder with the configuration.
    pub folder: PathBuf,
    /// Where saved plans are kept; a folder that only the runner writes. Plans hold secrets.
    pub plans: PathBuf,
    /// A file of `NAME=value` lines for the provider; every value in it is kept out of reports.
    #[serde(default)]
    pub environment: Option<PathBuf>,
    /// Where the program is.
    #[serde(default = "terraform")]
    pub terraform: PathBuf,
}

fn terraform() -> PathBuf {
    "/usr/bin/terraform".into()
}

/// Where facts are asked for while waiting.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrometheusConfig {
    /// Its base address.
    pub url: String,
}

/// How much of a box programs must get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sandbox {
    /// As much as the machine has; how much is told.
    #[default]
    Available,
    /// Everything; on a machine that has less, the runner does not start.
    Whole,
}

/// A secret that programs may be given.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShellSecret {
    /// Where it lies; programs are told this path.
    pub file: PathBuf,
    /// Which of the programs may be given it.
    pub commands: BTreeSet<PathBuf>,
}

/// What may be started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShellConfig {
    /// Absolute paths of the programs that may be started; nothing else ever is.
    pub commands: BTreeSet<PathBuf>,
    /// Where they are started, and may write.
    pub workdir: PathBuf,
    /// What they may read beside the system's own programs.
    #[serde(default)]
    pub read: BTreeSet<PathBuf>,
    /// Below which other folders they may write.
    #[serde(default)]
    pub write: BTreeSet<PathBuf>,
    /// TCP ports that they may connect to; without one they have no network.
    #[serde(default)]
    pub connect: BTreeSet<u16>,
    /// Whether they may use sockets of this machine: every daemon that listens on one trusts them then.
    #[serde(default)]
    pub local_sockets: bool,
    /// How much of a box they must get.
    #[serde(default)]
    pub sandbox: Sandbox,
    /// Secrets by name.
    #[serde(default)]
    pub secrets: BTreeMap<String, ShellSecret>,
    /// The program that boxes them in: this one. Without one they are started as they are.
    #[serde(skip)]
    pub launcher: Option<PathBuf>,
}

/// The sections as they stand in the file.
pub(super) struct Sections {
    pub(super) services: BTreeMap<String, ServiceSection>,
    pub(super) haproxy: Option<HaproxyConfig>,
    pub(super) dns: BTreeMap<String, DnsSection>,
    pub(super) powerdns: BTreeMap<String, PowerdnsSection>,
    pub(super) systemd: Option<SystemdConfig>,
    pub(super) scale: BTreeMap<String, ScaleConfig>,
    pub(super) nginx: Option<NginxConfig>,
    pub(super) backups: BTreeMap<String, BackupConfig>,
    pub(super) receivers: BTreeMap<String, ReceiverSection>,
    pub(super) kubernetes: BTreeMap<String, KubernetesSection>,
    pub(super) zones: BTreeMap<String, ZoneConfig>,
    pub(super) endpoints: BTreeMap<String, EndpointConfig>,
    pub(super) acme: Option<AcmeConfig>,
    pub(super) certificates: BTreeMap<String, CertificateConfig>,
    pub(super) postgres: BTreeMap<String, PostgresConfig>,
    pub(super) terraform: BTreeMap<String, TerraformConfig>,
    pub(super) prometheus: Option<PrometheusConfig>,
    pub(super) shell: Option<ShellConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceSection {
    url: String,
    bearer_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DnsSection {
    server: SocketAddr,
    key_name: String,
    secret: Option<String>,
    secret_file: Option<PathBuf>,
}

impl Tools {
    /// Every secret that is known at start, for whoever takes them out of reports.
    pub(crate) fn secrets(&self) -> Vec<&Secret> {
        let bearers = self.services.values().filter_map(|service| service.bearer.as_ref());
        let bearers = bearers.chain(self.receivers.values().filter_map(|receiver| receiver.bearer.as_ref()));
        let bearers = bearers.chain(self.kubernetes.values().map(|cluster| &cluster.token));
        let keys = self.powerdns.values().map(|zone| &zone.key);
        self.dns.values().map(|zone| &zone.secret).chain(keys).chain(bearers).collect()
    }
}

impl Sections {
    /// Checks them, and reads the secret files that they name.
    pub(super) fn read(self) -> Result<Tools, ConfigError> {
        let services = self.services.into_iter().map(|(name, section)| Ok((name.clone(), service(&name, section)?)));
        let dns = self.dns.into_iter().map(|(zone, section)| Ok((zone.clone(), dns_zone(&zone, section)?)));
        let kubernetes = self.kubernetes.into_iter().map(|(name, section)| Ok((name.clone(), section.read(&name)?)));
        let receivers = self.receivers.into_iter().map(|(name, section)| Ok((name.clone(), section.read(&name)?)));
        let powerdns = self.powerdns.into_iter().map(|(zone, section)| Ok((zone.clone(), section.read(&zone)?)));
        for (zone, config) in &self.zones {
            if !(1..=SERVERS_MAX).contains(&config.servers.len()) {
                return Err(ConfigError::Section(format!("zones.{zone}"), "names one to sixteen servers"));
            }
        }
        let paths = self.endpoints.values().filter_map(|endpoint| endpoint.roots.as_ref());
        if let Some(relative) = paths.clone().find(|path| !path.is_absolute()) {
            return Err(ConfigError::Relative(relative.clone()));
        }
        if let Some(path) = self.acme.iter().flat_map(|acme| acme.roots.iter().chain([&acme.account])).find(|path| !path.is_absolute()) {
            return Err(ConfigError::Relative(path.clone()));
        }
        if self.acme.as_ref().is_some_and(|acme| !acme.directory.starts_with("https://")) {
            return Err(ConfigError::Section("acme.directory".into(), "is asked over https only"));
        }
        let paths = self.terraform.values().flat_map(|one| [&one.folder, &one.plans, &one.terraform].into_iter().chain(&one.environment));
        if let Some(path) = paths.into_iter().find(|path| !path.is_absolute()) {
            return Err(ConfigError::Relative(path.clone()));
        }
        for (name, certificate) in &self.certificates {
            checked_certificate(name, certificate)?;
        }
        for (name, cluster) in &self.postgres {
            checked_cluster(name, cluster)?;
        }
        let services: BTreeMap<_, _> = services.collect::<Result<_, ConfigError>>()?;
        self.systemd.as_ref().map_or(Ok(()), checked_systemd)?;
        checked_scale(&self.scale, &services, self.systemd.is_some())?;
        self.nginx.as_ref().map_or(Ok(()), checked_nginx)?;
        self.backups.iter().try_for_each(|(name, backup)| checked_backup(name, backup))?;
        Ok(Tools {
            services,
            haproxy: self.haproxy,
            dns: dns.collect::<Result<_, ConfigError>>()?,
            powerdns: powerdns.collect::<Result<_, ConfigError>>()?,
            systemd: self.systemd,
            scale: self.scale,
            nginx: self.nginx,
            backups: self.backups,
            receivers: receivers.collect::<Result<_, ConfigError>>()?,
            kubernetes: kubernetes.collect::<Result<_, ConfigError>>()?,
            zones: self.zones,
            endpoints: self.endpoints,
            acme: self.acme,
            certificates: self.certificates,
            postgres: self.postgres,
            terraform: self.terraform,
            prometheus: self.prometheus,
            shell: self.shell.map(checked_shell).transpose()?,
        })
    }
}

fn service(name: &str, section: ServiceSection) -> Result<Service, ConfigError> {
    let bearer = section.bearer_file.map(|path| named(&format!("services.{name}"), &path)).transpose()?;
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
        (None, Some(path)) => named(&format!("dns.{zone}"), &path)?,
        (Some(_), Some(_)) | (None, None) => return Err(ConfigError::Secret(zone.into())),
    };
    let secret = Secret::from_base64(&text).filter(|secret| !secret.expose().is_empty());
    let secret = secret.ok_or_else(|| ConfigError::Secret(zone.into()))?;
    Ok(DnsZone { server: section.server, key_name: section.key_name, secret })
}

fn named(of: &str, path: &Path) -> Result<String, ConfigError> {
    read_secret(path).map_err(|why| ConfigError::SecretFile { of: of.into(), path: path.to_owned(), why })
}

/// Reads a secret file: text of a bounded length. Why not says nothing of what it holds.
pub(crate) fn read_secret(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let limit = u64::try_from(SECRET_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let read = std::fs::File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text));
    read.map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() > SECRET_MAX { Err("is too long".into()) } else { Ok(text) }
}

fn checked_certificate(name: &str, certificate: &CertificateConfig) -> Result<(), ConfigError> {
    let fault = |why| Err(ConfigError::Section(format!("certificates.{name}"), why));
    let small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'*' | b'_');
    if !(1..=NAMES_MAX).contains(&certificate.names.len())
        || !certificate.names.iter().all(|name| !name.is_empty() && name.bytes().all(small))
    {
        return fault("is for one to a hundred names in small letters");
    }
    let webroot = match &certificate.challenge {
        Challenge::Http01 { .. } if certificate.names.iter().any(|name| name.contains('*')) => {
            return fault("has a wildcard, which only dns-01 proves");
        }
        Challenge::Http01 { webroot } => Some(webroot),
        Challenge::Dns01 { .. } => None,
    };
    let paths = webroot.into_iter().chain([&certificate.folder]);
    paths.into_iter().find(|path| !path.is_absolute()).map_or(Ok(()), |path| Err(ConfigError::Relative(path.clone())))
}

fn checked_cluster(name: &str, cluster: &PostgresConfig) -> Result<(), ConfigError> {
    if !(2..=SERVERS_MAX).contains(&cluster.nodes.len()) {
        return Err(ConfigError::Section(format!("postgres.{name}"), "names two to sixteen nodes"));
    }
    // It would be seen by everybody who lists processes.
    if cluster.nodes.values().any(|address| address.contains("password") || address.contains("://")) {
        return Err(ConfigError::Section(format!("postgres.{name}"), "has words like `host=…`, and its password in `passfile`"));
    }
    let paths = cluster.passfile.iter().chain(&cluster.fenced).chain([&cluster.psql]);
    paths.into_iter().find(|path| !path.is_absolute()).map_or(Ok(()), |path| Err(ConfigError::Relative(path.clone())))
}

fn checked_shell(mut shell: ShellConfig) -> Result<ShellConfig, ConfigError> {
    let own = shell.commands.iter().chain(&shell.read).chain(&shell.write).chain([&shell.workdir]);
    let of_secrets = shell.secrets.values().flat_map(|secret| secret.commands.iter().chain([&secret.file]));
    if let Some(path) = own.chain(of_secrets).find(|path| !path.is_absolute()) {
        return Err(ConfigError::Relative(path.clone()));
    }
    for (name, secret) in &shell.secrets {
        let fault = |why| Err(ConfigError::Section(format!("shell.secrets.{name}"), why));
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=NAME_MAX).contains(&name.len()) || !name.bytes().all(plain) {
            return fault("has a name of small letters, digits and `_`: programs find it in a variable");
        }
        if !secret.commands.is_subset(&shell.commands) {
            return fault("is for a program that is not among `commands`");
        }
    }
    if shell.connect.contains(&0) {
        return Err(ConfigError::Section("shell.connect".into(), "names port 0"));
    }
    shell.launcher = Some(crate::tools::ITSELF.into());
    Ok(shell)
}
