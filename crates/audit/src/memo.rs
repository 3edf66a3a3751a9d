//! Answers that are remembered: a year of records asks the same few questions again and again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use lineclear_core::Digest;
use lineclear_core::digest::canonical;
use lineclear_core::name::PolicyName;
use lineclear_core::situation::Case;
use lineclear_core::verdict::{Bearing, Reasons};
use lineclear_policy::{AskError, Decided, Essences, Policies};

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

/// What one estate answers, or why it cannot be asked.
pub(crate) type Answered = Arc<Result<Answer, AskError>>;

/// The answers of one estate by the digest of the whole case in its essence; all who ask that estate share it. Answers are pure,
/// so it does not matter who asked first.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    answers: Mutex<BTreeMap<Digest, Answered>>,
}

impl Memory {
    fn get(&self, key: &Digest) -> Option<Answered> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: Digest, answer: Answered, max: usize) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= max {
            answers.clear();
        }
        if max > 0 {
            answers.insert(key, answer);
        }
    }
}

/// One estate and the answers it gave.
#[derive(Debug)]
pub(crate) struct Memo<'a> {
    pub policies: &'a Policies,
    essences: Essences<'a>,
    names: BTreeMap<PolicyName, usize>,
    memory: Arc<Memory>,
    /// How often policy was really asked.
    pub asked: u64,
    max: usize,
    counts: bool,
}

impl<'a> Memo<'a> {
    /// Keeps at most `max` answers in the memory. With `counts` each tells the policies that decided it, guards below included.
    pub fn new(policies: &'a Policies, memory: Arc<Memory>, max: usize, counts: bool) -> Self {
        let names = policies.list().into_iter().enumerate().map(|(at, text)| (text.id, at)).collect();
        Self { policies, essences: policies.essences(), names, memory, asked: 0, max, counts }
    }

    /// What the estate answers.
    pub fn answer(&mut self, case: &Case) -> Answered {
        let essence = self.essences.of(case.clone());
        // A case that cannot be written cannot be remembered either.
        let key = serde_json::to_vec(&essence).map(|bytes| Digest::of(&bytes)).ok();
        if let Some(known) = key.and_then(|key| self.memory.get(&key)) {
            return known;
        }
        self.asked += 1;
        let answer = Arc::new(self.policies.decide_again(case).map(|decided| self.learn(&decided)));
        if let Some(key) = key {
            self.memory.keep(key, Arc::clone(&answer), self.max);
        }
        answer
    }

    fn learn(&self, Decided { verdict, guards }: &Decided) -> Answer {
        let bytes = canonical(verdict).unwrap_or_default();
        // A rung that its own ladder lacks cannot come from `judge`.
        let level = Level::of(verdict, &self.policies.estate().authority).unwrap_or(Level::Never);
        let mut decided = Vec::new();
        if self.counts {
            // A verdict names the guards of the rung below the one it needs. Those of the lowest rung are all that stand in the way at all.
            decided.extend(self.deciding(verdict.because()).chain(guards.iter().filter_map(|name| self.names.get(name).copied())));
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
