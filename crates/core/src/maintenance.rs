//! Maintenance: windows in which somebody expects signals, so that they are kept and counted, and page nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::name::Login;
use crate::signal::Signal;
use crate::time::Timestamp;
use crate::topology::{EntityRef, Topology};

/// A window in which signals are expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// Why: one line for people.
    pub title: String,
    /// Who says so, and is asked when it was wrong.
    pub by: Login,
    /// From when.
    pub from: Timestamp,
    /// Until when; never more than a week later.
    pub until: Timestamp,
    /// For which things, and all that is part of them; empty means that the labels alone say it.
    #[serde(default)]
    pub targets: BTreeSet<EntityRef>,
    /// For signals with all of these labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

impl Maintenance {
    /// Whether it covers this signal about this thing now. A window that names neither things nor labels covers nothing.
    pub fn covers(&self, signal: &Signal, subject: Option<&EntityRef>, topology: &Topology, now: Timestamp) -> bool {
        if !(self.from <= now && now < self.until) || (self.targets.is_empty() && self.labels.is_empty()) {
            return false;
        }
        let here = self.targets.is_empty()
            || subject.is_some_and(|thing| {
                self.targets.contains(thing) || topology.ancestors(thing).iter().any(|above| self.targets.contains(above))
            });
        here && self.labels.iter().all(|(name, value)| signal.labels.get(name) == Some(value))
    }
}
