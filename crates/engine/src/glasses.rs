//! Broken glasses, told afterwards: a journal that was written on a runner's host without us is read with every check that the
//! runner made, and becomes part of the ledger once, whole, with a review that is open.

use lineclear_core::emergency::{Emergency, Event};
use lineclear_core::id::EmergencyId;
use lineclear_core::installation;
use lineclear_core::record::Stream;
use lineclear_core::runner::Runner;
use lineclear_core::situation::Actor;
use lineclear_warrant::{GlassJournal, JournalFault, read_closed};

use crate::engine::CONFLICTS_MAX;
use crate::history::Draft;
use crate::{Engine, EngineError};

/// What telling a journal led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconciled {
    /// What it is called in the ledger.
    pub emergency: EmergencyId,
    /// How many lines it has.
    pub lines: usize,
    /// Whether it was new; a journal that is told again changes nothing.
    pub new: bool,
}

impl Engine {
    /// Takes a journal in. It speaks for itself: whoever brings it adds nothing to it and can take nothing away.
    ///
    /// # Errors
    /// When it is not whole, not closed, of another installation or of a runner or person that is not known here, or another journal
    /// was told under the same first line. Nothing is recorded then, and nothing is lost: the file stays where it is.
    pub async fn tell_glass(&self, text: &str) -> Result<Reconciled, EngineError> {
        let inner = &self.inner;
        for _ in 0..CONFLICTS_MAX {
            let installation = inner.installation_in_force().await?;
            let journal = self.read_glass(text).await?;
            let emergency = journal.emergency().ok_or(EngineError::Journal(JournalFault::Empty))?;
            let lines = journal.lines.len();
            let stream = Stream::Emergency(emergency);
            if let Some(known) = inner.load::<Emergency>(stream).await? {
                let same = known.machine.lines.iter().eq(journal.lines.iter().map(|(digest, _, _)| digest));
                return if same { Ok(Reconciled { emergency, lines, new: false }) } else { Err(EngineError::OtherJournal(emergency)) };
            }
            let now = inner.now();
            let mut events = vec![Event::GlassBroken { id: emergency, glass: Box::new(journal.glass.clone()), at: now }];
            events.extend(journal.lines.iter().map(|(digest, line, text)| Event::Told {
                number: line.number,
                digest: *digest,
                what: line.said.word().into(),
                line: text.clone(),
                at: now,
            }));
            let mut draft = Draft::new(&*inner.ids, Actor::Operator(journal.glass.statement.person), now);
            draft.begin::<Emergency>(stream, events)?;
            draft.extend(&installation, vec![installation::Event::ReviewOpened { emergency, at: now }])?;
            match inner.commit(draft).await.map_err(EngineError::from) {
                Err(EngineError::Busy(_)) => {}
                other => return other.map(|_| Reconciled { emergency, lines, new: true }),
            }
        }
        Err(EngineError::Busy(Stream::Installation))
    }

    async fn read_glass(&self, text: &str) -> Result<GlassJournal, EngineError> {
        let estate = self.estate();
        let keys_of = |person: &lineclear_core::OperatorId| estate.directory.operators.get(person).map(|person| person.keys.as_slice());
        let journal = read_closed(text, keys_of).map_err(EngineError::Journal)?;
        let said = &journal.glass.statement;
        if said.audience != estate.origin {
            return Err(EngineError::Journal(JournalFault::Untrue { number: 0, why: format!("it is of `{}`", said.audience) }));
        }
        // One that was revoked since did what it did: that is told, too.
        let here = self.inner.roster.is_embedded(said.runner) || self.inner.load::<Runner>(Stream::Runner(said.runner)).await?.is_some();
        if !here {
            return Err(EngineError::UnknownRunner(said.runner));
        }
        Ok(journal)
    }
}
