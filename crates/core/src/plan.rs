//! What will be done, step by step: the tool calls, and before → after as the runner read them from the live system.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::{Digest, DigestError};
use crate::name::{RunbookName, StepName, ToolName};
use crate::time::Timestamp;

/// What protects us when a call is sent twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectClass {
    /// It changes nothing.
    Read,
    /// The target refuses the second.
    Cas,
    /// The target dedupes our key.
    Keyed,
    /// The end state is the same.
    Converge,
    /// Nothing protects us: never sent again without a probe or a person.
    Once,
}

/// One call of a deterministic tool with every input filled in: the exact thing that an approval binds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// Which tool.
    pub tool: ToolName,
    /// Its arguments.
    pub with: BTreeMap<String, Value>,
}

/// What a tool says that its call would do, read from the live system and changing nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The state before.
    pub before: Value,
    /// The state after.
    pub after: Value,
    /// What would be touched, in the tool's own words: `www.example.test A`.
    pub targets: Vec<String>,
    /// Whether the step's undo restores the state before.
    pub reversible: bool,
    /// One sentence, made from typed fields.
    pub summary: String,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Which step of the runbook.
    pub step: StepName,
    /// What would be called.
    pub call: ToolCall,
    /// How the effect is checked.
    pub verify: Option<ToolCall>,
    /// What takes it back.
    pub undo: Option<ToolCall>,
    /// What protects us from a second send.
    pub effect: EffectClass,
    /// Before and after.
    pub preview: Preview,
}

/// A runbook with its inputs filled in and looked at in the live system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Which runbook.
    pub runbook: RunbookName,
    /// The runbook's exact text.
    pub runbook_digest: Digest,
    /// Its steps.
    pub steps: Vec<PlannedStep>,
    /// When the runner read the live system.
    pub read: Timestamp,
}

impl ToolCall {
    /// The digest that a warrant names and the runner computes again from its own rendering.
    ///
    /// # Errors
    /// When an argument has no canonical JSON form.
    pub fn digest(&self) -> Result<Digest, DigestError> {
        Digest::of_json(self)
    }
}

impl Plan {
    /// Whether every step that changes something can be taken back.
    pub fn reversible(&self) -> bool {
        self.steps.iter().all(|s| s.effect == EffectClass::Read || (s.undo.is_some() && s.preview.reversible))
    }

    /// The digest of everything but the moment of reading: equal plans read at two times are equal.
    ///
    /// # Errors
    /// When an argument has no canonical JSON form.
    pub fn digest(&self) -> Result<Digest, DigestError> {
        Digest::of_json(&(&self.runbook, self.runbook_digest, &self.steps))
    }
}
