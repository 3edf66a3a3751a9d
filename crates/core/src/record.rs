//! What becomes of an event: one ledger entry whose leaf holds ids, closed words and digests, and a payload beside it
//! that holds the whole event behind a salted commitment, so that retention and erasure never break the tree.

mod leaf;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub use leaf::Leaf;

use crate::id::{
    ApprovalId, ChangeId, DeliveryId, DeploymentId, EmergencyId, EventId, IncidentId, LaneId, PageId, PatchId, RevisionId, RunId, RunnerId,
};
use crate::machine::Machine;
use crate::situation::Actor;
use crate::time::Timestamp;
use crate::{approval, change, delivery, deployment, emergency, incident, installation, lane, page, patch, revision, run, runner};

/// One history: that of a machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// The installation's own.
    Installation,
    /// Of a request for approval.
    Approval(ApprovalId),
    /// Of a change.
    Change(ChangeId),
    /// Of a notice on its way.
    Delivery(DeliveryId),
    /// Of a change that others made.
    Deployment(DeploymentId),
    /// Of an emergency.
    Emergency(EmergencyId),
    /// Of an incident.
    Incident(IncidentId),
    /// Of a lane.
    Lane(LaneId),
    /// Of a search for a person.
    Page(PageId),
    /// Of a drafted runbook.
    Patch(PatchId),
    /// Of a proposed version of the estate.
    Revision(RevisionId),
    /// Of a run.
    Run(RunId),
    /// Of a runner on another machine.
    Runner(RunnerId),
}

/// A text that names no stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no stream: it is `installation` or the id of a change, approval, run, incident, emergency, page, lane, patch, revision or runner"
)]
pub struct StreamError(String);

impl Stream {
    /// The kind of the machine behind it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Installation => "installation",
            Self::Approval(_) => "approval",
            Self::Change(_) => "change",
            Self::Delivery(_) => "delivery",
            Self::Deployment(_) => "deployment",
            Self::Emergency(_) => "emergency",
            Self::Incident(_) => "incident",
            Self::Lane(_) => "lane",
            Self::Page(_) => "page",
            Self::Patch(_) => "patch",
            Self::Revision(_) => "revision",
            Self::Run(_) => "run",
            Self::Runner(_) => "runner",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installation => f.write_str("installation"),
            Self::Approval(id) => id.fmt(f),
            Self::Change(id) => id.fmt(f),
            Self::Delivery(id) => id.fmt(f),
            Self::Deployment(id) => id.fmt(f),
            Self::Emergency(id) => id.fmt(f),
            Self::Incident(id) => id.fmt(f),
            Self::Page(id) => id.fmt(f),
            Self::Revision(id) => id.fmt(f),
            Self::Lane(id) => id.fmt(f),
            Self::Patch(id) => id.fmt(f),
            Self::Run(id) => id.fmt(f),
            Self::Runner(id) => id.fmt(f),
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Stream {
    type Err = StreamError;
    fn from_str(text: &str) -> Result<Self, StreamError> {
        let bad = || StreamError(text.chars().take(80).collect());
        match text.split_once('_').map_or(text, |(kind, _)| kind) {
            "installation" if text == "installation" => Ok(Self::Installation),
            "approval" => text.parse().map(Self::Approval).map_err(|_| bad()),
            "change" => text.parse().map(Self::Change).map_err(|_| bad()),
            "delivery" => text.parse().map(Self::Delivery).map_err(|_| bad()),
            "deployment" => text.parse().map(Self::Deployment).map_err(|_| bad()),
            "emergency" => text.parse().map(Self::Emergency).map_err(|_| bad()),
            "incident" => text.parse().map(Self::Incident).map_err(|_| bad()),
            "lane" => text.parse().map(Self::Lane).map_err(|_| bad()),
            "page" => text.parse().map(Self::Page).map_err(|_| bad()),
            "patch" => text.parse().map(Self::Patch).map_err(|_| bad()),
            "revision" => text.parse().map(Self::Revision).map_err(|_| bad()),
            "run" => text.parse().map(Self::Run).map_err(|_| bad()),
            "runner" => text.parse().map(Self::Runner).map_err(|_| bad()),
            _ => Err(bad()),
        }
    }
}

impl Serialize for Stream {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Anything that can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "machine", content = "event", rename_all = "snake_case")]
pub enum Event {
    /// To the installation.
    Installation(installation::Event),
    /// To a request for approval.
    Approval(approval::Event),
    /// To a change.
    Change(change::Event),
    /// To a notice on its way.
    Delivery(delivery::Event),
    /// To a change that others made.
    Deployment(deployment::Event),
    /// To an emergency.
    Emergency(emergency::Event),
    /// To an incident.
    Incident(incident::Event),
    /// To a search for a person.
    Page(page::Event),
    /// To a proposed version of the estate.
    Revision(revision::Event),
    /// To a lane.
    Lane(lane::Event),
    /// To a drafted runbook.
    Patch(patch::Event),
    /// To a run.
    Run(run::Event),
    /// To a runner on another machine.
    Runner(runner::Event),
}

/// An event with who caused it and when: what the store is asked to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// Its id, which is also its idempotency key in the ledger.
    pub id: EventId,
    /// When it was committed, by the engine's clock.
    pub at: Timestamp,
    /// Who caused it.
    pub by: Actor,
    /// What happened.
    pub event: Event,
    /// 32 random bytes that blind the payload's commitment, so that an erased payload cannot be guessed.
    pub salt: [u8; 32],
}

/// What lists need to know of a machine, kept beside its events; derived from the state, never decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Whose history.
    pub stream: Stream,
    /// The state's word.
    pub word: String,
    /// Whether anything can still happen to it.
    pub open: bool,
    /// The earliest moment at which the engine owes it something.
    pub due: Option<Timestamp>,
    /// What it is looked up by: `dns.update zone/example.test` of a change, the group of an incident, the change of an
    /// approval or a run, the thing that a deployment concerns, what a delivery or a page is about.
    pub key: String,
    /// One line for people.
    pub title: String,
    /// When it began.
    pub begun: Timestamp,
}

impl Row {
    /// The row of a machine.
    pub fn of<M: Machine>(stream: Stream, machine: &M, key: String, title: String, begun: Timestamp) -> Self {
        Self { stream, word: machine.word().into(), open: machine.open(), due: machine.due(), key, title, begun }
    }

    /// The row of a change.
    pub fn change(change: &change::Change) -> Self {
        let key = format!("{} {}", change.proposal.action, change.proposal.target);
        let title = format!("{} on {}", change.proposal.action, change.proposal.target);
        Self::of(Stream::Change(change.id), change, key, title, change.proposed)
    }

    /// The row of a request for approval.
    pub fn approval(approval: &approval::Approval) -> Self {
        let request = &approval.request;
        let title = format!("needs `{}`", request.needs.rung);
        Self::of(Stream::Approval(request.id), approval, request.about.id(), title, request.asked)
    }

    /// The row of a run.
    pub fn run(run: &run::Run) -> Self {
        let title = Self::run_title(&run.order.plan.runbook);
        Self::of(Stream::Run(run.order.id), run, run.order.change.to_string(), title, run.order.begun)
    }

    /// The title of every run of this runbook.
    pub fn run_title(runbook: &crate::name::RunbookName) -> String {
        format!("runbook `{runbook}`")
    }

    /// The row of an incident.
    pub fn incident(incident: &incident::Incident) -> Self {
        Self::of(Stream::Incident(incident.id), incident, incident.group.clone(), incident.title.clone(), incident.opened)
    }

    /// The row of an emergency.
    pub fn emergency(it: &emergency::Emergency) -> Self {
        let (key, title) = match &it.origin {
            emergency::Origin::Declared { scope, .. } => ("declared", format!("emergency for {scope}")),
            emergency::Origin::BrokenGlass { glass } => {
                ("glass", format!("glass broken for {} on {}", glass.statement.action, glass.statement.target))
            }
        };
        Self::of(Stream::Emergency(it.id), it, key.into(), title, it.begun)
    }

    /// The row of a lane.
    pub fn lane(lane: &lane::Lane) -> Self {
        Self::of(Stream::Lane(lane.id), lane, lane.key.clone(), format!("turns on `{}`", lane.key), lane.opened)
    }

    /// The row of a drafted runbook.
    pub fn patch(patch: &patch::Patch) -> Self {
        let title = format!("draft of runbook `{}`", patch.review.runbook);
        Self::of(Stream::Patch(patch.id), patch, patch.review.runbook.to_string(), title, patch.offered)
    }

    /// The row of a change that others made.
    pub fn deployment(it: &deployment::Deployment) -> Self {
        let key = it.subject.as_ref().map(ToString::to_string).or_else(|| it.report.service.clone()).unwrap_or_default();
        Self::of(Stream::Deployment(it.id), it, key, it.report.title.clone(), it.heard)
    }

    /// The row of a notice on its way: looked up by what it is about.
    pub fn delivery(it: &delivery::Delivery) -> Self {
        let notice = &it.order.notice;
        let title = format!("{} by `{}`: {}", notice.kind, it.order.channel, notice.title);
        Self::of(Stream::Delivery(it.order.id), it, notice.about.to_string(), title, it.queued)
    }

    /// The row of a search for a person.
    pub fn page(page: &page::Page) -> Self {
        Self::of(Stream::Page(page.id), page, page.about.id(), page.title.clone(), page.opened)
    }

    /// The row of a proposed version of the estate.
    pub fn revision(revision: &revision::Revision) -> Self {
        let title = format!("estate {}", revision.estate.short());
        Self::of(Stream::Revision(revision.id), revision, revision.estate.to_string(), title, revision.proposed)
    }

    /// The row of a runner.
    pub fn runner(runner: &runner::Runner) -> Self {
        let title = format!("runner `{}`", runner.name);
        Self::of(Stream::Runner(runner.id), runner, runner.name.to_string(), title, runner.invited)
    }

    /// The row of the installation.
    pub fn installation(installation: &installation::Installation) -> Self {
        let title = format!("posture {}", installation.posture);
        Self::of(Stream::Installation, installation, "installation".into(), title, installation.since)
    }
}

impl Event {
    /// The kind of its ledger entry: machine, event and major version.
    pub fn kind(&self) -> String {
        let (machine, word) = match self {
            Self::Installation(event) => ("installation", event.word()),
            Self::Approval(event) => ("approval", event.word()),
            Self::Change(event) => ("change", event.word()),
            Self::Delivery(event) => ("delivery", event.word()),
            Self::Deployment(event) => ("deployment", event.word()),
            Self::Emergency(event) => ("emergency", event.word()),
            Self::Incident(event) => ("incident", event.word()),
            Self::Page(event) => ("page", event.word()),
            Self::Revision(event) => ("revision", event.word()),
            Self::Lane(event) => ("lane", event.word()),
            Self::Patch(event) => ("patch", event.word()),
            Self::Run(event) => ("run", event.word()),
            Self::Runner(event) => ("runner", event.word()),
        };
        format!("{machine}.{word}/1")
    }

    /// The whole event as JSON: the payload that is kept beside the leaf.
    pub fn payload(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}
