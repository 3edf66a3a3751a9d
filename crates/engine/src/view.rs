//! Everything there is to see of a change, read from histories alone: state, request, run, and one timeline.

use std::time::Duration;

use lineclear_core::approval::Approval;
use lineclear_core::authority::Approvals;
use lineclear_core::change::{self, Change};
use lineclear_core::dossier::Dossier;
use lineclear_core::machine::Machine as _;
use lineclear_core::proposal::Proposal;
use lineclear_core::record::{Event, Stream};
use lineclear_core::run::Run;
use lineclear_core::situation::{Actor, Case};
use lineclear_core::{ApprovalId, ChangeId, Timestamp};
use lineclear_policy::Explanation;
use lineclear_store::{Page, RowQuery, Stored};
use serde::Serialize;

use crate::engine::Inner;
use crate::history::Loaded;
use crate::propose::misfit;
use crate::{Ask, Caller, Engine, EngineError, story};

/// Longest wait that one call may ask for: clients give up after 60 s.
pub const WAIT_MAX: Duration = Duration::from_secs(50);

/// One moment of a change's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When it was committed.
    pub at: Timestamp,
    /// Who caused it.
    pub by: Actor,
    /// Their name, as people know it.
    pub name: String,
    /// Whose history.
    pub stream: Stream,
    /// The ledger entry's kind.
    pub kind: String,
    /// The ledger entry's place.
    pub index: u64,
    /// One sentence for people, made from typed fields.
    pub says: String,
}

/// Everything there is to see of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeView {
    /// The change.
    pub change: Change,
    /// Its state in one word; that of its run while that is stuck or undoing.
    pub word: &'static str,
    /// The request that is open, was granted, or ended with it.
    pub approval: Option<Approval>,
    /// Its run.
    pub run: Option<Run>,
    /// Its whole life, oldest first.
    pub timeline: Vec<Moment>,
}

/// What gate 1 found of a proposal that was not made.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What was found.
    pub dossier: Dossier,
    /// What policy has to say of it; none while something is missing.
    pub explanation: Option<Explanation>,
}

/// A change with every history that belongs to it.
pub(crate) struct Whole {
    pub change: Loaded<Change>,
    pub approvals: Vec<Loaded<Approval>>,
    pub run: Option<Loaded<Run>>,
}

impl Whole {
    /// Every event of every history, in the order of the ledger.
    pub fn events(&self) -> Vec<&Stored> {
        let mut all: Vec<&Stored> = self.change.events.iter().collect();
        all.extend(self.approvals.iter().flat_map(|loaded| &loaded.events));
        all.extend(self.run.iter().flat_map(|loaded| &loaded.events));
        all.sort_by_key(|stored| stored.index);
        all
    }
}

impl Inner {
    pub(crate) async fn whole(&self, id: ChangeId) -> Result<Whole, EngineError> {
        let change = self.need::<Change>(Stream::Change(id)).await?;
        let mut approvals = Vec::new();
        for approval in requests(&change) {
            approvals.extend(self.load::<Approval>(Stream::Approval(approval)).await?);
        }
        let run = match change.machine.run() {
            Some(run) => self.load::<Run>(Stream::Run(run)).await?,
            None => None,
        };
        Ok(Whole { change, approvals, run })
    }

    /// A name as people know it.
    pub(crate) fn name(&self, actor: Actor) -> String {
        let estate = self.in_force().estate.clone();
        let directory = &estate.directory;
        match actor {
            Actor::Engine => "lineclear".into(),
            Actor::Agent(id) => directory.agents.get(&id).map_or_else(|| id.to_string(), |agent| agent.login.to_string()),
            Actor::Operator(id) => directory.operators.get(&id).map_or_else(|| id.to_string(), |person| person.login.to_string()),
        }
    }
}

fn requests(change: &Loaded<Change>) -> Vec<ApprovalId> {
    let asked = change.events.iter().filter_map(|stored| {
        if let Event::Change(change::Event::Asked { approval, .. }) = &stored.happened.event { Some(*approval) } else { None }
    });
    asked.collect()
}

impl Engine {
    /// Everything there is to see of a change.
    ///
    /// # Errors
    /// When there is no such change.
    pub async fn view(&self, id: ChangeId) -> Result<ChangeView, EngineError> {
        let whole = self.inner.whole(id).await?;
        let moment = |stored: &&Stored| Moment {
            at: stored.happened.at,
            by: stored.happened.by,
            name: self.inner.name(stored.happened.by),
            stream: stored.stream,
            kind: stored.happened.event.kind(),
            index: stored.index,
            says: story::says(&stored.happened.event, &|actor| self.inner.name(actor)),
        };
        let timeline = whole.events().iter().map(moment).collect();
        let run = whole.run.map(|loaded| loaded.machine);
        let current = whole.change.machine.approval();
        let approval = whole.approvals.into_iter().map(|loaded| loaded.machine).find(|asked| Some(asked.request.id) == current);
        let change = whole.change.machine;
        let word = word(&change, run.as_ref());
        Ok(ChangeView { change, word, approval, run, timeline })
    }

    /// A name as people know it.
    pub fn name(&self, actor: Actor) -> String {
        self.inner.name(actor)
    }

    /// A page of rows, for lists.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, query: RowQuery) -> Result<Page, EngineError> {
        Ok(self.inner.store.rows(query).await?)
    }

    /// Waits until gate 1 has looked at a change, or the wait is over.
    ///
    /// # Errors
    /// When there is no such change.
    pub async fn settled(&self, id: ChangeId, wait: Duration) -> Result<ChangeView, EngineError> {
        self.wait_until(id, wait, |view| !matches!(view.change.state, change::State::Proposed)).await
    }

    /// Waits until people or policy have decided about a change, or the wait is over.
    ///
    /// # Errors
    /// When there is no such change.
    pub async fn decided(&self, id: ChangeId, wait: Duration) -> Result<ChangeView, EngineError> {
        let undecided = |view: &ChangeView| {
            matches!(view.change.state, change::State::Proposed | change::State::Blocked { .. } | change::State::Awaiting { .. })
        };
        self.wait_until(id, wait, |view| !undecided(view)).await
    }

    /// Waits until a change is over or needs a person, or the wait is over.
    ///
    /// # Errors
    /// When there is no such change.
    pub async fn finished(&self, id: ChangeId, wait: Duration) -> Result<ChangeView, EngineError> {
        let over = |view: &ChangeView| {
            view.word == "stuck" || matches!(view.change.state, change::State::Closed { .. } | change::State::Escalated { .. })
        };
        self.wait_until(id, wait, over).await
    }

    async fn wait_until(&self, id: ChangeId, wait: Duration, enough: impl Fn(&ChangeView) -> bool) -> Result<ChangeView, EngineError> {
        let mut notices = self.notices();
        let deadline = tokio::time::Instant::now() + wait.min(WAIT_MAX);
        loop {
            let view = self.view(id).await?;
            if enough(&view) {
                return Ok(view);
            }
            let ours = |stream: Stream| match stream {
                Stream::Change(moved) => moved == id,
                Stream::Run(run) => view.run.as_ref().is_some_and(|known| known.order.id == run),
                Stream::Approval(_)
                | Stream::Delivery(_)
                | Stream::Deployment(_)
                | Stream::Incident(_)
                | Stream::Emergency(_)
                | Stream::Revision(_)
                | Stream::Lane(_)
                | Stream::Runner(_)
                | Stream::Page(_)
                | Stream::Patch(_)
                | Stream::Installation => false,
            };
            loop {
                match tokio::time::timeout_at(deadline, notices.recv()).await {
                    Err(_) => return Ok(view),
                    Ok(Ok(stream)) if !ours(stream) => {}
                    // Ours, or too far behind to know: look again.
                    Ok(_) => break,
                }
            }
        }
    }

    /// What gate 1 and policy would say of a proposal now; nothing is recorded and nothing is asked of people.
    ///
    /// # Errors
    /// When the proposal is malformed or fits nothing in the estate.
    pub async fn check(&self, caller: &Caller, ask: Ask) -> Result<Checked, EngineError> {
        let by = self.known(caller)?;
        // Closed never: it lives as long as the engine.
        let _turn = self.inner.checks.acquire().await;
        let now = self.inner.now();
        let id = ChangeId::new(self.inner.ids.number());
        let proposal = Box::new(ask.parse(by)?);
        if let Some(misfit) = misfit(&self.estate(), &proposal) {
            return Err(EngineError::Malformed { pointer: String::new(), message: misfit.to_string() });
        }
        let change = Change::begin(&change::Event::Proposed { id, proposal, at: now })
            .map_err(|source| EngineError::Broken { stream: Stream::Change(id), source })?;
        let standing = self.inner.installation().await?.machine;
        let found = self.inner.gather(&change, &standing, &Approvals::default()).await?;
        let dossier = found.assessment.dossier;
        let explanation = self.explanation(&change.proposal, &dossier);
        Ok(Checked { dossier, explanation })
    }

    /// Everything policy has to say of a proposal on the facts of this dossier: every rung, and what would change the
    /// verdict. None when policy was not asked, or when other policies are in force since.
    pub fn explanation(&self, proposal: &Proposal, dossier: &Dossier) -> Option<Explanation> {
        let force = self.inner.in_force();
        if dossier.verdict.is_none() || dossier.policy != force.estate.digest {
            return None;
        }
        let case = Case {
            principal: proposal.by,
            action: proposal.action.clone(),
            target: proposal.target.clone(),
            situation: dossier.situation.clone(),
        };
        force.policies.explain(&case).ok()
    }
}

/// A change's state in one word; that of its run while that is stuck or undoing.
pub(crate) fn word(change: &Change, run: Option<&Run>) -> &'static str {
    match (&change.state, run.map(Run::word)) {
        (change::State::Running { .. }, Some("stuck")) => "stuck",
        (change::State::Running { .. }, Some("undoing")) => "undoing",
        (_, _) => change.word(),
    }
}
