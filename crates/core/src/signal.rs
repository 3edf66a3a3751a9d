//! Signals: observations from outside, normalised by `connect`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
    /// Since when.
    pub starts: Timestamp,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations: text for people, written by anybody.
    pub annotations: BTreeMap<String, String>,
}
