//! What would change, exactly, as read from the live system; and the way back.

use lineclear_core::catalogue::Reversibility;
use lineclear_core::dossier::{Dossier, Fault};
use lineclear_core::name::BranchName;
use lineclear_core::permission::Permissions;
use lineclear_core::plan::{EffectClass, Plan, PlannedStep, ToolCall};
use maud::{Markup, html};
use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

use crate::console::frame::Frame;
use crate::console::moment;
use crate::console::shown::{Shown, lines};

/// The exact difference.
pub(super) fn difference(frame: &Frame, dossier: &Dossier, ran: bool) -> Markup {
    let unread = dossier.faults.iter().find_map(|fault| if let Fault::NoPlan { why } = fault { Some(why) } else { None });
    html! {
        section.alarm[unread.is_some()] aria-labelledby="difference" {
            h2 #difference { @if ran { "What was to change" } @else { "What would change" } }
            @match (&dossier.plan, unread) {
                (Some(plan), _) => {
                    p.soft {
                        "Read from the live system " (moment::ago(frame.now, plan.read)) " by the runner, not by the agent. Runbook " code { (plan.runbook.as_str()) } "."
                    }
                    @if let Some(key) = &plan.concurrency_key { p { "No other run with " code { (Shown(key)) } " may be under way at the same time." } }
                    @if !plan.runs_on.is_empty() { p { "Only a runner that carries " code { (plan.runs_on.to_string()) } " is given its steps." } }
                    @for (index, step) in plan.steps.iter().enumerate() {
                        @let before = index.checked_sub(1).and_then(|before| plan.steps.get(before)).and_then(|step| step.flow.branch.as_ref());
                        @if let Some(branch) = step.flow.branch.as_ref().filter(|branch| before != Some(*branch)) { (branch_of(plan, branch)) }
                        (one(index + 1, step))
                    }
                    @if !plan.permissions.is_empty() {
                        h3 { "All that its steps can get" }
                        p.small.soft { "Your signature covers this list, and the runner refuses every call that goes beyond it." }
                        (gets(&plan.permissions))
                    }
                    @if !plan.left_out.is_empty() {
                        h3 { "Left out" }
                        ul { @for step in &plan.left_out { li { strong { (step.step.as_str()) } ": " (Shown(&step.why)) } } }
                    }
                }
                (None, Some(why)) => {
                    p.bad { "The live system could not be read, so nobody knows what would change." }
                    p { (Shown(why)) }
                }
                (None, None) => p { "Nothing: this is advice, and no runbook carries it out." },
            }
        }
    }
}

/// What the runner gives these steps, and nothing beside it.
pub(in crate::console) fn gets(permissions: &Permissions) -> Markup {
    html! {
        @if !permissions.is_empty() {
            ul {
                @for (tool, arguments) in permissions.tools() {
                    li {
                        code { (tool.as_str()) }
                        @for (argument, values) in arguments {
                            " " span.soft { (Shown(argument)) } " "
                            @for (index, value) in values.iter().enumerate() { @if index > 0 { ", " } code { (Shown(value)) } }
                        }
                    }
                }
            }
        }
    }
}

/// A branch is only taken when a step fails; people see when, before its steps.
fn branch_of(plan: &Plan, branch: &BranchName) -> Markup {
    let from: Vec<&str> = plan.steps.iter().filter(|step| step.flow.goto.as_ref() == Some(branch)).map(|step| step.step.as_str()).collect();
    html! {
        h3.warn { "Only if " @for (index, step) in from.iter().enumerate() { @if index > 0 { " or " } code { (step) } } " fails: branch " code { (branch.as_str()) } }
    }
}

fn one(number: usize, step: &PlannedStep) -> Markup {
    html! {
        div.step {
            h3 { (number) ". " (step.step.as_str()) " " span.soft.small { "by " code { (step.call.tool.as_str()) } ", " (again(step.effect)) } }
            p { (Shown(&step.preview.summary)) }
            @if !step.flow.when.is_empty() {
                p.warn {
                    "Known only while it runs: it is done only when "
                    @for (index, condition) in step.flow.when.iter().enumerate() { @if index > 0 { " and " } (Shown(&condition.to_string())) }
                    "."
                }
            }
            @if let Some(branch) = &step.flow.goto { p.small.soft { "If it fails, the branch " code { (branch.as_str()) } " follows instead." } }
            @if !step.preview.targets.is_empty() {
                p.small { span.soft { "Touches " } @for (index, target) in step.preview.targets.iter().enumerate() { @if index > 0 { ", " } code { (Shown(target)) } } }
            }
            (before_after(&step.preview.before, &step.preview.after))
        }
    }
}

/// What happens when the call is sent twice, in words.
const fn again(effect: EffectClass) -> &'static str {
    match effect {
        EffectClass::Read => "changes nothing",
        EffectClass::Cas => "the target refuses a second send",
        EffectClass::Keyed => "the target ignores a second send",
        EffectClass::Converge => "a second send ends the same",
        EffectClass::Once => "nothing protects against a second send",
    }
}

fn before_after(before: &Value, after: &Value) -> Markup {
    if before == after {
        return html! { p.soft { "Before and after are the same." } };
    }
    match (flat(before), flat(after)) {
        (Some(old), Some(new)) => table(old, new),
        (_, _) => diff(&lines(before), &lines(after)),
    }
}

/// An object of plain values.
fn flat(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object().filter(|map| !map.is_empty() && map.values().all(|value| !value.is_object() && !value.is_array()))
}

fn table(old: &Map<String, Value>, new: &Map<String, Value>) -> Markup {
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    html! {
        table {
            thead { tr { th scope="col" { "What" } th scope="col" { "Before" } th scope="col" { "After" } } }
            tbody {
                @for key in keys {
                    @let (was, is) = (old.get(key), new.get(key));
                    // A number that becomes the text of itself is a change, too.
                    @let exact = was != is && was.map(lines) == is.map(lines);
                    tr.moved[was != is] {
                        td data-label="What" { (Shown(key)) }
                        td data-label="Before" { (cell(was, exact)) }
                        td data-label="After" { (cell(is, exact)) @if was == is { span.soft { " (same)" } } }
                    }
                }
            }
        }
    }
}

fn cell(value: Option<&Value>, exact: bool) -> Markup {
    html! {
        @match value {
            None => span.soft { "not there" },
            Some(Value::Null) => span.soft { "nothing" },
            Some(value) if exact => code { (Shown(&value.to_string())) },
            Some(value) => code { (Shown(&lines(value))) },
        }
    }
}

fn diff(old: &str, new: &str) -> Markup {
    let diff = TextDiff::from_lines(old, new);
    html! {
        ul.diff aria-label="Before and after, line by line" {
            @for change in diff.iter_all_changes() {
                @let (class, sign, word) = match change.tag() {
                    ChangeTag::Delete => ("minus", "−", "before: "),
                    ChangeTag::Insert => ("plus", "+", "after: "),
                    ChangeTag::Equal => ("same", " ", "same: "),
                };
                li class=(class) { span.sign title=(word) { (sign) } (Shown(change.value().trim_end_matches('\n'))) }
            }
        }
    }
}

/// The way back.
pub(super) fn undo(frame: &Frame, dossier: &Dossier) -> Markup {
    let Some(plan) = &dossier.plan else { return html! {} };
    let acting: Vec<&PlannedStep> = plan.steps.iter().filter(|step| step.effect != EffectClass::Read).collect();
    let stuck = acting.iter().any(|step| step.undo.is_none() || !step.preview.reversible);
    let impossible = dossier.reversibility == Reversibility::Irreversible || stuck;
    let alarm = !acting.is_empty() && (impossible || dossier.drilled.is_none());
    html! {
        section.alarm[alarm] aria-labelledby="undo" {
            h2 #undo { "The way back" }
            @if acting.is_empty() { p { "Nothing is changed, so nothing has to be taken back." } } @else {
                p {
                    @match dossier.reversibility {
                        Reversibility::Reversible if !stuck => { "The runbook's own undo restores the state before." }
                        Reversibility::Reversible => span.bad { "Not every step can be taken back." },
                        Reversibility::Partly => span.warn { "Only partly: a person can restore it, with work or with loss of time." },
                        Reversibility::Irreversible => span.bad { "There is none: nothing restores the state before." },
                    }
                    " "
                    @match dossier.drilled {
                        Some(at) => { "The undo was last drilled " (moment::ago(frame.now, at)) "." }
                        None => span.bad { "The undo was never drilled." },
                    }
                }
                ol { @for step in acting.iter().rev() { li { (back(step)) } } }
            }
        }
    }
}

fn back(step: &PlannedStep) -> Markup {
    html! {
        strong { (step.step.as_str()) } ": "
        @match &step.undo {
            Some(call) => { (called(call)) @if !step.preview.reversible { " " span.bad { "— this does not restore the state before" } } }
            None => span.bad { "no undo; it stays as it is" },
        }
    }
}

fn called(call: &ToolCall) -> Markup {
    html! {
        code { (call.tool.as_str()) }
        @for (name, value) in &call.with { " " span.soft { (Shown(name)) "=" } code { (Shown(&lines(value))) } }
    }
}
