//! GitHub: deployments with their statuses, releases, and pushes to the default branch.

use lineclear_core::deployment::{Kind, Progress};

use super::draft::Change;
use super::places::{at, first, missing, text};
use super::times::time;
use super::{Headers, Heard};
use crate::WebhookError;
use crate::json::Json;

/// The change of a delivery.
pub(super) fn read(source: &str, headers: Headers<'_>, root: &Json) -> Result<Heard, WebhookError> {
    let change = match headers.get("x-github-event") {
        Some("deployment" | "deployment_status") => deployment(root)?,
        Some("release") => match text(root, &["action"]).as_deref() {
            Some("published" | "released") => release(root)?,
            _ => return Ok(Heard::Nothing("this happening of a release changes nothing")),
        },
        Some("push") => match push(root)? {
            Some(change) => change,
            None => return Ok(Heard::Nothing("a push to another branch than the default one")),
        },
        Some("ping") => return Ok(Heard::Nothing("a ping")),
        Some(_) => return Ok(Heard::Nothing("this event is not read")),
        None => return Err(missing("X-GitHub-Event", "this header")),
    };
    Ok(Heard::Reports(vec![change.seal(source)]))
}

fn repository(root: &Json) -> Option<String> {
    text(root, &["repository", "name"])
}

fn deployment(root: &Json) -> Result<Change, WebhookError> {
    let it = at(root, &["deployment"]).ok_or_else(|| missing("deployment", "an object"))?;
    let id = text(it, &["id"]).ok_or_else(|| missing("deployment", "an id"))?;
    let state = text(root, &["deployment_status", "state"]);
    let progress = match state.as_deref() {
        Some("success" | "inactive") => Progress::Succeeded,
        Some("failure" | "error") => Progress::Failed,
        Some(_) | None => Progress::Started,
    };
    let environment = text(it, &["environment"]);
    let title = text(it, &["description"]).unwrap_or_else(|| {
        format!("{} to {}", first(it, &[&["ref"], &["sha"]]).unwrap_or_default(), environment.clone().unwrap_or_default())
    });
    Ok(Change {
        fingerprint: vec!["deployment".into(), id],
        kind: Some(Kind::Deployment),
        title: Some(format!("{}: {title}", repository(root).unwrap_or_default())),
        service: repository(root),
        environment,
        revision: text(it, &["sha"]),
        author: first(it, &[&["creator", "login"]]),
        link: first(root, &[&["deployment_status", "target_url"], &["deployment_status", "environment_url"], &["repository", "html_url"]]),
        progress: Some(progress),
        at: first(root, &[&["deployment_status", "created_at"], &["deployment", "created_at"]]).and_then(|text| time(&text)),
    })
}

fn release(root: &Json) -> Result<Change, WebhookError> {
    let it = at(root, &["release"]).ok_or_else(|| missing("release", "an object"))?;
    let tag = text(it, &["tag_name"]).ok_or_else(|| missing("release", "a tag"))?;
    Ok(Change {
        fingerprint: vec!["release".into(), text(it, &["id"]).unwrap_or_else(|| tag.clone())],
        kind: Some(Kind::Release),
        title: Some(format!("{} {}", repository(root).unwrap_or_default(), text(it, &["name"]).unwrap_or_else(|| tag.clone()))),
        service: repository(root),
        revision: Some(tag),
        author: text(it, &["author", "login"]),
        link: text(it, &["html_url"]),
        progress: Some(Progress::Succeeded),
        at: text(it, &["published_at"]).and_then(|text| time(&text)),
        environment: None,
    })
}

fn push(root: &Json) -> Result<Option<Change>, WebhookError> {
    let (branch, after) = (text(root, &["ref"]), text(root, &["after"]));
    let (Some(branch), Some(after)) = (branch, after) else { return Err(missing("ref", "a branch, and the commit after it")) };
    let default = text(root, &["repository", "default_branch"]).map(|name| format!("refs/heads/{name}"));
    if default.as_deref() != Some(branch.as_str()) || at(root, &["deleted"]) == Some(&Json::Flag(true)) {
        return Ok(None);
    }
    let message = text(root, &["head_commit", "message"]).unwrap_or_default();
    Ok(Some(Change {
        fingerprint: vec!["push".into(), after.clone()],
        kind: Some(Kind::Merge),
        title: Some(format!("{}: {}", repository(root).unwrap_or_default(), message.lines().next().unwrap_or_default())),
        service: repository(root),
        revision: Some(after),
        author: first(root, &[&["sender", "login"], &["pusher", "name"]]),
        link: text(root, &["compare"]),
        progress: Some(Progress::Succeeded),
        at: text(root, &["head_commit", "timestamp"]).and_then(|text| time(&text)),
        environment: None,
    }))
}
