//! A runbook as a page for people: what it does, how each step is checked and taken back, and what it was rehearsed for.

mod document;

use std::fmt;

use lineclear_core::catalogue::Action;
use lineclear_core::plan::ToolCall;
use lineclear_core::runbook::{OnFailure, OnUnknown, RetryOn, Runbook, Step};
use serde_json::Value;

use crate::rehearsal::{Test, unrehearsed};
pub use document::Page;
use document::{Block, Line};

/// The page of a runbook; `actions` are those that it carries out.
pub fn page(runbook: &Runbook, tests: &[Test], actions: &[&Action]) -> Page {
    let mut blocks = vec![Block::Heading(1, Line::new(&runbook.title)), Block::Text(head(runbook))];
    if !actions.is_empty() {
        blocks.push(Block::Text(
            actions
                .iter()
                .enumerate()
                .fold(Line::new("It carries out "), |line, (index, action)| {
                    line.text(if index == 0 { "" } else { ", " }).code(&action.name)
                })
                .text("."),
        ));
    }
    blocks.extend(serves(runbook).map(Block::List));
    if let Some(demand) = runbook.sandbox {
        blocks.push(Block::Text(Line::new("Programs that it starts are boxed in, at least ").code(demand).text(".")));
    }
    if let Some(key) = &runbook.concurrency_key {
        blocks.push(Block::Text(Line::new("No two runs at once share ").code(key).text(".")));
    }
    if !runbook.runs_on.is_empty() {
        blocks.push(Block::Text(Line::new("Only a runner that carries ").code(&runbook.runs_on).text(" is given its steps.")));
    }
    inputs(runbook, &mut blocks);
    gets(runbook, &mut blocks);
    let mut branch = None;
    for (number, (of, step)) in runbook.all_steps().enumerate() {
        if number == 0 {
            blocks.push(Block::Heading(2, Line::new("Steps")));
        }
        if of != branch {
            blocks.push(Block::Heading(2, of.map_or_else(Line::default, |name| Line::new("Branch ").code(name))));
            branch = of;
        }
        blocks.push(Block::Heading(3, Line::new(&format!("{}. ", number + 1)).code(&step.id)));
        blocks.push(Block::List(lines(step)));
    }
    afterwards(runbook, &mut blocks);
    rehearsals(runbook, tests, &mut blocks);
    Page { title: runbook.title.clone(), blocks }
}

fn head(runbook: &Runbook) -> Line {
    let about = Line::new("Runbook ").code(&runbook.id).text(", owned by ").code(&runbook.owner);
    about.text(&format!(". It takes at most {}. Its digest is ", runbook.deadline)).code(runbook.digest).text(".")
}

fn inputs(runbook: &Runbook, blocks: &mut Vec<Block>) {
    if runbook.inputs.is_empty() {
        return;
    }
    blocks.push(Block::Heading(2, Line::new("Inputs")));
    let rows = runbook.inputs.iter().map(|(name, kind)| vec![Line::default().code(name), Line::default().told(&kind.to_string())]);
    blocks.push(Block::Table(vec![Line::new("input"), Line::new("what it must be")], rows.collect()));
}

/// What it is for, and who may call it.
fn serves(runbook: &Runbook) -> Option<Vec<Line>> {
    let serves = &runbook.serves;
    let mut lines = Vec::new();
    if !serves.things.is_empty() {
        lines.push(joined("It is for ", serves.things.iter()));
    }
    if !serves.alerts.is_empty() {
        lines.push(joined("It answers the alerts ", serves.alerts.iter()));
    }
    if !serves.actions.is_empty() {
        lines.push(joined("Only these actions may call it: ", serves.actions.iter()));
    }
    (!lines.is_empty()).then_some(lines)
}

fn gets(runbook: &Runbook, blocks: &mut Vec<Block>) {
    blocks.push(Block::Heading(2, Line::new("What it can get")));
    let rows = runbook.permissions.tools().map(|(tool, arguments)| {
        let aimed = arguments.iter().enumerate().fold(Line::default(), |line, (index, (argument, values))| {
            let line = line.text(if index == 0 { "" } else { "; " }).text(argument).text(" ");
            values.iter().enumerate().fold(line, |line, (index, value)| line.text(if index == 0 { "" } else { ", " }).code(value))
        });
        vec![Line::default().code(tool), aimed]
    });
    blocks.push(Block::Table(vec![Line::new("tool"), Line::new("aimed at")], rows.collect()));
}

fn lines(step: &Step) -> Vec<Line> {
    let mut lines = Vec::new();
    for condition in &step.when {
        lines.push(Line::new("Only when ").told(&condition.to_string()).text("."));
    }
    lines.push(called("It calls ", &step.call).text(&format!(", for at most {}.", step.timeout)));
    lines.push(match &step.verify {
        Some(check) => called("It is checked by ", check).text("."),
        None => Line::new("Nothing checks it."),
    });
    lines.push(match &step.undo {
        Some(undo) => called("It is taken back by ", undo).text("."),
        None => Line::new("Nothing takes it back."),
    });
    lines.extend(tried(step));
    lines.push(match &step.on_failure {
        OnFailure::Stop => Line::new("When it fails, nothing more is done and nothing is taken back."),
        OnFailure::Undo => Line::new("When it fails, what was done is taken back, the last step first."),
        OnFailure::Person => Line::new("When it fails, a person decides."),
        OnFailure::Goto(branch) => Line::new("When it fails, the run goes on with branch ").code(branch).text("."),
    });
    lines.push(Line::new(match step.on_unknown {
        OnUnknown::Verify => "When nobody knows whether it took effect, its check is asked; when that does not tell, a person decides.",
        OnUnknown::Person => "When nobody knows whether it took effect, a person decides.",
    }));
    for (name, output) in &step.outputs {
        let line = Line::new("It reports ").code(name).text(", read from ").code(&output.at);
        lines.push(line.text(" of what the tool says: ").told(&output.kind.to_string()).text("."));
    }
    lines
}

fn tried(step: &Step) -> Option<Line> {
    let retry = &step.retry;
    if retry.attempts <= 1 {
        return None;
    }
    let waits: Vec<String> = retry.waits.iter().map(ToString::to_string).collect();
    let waits = if waits.is_empty() { String::new() } else { format!(", after {}", waits.join(", then ")) };
    let after: Vec<&str> = retry
        .on
        .iter()
        .map(|on| match on {
            RetryOn::NotApplied => "nothing was changed",
            RetryOn::Partly => "something may have been changed",
        })
        .collect();
    Some(Line::new(&format!("It is tried up to {} times{waits}, as long as {}.", retry.attempts, after.join(" or "))))
}

/// A call with its arguments, in the words of the file.
fn called(begin: &str, call: &ToolCall) -> Line {
    let line = Line::new(begin).code(&call.tool).text(" with ");
    call.with.iter().enumerate().fold(line, |line, (index, (name, value))| {
        let line = line.text(if index == 0 { "" } else { ", " }).text(name).text(" ");
        match value {
            Value::String(text) => line.code(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => line.code(value),
        }
    })
}

fn afterwards(runbook: &Runbook, blocks: &mut Vec<Block>) {
    let verification = &runbook.verification;
    blocks.push(Block::Heading(2, Line::new("Afterwards")));
    let listed = |begin: &str, facts: &std::collections::BTreeSet<lineclear_core::name::FactName>| {
        (!facts.is_empty()).then(|| joined(begin, facts.iter()))
    };
    let mut lines = Vec::new();
    lines.extend(listed("It helped when these facts hold: ", &verification.goals));
    lines.extend(listed("These must not stop holding: ", &verification.neighbours));
    if lines.is_empty() {
        lines.push(Line::new("No fact says whether it helped."));
    } else if verification.soak > lineclear_core::Span::ZERO {
        lines.push(Line::new(&format!("They must hold for {} without a break.", verification.soak)));
    }
    blocks.push(Block::List(lines));
}

fn joined(begin: &str, names: impl Iterator<Item = impl fmt::Display>) -> Line {
    names.enumerate().fold(Line::new(begin), |line, (index, name)| line.text(if index == 0 { "" } else { ", " }).code(name)).text(".")
}

fn rehearsals(runbook: &Runbook, tests: &[Test], blocks: &mut Vec<Block>) {
    blocks.push(Block::Heading(2, Line::new("Rehearsed")));
    if tests.is_empty() {
        blocks.push(Block::Text(Line::new("No test plays it.")));
    } else {
        let rows = tests.iter().map(|test| vec![Line::new(&test.name), Line::default().told(&test.expected.end.to_string())]);
        blocks.push(Block::Table(vec![Line::new("what happens"), Line::new("how it ends")], rows.collect()));
    }
    let missing = unrehearsed(runbook, tests);
    if !missing.is_empty() {
        let line = joined("No test that holds takes back ", missing.into_iter());
        blocks.push(Block::Text(line.text(" The runbook cannot become routine.")));
    }
}
