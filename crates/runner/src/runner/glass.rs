//! Acting without the control plane: the same machine of runs, driven here, every event of it a signed line on this disk before
//! anything follows from it. What a crash leaves is fenced, looked at and written down; nothing is started again.

use std::time::Duration;

use lineclear_core::digest::Digest;
use lineclear_core::emergency::told_as;
use lineclear_core::glass::{Closing, GLASS_TYPE, GlassStatement, Said};
use lineclear_core::machine::{Machine as _, fold};
use lineclear_core::plan::{LeftOut, Plan, PlannedStep, ToolCall};
use lineclear_core::run::{self, Attempt, Command, Direction, Effect, Found, Order, Phase, Run, RunEnd, SEMANTICS, State};
use lineclear_core::runbook::{Runbook, render, render_text};
use lineclear_core::{ChangeId, RunId, WarrantId};
use lineclear_warrant::{Report, Rule, SessionKey, check_glass};
use serde_json::{Value, json};

use super::act::Task;
use super::{Inner, Runner};
use crate::glass::{GlassAsked, GlassDraft, GlassEnd, GlassRefusal, Pages, Untold, admitted, told, written};
use crate::journal::{Session, SessionState, Standing};
use crate::tools::{Args, fence, shorten};

/// How long one preview may take.
const PREVIEW_TIMEOUT: Duration = Duration::from_secs(8);

/// A run that is being carried out and written down.
struct Scene<'j> {
    pages: Pages<'j>,
    run: Run,
}

impl Runner {
    /// Drafts the statement that a person would sign. Everything that the runner's own file can refuse is refused before.
    ///
    /// # Errors
    /// The first thing that is not allowed, or a journal that cannot be written.
    pub fn draft_glass(&self, asked: &GlassAsked<'_>) -> Result<GlassDraft, GlassRefusal> {
        let inner = &self.inner;
        let (action, _) = admitted(inner.glass.as_ref(), &inner.trust, asked)?;
        let now = inner.now();
        let seed = random()?;
        let key = SessionKey::from_seed(seed);
        let statement = GlassStatement {
            kind: GLASS_TYPE.into(),
            audience: inner.trust.audience.clone(),
            runner: inner.trust.runner,
            person: asked.person,
            action: action.clone(),
            target: asked.target.clone(),
            runbook: asked.runbook.digest,
            inputs: asked.inputs.clone(),
            justification: asked.justification.trim().into(),
            plane: asked.plane.clone(),
            session_key: key.public(),
            issued_at: now,
            expires_at: now + asked.lasts,
            nonce: hex(&random()?),
        };
        statement.check().map_err(|error| GlassRefusal::Glass(error.into()))?;
        inner.journal.draft_session(&key.public(), &hex(&seed), now)?;
        Ok(GlassDraft { text: statement.to_text(), statement })
    }

    /// Breaks the glass: checks the statement and its signature against this runner's own file, writes the first line, and carries
    /// the runbook out. `tell` hears one sentence for each line.
    ///
    /// # Errors
    /// Why nothing was begun, or nothing more can be written down; what was written stays, and is told by [`Runner::recover_glasses`].
    pub async fn break_glass(
        &self,
        text: &str,
        signature: &str,
        runbook: &Runbook,
        tell: &(dyn Fn(&run::Event) + Sync),
    ) -> Result<GlassEnd, GlassRefusal> {
        let inner = &self.inner;
        let said = GlassStatement::parse(text).map_err(|error| GlassRefusal::Glass(error.into()))?;
        let rule = inner.admit_glass(&said, runbook)?;
        check_glass(text, signature, inner.trust.keys_of(&said.person))?;
        let now = inner.now();
        if said.expires_at <= now || now < said.issued_at {
            return Err(GlassRefusal::Expired(said.expires_at));
        }
        let drafted = inner.journal.session(&said.session_key)?.filter(|session| session.state == SessionState::Drafted);
        let key = drafted.as_ref().and_then(key_of).ok_or(GlassRefusal::Used)?;
        let plan = inner.plan(&said, runbook, rule).await?;
        inner.journal.open_session(&said.session_key, now).map_err(|_| GlassRefusal::Used)?;
        let mut pages = Pages::create(&inner.pages, &said.session_key, key, &inner.journal, now)?;
        pages.write(Said::Opened { text: text.into(), signature: signature.into() }, inner.now())?;
        let emergency = told_as(pages.last());
        let order = inner.order(&said, Digest::of(text.as_bytes()), emergency, plan, runbook, rule)?;
        let begun = run::Event::Begun { order: Box::new(order) };
        let run = fold::<Run>([&begun]).ok().flatten().ok_or_else(|| GlassRefusal::NoPlan("the run cannot begin".into()))?;
        pages.write(Said::Ran { event: Box::new(begun) }, inner.now())?;
        let mut scene = Scene { pages, run };
        inner.carry_out(&mut scene, tell).await?;
        let how = closing(&scene.run);
        scene.pages.write(Said::Closed { how }, inner.now())?;
        let why = if let State::Stuck { why, .. } = &scene.run.state { Some(why.clone()) } else { None };
        Ok(GlassEnd { session: said.session_key, emergency, how, why, lines: scene.pages.lines() })
    }

    /// Settles every session whose process ended in the middle: what became of its last attempt is fenced, looked at and written
    /// down, and its journal is closed. Nothing is started.
    ///
    /// # Errors
    /// The first session that cannot be settled; the others are.
    pub async fn recover_glasses(&self) -> Result<Vec<GlassEnd>, GlassRefusal> {
        let (mut all, mut fault) = (Vec::new(), None);
        for session in self.inner.journal.sessions()?.into_iter().filter(|session| session.state == SessionState::Open) {
            match self.inner.recover(&session).await {
                Ok(end) => all.push(end),
                Err(error) => fault = fault.or(Some(error)),
            }
        }
        fault.map_or(Ok(all), Err)
    }

    /// The journals that the control plane has not been told, by session, each whole or with what is wrong with it.
    ///
    /// # Errors
    /// When the runner's own journal cannot be read.
    pub fn untold_glasses(&self) -> Result<Vec<Untold>, GlassRefusal> {
        let closed = self.inner.journal.sessions()?.into_iter().filter(|session| session.state == SessionState::Closed);
        let untold = |session: Session| {
            let journal = told(&self.inner.pages, &session, |person| self.inner.trust.keys_of(person)).map(|(text, _)| text);
            Untold { session, journal }
        };
        Ok(closed.map(untold).collect())
    }

    /// Every session that was opened here.
    ///
    /// # Errors
    /// When the runner's own journal cannot be read.
    pub fn glasses(&self) -> Result<Vec<Session>, GlassRefusal> {
        Ok(self.inner.journal.sessions()?)
    }

    /// Says that the control plane has a journal. The file stays.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn told_glass(&self, session: &Session) -> Result<(), GlassRefusal> {
        Ok(self.inner.journal.told_session(&session.session, self.inner.now())?)
    }

    /// Who may break the glass here, and what for.
    pub fn glass_rules(&self) -> Option<&crate::config::GlassRules> {
        self.inner.glass.as_ref()
    }
}

impl Inner {
    /// Checks what was signed once more, as if nobody had looked at it before.
    fn admit_glass(&self, said: &GlassStatement, runbook: &Runbook) -> Result<&Rule, GlassRefusal> {
        if said.runner != self.trust.runner || said.audience != self.trust.audience {
            return Err(GlassRefusal::Elsewhere);
        }
        let asked = GlassAsked {
            person: said.person,
            target: &said.target,
            runbook,
            inputs: &said.inputs,
            justification: &said.justification,
            lasts: said.expires_at.since(said.issued_at),
            plane: &said.plane,
        };
        let (action, rule) = admitted(self.glass.as_ref(), &self.trust, &asked)?;
        if *action != said.action || runbook.digest != said.runbook {
            return Err(GlassRefusal::Unpinned(said.runbook));
        }
        Ok(rule)
    }

    /// The plan, read from the live system; every call of it is allowed here.
    async fn plan(&self, said: &GlassStatement, runbook: &Runbook, rule: &Rule) -> Result<Plan, GlassRefusal> {
        let (mut steps, mut left_out) = (Vec::new(), Vec::new());
        for (branch, step) in runbook.all_steps() {
            let told = |why: String| GlassRefusal::NoPlan(format!("step `{}`: {why}", step.id));
            if let Some(condition) = step.left_out_by(&said.inputs) {
                left_out.push(LeftOut { step: step.id.clone(), why: format!("it is not so that {condition}") });
                continue;
            }
            let filled = |call: &ToolCall| render(call, &said.inputs, &said.target).map_err(|error| told(error.to_string()));
            let call = filled(&step.call)?;
            let undo = step.undo.as_ref().map(filled).transpose()?;
            let verify = step.verify.as_ref().map(filled).transpose()?;
            let calls = [Some(&call), undo.as_ref(), verify.as_ref()].into_iter().flatten();
            rule.allows(&said.action, &said.target, calls).map_err(GlassRefusal::NotAllowed)?;
            let tool = self.tools.tool(&call).map_err(told)?;
            let effect = tool.effect(&Args::of(&call)).map_err(told)?;
            let asked = tokio::time::timeout(PREVIEW_TIMEOUT, tool.preview(Args::of(&call), undo.as_ref())).await;
            let preview = asked.unwrap_or_else(|_| Err("the live system did not answer in time".into())).map_err(told)?;
            steps.push(PlannedStep { step: step.id.clone(), call, verify, undo, effect, preview, flow: step.flow(branch) });
        }
        let key = runbook.concurrency_key.as_ref().map(|text| render_text(text, &said.inputs, &said.target));
        let concurrency_key = key.transpose().map_err(|error| GlassRefusal::NoPlan(error.to_string()))?;
        let permissions = runbook.permissions.render(&said.inputs, &said.target);
        let permissions = permissions.map_err(|error| GlassRefusal::NoPlan(format!("permissions: {error}")))?;
        let (id, runbook_digest, runs_on) = (runbook.id.clone(), runbook.digest, runbook.runs_on.clone());
        let plan = Plan { runbook: id, runbook_digest, steps, left_out, permissions, concurrency_key, runs_on, read: self.now() };
        match plan.exceeds() {
            None => Ok(plan),
            Some((step, lack)) => {
                Err(GlassRefusal::NotAllowed(format!("step `{step}`: its runbook's `permissions` do not give it {lack}")))
            }
        }
    }

    fn order(
        &self,
        said: &GlassStatement,
        bundle: Digest,
        emergency: lineclear_core::EmergencyId,
        plan: Plan,
        runbook: &Runbook,
        rule: &Rule,
    ) -> Result<Order, GlassRefusal> {
        let rules = plan.steps.iter().map(|planned| runbook.rule(&planned.step)).collect::<Option<Vec<_>>>();
        let begun = self.now();
        Ok(Order {
            id: RunId::new(emergency.number()),
            change: ChangeId::new(emergency.number()),
            bundle,
            plan,
            rules: rules.ok_or_else(|| GlassRefusal::NoPlan("the runbook has no such step".into()))?,
            begun,
            deadline: (begun + runbook.deadline).min(said.expires_at),
            semantics: SEMANTICS,
            risk: rule.risk,
            emergency: Some(emergency),
        })
    }

    async fn carry_out(&self, scene: &mut Scene<'_>, tell: &(dyn Fn(&run::Event) + Sync)) -> Result<(), GlassRefusal> {
        loop {
            let now = self.now();
            let Some(effect) = scene.run.effects(now).into_iter().next() else {
                let State::Ready { .. } = scene.run.state else { return Ok(()) };
                let wait = scene.run.wait.map_or(Duration::from_millis(200), |until| Duration::from(until.since(now)));
                tokio::time::sleep(wait).await;
                continue;
            };
            match effect {
                Effect::Intend => self.step(scene, Command::Intend { warrant: warrant()?, epoch: 0 }, tell)?,
                Effect::Offer(attempt) => self.attempt(scene, &attempt, tell).await?,
                Effect::Ask(_) | Effect::Tick => {
                    let before = scene.pages.lines();
                    self.step(scene, Command::Tick, tell)?;
                    if before == scene.pages.lines() {
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
            }
        }
    }

    /// Decides a command and writes down what follows; nothing else may follow before.
    fn step(&self, scene: &mut Scene<'_>, command: Command, tell: &(dyn Fn(&run::Event) + Sync)) -> Result<(), GlassRefusal> {
        let now = self.now();
        let refused = |error: &dyn std::fmt::Display| GlassRefusal::NoRecord(error.to_string());
        for event in scene.run.decide(command, now).map_err(|error| refused(&error))? {
            let next = scene.run.clone().apply(&event).map_err(|error| refused(&error))?;
            scene.pages.write(Said::Ran { event: Box::new(event.clone()) }, now)?;
            scene.run = next;
            tell(&event);
        }
        Ok(())
    }

    /// One attempt: on the disk here, in the runner's own journal, and only then acted on.
    async fn attempt(&self, scene: &mut Scene<'_>, attempt: &Attempt, tell: &(dyn Fn(&run::Event) + Sync)) -> Result<(), GlassRefusal> {
        let key = &attempt.key;
        let dispatch = Command::Dispatch { key: key.clone(), runner: self.trust.runner, warrant: attempt.call };
        self.step(scene, dispatch, tell)?;
        self.journal.accept_glass(key, attempt.bundle, self.now())?;
        self.step(scene, Command::Accept(key.clone()), tell)?;
        self.step(scene, Command::Start(key.clone()), tell)?;
        self.journal.start(key, self.now())?;
        let missing = || GlassRefusal::NoPlan("the step is gone".into());
        let planned = scene.run.order.plan.steps.get(attempt.index).cloned().ok_or_else(missing)?;
        let rule = scene.run.order.rules.get(attempt.index).ok_or_else(missing)?;
        let (call, verify) = match key.direction {
            Direction::Do => (Some(&planned.call), planned.verify.as_ref()),
            Direction::Undo => (planned.undo.as_ref(), None),
        };
        let call = call.ok_or_else(missing)?;
        let task = Task { attempt: key, call, verify, effect: planned.effect, deadline: attempt.deadline, budget: rule.timeout };
        let report = self.perform(&task).await;
        self.journal.end(key, &report, self.now())?;
        self.step(scene, command_of(report).ok_or_else(missing)?, tell)
    }

    /// A session that was opened and of which not one line came to the disk: nothing was done, and there is nothing to tell.
    fn forgotten(&self, session: &Session) -> Result<GlassEnd, GlassRefusal> {
        self.journal.close_session(&session.session, self.now())?;
        self.journal.told_session(&session.session, self.now())?;
        let emergency = told_as(session.last);
        Ok(GlassEnd { session: session.session.clone(), emergency, how: Closing::Nothing, why: None, lines: 0 })
    }

    async fn recover(&self, session: &Session) -> Result<GlassEnd, GlassRefusal> {
        if session.lines == 0 && !written(&self.pages, &session.session) {
            return self.forgotten(session);
        }
        let key = key_of(session).ok_or_else(|| GlassRefusal::NoRecord("the key of the session is gone".into()))?;
        let keys_of = |person: &lineclear_core::OperatorId| self.trust.keys_of(person);
        let (mut pages, read) = Pages::reopen(&self.pages, session, key, &self.journal, keys_of)?;
        let first = read.as_ref().and_then(|read| read.lines.first()).map(|(digest, _, _)| *digest);
        let emergency = told_as(first.unwrap_or_else(|| pages.last()));
        let closed = read.as_ref().and_then(|read| read.closing);
        let run = read.and_then(|read| read.run);
        let mut how = closed.unwrap_or(if run.is_some() { Closing::Interrupted } else { Closing::Nothing });
        let mut why = None;
        if let Some(how) = closed {
            // The line was on the disk, and that it was the last was not remembered.
            self.journal.wrote_line(&session.session, pages.lines(), pages.last())?;
            self.journal.close_session(&session.session, self.now())?;
            return Ok(GlassEnd { session: session.session.clone(), emergency, how, why, lines: pages.lines() });
        }
        if first.is_none() {
            return self.forgotten(session);
        }
        if let Some(run) = run {
            let mut scene = Scene { pages, run };
            self.find_out_glass(&mut scene).await?;
            if let State::Stuck { why: stuck, .. } = &scene.run.state {
                why = Some(stuck.clone());
            }
            if let State::Ended { .. } = scene.run.state {
                how = closing(&scene.run);
            }
            pages = scene.pages;
        }
        pages.write(Said::Closed { how }, self.now())?;
        Ok(GlassEnd { session: session.session.clone(), emergency, how, why, lines: pages.lines() })
    }

    /// What became of the attempt that was under way: asked of the runner's own journal, fenced, looked at.
    async fn find_out_glass(&self, scene: &mut Scene<'_>) -> Result<(), GlassRefusal> {
        let Some((attempt, phase)) = scene.run.attempt().map(|(attempt, phase)| (attempt.clone(), phase)) else { return Ok(()) };
        if phase == Phase::Intended {
            return Ok(());
        }
        let key = attempt.key.clone();
        let command = match self.journal.ask(&key, self.now())? {
            Standing::Ended(report) => command_of(report),
            Standing::Never => Some(Command::Probe { key, found: Found::NeverStarted, output: json!({}) }),
            Standing::Found(found, output) => Some(Command::Probe { key, found, output }),
            Standing::UnderWay => None,
            Standing::Lost { .. } => {
                let (found, output) = self.look_at(scene, &attempt).await;
                if found != Found::Inconclusive {
                    self.journal.found(&key, found, &output, self.now())?;
                }
                Some(Command::Probe { key, found, output })
            }
        };
        match command {
            Some(command) => self.step(scene, command, &|_| {}),
            None => Ok(()),
        }
    }

    async fn look_at(&self, scene: &Scene<'_>, attempt: &Attempt) -> (Found, Value) {
        let unclear = |why: &str| (Found::Inconclusive, json!({ "why": shorten(why) }));
        let began = self.now();
        if !fence(&attempt.key).await {
            return unclear("processes of the attempt could not be killed");
        }
        let planned = scene.run.order.plan.steps.get(attempt.index);
        let check = planned.filter(|_| attempt.key.direction == Direction::Do).and_then(|planned| planned.verify.as_ref());
        let Some(check) = check else { return unclear("the step has no check") };
        let tool = match self.tools.tool(check) {
            Ok(tool) => tool,
            Err(why) => return unclear(&why),
        };
        match tool.check(Args::of(check)).await {
            Ok(look) if look.holds => (Found::Applied, look.seen),
            // A request that had left before the crash may still arrive, for as long as its answer was waited for.
            Ok(_) if began < attempt.deadline => unclear("the check does not hold, and what was sent may still arrive"),
            Ok(look) => (Found::NotApplied, look.seen),
            Err(why) => unclear(&why),
        }
    }
}

fn command_of(report: Report) -> Option<Command> {
    match report {
        Report::Succeeded { attempt, output } => Some(Command::Succeed { key: attempt, output }),
        Report::Failed { attempt, applied, why } => Some(Command::Fail { key: attempt, applied, why }),
        Report::Accepted { .. } | Report::Started { .. } | Report::Refused { .. } => None,
    }
}

fn closing(run: &Run) -> Closing {
    match &run.state {
        State::Ended { how: RunEnd::Done } => Closing::Done,
        State::Ended { how: RunEnd::Undone } => Closing::Undone,
        State::Ended { how: RunEnd::Stopped | RunEnd::Aborted } => Closing::Stopped,
        State::Ready { .. } | State::Trying { .. } | State::Failed { .. } | State::Stuck { .. } => Closing::Stuck,
    }
}

fn key_of(session: &Session) -> Option<SessionKey> {
    let seed = lineclear_ledger::Hash::from_hex(session.seed.as_deref()?).ok()?;
    Some(SessionKey::from_seed(*seed.as_bytes()))
}

fn random() -> Result<[u8; 32], GlassRefusal> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| GlassRefusal::NoRecord("the operating system gives no random numbers".into()))?;
    Ok(bytes)
}

fn hex(bytes: &[u8; 32]) -> String {
    lineclear_ledger::Hash::from_bytes(*bytes).to_string()
}

fn warrant() -> Result<WarrantId, GlassRefusal> {
    let bytes = random()?;
    let id = format!("warrant_{}", hex(&bytes).chars().take(32).collect::<String>());
    id.parse().map_err(|_| GlassRefusal::NoRecord("no number could be drawn".into()))
}
