//! What there is to see of pages, and of who is on call.

use std::collections::BTreeSet;

use lineclear_core::machine::Machine as _;
use lineclear_core::name::RotationName;
use lineclear_core::page::{About, Page, State, Step};
use lineclear_core::record::Stream;
use lineclear_core::rotation::calendar;
use lineclear_core::situation::Actor;
use lineclear_core::{OperatorId, PageId, Timestamp};
use serde::Serialize;

use crate::view::Moment;
use crate::{Engine, EngineError, story};

/// What an answer to a page led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// It is theirs now.
    Yours,
    /// Somebody else has it, or it is over; that they answered is on record.
    TooLate,
}

/// Everything there is to see of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageView {
    /// The page.
    pub page: Page,
    /// Its state in one word.
    pub word: &'static str,
    /// The step at which it stands, as people count.
    pub step: String,
    /// Who was told at this step, while nobody has answered.
    pub asked: Vec<String>,
    /// Who has answered.
    pub holder: Option<String>,
    /// When it climbs on.
    pub climbs: Option<Timestamp>,
    /// Whom it would climb to if it climbed now.
    pub next: Vec<String>,
    /// Its life, oldest first.
    pub timeline: Vec<Moment>,
}

/// Who is on call in a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OnCall {
    /// The rotation.
    pub rotation: RotationName,
    /// For people.
    pub title: String,
    /// Whose wall clock counts.
    pub zone: String,
    /// Logins; empty when nobody is.
    pub people: Vec<String>,
    /// Until when; none when that never changes.
    pub until: Option<Timestamp>,
    /// Who is on call after that.
    pub next: Vec<String>,
}

impl Engine {
    /// Everything there is to see of a page.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn page(&self, id: PageId) -> Result<PageView, EngineError> {
        self.page_if_any(id).await?.ok_or_else(|| EngineError::NotFound(id.to_string()))
    }

    /// The same; none when nobody was ever looked for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn page_if_any(&self, id: PageId) -> Result<Option<PageView>, EngineError> {
        let Some(loaded) = self.inner.load::<Page>(Stream::Page(id)).await? else { return Ok(None) };
        let page = loaded.machine;
        let timeline = loaded.events.iter().map(|stored| Moment {
            at: stored.happened.at,
            by: stored.happened.by,
            name: self.name(stored.happened.by),
            stream: stored.stream,
            kind: stored.happened.event.kind(),
            index: stored.index,
            says: story::says(&stored.happened.event, &|actor| self.name(actor)),
        });
        let timeline = timeline.collect();
        let asked = if let State::Calling { people, .. } = &page.state { people.clone() } else { BTreeSet::new() };
        let climbs = match &page.state {
            State::Calling { step, until, .. } => page.plan.next(*step).map(|_| *until),
            State::Acknowledged { until, .. } | State::Held { until } => Some(*until),
            State::Owed { .. } | State::Resting { .. } | State::Over { .. } => None,
        };
        let next = if climbs.is_some() { self.next_people(&page).await? } else { BTreeSet::new() };
        let names = |people: &BTreeSet<OperatorId>| people.iter().map(|person| self.name(Actor::Operator(*person))).collect();
        Ok(Some(PageView {
            word: page.word(),
            step: story::at(page.step()),
            asked: names(&asked),
            holder: page.holder().map(|by| self.name(Actor::Operator(by))),
            climbs,
            next: names(&next),
            timeline,
            page,
        }))
    }

    async fn next_people(&self, page: &Page) -> Result<BTreeSet<OperatorId>, EngineError> {
        let step = if matches!(page.state, State::Held { .. }) { Some(Step::FIRST) } else { page.plan.next(page.step()) };
        let incident = match page.about {
            About::Incident { incident } => self.inner.incident_now(incident).await?,
            About::Request { .. } => None,
        };
        let concern = self.inner.concern(page, incident.as_ref()).await?;
        let (estate, now) = (self.estate(), self.now());
        let reached = |step: Step| page.plan.whom(step).map(|whom| whom.reached(&concern, &estate, now)).unwrap_or_default();
        let people = step.map(reached).unwrap_or_default();
        Ok(if people.is_empty() { reached(Step::Last { round: 0 }) } else { people })
    }

    /// Who is on call at an instant, rotation by rotation.
    pub fn on_call(&self, at: Timestamp) -> Vec<OnCall> {
        let estate = self.estate();
        let words = |people: &BTreeSet<lineclear_core::name::Login>| people.iter().map(ToString::to_string).collect();
        let one = |rotation: &lineclear_core::rotation::Rotation| {
            let watch = rotation.watch(at);
            OnCall {
                rotation: rotation.name.clone(),
                title: rotation.title.clone(),
                zone: rotation.zone.to_string(),
                next: watch.until.map(|until| words(&rotation.on_call(until))).unwrap_or_default(),
                until: watch.until,
                people: words(&watch.people),
            }
        };
        estate.rotations.values().map(one).collect()
    }

    /// A rotation as a calendar (iCalendar, RFC 5545).
    ///
    /// # Errors
    /// When there is no such rotation.
    pub fn on_call_calendar(&self, name: &RotationName) -> Result<String, EngineError> {
        let estate = self.estate();
        let rotation = estate.rotations.get(name).ok_or_else(|| EngineError::NotFound(name.to_string()))?;
        Ok(calendar(rotation, &estate.origin, self.now()))
    }
}
