//! Whom a page concerns, by which path, and what has been done about it since somebody answered.

use lineclear_core::approval::{Approval, Request};
use lineclear_core::change::Change;
use lineclear_core::escalation::{Concern, EscalationPath};
use lineclear_core::incident::Incident;
use lineclear_core::page::{About, Act, Page, State};
use lineclear_core::record::Stream;
use lineclear_core::situation::Actor;
use lineclear_core::subject::Subject;
use lineclear_core::{IncidentId, Timestamp};
use lineclear_store::{RowQuery, Stored};

use crate::EngineError;
use crate::engine::Inner;

/// Most changes that are looked through for something that was done about an incident.
const CHANGES_MAX: u32 = 50;

impl Inner {
    /// Whom a page concerns.
    pub(super) async fn concern(&self, page: &Page, incident: Option<&Incident>) -> Result<Concern, EngineError> {
        let estate = self.in_force().estate.clone();
        match &page.about {
            About::Incident { .. } => {
                let Some(incident) = incident else { return Ok(Concern::default()) };
                Ok(Concern { commander: incident.commander, ..Concern::about(incident.things(), &estate) })
            }
            About::Request { approval, subject, recused, .. } => {
                let mut without = recused.clone();
                if let Some(asked) = self.load::<Approval>(Stream::Approval(*approval)).await? {
                    without.extend(asked.machine.votes().iter().map(|vote| vote.by));
                }
                let target = match subject {
                    Subject::Change { change } => {
                        self.load::<Change>(Stream::Change(*change)).await?.map(|loaded| loaded.machine.proposal.target)
                    }
                    Subject::Revision { .. } => None,
                };
                Ok(Concern { without, ..Concern::about(&target, &estate) })
            }
        }
    }

    /// What a request is called, and its path: of the target of its change, or the one of everything else.
    pub(super) async fn matter_of(&self, request: &Request) -> Result<(String, Option<EscalationPath>), EngineError> {
        let estate = self.in_force().estate.clone();
        let (title, target) = match request.about {
            Subject::Change { change } => {
                let proposal = self.need::<Change>(Stream::Change(change)).await?.machine.proposal;
                (format!("{} on {}", proposal.action, proposal.target), Some(proposal.target))
            }
            Subject::Revision { estate_digest, .. } => (format!("estate {}", estate_digest.short()), None),
        };
        let path = target.map_or_else(|| estate.path_otherwise(), |target| estate.path_of(&target)).cloned();
        Ok((title, path.or_else(|| EscalationPath::built_in(&estate.directory))))
    }

    /// What a person did last about what a page is about, since somebody answered it.
    pub(super) async fn acted(&self, page: &Page, incident: Option<&Incident>) -> Result<Option<Act>, EngineError> {
        let State::Acknowledged { since, .. } = page.state else { return Ok(None) };
        let mut acts = Vec::new();
        match &page.about {
            About::Request { approval, subject, .. } => {
                acts.extend(by_people(&self.store.events(Stream::Approval(*approval), 0).await?, since));
                if let Subject::Change { change } = subject {
                    acts.extend(by_people(&self.store.events(Stream::Change(*change), 0).await?, since));
                }
            }
            About::Incident { incident: id } => {
                acts.extend(by_people(&self.store.events(Stream::Incident(*id), 0).await?, since));
                let opened = incident.map_or(page.opened, |incident| incident.opened);
                acts.extend(self.acted_for(*id, opened, since).await?);
            }
        }
        Ok(acts.into_iter().max())
    }

    /// What people did about the changes that serve an incident.
    async fn acted_for(&self, id: IncidentId, opened: Timestamp, since: Timestamp) -> Result<Vec<Act>, EngineError> {
        let query = RowQuery { kind: "change".into(), limit: CHANGES_MAX, ..RowQuery::default() };
        let mut acts = Vec::new();
        for row in self.store.rows(query).await?.rows.into_iter().filter(|row| row.begun >= opened) {
            let Stream::Change(change) = row.stream else { continue };
            let whole = self.whole(change).await?;
            if whole.change.machine.proposal.incident == Some(id) {
                let events: Vec<Stored> = whole.events().into_iter().cloned().collect();
                acts.extend(by_people(&events, since));
            }
        }
        Ok(acts)
    }
}

/// What people did in a history, after a moment.
fn by_people(events: &[Stored], since: Timestamp) -> Vec<Act> {
    let acts = events.iter().filter(|stored| stored.happened.at > since).filter_map(|stored| match stored.happened.by {
        Actor::Operator(by) => Some(Act { at: stored.happened.at, by }),
        Actor::Agent(_) | Actor::Engine => None,
    });
    acts.collect()
}
