//! `NetBox`' event rules: what somebody changed in the inventory.

use lineclear_core::deployment::{Kind, Progress};

use super::Heard;
use super::draft::Change;
use super::places::{first, need, text};
use super::times::time;
use crate::WebhookError;
use crate::json::Json;

/// The change of one event.
pub(super) fn read(source: &str, root: &Json) -> Result<Heard, WebhookError> {
    let (event, model) = (need(root, "event")?, need(root, "model")?);
    let name = first(root, &[&["data", "name"], &["data", "display"]]);
    let author = text(root, &["username"]);
    let title =
        format!("{model} {} was {event} by {}", name.clone().unwrap_or_default(), author.clone().unwrap_or_else(|| "somebody".into()));
    let change = Change {
        fingerprint: vec![text(root, &["request_id"]).unwrap_or_default(), model, text(root, &["data", "id"]).unwrap_or_default()],
        kind: Some(Kind::Other),
        title: Some(title),
        service: name,
        author,
        progress: Some(Progress::Succeeded),
        at: text(root, &["timestamp"]).and_then(|text| time(&text)),
        ..Change::default()
    };
    Ok(Heard::Reports(vec![change.seal(source)]))
}
