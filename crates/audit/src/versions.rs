//! The estates that records are decided under: the active one, and older ones by their digest.

use std::collections::BTreeMap;
use std::sync::Arc;

use lineclear_core::Digest;
use lineclear_policy::Policies;

use crate::memo::Memory;

/// The active estate and every other that was given.
#[derive(Debug, Clone)]
pub struct Versions<'a> {
    active: &'a Policies,
    by_digest: BTreeMap<Digest, &'a Policies>,
    /// What each has answered, for every worker.
    memories: BTreeMap<Digest, Arc<Memory>>,
}

impl<'a> Versions<'a> {
    /// The active estate, which answers for its own records too, and others.
    pub fn new(active: &'a Policies, others: impl IntoIterator<Item = &'a Policies>) -> Self {
        let by_digest: BTreeMap<_, _> = others.into_iter().chain([active]).map(|policies| (policies.estate().digest, policies)).collect();
        let memories = by_digest.keys().map(|digest| (*digest, Arc::default())).collect();
        Self { active, by_digest, memories }
    }

    /// What the estate of this digest has answered so far.
    pub(crate) fn memory(&self, digest: &Digest) -> Arc<Memory> {
        self.memories.get(digest).map(Arc::clone).unwrap_or_default()
    }

    /// The active estate.
    pub const fn active(&self) -> &'a Policies {
        self.active
    }

    /// Every estate that was given.
    pub fn iter(&self) -> impl Iterator<Item = &'a Policies> + '_ {
        self.by_digest.values().copied()
    }

    /// The estate of this digest, when it was given.
    pub fn of(&self, digest: &Digest) -> Option<&'a Policies> {
        self.by_digest.get(digest).copied()
    }
}
