//! One sentence for people for everything that can happen, made from typed fields. What agents write is never mixed in.

use lineclear_core::record::Event;
use lineclear_core::run::{Applied, Direction, Found, RunEnd};
use lineclear_core::situation::Actor;
use lineclear_core::statement::Vote;
use lineclear_core::verdict::Verdict;
use lineclear_core::{approval, change, incident, installation, run};

type Names<'a> = &'a dyn Fn(Actor) -> String;

/// The sentence of an event.
pub(crate) fn says(event: &Event, names: Names<'_>) -> String {
    match event {
        Event::Installation(event) => installation(event),
        Event::Approval(event) => approval(event, names),
        Event::Change(event) => change(event, names),
        Event::Incident(event) => incident(event, names),
        Event::Run(event) => run(event, names),
    }
}

fn installation(event: &installation::Event) -> String {
    match event {
        installation::Event::Started { epoch, version, .. } => format!("Lineclear {version} started, epoch {epoch}."),
        installation::Event::PostureSet { posture, reason, .. } => format!("Posture set to {posture}: {reason}"),
    }
}

fn vote(vote: &Vote, word: &str, names: Names<'_>) -> String {
    format!("{} {word} with a signature of grade {}.", names(Actor::Operator(vote.by)), vote.signature.grade())
}

fn approval(event: &approval::Event, names: Names<'_>) -> String {
    match event {
        approval::Event::Asked { request } => {
            format!("Asked for `{}`: {} to answer until {}.", request.needs.rung, people(request.needs.humans), request.until)
        }
        approval::Event::Voted { vote: cast } => vote(cast, "approved", names),
        approval::Event::Rejected { vote: cast } => vote(cast, "rejected it", names),
        approval::Event::VoteRefused { by, why } => format!("A vote by {} counts for nothing: {why}.", names(Actor::Operator(*by))),
        approval::Event::Granted { .. } => "Enough people approved.".into(),
        approval::Event::Lapsed => "The request lapsed; silence is neither yes nor no.".into(),
        approval::Event::Withdrawn { why } => format!("The request is no longer asked: {}.", withdrawal(*why)),
        approval::Event::Consumed { .. } => "The approval was used up by the run.".into(),
    }
}

const fn withdrawal(why: approval::Withdrawal) -> &'static str {
    match why {
        approval::Withdrawal::ChangeWithdrawn => "the change was withdrawn",
        approval::Withdrawal::Amended => "the inputs were changed",
        approval::Withdrawal::Drifted => "the world moved, so it is asked again with the difference",
        approval::Withdrawal::Blocked => "a fact it stood on is missing or stale",
        approval::Withdrawal::Denied => "policy refuses it now",
    }
}

fn people(humans: u8) -> String {
    if humans == 1 { "1 person".into() } else { format!("{humans} people") }
}

fn change(event: &change::Event, names: Names<'_>) -> String {
    match event {
        change::Event::Proposed { proposal, .. } => {
            format!("{} proposed {} on {}.", names(proposal.by), proposal.action, proposal.target)
        }
        change::Event::Misfit { misfit, .. } => format!("Refused: {misfit}."),
        change::Event::Blocked { dossier, .. } => {
            format!("Blocked: {} of what the gate needs is missing or stale. Policy was not asked.", dossier.faults.len())
        }
        change::Event::Denied { dossier } => format!("Denied: {}.", first_reason(dossier.verdict.as_ref())),
        change::Event::Asked { dossier, differences, .. } if differences.is_empty() => {
            format!("People must answer: {}.", first_reason(dossier.verdict.as_ref()))
        }
        change::Event::Asked { differences, .. } => {
            format!("People are asked again: {} differ from what was approved or asked before.", plural(differences.len(), "thing"))
        }
        change::Event::Cleared { dossier, .. } => format!("Cleared by policy alone: {}.", first_reason(dossier.verdict.as_ref())),
        change::Event::Approved { .. } => "Cleared by people.".into(),
        change::Event::Rejected { by, .. } => format!("Rejected by {}.", names(Actor::Operator(*by))),
        change::Event::Lapsed { .. } => "Lapsed.".into(),
        change::Event::Withdrawn { by, .. } => format!("Withdrawn by {}.", names(*by)),
        change::Event::Amended { by, .. } => format!("{} changed the inputs; earlier votes count for nothing.", names(*by)),
        change::Event::Advised { .. } => "It was advice: recorded, nothing to carry out.".into(),
        change::Event::Started { .. } => "Facts, plan and policy were checked again; the run starts.".into(),
        change::Event::RunEnded { how: RunEnd::Done, .. } => "The run is done; the result is being watched.".into(),
        change::Event::RunEnded { how: RunEnd::Undone, .. } => "The run took back what it had done.".into(),
        change::Event::RunEnded { how: RunEnd::Aborted, .. } => "The run was left as it stands.".into(),
        change::Event::Sampled { sample } => {
            let held = sample.goals.values().filter(|goal| **goal == Some(true)).count();
            format!("Looked at the result: {held} of {} hold.", plural(sample.goals.len(), "goal"))
        }
        change::Event::Judged { judgement, closes: true, .. } => {
            format!("The result is {}; policy lets the machine close it.", judgement.word())
        }
        change::Event::Judged { judgement, closes: false, .. } => {
            format!("The result is {}; a person declares the outcome.", judgement.word())
        }
        change::Event::TakenBack { by, .. } => format!("{} takes back what was done.", names(Actor::Operator(*by))),
        change::Event::Declared { by, success, .. } => {
            format!("{} declared it {}.", names(Actor::Operator(*by)), if *success { "a success" } else { "a failure" })
        }
        change::Event::ActRefused { by, act, code, .. } => format!("{act} by {} was refused: {code}.", names(*by)),
    }
}

fn plural(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

fn first_reason(verdict: Option<&Verdict>) -> String {
    verdict.and_then(|verdict| verdict.because().iter().next()).map_or_else(|| "no reason recorded".into(), ToString::to_string)
}

fn incident(event: &incident::Event, names: Names<'_>) -> String {
    match event {
        incident::Event::Opened { severity, signal, .. } => {
            format!("Opened at severity {} by a signal of {}.", severity.number(), signal.source)
        }
        incident::Event::Signalled { signal, .. } => format!("A signal of {} came in.", signal.source),
        incident::Event::Graded { severity, by, .. } => format!("{} set severity {}.", names(*by), severity.number()),
        incident::Event::Acknowledged { by, .. } => format!("{} took it.", names(Actor::Operator(*by))),
        incident::Event::Resolved { .. } => "Every signal has resolved.".into(),
        incident::Event::Closed { by, .. } => format!("{} closed it.", names(Actor::Operator(*by))),
    }
}

fn run(event: &run::Event, names: Names<'_>) -> String {
    match event {
        run::Event::Begun { order } => format!("Run of runbook `{}` with {}.", order.plan.runbook, plural(order.plan.steps.len(), "step")),
        run::Event::Intended { attempt, .. } => {
            let what = match attempt.key.direction {
                Direction::Do => "step",
                Direction::Undo => "undo of step",
            };
            format!("Journalled attempt {} of {what} `{}`, before anything acts on it.", attempt.key.number, attempt.key.step)
        }
        run::Event::Dispatched { runner, .. } => format!("A warrant was made out to {runner}."),
        run::Event::Accepted { .. } => "The runner checked the warrant and journalled it.".into(),
        run::Event::Started { .. } => "The runner began.".into(),
        run::Event::Succeeded { .. } => "The step did what it should, and its check held.".into(),
        run::Event::Failed { applied: Applied::No, why, .. } => format!("The step failed and changed nothing: {why}."),
        run::Event::Failed { applied: Applied::Partly, why, .. } => format!("The step failed and may have changed something: {why}."),
        run::Event::Refused { code, why, .. } => format!("The runner refused the warrant ({code}): {why}."),
        run::Event::BecameUnknown { why, .. } => format!("Nobody knows whether the step took effect: {why}."),
        run::Event::Probed { found, .. } => format!("The runner was fenced and looked: {}.", probe(*found)),
        run::Event::Retried { .. } => "The step is tried again.".into(),
        run::Event::Turned { .. } => "What was done is taken back, in reverse.".into(),
        run::Event::GotStuck { why, .. } => format!("Stuck: {why}. A named person decides."),
        run::Event::Resolved { by, resolution, .. } => {
            let word =
                serde_json::to_value(resolution).ok().and_then(|word| word.as_str().map(|w| w.replace('_', " "))).unwrap_or_default();
            format!("{} decided: {word}.", names(Actor::Operator(*by)))
        }
        run::Event::Ended { how: RunEnd::Done, .. } => "Every step is applied.".into(),
        run::Event::Ended { how: RunEnd::Undone, .. } => "Everything that was applied is taken back.".into(),
        run::Event::Ended { how: RunEnd::Aborted, .. } => "The run was aborted as it stands.".into(),
    }
}

const fn probe(found: Found) -> &'static str {
    match found {
        Found::NeverStarted => "it was never started",
        Found::Applied => "it took effect",
        Found::NotApplied => "it took no effect",
        Found::Inconclusive => "that did not tell",
    }
}
