//! The runner: it asks for work, checks every warrant against its own file, journals it before it acts, and knows afterwards
//! what it did.
//!
//! A runner is another machine than the control plane. It trusts nothing that it was not told by its own `runner.toml`, it has
//! a clock and chance of its own, and its journal is its own file. An attempt is **started at most once**; a crash between
//! start and result is *lost*, never tried again: it is fenced, looked at, and reported as found.

mod config;
#[cfg(test)]
mod control;
mod glass;
mod journal;
mod link;
mod remote;
mod runner;
mod secret;
mod tools;

pub use config::{
    AcmeConfig, BackupConfig, CertificateConfig, Challenge, Config, ConfigError, DnsZone, EndpointConfig, GlassRules, HaproxyConfig,
    KubernetesConfig, NginxConfig, PostgresConfig, PowerdnsZone, PrometheusConfig, ReceiverConfig, Sandbox, ScaleConfig, Scaler, Service,
    ShellConfig, ShellSecret, SystemdConfig, TerraformConfig, Tools, UpstreamConfig, ZoneConfig,
};
pub use glass::{GlassAsked, GlassDraft, GlassEnd, GlassRefusal, Untold};
pub use journal::{AcceptError, Journal, JournalError, Session, SessionState, Standing};
pub use link::{BoxFuture, Link, LinkError};
pub use remote::{Remote, RemoteError};
pub use runner::{Runner, RunnerError};
pub use secret::Secret;
pub use tools::{Args, Clock, LAUNCH, Level, Look, Site, Tool, ToolError, Toolbox, ToolboxError, launch, offered};
