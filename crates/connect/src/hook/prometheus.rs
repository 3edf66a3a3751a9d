//! What Prometheus itself posts to an Alertmanager: a list of alerts (API v2, `postableAlerts`).

use lineclear_core::Timestamp;
use lineclear_core::signal::Signal;

use super::draft::Draft;
use super::places::{at, first, text, texts};
use super::times::time;
use crate::WebhookError;
use crate::alertmanager::{ALERTS_MAX, expected};
use crate::json::{Json, Place};

/// The signals of a list of alerts, or of one alert. An alert whose `endsAt` has passed is over.
pub(super) fn read(source: &str, root: &Json, now: Timestamp) -> Result<Vec<Signal>, WebhookError> {
    let one = std::slice::from_ref(root);
    let alerts = match (root, at(root, &["alerts"])) {
        (Json::List(alerts), _) | (_, Some(Json::List(alerts))) => alerts.as_slice(),
        (_, _) => one,
    };
    if alerts.len() > ALERTS_MAX {
        return Err(WebhookError::TooMany { count: alerts.len() });
    }
    alerts.iter().enumerate().map(|(index, alert)| signal(source, index, alert, now)).collect()
}

fn signal(source: &str, index: usize, alert: &Json, now: Timestamp) -> Result<Signal, WebhookError> {
    let place = Place::Item(&Place::Root, index);
    let labels = match at(alert, &["labels"]) {
        Some(Json::Object(members)) if !members.is_empty() => texts(at(alert, &["labels"])),
        _ => return Err(expected(&Place::Member(&place, "labels"), "an object with at least one label")),
    };
    let ends = text(alert, &["endsAt"]).and_then(|text| time(&text));
    let stated = text(alert, &["status"]).is_some_and(|status| status == "resolved");
    let name = labels.get("alertname").cloned();
    Ok(Draft {
        group: name.clone(),
        resolved: stated || ends.is_some_and(|ends| ends <= now),
        title: first(alert, &[&["annotations", "summary"], &["summary"]]).or(name),
        word: labels.get("severity").cloned(),
        starts: text(alert, &["startsAt"]).and_then(|text| time(&text)),
        annotations: texts(at(alert, &["annotations"])),
        labels,
        fingerprint: Vec::new(),
        ..Draft::default()
    }
    .by_labels()
    .seal(source))
}

impl Draft {
    /// Known by its labels alone: the title may hold a value that changes.
    fn by_labels(mut self) -> Self {
        let parts = self.labels.iter().map(|(name, value)| format!("{name}\u{1f}{value}"));
        self.fingerprint = vec![lineclear_core::Digest::of(parts.collect::<Vec<_>>().join("\u{1e}").as_bytes()).to_string()];
        self
    }
}
