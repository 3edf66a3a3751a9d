//! A deployment or change in this product's own few members, for whoever writes the sender themselves. A member that is not
//! known is a mistake here: nobody else defines the format.

use lineclear_core::deployment::{Kind, Progress};

use super::Heard;
use super::draft::Change;
use super::places::{missing, need, object, text};
use super::times::time;
use crate::WebhookError;
use crate::alertmanager::expected;
use crate::json::{Json, Place};

/// Every member.
const MEMBERS: &[&str] = &["id", "kind", "title", "service", "environment", "revision", "author", "link", "state", "at"];

/// The change of one report.
pub(super) fn read(source: &str, root: &Json) -> Result<Heard, WebhookError> {
    let members = object(root, &Place::Root)?;
    if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(expected(&Place::Member(&Place::Root, name), "no member of this name"));
    }
    let kind = match text(root, &["kind"]).as_deref() {
        None | Some("deployment") => Kind::Deployment,
        Some("release") => Kind::Release,
        Some("merge") => Kind::Merge,
        Some("other") => Kind::Other,
        Some(_) => return Err(missing("kind", "`deployment`, `release`, `merge` or `other`")),
    };
    let progress = match need(root, "state")?.as_str() {
        "started" => Progress::Started,
        "succeeded" => Progress::Succeeded,
        "failed" => Progress::Failed,
        _ => return Err(missing("state", "`started`, `succeeded` or `failed`")),
    };
    let at = match text(root, &["at"]) {
        Some(given) => Some(time(&given).ok_or_else(|| missing("at", "an RFC 3339 time"))?),
        None => None,
    };
    let change = Change {
        fingerprint: vec![need(root, "id")?],
        kind: Some(kind),
        title: Some(need(root, "title")?),
        service: text(root, &["service"]),
        environment: text(root, &["environment"]),
        revision: text(root, &["revision"]),
        author: text(root, &["author"]),
        link: text(root, &["link"]),
        progress: Some(progress),
        at,
    };
    Ok(Heard::Reports(vec![change.seal(source)]))
}
