//! `[kubernetes.<cluster>]`: an API server, an account on it, and the deployments that may be touched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;

use super::{ConfigError, named};
use crate::secret::Secret;

/// Longest name of a namespace or deployment (RFC 1123 label, as Kubernetes wants it).
const LABEL_MAX: usize = 63;

/// One cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesConfig {
    /// Its API server: `https://192.0.2.50:6443`.
    pub url: String,
    /// A PEM file with the roots of its certificate; without one, the machine's own.
    pub roots: Option<PathBuf>,
    /// The token of an account that may get and update these deployments, and no more.
    pub token: Secret,
    /// Deployments by namespace: no other is ever asked for.
    pub deployments: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct KubernetesSection {
    url: String,
    roots: Option<PathBuf>,
    token_file: PathBuf,
    deployments: BTreeMap<String, BTreeSet<String>>,
}

impl KubernetesSection {
    pub(super) fn read(self, name: &str) -> Result<KubernetesConfig, ConfigError> {
        let of = format!("kubernetes.{name}");
        let label = |name: &String| {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            (1..=LABEL_MAX).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('-') && !name.ends_with('-')
        };
        if !self.deployments.iter().all(|(namespace, names)| label(namespace) && !names.is_empty() && names.iter().all(label)) {
            return Err(ConfigError::Section(of, "names deployments by namespace: `{ shop = [\"web\"] }`"));
        }
        if let Some(path) = self.roots.iter().find(|path| !path.is_absolute()) {
            return Err(ConfigError::Relative(path.clone()));
        }
        let text = named(&of, &self.token_file)?;
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ConfigError::SecretFile { of, path: self.token_file, why: "holds no token".into() });
        }
        Ok(KubernetesConfig { url: self.url, roots: self.roots, token: Secret::new(token), deployments: self.deployments })
    }
}
