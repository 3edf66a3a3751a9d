//! `when` and `outputs`: values that steps report, declared with their kinds, and conditions that look at them or at inputs.

use lineclear_core::catalogue::{InputKind, InputValue};
use lineclear_core::name::{InputName, OutputName, StepName};
use lineclear_core::runbook::{Condition, Output, Subject, Test};

use crate::fault::{At, Faults, Place};
use crate::inputs::kind;
use crate::members::{Members, bounded, cut, list};
use crate::yaml::{Kind, Node};

/// Most conditions of one step: more than this is a program.
const CONDITIONS_MAX: usize = 8;
/// Most outputs of one step.
const OUTPUTS_MAX: usize = 8;
/// Longest pointer and longest compared text, in characters.
const TEXT_MAX: usize = 200;
/// Longest text that an output may be: what a run keeps of its steps stays small.
const OUTPUT_TEXT_MAX: usize = 200;

/// A condition with its places.
pub(super) struct ConditionDraft {
    pub(super) condition: Condition,
    pub(super) of: Place,
    pub(super) test: Place,
}

/// An output with its place.
pub(super) struct OutputDraft {
    pub(super) name: At<OutputName>,
    pub(super) output: Output,
}

/// The member `when`: one condition, or several that must all hold.
pub(super) fn conditions(of: &Members<'_>) -> Option<Vec<ConditionDraft>> {
    let Some(node) = of.maybe("when") else { return Some(Vec::new()) };
    let faults = of.faults();
    let nodes = match &node.kind {
        Kind::List(_) => list(node, faults)?,
        Kind::Nothing | Kind::Flag(_) | Kind::Integer(_) | Kind::Number | Kind::Text(_) | Kind::Map(_) => std::slice::from_ref(node),
    };
    if nodes.is_empty() || nodes.len() > CONDITIONS_MAX {
        faults.at(&node.place, format!("1 to {CONDITIONS_MAX} conditions are listed here, not {}", nodes.len()), None);
    }
    let read: Vec<_> = nodes.iter().map(|node| condition(node, faults)).collect();
    read.into_iter().collect()
}

fn condition(node: &Node, faults: &Faults) -> Option<ConditionDraft> {
    let of = Members::of(node, "a condition", faults)?;
    let (input, step, output) = (of.maybe("input"), of.maybe("step"), of.maybe("output"));
    let subject = match (input, step, output) {
        (Some(input), None, None) => crate::members::parsed::<InputName>(input, faults).map(|at| (Subject::Input(at.value), at.place)),
        (None, Some(step), Some(output)) => {
            let step = crate::members::parsed::<StepName>(step, faults);
            let output = crate::members::parsed::<OutputName>(output, faults);
            step.zip(output).map(|(step, output)| (Subject::Output { step: step.value, output: output.value }, step.place))
        }
        (Some(_) | None, Some(_) | None, Some(_) | None) => {
            let help = "write `input: mode`, or `step: look` with `output: state`";
            faults.at(of.place(), "a condition looks at one input, or at one output of one step", Some(help.into()));
            None
        }
    };
    let test = test(&of, faults);
    of.finish();
    let ((of, place), (test, at)) = (subject?, test?);
    Some(ConditionDraft { condition: Condition { of, test }, of: place, test: at })
}

fn test(of: &Members<'_>, faults: &Faults) -> Option<(Test, Place)> {
    let given: Vec<(&str, &Node)> =
        ["is", "is_not", "one_of", "at_least", "at_most"].into_iter().filter_map(|name| Some((name, of.maybe(name)?))).collect();
    let [(word, node)] = given.as_slice() else {
        let help = "write one of `is`, `is_not`, `one_of`, `at_least`, `at_most`";
        faults.at(of.place(), format!("a condition compares once, this one {} times", given.len()), Some(help.into()));
        return None;
    };
    let test = match *word {
        "is" => Test::Is(value(node, faults)?),
        "is_not" => Test::IsNot(value(node, faults)?),
        "one_of" => {
            let values: Option<Vec<InputValue>> = list(node, faults)?.iter().map(|item| value(item, faults)).collect();
            let values = values?;
            if values.is_empty() {
                faults.at(&node.place, "the list is empty", None);
                return None;
            }
            Test::OneOf(values)
        }
        "at_least" => Test::AtLeast(whole(node, faults)?),
        _ => Test::AtMost(whole(node, faults)?),
    };
    Some((test, node.place.clone()))
}

fn whole(node: &Node, faults: &Faults) -> Option<i64> {
    crate::members::integer(node, i64::from(i32::MIN), i64::from(i32::MAX), faults)
}

fn value(node: &Node, faults: &Faults) -> Option<InputValue> {
    match &node.kind {
        Kind::Integer(n) => Some(InputValue::Integer(*n)),
        Kind::Nothing | Kind::Flag(_) | Kind::Number | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => {
            bounded(node, TEXT_MAX, faults).map(InputValue::Text)
        }
    }
}

/// The member `outputs`: `{ state: { at: /status, type: choice, of: [up, down] } }`.
pub(super) fn outputs(of: &Members<'_>) -> Option<Vec<OutputDraft>> {
    let named = of.named::<OutputName>("outputs");
    let faults = of.faults();
    if named.len() > OUTPUTS_MAX
        && let Some(node) = of.maybe("outputs")
    {
        faults.at(&node.place, format!("a step has at most {OUTPUTS_MAX} outputs, not {}", named.len()), None);
    }
    let read: Vec<_> = named.into_iter().map(|(name, (place, node))| output(name, place, node, faults)).collect();
    read.into_iter().collect()
}

fn output(name: OutputName, place: Place, node: &Node, faults: &Faults) -> Option<OutputDraft> {
    let of = Members::of(node, "an output", faults)?;
    let at = of.need("at").and_then(|node| Some((bounded(node, TEXT_MAX, faults)?, node)));
    if let Some((_, node)) = at.as_ref().filter(|(at, _)| !at.starts_with('/')) {
        let help = "write a JSON pointer: `/status` (RFC 6901)";
        faults.at(&node.place, format!("`{}` names no place in the report", cut(node.place.written())), Some(help.into()));
    }
    let kind = kind(&of);
    of.finish();
    let ((at, _), kind) = (at?, kind?);
    if let InputKind::Text { max } = &kind
        && *max > OUTPUT_TEXT_MAX
    {
        faults.at(&place, format!("an output is text of at most {OUTPUT_TEXT_MAX} characters"), None);
    }
    Some(OutputDraft { name: At { value: name, place }, output: Output { at, kind } })
}

/// Whether a value of this kind can be what the test compares it with.
pub(super) fn fits(draft: &ConditionDraft, kind: &InputKind, faults: &Faults) {
    let never = |value: &InputValue| {
        let message = format!("`{}` is never `{}`: it is {kind}", draft.condition.of, cut(&value.to_string()));
        faults.at(&draft.test, message, None);
    };
    match &draft.condition.test {
        Test::Is(value) | Test::IsNot(value) => {
            if !kind.admits(value) {
                never(value);
            }
        }
        // Only a step that goes over a list asks this, and of a list.
        Test::MoreThan(_) => {}
        Test::OneOf(values) => values.iter().filter(|value| !kind.admits(value)).for_each(never),
        Test::AtLeast(n) | Test::AtMost(n) => match kind {
            InputKind::Integer { .. } if kind.admits(&InputValue::Integer(*n)) => {}
            InputKind::Integer { .. } => never(&InputValue::Integer(*n)),
            InputKind::Name
            | InputKind::DnsName
            | InputKind::Ipv4
            | InputKind::Choice { .. }
            | InputKind::Names { .. }
            | InputKind::Text { .. } => {
                faults.at(&draft.test, format!("`{}` is no number: it is {kind}", draft.condition.of), None);
            }
        },
    }
}
