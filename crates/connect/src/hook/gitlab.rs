//! GitLab: deployments, releases, and pushes to the default branch.

use lineclear_core::deployment::{Kind, Progress};

use super::Heard;
use super::draft::Change;
use super::places::{first, list, missing, need, text};
use super::times::time;
use crate::WebhookError;
use crate::json::Json;

/// The change of a delivery.
pub(super) fn read(source: &str, root: &Json) -> Result<Heard, WebhookError> {
    let change = match need(root, "object_kind")?.as_str() {
        "deployment" => deployment(root)?,
        "release" => match text(root, &["action"]).as_deref() {
            Some("create") => release(root)?,
            _ => return Ok(Heard::Nothing("this happening of a release changes nothing")),
        },
        "push" => match push(root)? {
            Some(change) => change,
            None => return Ok(Heard::Nothing("a push to another branch than the default one")),
        },
        _ => return Ok(Heard::Nothing("this event is not read")),
    };
    Ok(Heard::Reports(vec![change.seal(source)]))
}

fn project(root: &Json) -> Option<String> {
    let path = text(root, &["project", "path_with_namespace"]);
    path.and_then(|path| path.rsplit('/').next().map(str::to_owned)).or_else(|| text(root, &["project", "name"]))
}

fn deployment(root: &Json) -> Result<Change, WebhookError> {
    let status = need(root, "status")?;
    let progress = match status.as_str() {
        "success" => Progress::Succeeded,
        "failed" | "canceled" | "skipped" => Progress::Failed,
        _ => Progress::Started,
    };
    let (environment, title) = (text(root, &["environment"]), text(root, &["commit_title"]));
    Ok(Change {
        fingerprint: vec!["deployment".into(), need(root, "deployment_id")?],
        kind: Some(Kind::Deployment),
        title: Some(format!("{}: {}", project(root).unwrap_or_default(), title.or_else(|| environment.clone()).unwrap_or_default())),
        service: project(root),
        environment,
        revision: first(root, &[&["short_sha"], &["sha"]]),
        author: first(root, &[&["user", "username"], &["user", "name"]]),
        link: text(root, &["deployable_url"]),
        progress: Some(progress),
        at: text(root, &["status_changed_at"]).and_then(|text| time(&text)),
    })
}

fn release(root: &Json) -> Result<Change, WebhookError> {
    let tag = need(root, "tag")?;
    Ok(Change {
        fingerprint: vec!["release".into(), text(root, &["id"]).unwrap_or_default(), tag.clone()],
        kind: Some(Kind::Release),
        title: Some(format!("{} {}", project(root).unwrap_or_default(), text(root, &["name"]).unwrap_or_else(|| tag.clone()))),
        service: project(root),
        revision: Some(tag),
        link: text(root, &["url"]),
        progress: Some(Progress::Succeeded),
        at: first(root, &[&["released_at"], &["created_at"]]).and_then(|text| time(&text)),
        ..Change::default()
    })
}

fn push(root: &Json) -> Result<Option<Change>, WebhookError> {
    let (Some(branch), Some(after)) = (text(root, &["ref"]), text(root, &["after"])) else {
        return Err(missing("ref", "a branch, and the commit after it"));
    };
    let default = text(root, &["project", "default_branch"]).map(|name| format!("refs/heads/{name}"));
    if default.as_deref() != Some(branch.as_str()) {
        return Ok(None);
    }
    let newest = list(root, &["commits"]).last();
    let title = newest.and_then(|commit| first(commit, &[&["title"], &["message"]]));
    Ok(Some(Change {
        fingerprint: vec!["push".into(), after.clone()],
        kind: Some(Kind::Merge),
        title: Some(format!("{}: {}", project(root).unwrap_or_default(), title.unwrap_or_default().lines().next().unwrap_or_default())),
        service: project(root),
        revision: Some(after),
        author: first(root, &[&["user_username"], &["user_name"]]),
        link: newest.and_then(|commit| text(commit, &["url"])),
        progress: Some(Progress::Succeeded),
        at: newest.and_then(|commit| text(commit, &["timestamp"])).and_then(|text| time(&text)),
        environment: None,
    }))
}
