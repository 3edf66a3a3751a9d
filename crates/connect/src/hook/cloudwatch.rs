//! `CloudWatch` alarms: in SNS' envelope, delivered raw, or as an event of `EventBridge`. A topic that asks to be confirmed is
//! never called back from here.

use lineclear_core::incident::Severity;

use super::Heard;
use super::draft::Draft;
use super::places::{at, first, list, missing, need, text};
use super::times::time;
use crate::WebhookError;
use crate::alertmanager::document;
use crate::json::Json;

/// The signal of a body, or the topic that asks.
pub(super) fn read(source: &str, root: &Json) -> Result<Heard, WebhookError> {
    match text(root, &["Type"]).as_deref() {
        Some("Notification") => {
            let message = need(root, "Message")?;
            match document(message.as_bytes()) {
                Ok(inner) => alarm(source, &inner, text(root, &["TopicArn"])),
                Err(_) => Ok(Heard::Nothing("the topic's message is no alarm")),
            }
        }
        Some("SubscriptionConfirmation") => Ok(Heard::Confirm { topic: need(root, "TopicArn")?, url: need(root, "SubscribeURL")? }),
        Some("UnsubscribeConfirmation") => Ok(Heard::Nothing("the topic no longer sends")),
        Some(_) => Err(missing("Type", "`Notification`, `SubscriptionConfirmation` or `UnsubscribeConfirmation`")),
        None => match at(root, &["Message"]) {
            Some(Json::Text(message)) => alarm(source, &document(message.as_bytes())?, text(root, &["TopicArn"])),
            Some(inner @ Json::Object(_)) => alarm(source, inner, text(root, &["TopicArn"])),
            _ => alarm(source, root, None),
        },
    }
}

/// Whether an address is one of SNS itself, by `https`: the only ones that could be opened for a confirmation.
pub fn is_sns(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    let Some(region) =
        host.strip_prefix("sns.").and_then(|rest| rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn")))
    else {
        return false;
    };
    !region.is_empty() && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn alarm(source: &str, it: &Json, topic: Option<String>) -> Result<Heard, WebhookError> {
    let event = at(it, &["detail", "alarmName"]).is_some();
    let name = first(it, &[&["AlarmName"], &["detail", "alarmName"]]);
    let Some(name) = name else { return Ok(Heard::Nothing("the message is no alarm")) };
    let state = first(it, &[&["NewStateValue"], &["detail", "state", "value"]]).unwrap_or_else(|| "ALARM".into());
    let resolved = match state.as_str() {
        "ALARM" => false,
        "OK" => true,
        // Without data nothing has got better, and nothing is known to be worse.
        "INSUFFICIENT_DATA" => return Ok(Heard::Nothing("an alarm without data is no news")),
        _ => return Err(missing("NewStateValue", "`ALARM`, `OK` or `INSUFFICIENT_DATA`")),
    };
    let word = first(it, &[&["Priority"], &["Severity"], &["severity"]]);
    let arn = text(it, &["AlarmArn"]).or_else(|| list(it, &["resources"]).first().and_then(super::places::scalar));
    let mut draft = Draft {
        fingerprint: arn.map_or_else(
            || {
                vec![
                    first(it, &[&["AWSAccountId"], &["account"]]).unwrap_or_default(),
                    text(it, &["Region"]).unwrap_or_default(),
                    name.clone(),
                ]
            },
            |arn| vec![arn],
        ),
        resolved,
        title: Some(name.clone()),
        severity: word.as_deref().map(Severity::stated),
        word,
        service: first(it, &[&["Application"], &["application"]]),
        starts: first(it, &[&["StateChangeTime"], &["detail", "state", "timestamp"], &["time"]]).and_then(|text| time(&text)),
        ..Draft::default()
    };
    dimensions(it, event, &mut draft);
    draft.label("alarm", Some(name));
    draft.label("namespace", first(it, &[&["Trigger", "Namespace"], &["Namespace"]]));
    draft.label("metric", first(it, &[&["Trigger", "MetricName"], &["MetricName"]]));
    draft.label("region", first(it, &[&["Region"], &["region"]]));
    draft.label("account", first(it, &[&["AWSAccountId"], &["account"]]));
    draft.label("topic", topic);
    draft.note("description", first(it, &[&["AlarmDescription"], &["detail", "configuration", "description"]]));
    draft.note("reason", first(it, &[&["NewStateReason"], &["detail", "state", "reason"]]));
    Ok(Heard::Signals(vec![draft.seal(source)]))
}

/// Dimensions as labels, in lower case: `DBInstanceIdentifier` names a database, `ServiceName` a service.
fn dimensions(it: &Json, event: bool, draft: &mut Draft) {
    let given: Vec<(String, String)> = if event {
        let metrics = list(it, &["detail", "configuration", "metrics"]);
        let of = metrics.iter().filter_map(|metric| at(metric, &["metricStat", "metric", "dimensions"]));
        of.flat_map(|members| super::places::texts(Some(members))).collect()
    } else {
        let of = list(it, &["Trigger", "Dimensions"]).iter();
        of.filter_map(|one| Some((first(one, &[&["name"], &["Name"]])?, first(one, &[&["value"], &["Value"]])?))).collect()
    };
    for (name, value) in given {
        if name == "ServiceName" {
            draft.service.get_or_insert_with(|| value.clone());
        }
        draft.label(&name.to_lowercase(), Some(value));
    }
}
