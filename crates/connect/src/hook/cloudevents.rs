//! `CloudEvents` 1.0 over HTTP: structured, batched and binary. Events of the `CDEvents` vocabulary are news of changes.

use std::collections::BTreeMap;

use lineclear_core::deployment::{Kind, Progress, Report};
use lineclear_core::incident::Severity;
use lineclear_core::signal::{Mapping, Signal};

use super::draft::{Change, Draft};
use super::places::{at, first, missing, text, texts};
use super::times::time;
use super::{Headers, Heard, mapped};
use crate::WebhookError;
use crate::alertmanager::ALERTS_MAX;
use crate::json::Json;

/// The attributes that an event must have, and those that are read of others.
const ATTRIBUTES: &[&str] = &["specversion", "id", "source", "type", "time", "subject", "severity"];
/// How the types of `CDEvents` begin.
const CDEVENTS: &str = "dev.cdevents.";
/// Endings of a type that say that it is over.
const OVER: &[&str] = &[".resolved", ".recovered", ".ok", ".cleared", ".closed"];

/// The signals of a body, or the changes where every event is one.
pub(super) fn read(source: &str, headers: Headers<'_>, mapping: Option<&Mapping>, root: Json) -> Result<Heard, WebhookError> {
    let events = match (headers.get("ce-specversion"), root) {
        (Some(_), data) => vec![binary(headers, data)],
        (None, Json::List(events)) => events,
        (None, event) => vec![event],
    };
    if events.len() > ALERTS_MAX {
        return Err(WebhookError::TooMany { count: events.len() });
    }
    let (mut signals, mut reports) = (Vec::new(), Vec::new());
    for event in &events {
        if text(event, &["specversion"]).as_deref() != Some("1.0") {
            return Err(missing("specversion", "`1.0`"));
        }
        let kind = text(event, &["type"]).ok_or_else(|| missing("type", "a text that says something"))?;
        let (Some(origin), Some(_)) = (text(event, &["source"]), text(event, &["id"])) else {
            return Err(missing("id", "an id, and the source that gave it"));
        };
        match mapping {
            Some(mapping) => signals.extend(mapped::read(source, mapping, event)?),
            None if kind.starts_with(CDEVENTS) => reports.extend(change(source, &kind, event)),
            None => signals.push(signal(source, &kind, origin, event)),
        }
    }
    match (signals.is_empty(), reports.is_empty()) {
        (false, true) => Ok(Heard::Signals(signals)),
        (true, false) => Ok(Heard::Reports(reports)),
        (true, true) => Ok(Heard::Nothing("these events change nothing that is in service")),
        (false, false) => Err(missing("type", "either changes or signals in one batch")),
    }
}

/// Attributes from headers, the body as data (HTTP binding §3.1).
fn binary(headers: Headers<'_>, data: Json) -> Json {
    let named = ATTRIBUTES.iter().filter_map(|name| Some(((*name).to_owned(), Json::Text(headers.get(&format!("ce-{name}"))?.to_owned()))));
    let mut members: BTreeMap<String, Json> = named.collect();
    members.insert("data".into(), data);
    Json::Object(members)
}

fn signal(source: &str, kind: &str, origin: String, event: &Json) -> Signal {
    let subject = text(event, &["subject"]);
    let state = first(event, &[&["data", "state"], &["data", "status"]]).unwrap_or_default().to_lowercase();
    let over = OVER.iter().any(|ending| kind.ends_with(ending));
    let base =
        OVER.iter().chain(&[".firing", ".triggered", ".raised", ".opened"]).find_map(|ending| kind.strip_suffix(ending)).unwrap_or(kind);
    let own = text(event, &["data", "fingerprint"]);
    let word = first(event, &[&["data", "severity"], &["severity"], &["data", "priority"]]);
    let mut draft = Draft {
        fingerprint: own
            .map_or_else(|| vec![origin.clone(), base.to_owned(), subject.clone().unwrap_or_default()], |key| vec![origin.clone(), key]),
        resolved: over || matches!(state.as_str(), "resolved" | "ok" | "recovered" | "closed"),
        title: first(event, &[&["data", "title"], &["data", "summary"], &["data", "message"]]).or_else(|| Some(kind.to_owned())),
        severity: word.as_deref().map(Severity::stated),
        word,
        service: text(event, &["data", "service"]).or_else(|| subject.clone()),
        starts: first(event, &[&["data", "starts_at"], &["time"]]).and_then(|text| time(&text)),
        labels: texts(at(event, &["data", "labels"])),
        annotations: texts(at(event, &["data", "annotations"])),
        ..Draft::default()
    };
    draft.label("type", Some(kind.to_owned()));
    draft.label("origin", Some(origin));
    draft.label("subject", subject);
    draft.seal(source)
}

/// What of the `CDEvents` vocabulary changes something in service: `dev.cdevents.service.deployed.0.2.0` and its like.
fn change(source: &str, kind: &str, event: &Json) -> Option<Report> {
    let mut words = kind.strip_prefix(CDEVENTS)?.split('.');
    let (what, done) = (words.next()?, words.next()?);
    let progress = match (what, done) {
        ("service", "deployed" | "upgraded" | "rolledback" | "removed" | "published") | ("environment", "modified") => Progress::Succeeded,
        _ => return None,
    };
    let content = |names: &[&str]| text(event, &[&["data", "subject", "content"], names].concat());
    let service = text(event, &["data", "subject", "id"]);
    let context = text(event, &["data", "context", "id"]).or_else(|| text(event, &["id"]));
    Some(
        Change {
            fingerprint: context.into_iter().collect(),
            kind: Some(Kind::Deployment),
            title: Some(format!("{} {done}", service.clone().unwrap_or_else(|| what.to_owned()))),
            service,
            environment: content(&["environment", "id"]),
            revision: content(&["artifactId"]),
            author: None,
            link: None,
            progress: Some(progress),
            at: first(event, &[&["data", "context", "timestamp"], &["time"]]).and_then(|text| time(&text)),
        }
        .seal(source),
    )
}
