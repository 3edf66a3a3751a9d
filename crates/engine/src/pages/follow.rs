//! How a page follows what it is about: where it begins, what it learns, and when it ends.

use lineclear_core::approval::{self, Approval};
use lineclear_core::escalation::EscalationPath;
use lineclear_core::incident::{self, Attention, Incident, path_of};
use lineclear_core::machine::Machine as _;
use lineclear_core::page::{About, Command, End, Event, Page, Plan, State, Step};
use lineclear_core::record::Stream;
use lineclear_core::{IncidentId, PageId, Timestamp};

use crate::EngineError;
use crate::engine::Inner;
use crate::history::{Draft, Loaded};
use crate::pulse::Outcome;

impl Inner {
    /// What a page learns from what it is about, as commands in their order.
    pub(super) async fn followed(
        &self,
        draft: &mut Draft<'_>,
        page: &Page,
        incident: Option<&Incident>,
        now: Timestamp,
    ) -> Result<Vec<Command>, EngineError> {
        match (&page.about, incident) {
            (About::Request { approval, .. }, _) => {
                let asked = self.load::<Approval>(Stream::Approval(*approval)).await?;
                Ok(asked.and_then(|asked| end_of(&asked.machine)).map(Command::End).into_iter().collect())
            }
            (About::Incident { .. }, Some(incident)) => self.followed_incident(draft, page, incident, now).await,
            (About::Incident { .. }, None) => Ok(Vec::new()),
        }
    }

    async fn followed_incident(
        &self,
        draft: &mut Draft<'_>,
        page: &Page,
        incident: &Incident,
        now: Timestamp,
    ) -> Result<Vec<Command>, EngineError> {
        let mut commands = match incident.state {
            incident::State::Closed => return Ok(vec![Command::End(End::Closed)]),
            incident::State::Merged => {
                if let Some(whole) = incident.merged {
                    self.carry_into(draft, page, whole).await?;
                }
                return Ok(vec![Command::End(End::Merged)]);
            }
            incident::State::Resolved => return Ok(vec![Command::Rest]),
            incident::State::Open | incident::State::Acknowledged => vec![Command::Resume],
        };
        let path = self.path_of_incident(incident);
        let held = path.as_ref().filter(|_| !incident.ruled).and_then(|path| path.held_until(incident.severity, now));
        commands.push(Command::Regrade { severity: incident.severity, held });
        // Whom a rule tells is told, whatever path it was before.
        commands.extend(path.filter(|_| incident.ruled).map(|path| Command::Reroute(Plan::for_incident(&path))));
        commands.extend(incident.gap.map(Command::CommanderLeft));
        Ok(commands)
    }

    /// Begins the page of an incident that asks for a person.
    pub(super) async fn begin_page(&self, incident: &Incident) -> Result<Outcome, EngineError> {
        let now = self.now();
        let asks = matches!(incident.attention, Attention::Paged { .. });
        if !asks || !matches!(incident.state, incident::State::Open | incident::State::Acknowledged) {
            return Ok(Outcome::Waits(now + incident::LOOK_AGAIN));
        }
        let mut draft = Draft::new(&*self.ids, lineclear_core::situation::Actor::Engine, now);
        // People who were told of a part were told of the whole.
        for part in &incident.absorbed {
            let stream = Stream::Page(PageId::new(part.number()));
            if let Some(part) = self.load::<Page>(stream).await?.filter(|part| part.machine.open()) {
                self.carry(&mut draft, &part.machine, incident)?;
                draft.extend(&part, part.machine.decide(Command::End(End::Merged), now)?)?;
                self.commit(draft).await?;
                return Ok(Outcome::Moved);
            }
        }
        let Some(path) = self.path_of_incident(incident) else { return Ok(Outcome::Waits(now + incident::LOOK_AGAIN)) };
        let about = About::Incident { incident: incident.id };
        let held = if incident.ruled { None } else { path.held_until(incident.severity, now) };
        // Whoever took it before anybody was told has answered already.
        let taken = incident.commander.map(|by| State::Acknowledged { step: Step::FIRST, by, since: now, until: now + path.act_within });
        let carried = taken.map(|state| Box::new((state, incident.commander.into_iter().collect())));
        let (id, severity, title) = (about.page(), Some(incident.severity), incident.title.clone());
        let opened = Event::Opened { id, about, title, plan: Plan::for_incident(&path), severity, held, carried, at: now };
        draft.begin::<Page>(Stream::Page(id), vec![opened])?;
        self.commit(draft).await?;
        Ok(Outcome::Moved)
    }

    /// A page goes on with the incident that its own is part of, unless that has one.
    async fn carry_into(&self, draft: &mut Draft<'_>, part: &Page, whole: IncidentId) -> Result<(), EngineError> {
        let id = About::Incident { incident: whole }.page();
        if self.load::<Page>(Stream::Page(id)).await?.is_some() {
            return Ok(());
        }
        match self.incident_now(whole).await? {
            Some(whole) => self.carry(draft, part, &whole),
            None => Ok(()),
        }
    }

    fn carry(&self, draft: &mut Draft<'_>, part: &Page, whole: &Incident) -> Result<(), EngineError> {
        let about = About::Incident { incident: whole.id };
        let id = about.page();
        let carried = Some(Box::new((part.state.clone(), part.told.clone())));
        let (title, plan, severity) = (whole.title.clone(), part.plan.clone(), Some(whole.severity));
        let opened = Event::Opened { id, about, title, plan, severity, held: None, carried, at: self.now() };
        draft.begin::<Page>(Stream::Page(id), vec![opened]).map(drop)
    }

    /// The path of an incident: of the rule that pages for it, of what it concerns, or the one of everything else.
    pub(super) fn path_of_incident(&self, incident: &Incident) -> Option<EscalationPath> {
        let estate = self.in_force().estate.clone();
        let named = incident.path.as_ref().and_then(|name| estate.escalation.get(name));
        named.or_else(|| path_of(incident, &estate)).cloned().or_else(|| EscalationPath::built_in(&estate.directory))
    }

    /// An incident as it stands now: as whoever sorts signals knows it, or as the store does.
    pub(super) async fn incident_now(&self, id: IncidentId) -> Result<Option<Incident>, EngineError> {
        if let Some(known) = self.intake.room.lock().await.known(id) {
            return Ok(Some(known.clone()));
        }
        Ok(self.load::<Incident>(Stream::Incident(id)).await?.map(|loaded: Loaded<Incident>| loaded.machine))
    }
}

/// Why a request looks for nobody any more; none while it does.
fn end_of(asked: &Approval) -> Option<End> {
    match asked.state {
        approval::State::Open { .. } => None,
        approval::State::Granted { .. } | approval::State::Consumed { .. } | approval::State::Rejected { .. } => Some(End::Decided),
        approval::State::Lapsed => Some(End::Lapsed),
        approval::State::Withdrawn => Some(End::Withdrawn),
    }
}
