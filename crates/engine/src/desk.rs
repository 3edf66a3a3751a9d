//! The desk: where runners ask for work. Nothing on it is truth; everything can be put there again from the runs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lineclear_core::RunnerId;
use lineclear_core::run::{Attempt, AttemptKey};
use lineclear_warrant::{Answer, Work};
use tokio::sync::futures::Notified;
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
    /// Each with the runner that it is for; none when any will do.
    questions: VecDeque<(Option<RunnerId>, Work)>,
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
        self.work.notify_waiters();
    }

    /// Takes what lies there for this runner, work first: whoever asks many questions must not keep a run waiting. Each attempt is laid out at
    /// most once in a while, so questions have their turn.
    pub fn take(&self, runner: RunnerId) -> Option<Paper> {
        let mut papers = self.papers();
        if let Some((_, attempt)) = papers.offers.pop_first() {
            return Some(Paper::Attempt(attempt));
        }
        let at = papers.questions.iter().position(|(to, _)| to.is_none_or(|to| to == runner))?;
        papers.questions.remove(at).map(|(_, work)| Paper::Question(work))
    }

    /// Ends when something new is laid there. To be called before [`Desk::take`], so that nothing laid there meanwhile is missed.
    pub fn news(&self) -> Notified<'_> {
        self.work.notified()
    }

    /// Asks a runner a question, or any when none is named, and waits for the answer. Only the runner that was given an attempt knows what
    /// became of it: any other would say, and mean it, that it never was started.
    pub async fn ask(&self, to: Option<RunnerId>, question: impl FnOnce(u64) -> Work) -> Result<Answer, String> {
        let (tell, told) = oneshot::channel();
        let number = {
            let mut papers = self.papers();
            if papers.questions.len() >= QUESTIONS_MAX {
                return Err("too many questions wait for the runner".into());
            }
            papers.last += 1;
            let number = papers.last;
            papers.questions.push_back((to, question(number)));
            papers.waiting.insert(number, tell);
            number
        };
        self.work.notify_waiters();
        let answer = tokio::time::timeout(ANSWER_WAIT, told).await;
        if let Ok(Ok(answer)) = answer {
            return Ok(answer);
        }
        let mut papers = self.papers();
        papers.waiting.remove(&number);
        papers.questions.retain(|(_, work)| question_of(work) != Some(number));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(number: u32) -> RunnerId {
        format!("runner_{number:032x}").parse().unwrap()
    }

    fn preview(question: u64) -> Work {
        let call = lineclear_core::plan::ToolCall { tool: "http".parse().unwrap(), with: BTreeMap::new() };
        Work::Preview { question, call, undo: None }
    }

    #[tokio::test]
    async fn a_question_to_one_runner_is_not_put_to_another() {
        let desk = Desk::default();
        let asked = desk.ask(Some(runner(1)), preview);
        let answered = async {
            tokio::task::yield_now().await;
            assert!(desk.take(runner(2)).is_none(), "another runner was asked");
            let Some(Paper::Question(Work::Preview { question, .. })) = desk.take(runner(1)) else { panic!("nobody was asked") };
            desk.answer(Answer::Preview { question, result: Err("it is dark".into()) });
        };
        let (answer, ()) = tokio::join!(asked, answered);
        assert_eq!(answer, Ok(Answer::Preview { question: 1, result: Err("it is dark".into()) }));
    }

    #[tokio::test]
    async fn what_is_laid_down_between_a_look_and_the_waiting_is_not_missed() {
        let desk = Desk::default();
        let news = desk.news();
        assert!(desk.take(runner(1)).is_none());
        let asked = desk.ask(None, preview);
        let heard = async {
            news.await;
            assert!(matches!(desk.take(runner(1)), Some(Paper::Question(_))));
            desk.answer(Answer::Preview { question: 1, result: Err("heard".into()) });
        };
        let (answer, ()) = tokio::join!(asked, heard);
        assert!(answer.is_ok());
    }
}
