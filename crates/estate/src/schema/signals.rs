//! The schemas of what stands around signals: mappings, and windows in which they are expected.

use serde_json::{Value, json};

use super::form::{list, map, name, object, text, title};

fn place() -> Value {
    json!({ "type": "string", "maxLength": 300 })
}

fn places(least: usize) -> Value {
    let mut places = list(place(), least);
    if let Some(rules) = places.as_object_mut() {
        rules.insert("uniqueItems".into(), true.into());
    }
    places
}

/// The schema of `signals/*.yaml`.
pub(super) fn mapping() -> Value {
    let severities = map(json!({ "type": "integer", "minimum": 1, "maximum": 5 }));
    object(
        "a mapping",
        &["mapping", "fingerprint"],
        &[
            ("mapping", name()),
            ("items", place()),
            ("fingerprint", places(1)),
            ("title", places(0)),
            ("service", places(0)),
            ("severity", places(0)),
            ("severities", severities),
            ("state", places(0)),
            ("resolved", list(text(80), 0)),
            ("starts", places(0)),
            ("group", places(0)),
            ("labels", map(place())),
            ("annotations", map(place())),
        ],
    )
}

/// The schema of `maintenance.yaml`.
pub(super) fn maintenance() -> Value {
    let time = || json!({ "type": "string", "format": "date-time" });
    let window = object(
        "a window",
        &["title", "by", "from", "until"],
        &[
            ("title", title()),
            ("by", name()),
            ("from", time()),
            ("until", time()),
            ("targets", list(text(300), 0)),
            ("labels", map(text(200))),
        ],
    );
    object("the file", &["windows"], &[("windows", list(window, 0))])
}
