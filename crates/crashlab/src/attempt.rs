//! Attempts in words: as points and effects name them.

use lineclear_core::run::{AttemptKey, Direction};
use lineclear_warrant::{Answer, Report, Work};

use crate::scenario::warrant_key;

/// `shift do 1`: an attempt without its run.
pub fn spelled(key: &AttemptKey) -> String {
    format!("{} {} {}", key.step, direction(key.direction), key.number)
}

/// The word of a direction.
pub const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Do => "do",
        Direction::Undo => "undo",
    }
}

/// The attempt that a warrant is for.
pub fn of_envelope(envelope: &str) -> Option<AttemptKey> {
    lineclear_warrant::open(envelope, &warrant_key().public()).ok().map(|warrant| warrant.attempt)
}

/// What work is, in words: `act shift do 1`.
pub fn work(work: &Work) -> String {
    match work {
        Work::Nothing => "nothing".into(),
        Work::Preview { .. } => "preview".into(),
        Work::Act { envelope } => of_envelope(envelope).map_or_else(|| "act".into(), |key| format!("act {}", spelled(&key))),
        Work::Ask { attempt, .. } => format!("ask {}", spelled(attempt)),
    }
}

/// What a report is, in words: `started shift do 1`.
pub fn report(report: &Report) -> String {
    let word = match report {
        Report::Accepted { .. } => "accepted",
        Report::Refused { .. } => "refused",
        Report::Started { .. } => "started",
        Report::Succeeded { .. } => "succeeded",
        Report::Failed { .. } => "failed",
    };
    reported(report).map_or_else(|| word.to_owned(), |key| format!("{word} {}", spelled(key)))
}

/// The attempt that a report is about.
pub const fn reported(report: &Report) -> Option<&AttemptKey> {
    match report {
        Report::Refused { attempt, .. } => attempt.as_ref(),
        Report::Accepted { attempt } | Report::Started { attempt } | Report::Succeeded { attempt, .. } | Report::Failed { attempt, .. } => {
            Some(attempt)
        }
    }
}

/// Whether nothing more is to be heard of the attempt after this report.
pub const fn last(report: &Report) -> bool {
    matches!(report, Report::Refused { .. } | Report::Succeeded { .. } | Report::Failed { .. })
}

/// What an answer is, in words.
pub const fn answer(answer: &Answer) -> &'static str {
    match answer {
        Answer::Preview { .. } => "preview",
        Answer::Known { .. } => "known",
    }
}

/// The question that an answer answers.
pub const fn question(answer: &Answer) -> u64 {
    match answer {
        Answer::Preview { question, .. } | Answer::Known { question, .. } => *question,
    }
}
