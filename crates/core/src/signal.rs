//! Signals: observations from outside, normalised by `connect`.

mod mapping;
mod source;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use mapping::{Mapping, POINTER_MAX, POINTERS_MAX, Pointer, PointerError, Segment};
pub use source::{Proof, SecretName, SignalSource, SourceKind};

use crate::incident::Severity;
use crate::time::Timestamp;

/// Longest label or annotation that is kept, in characters.
pub const LABEL_MAX: usize = 1_000;
/// Most labels or annotations that one signal keeps.
pub const LABELS_MAX: usize = 64;

/// Whether what it reports still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalState {
    /// It holds.
    Firing,
    /// It no longer holds.
    Resolved,
}

/// An observation from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Who sent it: `alertmanager`.
    pub source: String,
    /// The source's own key for what it reports; equal keys are one thing.
    pub fingerprint: String,
    /// The key of the group that it belongs to.
    pub group: String,
    /// Whether it still holds.
    pub state: SignalState,
    /// One line for people.
    pub title: String,
    /// The source's own word for how bad it is; not Lineclear's severity.
    pub stated_severity: String,
    /// That word on Lineclear's scale, where the source's own scale is known and says more than the word alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// What it concerns, as the source calls it: a service, most often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Since when.
    pub starts: Timestamp,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations: text for people, written by anybody.
    pub annotations: BTreeMap<String, String>,
}

impl Signal {
    /// Stands for a time that its sender did not say; the engine puts the time at which the signal came in its place.
    pub const UNSTATED: Timestamp = Timestamp::from_micros(0);

    /// How bad it is by its source's word, on Lineclear's scale.
    pub fn graded(&self) -> Severity {
        self.severity.unwrap_or_else(|| Severity::stated(&self.stated_severity))
    }

    /// Its key within its incident and among all incidents: source and fingerprint.
    pub fn key(&self) -> String {
        format!("{}/{}", self.source, self.fingerprint)
    }
}
