//! What the plane's wire knows of the runners: who is there, what each has in hand, and which questions it has not answered.
//!
//! A question whose runner is gone is answered here at once, with what the engine would make of ten seconds of silence: nothing new about
//! an attempt, nothing seen of a preview. That saves the ten seconds and changes nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lineclear_core::RunnerId;
use lineclear_core::run::AttemptKey;
use lineclear_engine::Engine;
use lineclear_warrant::{Answer, Knowledge, Report, Work};
use tokio::sync::Notify;

use crate::attempt;

/// How long a runner that is made to pause may leave a question unanswered, where runners are.
const SILENCE: Duration = Duration::from_millis(300);

/// The runners of a world, as its plane sees them.
pub struct Switchboard {
    engine: Engine,
    restless: bool,
    lines: Arc<Mutex<BTreeMap<RunnerId, Line>>>,
    stirred: Notify,
}

#[derive(Default)]
struct Line {
    /// Which connection this is, so that an older one that ends late takes nothing away.
    number: u64,
    there: bool,
    holding: BTreeSet<AttemptKey>,
    asked: BTreeMap<u64, bool>,
}

/// What silence amounts to.
fn silence(question: u64, preview: bool) -> Answer {
    if preview {
        Answer::Preview { question, result: Err("no runner answered in time".into()) }
    } else {
        Answer::Known { question, known: Knowledge::UnderWay }
    }
}

impl Switchboard {
    /// Nobody is there yet.
    pub fn new(engine: Engine, restless: bool) -> Self {
        Self { engine, restless, lines: Arc::default(), stirred: Notify::new() }
    }

    fn lines(&self) -> MutexGuard<'_, BTreeMap<RunnerId, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happened.
    pub fn stir(&self) {
        self.stirred.notify_one();
    }

    /// Waits until something happens.
    pub async fn activity(&self) {
        self.stirred.notified().await;
    }

    /// A runner comes; the number of its connection.
    pub fn comes(&self, runner: RunnerId, holding: Vec<AttemptKey>) -> u64 {
        let mut lines = self.lines();
        let line = lines.entry(runner).or_default();
        line.number += 1;
        line.there = true;
        line.holding = holding.into_iter().collect();
        line.number
    }

    /// A runner goes, and everything that it had in hand with it.
    pub fn goes(&self, runner: RunnerId, number: u64) {
        let mut asked = BTreeMap::new();
        if let Some(line) = self.lines().get_mut(&runner).filter(|line| line.number == number) {
            line.there = false;
            line.holding.clear();
            asked = std::mem::take(&mut line.asked);
        }
        for (question, preview) in asked {
            let _ = self.engine.answer(runner, silence(question, preview));
        }
        self.stir();
    }

    /// A runner is handed work.
    pub fn handed(&self, runner: RunnerId, work: &Work) {
        let question = match work {
            Work::Nothing => return,
            Work::Act { envelope } => {
                if let Some(key) = attempt::of_envelope(envelope) {
                    self.lines().entry(runner).or_default().holding.insert(key);
                }
                return;
            }
            Work::Preview { question, .. } => (*question, true),
            Work::Ask { question, .. } => (*question, false),
        };
        let mut lines = self.lines();
        let line = lines.entry(runner).or_default();
        if !line.there {
            drop(lines);
            let _ = self.engine.answer(runner, silence(question.0, question.1));
            return;
        }
        line.asked.insert(question.0, question.1);
        drop(lines);
        if self.restless {
            let (lines, engine) = (Arc::clone(&self.lines), self.engine.clone());
            tokio::spawn(async move {
                tokio::time::sleep(SILENCE).await;
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                if lines.get_mut(&runner).and_then(|line| line.asked.remove(&question.0)).is_some() {
                    let _ = engine.answer(runner, silence(question.0, question.1));
                }
            });
        }
    }

    /// A runner has answered.
    pub fn answered(&self, runner: RunnerId, question: u64) {
        if let Some(line) = self.lines().get_mut(&runner) {
            line.asked.remove(&question);
        }
    }

    /// A runner has reported.
    pub fn reported(&self, runner: RunnerId, report: &Report) {
        let Some(key) = attempt::reported(report).filter(|_| attempt::last(report)) else { return };
        if let Some(line) = self.lines().get_mut(&runner) {
            line.holding.remove(key);
        }
    }

    /// Whether a runner is there.
    pub fn somebody_is_there(&self) -> bool {
        self.lines().values().any(|line| line.there)
    }

    /// Whether a runner that is there has something in hand.
    pub fn somebody_is_busy(&self) -> bool {
        self.lines().values().any(|line| line.there && !line.holding.is_empty())
    }
}
