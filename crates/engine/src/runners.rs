//! Runners on other machines: invited, drained, resumed and revoked by people, enrolled by their token, and heard.

use lineclear_core::label::Labels;
use lineclear_core::machine::Machine as _;
use lineclear_core::name::RunnerName;
use lineclear_core::record::Stream;
use lineclear_core::run::{AttemptKey, Phase, Run};
use lineclear_core::runner::{Act, Event, INVITATION_TTL, RUNNERS_MAX, Runner, RunnerKey, State, VERSION_MAX};
use lineclear_core::situation::Actor;
use lineclear_core::{ChangeId, RunnerId, Timestamp};
use lineclear_store::RowQuery;
use lineclear_warrant::{Beat, Token};
use serde::Serialize;
use subtle::ConstantTimeEq as _;

use crate::engine::{CONFLICTS_MAX, Inner};
use crate::history::{Draft, Loaded};
use crate::pulse::Outcome;
use crate::roster::Standing;
use crate::{Caller, Engine, EngineError};

/// Most runs that are looked through for who holds what.
const RUNS_MAX: u32 = 200;
/// Runners that are revoked or lapsed and shown all the same, newest first.
const GONE_SHOWN: u32 = 20;
/// Longest word of a runner about its sandbox, in characters.
const SANDBOX_MAX: usize = 200;

/// A token for one runner. It is shown once, here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invitation {
    /// The runner that it will make.
    pub runner: RunnerId,
    /// The token's text; only its digest is kept.
    pub token: String,
    /// Until when it works.
    pub until: Timestamp,
}

/// What a runner is told when it has enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Enrolled {
    /// Who it is from now on.
    pub runner: RunnerId,
    /// What people call it.
    pub name: RunnerName,
    /// What it carries.
    pub labels: Labels,
    /// The origin of the ledger, which is the audience of warrants and requests.
    pub origin: String,
    /// The ledger's verifier key; the runner's own file has the last word.
    pub vkey: String,
    /// The key of warrants; the same holds.
    pub warrant_key: String,
}

/// An attempt that a runner holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// The change that it serves.
    pub change: ChangeId,
    /// Which.
    pub attempt: AttemptKey,
    /// How far it has come, in one word.
    pub phase: Phase,
}

/// Everything there is to see of a runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunnerView {
    /// Which.
    pub id: RunnerId,
    /// What people call it; none of the one in this process.
    pub name: Option<RunnerName>,
    /// `invited`, `active`, `draining`, `lapsed`, `revoked`; `embedded` of the one in this process.
    pub state: &'static str,
    /// What it carries.
    pub labels: Labels,
    /// Whether it was heard within 45 seconds.
    pub connected: bool,
    /// When it was last heard since this engine started.
    pub heard: Option<Timestamp>,
    /// The version that it says it is.
    pub version: Option<String>,
    /// The sandbox that it says it has for commands.
    pub sandbox: Option<String>,
    /// Whether it says that it is stopping: it takes nothing new, and finishes what it has.
    pub stopping: bool,
    /// The size of the last head of the ledger that it showed, with a signature that holds.
    pub head: Option<u64>,
    /// What it holds, by the record.
    pub holds: Vec<Holding>,
    /// Its public key.
    pub key: Option<RunnerKey>,
    /// Who invited it.
    pub invited_by: Option<String>,
    /// When it was invited.
    pub invited: Option<Timestamp>,
    /// Until when its token works, while it waits.
    pub until: Option<Timestamp>,
    /// Whether its token was shown again after it was used: somebody has a copy.
    pub token_shown_again: bool,
}

impl Inner {
    /// Whether a runner may speak, and what it may be given, by its history.
    pub(crate) async fn admit(&self, runner: RunnerId) -> Result<Standing, EngineError> {
        let standing = if self.roster.is_embedded(runner) {
            Some(Standing { labels: Labels::default(), works: true })
        } else {
            self.load::<Runner>(Stream::Runner(runner)).await?.and_then(|loaded| Standing::of(&loaded.machine))
        };
        self.roster.admit(runner, standing.clone());
        standing.ok_or(EngineError::UnknownRunner(runner))
    }

    /// The size of a head that a runner shows: one that our key signed, and that this ledger has reached.
    pub(crate) async fn seen(&self, head: Option<&String>) -> Result<Option<u64>, EngineError> {
        let Some(note) = head else { return Ok(None) };
        let seen = self.log.open_checkpoint(note).map_err(|error| EngineError::Head(error.to_string()))?;
        let ours = self.store.head().await?;
        if seen.size > ours.size {
            return Err(EngineError::Head(format!("the runner saw {} entries, this ledger has {}", seen.size, ours.size)));
        }
        Ok(Some(seen.size))
    }

    /// The end of an invitation that nobody took up.
    pub(crate) async fn perform_runner(&self, id: RunnerId) -> Result<Outcome, EngineError> {
        let loaded = self.need::<Runner>(Stream::Runner(id)).await?;
        let now = self.now();
        let Some(event) = loaded.machine.lapse(now) else {
            return Ok(Outcome::Waits(loaded.machine.due().unwrap_or(now + INVITATION_TTL).max(now)));
        };
        let mut draft = Draft::new(&*self.ids, Actor::Engine, now);
        draft.extend(&loaded, vec![event])?;
        self.commit(draft).await?;
        Ok(Outcome::Moved)
    }

    async fn runners(&self) -> Result<Vec<Loaded<Runner>>, EngineError> {
        let query = |open, limit| RowQuery { kind: "runner".into(), open: Some(open), limit, ..RowQuery::default() };
        let mut loaded = Vec::new();
        for query in [query(true, RUNNERS_MAX), query(false, GONE_SHOWN)] {
            for row in self.store.rows(query).await?.rows {
                loaded.extend(self.load::<Runner>(row.stream).await?);
            }
        }
        Ok(loaded)
    }

    /// What every runner holds, by the record.
    async fn held(&self) -> Result<Vec<(RunnerId, Holding)>, EngineError> {
        let query = RowQuery { kind: "run".into(), open: Some(true), limit: RUNS_MAX, ..RowQuery::default() };
        let mut held = Vec::new();
        for row in self.store.rows(query).await?.rows {
            let Some(run) = self.load::<Run>(row.stream).await? else { continue };
            if let Some((attempt, phase)) = run.machine.attempt()
                && let Some(runner) = attempt.runner
            {
                held.push((runner, Holding { change: attempt.change, attempt: attempt.key.clone(), phase }));
            }
        }
        Ok(held)
    }

    fn view(&self, runner: &Runner, held: &[(RunnerId, Holding)]) -> RunnerView {
        let until = if let State::Invited { until } = runner.state { Some(until) } else { None };
        let enrolled = if let State::Enrolled { version, .. } = &runner.state { Some(version.clone()) } else { None };
        let seen = self.presence(runner.id, held);
        RunnerView {
            name: Some(runner.name.clone()),
            state: runner.word(),
            labels: runner.labels.clone(),
            connected: seen.connected && runner.key().is_some(),
            version: seen.version.clone().or(enrolled),
            key: runner.key(),
            invited_by: Some(self.name(Actor::Operator(runner.invited_by))),
            invited: Some(runner.invited),
            until,
            token_shown_again: runner.shown_again,
            ..seen
        }
    }

    /// What is known without a history: all there is of the one in this process.
    fn presence(&self, id: RunnerId, held: &[(RunnerId, Holding)]) -> RunnerView {
        let seen = self.roster.presence(id);
        RunnerView {
            id,
            name: None,
            state: "embedded",
            labels: Labels::default(),
            connected: seen.connected,
            heard: seen.heard,
            version: seen.beat.as_ref().map(|beat| beat.version.clone()),
            sandbox: seen.beat.as_ref().map(|beat| beat.sandbox.clone()),
            stopping: seen.beat.is_some_and(|beat| beat.stopping),
            head: seen.head,
            holds: held.iter().filter(|(runner, _)| *runner == id).map(|(_, holding)| holding.clone()).collect(),
            key: None,
            invited_by: None,
            invited: None,
            until: None,
            token_shown_again: false,
        }
    }
}

impl Engine {
    /// Makes a token that lets one runner in, once, within an hour. People only.
    ///
    /// # Errors
    /// When a machine asks, a runner has this name already, or there are too many.
    pub async fn invite_runner(&self, caller: &Caller, name: RunnerName, labels: Labels) -> Result<Invitation, EngineError> {
        self.known(caller)?;
        let (inner, by) = (&self.inner, caller.person()?);
        // One after the other, so that no two have one name.
        let _turn = inner.inviting.lock().await;
        let query = RowQuery { kind: "runner".into(), open: Some(true), limit: RUNNERS_MAX, ..RowQuery::default() };
        let page = inner.store.rows(query).await?;
        if page.rows.iter().any(|row| row.key == name.as_str()) {
            return Err(EngineError::NameTaken(name));
        }
        if page.more || page.rows.len() >= usize::try_from(RUNNERS_MAX).unwrap_or(usize::MAX) {
            return Err(EngineError::TooManyRunners);
        }
        let (id, now) = (RunnerId::new(inner.ids.number()), inner.now());
        let token = Token::new(id, inner.ids.random());
        let until = now + INVITATION_TTL;
        let invited = Event::Invited { id, name, labels, token: token.digest(), by, until, at: now };
        let mut draft = Draft::new(&*inner.ids, Actor::Operator(by), now);
        draft.begin::<Runner>(Stream::Runner(id), vec![invited])?;
        inner.commit(draft).await?;
        Ok(Invitation { runner: id, token: token.to_string(), until })
    }

    /// Lets a runner in that shows its token for the first time, with its key. With another key the token is worth nothing afterwards,
    /// and showing it again is recorded, once.
    ///
    /// # Errors
    /// When the token enrols nobody: unknown, used, lapsed or taken back.
    pub async fn enrol_runner(&self, token: &str, key: RunnerKey, version: &str) -> Result<Enrolled, EngineError> {
        let inner = &self.inner;
        let token: Token = token.parse().map_err(|_| EngineError::NoInvitation)?;
        let stream = Stream::Runner(token.runner());
        for _ in 0..CONFLICTS_MAX {
            let loaded = inner.load::<Runner>(stream).await?.ok_or(EngineError::NoInvitation)?;
            let runner = &loaded.machine;
            if !bool::from(runner.token.as_bytes().ct_eq(token.digest().as_bytes())) {
                return Err(EngineError::NoInvitation);
            }
            let now = inner.now();
            let (event, refusal) = match runner.enrol(key, version, now) {
                Ok(event) => (Some(event), None),
                // The answer was lost on the way: the same runner asks again, with the same key.
                Err(_) if runner.key() == Some(key) => (None, None),
                Err(refusal) => (runner.shown(now), Some(refusal)),
            };
            let mut draft = Draft::new(&*inner.ids, Actor::Engine, now);
            draft.extend(&loaded, event.into_iter().collect())?;
            match inner.commit(draft).await.map_err(EngineError::from) {
                Err(EngineError::Busy(_)) => continue,
                other => other?,
            };
            if let Some(refusal) = refusal {
                tracing::warn!(runner.id = %runner.id, why = %refusal, "a token was shown that enrols nobody any more");
                return Err(refusal.into());
            }
            let (origin, vkey) = (self.estate().origin.clone(), inner.log.to_string());
            let (name, labels, warrant_key) = (runner.name.clone(), runner.labels.clone(), inner.warrant_key.public().to_string());
            return Ok(Enrolled { runner: runner.id, name, labels, origin, vkey, warrant_key });
        }
        Err(EngineError::Busy(stream))
    }

    /// Drains, resumes or revokes a runner. People only. A revoked one is told so at once, and what it holds is unknown.
    ///
    /// # Errors
    /// When a machine asks, there is no such runner, no reason is given, or its state does not allow it.
    pub async fn act_on_runner(&self, caller: &Caller, id: RunnerId, act: Act, reason: &str) -> Result<RunnerView, EngineError> {
        self.known(caller)?;
        let (inner, by) = (&self.inner, caller.person()?);
        for _ in 0..CONFLICTS_MAX {
            let loaded = inner.need::<Runner>(Stream::Runner(id)).await?;
            let now = inner.now();
            let events = loaded.machine.act(act, by, reason, now)?;
            let mut draft = Draft::new(&*inner.ids, Actor::Operator(by), now);
            let runner = draft.extend(&loaded, events)?;
            match inner.commit(draft).await.map_err(EngineError::from) {
                Err(EngineError::Busy(_)) => continue,
                other => other?,
            };
            inner.roster.admit(id, Standing::of(&runner));
            inner.desk.stir();
            return Ok(inner.view(&runner, &inner.held().await?));
        }
        Err(EngineError::Busy(Stream::Runner(id)))
    }

    /// Every runner, newest first, those that are revoked or lapsed after them, the one in this process last. People only.
    ///
    /// # Errors
    /// When a machine asks, or the store fails.
    pub async fn runners(&self, caller: &Caller) -> Result<Vec<RunnerView>, EngineError> {
        self.known(caller)?;
        caller.person()?;
        let (inner, held) = (&self.inner, self.inner.held().await?);
        let mut views: Vec<_> = inner.runners().await?.iter().map(|loaded| inner.view(&loaded.machine, &held)).collect();
        views.extend(inner.roster.embedded().iter().map(|id| inner.presence(*id, &held)));
        Ok(views)
    }

    /// The key that signs a runner's requests.
    ///
    /// # Errors
    /// When it is not enrolled, or was revoked.
    pub async fn runner_key(&self, id: RunnerId) -> Result<RunnerKey, EngineError> {
        let loaded = self.inner.load::<Runner>(Stream::Runner(id)).await?;
        loaded.and_then(|loaded| loaded.machine.key()).ok_or(EngineError::UnknownRunner(id))
    }

    /// A runner says that it is there, and what it is.
    ///
    /// # Errors
    /// When it may not speak, or shows a head that is not of this ledger.
    pub async fn heartbeat(&self, runner: RunnerId, beat: Beat) -> Result<(), EngineError> {
        self.inner.admit(runner).await?;
        let head = self.inner.seen(beat.head.as_ref()).await?;
        let cut = |text: &str, most: usize| text.chars().filter(|c| !c.is_control()).take(most).collect();
        let (version, sandbox) = (cut(&beat.version, VERSION_MAX), cut(&beat.sandbox, SANDBOX_MAX));
        let beat = Beat { version, sandbox, head: None, ..beat };
        let stopping = beat.stopping;
        self.inner.roster.heard(runner, self.inner.now(), Some(beat), head);
        if stopping {
            self.inner.desk.stir();
        }
        Ok(())
    }
}
