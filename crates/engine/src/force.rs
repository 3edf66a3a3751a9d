//! Which version of the estate decides: the one in force, and for what already runs the one that it was dispatched under.

use std::sync::{Arc, PoisonError};

use lineclear_core::Digest;
use lineclear_core::change::{Change, State};
use lineclear_core::installation::Installation;
use lineclear_core::record::Stream;
use lineclear_store::RowQuery;

use crate::engine::Inner;
use crate::estates::FetchError;
use crate::history::Loaded;
use crate::{EngineError, InForce};

/// Most earlier versions that are held in memory; what runs under more of them is read from where they are kept.
const RETIRED_MAX: usize = 16;
/// How many changes one page holds.
const PAGE: u32 = 500;

impl Inner {
    /// The version that a change goes by: once its run has started the one it was dispatched under, before that the one in force.
    pub(crate) async fn version_of(&self, change: &Change) -> Result<Arc<InForce>, EngineError> {
        let force = self.in_force();
        let begun = matches!(change.state, State::Running { .. } | State::Verifying { .. } | State::Escalated { .. });
        match change.gate().filter(|_| begun).map(|gate| gate.bundle.policy) {
            Some(digest) if digest != force.estate.digest => self.retired_version(digest).await,
            Some(_) | None => Ok(force),
        }
    }

    async fn retired_version(&self, digest: Digest) -> Result<Arc<InForce>, EngineError> {
        let known = self.retired.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        if !self.installation().await?.machine.retired.contains(&digest) {
            // It ran before versions were kept: what is in force is all there is to go by.
            tracing::warn!(estate = %digest, "a change was begun under an estate that was never kept; it finishes by the one in force");
            return Ok(self.in_force());
        }
        let found = Arc::new(self.bring(digest).await?);
        self.retire(Arc::clone(&found));
        Ok(found)
    }

    /// A version that is kept, loaded.
    pub(crate) async fn bring(&self, digest: Digest) -> Result<InForce, EngineError> {
        let cannot = |why: String| EngineError::Estate { digest, why };
        let files = self.estates.fetch(digest).await.map_err(|error| cannot(error.to_string()))?;
        let found = self.estates.load(&files).await.map_err(|faults| cannot(faults.join("; ")))?;
        if found.estate.digest == digest { Ok(found) } else { Err(cannot(format!("its files make `{}`", found.estate.digest))) }
    }

    fn retire(&self, version: Arc<InForce>) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        if retired.len() >= RETIRED_MAX {
            retired.pop_first();
        }
        retired.insert(version.estate.digest, version);
    }

    /// Another version decides from now on. Nothing here can fail: what is committed comes into force.
    pub(crate) fn swap(&self, new: InForce) {
        let new = Arc::new(new);
        self.estates.came_into_force(&new.estate);
        let old = std::mem::replace(&mut *self.force.write().unwrap_or_else(PoisonError::into_inner), new);
        self.retire(old);
        self.beat.notify_one();
    }

    /// The installation as it is recorded, once what decides here is what it records. Whoever guards it decides by the estate
    /// in force: between the commit of an activation and the swap nobody gets past here.
    pub(crate) async fn installation_in_force(&self) -> Result<Loaded<Installation>, EngineError> {
        let loaded = self.installation().await?;
        if loaded.machine.estate == self.in_force().estate.digest {
            return Ok(loaded);
        }
        let _turn = self.activating.lock().await;
        let loaded = self.installation().await?;
        if loaded.machine.estate != self.in_force().estate.digest {
            tracing::warn!(estate = %loaded.machine.estate, "an activation was committed and not carried through; it is now");
            self.swap(self.bring(loaded.machine.estate).await?);
            self.sweep().await?;
        }
        Ok(loaded)
    }

    /// Changes that wait for people are looked at again: those who were asked under another version are asked anew.
    pub(crate) async fn sweep(&self) -> Result<(), EngineError> {
        let now = self.now();
        let mut after = None;
        loop {
            let words = vec!["awaiting_approval".to_owned()];
            let query = RowQuery { kind: "change".into(), words, after, limit: PAGE, ..RowQuery::default() };
            let page = self.store.rows(query).await?;
            for row in &page.rows {
                self.store.postpone(row.stream, Some(now)).await?;
                self.throttle.forget(row.stream);
            }
            after = page.rows.last().map(|row| (row.begun, row.stream));
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Before anything is performed: the version in force and those that changes under way go by can be had.
    pub(crate) async fn check_versions(&self) -> Result<(), EngineError> {
        let digest = self.in_force().estate.digest;
        let cannot = |why: FetchError| EngineError::Estate { digest, why: why.to_string() };
        self.estates.fetch(digest).await.map_err(cannot)?;
        let mut after = None;
        loop {
            let words = vec!["running".to_owned(), "verifying".to_owned()];
            let query = RowQuery { kind: "change".into(), words, after, limit: PAGE, ..RowQuery::default() };
            let page = self.store.rows(query).await?;
            for row in &page.rows {
                let loaded = self.need::<Change>(row.stream).await?;
                self.version_of(&loaded.machine).await?;
            }
            after = page.rows.last().map(|row| (row.begun, row.stream));
            if !page.more {
                return Ok(());
            }
        }
    }

    /// The open proposals of other versions.
    pub(crate) async fn open_revisions(&self) -> Result<Vec<Stream>, EngineError> {
        let query = RowQuery { kind: "revision".into(), open: Some(true), limit: PAGE, ..RowQuery::default() };
        Ok(self.store.rows(query).await?.rows.into_iter().map(|row| row.stream).collect())
    }
}

/// Whether a change waits for people who were asked under another version.
pub(crate) fn asked_under_another(change: &Change, force: &InForce) -> bool {
    match &change.state {
        State::Awaiting { gate, .. } => gate.bundle.policy != force.estate.digest,
        State::Proposed
        | State::Blocked { .. }
        | State::Cleared { .. }
        | State::Running { .. }
        | State::Verifying { .. }
        | State::Escalated { .. }
        | State::Closed { .. } => false,
    }
}
