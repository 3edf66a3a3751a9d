//! Which policies can speak of an action. Exact: what is left out could never match.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::pst::PstConstructionError;
use cedar_policy::{ActionConstraint, Entities, EntityUid, Policy, PolicySet};
use lineclear_core::name::PolicyName;

use crate::conjunct::Probe;
use crate::load::Rules;
use crate::reads::Reads;

/// The policies of one action, and the probes that explain them.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    pub set: PolicySet,
    pub candidates: BTreeMap<PolicyName, Candidate>,
    /// The text of each probe, by number.
    pub texts: Vec<String>,
    /// Probes that approvals cannot change.
    pub steady: PolicySet,
    /// Probes that they can.
    pub swayed: PolicySet,
    /// Probes that read no fact: nothing that happens changes them.
    pub fixed: BTreeSet<usize>,
    /// What the policies read of a situation.
    pub reads: Reads,
    numbers: BTreeMap<String, usize>,
}

/// One policy as an explanation needs it.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub title: String,
    pub forbids: bool,
    /// The probe of its scope.
    pub scope: usize,
    /// The probes of its conditions.
    pub needs: Vec<usize>,
}

/// Why an index could not be built; Cedar's own policies went in, so none of this happens in practice.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    #[error("a policy of this name is there already")]
    Twice,
    #[error("a condition cannot be asked alone")]
    Probe(#[from] PstConstructionError),
}

/// Whether the policy can match the action at all.
pub(crate) fn concerns(policy: &Policy, action: &EntityUid, actions: &Entities) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(one) => one == *action,
        ActionConstraint::In(groups) => groups.iter().any(|group| group == action || actions.is_ancestor_of(group, action)),
    }
}

impl Bucket {
    /// Gathers what concerns the action.
    pub fn gather(rules: &Rules<'_>, action: &EntityUid, actions: &Entities) -> Result<Self, IndexError> {
        let mut bucket = Self::default();
        for (name, rule) in rules.iter().filter(|(_, rule)| concerns(&rule.policy, action, actions)) {
            bucket.set.add(rule.policy.clone()).map_err(|_| IndexError::Twice)?;
            let scope = bucket.number(&rule.anatomy.scope)?;
            let mut needs = Vec::new();
            for need in &rule.anatomy.needs {
                needs.push(bucket.number(need)?);
            }
            bucket.candidates.insert(name.clone(), Candidate { title: rule.title.clone(), forbids: rule.forbids, scope, needs });
        }
        Ok(bucket)
    }

    fn number(&mut self, probe: &Probe) -> Result<usize, IndexError> {
        if let Some(number) = self.numbers.get(&probe.key) {
            return Ok(*number);
        }
        let number = self.texts.len();
        let set = if probe.swayed() { &mut self.swayed } else { &mut self.steady };
        set.add(probe.policy(number)?).map_err(|_| IndexError::Twice)?;
        if probe.fixed() {
            self.fixed.insert(number);
        }
        self.texts.push(probe.text.clone());
        probe.reads.iter().for_each(|path| self.reads.add(path));
        self.numbers.insert(probe.key.clone(), number);
        Ok(number)
    }
}
