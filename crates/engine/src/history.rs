//! Loading machines from their histories, and drafting what is committed together.

use lineclear_core::approval::Approval;
use lineclear_core::change::Change;
use lineclear_core::delivery::Delivery;
use lineclear_core::deployment::Deployment;
use lineclear_core::emergency::Emergency;
use lineclear_core::incident::Incident;
use lineclear_core::installation::Installation;
use lineclear_core::lane::Lane;
use lineclear_core::machine::{Machine, fold};
use lineclear_core::page::Page;
use lineclear_core::patch::Patch;
use lineclear_core::record::{Event, Happened, Row, Stream};
use lineclear_core::revision::Revision;
use lineclear_core::run::Run;
use lineclear_core::runner::Runner;
use lineclear_core::situation::Actor;
use lineclear_core::{EventId, Timestamp};
use lineclear_store::{Append, Batch, Guard, Once, Store, Stored};

use crate::EngineError;
use crate::clock::IdSource;

/// A machine whose history the store keeps.
pub(crate) trait Kept: Machine + Clone {
    fn wrap(event: Self::Event) -> Event;
    fn pick(event: &Event) -> Option<&Self::Event>;
    fn row(&self) -> Row;
}

macro_rules! kept {
    ($($machine:ident $variant:ident $row:ident;)+) => {$(
        impl Kept for $machine {
            fn wrap(event: Self::Event) -> Event {
                Event::$variant(event)
            }
            fn pick(event: &Event) -> Option<&Self::Event> {
                if let Event::$variant(event) = event { Some(event) } else { None }
            }
            fn row(&self) -> Row {
                Row::$row(self)
            }
        }
    )+};
}

kept! {
    Change Change change;
    Approval Approval approval;
    Run Run run;
    Delivery Delivery delivery;
    Runner Runner runner;
    Deployment Deployment deployment;
    Emergency Emergency emergency;
    Incident Incident incident;
    Page Page page;
    Revision Revision revision;
    Lane Lane lane;
    Patch Patch patch;
    Installation Installation installation;
}

/// A machine with its history.
#[derive(Debug, Clone)]
pub(crate) struct Loaded<M> {
    pub machine: M,
    pub stream: Stream,
    pub events: Vec<Stored>,
}

impl<M> Loaded<M> {
    pub(crate) fn len(&self) -> u64 {
        self.events.last().map_or(0, |event| event.seq + 1)
    }
}

/// Loads a machine; none when its stream is empty.
pub(crate) async fn load<M: Kept>(store: &dyn Store, stream: Stream) -> Result<Option<Loaded<M>>, EngineError> {
    let events = store.events(stream, 0).await?;
    let own = events.iter().filter_map(|stored| M::pick(&stored.happened.event));
    let machine = fold::<M>(own).map_err(|source| EngineError::Broken { stream, source })?;
    Ok(machine.map(|machine| Loaded { machine, stream, events }))
}

/// What will be committed together, and who caused it.
pub(crate) struct Draft<'a> {
    batch: Batch,
    ids: &'a dyn IdSource,
    by: Actor,
    at: Timestamp,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(ids: &'a dyn IdSource, by: Actor, at: Timestamp) -> Self {
        Self { batch: Batch::default(), ids, by, at }
    }

    /// A new machine with its first events.
    pub fn begin<M: Kept>(&mut self, stream: Stream, events: Vec<M::Event>) -> Result<M, EngineError> {
        let machine = fold::<M>(&events).map_err(|source| EngineError::Broken { stream, source })?;
        let machine = machine.ok_or_else(|| EngineError::NotFound(stream.to_string()))?;
        self.push::<M>(stream, 0, events, machine.row());
        Ok(machine)
    }

    /// A machine that goes on; without events nothing is drafted.
    pub fn extend<M: Kept>(&mut self, loaded: &Loaded<M>, events: Vec<M::Event>) -> Result<M, EngineError> {
        let mut machine = loaded.machine.clone();
        for event in &events {
            machine = machine.apply(event).map_err(|source| EngineError::Broken { stream: loaded.stream, source })?;
        }
        if !events.is_empty() {
            self.push::<M>(loaded.stream, loaded.len(), events, machine.row());
        }
        Ok(machine)
    }

    /// A stream that must not have moved.
    pub fn guard<M>(&mut self, loaded: &Loaded<M>) {
        self.batch.guards.push(Guard { stream: loaded.stream, expect: loaded.len() });
    }

    /// The idempotency key of the command.
    pub fn once(&mut self, once: Once) {
        self.batch.once = Some(once);
    }

    /// What is drafted so far.
    pub(crate) fn appends(&self) -> &[Append] {
        &self.batch.appends
    }

    /// The moment that it is dated.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// Drafts something that the engine does, whoever caused the rest.
    pub(crate) fn as_engine<T>(&mut self, draft: impl FnOnce(&mut Self) -> T) -> T {
        let by = std::mem::replace(&mut self.by, Actor::Engine);
        let done = draft(self);
        self.by = by;
        done
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.batch.appends.is_empty()
    }

    pub(crate) fn into_batch(self) -> Batch {
        self.batch
    }

    /// Events that are already decided and applied.
    pub(crate) fn append<M: Kept>(&mut self, stream: Stream, expect: u64, events: Vec<M::Event>, row: Row) {
        self.push::<M>(stream, expect, events, row);
    }

    fn push<M: Kept>(&mut self, stream: Stream, expect: u64, events: Vec<M::Event>, row: Row) {
        let happened = events
            .into_iter()
            .map(|event| Happened {
                id: EventId::new(self.ids.number()),
                at: self.at,
                by: self.by,
                event: M::wrap(event),
                salt: self.ids.random(),
            })
            .collect();
        self.batch.appends.push(Append { stream, expect, events: happened, row });
    }
}
