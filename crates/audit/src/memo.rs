//! Answers that are remembered: a year of records asks the same few questions again and again.

use std::collections::BTreeMap;
use std::sync::Arc;

use lineclear_core::Digest;
use lineclear_core::digest::canonical;
use lineclear_core::name::PolicyName;
use lineclear_core::situation::Case;
use lineclear_core::verdict::{Bearing, Reasons, Verdict};
use lineclear_policy::{AskError, Essences, Policies};

use crate::level::Level;

/// Most answers that one memo holds: about 20 MiB. A full one forgets everything and begins again, so memory stays bounded.
pub(crate) const ANSWERS_MAX: usize = 65_536;

/// One answer of one estate.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Of the verdict's canonical bytes.
    pub digest: Digest,
    /// Where it stands on that estate's ladder.
    pub level: Level,
    /// The policies that decided it, by their place in [`Memo::policies`]' list.
    pub decided: Vec<usize>,
}

/// One estate and the answers it gave.
#[derive(Debug)]
pub(crate) struct Memo<'a> {
    pub policies: &'a Policies,
    essences: Essences<'a>,
    names: BTreeMap<PolicyName, usize>,
    answers: BTreeMap<Digest, Arc<Result<Answer, AskError>>>,
    /// How often policy was really asked.
    pub asked: u64,
    max: usize,
    counts: bool,
}

impl<'a> Memo<'a> {
    /// Remembers at most `max` answers. With `counts` each tells the policies that decided it, guards below included, which takes one
    /// question more.
    pub fn new(policies: &'a Policies, max: usize, counts: bool) -> Self {
        let names = policies.list().into_iter().enumerate().map(|(at, text)| (text.id, at)).collect();
        Self { policies, essences: policies.essences(), names, answers: BTreeMap::new(), asked: 0, max, counts }
    }

    /// What the estate answers.
    pub fn answer(&mut self, case: &Case) -> Arc<Result<Answer, AskError>> {
        let essence = self.essences.of(case.clone());
        // A case that cannot be written cannot be remembered either.
        let key = serde_json::to_vec(&essence).map(|bytes| Digest::of(&bytes)).ok();
        if let Some(known) = key.and_then(|key| self.answers.get(&key)) {
            return Arc::clone(known);
        }
        self.asked += 1;
        let answer = Arc::new(self.policies.judge(case).map(|verdict| self.learn(case, &verdict)));
        if self.answers.len() >= self.max {
            self.answers.clear();
        }
        if let Some(key) = key {
            self.answers.insert(key, Arc::clone(&answer));
        }
        answer
    }

    fn learn(&self, case: &Case, verdict: &Verdict) -> Answer {
        let bytes = canonical(verdict).unwrap_or_default();
        // A rung that its own ladder lacks cannot come from `judge`.
        let level = Level::of(verdict, &self.policies.estate().authority).unwrap_or(Level::Never);
        let mut decided = if self.counts { self.deciding(verdict.because()).collect() } else { Vec::new() };
        // A verdict names the guards of the rung below the one it needs. Those of the lowest rung are all that stand in the way at all.
        if let (true, true, Some(lowest)) = (self.counts, level > Level::Rung(0), self.policies.estate().authority.rungs.first()) {
            let below = self.policies.permits(case, &lowest.brings());
            decided.extend(below.iter().flat_map(|answer| self.deciding(&answer.because)));
        }
        decided.sort_unstable();
        decided.dedup();
        Answer { digest: Digest::of(&bytes), level, decided }
    }

    fn deciding<'r>(&'r self, because: &'r Reasons) -> impl Iterator<Item = usize> + 'r {
        let reasons = because.iter().filter(|reason| matches!(reason.bearing, Bearing::Permits | Bearing::Forbids));
        reasons.filter_map(|reason| self.names.get(reason.policy.as_ref()?).copied())
    }
}
