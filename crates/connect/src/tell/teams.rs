//! Teams: an Adaptive Card through the webhook of a Power Automate workflow ("post to a channel when a webhook request is
//! received"). Such a card cannot be edited from here, so what became of it is a card of its own.

use lineclear_core::delivery::{Receipt, Undelivered};
use serde_json::{Value, json};

use super::http::{Http, done};
use super::{Act, Parcel, render};

pub(super) fn card(parcel: &Parcel<'_>, link: &str) -> Value {
    let notice = &parcel.order.notice;
    let heading = json!({"type": "TextBlock", "text": plain(&render::title(parcel)), "weight": "Bolder", "size": "Medium", "wrap": true});
    let mut body = vec![heading];
    if let Act::Send = parcel.act {
        let mut facts: Vec<Value> =
            notice.lines.iter().map(|line| json!({"title": plain(&line.label), "value": plain(&line.text)})).collect();
        facts.extend(notice.check_words.iter().map(|words| json!({"title": "Check words", "value": words})));
        if !facts.is_empty() {
            body.push(json!({"type": "FactSet", "facts": facts}));
        }
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
                "body": body,
                "actions": [{"type": "Action.OpenUrl", "title": render::open(notice), "url": link}],
            },
        }],
    })
}

/// Cards read a part of Markdown, in which text from elsewhere could be a link: what begins one is taken out of its meaning.
fn plain(text: &str) -> String {
    text.chars().flat_map(|c| if matches!(c, '[' | ']' | '*' | '_' | '`' | '#' | '\\') { vec!['\\', c] } else { vec![c] }).collect()
}

pub(super) async fn tell(http: &Http, url: &str, parcel: &Parcel<'_>, link: &str) -> Result<Receipt, Undelivered> {
    done(http.post(url)?.json(&card(parcel, link))).await?;
    Ok(Receipt::default())
}
