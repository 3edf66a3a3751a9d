//! The committed schemas are fresh, name the reader's own members, accept the example, and refuse what the reader refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::schemas;
use crate::fault::{Faults, LoadError, Text};
use crate::members::ASKED;
use crate::yaml::{Kind, Node, documents};

type Parse = fn(&str, &str) -> Result<(), LoadError>;

/// Each kind with its reader.
const READERS: &[(&str, Parse)] = &[
    ("actions", |path, text| crate::parse_actions(path, text).map(drop)),
    ("authority", |path, text| crate::parse_authority(path, text).map(drop)),
    ("catalog", |path, text| crate::parse_catalog(path, text).map(drop)),
    ("escalation", |path, text| crate::parse_escalation(path, text).map(drop)),
    ("facts", |path, text| crate::parse_facts(path, text).map(drop)),
    ("freezes", |path, text| crate::parse_freezes(path, text).map(drop)),
    ("maintenance", |path, text| crate::parse_maintenance(path, text).map(drop)),
    ("rotations", |path, text| crate::parse_rotation(path, text).map(drop)),
    ("runbook", |path, text| crate::parse_runbook(path, text).map(drop)),
    ("severity", |path, text| crate::parse_severity(path, text).map(drop)),
    ("signals", |path, text| crate::parse_mapping(path, text).map(drop)),
    ("slos", |path, text| crate::parse_slos(path, text).map(drop)),
];

/// Texts beside the example, for forms that it does not use.
const MORE: &[(&str, &str)] = &[
    ("freezes", "freezes:\n  - { title: t, from: \"2026-01-01T00:00:00Z\", until: \"2026-01-02T00:00:00Z\" }\n"),
    (
        "maintenance",
        "windows:\n  - { title: t, by: dave, from: \"2026-01-01T00:00:00Z\", until: \"2026-01-02T00:00:00Z\", targets: [host/web-1], labels: { a: b } }\n",
    ),
    (
        "signals",
        "mapping: m\nitems: /list\nfingerprint: [/id]\ntitle: [/t]\nservice: [/s]\nseverity: [/p]\nseverities: { rot: 2 }\nstate: [/open]\n\
         resolved: [\"no\"]\nstarts: [/since]\ngroup: [/g]\nlabels: { host: /h }\nannotations: { text: /x }\n",
    ),
    (
        "actions",
        "action: a\ntitle: t\nrisk: low\nreversibility: partly\nresource: zone\nsandbox: { at_least: whole }\ninputs: { t: { type: text, max: 9 } }\n",
    ),
    ("runbook", crate::runbook::EVERYTHING),
    (
        "escalation",
        "path: p\ntitle: t\ntargets: [service/shop]\notherwise: true\nact_within: 20m\nlast_resort: { people: [a], roles: [b], on_call: [c] }\n\
      quiet:\n  - { severities: [4], days: [sat], from: \"22:00\", until: \"06:00\", zone: UTC }\nrepeat: 1\ntiers:\n  - { title: t, people: [a], roles: [b], on_call: [c], owner: true, commander: true, within: 5m }\n",
    ),
    (
        "rotations",
        "rotation: r\ntitle: t\nzone: UTC\ncalendar: r.ics\nhours: { days: [mon], from: \"08:00\", until: \"18:00\" }\n\
      overrides:\n  - { person: a, from: \"2026-01-01T00:00:00Z\", until: \"2026-01-02T00:00:00Z\" }\n",
    ),
    ("rotations", "rotation: r\ntitle: t\nzone: UTC\nturns: { every: 7d, from: \"2026-01-05 09:00:00\", people: [a, b] }\n"),
    ("runbook", crate::runbook::OVER_LISTS),
    ("catalog", "apiVersion: backstage.io/v1alpha1\nkind: Domain\nmetadata: { name: a }\nspec: { owner: edge }\n"),
    (
        "slos",
        "apiVersion: openslo/v1\nkind: Service\nmetadata: { name: shop }\nspec: { description: d }\n---\napiVersion: openslo/v1\nkind: SLO\n\
         metadata: { name: a }\nspec:\n  service: shop\n  indicator: { spec: { ratioMetric: { counter: true, bad: { metricSource: { type: Prometheus, \
         spec: { query: b } } }, total: { metricSource: { spec: { query: c } } } } } }\n  timeWindow: [{ duration: 28d, isRolling: true }]\n  \
         budgetingMethod: Occurrences\n  objectives: [{ targetPercent: 99.9 }]\n  alertPolicies: [a, { alertPolicyRef: b }]\n",
    ),
];

fn kind(path: &str) -> Option<&'static str> {
    let stem = path.strip_suffix(".yaml")?;
    let folder = stem.split_once('/').map_or(stem, |(folder, _)| folder);
    let folder = if folder == "runbooks" { "runbook" } else { folder };
    READERS.iter().map(|(kind, _)| *kind).find(|kind| *kind == folder)
}

fn reader(kind: &str) -> Parse {
    READERS.iter().find(|(known, _)| *known == kind).unwrap().1
}

fn texts() -> Vec<(&'static str, String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estate/example");
    let files = crate::read_files(&directory).unwrap().into_iter();
    let files = files.filter_map(|(path, bytes)| Some((kind(&path)?, path, String::from_utf8(bytes).unwrap())));
    files.chain(MORE.iter().map(|(kind, text)| (*kind, format!("{kind}/more.yaml"), (*text).to_owned()))).collect()
}

fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Nothing => Value::Null,
        Kind::Flag(flag) => (*flag).into(),
        Kind::Integer(n) => (*n).into(),
        Kind::Number => node.place.written().parse::<f64>().unwrap().into(),
        Kind::Text(text) => text.clone().into(),
        Kind::List(items) => items.iter().map(value).collect(),
        Kind::Map(members) => Value::Object(members.iter().map(|(key, node)| (key.text.clone(), value(node))).collect()),
    }
}

/// Whether every document of the text fits the schema; patterns and formats are left to editors.
fn fits_all(schema: &Value, text: &str) -> bool {
    let nodes = documents(&Text::new("a.yaml", text), &Faults::default()).unwrap();
    nodes.iter().all(|node| fits(schema, &value(node)))
}

fn fits(schema: &Value, value: &Value) -> bool {
    let Some(rules) = schema.as_object() else { return schema != &Value::Bool(false) };
    rules.iter().all(|(rule, by)| one(rules, rule, by, value))
}

fn one(rules: &serde_json::Map<String, Value>, rule: &str, by: &Value, value: &Value) -> bool {
    let least = |length: Option<usize>| length.is_none_or(|length| length as u64 >= by.as_u64().unwrap());
    let most = |length: Option<usize>| length.is_none_or(|length| length as u64 <= by.as_u64().unwrap());
    let characters = || value.as_str().map(|text| text.chars().count());
    let items = || value.as_array().map(Vec::len);
    match rule {
        "type" => by.as_array().map_or_else(|| typed(by, value), |any| any.iter().any(|by| typed(by, value))),
        "enum" => by.as_array().unwrap().contains(value),
        "const" => by == value,
        "required" => value.as_object().is_none_or(|o| by.as_array().unwrap().iter().all(|name| o.contains_key(name.as_str().unwrap()))),
        "properties" => value.as_object().is_none_or(|o| o.iter().all(|(name, v)| by.get(name).is_none_or(|by| fits(by, v)))),
        "additionalProperties" => {
            let known = |name: &str| rules.get("properties").is_some_and(|p| p.get(name).is_some());
            value.as_object().is_none_or(|o| o.iter().all(|(name, v)| known(name) || fits(by, v)))
        }
        "items" => value.as_array().is_none_or(|list| list.iter().all(|item| fits(by, item))),
        "oneOf" => by.as_array().unwrap().iter().filter(|by| fits(by, value)).count() == 1,
        "anyOf" => by.as_array().unwrap().iter().any(|by| fits(by, value)),
        "minLength" => least(characters()),
        "maxLength" => most(characters()),
        "minItems" => least(items()),
        "maxItems" => most(items()),
        "minProperties" => least(value.as_object().map(serde_json::Map::len)),
        "minimum" => value.as_i64().is_none_or(|n| n >= by.as_i64().unwrap()),
        "maximum" => value.as_i64().is_none_or(|n| n <= by.as_i64().unwrap()),
        "uniqueItems" => value.as_array().is_none_or(|list| (1..list.len()).all(|at| !list[..at].contains(&list[at]))),
        "title" | "pattern" | "format" | "$schema" | "$comment" => true,
        _ => panic!("a rule that this test does not know: {rule}"),
    }
}

fn typed(by: &Value, value: &Value) -> bool {
    match by.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        _ => panic!("a type that this test does not know: {by}"),
    }
}

/// Per title: every member of any object of that title, and the members that each of them needs.
type Objects = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

fn add(into: &mut Objects, title: &str, all: BTreeSet<String>, needed: BTreeSet<String>) {
    match into.get_mut(title) {
        Some((known, always)) => {
            known.extend(all);
            always.retain(|name| needed.contains(name));
        }
        None => {
            into.insert(title.to_owned(), (all, needed));
        }
    }
}

fn objects(schema: &Value, into: &mut Objects) {
    if let Some(title) = schema.get("title").and_then(Value::as_str) {
        let all = schema["properties"].as_object().unwrap().keys().cloned().collect();
        let needed = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        add(into, title, all, needed.map(|name| name.as_str().unwrap().to_owned()).collect());
    }
    match schema {
        Value::Object(members) => members.values().for_each(|inner| objects(inner, into)),
        Value::Array(items) => items.iter().for_each(|inner| objects(inner, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_committed_schemas_are_fresh() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    for (kind, schema) in schemas() {
        let committed = std::fs::read_to_string(directory.join(format!("{kind}.json"))).unwrap_or_default();
        assert!(committed == format!("{schema:#}\n"), "docs/schema/{kind}.json is stale: `cargo run -p lineclear-estate --example schema`");
    }
    assert_eq!(std::fs::read_dir(directory).unwrap().count(), schemas().len());
}

#[test]
fn the_members_are_those_that_the_reader_asks_for() {
    // The reader of settings is TOML's, and asks by other means: see below.
    for (kind, schema) in schemas().into_iter().filter(|(kind, _)| *kind != "settings") {
        let (mut told, mut asked) = (Objects::new(), Objects::new());
        objects(&schema, &mut told);
        ASKED.take();
        for (_, path, text) in texts().iter().filter(|(of, ..)| *of == kind) {
            reader(kind)(path, text).unwrap_or_else(|error| panic!("{error}"));
        }
        let owned = |names: BTreeSet<&'static str>| names.into_iter().map(str::to_owned).collect::<BTreeSet<String>>();
        for (what, all, needed) in ASKED.take() {
            add(&mut asked, what, owned(all), owned(needed));
        }
        // Both sides of a call are made from one table, of which the example uses only a part.
        asked.remove("the call");
        told.remove("the call");
        assert_eq!(asked, told, "{kind}");
    }
}

/// Each table of settings with the members that the schema knows: the reader knows every one of them, and no others.
#[test]
fn the_settings_have_the_members_that_their_reader_knows() {
    let schema = &schemas()["settings"];
    let head = "title = \"t\"\norigin = \"l.test/g1\"\nposture = \"full\"\n";
    let told = |text: String| crate::parse_settings("lineclear.toml", &text).map_or_else(|error| error.to_string(), |_| String::new());
    for (table, at) in [
        ("[signals.a]", "/properties/signals/additionalProperties/properties"),
        ("[notices.channels.a]", "/properties/notices/properties/channels/additionalProperties/properties"),
    ] {
        let members = schema.pointer(at).unwrap().as_object().unwrap();
        let unknown = told(format!("{head}{table}\nzzz = 1\n"));
        assert!(unknown.contains("unknown field `zzz`"), "{unknown}");
        for member in members.keys() {
            let said = told(format!("{head}{table}\n{member} = 1\n"));
            assert!(!said.contains("unknown field"), "{table} {member}: {said}");
        }
    }
}

#[test]
fn every_file_of_the_example_fits() {
    let schemas = schemas();
    for (kind, path, text) in texts() {
        assert!(fits_all(&schemas[kind], &text), "{path}");
    }
}

#[test]
fn every_file_of_the_example_tells_editors_its_schema() {
    let files = crate::read_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estate/example")).unwrap();
    let yaml: Vec<_> = files.iter().filter(|(path, _)| Path::new(path).extension().is_some_and(|end| end == "yaml")).collect();
    assert!(yaml.len() > 40, "{} files", yaml.len());
    for (path, bytes) in yaml {
        let up = "../".repeat(2 + path.matches('/').count());
        let kind = kind(path).unwrap_or_else(|| panic!("{path} is of no kind"));
        let header = format!("# yaml-language-server: $schema={up}docs/schema/{kind}.json\n");
        assert!(bytes.starts_with(header.as_bytes()), "{path} does not begin with {header}");
    }
}

#[test]
fn what_the_schema_refuses_the_reader_refuses() {
    let schemas = schemas();
    let check = |path: &str, old: &str, new: &str| {
        let (kind, _, text) = texts().into_iter().find(|(_, known, _)| known == path).unwrap();
        assert!(text.contains(old), "{path} has no {old:?}");
        let text = text.replacen(old, new, 1);
        assert!(!fits_all(&schemas[kind], &text), "the schema lets {new:?} pass");
        assert!(reader(kind)(path, &text).is_err(), "the reader lets {new:?} pass");
    };
    check("actions/high.yaml", "risk: high", "risk: hihg");
    check("actions/high.yaml", "resource: zone\n", "");
    check("actions/high.yaml", "never_routine: true", "never_routine: yes");
    check("actions/high.yaml", "never_routine: true", "never_routin: true");
    check("authority.yaml", "grade: session", "grade: sesion");
    check("authority.yaml", "humans: 1", "humans: 12");
    check("authority.yaml", "approval_ttl: 15m\n", "");
    check("catalog/services.yaml", "kind: Component", "kind: Compnent");
    check("catalog/services.yaml", "type: website", "type: webside");
    check("catalog/services.yaml", "dependsOn:", "dependOn:");
    check("facts.yaml", "op: \"==\"", "op: equals");
    check("facts.yaml", "limit: 30s", "limt: 30s");
    check("runbooks/drain-host.yaml", "runbook: v1", "runbook: v2");
    check("runbooks/drain-host.yaml", "haproxy_server:", "haproxy_sever:");
    check("runbooks/drain-host.yaml", "state: drain", "state: drian");
    check("runbooks/drain-host.yaml", "attempts: 2", "attempts: 20");
    check("severity.yaml", "otherwise: 5", "otherwise: 6");
    check("severity.yaml", "security: confirmed", "security: certain");
    check("severity.yaml", "customers: 5000", "custmers: 5000");
    check("signals/more.yaml", "fingerprint: [/id]\n", "");
    check("signals/more.yaml", "rot: 2", "rot: 7");
    check("signals/more.yaml", "group:", "goup:");
    check("maintenance/more.yaml", "by: dave, ", "");
    check("escalation/money.yaml", "within: 5m", "minutes: 5");
    check("escalation/money.yaml", "repeat: 1", "repeat: 9");
    check("escalation/more.yaml", "severities: [4]", "severities: [1]");
    check("escalation/more.yaml", "days: [sat]", "days: [caturday]");
    check("rotations/more.yaml", "zone: UTC\n", "");
    check("rotations/more.yaml", "person: a, ", "");
    check("slos/services.yaml", "apiVersion: openslo/v1", "apiVersion: openslo/v2");
    check("slos/services.yaml", "budgetingMethod: Timeslices", "budgetingMethod: TimeSlices");
    check("slos/services.yaml", "timeSliceWindow: 1m", "timeSliceWIndow: 1m");
    check("slos/services.yaml", "rawType: failure", "rawType: bad");
    check("slos/services.yaml", "timeWindow: [{ duration: 30d, isRolling: true }]", "timeWindow: []");
}
