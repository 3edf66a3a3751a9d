//! What one runbook must hold to beyond its shape: names once, branches that lead forwards, conditions on what is known by then.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::Span;
use lineclear_core::catalogue::InputKind;
use lineclear_core::name::{BranchName, InputName, OutputName, StepName};
use lineclear_core::runbook::Subject;

use super::branch::BranchDraft;
use super::condition::{ConditionDraft, fits};
use super::step::StepDraft;
use super::{STEPS_MAX, retry};
use crate::duration::duration;
use crate::fault::{At, Faults, Place};
use crate::suggest::suggest;

/// A runbook's steps and branches, read without a fault.
pub(super) struct Whole<'d> {
    pub(super) id: &'d Place,
    pub(super) steps: &'d [StepDraft],
    pub(super) branches: &'d [BranchDraft],
    pub(super) deadline: Option<Span>,
}

impl<'d> Whole<'d> {
    pub(super) fn all(&self) -> impl Iterator<Item = &'d StepDraft> + Clone {
        self.steps.iter().chain(self.branches.iter().flat_map(|branch| &branch.steps))
    }

    /// Names, waits and tries.
    pub(super) fn steps(&self, faults: &Faults) {
        let count = self.all().count();
        if self.steps.is_empty() || count > STEPS_MAX {
            let message = format!("a runbook has 1 to {STEPS_MAX} steps, its branches included, this one has {count}");
            faults.at(self.id, message, None);
        }
        let mut seen = BTreeSet::new();
        for step in self.all() {
            if !seen.insert(&step.step.id) {
                faults.at(&step.id, format!("step `{}` is described twice", step.step.id), None);
            }
            let within = step.step.call.with.get("within").and_then(serde_json::Value::as_str).and_then(duration);
            if let Some(within) = within.filter(|within| *within > step.step.timeout) {
                let message = format!("step `{}` waits for {within}, and times out after {}", step.step.id, step.step.timeout);
                faults.at(&step.id, message, Some("give `timeout` more than `within`".into()));
            }
            retry::check(&step.id, &step.step.call, step.step.verify.is_some(), &step.retry, self.deadline, faults);
        }
    }

    /// Every branch is led to, and none leads back.
    pub(super) fn branches(&self, faults: &Faults) {
        let known: BTreeMap<&BranchName, &BranchDraft> = self.branches.iter().map(|branch| (&branch.name.value, branch)).collect();
        let mut led_to = BTreeSet::new();
        for goto in self.all().filter_map(|step| step.goto.as_ref()) {
            led_to.insert(&goto.value);
            if !known.contains_key(&goto.value) {
                let help = suggest(goto.value.as_str(), known.keys().map(|name| name.as_str()));
                let help = help.or_else(|| Some(format!("describe it under `fallbacks`: `{}: [ … ]`", goto.value)));
                faults.at(&goto.place, format!("`{}` is no branch of this runbook", goto.value), help);
            }
        }
        for branch in self.branches {
            if branch.steps.is_empty() {
                faults.at(&branch.name.place, format!("branch `{}` has no steps", branch.name.value), None);
            }
            if !led_to.contains(&branch.name.value) {
                let help = format!("write `on_failure: {{ goto: {} }}` at a step, or remove it", branch.name.value);
                faults.at(&branch.name.place, format!("nothing leads to branch `{}`", branch.name.value), Some(help));
            }
            if let Some(back) = leads_back(branch, &known) {
                let message = format!("branch `{}` leads back to itself", branch.name.value);
                faults.at(&back.place, message, Some("each branch is taken at most once: go on to another, or ask a person".into()));
            }
        }
    }

    /// Every condition looks at something that is known by then, and compares it with what it can be.
    pub(super) fn conditions(&self, inputs: &BTreeMap<InputName, At<InputKind>>, faults: &Faults) {
        let mut used: BTreeSet<(&StepName, &OutputName)> = BTreeSet::new();
        let ways = std::iter::once((self.steps, &[][..])).chain(self.branches.iter().map(|branch| (&branch.steps[..], self.steps)));
        for (way, main) in ways {
            for (index, step) in way.iter().enumerate() {
                let earlier: Vec<&StepDraft> = main.iter().chain(way.iter().take(index)).collect();
                for draft in &step.when {
                    match &draft.condition.of {
                        Subject::Input(name) => known_input(name, draft, inputs, faults),
                        Subject::Output { step, output } => {
                            used.insert((step, output));
                            self.output((step, output), draft, &earlier, faults);
                        }
                    }
                }
            }
        }
        for step in self.all() {
            for output in step.outputs.iter().filter(|output| !used.contains(&(&step.step.id, &output.name.value))) {
                let message = format!("output `{}` of step `{}` is kept, and no condition looks at it", output.name.value, step.step.id);
                faults.at(&output.name.place, message, Some("remove it, or use it in a `when`".into()));
            }
        }
    }

    fn output(&self, (step, output): (&StepName, &OutputName), draft: &ConditionDraft, earlier: &[&StepDraft], faults: &Faults) {
        let Some(known) = earlier.iter().find(|known| known.step.id == *step) else {
            let (message, help) = if self.all().any(|known| known.step.id == *step) {
                (format!("step `{step}` does not come before this one"), "look at an earlier step of the same way".into())
            } else {
                let names = earlier.iter().map(|known| known.step.id.as_str());
                let help = suggest(step.as_str(), names).unwrap_or_else(|| "look at an earlier step".into());
                (format!("`{step}` is no step of this runbook"), help)
            };
            faults.at(&draft.of, message, Some(help));
            return;
        };
        if !known.when.is_empty() {
            let message = format!("step `{step}` may be left out, and then `{}` is not known", draft.condition.of);
            faults.at(&draft.of, message, Some("look at a step that is always done".into()));
        }
        if let Some(kept) = known.outputs.iter().find(|kept| kept.name.value == *output) {
            fits(draft, &kept.output.kind, faults);
            return;
        }
        let help = suggest(output.as_str(), known.outputs.iter().map(|kept| kept.name.value.as_str()));
        let help = help.or_else(|| Some(format!("declare it under `outputs` of step `{step}`")));
        faults.at(&draft.of, format!("step `{step}` has no output `{output}`"), help);
    }

    /// Every input that is referred to is declared, and every one that is declared is used.
    pub(super) fn inputs(&self, inputs: &BTreeMap<InputName, At<InputKind>>, key: &[At<InputName>], faults: &Faults) {
        let mut used: BTreeSet<&InputName> = self.all().flat_map(|step| &step.when).filter_map(of_input).collect();
        for input in self.all().flat_map(|step| step.calls.iter().flat_map(|call| &call.inputs)).chain(key) {
            match (inputs.get_key_value(&input.value), of_list(&input.value, inputs)) {
                (Some((name, kind)), _) => {
                    used.insert(name);
                    if matches!(kind.value, InputKind::Names { .. }) {
                        let help = "write the step once with `for_each: { input: … }`, and `${item}` here";
                        faults.at(&input.place, format!("`inputs.{name}` is a list, and a call takes one value"), Some(help.into()));
                    }
                }
                (None, Some(name)) => drop(used.insert(name)),
                (None, None) => {
                    let known = inputs.keys().map(InputName::as_str);
                    let help = suggest(input.value.as_str(), known).or_else(|| Some("declare it under `inputs`".into()));
                    faults.at(&input.place, format!("`${{inputs.{}}}` names no input of this runbook", input.value), help);
                }
            }
        }
        for (name, kind) in inputs {
            if !used.contains(name) {
                faults.at(&kind.place, format!("input `{name}` is asked for, and no step uses it"), Some("remove it, or use it".into()));
            }
        }
    }
}

/// The list that `hosts.3` is a place of, when there is one of that length.
fn of_list<'i>(name: &InputName, inputs: &'i BTreeMap<InputName, At<InputKind>>) -> Option<&'i InputName> {
    let (list, place) = name.as_str().rsplit_once('.')?;
    let (list, place): (InputName, usize) = (list.parse().ok()?, place.parse().ok()?);
    let (name, kind) = inputs.get_key_value(&list)?;
    matches!(kind.value, InputKind::Names { max } if place < max).then_some(name)
}

fn known_input(name: &InputName, draft: &ConditionDraft, inputs: &BTreeMap<InputName, At<InputKind>>, faults: &Faults) {
    let Some(kind) = inputs.get(name) else {
        let help = suggest(name.as_str(), inputs.keys().map(InputName::as_str));
        faults.at(&draft.of, format!("`{name}` is no input of this runbook"), help.or_else(|| Some("declare it under `inputs`".into())));
        return;
    };
    fits(draft, &kind.value, faults);
}

fn of_input(draft: &ConditionDraft) -> Option<&InputName> {
    if let Subject::Input(name) = &draft.condition.of { Some(name) } else { None }
}

/// The way from a branch back to itself, by its first step there.
fn leads_back<'d>(start: &'d BranchDraft, known: &BTreeMap<&BranchName, &'d BranchDraft>) -> Option<&'d At<BranchName>> {
    let gotos = |branch: &'d BranchDraft| branch.steps.iter().filter_map(|step| step.goto.as_ref());
    gotos(start).find(|first| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![&first.value]);
        while let Some(name) = open.pop() {
            if *name == start.name.value {
                return true;
            }
            if seen.insert(name)
                && let Some(branch) = known.get(name)
            {
                open.extend(gotos(branch).map(|goto| &goto.value));
            }
        }
        false
    })
}
