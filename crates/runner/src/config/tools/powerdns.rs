//! `[powerdns."<zone>"]`: zones that are changed over PowerDNS' HTTP interface.

use std::path::PathBuf;

use serde::Deserialize;

use super::{ConfigError, named};
use crate::secret::Secret;

/// One zone behind the HTTP interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerdnsZone {
    /// Where its web server listens: `http://127.0.0.1:8081`.
    pub url: String,
    /// The server's own name for itself.
    pub server: String,
    /// The key of the interface; it may change every zone of the server.
    pub key: Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct PowerdnsSection {
    url: String,
    #[serde(default = "localhost")]
    server: String,
    key_file: PathBuf,
}

fn localhost() -> String {
    "localhost".into()
}

impl PowerdnsSection {
    pub(super) fn read(self, zone: &str) -> Result<PowerdnsZone, ConfigError> {
        let of = format!("powerdns.{zone}");
        let text = named(&of, &self.key_file)?;
        let key = text.trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ConfigError::SecretFile { of, path: self.key_file, why: "holds no key".into() });
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if self.server.is_empty() || !self.server.bytes().all(plain) {
            return Err(ConfigError::Section(of, "has a `server` that is no plain name"));
        }
        Ok(PowerdnsZone { url: self.url, server: self.server, key: Secret::new(key) })
    }
}
