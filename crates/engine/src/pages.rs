//! Pages: a person is looked for, along an escalation path, for every incident that asks for one and for every request for
//! approval. The pulse walks the path; who is told is found by the estate in force at that moment, and recorded. A page follows
//! what it is about: it ends with it, and nobody is told of what is over.

mod follow;
mod reach;
mod see;

use lineclear_core::approval::Request;
use lineclear_core::incident::Incident;
use lineclear_core::machine::Machine as _;
use lineclear_core::name::Login;
use lineclear_core::page::{About, Command, Effect, Event, Page, Plan, Step};
use lineclear_core::record::{Event as Recorded, Stream};
use lineclear_core::situation::Actor;
use lineclear_core::{IncidentId, OperatorId, PageId, Timestamp, incident};
use lineclear_store::{Append, StoreError};

pub use see::{Answered, OnCall, PageView};

use crate::engine::{CONFLICTS_MAX, Inner};
use crate::history::{Draft, Loaded};
use crate::pulse::Outcome;
use crate::{Caller, Engine, EngineError};

/// Most steps that one look takes: something was followed, an answer was forgotten, and the next tier is told.
const STEPS_MAX: usize = 4;

impl Engine {
    /// A person answers a page: they see to it now. Too late is recorded, changes nothing, and is said.
    ///
    /// # Errors
    /// When the caller is no person, may not approve what is asked, or there is no such page.
    pub async fn acknowledge_page(&self, caller: &Caller, id: PageId) -> Result<Answered, EngineError> {
        self.known(caller)?;
        let by = caller.person()?;
        let events = self.decide_page(id, by, &Command::Acknowledge(by)).await?;
        let late = events.iter().any(|event| matches!(event, Event::AnsweredLate { .. }));
        Ok(if late { Answered::TooLate } else { Answered::Yours })
    }

    /// A person hands a page to another one, who is told, and has to answer it.
    ///
    /// # Errors
    /// When the caller is no person, it is not theirs, nobody is called so, or no reason is given.
    pub async fn hand_over_page(&self, caller: &Caller, id: PageId, to: &Login, reason: &str) -> Result<(), EngineError> {
        self.known(caller)?;
        let by = caller.person()?;
        let to = self.called(to)?;
        self.decide_page(id, by, &Command::HandOver { by, to, reason: reason.into() }).await.map(drop)
    }

    /// The person of a login.
    pub(crate) fn called(&self, login: &Login) -> Result<OperatorId, EngineError> {
        let estate = self.estate();
        let found = estate.directory.operator(login).map(|person| person.id);
        found.ok_or_else(|| EngineError::Malformed { pointer: "/to".into(), message: format!("`{login}` is no person of this estate") })
    }

    async fn decide_page(&self, id: PageId, by: OperatorId, command: &Command) -> Result<Vec<Event>, EngineError> {
        let inner = &self.inner;
        for _ in 0..CONFLICTS_MAX {
            let loaded = inner.need::<Page>(Stream::Page(id)).await?;
            let now = inner.now();
            let events = loaded.machine.decide(command.clone(), now)?;
            let mut draft = Draft::new(&*inner.ids, Actor::Operator(by), now);
            draft.extend(&loaded, events.clone())?;
            match inner.commit(draft).await {
                Err(StoreError::Conflict { .. }) => {}
                other => return other.map(|_| events).map_err(EngineError::from),
            }
        }
        Err(EngineError::Busy(Stream::Page(id)))
    }
}

impl Inner {
    /// Drafts the page of a request that is drafted: from its first moment on somebody is looked for.
    pub(crate) async fn draft_page(&self, draft: &mut Draft<'_>, request: &Request) -> Result<(), EngineError> {
        let (title, path) = self.matter_of(request).await?;
        let Some(path) = path else { return Ok(()) };
        let recused = if request.single_operator { [].into() } else { request.recused.clone() };
        let about = About::Request { approval: request.id, subject: request.about, recused, until: request.until };
        let plan = Plan::for_request(&path, request.until.since(request.asked));
        let (id, at) = (about.page(), request.asked);
        let opened = Event::Opened { id, about, title, plan, severity: None, held: None, carried: None, at };
        draft.begin::<Page>(Stream::Page(id), vec![opened]).map(drop)
    }

    /// Performs what is owed to a page now.
    pub(crate) async fn perform_page(&self, id: PageId) -> Result<Outcome, EngineError> {
        let stream = Stream::Page(id);
        let Some(loaded) = self.load::<Page>(stream).await? else {
            return match self.incident_now(IncidentId::new(id.number())).await? {
                Some(incident) => self.perform_page_of(&incident).await,
                None => Ok(Outcome::Waits(self.now() + incident::LOOK_AGAIN)),
            };
        };
        let incident = match loaded.machine.about {
            About::Incident { incident } if loaded.machine.open() => self.incident_now(incident).await?,
            About::Incident { .. } | About::Request { .. } => None,
        };
        self.walk(&loaded, incident.as_ref()).await
    }

    /// The same for a page whose incident is at hand; it is begun when it is owed and not there yet.
    pub(crate) async fn perform_page_of(&self, incident: &Incident) -> Result<Outcome, EngineError> {
        let id = About::Incident { incident: incident.id }.page();
        match self.load::<Page>(Stream::Page(id)).await? {
            Some(loaded) => self.walk(&loaded, Some(incident)).await,
            None => self.begin_page(incident).await,
        }
    }

    async fn walk(&self, loaded: &Loaded<Page>, incident: Option<&Incident>) -> Result<Outcome, EngineError> {
        if !loaded.machine.open() {
            self.store.postpone(loaded.stream, None).await?;
            return Ok(Outcome::Waits(self.now()));
        }
        let now = self.now();
        let mut draft = Draft::new(&*self.ids, Actor::Engine, now);
        let (mut page, mut events) = (loaded.machine.clone(), Vec::new());
        let mut commands = self.followed(&mut draft, &page, incident, now).await?;
        for _ in 0..STEPS_MAX {
            if commands.is_empty() {
                let Some(effect) = page.effects(now).into_iter().next() else { break };
                commands.push(self.owed(&page, effect, incident, now).await?);
            }
            for command in commands.drain(..) {
                for event in page.decide(command, now)? {
                    page = page.apply(&event).map_err(|source| EngineError::Broken { stream: loaded.stream, source })?;
                    events.push(event);
                }
            }
        }
        if events.is_empty() {
            let due = page.due();
            if due.is_none() {
                self.store.postpone(loaded.stream, None).await?;
            }
            return Ok(Outcome::Waits(due.unwrap_or(now).max(now)));
        }
        for event in &events {
            if let Event::Told { people, instead, .. } = event
                && (people.is_empty() || *instead)
            {
                tracing::warn!(page.id = %page.id, path = %page.plan.path, "nobody is on call for a page");
            }
        }
        draft.extend(loaded, events)?;
        self.commit(draft).await?;
        Ok(Outcome::Moved)
    }

    /// The command that an effect calls for.
    async fn owed(&self, page: &Page, effect: Effect, incident: Option<&Incident>, now: Timestamp) -> Result<Command, EngineError> {
        Ok(match effect {
            Effect::Tell(step) => self.tell(page, step, incident, now).await?,
            Effect::Remind => Command::Remind,
            Effect::Look => Command::Look(self.acted(page, incident).await?),
        })
    }

    async fn tell(&self, page: &Page, step: Step, incident: Option<&Incident>, now: Timestamp) -> Result<Command, EngineError> {
        let concern = self.concern(page, incident).await?;
        let estate = self.in_force().estate.clone();
        let reached = |step| page.plan.whom(step).map(|whom| whom.reached(&concern, &estate, now)).unwrap_or_default();
        let people = reached(step);
        if !people.is_empty() {
            return Ok(Command::Tell { people, instead: false });
        }
        let last = Step::Last { round: 0 };
        if page.plan.whom(last).is_none() && matches!(step, Step::Last { .. }) {
            // Nobody wrote down a last resort: everybody whom the path names.
            let people = page.plan.tiers.iter().flat_map(|tier| tier.whom.reached(&concern, &estate, now)).collect();
            return Ok(Command::Tell { people, instead: false });
        }
        Ok(Command::Tell { people: reached(last), instead: true })
    }

    /// A page moves with what it is about: it is looked at soon after that was committed.
    pub(crate) async fn nudge_pages(&self, moved: &[PageId]) {
        for page in moved {
            let stream = Stream::Page(*page);
            if let Err(error) = self.store.postpone(stream, Some(self.now())).await {
                tracing::warn!(%error, stream = %stream, "a page will follow a little later");
            }
            self.throttle.forget(stream);
        }
    }
}

/// The pages of what these appends decide about; signals alone move no page.
pub(crate) fn moved(appends: &[Append]) -> Vec<PageId> {
    let news = |event: &Recorded| match event {
        Recorded::Incident(event) => !matches!(
            event,
            incident::Event::Opened { .. }
                | incident::Event::Signalled { .. }
                | incident::Event::Flapping { .. }
                | incident::Event::Overflowed { .. }
                | incident::Event::Quieted { .. }
        ),
        Recorded::Approval(_) => true,
        Recorded::Installation(_)
        | Recorded::Change(_)
        | Recorded::Delivery(_)
        | Recorded::Deployment(_)
        | Recorded::Emergency(_)
        | Recorded::Page(_)
        | Recorded::Patch(_)
        | Recorded::Revision(_)
        | Recorded::Runner(_)
        | Recorded::Lane(_)
        | Recorded::Run(_) => false,
    };
    let pages = appends.iter().filter(|append| append.events.iter().any(|happened| news(&happened.event)));
    let pages = pages.filter_map(|append| match append.stream {
        Stream::Incident(id) => Some(PageId::new(id.number())),
        Stream::Approval(id) => Some(PageId::new(id.number())),
        Stream::Installation
        | Stream::Change(_)
        | Stream::Delivery(_)
        | Stream::Deployment(_)
        | Stream::Emergency(_)
        | Stream::Lane(_)
        | Stream::Page(_)
        | Stream::Patch(_)
        | Stream::Revision(_)
        | Stream::Runner(_)
        | Stream::Run(_) => None,
    });
    pages.collect()
}
