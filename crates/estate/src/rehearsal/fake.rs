//! Fakes: what a runner would have reported, and the journal by which it never does anything twice.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::name::StepName;
use lineclear_core::plan::{EffectClass, PlannedStep};
use lineclear_core::run::{Applied, Attempt, AttemptKey, Command, Direction, Found};
use serde_json::Value;

use super::RehearsalError;
use super::part::{Part, Role};

/// What comes of a `do` or an `undo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It did what it should; then the step's check is made.
    Ok,
    /// Nothing was changed.
    NotApplied,
    /// Something was changed, but not what should have been.
    Partial,
    /// It was sent and nothing came back, so the runner looks at once, with the step's check.
    NoAnswer,
    /// The runner began and lost track of it. When it is back, it is fenced and looks, with the step's check.
    Unknown,
    /// The runner began and never comes back.
    Gone,
    /// The runner refuses the warrant.
    Refused,
    /// No runner takes it.
    Untaken,
}

/// What comes of a `do` or an `undo`, and what the tool reports when it went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What comes of it.
    pub answer: Answer,
    /// The report, in which the runbook's outputs are looked up.
    pub report: Value,
}

/// What a check sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It is as expected.
    Holds,
    /// It is not.
    Fails,
    /// The live system does not answer.
    Silent,
}

/// The answers to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script<T> {
    /// The same each time.
    Always(T),
    /// One for each time, and no more.
    Each(Vec<T>),
}

/// What answers in place of tools. Whatever has no script goes well: calls are `ok`, checks hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fakes {
    calls: BTreeMap<Part, Script<Reply>>,
    looks: BTreeMap<StepName, Script<Look>>,
}

/// How an attempt stands in the runner's journal.
#[derive(Debug, Clone)]
enum Standing {
    Ended(Command),
    Lost,
    Gone,
}

/// A runner made of fakes.
#[derive(Debug, Clone)]
pub(super) struct FakeRunner {
    fakes: Fakes,
    asked: BTreeMap<Part, usize>,
    journal: BTreeMap<AttemptKey, Standing>,
    passed: BTreeSet<AttemptKey>,
    calls: Vec<AttemptKey>,
}

impl Answer {
    /// Every answer with its word.
    pub(super) const WORDS: [(&'static str, Self); 8] = [
        ("ok", Self::Ok),
        ("not_applied", Self::NotApplied),
        ("partial", Self::Partial),
        ("no_answer", Self::NoAnswer),
        ("unknown", Self::Unknown),
        ("gone", Self::Gone),
        ("refused", Self::Refused),
        ("untaken", Self::Untaken),
    ];
}

impl Look {
    /// Every look with its word.
    pub(super) const WORDS: [(&'static str, Self); 3] = [("holds", Self::Holds), ("fails", Self::Fails), ("silent", Self::Silent)];
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self { answer, report: Value::Null }
    }
}

impl<T: Clone> Script<T> {
    fn at(&self, time: usize) -> Result<T, usize> {
        match self {
            Self::Always(answer) => Ok(answer.clone()),
            Self::Each(answers) => answers.get(time).cloned().ok_or(answers.len()),
        }
    }

    /// Whether all of it was used after so many times.
    fn spent(&self, times: usize) -> bool {
        match self {
            Self::Always(_) => times > 0,
            Self::Each(answers) => times >= answers.len(),
        }
    }
}

impl Fakes {
    /// The same with a script for a `do` or an `undo`.
    #[must_use]
    pub fn call(mut self, step: StepName, direction: Direction, script: Script<Reply>) -> Self {
        self.calls.insert(Part { step, role: direction.into() }, script);
        self
    }

    /// The same with a script for a check.
    #[must_use]
    pub fn look(mut self, step: StepName, script: Script<Look>) -> Self {
        self.looks.insert(step, script);
        self
    }
}

impl FakeRunner {
    pub(super) fn new(fakes: Fakes) -> Self {
        Self { fakes, asked: BTreeMap::new(), journal: BTreeMap::new(), passed: BTreeSet::new(), calls: Vec::new() }
    }

    pub(super) fn calls(&self) -> &[AttemptKey] {
        &self.calls
    }

    pub(super) fn left_over(&self) -> Vec<(Part, usize)> {
        let times = |part: &Part| self.asked.get(part).copied().unwrap_or(0);
        let check = |step: &StepName| Part { step: step.clone(), role: Role::Verify };
        let calls = self.fakes.calls.iter().filter(|(part, script)| !script.spent(times(part))).map(|(part, _)| part.clone());
        let looks = self.fakes.looks.iter().filter(|(step, script)| !script.spent(times(&check(step)))).map(|(step, _)| check(step));
        calls.chain(looks).map(|part| (part.clone(), times(&part))).collect()
    }

    /// Whether the attempt lies on offer until nobody may take it any more.
    pub(super) fn passes_by(&mut self, attempt: &Attempt) -> Result<bool, RehearsalError> {
        if self.passed.contains(&attempt.key) {
            return Ok(true);
        }
        let part = part(&attempt.key);
        let passes = self
            .fakes
            .calls
            .get(&part)
            .is_some_and(|script| script.at(self.times(&part)).is_ok_and(|reply| reply.answer == Answer::Untaken));
        if passes {
            self.answer(part)?;
            self.passed.insert(attempt.key.clone());
        }
        Ok(passes)
    }

    /// Takes a warrant, does what its fake says, and reports; a warrant that was taken before leads to nothing.
    pub(super) fn take(&mut self, attempt: &Attempt, step: Option<&PlannedStep>) -> Result<Vec<Command>, RehearsalError> {
        let key = attempt.key.clone();
        if self.journal.contains_key(&key) {
            return Ok(Vec::new());
        }
        let Reply { answer, report } = self.answer(part(&key))?;
        if answer == Answer::Refused {
            let refused = Command::Refuse { key: key.clone(), code: "refused".into(), why: "the fake refuses".into() };
            self.journal.insert(key, Standing::Ended(refused.clone()));
            return Ok(vec![refused]);
        }
        self.calls.push(key.clone());
        let (standing, report) = match answer {
            Answer::Unknown => (Standing::Lost, None),
            Answer::Gone => (Standing::Gone, None),
            Answer::Ok | Answer::NotApplied | Answer::Partial | Answer::NoAnswer | Answer::Refused | Answer::Untaken => {
                let report = self.conclude(&key, step, answer, report)?;
                (Standing::Ended(report.clone()), Some(report))
            }
        };
        self.journal.insert(key.clone(), standing);
        Ok([Command::Accept(key.clone()), Command::Start(key)].into_iter().chain(report).collect())
    }

    /// What the runner says of an attempt when it is asked: from its journal, or, back from having lost track, from a look.
    /// None while it does not answer.
    pub(super) fn ask(&mut self, attempt: &Attempt, step: Option<&PlannedStep>, unknown: bool) -> Result<Option<Command>, RehearsalError> {
        let key = attempt.key.clone();
        let found = match self.journal.get(&key) {
            Some(Standing::Ended(report)) => return Ok(Some(report.clone())),
            Some(Standing::Gone) => return Ok(None),
            Some(Standing::Lost) if !unknown => return Ok(None),
            Some(Standing::Lost) => match self.check(&key, step)? {
                Some(Look::Holds) => Found::Applied,
                Some(Look::Fails) => Found::NotApplied,
                Some(Look::Silent) | None => Found::Inconclusive,
            },
            None => Found::NeverStarted,
        };
        Ok(Some(Command::Probe { key, found, output: Value::Null }))
    }

    /// What a runner makes of a tool's answer and of its check, as it reports it.
    fn conclude(&mut self, key: &AttemptKey, step: Option<&PlannedStep>, answer: Answer, output: Value) -> Result<Command, RehearsalError> {
        let changes = step.is_some_and(|step| step.effect != EffectClass::Read);
        let some = if changes { Applied::Partly } else { Applied::No };
        let failed = |applied, why: &str| Command::Fail { key: key.clone(), applied, why: why.into() };
        let succeeded = || Command::Succeed { key: key.clone(), output };
        Ok(match answer {
            Answer::Ok => match self.check(key, step)? {
                None | Some(Look::Holds) => succeeded(),
                Some(Look::Fails) => failed(some, "the check does not hold"),
                Some(Look::Silent) => failed(some, "the check got no answer"),
            },
            Answer::NoAnswer => match self.check(key, step)? {
                Some(Look::Holds) => succeeded(),
                None | Some(Look::Fails | Look::Silent) => failed(Applied::Partly, "it was sent, and no answer came"),
            },
            Answer::Partial => failed(Applied::Partly, "something else was changed"),
            Answer::NotApplied | Answer::Unknown | Answer::Gone | Answer::Refused | Answer::Untaken => {
                failed(Applied::No, "nothing was changed")
            }
        })
    }

    /// What the check of an attempt sees; none when it has none. What takes back is not checked.
    fn check(&mut self, key: &AttemptKey, step: Option<&PlannedStep>) -> Result<Option<Look>, RehearsalError> {
        if key.direction == Direction::Undo || step.is_none_or(|step| step.verify.is_none()) {
            return Ok(None);
        }
        let part = Part { step: key.step.clone(), role: Role::Verify };
        let time = self.count(&part);
        let look = self.fakes.looks.get(&part.step).map_or(Ok(Look::Holds), |script| script.at(time));
        look.map(Some).map_err(|answers| RehearsalError::Unscripted { part, answers })
    }

    fn answer(&mut self, part: Part) -> Result<Reply, RehearsalError> {
        let time = self.count(&part);
        let reply = self.fakes.calls.get(&part).map_or(Ok(Answer::Ok.into()), |script| script.at(time));
        reply.map_err(|answers| RehearsalError::Unscripted { part, answers })
    }

    fn times(&self, part: &Part) -> usize {
        self.asked.get(part).copied().unwrap_or(0)
    }

    /// How often it was asked before this time.
    fn count(&mut self, part: &Part) -> usize {
        let times = self.asked.entry(part.clone()).or_default();
        *times += 1;
        *times - 1
    }
}

fn part(key: &AttemptKey) -> Part {
    Part { step: key.step.clone(), role: key.direction.into() }
}
