//! Datadog's webhook integration. Its body is whatever template its owner has written: these are the variables that the
//! manual of this product asks for, and the names that Datadog's own template gives them.

use std::collections::BTreeMap;

use lineclear_core::incident::Severity;
use lineclear_core::signal::Signal;

use super::draft::Draft;
use super::places::{at, first, missing, object, scalar};
use super::times::time;
use crate::WebhookError;
use crate::json::{Json, Place};

/// The signal of one event.
pub(super) fn read(source: &str, root: &Json) -> Result<Vec<Signal>, WebhookError> {
    object(root, &Place::Root)?;
    let title =
        first(root, &[&["title"], &["event_title"], &["alert_title"]]).ok_or_else(|| missing("title", "a text that says something"))?;
    let transition = first(root, &[&["alert_transition"], &["transition"]]).unwrap_or_default().to_lowercase();
    let kind = first(root, &[&["alert_type"], &["event_type"]]).unwrap_or_default().to_lowercase();
    let scope = first(root, &[&["alert_scope"], &["scope"]]).or_else(|| joined(at(root, &["scopes"])));
    let monitor = first(root, &[&["monitor_id"], &["alert_id"]]);
    let tags = tags(at(root, &["tags"]));
    let priority = first(root, &[&["priority"], &["alert_priority"]]);
    let fingerprint = match (monitor.clone(), first(root, &[&["aggreg_key"], &["alert_cycle_key"]])) {
        (Some(monitor), _) => [monitor, scope.clone().unwrap_or_default()].into(),
        (None, Some(key)) => vec![key],
        (None, None) => vec![bare(&title).to_owned(), scope.clone().unwrap_or_default()],
    };
    let word = priority.clone().or_else(|| Some(kind.clone()).filter(|kind| !kind.is_empty()));
    let mut draft = Draft {
        fingerprint,
        group: monitor,
        resolved: matches!(transition.as_str(), "recovered" | "resolved") || kind == "success",
        title: Some(bare(&title).to_owned()),
        severity: priority.as_deref().and_then(level).or_else(|| spoken(&title)).or_else(|| by_kind(&transition, &kind)),
        word,
        service: tags.get("service").cloned(),
        starts: first(root, &[&["date"], &["last_updated"]]).and_then(|text| time(&text)),
        labels: tags,
        ..Draft::default()
    };
    draft.label("host", first(root, &[&["hostname"], &["host"]]));
    draft.label("scope", scope);
    draft.note("message", first(root, &[&["message"], &["body"], &["event_msg"], &["description"]]));
    draft.note("query", first(root, &[&["query"], &["alert_query"]]));
    draft.note("link", first(root, &[&["link"], &["url"], &["alert_url"]]));
    Ok(vec![draft.seal(source)])
}

/// `env:prod, service:api`, or a list of such.
fn tags(value: Option<&Json>) -> BTreeMap<String, String> {
    let text = match value {
        Some(Json::List(items)) => items.iter().filter_map(scalar).collect::<Vec<_>>().join(","),
        Some(other) => scalar(other).unwrap_or_default(),
        None => String::new(),
    };
    let pairs = text.split(',').filter_map(|tag| tag.trim().split_once(':')).filter(|(name, value)| !name.is_empty() && !value.is_empty());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn joined(value: Option<&Json>) -> Option<String> {
    let Some(Json::List(items)) = value else { return None };
    Some(items.iter().filter_map(scalar).collect::<Vec<_>>().join(",")).filter(|text| !text.is_empty())
}

/// `P2` and `2`; Datadog's `normal` and `low` are priorities of events and say nothing of monitors.
fn level(word: &str) -> Option<Severity> {
    let digits = word.trim().trim_start_matches(['P', 'p']);
    Severity::try_from(digits.parse::<u8>().ok()?).ok()
}

/// The priority that Datadog writes in front of a title: `[P2] [Triggered] …`.
fn spoken(title: &str) -> Option<Severity> {
    title.split('[').skip(1).filter_map(|part| part.split(']').next()).find_map(|word| word.starts_with('P').then(|| level(word)).flatten())
}

fn by_kind(transition: &str, kind: &str) -> Option<Severity> {
    let number = match (transition, kind) {
        ("warn" | "re-warn", _) | (_, "warning") => 4,
        (_, "info") => 5,
        _ => 3,
    };
    Severity::try_from(number).ok()
}

/// The title without what changes with the state.
fn bare(title: &str) -> &str {
    let mut rest = title.trim();
    while let Some((_, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        rest = after.trim_start();
    }
    let prefixes = ["Triggered: ", "Recovered: ", "Re-Triggered: ", "Warn: ", "No data: "];
    let bare = prefixes.iter().find_map(|prefix| rest.strip_prefix(prefix)).unwrap_or(rest);
    if bare.is_empty() { title } else { bare }
}
