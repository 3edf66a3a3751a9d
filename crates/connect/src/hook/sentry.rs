//! Sentry: issue alerts, issues and metric alerts of its integration platform, and the older plugin's body.

use lineclear_core::incident::Severity;

use super::draft::Draft;
use super::places::{at, first, list, missing, need, scalar, text};
use super::times::time;
use super::{Headers, Heard};
use crate::WebhookError;
use crate::json::Json;

/// The signal of a body.
pub(super) fn read(source: &str, headers: Headers<'_>, root: &Json) -> Result<Heard, WebhookError> {
    let resource = headers.get("sentry-hook-resource");
    let draft = match resource {
        Some("metric_alert") => metric(root)?,
        Some("issue") => match issue(root)? {
            Some(draft) => draft,
            None => return Ok(Heard::Nothing("this happening of an issue is no news")),
        },
        Some("event_alert" | "error") => event(root)?,
        Some(_) => return Ok(Heard::Nothing("this resource is not read")),
        None if at(root, &["data", "metric_alert"]).is_some() => metric(root)?,
        None if at(root, &["data", "issue"]).is_some() => match issue(root)? {
            Some(draft) => draft,
            None => return Ok(Heard::Nothing("this happening of an issue is no news")),
        },
        None if at(root, &["data", "event"]).is_some() => event(root)?,
        None => plugin(root)?,
    };
    Ok(Heard::Signals(vec![draft.seal(source)]))
}

/// Sentry's own levels.
fn level(word: Option<&str>) -> Option<Severity> {
    let number = match word? {
        "fatal" | "critical" => 2,
        "error" => 3,
        "warning" => 4,
        "info" | "debug" => 5,
        _ => return None,
    };
    Severity::try_from(number).ok()
}

fn metric(root: &Json) -> Result<Draft, WebhookError> {
    let action = need(root, "action")?;
    let it = at(root, &["data", "metric_alert"]).ok_or_else(|| missing("data", "a metric alert"))?;
    let projects = || list(it, &["projects"]).iter().chain(list(it, &["alert_rule", "projects"]));
    let mut draft = Draft {
        fingerprint: vec![
            "metric".into(),
            first(it, &[&["id"], &["identifier"]]).ok_or_else(|| missing("data", "the id of a metric alert"))?,
        ],
        resolved: action == "resolved",
        title: first(it, &[&["alert_rule", "name"], &["title"]]).or_else(|| text(root, &["data", "description_title"])),
        severity: level(Some(action.as_str())),
        word: Some(action),
        service: projects().find_map(scalar),
        starts: first(it, &[&["date_started"], &["date_detected"]]).and_then(|text| time(&text)),
        ..Draft::default()
    };
    draft.label("environment", text(it, &["alert_rule", "environment"]));
    draft.note("description", text(root, &["data", "description_text"]));
    draft.note("link", text(root, &["data", "web_url"]));
    Ok(draft)
}

fn issue(root: &Json) -> Result<Option<Draft>, WebhookError> {
    let it = at(root, &["data", "issue"]).ok_or_else(|| missing("data", "an issue"))?;
    let resolved = match need(root, "action")?.as_str() {
        "created" | "unresolved" => false,
        "resolved" | "archived" | "ignored" => true,
        _ => return Ok(None),
    };
    let id = text(it, &["id"]).ok_or_else(|| missing("data", "the id of an issue"))?;
    Ok(Some(Draft { resolved, ..about(it, id) }))
}

fn event(root: &Json) -> Result<Draft, WebhookError> {
    let it = first_of(root, &[&["data", "event"], &["data", "error"]]).ok_or_else(|| missing("data", "an event"))?;
    let id = first(it, &[&["issue_id"], &["groupID"], &["event_id"]]).ok_or_else(|| missing("data", "the id of an event's issue"))?;
    let mut draft = about(it, id);
    draft.label("rule", text(root, &["data", "triggered_rule"]));
    Ok(draft)
}

fn plugin(root: &Json) -> Result<Draft, WebhookError> {
    let id = need(root, "id")?;
    let mut draft = about(root, id);
    draft.title = first(root, &[&["event", "title"], &["message"], &["culprit"]]);
    draft.service = first(root, &[&["project_slug"], &["project"], &["project_name"]]);
    draft.starts = first(root, &[&["event", "timestamp"]]).and_then(|text| time(&text));
    tags(list(root, &["event", "tags"]), &mut draft);
    draft.label("environment", text(root, &["event", "environment"]));
    draft.note("message", text(root, &["message"]));
    Ok(draft)
}

/// What issues and events have in common.
fn about(it: &Json, id: String) -> Draft {
    let word = text(it, &["level"]);
    let mut draft = Draft {
        fingerprint: vec!["issue".into(), id],
        title: first(it, &[&["title"], &["metadata", "title"], &["message"]]),
        severity: level(word.as_deref()),
        word,
        service: first(it, &[&["project", "slug"], &["project", "name"], &["project_slug"], &["project_name"], &["project"]]),
        starts: first(it, &[&["firstSeen"], &["datetime"], &["timestamp"]]).and_then(|text| time(&text)),
        ..Draft::default()
    };
    tags(list(it, &["tags"]), &mut draft);
    draft.label("environment", text(it, &["environment"]));
    draft.note("culprit", text(it, &["culprit"]));
    draft.note("link", first(it, &[&["web_url"], &["permalink"], &["url"]]));
    draft
}

/// `[["browser", "Chrome"], …]`.
fn tags(list: &[Json], draft: &mut Draft) {
    for tag in list {
        if let Json::List(pair) = tag
            && let [name, value] = pair.as_slice()
            && let Some(name) = scalar(name)
        {
            draft.label(&name, scalar(value));
        }
    }
}

fn first_of<'j>(from: &'j Json, paths: &[&[&str]]) -> Option<&'j Json> {
    paths.iter().find_map(|path| at(from, path))
}
