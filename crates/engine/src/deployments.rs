//! What others report that they changed: kept once, however often it is said, and found again beside an incident or a change.

use std::collections::BTreeSet;

use lineclear_core::change::Change;
use lineclear_core::deployment::{Deployment, Event, Report};
use lineclear_core::incident::{Incident, near, subject};
use lineclear_core::record::{Row, Stream};
use lineclear_core::signal::{Signal, SignalState};
use lineclear_core::situation::Actor;
use lineclear_core::topology::EntityRef;
use lineclear_core::{ChangeId, DeploymentId, Digest, Span, Timestamp};
use lineclear_store::{Once, RowQuery};
use serde::Serialize;

use crate::engine::CONFLICTS_MAX;
use crate::history::Draft;
use crate::{Engine, EngineError};

/// How far back one looks for what may have caused something.
pub const RECENT: Span = Span::from_secs(24 * 3_600);
/// Most of them that are shown.
pub const RECENT_MAX: usize = 12;
/// Most rows that are looked through for them.
const LOOKED_MAX: u32 = 200;

/// Something that was changed lately, here or by others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recent {
    /// One line for people.
    pub title: String,
    /// How far it is.
    pub word: String,
    /// What it concerned, as far as is known.
    pub thing: String,
    /// When it was first heard of, or proposed.
    pub at: Timestamp,
    /// The change, when it is one of Lineclear's own.
    pub change: Option<ChangeId>,
    /// What others said of it, when it is theirs.
    pub report: Option<Report>,
}

impl Engine {
    /// Keeps what others report; says how many reports were news. Sending them again is safe.
    ///
    /// # Errors
    /// When the store fails; reports before the failing one are kept.
    pub async fn take_reports(&self, reports: Vec<Report>) -> Result<usize, EngineError> {
        let mut new = 0;
        for report in reports {
            new += usize::from(self.report_one(&report).await?);
        }
        Ok(new)
    }

    async fn report_one(&self, report: &Report) -> Result<bool, EngineError> {
        let inner = &self.inner;
        // The fingerprint is the sender's text: its digest is a key of known length.
        let key = format!("deployment {}", Digest::of(format!("{}\n{}", report.source, report.fingerprint).as_bytes()));
        for _ in 0..CONFLICTS_MAX {
            let now = inner.now();
            let report = &Report { at: if report.at == Signal::UNSTATED { now } else { report.at }, ..report.clone() };
            let mut draft = Draft::new(&*inner.ids, Actor::Engine, now);
            if let Some(known) = inner.store.once(key.clone()).await? {
                let loaded = inner.need::<Deployment>(known.stream).await?;
                draft.extend(&loaded, loaded.machine.hear(report, now))?;
            } else {
                let id = DeploymentId::new(inner.ids.number());
                let subject = self.concerned(report);
                draft.begin::<Deployment>(
                    Stream::Deployment(id),
                    vec![Event::Reported { id, report: Box::new(report.clone()), subject, at: now }],
                )?;
                draft.once(Once { key: key.clone(), digest: Digest::of(key.as_bytes()), stream: Stream::Deployment(id) });
            }
            match inner.commit(draft).await.map_err(EngineError::from) {
                Ok(committed) => return Ok(committed.is_some()),
                Err(EngineError::Busy(_) | EngineError::KeyReused) => {}
                Err(error) => return Err(error),
            }
        }
        Err(EngineError::Busy(Stream::Installation))
    }

    /// The thing of the estate that a report names: as for a signal that calls it so.
    fn concerned(&self, report: &Report) -> Option<EntityRef> {
        let signal = Signal {
            source: report.source.clone(),
            fingerprint: String::new(),
            group: String::new(),
            state: SignalState::Firing,
            title: String::new(),
            stated_severity: String::new(),
            severity: None,
            service: report.service.clone(),
            starts: report.at,
            labels: report.service.iter().map(|service| ("target".to_owned(), service.clone())).collect(),
            annotations: [].into(),
        };
        subject(&signal, &self.estate().topology)
    }

    /// What was changed lately on an incident's things and near them, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recent_for(&self, incident: &Incident) -> Result<Vec<Recent>, EngineError> {
        let things: BTreeSet<EntityRef> = incident.things().into_iter().cloned().collect();
        let services = incident.signals.values().filter_map(|kept| kept.signal.service.clone());
        self.recent(&things, &services.collect(), incident.opened, None).await
    }

    /// What was changed lately on a change's target and near it, newest first; the change itself left out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recent_beside(&self, change: &Change) -> Result<Vec<Recent>, EngineError> {
        let things = BTreeSet::from([change.proposal.target.clone()]);
        self.recent(&things, &BTreeSet::new(), change.proposed, Some(change.id)).await
    }

    async fn recent(
        &self,
        things: &BTreeSet<EntityRef>,
        services: &BTreeSet<String>,
        around: Timestamp,
        but: Option<ChangeId>,
    ) -> Result<Vec<Recent>, EngineError> {
        let estate = self.estate();
        let reach: BTreeSet<EntityRef> = things.iter().flat_map(|thing| near(thing, &estate.topology)).collect();
        let since = around - RECENT;
        let (mut found, mut rows) = (Vec::new(), Vec::new());
        for kind in ["deployment", "change"] {
            let query = RowQuery { kind: kind.into(), limit: LOOKED_MAX, ..RowQuery::default() };
            rows.extend(self.inner.store.rows(query).await?.rows.into_iter().filter(|row| row.begun >= since));
        }
        rows.sort_by_key(|row| (std::cmp::Reverse(row.begun), row.stream));
        for row in rows {
            let thing = row.key.rsplit_once(' ').map_or(row.key.as_str(), |(_, target)| target).to_owned();
            let ours = thing.parse().is_ok_and(|thing: EntityRef| reach.contains(&thing)) || services.contains(&row.key);
            if !ours || found.len() >= RECENT_MAX {
                continue;
            }
            if let Stream::Change(id) = row.stream {
                if Some(id) != but {
                    found.push(own(row, thing, id));
                }
            } else if let Some(loaded) = self.inner.load::<Deployment>(row.stream).await? {
                let (word, at) = (row.word, row.begun);
                found.push(Recent { title: row.title, word, thing, at, change: None, report: Some(loaded.machine.report) });
            }
        }
        Ok(found)
    }
}

fn own(row: Row, thing: String, id: ChangeId) -> Recent {
    Recent { title: row.title, word: row.word, thing, at: row.begun, change: Some(id), report: None }
}
