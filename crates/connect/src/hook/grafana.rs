//! Grafana alerting's webhook, which has the members of Alertmanager's; and the one that Grafana sent before version 8.

use lineclear_core::signal::Signal;

use super::draft::Draft;
use super::places::{at, first, list, missing, text, texts};
use crate::WebhookError;
use crate::alertmanager::alerts;
use crate::json::Json;

/// The signals of a body.
pub(super) fn read(source: &str, root: &Json) -> Result<Vec<Signal>, WebhookError> {
    let Json::Object(members) = root else { return Err(missing("alerts", "a list")) };
    if members.contains_key("alerts") {
        return Ok(alerts(members)?.into_iter().map(|signal| Signal { source: source.into(), ..signal }).collect());
    }
    Ok(vec![legacy(source, root)?])
}

/// One rule, in the form before version 8, or as a rule is written down.
fn legacy(source: &str, root: &Json) -> Result<Signal, WebhookError> {
    let title = first(root, &[&["ruleName"], &["title"]]).ok_or_else(|| missing("title", "a text that says something"))?;
    let state = text(root, &["state"]).unwrap_or_default();
    let mut labels = texts(at(root, &["labels"]));
    labels.extend(texts(at(root, &["tags"])));
    let matched = list(root, &["evalMatches"]).iter().filter_map(|one| text(one, &["metric"]));
    let mut draft = Draft {
        fingerprint: [first(root, &[&["ruleId"], &["ruleUid"], &["uid"]]).unwrap_or_else(|| title.clone())].into(),
        group: text(root, &["ruleGroup"]),
        resolved: state == "ok",
        word: labels.get("severity").cloned(),
        title: Some(title),
        annotations: texts(at(root, &["annotations"])),
        labels,
        ..Draft::default()
    };
    draft.note("message", text(root, &["message"]));
    draft.note("link", text(root, &["ruleUrl"]));
    draft.note("metrics", Some(matched.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty()));
    Ok(draft.seal(source))
}
