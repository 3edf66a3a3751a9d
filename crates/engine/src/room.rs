//! The incident room: everything there is to see of an incident in one answer, read from its history and the estate.

use std::collections::BTreeMap;

use lineclear_core::incident::{Incident, Role, Severity, impact, path_of};
use lineclear_core::name::PathName;
use lineclear_core::page::About;
use lineclear_core::record::Stream;
use lineclear_core::severity::Impact;
use lineclear_core::situation::Actor;
use lineclear_core::{IncidentId, OperatorId};
use serde::Serialize;

use crate::view::Moment;
use crate::{Engine, EngineError, PageView, Recent, story};

/// Most moments of an incident that are told: the newest; each signal of a storm is one.
pub const MOMENTS_MAX: usize = 200;

/// Everything there is to see of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoomView {
    /// The incident.
    pub incident: Incident,
    /// Who took it, as people know them.
    pub commander: Option<String>,
    /// Who holds which role, as people know them; a role that nobody holds is not there.
    pub roles: BTreeMap<Role, String>,
    /// Who is looked for, and who has answered; none when nobody was ever looked for.
    pub page: Option<PageView>,
    /// Who is looking at it now.
    pub looking: Vec<String>,
    /// What is happening now, by the five factors, as far as signals and the estate tell.
    pub impact: Impact,
    /// The severity of that by the estate's table; none without one.
    pub by_table: Option<Severity>,
    /// The escalation path of what it concerns.
    pub path: Option<PathName>,
    /// What was changed lately on its things and near them, newest first.
    pub recent: Vec<Recent>,
    /// The newest moments of its life, oldest first.
    pub timeline: Vec<Moment>,
    /// How many moments there are in all.
    pub moments: usize,
}

impl Engine {
    /// Everything there is to see of an incident.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn room(&self, id: IncidentId) -> Result<RoomView, EngineError> {
        let loaded = self.inner.need::<Incident>(Stream::Incident(id)).await?;
        let (estate, now) = (self.estate(), self.now());
        let moments = loaded.events.len();
        let newest = loaded.events.iter().skip(moments.saturating_sub(MOMENTS_MAX));
        let timeline = newest.map(|stored| Moment {
            at: stored.happened.at,
            by: stored.happened.by,
            name: self.name(stored.happened.by),
            stream: stored.stream,
            kind: stored.happened.event.kind(),
            index: stored.index,
            says: story::says(&stored.happened.event, &|actor| self.name(actor)),
        });
        let timeline = timeline.collect();
        let incident = loaded.machine;
        let person = |id: OperatorId| self.name(Actor::Operator(id));
        let roles = Role::ALL.into_iter().filter_map(|role| incident.holder(role).map(|by| (role, person(by)))).collect();
        let found = impact(&incident, &estate, now);
        Ok(RoomView {
            commander: incident.commander.map(person),
            roles,
            page: self.page_if_any(About::Incident { incident: id }.page()).await?,
            looking: self.looking_at(Stream::Incident(id)),
            by_table: Severity::by_table(&found, &estate),
            impact: found,
            path: path_of(&incident, &estate).map(|path| path.name.clone()),
            recent: self.recent_for(&incident).await?,
            timeline,
            moments,
            incident,
        })
    }
}
