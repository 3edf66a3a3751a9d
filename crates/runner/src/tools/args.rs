//! The arguments of a call, read strictly: each tool says what it takes, and anything else is refused.

use std::collections::BTreeMap;

use lineclear_core::plan::ToolCall;
use serde_json::Value;

/// Longest text argument in bytes.
const TEXT_MAX: usize = 8_192;
/// Most members of a list argument.
const LIST_MAX: usize = 256;

/// The arguments of one call.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a>(&'a BTreeMap<String, Value>);

impl<'a> Args<'a> {
    /// The arguments of this call.
    pub const fn of(call: &'a ToolCall) -> Self {
        Self(&call.with)
    }

    /// Refuses anything but these names.
    pub(crate) fn only(self, names: &[&str]) -> Result<(), String> {
        match self.0.keys().find(|name| !names.contains(&name.as_str())) {
            Some(name) => Err(format!("the argument `{}` is unknown", name.chars().take(80).collect::<String>())),
            None => Ok(()),
        }
    }

    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    pub(crate) fn text(self, name: &str) -> Result<&'a str, String> {
        let text = self.get(name).and_then(Value::as_str).ok_or_else(|| format!("the argument `{name}` is no text, or missing"))?;
        if text.len() > TEXT_MAX { Err(format!("the argument `{name}` is longer than {TEXT_MAX} bytes")) } else { Ok(text) }
    }

    pub(crate) fn text_or(self, name: &str, otherwise: &'a str) -> Result<&'a str, String> {
        if self.0.contains_key(name) { self.text(name) } else { Ok(otherwise) }
    }

    pub(crate) fn list(self, name: &str) -> Result<&'a [Value], String> {
        let list = self.get(name).and_then(Value::as_array).ok_or_else(|| format!("the argument `{name}` is no list, or missing"))?;
        if list.len() > LIST_MAX { Err(format!("the argument `{name}` has more than {LIST_MAX} members")) } else { Ok(list) }
    }

    pub(crate) fn texts(self, name: &str) -> Result<Vec<&'a str>, String> {
        let text = |value: &'a Value| value.as_str().filter(|text| text.len() <= TEXT_MAX);
        self.list(name)?.iter().map(text).collect::<Option<_>>().ok_or_else(|| format!("the argument `{name}` is no list of texts"))
    }

    pub(crate) fn whole(self, name: &str) -> Result<u64, String> {
        self.get(name).and_then(Value::as_u64).ok_or_else(|| format!("the argument `{name}` is no whole number, or missing"))
    }
}

/// Cuts a text for people to a bound in characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > most { text.chars().take(most).chain(['…']).collect() } else { text.trim().to_owned() }
}
