//! The closed list of tools that runbooks may call, and the arguments each takes.

mod table;

use std::collections::BTreeMap;

use lineclear_core::measure::Measure;
use lineclear_core::name::InputName;
use lineclear_core::plan::{EffectClass, ToolCall};
use lineclear_core::{Digest, Span};
use serde_json::Value;

use self::table::{Argument, Shape, TOOLS, Tool};
use crate::fault::{At, Faults, Place};
use crate::members::{Members, cut};
use crate::schema::form;
use crate::suggest::{listed, suggest};
use crate::template::{references, whole};
use crate::yaml::{Key, Kind, Node};

/// Longest text in a call, in characters: a query or a small body.
const ARGUMENT_MAX: usize = 2_000;
/// Longest that one wait may take.
const WITHIN_MAX: Span = Span::from_secs(3_600);

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// `do` and `undo`: it may change something.
    Act,
    /// `verify`: it changes nothing.
    Look,
}

/// A call with what it refers to.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) exact: ToolCall,
    pub(crate) inputs: Vec<At<InputName>>,
    /// The source that a `wait_for` asks.
    pub(crate) source: Option<At<String>>,
    /// Where the tool is named.
    pub(crate) tool: Place,
    /// Where each argument's value stands.
    pub(crate) arguments: BTreeMap<String, Place>,
}

/// Whether a `do` or `undo` call changes something.
pub(crate) fn changes(call: &ToolCall) -> bool {
    effect(call) != EffectClass::Read
}

/// What protects from a second send of a `do` or `undo` call, as the runner's tool will say it. A tool that nobody knows is the worst.
pub(crate) fn effect(call: &ToolCall) -> EffectClass {
    let word = |name: &str| call.with.get(name).and_then(Value::as_str).unwrap_or("");
    match (call.tool.as_str(), word("method"), word("effect")) {
        ("http", "GET", _) | ("http", _, "read") => EffectClass::Read,
        ("http", _, "keyed") => EffectClass::Keyed,
        ("http", _, "converge") => EffectClass::Converge,
        ("systemd_unit", _, _) if word("verb") == "restart" => EffectClass::Once,
        (name, _, _) => TOOLS.iter().find(|tool| tool.name == name).map_or(EffectClass::Once, |tool| tool.effect),
    }
}

/// Reads `{ tool: { argument: value } }`.
pub(crate) fn call(node: &Node, purpose: Purpose, faults: &Faults) -> Option<Call> {
    let Kind::Map(members) = &node.kind else {
        faults.at(&node.place, format!("a call is written `{{ tool: {{ … }} }}`, not as {}", node.called()), None);
        return None;
    };
    let [(tool, arguments)] = members.as_slice() else {
        faults.at(&node.place, format!("a call names one tool, not {}", members.len()), Some("write one step for each call".into()));
        return None;
    };
    let Some(Tool { name, act, look, .. }) = TOOLS.iter().find(|known| known.name == tool.text) else {
        let help = suggest(&tool.text, TOOLS.iter().map(|known| known.name));
        faults.at(&tool.place, format!("`{}` is no tool", cut(&tool.text)), help);
        return None;
    };
    let wanted = match purpose {
        Purpose::Act => act,
        Purpose::Look => look,
    };
    let Some(wanted) = wanted else {
        let able: Vec<&str> = TOOLS.iter().filter(|able| able.look.is_some()).map(|able| able.name).collect();
        let help = format!("a check changes nothing; use one of {}", listed(&able));
        faults.at(&tool.place, format!("`{name}` cannot check"), Some(help));
        return None;
    };
    let inputs = Members::of(arguments, "the call", faults)?;
    let before = faults.count();
    let mut reading = Reading { faults, inputs: Vec::new() };
    let with = reading.arguments(&inputs, wanted);
    inputs.finish();
    if *name == "shell" {
        argv(inputs_of(arguments), faults);
    }
    let source = source(arguments, name);
    (faults.count() == before).then_some(())?;
    let places = inputs_of(arguments).iter().map(|(key, node)| (key.text.clone(), node.place.clone())).collect();
    let exact = ToolCall { tool: name.parse().ok()?, with };
    Some(Call { exact, inputs: reading.inputs, source, tool: tool.place.clone(), arguments: places })
}

/// The schema of a call: exactly one tool with its arguments.
pub(crate) fn call_schema(purpose: Purpose) -> Value {
    let calls = TOOLS.iter().filter_map(|tool| {
        let arguments = match purpose {
            Purpose::Act => tool.act?,
            Purpose::Look => tool.look?,
        };
        let needed: Vec<&str> = arguments.iter().filter(|argument| argument.needed).map(|argument| argument.name).collect();
        let members: Vec<(&str, Value)> = arguments.iter().map(|argument| (argument.name, argument.shape.schema())).collect();
        let mut call = form::object("a call", &[tool.name], &[(tool.name, form::object("the call", &needed, &members))]);
        // It is written without a word of its own, so the reader has no name for it.
        call.as_object_mut()?.remove("title");
        Some(call)
    });
    serde_json::json!({ "oneOf": calls.collect::<Vec<_>>() })
}

impl Shape {
    fn schema(self) -> Value {
        let reference = || serde_json::json!({ "type": "string", "pattern": "^\\$\\{[^${}]*\\}$" });
        match self {
            // A digest may be a reference too.
            Self::Text | Self::Digest => form::text(ARGUMENT_MAX),
            Self::Word(words) => form::words(words),
            Self::Whole { least, most } => {
                serde_json::json!({ "anyOf": [{ "type": "integer", "minimum": least, "maximum": most }, reference()] })
            }
            Self::Texts => form::list(form::text(ARGUMENT_MAX), 1),
            Self::Numbers => form::list(Self::Whole { least: 100, most: 599 }.schema(), 1),
            Self::Length => form::duration(),
            Self::Measure => serde_json::json!({ "type": "string" }),
            Self::Pointers => serde_json::json!({ "type": "object", "minProperties": 1 }),
            Self::Any => form::any(),
        }
    }
}

fn source(arguments: &Node, tool: &str) -> Option<At<String>> {
    let (_, node) = inputs_of(arguments).iter().find(|(key, _)| tool == "wait_for" && key.text == "source")?;
    match &node.kind {
        Kind::Text(text) => Some(At { value: text.clone(), place: node.place.clone() }),
        Kind::Nothing | Kind::Flag(_) | Kind::Integer(_) | Kind::Number | Kind::List(_) | Kind::Map(_) => None,
    }
}

fn inputs_of(node: &Node) -> &[(Key, Node)] {
    match &node.kind {
        Kind::Map(members) => members,
        Kind::Nothing | Kind::Flag(_) | Kind::Integer(_) | Kind::Number | Kind::Text(_) | Kind::List(_) => &[],
    }
}

/// An input inside a word could carry an option or a path; as a word of its own it is only ever a value.
fn argv(members: &[(Key, Node)], faults: &Faults) {
    let Some((_, Node { kind: Kind::List(items), .. })) = members.iter().find(|(key, _)| key.text == "argv") else { return };
    for (index, item) in items.iter().enumerate() {
        let Kind::Text(word) = &item.kind else { continue };
        if index == 0 && (!word.starts_with('/') || word.contains("${")) {
            faults.at(&item.place, "the command is an absolute path and no reference", Some("write `/usr/bin/…`".into()));
        }
        if word.contains("${") && !whole(word) {
            let help = "give the reference an element of its own: `[\"--to\", \"${inputs.to}\"]`";
            faults.at(&item.place, "a reference inside a word of a command", Some(help.into()));
        }
    }
}

struct Reading<'f> {
    faults: &'f Faults,
    inputs: Vec<At<InputName>>,
}

impl Reading<'_> {
    fn arguments(&mut self, given: &Members<'_>, wanted: &[Argument]) -> BTreeMap<String, Value> {
        let mut with = BTreeMap::new();
        for argument in wanted {
            let node = if argument.needed { given.need(argument.name) } else { given.maybe(argument.name) };
            if let Some(value) = node.and_then(|node| self.value(node, argument.shape)) {
                with.insert(argument.name.to_owned(), value);
            }
        }
        with
    }

    fn value(&mut self, node: &Node, shape: Shape) -> Option<Value> {
        match shape {
            Shape::Text => self.text(node).map(Value::String),
            Shape::Word(words) => {
                let pairs: Vec<(&'static str, &'static str)> = words.iter().map(|word| (*word, *word)).collect();
                crate::members::choice(node, &pairs, self.faults).map(Value::from)
            }
            Shape::Whole { least, most } => {
                if let Kind::Text(text) = &node.kind
                    && whole(text)
                {
                    return self.text(node).map(Value::String);
                }
                crate::members::integer(node, least, most, self.faults).map(Value::from)
            }
            Shape::Texts => self.list(node, Shape::Text),
            Shape::Numbers => self.list(node, Shape::Whole { least: 100, most: 599 }),
            Shape::Length => {
                crate::members::duration_between(node, Span::from_secs(1), WITHIN_MAX, self.faults)?;
                crate::members::text(node, self.faults).map(Value::from)
            }
            Shape::Measure => self.measure(node),
            Shape::Digest => self.digest(node),
            Shape::Pointers => self.pointers(node),
            Shape::Any => self.any(node),
        }
    }

    fn text(&mut self, node: &Node) -> Option<String> {
        let text = crate::members::bounded(node, ARGUMENT_MAX, self.faults)?;
        self.refer(&text, &node.place);
        Some(text)
    }

    fn refer(&mut self, text: &str, place: &Place) {
        self.inputs.extend(references(text, place, self.faults));
    }

    fn list(&mut self, node: &Node, shape: Shape) -> Option<Value> {
        let items = crate::members::list(node, self.faults)?;
        if items.is_empty() {
            self.faults.at(&node.place, "the list is empty", None);
        }
        Some(Value::Array(items.iter().filter_map(|item| self.value(item, shape)).collect()))
    }

    fn measure(&mut self, node: &Node) -> Option<Value> {
        let text = crate::members::text(node, self.faults)?;
        if whole(text) {
            self.refer(text, &node.place);
        } else if text.parse::<Measure>().is_err() {
            self.faults.at(&node.place, format!("`{}` is no number that can be compared", cut(text)), None);
        }
        Some(Value::from(text))
    }

    fn digest(&mut self, node: &Node) -> Option<Value> {
        let text = crate::members::text(node, self.faults)?;
        if whole(text) {
            self.refer(text, &node.place);
        } else if text.parse::<Digest>().is_err() {
            let help = "write `sha256:` and 64 digits in small letters";
            self.faults.at(&node.place, format!("`{}` is no digest", cut(text)), Some(help.into()));
        }
        Some(Value::from(text))
    }

    fn pointers(&mut self, node: &Node) -> Option<Value> {
        let value = self.any(node)?;
        let pointers = value.as_object().is_some_and(|members| !members.is_empty() && members.keys().all(|key| key.starts_with('/')));
        if !pointers {
            let help = "write JSON pointers and values: `{ \"/replicas\": 3 }` (RFC 6901)";
            self.faults.at(&node.place, "this names no place in the answer", Some(help.into()));
        }
        Some(value)
    }

    fn any(&mut self, node: &Node) -> Option<Value> {
        match &node.kind {
            Kind::Nothing => Some(Value::Null),
            Kind::Flag(flag) => Some(Value::Bool(*flag)),
            Kind::Integer(n) => Some(Value::from(*n)),
            Kind::Number => {
                let help = "approvals bind exact bytes: use whole numbers, or text";
                self.faults.at(&node.place, "numbers that are not whole are not sent", Some(help.into()));
                None
            }
            Kind::Text(text) => {
                self.refer(text, &node.place);
                Some(Value::String(text.clone()))
            }
            Kind::List(items) => Some(Value::Array(items.iter().filter_map(|item| self.any(item)).collect())),
            Kind::Map(members) => {
                Some(Value::Object(members.iter().filter_map(|(key, item)| Some((key.text.clone(), self.any(item)?))).collect()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lineclear_core::permission::{known_tools, reach};

    use super::table::TOOLS;

    #[test]
    fn every_tool_is_aimed_by_arguments_that_it_has() {
        assert_eq!(TOOLS.iter().map(|tool| tool.name).collect::<BTreeSet<_>>(), known_tools().collect());
        for tool in TOOLS {
            let takes: BTreeSet<&str> = tool.act.iter().chain(&tool.look).flat_map(|of| of.iter()).map(|argument| argument.name).collect();
            for argument in reach(tool.name).unwrap() {
                assert!(takes.contains(argument) || *argument == "command", "{}: {argument}", tool.name);
            }
        }
    }
}
