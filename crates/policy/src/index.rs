//! Which policies can speak of an action. Exact: what is left out could never match.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::pst::PstConstructionError;
use cedar_policy::{ActionConstraint, Authorizer, Context, Entities, EntityUid, Policy, PolicyId, PolicySet, Request};
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
    /// Probes that read nothing but approvals.
    given: PolicySet,
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
    /// Those of them that no approval can change.
    pub steady: Vec<usize>,
    /// Whether evaluating it can fail; it is then always asked.
    pub fallible: bool,
    /// For each rung, whether its approvals alone keep the policy from matching.
    pub shut: Vec<bool>,
    /// For each rung, whether nothing but `scope` and `steady` is left that could keep it from matching.
    pub open: Vec<bool>,
    pub policy: Policy,
}

/// Why an index could not be built; Cedar's own policies went in, so none of this happens in practice.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    #[error("a policy of this name is there already")]
    Twice,
    #[error("a condition cannot be asked alone")]
    Probe(#[from] PstConstructionError),
    #[error("a rung cannot be asked alone")]
    Rung,
}

/// Whether the policy can match the action at all.
pub(crate) fn concerns(policy: &Policy, action: &EntityUid, actions: &Entities) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(one) => one == *action,
        ActionConstraint::In(groups) => groups.iter().any(|group| group == action || actions.is_ancestor_of(group, action)),
    }
}

/// The numbers of the probes that match.
pub(crate) fn matching(probes: &PolicySet, request: &Request, entities: &Entities) -> BTreeSet<usize> {
    if probes.is_empty() {
        return BTreeSet::new();
    }
    Authorizer::new().is_authorized(request, probes, entities).diagnostics().reason().filter_map(number).collect()
}

fn number(probe: &PolicyId) -> Option<usize> {
    AsRef::<str>::as_ref(probe).parse().ok()
}

impl Bucket {
    /// Gathers what concerns the action; `rungs` are the approvals of each rung, and nothing else, as contexts.
    pub fn gather(rules: &Rules<'_>, action: &EntityUid, actions: &Entities, rungs: &[Context]) -> Result<Self, IndexError> {
        let mut bucket = Self::default();
        for (name, rule) in rules.iter().filter(|(_, rule)| concerns(&rule.policy, action, actions)) {
            bucket.set.add(rule.policy.clone()).map_err(|_| IndexError::Twice)?;
            let scope = bucket.number(&rule.anatomy.scope)?;
            let (mut needs, mut steady) = (Vec::new(), Vec::new());
            for need in &rule.anatomy.needs {
                let number = bucket.number(need)?;
                needs.push(number);
                if !need.swayed() {
                    steady.push(number);
                }
            }
            let (title, policy) = (rule.title.clone(), rule.policy.clone());
            let fallible = rule.anatomy.fallible;
            let (shut, open) = (Vec::new(), Vec::new());
            let candidate = Candidate { title, forbids: rule.forbids, scope, needs, steady, fallible, shut, open, policy };
            bucket.candidates.insert(name.clone(), candidate);
        }
        for rung in rungs {
            bucket.weigh(action, actions, rung)?;
        }
        Ok(bucket)
    }

    /// Writes down what the approvals of the next rung settle by themselves.
    fn weigh(&mut self, action: &EntityUid, actions: &Entities, rung: &Context) -> Result<(), IndexError> {
        // Whoever asks and whatever is asked about is no part of these probes; the action stands in for both.
        let request = Request::new(action.clone(), action.clone(), action.clone(), rung.clone(), None).map_err(|_| IndexError::Rung)?;
        let held = matching(&self.given, &request, actions);
        let known: BTreeSet<usize> = self.given.policies().filter_map(|probe| number(probe.id())).collect();
        for candidate in self.candidates.values_mut() {
            let mut swayed = candidate.needs.iter().filter(|need| !candidate.steady.contains(need));
            candidate.shut.push(swayed.clone().any(|need| known.contains(need) && !held.contains(need)));
            candidate.open.push(swayed.all(|need| held.contains(need)));
        }
        Ok(())
    }

    fn number(&mut self, probe: &Probe) -> Result<usize, IndexError> {
        if let Some(number) = self.numbers.get(&probe.key) {
            return Ok(*number);
        }
        let number = self.texts.len();
        let set = if probe.swayed() { &mut self.swayed } else { &mut self.steady };
        set.add(probe.policy(number)?).map_err(|_| IndexError::Twice)?;
        if probe.given() {
            self.given.add(probe.policy(number)?).map_err(|_| IndexError::Twice)?;
        }
        if probe.fixed() {
            self.fixed.insert(number);
        }
        self.texts.push(probe.text.clone());
        probe.reads.iter().for_each(|path| self.reads.add(path));
        self.numbers.insert(probe.key.clone(), number);
        Ok(number)
    }
}
