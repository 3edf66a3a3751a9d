//! Checkly's webhook. Its body is a template: these are the variables that Checkly's own template names.

use lineclear_core::incident::Severity;

use super::Heard;
use super::draft::Draft;
use super::places::{first, missing, need, text};
use super::times::time;
use crate::WebhookError;
use crate::json::Json;

/// The signal of one alert.
pub(super) fn read(source: &str, root: &Json) -> Result<Heard, WebhookError> {
    let kind = first(root, &[&["alert_type"], &["ALERT_TYPE"]]).ok_or_else(|| missing("alert_type", "a text that says something"))?;
    let (resolved, severity) = match kind.as_str() {
        "ALERT_FAILURE" | "ALERT_DEGRADED_FAILURE" | "ALERT_FAILURE_REMAIN" => (false, Some(2)),
        "ALERT_DEGRADED" | "ALERT_DEGRADED_REMAIN" | "ALERT_FAILURE_DEGRADED" | "ALERT_SSL" => (false, Some(4)),
        "ALERT_RECOVERY" | "ALERT_DEGRADED_RECOVERY" => (true, None),
        "NO_ALERT" => return Ok(Heard::Nothing("it says itself that it is no alert")),
        _ => (false, None),
    };
    let name = text(root, &["check_name"]);
    let ssl = kind == "ALERT_SSL";
    let mut draft = Draft {
        // A certificate that runs out is another thing than a check that fails.
        fingerprint: [Some(need(root, "check_id")?), ssl.then(|| "ssl".to_owned())].into_iter().flatten().collect(),
        group: text(root, &["check_id"]),
        resolved,
        title: first(root, &[&["event"], &["alert_title"]]).or_else(|| name.clone()),
        severity: severity.and_then(|number| Severity::try_from(number).ok()),
        word: Some(kind),
        service: first(root, &[&["group_name"], &["check_name"]]),
        starts: text(root, &["started_at"]).and_then(|text| time(&text)),
        ..Draft::default()
    };
    draft.label("check", name);
    draft.label("check_type", text(root, &["check_type"]));
    draft.label("location", text(root, &["run_location"]));
    draft.label("domain", text(root, &["ssl_check_domain"]));
    for tag in text(root, &["tags"]).unwrap_or_default().split(',') {
        if let Some((name, value)) = tag.trim().split_once(':') {
            draft.label(name, Some(value.to_owned()));
        }
    }
    draft.note("error", text(root, &["check_error_message"]));
    draft.note("days_left", text(root, &["ssl_days_remaining"]));
    draft.note("link", text(root, &["link"]));
    Ok(Heard::Signals(vec![draft.seal(source)]))
}
