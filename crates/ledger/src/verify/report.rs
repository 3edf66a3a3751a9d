//! What the verifier answers: one status, and findings that say which record, file or head they are about.

use crate::hash::Hash;

/// Findings kept at most; a wholly garbled export repeats itself after that.
const FINDINGS_MAX: usize = 1_000;

/// The answer of [`crate::verify_export`], one exit code each. 1 and 2 are left to failures of the program and of its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Everything fits, and agrees with at least one head that somebody else kept. Exit code 0.
    ValidWitnessed,
    /// Everything fits together, but nobody else's head was at hand: a cut, a fork or a rewrite with the log's key would look the same.
    /// Exit code 0.
    ValidUnwitnessed,
    /// Files or payloads are missing; what is there fits. Exit code 3.
    Incomplete,
    /// Something was changed, removed, added or cut off. Exit code 4.
    Tampered,
    /// Nothing can be said: no checkpoint, no key, or a kept head that does not speak of this log. Exit code 5.
    Unverifiable,
}

impl Status {
    /// The process exit code of this status.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::ValidWitnessed | Self::ValidUnwitnessed => 0,
            Self::Incomplete => 3,
            Self::Tampered => 4,
            Self::Unverifiable => 5,
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ValidWitnessed => "valid, witnessed",
            Self::ValidUnwitnessed => "valid, unwitnessed",
            Self::Incomplete => "incomplete",
            Self::Tampered => "tampered",
            Self::Unverifiable => "unverifiable",
        })
    }
}

/// How much a finding weighs; the heaviest decides the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// Worth reading, changes nothing.
    Remark,
    /// Something is missing.
    Incomplete,
    /// Something cannot be checked.
    Unverifiable,
    /// Something was changed.
    Tampered,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// `trust.txt`, or a key that signed and should not have.
    Key,
    /// The signed head.
    Checkpoint,
    /// `manifest.json`.
    Manifest,
    /// The bytes of a record.
    Record,
    /// A stream's numbering or chaining, a repeated id, a foreign log, time that falls.
    Chain,
    /// A bundle of records.
    Bundle,
    /// A tile of hashes.
    Tile,
    /// The root over all records.
    Root,
    /// The export ends before a kept head.
    Truncated,
    /// The export and a kept head are two histories.
    Forked,
    /// A kept head or ticket itself.
    Kept,
    /// A payload or its salt.
    Payload,
    /// A file that nothing refers to.
    Stray,
}

/// One thing that was noticed. Prints as its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it weighs.
    pub gravity: Gravity,
    /// What it is about.
    pub kind: FindingKind,
    /// The record, where there is one.
    pub index: Option<u64>,
    /// A fragment that names the record, file or head.
    pub text: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where the keys came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustSource {
    /// The auditor brought them.
    Given,
    /// The export's own `trust.txt`: whoever made the export chose them.
    Export,
}

/// Everything that [`crate::verify_export`] found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// At most 1,000, in the order of checking.
    pub findings: Vec<Finding>,
    /// Findings beyond that.
    pub left_out: u64,
    /// Where the keys came from.
    pub trust: TrustSource,
    /// Origin that the checkpoint names.
    pub origin: Option<String>,
    /// Records that the checkpoint speaks of.
    pub size: Option<u64>,
    /// The key that signed the checkpoint, as `name+id`.
    pub signed_by: Option<String>,
    /// Records that were read.
    pub entries: u64,
    /// Root that the records rebuild.
    pub root: Option<Hash>,
    /// Size of the largest kept head that agrees; the records after it rest on the log's word.
    pub witnessed_size: u64,
    /// Kept heads that agree.
    pub witnesses: u64,
    /// Payloads that opened their commitments.
    pub payloads: u64,
    /// Payloads that are gone and that a record says were erased.
    pub erased: u64,
    worst: Gravity,
}

impl Report {
    pub(super) const fn new(trust: TrustSource) -> Self {
        Self {
            findings: Vec::new(),
            left_out: 0,
            trust,
            origin: None,
            size: None,
            signed_by: None,
            entries: 0,
            root: None,
            witnessed_size: 0,
            witnesses: 0,
            payloads: 0,
            erased: 0,
            worst: Gravity::Remark,
        }
    }

    /// The one answer.
    pub const fn status(&self) -> Status {
        match self.worst {
            Gravity::Tampered => Status::Tampered,
            Gravity::Unverifiable => Status::Unverifiable,
            Gravity::Incomplete => Status::Incomplete,
            Gravity::Remark if self.witnesses > 0 => Status::ValidWitnessed,
            Gravity::Remark => Status::ValidUnwitnessed,
        }
    }

    pub(super) fn find(&mut self, gravity: Gravity, kind: FindingKind, index: Option<u64>, text: impl Into<String>) {
        self.worst = self.worst.max(gravity);
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { gravity, kind, index, text: text.into() });
        } else {
            self.left_out += 1;
        }
    }
}
