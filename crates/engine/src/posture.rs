//! The autonomy that remains: read, lowered by anybody, raised by people.

use lineclear_core::installation::Installation;
use lineclear_core::posture::Posture;
use lineclear_store::StoreError;

use crate::engine::CONFLICTS_MAX;
use crate::history::Draft;
use crate::{Caller, Engine, EngineError};

impl Engine {
    /// The installation as it stands: epoch, estate, posture.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn installation(&self) -> Result<Installation, EngineError> {
        Ok(self.inner.installation().await?.machine)
    }

    /// Sets the posture.
    ///
    /// # Errors
    /// When a machine wants to raise it, or no reason is given.
    pub async fn set_posture(&self, caller: &Caller, posture: Posture, reason: &str) -> Result<(), EngineError> {
        let by = self.known(caller)?;
        let inner = &self.inner;
        for _ in 0..CONFLICTS_MAX {
            let loaded = inner.installation().await?;
            let now = inner.now();
            let events = loaded.machine.set_posture(posture, by, reason, now)?;
            let mut draft = Draft::new(&*inner.ids, by, now);
            draft.extend::<Installation>(&loaded, events)?;
            match inner.commit(draft).await {
                Err(StoreError::Conflict { .. }) => {}
                other => return other.map(drop).map_err(EngineError::from),
            }
        }
        Err(EngineError::Busy(lineclear_core::record::Stream::Installation))
    }
}
