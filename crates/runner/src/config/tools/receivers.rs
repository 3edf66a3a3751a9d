//! `[receivers.<name>]`: who may be told something over HTTP.

use std::path::PathBuf;

use serde::Deserialize;

use super::{ConfigError, named};
use crate::secret::Secret;

/// One address that takes messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// The whole address; nothing of a call is ever added to it.
    pub url: String,
    /// Sent as `Authorization: Bearer`.
    pub bearer: Option<Secret>,
    /// That it documents `Idempotency-Key`, and drops a message whose key it has seen.
    pub dedupes: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct ReceiverSection {
    /// Or, where the address itself is the secret, a file with it.
    url: Option<String>,
    url_file: Option<PathBuf>,
    bearer_file: Option<PathBuf>,
    #[serde(default)]
    dedupes: bool,
}

impl ReceiverSection {
    pub(super) fn read(self, name: &str) -> Result<ReceiverConfig, ConfigError> {
        let of = format!("receivers.{name}");
        let url = match (self.url, self.url_file) {
            (Some(url), None) => url,
            (None, Some(path)) => named(&of, &path)?.trim().to_owned(),
            (Some(_), Some(_)) | (None, None) => return Err(ConfigError::Section(of, "needs either `url` or `url_file`")),
        };
        let bearer = match self.bearer_file {
            None => None,
            Some(path) => {
                let text = named(&of, &path)?;
                let token = text.trim();
                if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(ConfigError::SecretFile { of, path, why: "holds no token".into() });
                }
                Some(Secret::new(token))
            }
        };
        Ok(ReceiverConfig { url, bearer, dedupes: self.dedupes })
    }
}
