//! JSON Schemas of the files that people write, so that editors complete and check them. The reader stays the judge: it knows
//! bounds and references that no schema tells. Each object's `title` is what the reader calls it, and a test holds the members
//! of both against each other.

pub(crate) mod form;
mod people;
mod runbooks;
mod settings;
mod signals;
mod slos;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use lineclear_core::sandbox::Sandbox;
use lineclear_core::topology::EntityKind;
use serde_json::{Value, json};

use crate::facts::COMPARISONS;
use crate::inputs::NAMES_MAX;
use crate::schema::form::{any, duration, flag, list, map, name, names, object, one_of, reference, text, title, whole, words};

/// The schema of each kind of file, by the name of its file in `docs/schema/` without the ending.
pub fn schemas() -> BTreeMap<&'static str, Value> {
    let all = [
        ("actions", actions()),
        ("authority", authority()),
        ("catalog", catalog()),
        ("escalation", people::escalation()),
        ("facts", facts()),
        ("freezes", freezes()),
        ("maintenance", signals::maintenance()),
        ("rotations", people::rotation()),
        ("runbook", runbooks::runbook()),
        ("settings", settings::settings()),
        ("severity", severity()),
        ("signals", signals::mapping()),
        ("slos", slos::slos()),
    ];
    all.into_iter().map(|(kind, schema)| (kind, headed(kind, schema))).collect()
}

fn headed(kind: &str, mut schema: Value) -> Value {
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        members.insert("$comment".into(), format!("generated; the reader of `{kind}` files knows more than this").into());
    }
    schema
}

fn input() -> Value {
    one_of(kinds("an input", 4_000, &[]))
}

/// The kinds of values, each an object called `what` that has these members as well; text of at most so many characters.
fn kinds(what: &str, longest: u16, more: &[(&str, Value)]) -> Vec<Value> {
    let kind = |word: &str, own: &[(&str, Value)]| {
        let members = [&[("type", json!({ "const": word }))][..], own, more].concat();
        let needed: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
        object(what, &needed, &members)
    };
    let most = json!({ "type": "integer", "minimum": 1, "maximum": longest });
    vec![
        kind("name", &[]),
        kind("dns_name", &[]),
        kind("ipv4", &[]),
        kind("integer", &[("min", whole()), ("max", whole())]),
        kind("choice", &[("of", list(text(80), 1))]),
        kind("names", &[("max", json!({ "type": "integer", "minimum": 1, "maximum": NAMES_MAX }))]),
        kind("text", &[("max", most)]),
    ]
}

pub(crate) fn sandbox() -> Value {
    object("`sandbox`", &["at_least"], &[("at_least", words(&Sandbox::WORDS.map(|(word, _)| word)))])
}

fn actions() -> Value {
    let kinds: Vec<&str> = EntityKind::ALL.iter().map(|kind| kind.as_str()).collect();
    object(
        "an action",
        &["action", "title", "risk", "reversibility", "resource"],
        &[
            ("action", name()),
            ("title", title()),
            ("risk", words(&["low", "medium", "high"])),
            ("reversibility", words(&["reversible", "partly", "irreversible"])),
            ("resource", words(&kinds)),
            ("inputs", map(input())),
            ("runbook", name()),
            ("facts", object("`facts`", &[], &[("required", names()), ("optional", names())])),
            ("never_routine", flag()),
            ("closes", words(&["machine", "person"])),
            ("sandbox", sandbox()),
        ],
    )
}

fn authority() -> Value {
    let rung = object(
        "a rung",
        &["name", "title"],
        &[
            ("name", name()),
            ("title", title()),
            ("humans", json!({ "type": "integer", "minimum": 0, "maximum": 9 })),
            ("roles", names()),
            ("owner", flag()),
            ("grade", words(&["none", "session", "ssh", "passkey"])),
        ],
    );
    let activation = object("`activation`", &["rung"], &[("rung", name())]);
    let runs = json!({ "type": "integer", "minimum": 2, "maximum": 100 });
    let routine = object("`routine`", &["runs", "within", "spread"], &[("runs", runs), ("within", duration()), ("spread", duration())]);
    let reviews = json!({ "type": "integer", "minimum": 1, "maximum": 9 });
    let emergencies =
        object("`emergencies`", &["longest", "open_reviews"], &[("longest", duration()), ("open_reviews", reviews), ("roles", names())]);
    let members = [
        ("approval_ttl", duration()),
        ("single_operator", flag()),
        ("activation", activation),
        ("routine", routine),
        ("emergencies", emergencies),
        ("roles", map(names())),
        ("rungs", list(rung, 1)),
    ];
    object("authority", &["approval_ttl", "roles", "rungs"], &members)
}

fn catalog() -> Value {
    let entity = |kind: &str, spec: Value| {
        let metadata = object(
            "`metadata`",
            &["name"],
            &[
                ("name", name()),
                ("namespace", json!({ "const": "default" })),
                ("title", title()),
                ("description", any()),
                ("labels", any()),
                ("tags", any()),
                ("links", any()),
                ("annotations", map(any())),
            ],
        );
        let versions = words(&["backstage.io/v1alpha1", "backstage.io/v1beta1"]);
        let members = [("apiVersion", versions), ("kind", json!({ "const": kind })), ("metadata", metadata), ("spec", spec)];
        object("an entity", &["apiVersion", "kind", "metadata", "spec"], &members)
    };
    let thing = |types: &[&str]| {
        let members = [
            ("type", words(types)),
            ("owner", reference()),
            ("lifecycle", any()),
            ("dependsOn", list(reference(), 0)),
            ("system", reference()),
        ];
        object("`spec`", &["type", "owner"], &members)
    };
    let owned = || object("`spec`", &["owner"], &[("owner", reference()), ("domain", any())]);
    let group = [("type", any()), ("children", any()), ("profile", any()), ("parent", any()), ("members", any())];
    let profile = object("`profile`", &["displayName"], &[("displayName", text(2_000)), ("email", any()), ("picture", any())]);
    let resources: Vec<&str> = EntityKind::ALL.iter().map(|kind| kind.as_str()).filter(|kind| *kind != "service").collect();
    one_of(vec![
        entity("Component", thing(&["service", "website", "ai-agent"])),
        entity("Resource", thing(&resources)),
        entity("System", owned()),
        entity("Domain", owned()),
        entity("Group", object("`spec`", &["type"], &group)),
        entity("User", object("`spec`", &["profile"], &[("profile", profile), ("memberOf", list(reference(), 0))])),
    ])
}

/// Names of things.
fn names_of_things() -> Value {
    list(text(300), 0)
}

fn facts() -> Value {
    let operators: Vec<&str> = COMPARISONS.iter().map(|(word, _)| *word).collect();
    let condition = object("a condition", &["op", "value"], &[("op", words(&operators)), ("value", form::measure())]);
    let fact = object(
        "a fact",
        &["name", "title", "source", "query", "limit", "holds"],
        &[
            ("name", name()),
            ("title", title()),
            ("source", text(2_000)),
            ("query", text(2_000)),
            ("limit", duration()),
            ("holds", condition),
        ],
    );
    object("the vocabulary", &["facts"], &[("facts", list(fact, 0))])
}

fn freezes() -> Value {
    let time = || json!({ "type": "string", "format": "date-time" });
    let members = [("title", title()), ("from", time()), ("until", time()), ("targets", names_of_things())];
    let freeze = object("a freeze", &["title", "from", "until"], &members);
    object("the file", &["freezes"], &[("freezes", list(freeze, 0))])
}

fn severity() -> Value {
    let count = || json!({ "type": "integer", "minimum": 1 });
    let line = || {
        let members = [
            ("customers", count()),
            ("lasting", duration()),
            ("regions", count()),
            ("security", words(&form::keys(crate::severity::DOUBTS))),
            ("revenue", words(&form::keys(crate::severity::LOSSES))),
        ];
        object("a line", &[], &members)
    };
    let number = || json!({ "type": "integer", "minimum": 1, "maximum": 5 });
    let members = [("severity", number()), ("title", title()), ("any", list(line(), 1))];
    let level = object("a level", &["severity", "title", "any"], &members);
    let rule = object("a rule", &["title", "any", "path"], &[("title", title()), ("any", list(line(), 1)), ("path", name())]);
    object("the table", &["levels", "otherwise"], &[("levels", list(level, 0)), ("otherwise", number()), ("pages", list(rule, 0))])
}
