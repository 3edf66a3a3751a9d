//! ntfy: published as JSON to the server's root, with a priority by urgency and a link that opens on a tap.

use lineclear_core::delivery::{Receipt, Undelivered};
use lineclear_core::notice::Urgency;
use serde_json::{Value, json};

use super::http::{Http, done};
use super::{Act, Parcel, render};

pub(super) fn body(parcel: &Parcel<'_>, link: &str) -> Value {
    let urgency = parcel.order.notice.urgency;
    let priority = match (&parcel.act, urgency) {
        (Act::Edit { .. }, _) | (Act::Send, Urgency::Low) => 2,
        (Act::Send, Urgency::Normal) => 4,
        (Act::Send, Urgency::High) => 5,
    };
    json!({
        "topic": parcel.place, "title": render::title(parcel), "message": render::text(parcel, link), "priority": priority, "click": link,
    })
}

pub(super) async fn tell(http: &Http, url: &str, token: Option<&str>, parcel: &Parcel<'_>, link: &str) -> Result<Receipt, Undelivered> {
    let request = http.post(url)?.json(&body(parcel, link));
    done(match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    })
    .await?;
    Ok(Receipt::default())
}
