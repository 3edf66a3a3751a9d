//! What will be done, step by step: the tool calls, and before → after as the runner read them from the live system.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::{Digest, DigestError};
use crate::label::Labels;
use crate::name::{BranchName, RunbookName, StepName, ToolName};
use crate::permission::{Lack, Permissions};
use crate::runbook::Flow;
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
    /// Where it stands in the flow of the runbook; plain for a step that is always done.
    #[serde(default, skip_serializing_if = "Flow::is_plain")]
    pub flow: Flow,
}

/// A step that is no part of a plan, because of the inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which step of the runbook.
    pub step: StepName,
    /// Why, in words.
    pub why: String,
}

/// A runbook with its inputs filled in and looked at in the live system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Which runbook.
    pub runbook: RunbookName,
    /// The runbook's exact text.
    pub runbook_digest: Digest,
    /// Its steps: those of the way without failures first, then the branches.
    pub steps: Vec<PlannedStep>,
    /// Steps of the runbook that these inputs leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// All that its steps can get; empty in plans from before it was kept.
    #[serde(default, skip_serializing_if = "Permissions::is_empty")]
    pub permissions: Permissions,
    /// What no other run may hold at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency_key: Option<String>,
    /// What a runner has to carry to be given its steps; any runner will do when there are none.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub runs_on: Labels,
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
    /// The first step of a branch.
    pub fn branch(&self, name: &BranchName) -> Option<usize> {
        self.steps.iter().position(|step| step.flow.branch.as_ref() == Some(name))
    }

    /// The step that follows on the same way, the main one or a branch; the number of steps when none does.
    pub fn after(&self, step: usize) -> usize {
        let (this, next) = (self.steps.get(step), self.steps.get(step + 1));
        match (this, next) {
            (Some(this), Some(next)) if this.flow.branch == next.flow.branch => step + 1,
            (Some(_) | None, Some(_) | None) => self.steps.len(),
        }
    }

    /// The first step of the way without failures; the number of steps when there is none.
    pub fn first(&self) -> usize {
        if self.steps.first().is_some_and(|step| step.flow.branch.is_none()) { 0 } else { self.steps.len() }
    }

    /// The first step with a call that needs more than the plan's permissions give, and what it lacks; none when all of them fit.
    pub fn exceeds(&self) -> Option<(&StepName, Lack)> {
        self.steps.iter().find_map(|step| {
            let calls = [Some(&step.call), step.verify.as_ref(), step.undo.as_ref()];
            calls.into_iter().flatten().find_map(|call| self.permissions.lack(call)).map(|lack| (&step.step, lack))
        })
    }

    /// Whether every step that changes something can be taken back.
    pub fn reversible(&self) -> bool {
        self.steps.iter().all(|s| s.effect == EffectClass::Read || (s.undo.is_some() && s.preview.reversible))
    }

    /// The digest of everything but the moment of reading: equal plans read at two times are equal.
    ///
    /// # Errors
    /// When an argument has no canonical JSON form.
    pub fn digest(&self) -> Result<Digest, DigestError> {
        if !self.permissions.is_empty() {
            let Self { runbook, runbook_digest, steps, left_out, permissions, concurrency_key, runs_on, read: _ } = self;
            return Digest::of_json(&(runbook, runbook_digest, steps, left_out, concurrency_key, permissions, runs_on));
        }
        if !self.runs_on.is_empty() {
            let all = (&self.runbook, self.runbook_digest, &self.steps, &self.left_out, &self.concurrency_key, &self.runs_on);
            return Digest::of_json(&all);
        }
        if self.left_out.is_empty() && self.concurrency_key.is_none() {
            return Digest::of_json(&(&self.runbook, self.runbook_digest, &self.steps));
        }
        Digest::of_json(&(&self.runbook, self.runbook_digest, &self.steps, &self.left_out, &self.concurrency_key))
    }
}
