//! Any receiver that speaks Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp`, `webhook-signature` and a JSON body of
//! `type`, `timestamp` and `data`. The id stays the same over every try, so that a receiver knows a repetition.

use lineclear_core::delivery::{Receipt, Undelivered, Why};
use serde_json::{Value, json};

use super::http::{Http, done};
use super::{Act, Parcel};
use crate::proof::standard_signature;

pub(super) fn body(parcel: &Parcel<'_>, link: &str) -> Value {
    let notice = &parcel.order.notice;
    let lines: Vec<Value> = notice.lines.iter().map(|line| json!({"label": line.label, "text": line.text})).collect();
    let (kind, settled) = match &parcel.act {
        Act::Send => (format!("notice.{}", notice.kind), Value::Null),
        Act::Edit { settlement, by, .. } => ("notice.settled".to_owned(), json!({"how": settlement.how, "by": by})),
    };
    json!({
        "type": kind,
        "timestamp": parcel.queued,
        "data": {
            "delivery": parcel.order.id, "kind": notice.kind, "about": notice.about, "title": notice.title, "lines": lines,
            "urgency": notice.urgency, "until": notice.until, "check_words": notice.check_words, "link": link, "settled": settled,
        },
    })
}

/// The id of a message: that of its delivery, and for what became of it with the word for it.
pub(super) fn id(parcel: &Parcel<'_>) -> String {
    match &parcel.act {
        Act::Send => parcel.order.id.to_string(),
        Act::Edit { settlement, .. } => format!("{}_{}", parcel.order.id, settlement.how.word()),
    }
}

pub(super) async fn tell(http: &Http, url: &str, secret: &str, parcel: &Parcel<'_>, link: &str) -> Result<Receipt, Undelivered> {
    let text = body(parcel, link).to_string();
    let (id, stamp) = (id(parcel), (parcel.now.as_micros() / 1_000_000).to_string());
    let signature = standard_signature(secret.as_bytes(), &id, &stamp, text.as_bytes())
        .map_err(|_| Undelivered::new(Why::NoSecret, "its secret is no key"))?;
    let request = http.post(url)?.header("content-type", "application/json").header("webhook-id", id);
    done(request.header("webhook-timestamp", stamp).header("webhook-signature", signature).body(text)).await?;
    Ok(Receipt::default())
}
