//! `permissions`: all that the steps can get, written down beside them, and held against every call when the file is read.

use std::collections::BTreeMap;

use lineclear_core::catalogue::InputKind;
use lineclear_core::name::{InputName, ToolName};
use lineclear_core::permission::{Lack, Permissions, known_tools, reach};

use serde_json::Value;

use super::step::StepDraft;
use crate::fault::{At, Faults, Place};
use crate::members::{Members, bounded, cut, list};
use crate::schema::form;
use crate::suggest::{listed, suggest};
use crate::template::references;
use crate::yaml::{Kind, Node};

/// Longest value, in characters: a reference, a name, an address.
const VALUE_MAX: usize = 300;

/// What a file says, with its places.
pub(super) struct Declared {
    pub(super) permissions: Permissions,
    pub(super) inputs: Vec<At<InputName>>,
    tools: BTreeMap<ToolName, Place>,
    values: Vec<(ToolName, &'static str, At<String>)>,
}

/// The member `permissions`: `{ http: { service: [waf], method: [PUT] } }`; none when it is not given.
pub(super) fn permissions(of: &Members<'_>, asked: &BTreeMap<InputName, At<InputKind>>) -> Option<Declared> {
    of.maybe("permissions")?;
    let faults = of.faults();
    let mut declared = Declared { permissions: Permissions::none(), inputs: Vec::new(), tools: BTreeMap::new(), values: Vec::new() };
    for (tool, (place, node)) in of.named::<ToolName>("permissions") {
        match reach(tool.as_str()) {
            Some(arguments) => declared.tool((tool, place), arguments, node, asked, faults),
            None => faults.at(&place, format!("`{}` is no tool", cut(tool.as_str())), suggest(tool.as_str(), known_tools())),
        }
    }
    Some(declared)
}

impl Declared {
    fn tool(
        &mut self,
        (tool, place): (ToolName, Place),
        arguments: &'static [&'static str],
        node: &Node,
        asked: &BTreeMap<InputName, At<InputKind>>,
        faults: &Faults,
    ) {
        let Kind::Map(members) = &node.kind else {
            let help = format!("write `{tool}: {{ {}: [ … ] }}`", arguments.first().copied().unwrap_or_default());
            faults.at(&node.place, format!("a permission is written as members, not as {}", node.called()), Some(help));
            return;
        };
        self.permissions.allow(&tool);
        for (key, node) in members {
            let Some(argument) = arguments.iter().copied().find(|argument| *argument == key.text) else {
                let help = suggest(&key.text, arguments.iter().copied());
                faults.at(&key.place, format!("`{}` does not aim `{tool}`", cut(&key.text)), help);
                continue;
            };
            for item in list(node, faults).unwrap_or(&[]) {
                let Some(value) = bounded(item, VALUE_MAX, faults) else { continue };
                for value in each(value, asked) {
                    self.inputs.extend(references(&value, &item.place, faults));
                    if self.permissions.values(&tool, argument).is_some_and(|known| known.contains(&value)) {
                        faults.at(&item.place, format!("`{}` is listed twice", cut(&value)), None);
                    }
                    self.permissions.add(&tool, argument, value.clone());
                    self.values.push((tool.clone(), argument, At { value, place: item.place.clone() }));
                }
            }
        }
        self.tools.insert(tool, place);
    }

    /// Every call fits, and nothing is given that no call needs. A value that follows from inputs fits beside fixed ones: then it is held
    /// against them when somebody proposes, and what lies outside is not planned.
    pub(super) fn check<'d>(&self, steps: impl Iterator<Item = &'d StepDraft> + Clone, faults: &Faults) {
        for step in steps.clone() {
            for call in &step.calls {
                for lack in self.lacks(&Permissions::of([&call.exact])) {
                    let place = lack.argument().and_then(|argument| call.arguments.get(argument)).unwrap_or(&call.tool);
                    let message = format!("step `{}` needs {lack}, which `permissions` does not give", step.step.id);
                    faults.at(place, message, Some(self.help(&lack)));
                }
            }
        }
        let needed = Permissions::of(steps.flat_map(|step| step.calls.iter().map(|call| &call.exact)));
        for (tool, place) in self.tools.iter().filter(|(tool, _)| needed.tools().all(|(known, _)| known != *tool)) {
            faults.at(place, format!("`permissions` gives `{tool}`, and no step calls it"), Some("remove it".into()));
        }
        for (tool, argument, at) in &self.values {
            let Some(values) = needed.values(tool, argument) else {
                if self.tools.contains_key(tool) && needed.tools().any(|(known, _)| known == tool) {
                    faults.at(&at.place, format!("no step calls `{tool}` with {argument}"), Some("remove it".into()));
                }
                continue;
            };
            if !values.contains(&at.value) && (at.value.contains("${") || values.iter().all(|value| !value.contains("${"))) {
                let message = format!("no step calls `{tool}` with {argument} `{}`", cut(&at.value));
                faults.at(&at.place, message, Some("remove it".into()));
            }
        }
    }

    fn lacks(&self, needed: &Permissions) -> Vec<Lack> {
        let mut all = Vec::new();
        for (tool, arguments) in needed.tools() {
            if !self.tools.contains_key(tool) {
                all.push(Lack::Tool(tool.clone()));
                continue;
            }
            for (argument, value) in arguments.iter().flat_map(|(argument, values)| values.iter().map(move |value| (argument, value))) {
                let given = self.permissions.values(tool, argument);
                let later = value.contains("${") && given.is_some_and(|given| given.iter().any(|one| !one.contains("${")));
                if !later && !given.is_some_and(|given| given.contains(value)) {
                    all.push(Lack::Value { tool: tool.clone(), argument: argument.clone(), value: value.clone() });
                }
            }
        }
        all
    }

    fn help(&self, lack: &Lack) -> String {
        match lack {
            Lack::Tool(tool) => format!("add `{tool}` under `permissions`, or take the call away"),
            Lack::Value { tool, argument, value } => {
                let known: Vec<&str> = self.permissions.values(tool, argument).into_iter().flatten().map(String::as_str).collect();
                let given = if known.is_empty() { "nothing".into() } else { listed(&known) };
                suggest(value, known).filter(|help| help.starts_with("did")).unwrap_or_else(|| format!("given there: {given}"))
            }
        }
    }
}

/// A value, or each place of the list that it is.
fn each(value: String, asked: &BTreeMap<InputName, At<InputKind>>) -> Vec<String> {
    let list = value.strip_prefix("${inputs.").and_then(|rest| rest.strip_suffix('}')).and_then(|name| name.parse::<InputName>().ok());
    match list.and_then(|name| Some((asked.get(&name)?, name))) {
        Some((At { value: InputKind::Names { max }, .. }, name)) => (0..*max).map(|place| format!("${{inputs.{name}.{place}}}")).collect(),
        Some(_) | None => vec![value],
    }
}

/// The schema of the member.
pub(crate) fn schema() -> Value {
    let values = || form::list(form::text(VALUE_MAX), 0);
    let aimed = |tool| reach(tool).unwrap_or_default().iter().map(|argument| (*argument, values())).collect::<Vec<_>>();
    let tools: Vec<(&str, Value)> = known_tools().map(|tool| (tool, untitled(&aimed(tool)))).collect();
    untitled(&tools)
}

/// They are members by the names of tools, so the reader has no word of its own for them.
fn untitled(members: &[(&str, Value)]) -> Value {
    let mut schema = form::object("", &[], members);
    if let Some(rules) = schema.as_object_mut() {
        rules.remove("title");
    }
    schema
}
