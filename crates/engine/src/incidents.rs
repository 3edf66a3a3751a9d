//! Signals come in and become incidents; people take and close them.

use lineclear_core::incident::{Command, Event, Incident, Severity};
use lineclear_core::record::{Row, Stream};
use lineclear_core::signal::{Signal, SignalState};
use lineclear_core::situation::Actor;
use lineclear_core::{IncidentId, SignalId};
use lineclear_store::{RowQuery, StoreError};

use crate::engine::CONFLICTS_MAX;
use crate::history::Draft;
use crate::{Caller, Engine, EngineError};

/// What became of a body of signals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Signals that were news.
    pub new: usize,
    /// Signals that said nothing new, or resolved what nobody had heard of.
    pub known: usize,
    /// The incidents that were touched.
    pub incidents: Vec<IncidentId>,
}

impl Engine {
    /// Takes signals in: each joins the open incident of its group, or opens one.
    ///
    /// # Errors
    /// When the store fails; signals before the failing one are kept, and sending all of them again is safe.
    pub async fn receive(&self, signals: Vec<Signal>) -> Result<Received, EngineError> {
        let mut received = Received::default();
        for signal in signals {
            match self.receive_one(signal).await? {
                Some(id) => {
                    received.new += 1;
                    if !received.incidents.contains(&id) {
                        received.incidents.push(id);
                    }
                }
                None => received.known += 1,
            }
        }
        Ok(received)
    }

    async fn receive_one(&self, signal: Signal) -> Result<Option<IncidentId>, EngineError> {
        let _turn = self.inner.intake.lock().await;
        for _ in 0..CONFLICTS_MAX {
            match self.try_receive(&signal).await {
                Err(EngineError::Busy(_)) => {}
                other => return other,
            }
        }
        Err(EngineError::Busy(Stream::Installation))
    }

    async fn try_receive(&self, signal: &Signal) -> Result<Option<IncidentId>, EngineError> {
        let inner = &self.inner;
        let key = Some(signal.group.clone());
        let query = RowQuery { kind: "incident".into(), open: Some(true), key, limit: 1, ..RowQuery::default() };
        let open = inner.store.rows(query).await?.rows.into_iter().next();
        let now = inner.now();
        let signal_id = SignalId::new(inner.ids.number());
        let mut draft = Draft::new(&*inner.ids, Actor::Engine, now);
        let id = match open {
            Some(Row { stream: stream @ Stream::Incident(id), .. }) => {
                let loaded = inner.need::<Incident>(stream).await?;
                let command = Command::Signal { id: signal_id, signal: Box::new(signal.clone()) };
                let events = loaded.machine.decide(command, now)?;
                draft.extend(&loaded, events)?;
                id
            }
            Some(_) | None if signal.state == SignalState::Resolved => return Ok(None),
            Some(_) | None => {
                let id = IncidentId::new(inner.ids.number());
                let severity = Severity::stated(&signal.stated_severity);
                let opened = Event::Opened { id, signal_id, signal: signal.clone(), severity, at: now };
                draft.begin::<Incident>(Stream::Incident(id), vec![opened])?;
                id
            }
        };
        match inner.commit(draft).await {
            Ok(committed) => Ok(committed.map(|_| id)),
            Err(StoreError::Conflict { stream, .. }) => Err(EngineError::Busy(stream)),
            Err(error) => Err(error.into()),
        }
    }

    /// An incident as it stands.
    ///
    /// # Errors
    /// When there is none.
    pub async fn incident(&self, id: IncidentId) -> Result<Incident, EngineError> {
        Ok(self.inner.need::<Incident>(Stream::Incident(id)).await?.machine)
    }

    /// A person takes an incident.
    ///
    /// # Errors
    /// When it is closed.
    pub async fn acknowledge(&self, caller: &Caller, id: IncidentId) -> Result<(), EngineError> {
        self.known(caller)?;
        let by = caller.person()?;
        self.decide_incident(id, Actor::Operator(by), &Command::Acknowledge(by)).await
    }

    /// A person closes an incident.
    ///
    /// # Errors
    /// When it is closed already, or no reason is given.
    pub async fn close_incident(&self, caller: &Caller, id: IncidentId, reason: String) -> Result<(), EngineError> {
        self.known(caller)?;
        let by = caller.person()?;
        self.decide_incident(id, Actor::Operator(by), &Command::Close { by, reason }).await
    }

    /// Grades an incident: a machine may only raise its severity.
    ///
    /// # Errors
    /// When a machine wants to lower it.
    pub async fn grade(&self, caller: &Caller, id: IncidentId, severity: Severity) -> Result<(), EngineError> {
        let by = self.known(caller)?;
        self.decide_incident(id, by, &Command::Grade { severity, by }).await
    }

    async fn decide_incident(&self, id: IncidentId, by: Actor, command: &Command) -> Result<(), EngineError> {
        let inner = &self.inner;
        for _ in 0..CONFLICTS_MAX {
            let loaded = inner.need::<Incident>(Stream::Incident(id)).await?;
            let now = inner.now();
            let events = loaded.machine.decide(command.clone(), now)?;
            let mut draft = Draft::new(&*inner.ids, by, now);
            draft.extend(&loaded, events)?;
            match inner.commit(draft).await {
                Err(StoreError::Conflict { .. }) => {}
                other => return other.map(drop).map_err(EngineError::from),
            }
        }
        Err(EngineError::Busy(Stream::Incident(id)))
    }
}
