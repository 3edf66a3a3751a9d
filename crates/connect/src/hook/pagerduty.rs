//! `PagerDuty`'s Events API v2, from the other side: what its senders post. An event that acknowledges is taken and leads to
//! nothing: here a person takes an incident.

use lineclear_core::deployment::Kind;
use lineclear_core::incident::Severity;

use super::Heard;
use super::draft::{Change, Draft};
use super::places::{at, first, list, missing, need, text, texts};
use super::times::time;
use crate::WebhookError;
use crate::alertmanager::expected;
use crate::json::{Json, Place};

/// Longest `dedup_key`, in characters (Events API v2).
const DEDUP_MAX: usize = 255;
/// Longest `summary`, in characters (Events API v2).
const SUMMARY_MAX: usize = 1_024;

/// The signal or the change of one event.
pub(super) fn read(source: &str, root: &Json) -> Result<Heard, WebhookError> {
    if at(root, &["event_action"]).is_none() && at(root, &["payload"]).is_some() {
        return Ok(Heard::Reports(vec![change(root)?.seal(source)]));
    }
    let action = need(root, "event_action")?;
    let dedup = text(root, &["dedup_key"]).filter(|key| key.chars().count() <= DEDUP_MAX);
    if dedup.is_none() && at(root, &["dedup_key"]).is_some_and(|key| *key != Json::Null) {
        return Err(missing("dedup_key", "a text of at most 255 characters"));
    }
    match (action.as_str(), dedup) {
        ("trigger", dedup) => Ok(Heard::Signals(vec![trigger(root, dedup)?.seal(source)])),
        ("resolve", Some(dedup)) => {
            let payload = |name| text(root, &["payload", name]);
            let draft = Draft {
                title: payload("summary"),
                group: Some(dedup.clone()),
                fingerprint: vec![dedup],
                resolved: true,
                ..Draft::default()
            };
            Ok(Heard::Signals(vec![draft.seal(source)]))
        }
        ("acknowledge", Some(_)) => Ok(Heard::Nothing("a person takes an incident here")),
        ("resolve" | "acknowledge", None) => Err(missing("dedup_key", "the key of what it is about")),
        (_, _) => Err(missing("event_action", "`trigger`, `acknowledge` or `resolve`")),
    }
}

fn trigger(root: &Json, dedup: Option<String>) -> Result<Draft, WebhookError> {
    let place = Place::Member(&Place::Root, "payload");
    let payload =
        at(root, &["payload"]).filter(|payload| matches!(payload, Json::Object(_))).ok_or_else(|| missing("payload", "an object"))?;
    let member = |name| text(payload, &[name]).ok_or_else(|| expected(&Place::Member(&place, name), "a text that says something"));
    let summary = member("summary")?;
    if summary.chars().count() > SUMMARY_MAX {
        return Err(expected(&Place::Member(&place, "summary"), "at most 1024 characters"));
    }
    let (origin, word) = (member("source")?, member("severity")?);
    let severity = match word.as_str() {
        "critical" => 2,
        "error" => 3,
        "warning" => 4,
        "info" => 5,
        _ => return Err(expected(&Place::Member(&place, "severity"), "`critical`, `error`, `warning` or `info`")),
    };
    let mut draft = Draft {
        group: text(payload, &["group"]).or_else(|| dedup.clone()),
        fingerprint: dedup.map_or_else(|| vec![origin.clone(), summary.clone()], |key| vec![key]),
        title: Some(summary),
        word: Some(word),
        severity: Severity::try_from(severity).ok(),
        service: first(payload, &[&["custom_details", "service"], &["component"]]),
        starts: text(payload, &["timestamp"]).and_then(|text| time(&text)),
        labels: texts(at(payload, &["custom_details"])),
        ..Draft::default()
    };
    draft.label("host", Some(origin));
    for name in ["component", "group", "class"] {
        draft.label(name, text(payload, &[name]));
    }
    draft.label("client", text(root, &["client"]));
    draft.note("link", text(root, &["client_url"]));
    draft.note("links", Some(links(root)).filter(|links| !links.is_empty()));
    Ok(draft)
}

fn links(root: &Json) -> String {
    list(root, &["links"]).iter().filter_map(|link| text(link, &["href"])).take(8).collect::<Vec<_>>().join("\n")
}

fn change(root: &Json) -> Result<Change, WebhookError> {
    let place = Place::Member(&Place::Root, "payload");
    let summary =
        text(root, &["payload", "summary"]).ok_or_else(|| expected(&Place::Member(&place, "summary"), "a text that says something"))?;
    let stated = text(root, &["payload", "timestamp"]);
    let details = |name| text(root, &["payload", "custom_details", name]);
    Ok(Change {
        fingerprint: vec![stated.clone().unwrap_or_default(), summary.clone(), text(root, &["payload", "source"]).unwrap_or_default()],
        kind: Some(Kind::Other),
        title: Some(summary),
        service: details("service").or_else(|| text(root, &["payload", "source"])),
        environment: details("environment"),
        revision: details("revision").or_else(|| details("version")),
        author: details("author").or_else(|| details("user")),
        link: list(root, &["links"]).first().and_then(|link| text(link, &["href"])),
        at: stated.and_then(|text| time(&text)),
        progress: None,
    })
}
