//! The bundle: what an approval binds. One digest over plan, inputs, runbook, policy, situation and evidence.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::authority::{Approvals, Grade, Rung};
use crate::catalogue::Risk;
use crate::digest::{Digest, DigestError, canonical};
use crate::dossier::Difference;
use crate::id::{ChangeId, OperatorId};
use crate::name::{ActionName, RoleName, RungName, StepName, TeamName, ToolName};
use crate::permission::Permissions;
use crate::plan::{EffectClass, PlannedStep};
use crate::sandbox::Sandbox;
use crate::situation::Actor;
use crate::topology::EntityRef;

/// The format of bundles; part of their bytes.
pub const BUNDLE_FORMAT: &str = "lineclear.bundle/1";

/// One step as the bundle binds it: by the digests of its calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundStep {
    /// Which step.
    pub step: StepName,
    /// Which tool.
    pub tool: ToolName,
    /// What protects us from a second send.
    pub effect: EffectClass,
    /// The call.
    pub call: Digest,
    /// Its check.
    pub verify: Option<Digest>,
    /// Its undo.
    pub undo: Option<Digest>,
}

/// The people that a bundle needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// The rung of the ladder.
    pub rung: RungName,
    /// Distinct people.
    pub humans: u8,
    /// Roles among them.
    pub roles: BTreeSet<RoleName>,
    /// Whether somebody of the owning team.
    pub owner: bool,
    /// The weakest grade that counts.
    pub grade: Grade,
    /// Teams whose own work changes, each with those of its people who may review it: one of each must be among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reviews: BTreeMap<TeamName, BTreeSet<OperatorId>>,
}

/// What an approval binds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// [`BUNDLE_FORMAT`].
    pub format: String,
    /// Which installation; an approval for one is worth nothing in another.
    pub audience: String,
    /// The change.
    pub change: ChangeId,
    /// How often it was asked: 1 for the first time.
    pub round: u32,
    /// The action.
    pub action: ActionName,
    /// Its target.
    pub target: EntityRef,
    /// Its risk in the catalogue at that time.
    pub risk: Risk,
    /// Who asked.
    pub proposer: Actor,
    /// People whose approval counts for nothing here: the proposer, and the owner of the proposing agent.
    pub recused: BTreeSet<OperatorId>,
    /// Whether a single-operator posture was declared, so that the recused may approve after all.
    pub single_operator: bool,
    /// The proposal, inputs and confidence included.
    pub proposal: Digest,
    /// The runbook's text.
    pub runbook: Digest,
    /// The plan: steps with before → after.
    pub plan: Digest,
    /// The estate, hence the policies.
    pub policy: Digest,
    /// The folded facts that the policies saw, as [`crate::situation::Situation::bound`] tells them.
    pub situation: Digest,
    /// The readings behind these facts.
    pub evidence: Digest,
    /// Everything that was shown.
    pub dossier: Digest,
    /// The steps.
    pub steps: Vec<BoundStep>,
    /// All that the steps can get, their checks and undos included; a runner gives them nothing else. Bundles from before it was kept
    /// have none, and nothing is started on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// How far programs that the steps start must be boxed in, at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Sandbox>,
    /// The people it needs.
    pub needs: Needs,
}

impl Needs {
    /// The people that a rung asks for.
    pub fn of(rung: &Rung) -> Self {
        let (name, roles) = (rung.name.clone(), rung.roles.clone());
        Self { rung: name, humans: rung.humans, roles, owner: rung.owner, grade: rung.grade, reviews: BTreeMap::new() }
    }

    /// The teams of which none of these people may review.
    pub fn unreviewed(&self, people: &BTreeSet<OperatorId>) -> Vec<&TeamName> {
        self.reviews.iter().filter(|(_, able)| able.is_disjoint(people)).map(|(team, _)| team).collect()
    }

    /// Whether these approvals are enough, whoever gave them.
    pub fn met_by(&self, given: &Approvals) -> bool {
        given.humans >= self.humans && given.roles.is_superset(&self.roles) && (given.owner || !self.owner) && given.grade >= self.grade
    }
}

impl BoundStep {
    /// Binds a planned step.
    ///
    /// # Errors
    /// When an argument has no canonical form.
    pub fn of(planned: &PlannedStep) -> Result<Self, DigestError> {
        let digest = |call: &Option<crate::plan::ToolCall>| call.as_ref().map(crate::plan::ToolCall::digest).transpose();
        Ok(Self {
            step: planned.step.clone(),
            tool: planned.call.tool.clone(),
            effect: planned.effect,
            call: planned.call.digest()?,
            verify: digest(&planned.verify)?,
            undo: digest(&planned.undo)?,
        })
    }
}

impl Bundle {
    /// The exact bytes whose digest is signed.
    ///
    /// # Errors
    /// Never for a bundle of this type; the signature of the canonicaliser allows for it.
    pub fn bytes(&self) -> Result<Vec<u8>, DigestError> {
        canonical(self)
    }

    /// The digest that statements name.
    ///
    /// # Errors
    /// As [`Bundle::bytes`].
    pub fn digest(&self) -> Result<Digest, DigestError> {
        self.bytes().map(|bytes| Digest::of(&bytes))
    }

    /// What differs in substance between what was approved and what would run now. New readings of the same facts are no
    /// difference; another situation, plan, runbook, policy, proposal or requirement is. Empty means that the approval stands.
    pub fn drift(&self, now: &Self) -> Vec<Difference> {
        let mut list = Vec::new();
        let mut differ = |what: &str, before: String, after: String| {
            if before != after {
                list.push(Difference { what: what.into(), before, after });
            }
        };
        differ("proposal", self.proposal.to_string(), now.proposal.to_string());
        differ("runbook", self.runbook.to_string(), now.runbook.to_string());
        differ("plan", self.plan.to_string(), now.plan.to_string());
        let permissions = |bundle: &Self| bundle.permissions.as_ref().map(ToString::to_string).unwrap_or_default();
        differ("permissions", permissions(self), permissions(now));
        let sandbox = |bundle: &Self| bundle.sandbox.map(|demand| demand.to_string()).unwrap_or_default();
        differ("sandbox", sandbox(self), sandbox(now));
        differ("policy", self.policy.to_string(), now.policy.to_string());
        differ("situation", self.situation.to_string(), now.situation.to_string());
        differ("risk", self.risk.to_string(), now.risk.to_string());
        differ("rung", self.needs.rung.to_string(), now.needs.rung.to_string());
        differ("needs", format!("{:?}", self.needs), format!("{:?}", now.needs));
        list
    }
}
