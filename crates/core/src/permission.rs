//! What the steps of a runbook can get, as data: which tools, and what each may be aimed at. People see it before they approve, policy
//! sees it before they are asked, and a runner holds every call against it before a tool is called.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalogue::Inputs;
use crate::name::ToolName;
use crate::plan::ToolCall;
use crate::runbook::{RenderError, render_text};
use crate::topology::EntityRef;

/// Stands for the first word of a command line: the program.
const COMMAND: &str = "command";

/// The arguments of each tool that aim it. A tool that is not here is held to all of its texts, so that one that is forgotten gets
/// less than it could, never more.
const REACH: &[(&str, &[&str])] = &[
    ("acme_issue", &["certificate", "names"]),
    ("backup_restore", &["backup", "into"]),
    ("backup_swap", &["backup"]),
    ("dns_query", &["type", "zone"]),
    ("dns_update", &["type", "zone"]),
    ("haproxy_server", &["backend", "server"]),
    ("http", &["method", "service"]),
    ("kubernetes_restart", &["cluster", "deployment", "namespace"]),
    ("kubernetes_rollback", &["cluster", "deployment", "namespace"]),
    ("kubernetes_scale", &["cluster", "deployment", "namespace"]),
    ("nginx_upstream", &["upstream"]),
    ("notify", &["receiver"]),
    ("postgres_switchover", &["cluster"]),
    ("scale", &["service"]),
    ("shell", &[COMMAND, "secrets"]),
    ("systemd_unit", &["unit", "verb"]),
    ("terraform_apply", &["workspace"]),
    ("terraform_plan", &["workspace"]),
    ("tls_probe", &["endpoint", "name"]),
    ("wait_for", &["source"]),
];

/// What may be got: by tool, and by the arguments that aim it, each with the values that it may have. Texts of a runbook may hold
/// references; those of a plan hold none.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions(BTreeMap<ToolName, BTreeMap<String, BTreeSet<String>>>);

/// What a call needs and may not get.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// The tool as such.
    #[error("the tool `{0}`")]
    Tool(ToolName),
    /// One value of an argument that aims it.
    #[error("`{tool}` with {argument} `{}`", value.chars().take(80).collect::<String>())]
    Value {
        /// The tool.
        tool: ToolName,
        /// The argument.
        argument: String,
        /// Its value.
        value: String,
    },
}

impl Lack {
    /// The argument that it is about, if it is about one.
    pub fn argument(&self) -> Option<&str> {
        match self {
            Self::Tool(_) => None,
            // What it is read from, in the call.
            Self::Value { argument, .. } if argument == COMMAND => Some("argv"),
            Self::Value { argument, .. } => Some(argument),
        }
    }
}

/// The arguments that aim a tool, in the order of their names; none for a tool that is not known here.
pub fn reach(tool: &str) -> Option<&'static [&'static str]> {
    REACH.iter().find(|(name, _)| *name == tool).map(|(_, arguments)| *arguments)
}

/// The tools whose reach is known, in the order of their names.
pub fn known_tools() -> impl Iterator<Item = &'static str> {
    REACH.iter().map(|(name, _)| *name)
}

impl Permissions {
    /// Nothing at all.
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Exactly what these calls need.
    pub fn of<'c>(calls: impl IntoIterator<Item = &'c ToolCall>) -> Self {
        let mut all = Self::none();
        for call in calls {
            all.allow(&call.tool);
            for (argument, value) in needs(call) {
                all.add(&call.tool, &argument, value);
            }
        }
        all
    }

    /// Allows a tool, aimed at nothing yet.
    pub fn allow(&mut self, tool: &ToolName) {
        self.0.entry(tool.clone()).or_default();
    }

    /// Allows one more value of an argument that aims a tool.
    pub fn add(&mut self, tool: &ToolName, argument: &str, value: String) {
        self.0.entry(tool.clone()).or_default().entry(argument.to_owned()).or_default().insert(value);
    }

    /// Whether nothing may be got.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By tool: the arguments that aim it, with their values.
    pub fn tools(&self) -> impl Iterator<Item = (&ToolName, &BTreeMap<String, BTreeSet<String>>)> {
        self.0.iter()
    }

    /// The values that an argument of a tool may have; none when the tool or the argument is not there.
    pub fn values(&self, tool: &ToolName, argument: &str) -> Option<&BTreeSet<String>> {
        self.0.get(tool)?.get(argument)
    }

    /// The first thing that a call needs and may not get, in a fixed order; none when it may be made.
    pub fn lack(&self, call: &ToolCall) -> Option<Lack> {
        let Some(allowed) = self.0.get(&call.tool) else { return Some(Lack::Tool(call.tool.clone())) };
        let mut lacking = needs(call).into_iter().filter(|(argument, value)| !allowed.get(argument).is_some_and(|may| may.contains(value)));
        lacking.next().map(|(argument, value)| Lack::Value { tool: call.tool.clone(), argument, value })
    }

    /// The first thing of these that is not among those; none when it is no wider.
    pub fn beyond(&self, other: &Self) -> Option<Lack> {
        for (tool, arguments) in &self.0 {
            let Some(allowed) = other.0.get(tool) else { return Some(Lack::Tool(tool.clone())) };
            let values = arguments.iter().flat_map(|(argument, values)| values.iter().map(move |value| (argument, value)));
            let mut lacking = values.filter(|(argument, value)| !allowed.get(*argument).is_some_and(|may| may.contains(*value)));
            if let Some((argument, value)) = lacking.next() {
                return Some(Lack::Value { tool: tool.clone(), argument: argument.clone(), value: value.clone() });
            }
        }
        None
    }

    /// The same with every reference filled in.
    ///
    /// # Errors
    /// The first reference to nothing.
    pub fn render(&self, inputs: &Inputs, target: &EntityRef) -> Result<Self, RenderError> {
        // A place beyond the end of a list belongs to a step that these inputs leave out.
        let filled = |values: &BTreeSet<String>| {
            let all = values.iter().map(|text| render_text(text, inputs, target));
            all.filter(|text| !matches!(text, Err(RenderError::Beyond(_)))).collect::<Result<_, _>>()
        };
        let aimed = |arguments: &BTreeMap<String, BTreeSet<String>>| {
            arguments.iter().map(|(argument, values)| Ok((argument.clone(), filled(values)?))).collect::<Result<_, RenderError>>()
        };
        let all = self.0.iter().map(|(tool, arguments)| Ok((tool.clone(), aimed(arguments)?)));
        all.collect::<Result<_, RenderError>>().map(Self)
    }

    /// One text for each thing that may be got: `http`, `http.service=waf`. What policies are asked about, and what two versions of
    /// a permission are compared by.
    pub fn atoms(&self) -> BTreeSet<String> {
        let of = |(tool, arguments): (&ToolName, &BTreeMap<String, BTreeSet<String>>)| {
            let values = arguments.iter().flat_map(|(argument, values)| values.iter().map(move |value| format!("{argument}={value}")));
            let values: Vec<String> = values.map(|value| format!("{tool}.{value}")).collect();
            std::iter::once(tool.to_string()).chain(values)
        };
        self.0.iter().flat_map(of).collect()
    }
}

/// What aims a call, argument by argument.
fn needs(call: &ToolCall) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    match reach(call.tool.as_str()) {
        Some(arguments) => {
            for argument in arguments {
                if *argument == COMMAND {
                    let program = call.with.get("argv").and_then(Value::as_array).and_then(|argv| argv.first());
                    texts(COMMAND, program.unwrap_or(&Value::Null), &mut all);
                } else if let Some(value) = call.with.get(*argument) {
                    texts(argument, value, &mut all);
                }
            }
        }
        None => call.with.iter().for_each(|(argument, value)| texts(argument, value, &mut all)),
    }
    all
}

fn texts(argument: &str, value: &Value, all: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Null => {}
        Value::String(text) => drop(all.insert((argument.to_owned(), text.clone()))),
        Value::Array(items) => items.iter().for_each(|item| texts(argument, item, all)),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => drop(all.insert((argument.to_owned(), value.to_string()))),
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        for (index, (tool, arguments)) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "; " })?;
            write!(f, "`{tool}`")?;
            for (index, (argument, values)) in arguments.iter().enumerate() {
                let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
                write!(f, "{} {argument} {}", if index == 0 { " with" } else { " and" }, values.join(" or "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(tool: &str, with: Value) -> ToolCall {
        ToolCall { tool: tool.parse().unwrap(), with: serde_json::from_value(with).unwrap() }
    }

    fn update(zone: &str, kind: &str) -> ToolCall {
        call("dns_update", json!({ "zone": zone, "name": "www.example.test", "type": kind, "ttl": 60, "replace": ["a"], "with": ["b"] }))
    }

    fn lacks(given: &Permissions, call: &ToolCall, expected: Option<&str>) {
        assert_eq!(given.lack(call).map(|lack| lack.to_string()).as_deref(), expected, "{call:?}");
    }

    #[test]
    fn a_call_gets_what_it_was_given_and_nothing_beside_it() {
        let given = Permissions::of([&update("example.test", "A")]);
        lacks(&given, &update("example.test", "A"), None);
        lacks(&given, &update("other.test", "A"), Some("`dns_update` with zone `other.test`"));
        lacks(&given, &update("example.test", "CNAME"), Some("`dns_update` with type `CNAME`"));
        lacks(&given, &call("dns_query", json!({})), Some("the tool `dns_query`"));
        lacks(&Permissions::none(), &update("example.test", "A"), Some("the tool `dns_update`"));
    }

    #[test]
    fn a_program_is_got_by_its_name_with_its_secrets_and_whatever_arguments() {
        let run = |argv: Value, secrets: Value| call("shell", json!({ "argv": argv, "secrets": secrets }));
        let given = Permissions::of([&run(json!(["/usr/bin/a", "-x"]), json!(["key"]))]);
        lacks(&given, &run(json!(["/usr/bin/a", "-y"]), json!([])), None);
        lacks(&given, &run(json!(["/usr/bin/b"]), json!([])), Some("`shell` with command `/usr/bin/b`"));
        lacks(&given, &run(json!(["/usr/bin/a"]), json!(["key", "other"])), Some("`shell` with secrets `other`"));
        assert_eq!(given.lack(&run(json!(["/usr/bin/b"]), json!([]))).unwrap().argument(), Some("argv"));
    }

    #[test]
    fn a_tool_that_nobody_described_is_held_to_every_argument() {
        let given = Permissions::of([&call("new_tool", json!({ "where": "here", "n": 1 }))]);
        lacks(&given, &call("new_tool", json!({ "where": "here", "n": 1 })), None);
        lacks(&given, &call("new_tool", json!({ "where": "there", "n": 1 })), Some("`new_tool` with where `there`"));
        lacks(&given, &call("new_tool", json!({ "where": "here", "n": 2 })), Some("`new_tool` with n `2`"));
    }

    #[test]
    fn references_are_filled_in_and_what_is_wider_is_named() {
        let given = Permissions::of([&update("${target.name}", "A")]);
        let filled = given.render(&Inputs::new(), &"zone/example.test".parse().unwrap()).unwrap();
        assert_eq!(filled, Permissions::of([&update("example.test", "A")]));
        assert_eq!(filled.atoms().into_iter().collect::<Vec<_>>(), ["dns_update", "dns_update.type=A", "dns_update.zone=example.test"]);
        assert_eq!(filled.to_string(), "`dns_update` with type `A` and zone `example.test`");
        let wider = Permissions::of([&update("example.test", "A"), &update("other.test", "A")]);
        assert_eq!(filled.beyond(&wider), None);
        assert_eq!(wider.beyond(&filled).unwrap().to_string(), "`dns_update` with zone `other.test`");
        assert!(given.render(&Inputs::new(), &"zone/x.test".parse().unwrap()).is_ok());
        let unknown = Permissions::of([&update("${inputs.nope}", "A")]);
        assert!(unknown.render(&Inputs::new(), &"zone/x.test".parse().unwrap()).is_err());
    }

    #[test]
    fn the_table_is_in_order_and_names_each_tool_once() {
        let names: Vec<&str> = known_tools().collect();
        assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
        assert!(REACH.iter().all(|(_, arguments)| arguments.is_sorted_by(|one, next| one < next)));
    }
}
