//! `[nginx]`: the web server of this machine, and the files with its upstream servers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;

/// Most servers of one upstream.
const SERVERS_MAX: usize = 256;

/// nginx on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NginxConfig {
    /// Where the program is.
    #[serde(default = "program")]
    pub program: PathBuf,
    /// Its configuration.
    #[serde(default = "config")]
    pub config: PathBuf,
    /// Where its first process writes its number.
    #[serde(default = "pid")]
    pub pid: PathBuf,
    /// The upstreams by name.
    pub upstreams: BTreeMap<String, UpstreamConfig>,
}

/// The servers of one `upstream` block.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamConfig {
    /// The file that the block includes; it holds `server` lines only, and nobody else writes it.
    pub file: PathBuf,
    /// Servers by name: the only addresses that may ever stand there.
    pub servers: BTreeMap<String, SocketAddr>,
    /// An address that nginx itself serves from this upstream; asked after each change, anything below 500 is an answer.
    #[serde(default)]
    pub probe: Option<String>,
}

fn program() -> PathBuf {
    "/usr/sbin/nginx".into()
}

fn config() -> PathBuf {
    "/etc/nginx/nginx.conf".into()
}

fn pid() -> PathBuf {
    "/run/nginx.pid".into()
}

pub(super) fn checked_nginx(nginx: &NginxConfig) -> Result<(), ConfigError> {
    for (name, upstream) in &nginx.upstreams {
        let fault = |why| Err(ConfigError::Section(format!("nginx.upstreams.{name}"), why));
        if !(1..=SERVERS_MAX).contains(&upstream.servers.len()) {
            return fault("names 1 to 256 servers");
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if upstream.servers.keys().any(|server| server.is_empty() || !server.bytes().all(plain)) {
            return fault("has servers whose names are not letters, digits, `-`, `_` and `.`");
        }
    }
    let files = nginx.upstreams.values().map(|upstream| &upstream.file);
    let mut paths = files.chain([&nginx.program, &nginx.config, &nginx.pid]);
    paths.find(|path| !path.is_absolute()).map_or(Ok(()), |path| Err(ConfigError::Relative(path.clone())))
}
