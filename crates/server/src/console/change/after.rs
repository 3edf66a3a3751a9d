//! After the decision: the steps as they go, and the result against what was wanted.

use lineclear_core::change::{Judgement, Sample, State};
use lineclear_core::run::{Direction, Phase, Run, RunEnd, State as RunState};
use maud::{Markup, html};

use super::Page;
use crate::console::frame::Frame;
use crate::console::moment;
use crate::console::shown::Shown;

/// The run and its result; nothing before there is a run.
pub(super) fn after(frame: &Frame, it: &Page) -> Markup {
    html! {
        @if let Some(run) = &it.view.run { (steps(run)) }
        (result(frame, it))
    }
}

fn steps(run: &Run) -> Markup {
    let stuck = matches!(run.state, RunState::Stuck { .. });
    html! {
        section.alarm[stuck] aria-labelledby="run" {
            h2 #run { "The run" }
            @if let RunState::Stuck { why, .. } = &run.state { p.bad { "Stuck: " (Shown(why)) } }
            @if let RunState::Ended { how } = &run.state { p { (ended(*how)) } }
            ol {
                @for (index, step) in run.order.plan.steps.iter().enumerate() {
                    li { strong { (step.step.as_str()) } " — " (stands(run, index)) }
                }
            }
        }
    }
}

const fn ended(how: RunEnd) -> &'static str {
    match how {
        RunEnd::Done => "Every step is applied.",
        RunEnd::Undone => "Everything that was applied is taken back.",
        RunEnd::Aborted => "A person left it as it stands.",
        RunEnd::Stopped => "A step failed, and the runbook stops there: nothing more was done, and nothing was taken back.",
    }
}

/// How a step stands, in words.
fn stands(run: &Run, index: usize) -> Markup {
    let applied = run.applied.contains(&index);
    let doing = |direction: Direction| match direction {
        Direction::Do => "",
        Direction::Undo => "taking back: ",
    };
    html! {
        @match &run.state {
            RunState::Trying { attempt, phase } if attempt.index == index => {
                span.warn { (doing(attempt.key.direction)) (under_way(*phase)) } span.soft { " (attempt " (attempt.key.number) ")" }
            }
            RunState::Ready { step, direction } if *step == index => { (doing(*direction)) @if run.wait.is_some() { "waits before it is tried again" } @else { "next" } }
            RunState::Failed { attempt, .. } if attempt.index == index => span.bad { "failed" },
            RunState::Stuck { step, direction, .. } if *step == index => span.bad { (doing(*direction)) "stuck; a person decides" },
            RunState::Trying { .. } | RunState::Ready { .. } | RunState::Failed { .. } | RunState::Stuck { .. } | RunState::Ended { .. } => {
                @if applied { span.good { "applied" } } @else { span.soft { "not applied" } }
            }
        }
    }
}

const fn under_way(phase: Phase) -> &'static str {
    match phase {
        Phase::Intended => "journalled; waits for a runner",
        Phase::Dispatched => "handed to a runner",
        Phase::Accepted => "accepted by the runner",
        Phase::Started => "started",
        Phase::Unknown => "nobody knows yet whether it took effect; the runner is asked",
    }
}

fn result(frame: &Frame, it: &Page) -> Markup {
    html! {
        @match &it.view.change.state {
            State::Verifying { before, samples, soak, until, .. } => {
                section aria-labelledby="result" {
                    h2 #result { "The result" }
                    p { "The goals must hold for " (soak) " without a break; " (moment::left(frame.now, *until)) " to watch." }
                    (compared(before, samples.last()))
                }
            }
            State::Escalated { judgement, .. } => {
                section.alarm aria-labelledby="result" {
                    h2 #result { "The result: a person must say" }
                    p { (judged(*judgement)) }
                }
            }
            State::Closed { judgement: Some(judgement), .. } => {
                section aria-labelledby="result" {
                    h2 #result { "The result" }
                    p { (judged(Some(*judgement))) }
                }
            }
            State::Proposed | State::Blocked { .. } | State::Awaiting { .. } | State::Cleared { .. } | State::Running { .. } | State::Closed { judgement: None, .. } => {}
        }
    }
}

fn compared(before: &Sample, last: Option<&Sample>) -> Markup {
    let kinds = [("goal", &before.goals), ("neighbour", &before.neighbours)];
    let now = |kind: &str, name| {
        last.map(|last| if kind == "goal" { last.goals.get(name) } else { last.neighbours.get(name) }.copied().flatten())
    };
    html! {
        table {
            thead { tr { th scope="col" { "What" } th scope="col" { "At the start" } th scope="col" { "Now" } } }
            tbody {
                @for (kind, facts) in kinds {
                    @for (name, was) in facts {
                        tr {
                            td data-label="What" { code { (name.as_str()) } span.soft { " (" (kind) ")" } }
                            td data-label="At the start" { (held(*was)) }
                            td data-label="Now" { @match now(kind, name) { None => span.soft { "not looked at yet" }, Some(seen) => (held(seen)), } }
                        }
                    }
                }
            }
        }
    }
}

fn held(seen: Option<bool>) -> Markup {
    html! {
        @match seen {
            None => span.warn { "missing or stale" },
            Some(true) => span.good { "holds" },
            Some(false) => span.bad { "does not hold" },
        }
    }
}

const fn judged(judgement: Option<Judgement>) -> &'static str {
    match judgement {
        None => "The run was left as it stands, so nothing was judged.",
        Some(Judgement::Improved) => "Improved: every goal held for the whole time, and no neighbour suffered.",
        Some(Judgement::Unchanged) => "Unchanged: the goals that did not hold before do not hold now.",
        Some(Judgement::Worse) => "Worse: a goal that held before does not hold now.",
        Some(Judgement::Shifted) => "Shifted: the goals hold, but a neighbour that was well no longer is.",
        Some(Judgement::Inconclusive) => "Inconclusive: too little was seen, or it moved back and forth.",
    }
}
