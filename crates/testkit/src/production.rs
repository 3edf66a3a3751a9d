//! A small production: values by target, changed by tool calls, every change counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::{Value, json};

/// One change of production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The attempt that made it: `drain do 1`.
    pub attempt: String,
    /// What was changed: `shop/web-1`.
    pub target: String,
    /// The value before.
    pub before: String,
    /// The value after.
    pub after: String,
}

/// Values by target, and every change that was made to them through a tool.
#[derive(Debug, Default)]
pub struct Production {
    values: Mutex<BTreeMap<String, String>>,
    effects: Mutex<Vec<Effect>>,
}

/// What a call means here.
enum Meaning {
    /// It sets a value; when it names the old one, only from that.
    Sets { target: String, from: Option<String>, to: String, class: EffectClass },
    /// It looks whether a value is there.
    Looks { target: String, expect: Value },
    /// It changes nothing, and says nothing about a value.
    Waits,
}

fn text(call: &ToolCall, name: &str) -> String {
    match call.with.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn meaning(call: &ToolCall) -> Meaning {
    let given = |name: &str| call.with.contains_key(name);
    let class = || match text(call, "effect").as_str() {
        "converge" => EffectClass::Converge,
        "keyed" => EffectClass::Keyed,
        "read" => EffectClass::Read,
        _ => EffectClass::Once,
    };
    match call.tool.as_str() {
        "haproxy_server" => {
            let target = format!("{}/{}", text(call, "backend"), text(call, "server"));
            if given("expect") {
                Meaning::Looks { target, expect: json!(text(call, "expect")) }
            } else {
                Meaning::Sets { target, from: None, to: text(call, "state"), class: EffectClass::Converge }
            }
        }
        "dns_update" => {
            let target = format!("{} {}", text(call, "name"), text(call, "type"));
            if given("expect") {
                Meaning::Looks { target, expect: json!(text(call, "expect")) }
            } else {
                Meaning::Sets { target, from: Some(text(call, "replace")), to: text(call, "with"), class: EffectClass::Cas }
            }
        }
        "http" if text(call, "method") == "GET" => {
            Meaning::Looks { target: text(call, "path"), expect: json!(call.with.get("expect_json")) }
        }
        "http" => Meaning::Sets { target: text(call, "path"), from: None, to: text(call, "body"), class: class() },
        _ => Meaning::Waits,
    }
}

impl Production {
    fn values(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn made(&self) -> MutexGuard<'_, Vec<Effect>> {
        self.effects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody else changes a value: the world moves, and no effect of ours is counted.
    pub fn set(&self, target: &str, value: &str) {
        self.values().insert(target.into(), value.into());
    }

    /// The value of a target; empty when nobody set it.
    pub fn get(&self, target: &str) -> String {
        self.values().get(target).cloned().unwrap_or_default()
    }

    /// Every change that was made through a tool, oldest first.
    pub fn effects(&self) -> Vec<Effect> {
        self.made().clone()
    }

    /// How often a target was changed through a tool.
    pub fn touched(&self, target: &str) -> usize {
        self.made().iter().filter(|effect| effect.target == target).count()
    }

    /// What a call would change.
    pub(crate) fn preview(&self, call: &ToolCall, undo: Option<&ToolCall>) -> (EffectClass, Preview) {
        let (class, target, before, after) = match meaning(call) {
            Meaning::Sets { target, to, class, .. } => (class, target.clone(), self.get(&target), to),
            Meaning::Looks { target, .. } => (EffectClass::Read, target.clone(), self.get(&target), self.get(&target)),
            Meaning::Waits => (EffectClass::Read, "telemetry".into(), String::new(), String::new()),
        };
        let summary = format!("{target}: {before} → {after}");
        let reversible = undo.is_some();
        (class, Preview { before: json!(before), after: json!(after), targets: vec![target], reversible, summary })
    }

    /// Makes a call.
    ///
    /// # Errors
    /// When the target refuses it; then nothing was changed.
    pub(crate) fn make(&self, call: &ToolCall, attempt: &str) -> Result<Value, String> {
        let (target, from, to) = match meaning(call) {
            Meaning::Sets { target, from, to, .. } => (target, from, to),
            Meaning::Looks { target, .. } => return Ok(json!({"read": true, "seen": self.get(&target)})),
            Meaning::Waits => return Ok(json!({"read": true})),
        };
        let before = self.get(&target);
        if from.is_some_and(|from| from != before) {
            return Err(format!("the target holds `{before}`"));
        }
        self.set(&target, &to);
        self.made().push(Effect { attempt: attempt.into(), target, before, after: to });
        Ok(json!({"set": true}))
    }

    /// Whether a check holds.
    pub(crate) fn holds(&self, check: &ToolCall) -> bool {
        let Meaning::Looks { target, expect } = meaning(check) else { return true };
        let value = self.get(&target);
        match expect {
            Value::String(expected) => value == expected,
            Value::Object(members) => {
                let body: Value = serde_json::from_str(&value).unwrap_or_default();
                members.iter().all(|(pointer, expected)| body.pointer(pointer) == Some(expected))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => true,
        }
    }
}
