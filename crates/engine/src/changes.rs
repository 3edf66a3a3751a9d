//! What is owed to a change: judging it, dispatching it, watching its result.

use std::sync::Arc;

use lineclear_core::approval::{self, Approval, Request, Withdrawal};
use lineclear_core::authority::Approvals;
use lineclear_core::catalogue::InputValue;
use lineclear_core::change::{self, Assessment, Change, Command, Effect};
use lineclear_core::digest::canonical;
use lineclear_core::dossier::Misfit;
use lineclear_core::lane::Holder;
use lineclear_core::machine::Machine as _;
use lineclear_core::plan::Plan;
use lineclear_core::record::Stream;
use lineclear_core::run::{self, Order, Run, SEMANTICS, StepRule};
use lineclear_core::runbook::Runbook;
use lineclear_core::situation::Actor;
use lineclear_core::subject::{Subject, Use};
use lineclear_core::{ChangeId, Digest, RunId, Span};

use crate::engine::Inner;
use crate::force::asked_under_another;
use crate::gather::Ground;
use crate::history::{Draft, Loaded};
use crate::propose::{misfit, parse_inputs};
use crate::pulse::Outcome;
use crate::{Caller, Engine, EngineError};

impl Inner {
    pub(crate) async fn perform_change(self: &Arc<Self>, id: ChangeId) -> Result<Outcome, EngineError> {
        let loaded = self.need::<Change>(Stream::Change(id)).await?;
        let now = self.now();
        if let change::State::Awaiting { .. } = &loaded.machine.state {
            if asked_under_another(&loaded.machine, &self.in_force()) {
                return self.assess(&loaded).await;
            }
            // It waits for people, and nothing is owed to it meanwhile.
            self.store.postpone(loaded.stream, None).await?;
            return Ok(Outcome::Waits(now));
        }
        let Some(effect) = loaded.machine.effects(now).into_iter().next() else {
            return Ok(Outcome::Waits(loaded.machine.due().unwrap_or(now + Span::from_secs(60)).max(now)));
        };
        match effect {
            Effect::Assess => self.assess(&loaded).await,
            Effect::Dispatch => self.dispatch(&loaded).await,
            Effect::Sample => self.sample(&loaded).await,
            Effect::Tick => {
                let events = loaded.machine.decide(Command::Lapse, now)?;
                let mut draft = Draft::new(&*self.ids, Actor::Engine, now);
                draft.extend(&loaded, events)?;
                if let Some(asked) = self.approval_of(&loaded.machine).await?.filter(|asked| asked.machine.open()) {
                    draft.extend(&asked, vec![approval::Event::Lapsed])?;
                }
                self.commit(draft).await?;
                Ok(Outcome::Moved)
            }
        }
    }

    async fn approval_of(&self, change: &Change) -> Result<Option<Loaded<Approval>>, EngineError> {
        match change.approval() {
            Some(id) => self.load(Stream::Approval(id)).await,
            None => Ok(None),
        }
    }

    async fn assess(self: &Arc<Self>, loaded: &Loaded<Change>) -> Result<Outcome, EngineError> {
        let installation = self.installation_in_force().await?;
        if let Some(misfit) = misfit(&self.in_force().estate, &loaded.machine.proposal) {
            return self.fits_no_more(loaded, misfit).await;
        }
        let found = self.gather(&loaded.machine, &installation.machine, &Approvals::default()).await?;
        let now = self.now();
        let assessment = found.assessment;
        let events = loaded.machine.decide(Command::Assess(Box::new(assessment.clone())), now)?;
        if events.is_empty() {
            return Ok(Outcome::Waits(now + change::REASSESS_EVERY));
        }
        let mut draft = Draft::new(&*self.ids, Actor::Engine, now);
        draft.guard(&installation);
        if let Some(asked) = self.approval_of(&loaded.machine).await? {
            draft.extend(&asked, approval_follows(&asked.machine, &events, now)?)?;
        }
        self.draft_request(&mut draft, loaded.machine.id, &assessment, &events).await?;
        draft.extend(loaded, events)?;
        self.commit(draft).await?;
        Ok(Outcome::Moved)
    }

    /// When people are asked, the request and the search for somebody who answers it begin in the same transaction.
    async fn draft_request(
        &self,
        draft: &mut Draft<'_>,
        change: ChangeId,
        assessment: &Assessment,
        events: &[change::Event],
    ) -> Result<(), EngineError> {
        if !events.iter().any(|event| matches!(event, change::Event::Asked { .. })) {
            return Ok(());
        }
        let Assessment { dossier, bundle, approval } = assessment;
        let force = self.in_force();
        let bytes = canonical(bundle)?;
        let text = String::from_utf8(bytes).map_err(|_| EngineError::NotFound("bundle".into()))?;
        let now = self.now();
        let request = Request {
            id: *approval,
            about: change.into(),
            digest: Digest::of(text.as_bytes()),
            bundle: text,
            policy: dossier.policy,
            evidence: bundle.evidence,
            audience: force.estate.origin.clone(),
            needs: bundle.needs.clone(),
            recused: bundle.recused.clone(),
            single_operator: bundle.single_operator,
            asked: now,
            until: now + force.estate.authority.approval_ttl,
        };
        self.draft_page(draft, &request).await?;
        draft.begin::<Approval>(Stream::Approval(*approval), vec![approval::Event::Asked { request: Box::new(request) }]).map(drop)
    }

    /// Looks at everything again and starts the run: posture, facts, plan and policy are what they are in this
    /// transaction, and the approval is used up in it.
    async fn dispatch(self: &Arc<Self>, loaded: &Loaded<Change>) -> Result<Outcome, EngineError> {
        let change = &loaded.machine;
        let installation = self.installation_in_force().await?;
        if let Some(misfit) = misfit(&self.in_force().estate, &change.proposal) {
            return self.fits_no_more(loaded, misfit).await;
        }
        let asked = self.approval_of(change).await?;
        // With a request it is the request's time that counts: what was granted and not used by then has lapsed.
        if let Some(late) = asked.as_ref().filter(|asked| asked.machine.open() && asked.machine.request.until <= self.now()) {
            return self.lapse(late).await;
        }
        let run = RunId::new(self.ids.number());
        if let Some(held) = self.waits_behind(change, run).await? {
            return self.queue(loaded, &held).await;
        }
        let approvals = asked.as_ref().map(|asked| asked.machine.amounts_to(self.now())).unwrap_or_default();
        let found = self.gather(change, &installation.machine, &approvals).await?;
        let now = self.now();
        let command =
            Command::Dispatch { assessment: Box::new(found.assessment.clone()), permitted: found.permitted, run, before: found.before };
        let events = change.decide(command, now)?;
        if events.is_empty() {
            return Ok(Outcome::Waits(now + change::REASSESS_EVERY));
        }
        let mut draft = Draft::new(&*self.ids, Actor::Engine, now);
        draft.guard(&installation);
        if let Some(asked) = &asked {
            draft.extend(asked, approval_follows(&asked.machine, &events, now)?)?;
        }
        self.draft_request(&mut draft, change.id, &found.assessment, &events).await?;
        let begins = self.draft_run(&mut draft, change, &events)?;
        if begins {
            self.draft_act(&mut draft, found.assessment.dossier.emergency, change.id, run).await?;
        }
        if begins && let Some(turn) = self.turn(found.assessment.dossier.plan.as_ref()).await? {
            match turn.take(Holder { run, change: change.id }, now) {
                Ok(taken) => turn.draft(&mut draft, taken)?,
                Err(held) => return self.queue(loaded, &held).await,
            }
        }
        draft.extend(loaded, events)?;
        self.commit(draft).await?;
        Ok(Outcome::Moved)
    }

    /// When a run starts, it begins in the same transaction; says whether one does.
    fn draft_run(&self, draft: &mut Draft<'_>, change: &Change, events: &[change::Event]) -> Result<bool, EngineError> {
        let started = events.iter().find_map(|event| {
            if let change::Event::Started { run, dossier, bundle, at, .. } = event { Some((*run, dossier, bundle, *at)) } else { None }
        });
        let Some((run, dossier, bundle, begun)) = started else { return Ok(false) };
        let force = self.in_force();
        let runbook = Ground::of(&force.estate, change)?.runbook.ok_or_else(|| EngineError::NotFound("runbook".into()))?;
        let plan = dossier.plan.clone().ok_or_else(|| EngineError::NotFound("plan".into()))?;
        let rules = rules(runbook, &plan).ok_or_else(|| EngineError::NotFound("step".into()))?;
        let order = Order {
            id: run,
            change: change.id,
            bundle: bundle.digest()?,
            plan,
            rules,
            begun,
            deadline: begun + runbook.deadline,
            semantics: SEMANTICS,
            risk: bundle.risk,
            emergency: dossier.emergency,
        };
        draft.begin::<Run>(Stream::Run(run), vec![run::Event::Begun { order: Box::new(order) }]).map(|_| true)
    }

    async fn sample(self: &Arc<Self>, loaded: &Loaded<Change>) -> Result<Outcome, EngineError> {
        let force = self.version_of(&loaded.machine).await?;
        let ground = Ground::of(&force.estate, &loaded.machine)?;
        let closing = ground.action.closes;
        let sample = self.watched(&loaded.machine, &ground).await;
        let now = self.now();
        let events = loaded.machine.decide(Command::Sample { sample, closing }, now)?;
        let mut draft = Draft::new(&*self.ids, Actor::Engine, now);
        draft.extend(loaded, events)?;
        self.commit(draft).await?;
        Ok(Outcome::Moved)
    }

    /// The estate in force no longer holds what a change is about.
    async fn fits_no_more(&self, loaded: &Loaded<Change>, misfit: Misfit) -> Result<Outcome, EngineError> {
        let now = self.now();
        let events = loaded.machine.decide(Command::Misfit(misfit), now)?;
        let mut draft = Draft::new(&*self.ids, Actor::Engine, now);
        if let Some(asked) = self.approval_of(&loaded.machine).await? {
            draft.extend(&asked, approval_follows(&asked.machine, &events, now)?)?;
        }
        draft.extend(loaded, events)?;
        self.commit(draft).await?;
        Ok(Outcome::Moved)
    }

    /// An unanswered request lapses, and its change or its estate with it.
    pub(crate) async fn lapse(self: &Arc<Self>, asked: &Loaded<Approval>) -> Result<Outcome, EngineError> {
        let now = self.now();
        let events = asked.machine.decide(approval::Command::Tick, now)?;
        if events.is_empty() {
            return Ok(Outcome::Waits(asked.machine.request.until.max(now)));
        }
        let mut draft = Draft::new(&*self.ids, Actor::Engine, now);
        draft.extend(asked, events)?;
        let change = match asked.machine.request.about {
            Subject::Change { change } => change,
            Subject::Revision { revision, .. } => {
                self.lapse_revision(&mut draft, revision, asked.machine.request.id).await?;
                self.commit(draft).await?;
                return Ok(Outcome::Moved);
            }
        };
        let change = self.need::<Change>(Stream::Change(change)).await?;
        if change.machine.approval() == Some(asked.machine.request.id) {
            draft.extend(&change, change.machine.decide(Command::Lapse, now)?)?;
        }
        self.commit(draft).await?;
        Ok(Outcome::Moved)
    }
}

/// What becomes of the request that a cleared change stood on.
fn approval_follows(
    asked: &Approval,
    events: &[change::Event],
    now: lineclear_core::Timestamp,
) -> Result<Vec<approval::Event>, EngineError> {
    let mut follows = Vec::new();
    for event in events {
        if let change::Event::Started { run, .. } = event {
            follows.extend(asked.decide(approval::Command::Consume(Use::Run { run: *run }), now)?);
        } else if let change::Event::Lapsed { .. } = event {
            follows.extend(asked.open().then_some(approval::Event::Lapsed));
        } else if let Some(why) = withdrawal(event).filter(|_| asked.open()) {
            follows.extend(asked.decide(approval::Command::Withdraw(why), now)?);
        }
    }
    Ok(follows)
}

/// Why a request is no longer asked after this event, if so.
fn withdrawal(event: &change::Event) -> Option<Withdrawal> {
    let is = |wanted: &str| event.word() == wanted;
    if is("asked") || is("cleared") {
        Some(Withdrawal::Drifted)
    } else if is("blocked") {
        Some(Withdrawal::Blocked)
    } else if is("denied") {
        Some(Withdrawal::Denied)
    } else if is("withdrawn") {
        Some(Withdrawal::ChangeWithdrawn)
    } else if is("amended") {
        Some(Withdrawal::Amended)
    } else if is("misfit") {
        Some(Withdrawal::Superseded)
    } else {
        None
    }
}

/// One rule for each step of the plan.
fn rules(runbook: &Runbook, plan: &Plan) -> Option<Vec<StepRule>> {
    plan.steps.iter().map(|planned| runbook.rule(&planned.step)).collect()
}

impl Engine {
    /// Takes a proposal back.
    ///
    /// # Errors
    /// When the change runs already, is over, or is another agent's.
    pub async fn withdraw(&self, caller: &Caller, id: ChangeId, reason: String) -> Result<(), EngineError> {
        let by = self.known(caller)?;
        self.change_before_the_run(id, by, Command::Withdraw { by, reason }).await
    }

    /// Changes a proposal's inputs; it is judged and asked again, and votes on the old inputs count for nothing.
    ///
    /// # Errors
    /// When the inputs do not fit the action, the change runs already, is over, or is another agent's.
    pub async fn amend(
        &self,
        caller: &Caller,
        id: ChangeId,
        inputs: std::collections::BTreeMap<String, InputValue>,
    ) -> Result<(), EngineError> {
        let by = self.known(caller)?;
        let inputs = parse_inputs(inputs)?;
        let loaded = self.inner.need::<Change>(Stream::Change(id)).await?;
        if let Some(action) = self.estate().catalogue.actions.get(&loaded.machine.proposal.action) {
            action.check_inputs(&inputs).map_err(|fault| EngineError::Misfit { change: id, misfit: Misfit::Inputs(fault) })?;
        }
        self.change_before_the_run(id, by, Command::Amend { by, inputs }).await
    }

    async fn change_before_the_run(&self, id: ChangeId, by: Actor, command: Command) -> Result<(), EngineError> {
        let inner = &self.inner;
        for _ in 0..crate::engine::CONFLICTS_MAX {
            let loaded = inner.need::<Change>(Stream::Change(id)).await?;
            let now = inner.now();
            let mut draft = Draft::new(&*inner.ids, by, now);
            let events = match loaded.machine.decide(command.clone(), now) {
                Ok(events) => events,
                Err(refusal) => {
                    draft.extend(&loaded, loaded.machine.refused(&command, &refusal, now))?;
                    match inner.commit(draft).await {
                        Err(lineclear_store::StoreError::Conflict { .. }) => continue,
                        other => return other.map_err(EngineError::from).and(Err(refusal.into())),
                    }
                }
            };
            if let Some(asked) = inner.approval_of(&loaded.machine).await? {
                draft.extend(&asked, approval_follows(&asked.machine, &events, now)?)?;
            }
            draft.extend(&loaded, events)?;
            match inner.commit(draft).await {
                Err(lineclear_store::StoreError::Conflict { .. }) => {}
                other => return other.map(drop).map_err(EngineError::from),
            }
        }
        Err(EngineError::Busy(Stream::Change(id)))
    }

    /// A person declares the outcome of a change, or overrules the machine's.
    ///
    /// # Errors
    /// When there is nothing to declare, or no reason is given.
    pub async fn declare(&self, caller: &Caller, id: ChangeId, success: bool, reason: String) -> Result<(), EngineError> {
        self.known(caller)?;
        let by = caller.person()?;
        let command = Command::Declare { by, success, reason };
        self.change_before_the_run(id, Actor::Operator(by), command).await
    }

    /// A person takes back what a run did: the run goes backwards through its undos.
    ///
    /// # Errors
    /// When the change is not escalated after a finished run, or no reason is given.
    pub async fn take_back(&self, caller: &Caller, id: ChangeId, reason: String) -> Result<(), EngineError> {
        self.known(caller)?;
        let by = caller.person()?;
        let inner = &self.inner;
        let loaded = inner.need::<Change>(Stream::Change(id)).await?;
        let now = inner.now();
        let events = loaded.machine.decide(Command::TakeBack { by, reason }, now)?;
        let run = loaded.machine.run().ok_or_else(|| EngineError::NotFound("run".into()))?;
        let run = inner.need::<Run>(Stream::Run(run)).await?;
        let turned = run.machine.decide(run::Command::TakeBack, now)?;
        let mut draft = Draft::new(&*inner.ids, Actor::Operator(by), now);
        let ended = draft.extend(&run, turned)?;
        if ended.open()
            && let Some(turn) = inner.turn(Some(&ended.order.plan)).await?
        {
            let taken = turn.take(Holder { run: ended.order.id, change: id }, now)?;
            turn.draft(&mut draft, taken)?;
        }
        let mut events = events;
        if let run::State::Ended { how } = ended.state {
            let mut change = loaded.machine.clone();
            for event in &events {
                change = change.apply(event).map_err(|source| EngineError::Broken { stream: loaded.stream, source })?;
            }
            events.extend(change.decide(Command::EndRun { how, soak: Span::ZERO }, now)?);
        }
        draft.extend(&loaded, events)?;
        inner.commit(draft).await?;
        Ok(())
    }
}
