//! The estate as the engine uses it: parsed, checked, content-addressed. The `estate` room reads it from a directory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::authority::{Authority, Directory};
use crate::catalogue::Catalogue;
use crate::digest::Digest;
use crate::escalation::EscalationPath;
use crate::fact::FactSpec;
use crate::maintenance::Maintenance;
use crate::name::{FactName, PathName, RotationName, RunbookName, SloName, SourceName};
use crate::notice::Channels;
use crate::posture::Posture;
use crate::rotation::Rotation;
use crate::runbook::Runbook;
use crate::severity::SeverityTable;
use crate::signal::{Mapping, SignalSource};
use crate::slo::Slo;
use crate::time::Timestamp;
use crate::topology::{EntityRef, Topology};

/// A window in which people want nothing to move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// Why.
    pub title: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Where; empty means everywhere.
    #[serde(default)]
    pub targets: Vec<EntityRef>,
}

/// What people own and review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estate {
    /// For people: `Northwind Hosting (example)`.
    pub title: String,
    /// The content address of the whole directory: the policy version on every record.
    pub digest: Digest,
    /// The ledger's origin, which is also the audience of statements: `ledger.example/acme/g1`.
    pub origin: String,
    /// What may be proposed.
    pub catalogue: Catalogue,
    /// What there is.
    pub topology: Topology,
    /// Who may answer.
    pub authority: Authority,
    /// People and agents.
    pub directory: Directory,
    /// The vocabulary of facts.
    pub facts: BTreeMap<FactName, FactSpec>,
    /// The procedures.
    pub runbooks: BTreeMap<RunbookName, Runbook>,
    /// Freeze windows.
    pub freezes: Vec<Freeze>,
    /// Where facts are asked: `prometheus` → base URL.
    pub sources: BTreeMap<String, String>,
    /// The posture of a new installation.
    pub posture: Posture,
    /// What is promised of the services. Read and checked; budgets are still asked from facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub slos: BTreeMap<SloName, Slo>,
    /// How severity follows from impact, where the estate says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<SeverityTable>,
    /// Who is told, in which order.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub escalation: BTreeMap<PathName, EscalationPath>,
    /// Who is on call, in turns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rotations: BTreeMap<RotationName, Rotation>,
    /// Who may send signals, besides the built-in address for Alertmanager.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub signals: BTreeMap<SourceName, SignalSource>,
    /// How JSON of no known format is read, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mappings: BTreeMap<String, Mapping>,
    /// Through which channels people are told outside the console, and where each is found in them.
    #[serde(default, skip_serializing_if = "Channels::is_empty")]
    pub notices: Channels,
    /// Windows in which signals are expected and page nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maintenance: Vec<Maintenance>,
}

impl Estate {
    /// The freeze window that covers the target or anything that holds it.
    pub fn freeze(&self, target: &EntityRef, now: Timestamp) -> Option<&Freeze> {
        let mut reach = self.topology.ancestors(target);
        reach.insert(target.clone());
        self.freezes
            .iter()
            .filter(|f| f.from <= now && now < f.until)
            .find(|f| f.targets.is_empty() || f.targets.iter().any(|t| reach.contains(t)))
    }
}
