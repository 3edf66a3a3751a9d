//! Schemas of who is told and who is on call.

use lineclear_core::rotation::Day;
use serde_json::{Value, json};

use super::form::{duration, flag, list, name, names, object, text, title, words};
use super::names_of_things;

pub(super) fn escalation() -> Value {
    let people = || vec![("people", names()), ("roles", names()), ("on_call", names())];
    let mut members = vec![("title", title()), ("owner", flag()), ("commander", flag()), ("within", duration())];
    members.extend(people());
    let tier = object("a tier", &["title", "within"], &members);
    let severity = json!({ "type": "integer", "minimum": 3, "maximum": 5 });
    let mut members = vec![("severities", list(severity, 1)), ("zone", text(64))];
    members.extend(hours());
    let quiet = object("quiet hours", &["severities", "from", "until", "zone"], &members);
    object(
        "an escalation path",
        &["path", "title", "tiers"],
        &[
            ("path", name()),
            ("title", title()),
            ("targets", names_of_things()),
            ("otherwise", flag()),
            ("tiers", list(tier, 1)),
            ("repeat", json!({ "type": "integer", "minimum": 0, "maximum": 5 })),
            ("act_within", duration()),
            ("last_resort", object("the last resort", &[], &people())),
            ("quiet", list(quiet, 1)),
        ],
    )
}

pub(super) fn rotation() -> Value {
    let turns = object("`turns`", &["every", "from", "people"], &[("every", duration()), ("from", text(19)), ("people", names())]);
    let time = || json!({ "type": "string", "format": "date-time" });
    let stand_in = object("an override", &["person", "from", "until"], &[("person", name()), ("from", time()), ("until", time())]);
    object(
        "a rotation",
        &["rotation", "title", "zone"],
        &[
            ("rotation", name()),
            ("title", title()),
            ("zone", text(64)),
            ("turns", turns),
            ("calendar", text(300)),
            ("hours", object("`hours`", &["from", "until"], &hours())),
            ("overrides", list(stand_in, 0)),
        ],
    )
}

fn hours() -> Vec<(&'static str, Value)> {
    let days: Vec<&str> = Day::WORDS.iter().map(|(word, _)| *word).collect();
    let time = || json!({ "type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$" });
    vec![("days", list(words(&days), 0)), ("from", time()), ("until", time())]
}
