//! The desk: where runners ask for work. Nothing on it is truth; everything can be put there again from the runs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lineclear_core::RunnerId;
use lineclear_core::label::Labels;
use lineclear_core::run::{Attempt, AttemptKey};
use lineclear_warrant::{Answer, Work};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};

use crate::roster::Standing;

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
    /// Each with what a runner has to carry to be given it.
    offers: BTreeMap<AttemptKey, (Labels, Attempt)>,
    questions: VecDeque<(Whom, Work)>,
    waiting: BTreeMap<u64, Waiting>,
    last: u64,
    /// Whose turn it is when both lie there.
    question_is_next: bool,
}

/// Whoever asked, and who was given the question: only they answer it.
struct Waiting {
    tell: oneshot::Sender<Answer>,
    asked: Option<RunnerId>,
}

/// Whom a question is for.
#[derive(Debug, Clone)]
pub(crate) enum Whom {
    /// This one, and no other.
    Runner(RunnerId),
    /// Anybody who carries these, and works.
    Carrier(Labels),
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

    /// Puts an attempt on offer for whoever carries these; once is enough.
    pub fn offer(&self, wanted: Labels, attempt: Attempt) {
        self.papers().offers.insert(attempt.key.clone(), (wanted, attempt));
        self.work.notify_waiters();
    }

    /// Takes what lies there for this runner, an attempt and a question in turn: whoever asks many questions must not keep a run
    /// waiting, and a thousand runs that begin at once must not let the questions of others go unanswered until nobody waits.
    pub fn take(&self, runner: RunnerId, standing: &Standing) -> Option<Paper> {
        let mut papers = self.papers();
        let able = |wanted: &Labels| standing.works && standing.labels.carry(wanted);
        let fits = papers.offers.iter().find(|(_, (wanted, _))| able(wanted)).map(|(key, _)| key.clone());
        let asked = papers.questions.iter().position(|(whom, _)| match whom {
            Whom::Runner(to) => *to == runner,
            Whom::Carrier(wanted) => able(wanted),
        });
        let turn = asked.is_none() || !papers.question_is_next;
        if let Some((_, attempt)) = fits.filter(|_| turn).and_then(|key| papers.offers.remove(&key)) {
            papers.question_is_next = true;
            return Some(Paper::Attempt(attempt));
        }
        let (_, work) = papers.questions.remove(asked?)?;
        papers.question_is_next = false;
        if let Some(waiting) = question_of(&work).and_then(|number| papers.waiting.get_mut(&number)) {
            waiting.asked = Some(runner);
        }
        Some(Paper::Question(work))
    }

    /// Wakes whoever waits here, so that they look again whether they still may.
    pub fn stir(&self) {
        self.work.notify_waiters();
    }

    /// Ends when something new is laid there. To be called before [`Desk::take`], so that nothing laid there meanwhile is missed.
    pub fn news(&self) -> Notified<'_> {
        self.work.notified()
    }

    /// Asks a runner a question, and waits for the answer. Only the runner that was given an attempt knows what
    /// became of it: any other would say, and mean it, that it never was started.
    pub async fn ask(&self, whom: Whom, question: impl FnOnce(u64) -> Work) -> Result<Answer, String> {
        let (tell, told) = oneshot::channel();
        let number = {
            let mut papers = self.papers();
            if papers.questions.len() >= QUESTIONS_MAX {
                return Err("too many questions wait for the runner".into());
            }
            papers.last += 1;
            let number = papers.last;
            papers.questions.push_back((whom, question(number)));
            papers.waiting.insert(number, Waiting { tell, asked: None });
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

    /// Hands an answer to whoever asked; an answer to nothing is dropped. False when somebody else was asked: then nothing is
    /// believed, and the one who was asked may still answer.
    pub fn answer(&self, runner: RunnerId, answer: Answer) -> bool {
        let number = match &answer {
            Answer::Preview { question, .. } | Answer::Known { question, .. } => *question,
        };
        let mut papers = self.papers();
        if papers.waiting.get(&number).is_some_and(|waiting| waiting.asked != Some(runner)) {
            return false;
        }
        if let Some(waiting) = papers.waiting.remove(&number) {
            // Whoever asked may have stopped waiting.
            let _ = waiting.tell.send(answer);
        }
        true
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

    fn able(labels: &str) -> Standing {
        Standing { labels: labels.parse().unwrap(), works: true }
    }

    fn attempt(number: u32) -> Attempt {
        let digest = lineclear_core::Digest::of(b"");
        let at = lineclear_core::Timestamp::from_micros(0);
        let id = "0193f0c4a1007a3e8b11d2c3b4a70001";
        Attempt {
            key: AttemptKey {
                run: format!("run_{id}").parse().unwrap(),
                step: "only".parse().unwrap(),
                direction: lineclear_core::run::Direction::Do,
                number,
            },
            change: format!("change_{id}").parse().unwrap(),
            bundle: digest,
            index: 0,
            warrant: format!("warrant_{id}").parse().unwrap(),
            epoch: 1,
            call: digest,
            pickup: at,
            deadline: at,
            runner: None,
            emergency: None,
        }
    }

    fn preview(question: u64) -> Work {
        let call = lineclear_core::plan::ToolCall { tool: "http".parse().unwrap(), with: BTreeMap::new() };
        Work::Preview { question, call, undo: None }
    }

    #[tokio::test]
    async fn a_question_to_one_runner_is_not_put_to_another() {
        let desk = Desk::default();
        let asked = desk.ask(Whom::Runner(runner(1)), preview);
        let answered = async {
            tokio::task::yield_now().await;
            assert!(desk.take(runner(2), &able("")).is_none(), "another runner was asked");
            let Some(Paper::Question(Work::Preview { question, .. })) = desk.take(runner(1), &Standing::default()) else {
                panic!("nobody was asked")
            };
            let says = |why: &str| Answer::Preview { question, result: Err(why.into()) };
            assert!(!desk.answer(runner(2), says("a lie")), "somebody who was not asked was believed");
            assert!(desk.answer(runner(1), says("it is dark")));
            assert!(desk.answer(runner(2), says("late")), "an answer to nothing is dropped");
        };
        let (answer, ()) = tokio::join!(asked, answered);
        assert_eq!(answer, Ok(Answer::Preview { question: 1, result: Err("it is dark".into()) }));
    }

    #[tokio::test]
    async fn nobody_answers_a_question_that_they_were_not_given() {
        let desk = Desk::default();
        let asked = desk.ask(Whom::Carrier(Labels::default()), preview);
        let answered = async {
            tokio::task::yield_now().await;
            let early = Answer::Preview { question: 1, result: Err("guessed".into()) };
            assert!(!desk.answer(runner(1), early), "a guessed number was enough");
            assert!(desk.take(runner(1), &able("")).is_some());
            desk.answer(runner(1), Answer::Preview { question: 1, result: Err("it is dark".into()) });
        };
        let (answer, ()) = tokio::join!(asked, answered);
        assert_eq!(answer, Ok(Answer::Preview { question: 1, result: Err("it is dark".into()) }));
    }

    #[test]
    fn an_attempt_goes_to_whoever_carries_its_labels_and_works() {
        let desk = Desk::default();
        desk.offer("site=ber".parse().unwrap(), attempt(1));
        desk.offer(Labels::default(), attempt(2));
        let takes = |desk: &Desk, standing: &Standing| match desk.take(runner(1), standing) {
            Some(Paper::Attempt(attempt)) => Some(attempt.key.number),
            Some(Paper::Question(_)) | None => None,
        };
        assert_eq!(takes(&desk, &Standing { works: false, ..able("site=ber") }), None, "it drains");
        assert_eq!(takes(&desk, &able("site=muc")), Some(2), "what needs no label is not kept waiting");
        assert_eq!(takes(&desk, &able("site=muc")), None);
        assert_eq!(takes(&desk, &able("site=ber, zone=b")), Some(1));
    }

    #[tokio::test]
    async fn a_question_has_its_turn_however_many_attempts_lie_there() {
        let desk = Desk::default();
        (1..=9).for_each(|number| desk.offer(Labels::default(), attempt(number)));
        let asked = desk.ask(Whom::Carrier(Labels::default()), preview);
        let taken = async {
            tokio::task::yield_now().await;
            assert!(matches!(desk.take(runner(1), &able("")), Some(Paper::Attempt(_))), "and work does not wait for questions");
            let Some(Paper::Question(Work::Preview { question, .. })) = desk.take(runner(1), &able("")) else {
                panic!("the question waits behind every attempt")
            };
            desk.answer(runner(1), Answer::Preview { question, result: Err("heard".into()) });
            assert!(matches!(desk.take(runner(1), &able("")), Some(Paper::Attempt(_))));
        };
        assert!(tokio::join!(asked, taken).0.is_ok());
    }

    #[tokio::test]
    async fn what_is_laid_down_between_a_look_and_the_waiting_is_not_missed() {
        let desk = Desk::default();
        let news = desk.news();
        assert!(desk.take(runner(1), &able("")).is_none());
        let asked = desk.ask(Whom::Carrier(Labels::default()), preview);
        let heard = async {
            news.await;
            assert!(matches!(desk.take(runner(1), &able("")), Some(Paper::Question(_))));
            desk.answer(runner(1), Answer::Preview { question: 1, result: Err("heard".into()) });
        };
        let (answer, ()) = tokio::join!(asked, heard);
        assert!(answer.is_ok());
    }
}
