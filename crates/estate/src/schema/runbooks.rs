//! The schema of `runbooks/*.yaml`.

use serde_json::{Value, json};

use super::form::{duration, keys, list, map, name, names, object, one_of, text, title, words};
use super::{input, kinds, sandbox};
use crate::inputs::NAMES_MAX;
use crate::runbook::retry::KINDS;
use crate::tool::{Purpose, call_schema};

pub(super) fn runbook() -> Value {
    let verification = object("`verification`", &[], &[("goals", names()), ("neighbours", names()), ("soak", duration())]);
    object(
        "a runbook",
        &["runbook", "id", "title", "owner", "steps"],
        &[
            ("runbook", json!({ "const": "v1" })),
            ("id", name()),
            ("title", title()),
            ("owner", name()),
            ("serves", serves()),
            ("inputs", map(input())),
            ("deadline", duration()),
            ("limits", object("`limits`", &[], &[("deadline", duration()), ("concurrency_key", text(200))])),
            ("runs_on", labels()),
            ("permissions", crate::runbook::permissions::schema()),
            ("sandbox", sandbox()),
            ("steps", list(step(), 1)),
            ("fallbacks", map(list(step(), 1))),
            ("verification", verification),
            ("tests", crate::rehearsal::schema()),
        ],
    )
}

/// What a runner has to carry, each once.
fn labels() -> Value {
    let part = "[a-z0-9][a-z0-9._-]{0,62}";
    let label = json!({ "type": "string", "pattern": format!("^{part}={part}$") });
    json!({ "type": "array", "items": label, "uniqueItems": true, "maxItems": 16 })
}

fn serves() -> Value {
    let alerts = list(text(200), 0);
    object("`serves`", &[], &[("things", references()), ("alerts", alerts), ("actions", names())])
}

/// Things of the catalog, each once.
fn references() -> Value {
    json!({ "type": "array", "items": text(300), "uniqueItems": true })
}

fn step() -> Value {
    let goto = object("`on_failure`", &["goto"], &[("goto", name())]);
    object(
        "a step",
        &["id", "do", "timeout"],
        &[
            ("id", name()),
            ("do", call_schema(Purpose::Act)),
            ("timeout", duration()),
            ("verify", call_schema(Purpose::Look)),
            ("undo", call_schema(Purpose::Act)),
            ("attempts", whole(1, 5)),
            ("retry", retry()),
            ("on_failure", json!({ "anyOf": [words(&["undo", "person", "stop"]), goto] })),
            ("on_unknown", words(&["verify", "person"])),
            ("when", json!({ "anyOf": [condition(), list(condition(), 1)] })),
            ("outputs", map(output())),
            ("for_each", for_each()),
        ],
    )
}

fn for_each() -> Value {
    let mut items = list(json!({ "type": ["string", "integer"] }), 1);
    if let Some(rules) = items.as_object_mut() {
        rules.insert("maxItems".into(), NAMES_MAX.into());
    }
    json!({ "anyOf": [items, object("`for_each`", &["input"], &[("input", name())])] })
}

fn retry() -> Value {
    let growing = object("`backoff`", &["first"], &[("first", duration()), ("factor", whole(1, 10)), ("max", duration())]);
    let mut listed = list(duration(), 1);
    if let Some(rules) = listed.as_object_mut() {
        rules.insert("maxItems".into(), 4.into());
    }
    let on = list(words(&keys(KINDS)), 1);
    let backoff = json!({ "anyOf": [growing, listed] });
    object("`retry`", &["attempts"], &[("attempts", whole(2, 5)), ("backoff", backoff), ("on", on)])
}

fn condition() -> Value {
    let value = || json!({ "type": ["string", "integer"] });
    object(
        "a condition",
        &[],
        &[
            ("input", name()),
            ("step", name()),
            ("output", name()),
            ("is", value()),
            ("is_not", value()),
            ("one_of", list(value(), 1)),
            ("at_least", json!({ "type": "integer" })),
            ("at_most", json!({ "type": "integer" })),
        ],
    )
}

fn output() -> Value {
    one_of(kinds("an output", 200, &[("at", text(200))]))
}

fn whole(least: u8, most: u8) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}
