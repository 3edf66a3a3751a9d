//! `[systemd]` and `[scale.<name>]`: what runs on this machine or behind a scaler, and how much of it there may be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;

use super::{ConfigError, Service};

/// Longest name of a unit (systemd.unit(5)).
const UNIT_MAX: usize = 255;
/// Most instances or replicas of one thing.
const COUNT_MAX: u32 = 1_000;

/// The service manager of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemdConfig {
    /// Full names of the units that may be touched by name: `shop-web.service`.
    #[serde(default)]
    pub units: BTreeSet<String>,
    /// Where `systemctl` is.
    #[serde(default = "systemctl")]
    pub systemctl: PathBuf,
    /// The runtime folder of an account whose own manager is meant instead of the machine's: `/run/user/1000`.
    #[serde(default)]
    pub user: Option<PathBuf>,
    /// A program that takes the words of `systemctl` where systemd does not run. What it says is shown as a stand-in's word.
    #[serde(default)]
    pub stand_in: Option<PathBuf>,
}

fn systemctl() -> PathBuf {
    "/usr/bin/systemctl".into()
}

/// One thing of which there can be more or fewer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleConfig {
    /// How it is done.
    pub by: Scaler,
    /// The fewest.
    #[serde(default = "one")]
    pub least: u32,
    /// The most.
    pub most: u32,
}

const fn one() -> u32 {
    1
}

/// How a number is changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Scaler {
    /// Instances of a template unit, numbered from 1: `shop-web@` has `shop-web@1.service` and so on.
    Units {
        /// The name up to and with the `@`.
        template: String,
    },
    /// A service that shows the number with an entity tag, and takes another one on the condition that it still has that tag.
    Http {
        /// One of `[services]`.
        service: String,
        /// Where the number stands.
        path: String,
        /// The member of the JSON object that holds it.
        #[serde(default = "replicas")]
        member: String,
    },
}

fn replicas() -> String {
    "replicas".into()
}

/// The name of a unit that means one unit, on every manager and on every command line.
pub(crate) fn is_unit(name: &str) -> bool {
    let kinds = ["service", "socket", "timer", "target", "path", "mount"];
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_' | b'.' | b'@');
    let kind = name.rsplit_once('.').is_some_and(|(stem, kind)| !stem.is_empty() && kinds.contains(&kind));
    kind && name.len() <= UNIT_MAX && !name.starts_with('-') && name.bytes().all(plain)
}

pub(super) fn checked_systemd(systemd: &SystemdConfig) -> Result<(), ConfigError> {
    if let Some(unit) = systemd.units.iter().find(|unit| !is_unit(unit)) {
        return Err(ConfigError::Section(format!("systemd.units.{unit}"), "is no full name of a unit"));
    }
    let paths = systemd.user.iter().chain(&systemd.stand_in).chain([&systemd.systemctl]);
    paths.into_iter().find(|path| !path.is_absolute()).map_or(Ok(()), |path| Err(ConfigError::Relative(path.clone())))
}

pub(super) fn checked_scale(
    scale: &BTreeMap<String, ScaleConfig>,
    services: &BTreeMap<String, Service>,
    systemd: bool,
) -> Result<(), ConfigError> {
    for (name, one) in scale {
        let fault = |why| Err(ConfigError::Section(format!("scale.{name}"), why));
        if one.least > one.most || one.most > COUNT_MAX {
            return fault("has bounds that cannot be meant: `least`, then `most`, at most 1000");
        }
        match &one.by {
            Scaler::Units { template } if !template.ends_with('@') || !is_unit(&format!("{template}1.service")) => {
                return fault("names no template unit: `shop-web@`");
            }
            Scaler::Units { .. } if !systemd => return fault("counts units, and there is no `[systemd]`"),
            Scaler::Http { service, .. } if !services.contains_key(service) => return fault("asks a service that is not in `[services]`"),
            Scaler::Units { .. } | Scaler::Http { .. } => {}
        }
    }
    Ok(())
}
