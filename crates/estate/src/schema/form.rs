//! The forms that schemas are made of, as the reader reads them.

use serde_json::{Map, Value, json};

/// Members and nothing else.
pub(crate) fn object(called: &str, required: &[&str], members: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> = members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let mut schema = json!({ "type": "object", "title": called, "properties": properties, "additionalProperties": false });
    if let Some(members) = schema.as_object_mut().filter(|_| !required.is_empty()) {
        members.insert("required".into(), json!(required));
    }
    schema
}

/// Exactly one of these.
pub(super) fn one_of(schemas: Vec<Value>) -> Value {
    rules([("oneOf", Value::Array(schemas))])
}

/// Members whose names people choose.
pub(crate) fn map(of: Value) -> Value {
    rules([("type", "object".into()), ("additionalProperties", of)])
}

fn rules<const N: usize>(rules: [(&str, Value); N]) -> Value {
    Value::Object(rules.into_iter().map(|(name, rule)| (name.to_owned(), rule)).collect())
}

/// Anything.
pub(crate) fn any() -> Value {
    json!({})
}

/// True or false.
pub(super) fn flag() -> Value {
    json!({ "type": "boolean" })
}

/// Any whole number.
pub(super) fn whole() -> Value {
    json!({ "type": "integer" })
}

/// A list of at least so many.
pub(crate) fn list(of: Value, least: usize) -> Value {
    rules([("type", "array".into()), ("items", of), ("minItems", least.into())])
}

/// Text.
pub(crate) fn text(most: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": most })
}

/// One line for people.
pub(crate) fn title() -> Value {
    text(120)
}

/// A name of the estate's own.
pub(crate) fn name() -> Value {
    json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9._-]*$", "maxLength": 253 })
}

/// Names, each once.
pub(crate) fn names() -> Value {
    json!({ "type": "array", "items": name(), "uniqueItems": true })
}

/// A reference as Backstage writes it.
pub(super) fn reference() -> Value {
    text(300)
}

/// One of a closed list of words.
pub(crate) fn words(words: &[&str]) -> Value {
    json!({ "enum": words })
}

/// The words of a list that the reader uses.
pub(crate) fn keys<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
    words.iter().map(|(word, _)| *word).collect()
}

/// A length of time.
pub(crate) fn duration() -> Value {
    json!({ "type": "string", "pattern": "^(0|[1-9][0-9]*)(ms|s|m|h|d)$" })
}

/// A number, quoted or not.
pub(super) fn measure() -> Value {
    json!({ "type": ["number", "string"] })
}
