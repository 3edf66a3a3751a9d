//! The desk: where runners ask for work. Nothing on it is truth; everything can be put there again from the runs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lineclear_core::run::{Attempt, AttemptKey};
use lineclear_warrant::{Answer, Work};
use tokio::sync::{Notify, oneshot};

/// How long a runner's poll waits for work.
pub(crate) const POLL_WAIT: Duration = Duration::from_secs(20);
/// How long a question waits for a runner's answer.
pub(crate) const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// Most questions that wait at once; more are refused, and asked again later.
const QUESTIONS_MAX: usize = 4_096;

/// Where runners ask for work.
#[derive(Default)]
pub(crate) struct Desk {
    papers: Mutex<Papers>,
    work: Notify,
}

#[derive(Default)]
struct Papers {
    offers: BTreeMap<AttemptKey, Attempt>,
    questions: VecDeque<Work>,
    waiting: BTreeMap<u64, oneshot::Sender<Answer>>,
    last: u64,
}

/// What lies on the desk for a runner.
pub(crate) enum Paper {
    Attempt(Attempt),
    Question(Work),
}

impl Desk {
    fn papers(&self) -> MutexGuard<'_, Papers> {
        // Nothing here is truth, so a panic elsewhere leaves nothing that could mislead.
        self.papers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an attempt on offer; once is enough.
    pub fn offer(&self, attempt: Attempt) {
        self.papers().offers.insert(attempt.key.clone(), attempt);
        self.work.notify_one();
    }

    /// Takes what lies there, work first: whoever asks many questions must not keep a run waiting. Each attempt is laid out at
    /// most once in a while, so questions have their turn.
    pub fn take(&self) -> Option<Paper> {
        let mut papers = self.papers();
        if let Some((_, attempt)) = papers.offers.pop_first() {
            return Some(Paper::Attempt(attempt));
        }
        papers.questions.pop_front().map(Paper::Question)
    }

    /// Waits until something may lie there, or the poll's time is up.
    pub async fn wait(&self) {
        // A missed wake-up costs one poll, never an attempt: runs put their offers here again.
        let _ = tokio::time::timeout(POLL_WAIT, self.work.notified()).await;
    }

    /// Asks a question and waits for the answer.
    pub async fn ask(&self, question: impl FnOnce(u64) -> Work) -> Result<Answer, String> {
        let (tell, told) = oneshot::channel();
        let number = {
            let mut papers = self.papers();
            if papers.questions.len() >= QUESTIONS_MAX {
                return Err("too many questions wait for the runner".into());
            }
            papers.last += 1;
            let number = papers.last;
            papers.questions.push_back(question(number));
            papers.waiting.insert(number, tell);
            number
        };
        self.work.notify_one();
        let answer = tokio::time::timeout(ANSWER_WAIT, told).await;
        if let Ok(Ok(answer)) = answer {
            return Ok(answer);
        }
        let mut papers = self.papers();
        papers.waiting.remove(&number);
        papers.questions.retain(|work| question_of(work) != Some(number));
        Err("no runner answered in time".into())
    }

    /// Hands an answer to whoever asked; an answer to nothing is dropped.
    pub fn answer(&self, answer: Answer) {
        let number = match &answer {
            Answer::Preview { question, .. } | Answer::Known { question, .. } => *question,
        };
        let waiting = self.papers().waiting.remove(&number);
        if let Some(tell) = waiting {
            // Whoever asked may have stopped waiting.
            let _ = tell.send(answer);
        }
    }
}

fn question_of(work: &Work) -> Option<u64> {
    match work {
        Work::Preview { question, .. } | Work::Ask { question, .. } => Some(*question),
        Work::Nothing | Work::Act { .. } => None,
    }
}
