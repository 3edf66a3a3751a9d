//! Emergencies: declared, ended and reviewed by people, expired by the clock. What is in force stands in the installation's own
//! history, so that the guard of every dispatch holds it together with the posture.

use std::sync::Arc;

use lineclear_core::emergency::{Command, Declaration, Effect, Emergency, Event, Scope, Standing, State};
use lineclear_core::id::EmergencyId;
use lineclear_core::installation::{self, Installation};
use lineclear_core::record::{Row, Stream};
use lineclear_core::situation::Actor;
use lineclear_core::{ChangeId, IncidentId, RunId, Span};
use lineclear_store::RowQuery;
use serde::Serialize;

use crate::engine::{CONFLICTS_MAX, Inner};
use crate::history::Draft;
use crate::pulse::Outcome;
use crate::view::Moment;
use crate::{Caller, Engine, EngineError, story};

/// Everything there is to see of an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmergencyView {
    /// The emergency.
    #[serde(flatten)]
    pub emergency: Emergency,
    /// Its state in one word: `in_force`, `in_review`, `reviewed`.
    pub word: &'static str,
    /// Who began it, as people know them.
    pub name: String,
    /// Its whole life, oldest first.
    pub timeline: Vec<Moment>,
}

impl Engine {
    /// Declares an emergency.
    ///
    /// # Errors
    /// When the caller is no person, the estate has no emergencies, something is out of bounds, a thing is not in the estate, or too
    /// many reviews are open.
    pub async fn declare_emergency(&self, caller: &Caller, declared: Declaration) -> Result<EmergencyId, EngineError> {
        let by = caller.person()?;
        let actor = self.known(caller)?;
        let inner = &self.inner;
        for _ in 0..CONFLICTS_MAX {
            let installation = inner.installation_in_force().await?;
            let estate = self.estate();
            inner.things(&declared).await?;
            let roles = estate.directory.operators.get(&by).map(|person| person.roles.clone()).unwrap_or_default();
            let open_reviews = installation.machine.reviews.len();
            let standing = Standing { rules: estate.authority.emergencies.as_ref(), roles: &roles, open_reviews };
            let (id, now) = (EmergencyId::new(inner.ids.number()), inner.now());
            let event = Emergency::declare(id, by, declared.clone(), standing, now)?;
            let mut draft = Draft::new(&*inner.ids, actor, now);
            let begun = draft.begin::<Emergency>(Stream::Emergency(id), vec![event])?;
            let scope = declared.scope.clone();
            draft.extend(&installation, vec![installation::Event::EmergencyBegan { emergency: id, scope, until: begun.until, at: now }])?;
            match inner.commit(draft).await.map_err(EngineError::from) {
                Err(EngineError::Busy(_)) => {}
                other => return other.map(|_| id),
            }
        }
        Err(EngineError::Busy(Stream::Installation))
    }

    /// Ends an emergency before its time.
    ///
    /// # Errors
    /// When the caller is no person, it is over already, or no reason is given.
    pub async fn end_emergency(&self, caller: &Caller, id: EmergencyId, reason: String) -> Result<(), EngineError> {
        let by = caller.person()?;
        self.known(caller)?;
        self.inner.end(id, Command::End { by, reason }, Actor::Operator(by)).await.map(drop)
    }

    /// Closes the review of an emergency that is over, or of a broken glass.
    ///
    /// # Errors
    /// When the caller is no person or began it, it is in force or reviewed, or nothing is said of what was found.
    pub async fn review_emergency(&self, caller: &Caller, id: EmergencyId, findings: String) -> Result<(), EngineError> {
        let by = caller.person()?;
        self.known(caller)?;
        self.inner.end(id, Command::Review { by, findings }, Actor::Operator(by)).await.map(drop)
    }

    /// Everything there is to see of an emergency.
    ///
    /// # Errors
    /// When there is none of this id.
    pub async fn emergency(&self, id: EmergencyId) -> Result<EmergencyView, EngineError> {
        use lineclear_core::machine::Machine as _;
        let loaded = self.inner.need::<Emergency>(Stream::Emergency(id)).await?;
        let moment = |stored: &lineclear_store::Stored| Moment {
            at: stored.happened.at,
            by: stored.happened.by,
            name: self.name(stored.happened.by),
            stream: stored.stream,
            kind: stored.happened.event.kind(),
            index: stored.index,
            says: story::says(&stored.happened.event, &|actor| self.name(actor)),
        };
        let timeline = loaded.events.iter().map(moment).collect();
        let emergency = loaded.machine;
        Ok(EmergencyView { word: emergency.word(), name: self.name(Actor::Operator(emergency.by)), timeline, emergency })
    }

    /// The emergencies in force now, oldest first, as they stand.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn emergencies_in_force(&self) -> Result<Vec<Emergency>, EngineError> {
        let installation = self.inner.installation().await?.machine;
        let now = self.now();
        let mut all = Vec::new();
        for (id, _) in installation.emergencies.iter().filter(|(_, it)| now < it.until) {
            all.push(self.inner.need::<Emergency>(Stream::Emergency(*id)).await?.machine);
        }
        Ok(all)
    }
}

impl Inner {
    /// Whether what is declared is about things of this estate.
    async fn things(&self, declared: &Declaration) -> Result<(), EngineError> {
        let malformed = |pointer: &str, message: String| EngineError::Malformed { pointer: pointer.into(), message };
        if let Scope::Services { services } = &declared.scope {
            let force = self.in_force();
            let strange = services
                .iter()
                .find(|thing| thing.kind != lineclear_core::topology::EntityKind::Service || force.estate.topology.get(thing).is_none());
            if let Some(strange) = strange {
                return Err(malformed("/services", format!("`{strange}` is no service of this estate")));
            }
        }
        let Some(incident) = declared.incident else { return Ok(()) };
        self.incident_is_here(incident).await.then_some(()).ok_or_else(|| malformed("/incident", format!("there is no `{incident}` here")))
    }

    async fn incident_is_here(&self, incident: IncidentId) -> bool {
        matches!(self.load::<lineclear_core::incident::Incident>(Stream::Incident(incident)).await, Ok(Some(_)))
    }

    /// Decides a command that may take it out of force, or close its review, and says so in the installation's history with it.
    async fn end(&self, id: EmergencyId, command: Command, by: Actor) -> Result<bool, EngineError> {
        for _ in 0..CONFLICTS_MAX {
            let loaded = self.need::<Emergency>(Stream::Emergency(id)).await?;
            let now = self.now();
            let events = loaded.machine.decide(command.clone(), now)?;
            if events.is_empty() {
                return Ok(false);
            }
            let installation = self.installation().await?;
            let follows: Vec<installation::Event> = events.iter().filter_map(|event| follow(id, event)).collect();
            let mut draft = Draft::new(&*self.ids, by, now);
            draft.extend(&loaded, events)?;
            draft.extend::<Installation>(&installation, follows)?;
            match self.commit(draft).await.map_err(EngineError::from) {
                Err(EngineError::Busy(_)) => {}
                other => return other.map(|_| true),
            }
        }
        Err(EngineError::Busy(Stream::Emergency(id)))
    }

    pub(crate) async fn perform_emergency(self: &Arc<Self>, id: EmergencyId) -> Result<Outcome, EngineError> {
        let loaded = self.need::<Emergency>(Stream::Emergency(id)).await?;
        let now = self.now();
        match loaded.machine.effects(now).into_iter().next() {
            Some(Effect::Expire) => {
                let moved = self.end(id, Command::Tick, Actor::Engine).await?;
                Ok(if moved { Outcome::Moved } else { Outcome::Waits(now + Span::from_secs(60)) })
            }
            None if matches!(loaded.machine.state, State::InForce) => Ok(Outcome::Waits(loaded.machine.until)),
            None => Ok(Outcome::Waits(now + Span::from_secs(60))),
        }
    }

    /// Drafts that a run is begun under an emergency, in the transaction that begins it.
    pub(crate) async fn draft_act(
        &self,
        draft: &mut Draft<'_>,
        emergency: Option<EmergencyId>,
        change: ChangeId,
        run: RunId,
    ) -> Result<(), EngineError> {
        let Some(emergency) = emergency else { return Ok(()) };
        let loaded = self.need::<Emergency>(Stream::Emergency(emergency)).await?;
        let events = loaded.machine.decide(Command::Act { change, run }, self.now())?;
        draft.extend(&loaded, events).map(drop)
    }
}

/// What the installation's own history says of it.
fn follow(emergency: EmergencyId, event: &Event) -> Option<installation::Event> {
    match event {
        Event::Ended { at, .. } | Event::Expired { at } => Some(installation::Event::EmergencyOver { emergency, at: *at }),
        Event::Reviewed { by, at, .. } => Some(installation::Event::ReviewClosed { emergency, by: *by, at: *at }),
        Event::Declared { .. } | Event::GlassBroken { .. } | Event::Told { .. } | Event::Acted { .. } => None,
    }
}

/// The rows of emergencies, newest first.
pub fn emergency_rows(open: Option<bool>, limit: u32) -> RowQuery {
    RowQuery { kind: "emergency".into(), open, limit, ..RowQuery::default() }
}

/// The emergency of a row.
pub fn emergency_of(row: &Row) -> Option<EmergencyId> {
    if let Stream::Emergency(id) = row.stream { Some(id) } else { None }
}
