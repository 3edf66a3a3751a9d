//! Argo CD's notifications: a template that sends the application as it is, at the root or under `app`.

use lineclear_core::deployment::{Kind, Progress};

use super::Heard;
use super::draft::Change;
use super::places::{at, first, missing, text};
use super::times::time;
use crate::WebhookError;
use crate::json::Json;

/// The change of a synchronisation.
pub(super) fn read(source: &str, root: &Json) -> Result<Heard, WebhookError> {
    let app = at(root, &["app"]).unwrap_or(root);
    let name = text(app, &["metadata", "name"]).ok_or_else(|| missing("app", "an application with a name"))?;
    let progress = match text(app, &["status", "operationState", "phase"]).as_deref() {
        Some("Succeeded") => Progress::Succeeded,
        Some("Failed" | "Error") => Progress::Failed,
        Some("Running" | "Terminating") => Progress::Started,
        _ => return Ok(Heard::Nothing("the application is not being changed")),
    };
    let revision = first(
        app,
        &[
            &["status", "operationState", "syncResult", "revision"],
            &["status", "operationState", "operation", "sync", "revision"],
            &["status", "sync", "revision"],
        ],
    );
    let began = text(app, &["status", "operationState", "startedAt"]);
    let change = Change {
        fingerprint: [Some(name.clone()), began.clone().or_else(|| revision.clone())].into_iter().flatten().collect(),
        kind: Some(Kind::Deployment),
        title: Some(format!("{name}: {}", text(app, &["status", "operationState", "message"]).unwrap_or_else(|| "synchronisation".into()))),
        service: first(app, &[&["metadata", "labels", "service"], &["metadata", "name"]]),
        environment: text(app, &["spec", "destination", "namespace"]),
        revision,
        author: text(app, &["status", "operationState", "operation", "initiatedBy", "username"]),
        link: text(root, &["link"]),
        progress: Some(progress),
        at: first(app, &[&["status", "operationState", "finishedAt"], &["status", "operationState", "startedAt"]])
            .and_then(|text| time(&text)),
    };
    Ok(Heard::Reports(vec![change.seal(source)]))
}
