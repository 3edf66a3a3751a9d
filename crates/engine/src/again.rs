//! Asking again: a request that nobody answered in time is a change that is over. What it asked for is proposed anew, word for
//! word, and judged on fresh facts; its votes count for nothing.

use lineclear_core::change::{self, Change, Outcome, Refusal};
use lineclear_core::machine::Machine as _;
use lineclear_core::record::Stream;
use lineclear_core::situation::Actor;
use lineclear_core::{ChangeId, Digest};
use lineclear_store::{Once, StoreError};

use crate::history::Draft;
use crate::propose::misfit;
use crate::{Caller, Engine, EngineError, Proposed};

impl Engine {
    /// Proposes again what lapsed unanswered, as its proposer had asked it; asking twice is asking once. Who asked again is on
    /// record, and whoever may not approve the first may not approve the second.
    ///
    /// # Errors
    /// When the change did not lapse, or is another agent's, or no longer fits the estate.
    pub async fn ask_again(&self, caller: &Caller, id: ChangeId) -> Result<Proposed, EngineError> {
        let by = self.known(caller)?;
        let inner = &self.inner;
        let loaded = inner.need::<Change>(Stream::Change(id)).await?;
        let before = &loaded.machine;
        if matches!(by, Actor::Agent(_)) && before.proposal.by != by {
            return Err(Refusal::NotYours { change: id }.into());
        }
        if !matches!(before.outcome(), Some(Outcome::Lapsed)) {
            return Err(Refusal::WrongState { change: id, state: before.word(), command: "ask again" }.into());
        }
        if let Some(misfit) = misfit(&self.estate(), &before.proposal) {
            return Err(EngineError::Malformed { pointer: String::new(), message: misfit.to_string() });
        }
        let (now, again) = (inner.now(), ChangeId::new(inner.ids.number()));
        let proposal = lineclear_core::proposal::Proposal { again: Some(id), ..before.proposal.clone() };
        let stream = Stream::Change(again);
        let mut draft = Draft::new(&*inner.ids, by, now);
        draft.begin::<Change>(stream, vec![change::Event::Proposed { id: again, proposal: Box::new(proposal), at: now }])?;
        let key = format!("again {id}");
        draft.once(Once { digest: Digest::of(key.as_bytes()), key, stream });
        match inner.commit(draft).await {
            Ok(_) => Ok(Proposed { change: again, repeated: false }),
            Err(StoreError::Repeated { stream: Stream::Change(change) }) => Ok(Proposed { change, repeated: true }),
            Err(error) => Err(error.into()),
        }
    }
}
