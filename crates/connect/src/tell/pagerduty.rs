//! `PagerDuty`'s Events API v2: a notice triggers an alert, and what became of it acknowledges or resolves it. The dedup key is
//! what the notice is about, so reminders join the alert that they belong to.

use lineclear_core::delivery::{Receipt, Undelivered};
use serde_json::{Map, Value, json};

use super::http::{Http, done};
use super::render::{self, severity};
use super::{Act, Parcel};

/// Most characters of a summary that `PagerDuty` keeps.
const SUMMARY_MAX: usize = 1_024;

pub(super) fn event(key: &str, parcel: &Parcel<'_>, link: &str) -> Value {
    let notice = &parcel.order.notice;
    let about = notice.about.to_string();
    // What nothing can become of is an alert of its own.
    let dedup = if notice.may_be_overtaken() { about } else { parcel.order.id.to_string() };
    match &parcel.act {
        Act::Edit { settlement, .. } => {
            let action = if settlement.how.last() { "resolve" } else { "acknowledge" };
            json!({"routing_key": key, "event_action": action, "dedup_key": dedup})
        }
        Act::Send => {
            let details: Map<String, Value> = notice.lines.iter().map(|line| (line.label.clone(), line.text.clone().into())).collect();
            let summary: String = notice.title.chars().take(SUMMARY_MAX).collect();
            json!({
                "routing_key": key, "event_action": "trigger", "dedup_key": dedup,
                "payload": {
                    "summary": summary, "source": "lineclear", "severity": severity(notice.urgency), "timestamp": parcel.queued,
                    "class": notice.kind, "custom_details": details,
                },
                "links": [{"href": link, "text": render::open(notice)}],
                "client": "Lineclear", "client_url": link,
            })
        }
    }
}

pub(super) async fn tell(http: &Http, url: &str, key: &str, parcel: &Parcel<'_>, link: &str) -> Result<Receipt, Undelivered> {
    done(http.post(url)?.json(&event(key, parcel, link))).await?;
    Ok(Receipt::default())
}
