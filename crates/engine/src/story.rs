//! One sentence for people for everything that can happen, made from typed fields. What agents write is never mixed in.

mod page;

pub(crate) use page::at;

use lineclear_core::record::Event;
use lineclear_core::run::{Applied, Direction, Found, RunEnd};
use lineclear_core::signal::SignalState;
use lineclear_core::situation::Actor;
use lineclear_core::statement::Vote;
use lineclear_core::subject::Use;
use lineclear_core::verdict::Verdict;
use lineclear_core::{approval, change, delivery, deployment, emergency, incident, installation, lane, patch, revision, run, runner};

type Names<'a> = &'a dyn Fn(Actor) -> String;

/// The sentence of an event.
pub(crate) fn says(event: &Event, names: Names<'_>) -> String {
    match event {
        Event::Installation(event) => installation(event, names),
        Event::Approval(event) => approval(event, names),
        Event::Change(event) => change(event, names),
        Event::Delivery(event) => delivery(event, names),
        Event::Deployment(event) => deployment(event),
        Event::Emergency(event) => emergency(event, names),
        Event::Incident(event) => incident(event, names),
        Event::Lane(event) => lane(event),
        Event::Page(event) => page::page(event, names),
        Event::Revision(event) => revision(event, names),
        Event::Patch(event) => patch(event, names),
        Event::Run(event) => run(event, names),
        Event::Runner(event) => runner(event, names),
    }
}

fn installation(event: &installation::Event, names: Names<'_>) -> String {
    match event {
        installation::Event::Started { epoch, version, .. } => format!("Lineclear {version} started, epoch {epoch}."),
        installation::Event::PostureSet { posture, reason, .. } => format!("Posture set to {posture}: {reason}"),
        installation::Event::Adopted { estate, .. } => format!("Estate {} is kept, and only people replace it.", estate.short()),
        installation::Event::Activated { estate, by, .. } => {
            format!("{} brought estate {} into force.", names(Actor::Operator(*by)), estate.short())
        }
        installation::Event::EmergencyBegan { emergency, scope, until, .. } => {
            format!("{emergency} is in force for {scope}, until {until} at the longest.")
        }
        installation::Event::EmergencyOver { emergency, .. } => format!("{emergency} is over; its review is open."),
        installation::Event::ReviewOpened { emergency, .. } => format!("A review is open: {emergency}."),
        installation::Event::ReviewClosed { emergency, by, .. } => {
            format!("{} closed the review of {emergency}.", names(Actor::Operator(*by)))
        }
    }
}

fn emergency(event: &emergency::Event, names: Names<'_>) -> String {
    let person = |by: &lineclear_core::OperatorId| names(Actor::Operator(*by));
    match event {
        emergency::Event::Declared { by, scope, until, .. } => {
            format!("{} declared an emergency for {scope}, until {until} at the longest.", person(by))
        }
        emergency::Event::GlassBroken { glass, .. } => {
            let said = &glass.statement;
            let (by, runner, at) = (person(&said.person), said.runner, said.issued_at);
            format!("{by} broke the glass on {runner} at {at}, for {} on {}; told now.", said.action, said.target)
        }
        emergency::Event::Told { number, what, .. } => format!("Line {number} of its journal: {}.", what.replace('_', " ")),
        emergency::Event::Acted { change, run, .. } => format!("{run} of {change} was begun under it."),
        emergency::Event::Ended { by, .. } => format!("{} ended it; its review is open.", person(by)),
        emergency::Event::Expired { .. } => "Its time is over; its review is open.".into(),
        emergency::Event::Reviewed { by, .. } => format!("{} closed its review.", person(by)),
    }
}

fn delivery(event: &delivery::Event, names: Names<'_>) -> String {
    match event {
        delivery::Event::Queued { order, .. } => {
            let to = order.to.person().map_or_else(|| "its room".into(), |person| names(Actor::Operator(person)));
            format!("To be told by `{}` to {to}: {}.", order.channel, order.notice.title)
        }
        delivery::Event::Sent { .. } => "The channel took it.".into(),
        delivery::Event::Failed { failure, due, .. } => {
            format!("A try failed ({}): {}. The next is at {due}.", failure.why.word(), failure.detail)
        }
        delivery::Event::Buried { failure, .. } => format!("It cannot arrive ({}): {}.", failure.why.word(), failure.detail),
        delivery::Event::Superseded { settlement, .. } => format!("What it is about is {}.", settlement.how.word()),
        delivery::Event::Edited { .. } => "The message says so now.".into(),
        delivery::Event::Retried { by, .. } => format!("{} set it going again.", names(Actor::Operator(*by))),
        delivery::Event::Dismissed { by, reason, .. } => format!("{} let it be: {reason}", names(Actor::Operator(*by))),
    }
}

fn lane(event: &lane::Event) -> String {
    match event {
        lane::Event::Taken { key, run, change, .. } => format!("`{key}` is {run}'s, of {change}, until it is over."),
        lane::Event::Left { run, .. } => format!("It is nobody's again: {run} is over."),
    }
}

fn runner(event: &runner::Event, names: Names<'_>) -> String {
    let person = |by: &lineclear_core::OperatorId| names(Actor::Operator(*by));
    match event {
        runner::Event::Invited { name, by, until, .. } => format!("{} invited runner `{name}`; the token works until {until}.", person(by)),
        runner::Event::Lapsed { .. } => "Nobody came with the token in time.".into(),
        runner::Event::Enrolled { version, .. } => format!("It enrolled with a key of its own, version {version}."),
        runner::Event::TokenShownAgain { .. } => "Somebody showed its token again, after it was used.".into(),
        runner::Event::Drained { by, reason, .. } => format!("{} drained it: {reason}", person(by)),
        runner::Event::Resumed { by, reason, .. } => format!("{} resumed it: {reason}", person(by)),
        runner::Event::Revoked { by, reason, .. } => format!("{} revoked it: {reason}", person(by)),
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
        approval::Event::Consumed { by: Use::Run { .. } } => "The approval was used up by the run.".into(),
        approval::Event::Consumed { by: Use::Revision { .. } } => "The approval was used up by the activation.".into(),
    }
}

const fn withdrawal(why: approval::Withdrawal) -> &'static str {
    match why {
        approval::Withdrawal::ChangeWithdrawn => "the change was withdrawn",
        approval::Withdrawal::Amended => "the inputs were changed",
        approval::Withdrawal::Drifted => "the world moved, so it is asked again with the difference",
        approval::Withdrawal::Blocked => "a fact it stood on is missing or stale",
        approval::Withdrawal::Denied => "policy refuses it now",
        approval::Withdrawal::RevisionWithdrawn => "the proposed estate was withdrawn",
        approval::Withdrawal::Superseded => "another estate came into force",
    }
}

fn revision(event: &revision::Event, names: Names<'_>) -> String {
    let person = |by: &lineclear_core::OperatorId| names(Actor::Operator(*by));
    match event {
        revision::Event::Proposed { by, estate, files, .. } => {
            format!(
                "{} proposed estate {} of {}.",
                person(by),
                estate.short(),
                plural(usize::try_from(*files).unwrap_or(usize::MAX), "file")
            )
        }
        revision::Event::Unfit { report, .. } => format!("It cannot come into force: {}.", plural(report.obstacles().len(), "obstacle")),
        revision::Event::Asked { report, .. } => format!(
            "Examined: {} of {} proved, {} of request open, {} close. People must answer.",
            report.proved(),
            report.obligations(),
            plural(report.opened.len(), "kind"),
            report.closed.len()
        ),
        revision::Event::Superseded { base, .. } => format!("Estate {} came into force meanwhile: it is examined again.", base.short()),
        revision::Event::Granted { .. } => "Enough people approved; it comes into force when one of them says so.".into(),
        revision::Event::Rejected { by, .. } => format!("Rejected by {}.", person(by)),
        revision::Event::Lapsed { .. } => "Lapsed.".into(),
        revision::Event::Withdrawn { by, reason, .. } => format!("{} took it back: {reason}", person(by)),
        revision::Event::Activated { by, .. } => format!("{} brought it into force.", person(by)),
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
        change::Event::RunEnded { how: RunEnd::Stopped, .. } => "The run stopped at a step that failed, as its runbook says.".into(),
        change::Event::Queued { key, behind, .. } => format!("It waits for its turn on `{key}`, behind {behind}."),
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

fn deployment(event: &deployment::Event) -> String {
    match event {
        deployment::Event::Reported { report, .. } => {
            format!("{} reports a {}: {}.", report.source, report.kind.word(), report.progress.word())
        }
        deployment::Event::Moved { progress, .. } => {
            format!("It has {}.", if *progress == deployment::Progress::Started { "started" } else { progress.word() })
        }
    }
}

fn incident(event: &incident::Event, names: Names<'_>) -> String {
    match event {
        incident::Event::Opened { severity, signal, split_from: None, .. } => {
            format!("Opened at severity {} by a signal of {}.", severity.number(), signal.source)
        }
        incident::Event::Opened { severity, split_from: Some(from), .. } => {
            format!("Split off from {from}, at severity {}.", severity.number())
        }
        incident::Event::Signalled { signal, .. } => match signal.state {
            SignalState::Firing => format!("A signal of {} came in.", signal.source),
            SignalState::Resolved => format!("A signal of {} resolved.", signal.source),
        },
        incident::Event::Flapping { .. } => "One of its signals goes back and forth; only what is steady counts from now on.".into(),
        incident::Event::Overflowed { total, .. } => format!("{total} signals more than are kept by name have come in."),
        incident::Event::Quieted { why, .. } => format!("Nobody is told: {}.", quiet(why)),
        incident::Event::Paged { why, path, severity, .. } => {
            let whom =
                path.as_ref().map_or_else(|| "no escalation path is set for it".into(), |path| format!("by escalation path `{path}`"));
            format!("It asks for a person, {whom}, at severity {}: {}.", severity.number(), told(*why))
        }
        incident::Event::Graded { severity, by, .. } => format!("{} set severity {}.", names(*by), severity.number()),
        incident::Event::Acknowledged { by, .. } => format!("{} took it.", names(Actor::Operator(*by))),
        incident::Event::RoleTaken { role, by, from: None, .. } => format!("{} is {} now.", names(Actor::Operator(*by)), role.title()),
        incident::Event::RoleTaken { role, by, from: Some(from), reason, .. } => {
            format!("{} is {} now, instead of {}: {reason}", names(Actor::Operator(*by)), role.title(), names(Actor::Operator(*from)))
        }
        incident::Event::RoleHandedOver { role, by, to, .. } => {
            format!("{} handed the role of {} over to {}.", names(Actor::Operator(*by)), role.title(), names(Actor::Operator(*to)))
        }
        incident::Event::RoleLeft { role, by, .. } => {
            format!("{} is no longer {}, and nobody is.", names(Actor::Operator(*by)), role.title())
        }
        incident::Event::Resolved { .. } => "Every signal has resolved.".into(),
        incident::Event::Merged { into, by, .. } => format!("{} made it part of {into}.", names(*by)),
        incident::Event::Absorbed { from, signals, .. } => format!("{} of {from} belong here.", plural(signals.len(), "signal")),
        incident::Event::Split { into, signals, by, .. } => {
            format!("{} split {} off: they are {into} now.", names(Actor::Operator(*by)), plural(signals.len(), "signal"))
        }
        incident::Event::Closed { by, .. } => format!("{} closed it.", names(Actor::Operator(*by))),
    }
}

fn quiet(why: &incident::Quiet) -> String {
    match why {
        incident::Quiet::Informational => "its signals are for information only".into(),
        incident::Quiet::Declared => "its signals are said to need nobody".into(),
        incident::Quiet::OutsideProduction => "what they concern is not production".into(),
        incident::Quiet::Maintenance { until, .. } => format!("a maintenance window covers them until {until}"),
    }
}

const fn told(why: incident::Why) -> &'static str {
    match why {
        incident::Why::Actionable => "a signal asks for a person",
        incident::Why::Rule => "a rule of the estate pages for this, whatever its severity",
        incident::Why::NoLongerQuiet => "the reason for silence no longer covers it",
    }
}

fn patch(event: &patch::Event, names: Names<'_>) -> String {
    let person = |by: &lineclear_core::OperatorId| names(Actor::Operator(*by));
    match event {
        patch::Event::Offered { by, review, .. } => {
            let tests = plural(review.tests.len(), "test");
            format!(
                "{} drafted runbook `{}` with {tests}, of which {} hold. Nothing runs it.",
                names(*by),
                review.runbook,
                review.holding()
            )
        }
        patch::Event::TakenUp { by, revision, .. } => format!("{} proposed it as part of the estate: {revision}.", person(by)),
        patch::Event::Declined { by, reason, .. } => format!("{} declined it: {reason}", person(by)),
        patch::Event::Lapsed { .. } => "Nobody took it up in time.".into(),
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
        run::Event::Retried { due: None, .. } => "The step is tried again.".into(),
        run::Event::Retried { due: Some(due), .. } => format!("The step is tried again, not before {due}."),
        run::Event::Skipped { step, why, .. } => format!("Step `{step}` is left out: {why}."),
        run::Event::Branched { to, .. } => format!("It goes on with the branch `{to}` instead."),
        run::Event::Turned { .. } => "What was done is taken back, in reverse.".into(),
        run::Event::GotStuck { why, .. } => format!("Stuck: {why}. A named person decides."),
        run::Event::Resolved { by, resolution, to, asked_by, .. } => {
            let person = |person: &lineclear_core::OperatorId| names(Actor::Operator(*person));
            let taker = to.as_ref().map(|to| format!(" to {}", person(to))).unwrap_or_default();
            let first = asked_by.as_ref().map(|first| format!(", as {} had asked", person(first))).unwrap_or_default();
            format!("{} decided: {}{taker}{first}.", person(by), resolution.word().replace('_', " "))
        }
        run::Event::SecondAsked { by, resolution, .. } => {
            let word = resolution.word().replace('_', " ");
            format!("{} asked to {word}; on high risk a second person has to ask for it too.", names(Actor::Operator(*by)))
        }
        run::Event::Ended { how: RunEnd::Done, .. } => "Every step is applied.".into(),
        run::Event::Ended { how: RunEnd::Undone, .. } => "Everything that was applied is taken back.".into(),
        run::Event::Ended { how: RunEnd::Aborted, .. } => "The run was aborted as it stands.".into(),
        run::Event::Ended { how: RunEnd::Stopped, .. } => "The run stopped there, and nothing was taken back.".into(),
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
