//! Incidents: people take, grade, join, split and close them; the pulse looks at what lasts.

use std::collections::BTreeSet;

use lineclear_core::incident::{self, Attention, Command, Event, Incident, Severity};
use lineclear_core::page::About;
use lineclear_core::record::Stream;
use lineclear_core::signal::SignalState;
use lineclear_core::situation::Actor;
use lineclear_core::{IncidentId, SignalId};

use crate::engine::{CONFLICTS_MAX, Inner};
use crate::intake::Pending;
use crate::pulse::Outcome;
use crate::{Caller, Engine, EngineError};

impl Engine {
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
    /// When it is closed or part of another one.
    pub async fn acknowledge(&self, caller: &Caller, id: IncidentId) -> Result<(), EngineError> {
        self.known(caller)?;
        let by = caller.person()?;
        self.decide_incident(id, Actor::Operator(by), &Command::Acknowledge(by)).await?;
        // Whoever takes it has answered, too; where nobody is looked for yet there is nothing to answer.
        match self.acknowledge_page(caller, About::Incident { incident: id }.page()).await {
            Ok(_) | Err(EngineError::NotFound(_) | EngineError::Page(_)) => Ok(()),
            Err(error) => Err(error),
        }
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

    /// A person says that an incident is part of another one: its signals go there, and it is over as one of its own.
    ///
    /// # Errors
    /// When one of them is over, both are the same, or no reason is given.
    pub async fn merge_incidents(&self, caller: &Caller, from: IncidentId, into: IncidentId, reason: String) -> Result<(), EngineError> {
        self.known(caller)?;
        let by = Actor::Operator(caller.person()?);
        self.writing(by, &[from, into], |pending| pending.merge(from, into, by, reason.clone())).await
    }

    /// A person says that some signals of an incident are something else: they become an incident of their own, and the two
    /// are not put together again by themselves.
    ///
    /// # Errors
    /// When they are not its signals, too many or all of them, or no reason is given.
    pub async fn split_incident(
        &self,
        caller: &Caller,
        id: IncidentId,
        signals: BTreeSet<SignalId>,
        reason: String,
    ) -> Result<IncidentId, EngineError> {
        self.known(caller)?;
        let by = caller.person()?;
        let into = IncidentId::new(self.inner.ids.number());
        self.writing(Actor::Operator(by), &[id], |pending| {
            let split = Command::Split { into, signals: signals.clone(), by, reason: reason.clone() };
            let history = part(pending.get(id)?, into, &signals, pending.now());
            pending.decide(id, split)?;
            pending.begin(history).map(drop)
        })
        .await?;
        Ok(into)
    }

    pub(crate) async fn decide_incident(&self, id: IncidentId, by: Actor, command: &Command) -> Result<(), EngineError> {
        self.writing(by, &[id], |pending| pending.decide(id, command.clone()).map(drop)).await
    }

    /// Decides about these incidents and commits, while nobody else writes to any; again when another process was faster.
    async fn writing(
        &self,
        by: Actor,
        about: &[IncidentId],
        decide: impl Fn(&mut Pending) -> Result<(), EngineError> + Send,
    ) -> Result<(), EngineError> {
        let inner = &*self.inner;
        let mut room = inner.intake.room.lock().await;
        for _ in 0..CONFLICTS_MAX {
            let mut pending = Pending::new(by, inner.now());
            for id in about {
                inner.take_up(&mut room, &mut pending, *id).await?;
            }
            decide(&mut pending)?;
            match inner.settle(&mut room, pending).await {
                Err(EngineError::Busy(_)) => {}
                other => return other,
            }
        }
        Err(EngineError::Busy(Stream::Installation))
    }
}

/// The history of an incident that is split off: at its worst signal's severity.
fn part(whole: &Incident, into: IncidentId, signals: &BTreeSet<SignalId>, at: lineclear_core::Timestamp) -> Vec<Event> {
    let mut kept: Vec<_> = whole.signals.values().filter(|kept| signals.contains(&kept.id)).collect();
    // What still holds stands first, so that the incident opens with it.
    kept.sort_by_key(|kept| (kept.signal.state != SignalState::Firing, kept.signal.graded(), kept.id));
    let over = kept.iter().all(|kept| kept.over());
    let mut events: Vec<Event> = kept
        .iter()
        .enumerate()
        .map(|(at_place, kept)| {
            let (signal_id, signal, subject) = (kept.id, kept.signal.clone(), kept.subject.clone());
            if at_place == 0 {
                let severity = signal.graded();
                Event::Opened { id: into, signal_id, signal, subject, severity, split_from: Some(whole.id), at }
            } else {
                Event::Signalled { signal_id, signal, subject, at }
            }
        })
        .collect();
    if over && !events.is_empty() {
        events.push(incident::Event::Resolved { at });
    }
    events
}

impl Inner {
    /// Performs what is owed to an incident now.
    pub(crate) async fn perform_incident(&self, id: IncidentId) -> Result<Outcome, EngineError> {
        let (moved, known) = {
            let mut room = self.intake.room.lock().await;
            (self.revisit(&mut room, id).await?, room.known(id).cloned())
        };
        // Whoever has to be told is told by a page, which follows its incident.
        let told = match known.filter(|incident| matches!(incident.attention, Attention::Paged { .. })) {
            Some(incident) => self.perform_page_of(&incident).await? == Outcome::Moved,
            None => false,
        };
        Ok(if moved || told { Outcome::Moved } else { Outcome::Waits(self.now() + incident::LOOK_AGAIN) })
    }
}
