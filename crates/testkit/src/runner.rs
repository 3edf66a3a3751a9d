//! A runner that speaks the real protocol and checks every warrant for real, with a journal of its own; how it fails is what
//! a story tells it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use lineclear_core::plan::ToolCall;
use lineclear_core::run::{Applied, AttemptKey, Direction, Found};
use lineclear_core::{Digest, RunId, RunnerId, Span};
use lineclear_engine::{Clock as _, Engine};
use lineclear_ledger::Checkpoint;
use lineclear_warrant::{Answer, Knowledge, Poll, Report, Trust, Warrant, WarrantKey, Work, check, open};
use serde_json::json;

use crate::clock::FakeClock;
use crate::production::Production;

/// How the runner treats one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It does what it should.
    Works,
    /// It fails before anything is changed.
    FailsClean,
    /// It fails after something was changed.
    FailsPartly,
    /// The process dies with the warrant in its hands, before anything is journalled.
    VanishesBeforeJournal,
    /// The process dies after it journalled the warrant, before it began.
    VanishesBeforeStart,
    /// The process dies after it began, before anything is changed.
    VanishesBeforeEffect,
    /// The process dies after everything is changed, before it reports.
    VanishesAfterEffect,
}

/// What a stolen control plane does to a warrant before the runner gets it; it holds the real warrant key.
pub type Tamper = fn(&mut Warrant);

/// What is in the runner's journal of one attempt.
#[derive(Debug, Clone)]
enum Kept {
    Accepted,
    Started(Option<ToolCall>),
    Over(Report),
    Fenced,
}

/// What survives the death of the process.
#[derive(Default)]
struct Journal {
    head: Option<(String, Checkpoint)>,
    epoch: u64,
    attempts: BTreeMap<AttemptKey, Kept>,
    bundles: BTreeMap<Digest, RunId>,
}

/// What a story told it.
#[derive(Default)]
struct Orders {
    manners: BTreeMap<(String, Direction), VecDeque<Manner>>,
    tamper: VecDeque<Tamper>,
    replay: Option<String>,
    ahead: Span,
    away: bool,
    silent: bool,
    polls: u64,
    warrants: Vec<String>,
    refusals: Vec<String>,
}

/// A runner.
pub struct FakeRunner {
    id: RunnerId,
    trust: Trust,
    clock: Arc<FakeClock>,
    production: Arc<Production>,
    warrant_seed: [u8; 32],
    journal: Mutex<Journal>,
    orders: Mutex<Orders>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeRunner {
    pub(crate) fn new(trust: Trust, clock: Arc<FakeClock>, production: Arc<Production>, warrant_seed: [u8; 32]) -> Self {
        let (journal, orders) = (Mutex::default(), Mutex::default());
        Self { id: trust.runner, trust, clock, production, warrant_seed, journal, orders }
    }

    /// Treats the next attempt of a step like this; the one after the same call again is told anew.
    pub fn next(&self, step: &str, manner: Manner) {
        lock(&self.orders).manners.entry((step.into(), Direction::Do)).or_default().push_back(manner);
    }

    /// The same for the undo of a step.
    pub fn next_undo(&self, step: &str, manner: Manner) {
        lock(&self.orders).manners.entry((step.into(), Direction::Undo)).or_default().push_back(manner);
    }

    /// The next warrant is changed like this and sealed again with the real key.
    pub fn next_warrant(&self, tamper: Tamper) {
        lock(&self.orders).tamper.push_back(tamper);
    }

    /// The next warrant is kept back, and this one is sent in its place.
    pub fn next_warrant_is(&self, envelope: String) {
        lock(&self.orders).replay = Some(envelope);
    }

    /// Its clock runs ahead of everybody else's.
    pub fn clock_runs_ahead(&self, span: Span) {
        lock(&self.orders).ahead = span;
    }

    /// It takes no work and knows nothing new, until it comes back.
    pub fn goes_away(&self) {
        lock(&self.orders).away = true;
    }

    /// It does not even ask for work, until it comes back.
    pub fn falls_silent(&self) {
        lock(&self.orders).silent = true;
    }

    /// It is there again, with its journal.
    pub fn comes_back(&self) {
        let mut orders = lock(&self.orders);
        (orders.away, orders.silent) = (false, false);
    }

    /// Every warrant that reached it, as it came.
    pub fn warrants(&self) -> Vec<String> {
        lock(&self.orders).warrants.clone()
    }

    /// The code of every refusal, oldest first.
    pub fn refusals(&self) -> Vec<String> {
        lock(&self.orders).refusals.clone()
    }

    /// Its id.
    pub const fn id(&self) -> RunnerId {
        self.id
    }

    /// Asks for work once and does it; false when there was none.
    pub(crate) async fn turn(&self, engine: &Engine) -> bool {
        let nonce = {
            let mut orders = lock(&self.orders);
            if orders.silent {
                return false;
            }
            orders.polls += 1;
            format!("{:064x}", orders.polls)
        };
        let head = lock(&self.journal).head.as_ref().map(|(note, _)| note.clone());
        // A poll that would wait is a poll that found nothing: a store in memory never makes it wait.
        let Some(Ok(work)) = engine.poll(Poll { runner: self.id, nonce: nonce.clone(), head }).now_or_never() else { return false };
        match work {
            Work::Nothing => return false,
            Work::Preview { question, call, undo } => {
                let away = lock(&self.orders).away;
                let result =
                    if away { Err("no runner answered in time".into()) } else { Ok(self.production.preview(&call, undo.as_ref())) };
                // Whoever asked may have stopped waiting.
                let _ = engine.answer(self.id, Answer::Preview { question, result });
            }
            Work::Ask { question, attempt, .. } => {
                // Nobody answering and this answer are one to the engine: it looks again later.
                let away = lock(&self.orders).away;
                let known = if away { Knowledge::UnderWay } else { self.knows(&attempt) };
                let _ = engine.answer(self.id, Answer::Known { question, known });
            }
            Work::Act { envelope } => {
                if lock(&self.orders).away {
                    // It was made out, and reached nobody.
                    return true;
                }
                let envelope = self.tampered(envelope);
                self.act(engine, &envelope, &nonce).await;
            }
        }
        true
    }

    /// Gets a warrant, sealed anew for a nonce of its own; `acted`, or the code of its refusal.
    pub(crate) async fn is_handed(&self, engine: &Engine, envelope: &str) -> String {
        let key = WarrantKey::from_seed(self.warrant_seed);
        let mut warrant = open(envelope, &key.public()).expect("a warrant of this world opens");
        warrant.nonce = "ab".repeat(32);
        // What the runner saw last is the head of this warrant or a later one: the thief leaves the proof away.
        warrant.consistency = Vec::new();
        let refused = self.refusals().len();
        let sealed = key.seal(&warrant).expect("a bent warrant can be sealed");
        self.act(engine, &sealed, &"ab".repeat(32)).await;
        self.refusals().into_iter().nth(refused).unwrap_or_else(|| "acted".into())
    }

    fn tampered(&self, envelope: String) -> String {
        let key = WarrantKey::from_seed(self.warrant_seed);
        let mut orders = lock(&self.orders);
        orders.warrants.push(envelope.clone());
        if let Some(other) = orders.replay.take() {
            return other;
        }
        let Some(tamper) = orders.tamper.pop_front() else { return envelope };
        let mut warrant = open(&envelope, &key.public()).expect("a warrant of this world opens");
        tamper(&mut warrant);
        key.seal(&warrant).expect("a bent warrant can be sealed")
    }

    async fn act(&self, engine: &Engine, envelope: &str, nonce: &str) {
        let said = open(envelope, &self.trust.warrants).ok().map(|warrant| warrant.attempt);
        let (seen, ahead) = (lock(&self.journal).head.as_ref().map(|(_, seen)| seen.clone()), lock(&self.orders).ahead);
        let checked = match check(envelope, &self.trust, seen.as_ref(), nonce, self.clock.now() + ahead) {
            Ok(checked) => checked,
            Err(refusal) => return self.refuse(engine, said, refusal.code(), &refusal.to_string()).await,
        };
        let warrant = checked.warrant;
        if let Err((code, why)) = self.remembers(&warrant, checked.bundle) {
            return self.refuse(engine, said, code, why).await;
        }
        let manner = self.manner(&warrant.attempt);
        if manner == Manner::VanishesBeforeJournal {
            return;
        }
        {
            let mut journal = lock(&self.journal);
            journal.head = Some((checked.head, checked.checkpoint));
            journal.epoch = warrant.epoch;
            journal.bundles.insert(checked.bundle, warrant.attempt.run);
        }
        self.carry_out(engine, warrant, manner).await;
    }

    /// What needs memory: an attempt is started once, an epoch never comes back, a bundle serves one run.
    fn remembers(&self, warrant: &Warrant, bundle: Digest) -> Result<(), (&'static str, &'static str)> {
        let journal = lock(&self.journal);
        if journal.attempts.contains_key(&warrant.attempt) {
            return Err(("replayed", "this attempt is in the journal already"));
        }
        if warrant.epoch < journal.epoch {
            return Err(("old_epoch", "a later engine has spoken"));
        }
        match journal.bundles.get(&bundle) {
            Some(run) if *run != warrant.attempt.run => Err(("spent", "its approval served another run")),
            Some(_) | None => Ok(()),
        }
    }

    async fn refuse(&self, engine: &Engine, attempt: Option<AttemptKey>, code: &str, why: &str) {
        lock(&self.orders).refusals.push(code.into());
        self.tell(engine, Report::Refused { attempt, code: code.into(), why: why.into() }).await;
    }

    fn manner(&self, key: &AttemptKey) -> Manner {
        let mut orders = lock(&self.orders);
        let told = orders.manners.get_mut(&(key.step.to_string(), key.direction)).and_then(VecDeque::pop_front);
        told.unwrap_or(Manner::Works)
    }

    fn keep(&self, key: &AttemptKey, kept: Kept) {
        lock(&self.journal).attempts.insert(key.clone(), kept);
    }

    async fn tell(&self, engine: &Engine, report: Report) {
        // When nobody hears it, the engine asks later, and the journal knows.
        let _ = engine.report(self.id, report).await;
    }

    async fn carry_out(&self, engine: &Engine, warrant: Warrant, manner: Manner) {
        let attempt = warrant.attempt;
        self.keep(&attempt, Kept::Accepted);
        self.tell(engine, Report::Accepted { attempt: attempt.clone() }).await;
        if manner == Manner::VanishesBeforeStart {
            return;
        }
        self.keep(&attempt, Kept::Started(warrant.verify.clone()));
        self.tell(engine, Report::Started { attempt: attempt.clone() }).await;
        let failed = |applied, why: String| Report::Failed { attempt: attempt.clone(), applied, why };
        let name = format!("{} {} {}", attempt.step, attempt.direction.word(), attempt.number);
        let report = match manner {
            Manner::VanishesBeforeEffect => return,
            Manner::FailsClean => failed(Applied::No, "the tool said no".into()),
            Manner::Works
            | Manner::FailsPartly
            | Manner::VanishesAfterEffect
            | Manner::VanishesBeforeJournal
            | Manner::VanishesBeforeStart => match self.production.make(&warrant.call, &name) {
                Err(why) => failed(Applied::No, why),
                Ok(_) if manner == Manner::VanishesAfterEffect => return,
                Ok(_) if manner == Manner::FailsPartly => failed(Applied::Partly, "the tool broke off".into()),
                Ok(_) if warrant.verify.as_ref().is_some_and(|look| !self.production.holds(look)) => {
                    failed(Applied::Partly, "its check does not hold".into())
                }
                Ok(output) => Report::Succeeded { attempt: attempt.clone(), output },
            },
        };
        self.keep(&attempt, Kept::Over(report.clone()));
        self.tell(engine, report).await;
    }

    /// What it knows of an attempt; what it lost track of is fenced first and looked at then.
    fn knows(&self, attempt: &AttemptKey) -> Knowledge {
        let kept = lock(&self.journal).attempts.get(attempt).cloned();
        let found = match kept {
            Some(Kept::Over(report)) => return Knowledge::Reported { report },
            None | Some(Kept::Accepted | Kept::Fenced) => {
                self.keep(attempt, Kept::Fenced);
                Found::NeverStarted
            }
            Some(Kept::Started(None)) => Found::Inconclusive,
            Some(Kept::Started(Some(look))) if self.production.holds(&look) => Found::Applied,
            Some(Kept::Started(Some(_))) => Found::NotApplied,
        };
        Knowledge::Found { found, output: json!({"looked": true}) }
    }
}
