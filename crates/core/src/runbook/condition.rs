//! Conditions on steps: one value against one or a few fixed ones, with no language to it. What is absent is neither true
//! nor false: it is unresolved, and a person decides.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalogue::{InputKind, InputValue, Inputs};
use crate::name::{InputName, OutputName, StepName};

/// A value of a step's report, declared with its kind before anybody knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Where it stands in the report, as a JSON pointer (RFC 6901).
    pub at: String,
    /// What it must be; anything else counts as not reported.
    pub kind: InputKind,
}

/// What the steps of a run reported, by step and output.
pub type Outputs = BTreeMap<StepName, BTreeMap<OutputName, InputValue>>;

/// Whose value a condition looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// An input: known when the plan is made.
    Input(InputName),
    /// An output of an earlier step: known only while it runs.
    Output {
        /// The step.
        step: StepName,
        /// Its output.
        output: OutputName,
    },
}

/// What the value must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// This.
    Is(InputValue),
    /// Anything but this.
    IsNot(InputValue),
    /// One of these.
    OneOf(Vec<InputValue>),
    /// A number not below this.
    AtLeast(i64),
    /// A number not above this.
    AtMost(i64),
    /// A list of more than so many: what a step that goes over a list asks for its place in it.
    MoreThan(usize),
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Whose value.
    pub of: Subject,
    /// What it must be.
    pub test: Test,
}

/// A value that a condition looks at is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not known")]
pub struct Unresolved(pub Subject);

impl Condition {
    /// Whether it holds.
    ///
    /// # Errors
    /// When the value that it looks at is not there, or is no number where one is compared.
    pub fn holds(&self, inputs: &Inputs, outputs: &Outputs) -> Result<bool, Unresolved> {
        let value = match &self.of {
            Subject::Input(name) => inputs.get(name),
            Subject::Output { step, output } => outputs.get(step).and_then(|of| of.get(output)),
        };
        let value = value.ok_or_else(|| Unresolved(self.of.clone()))?;
        match (&self.test, value) {
            (Test::Is(wanted), _) => Ok(value == wanted),
            (Test::IsNot(other), _) => Ok(value != other),
            (Test::OneOf(list), _) => Ok(list.contains(value)),
            (Test::AtLeast(least), InputValue::Integer(n)) => Ok(n >= least),
            (Test::AtMost(most), InputValue::Integer(n)) => Ok(n <= most),
            (Test::MoreThan(count), InputValue::Names(names)) => Ok(names.len() > *count),
            (Test::AtLeast(_) | Test::AtMost(_), InputValue::Text(_) | InputValue::Names(_))
            | (Test::MoreThan(_), InputValue::Text(_) | InputValue::Integer(_)) => Err(Unresolved(self.of.clone())),
        }
    }

    /// Whether it looks at inputs alone, so that the plan already says how it turns out.
    pub const fn of_input(&self) -> bool {
        matches!(self.of, Subject::Input(_))
    }
}

impl Output {
    /// Picks the value out of a report; none when it is not there, or of another kind.
    pub fn pick(&self, report: &Value) -> Option<InputValue> {
        let value = match report.pointer(&self.at)? {
            Value::String(text) => InputValue::Text(text.clone()),
            Value::Number(n) => InputValue::Integer(n.as_i64()?),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        self.kind.admits(&value).then_some(value)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(name) => write!(f, "inputs.{name}"),
            Self::Output { step, output } => write!(f, "steps.{step}.outputs.{output}"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.of)?;
        match &self.test {
            Test::Is(value) => write!(f, "is `{value}`"),
            Test::IsNot(value) => write!(f, "is not `{value}`"),
            Test::OneOf(list) => write!(f, "is one of {}", list.iter().map(|v| format!("`{v}`")).collect::<Vec<_>>().join(", ")),
            Test::AtLeast(least) => write!(f, "is at least {least}"),
            Test::AtMost(most) => write!(f, "is at most {most}"),
            Test::MoreThan(count) => write!(f, "has more than {count} items"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(test: Test, value: Option<InputValue>, expected: Option<bool>) {
        let name: InputName = "x".parse().unwrap();
        let inputs: Inputs = value.into_iter().map(|value| (name.clone(), value)).collect();
        let condition = Condition { of: Subject::Input(name), test };
        assert_eq!(condition.holds(&inputs, &Outputs::new()).ok(), expected, "{condition}");
    }

    fn text(text: &str) -> InputValue {
        InputValue::Text(text.into())
    }

    #[test]
    fn a_condition_compares_one_value_and_what_is_absent_is_neither_true_nor_false() {
        let three = InputValue::Integer(3);
        check(Test::Is(text("a")), Some(text("a")), Some(true));
        check(Test::Is(text("a")), Some(text("b")), Some(false));
        check(Test::Is(text("3")), Some(three.clone()), Some(false));
        check(Test::IsNot(text("a")), Some(text("b")), Some(true));
        check(Test::OneOf(vec![text("a"), three.clone()]), Some(three.clone()), Some(true));
        check(Test::OneOf(vec![text("a")]), Some(three.clone()), Some(false));
        check(Test::AtLeast(3), Some(three.clone()), Some(true));
        check(Test::AtLeast(4), Some(three.clone()), Some(false));
        check(Test::AtMost(3), Some(three.clone()), Some(true));
        check(Test::AtMost(2), Some(three), Some(false));
        check(Test::AtMost(2), Some(text("1")), None);
        check(Test::IsNot(text("a")), None, None);
        let names = || Some(InputValue::Names(vec!["a".into(), "b".into()]));
        check(Test::MoreThan(1), names(), Some(true));
        check(Test::MoreThan(2), names(), Some(false));
        check(Test::MoreThan(0), Some(text("a")), None);
        check(Test::AtLeast(0), names(), None);
    }

    #[test]
    fn an_output_is_taken_only_where_it_stands_and_as_what_it_was_declared() {
        let report = serde_json::json!({ "answer": { "state": "active", "n": 4, "list": [1], "half": 0.5 } });
        let check = |at: &str, kind: InputKind, expected: Option<InputValue>| {
            assert_eq!(Output { at: at.into(), kind }.pick(&report), expected, "{at}");
        };
        check("/answer/state", InputKind::Name, Some(text("active")));
        check("/answer/n", InputKind::Integer { min: 1, max: 9 }, Some(InputValue::Integer(4)));
        check("/answer/n", InputKind::Integer { min: 5, max: 9 }, None);
        check("/answer/n", InputKind::Name, None);
        check("/answer/half", InputKind::Integer { min: 0, max: 9 }, None);
        check("/answer/list", InputKind::Text { max: 9 }, None);
        check("/nothing", InputKind::Text { max: 9 }, None);
    }
}
