//! Slack: a message in Block Kit by `chat.postMessage`, edited by `chat.update` once it is overtaken, and the answers that people
//! give by its buttons. Text from elsewhere goes into `plain_text` objects only, in which nothing is a link and nobody is
//! called.

use lineclear_core::ApprovalId;
use lineclear_core::delivery::{Receipt, Undelivered, Why};
use lineclear_core::statement::Decision;
use lineclear_core::text::one_line;
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::{Http, ask, refused};
use super::{Act, Parcel, render};

/// Longest reason that somebody can give in Slack, in characters.
const REASON_MAX: usize = 500;
/// Largest body of an interaction, in bytes: it repeats the whole message.
const BODY_MAX: usize = 256 * 1024;
/// What the buttons are called.
const APPROVE: &str = "lineclear_approve";
const REJECT: &str = "lineclear_reject";
const REASON: &str = "lineclear_reason";

/// Somebody pressed a button that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressed {
    /// The workspace.
    pub team: String,
    /// The member.
    pub user: String,
    /// The request that they answer.
    pub approval: ApprovalId,
    /// What they say.
    pub decision: Decision,
    /// Why.
    pub reason: String,
}

/// Why a body is no interaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no interaction of Slack's")]
pub struct NoInteraction;

fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": false})
}

pub(super) fn message(parcel: &Parcel<'_>, link: &str, answers: bool) -> Value {
    let notice = &parcel.order.notice;
    let title = render::title(parcel);
    let mut blocks = vec![json!({"type": "header", "text": plain(&one_line(&title, 150))})];
    for part in notice.lines.chunks(10) {
        let fields: Vec<Value> = part.iter().map(|line| plain(&format!("{}: {}", line.label, line.text))).collect();
        blocks.push(json!({"type": "section", "fields": fields}));
    }
    if let Some(words) = &notice.check_words {
        blocks.push(json!({"type": "context", "elements": [plain(&format!("Check words: {words}"))]}));
    }
    let look = json!({"type": "button", "action_id": "lineclear_open", "text": plain(render::open(notice)), "url": link});
    match (&parcel.act, notice.answer.filter(|_| answers)) {
        (Act::Send, Some(approval)) => {
            let reason = json!({"type": "plain_text_input", "action_id": REASON, "max_length": REASON_MAX});
            blocks.push(json!({
                "type": "input", "block_id": REASON, "optional": true, "label": plain("Why (needed to reject)"), "element": reason,
            }));
            let sure = json!({
                "title": plain("Approve?"), "text": plain(&one_line(&notice.title, 100)), "confirm": plain("Approve"), "deny": plain("No"),
            });
            let approve = json!({
                "type": "button", "action_id": APPROVE, "text": plain("Approve"), "value": approval, "confirm": sure,
            });
            let reject = json!({"type": "button", "action_id": REJECT, "text": plain("Reject"), "value": approval});
            blocks.push(json!({"type": "actions", "elements": [look, approve, reject]}));
        }
        (Act::Send, None) => blocks.push(json!({"type": "actions", "elements": [look]})),
        (Act::Edit { .. }, _) => blocks.push(json!({"type": "context", "elements": [plain("There is nothing left to answer here.")]})),
    }
    json!({
        "text": escaped(&title), "blocks": blocks, "unfurl_links": false, "unfurl_media": false,
        "metadata": {"event_type": "lineclear_notice", "event_payload": {"delivery": parcel.order.id}},
    })
}

/// The fallback text is read as mrkdwn: the three characters that begin its control sequences are written as entities.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[derive(Deserialize)]
struct Said {
    ok: bool,
    error: Option<String>,
    channel: Option<String>,
    ts: Option<String>,
}

pub(super) async fn tell(
    http: &Http,
    api: &str,
    token: &str,
    parcel: &Parcel<'_>,
    link: &str,
    answers: bool,
) -> Result<Receipt, Undelivered> {
    let mut body = message(parcel, link, answers);
    let (method, channel, ts) = match &parcel.act {
        Act::Send => ("chat.postMessage", parcel.place.to_owned(), None),
        Act::Edit { receipt, .. } => match receipt.handle.as_deref().and_then(|handle| handle.split_once(':')) {
            Some((channel, ts)) => ("chat.update", channel.to_owned(), Some(ts.to_owned())),
            // Slack gave nothing to find it by.
            None => return Ok(Receipt::default()),
        },
    };
    if let Some(members) = body.as_object_mut() {
        members.insert("channel".into(), channel.into());
        members.extend(ts.map(|ts| ("ts".to_owned(), ts.into())));
    }
    let answer = ask(http.post(&format!("{api}/{method}"))?.bearer_auth(token).json(&body)).await?;
    if !answer.status.is_success() {
        return Err(refused(&answer));
    }
    let said: Said = serde_json::from_slice(&answer.body).map_err(|_| Undelivered::new(Why::Busy, "its answer is not Slack's"))?;
    if said.ok {
        return Ok(Receipt { handle: said.channel.zip(said.ts).map(|(channel, ts)| format!("{channel}:{ts}")) });
    }
    judge(said.error.as_deref().unwrap_or(""))
}

/// What Slack's error means: a few pass, a message that is gone needs no edit, and the rest does not get better by itself.
fn judge(error: &str) -> Result<Receipt, Undelivered> {
    let word: String = error.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').take(40).collect();
    match word.as_str() {
        "message_not_found" => Ok(Receipt::default()),
        "ratelimited" | "rate_limited" | "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
            Err(Undelivered::new(Why::Busy, &format!("Slack says `{word}`")))
        }
        _ => Err(Undelivered::new(Why::Refused, &format!("Slack says `{word}`"))),
    }
}

#[derive(Deserialize)]
struct Interaction {
    #[serde(rename = "type")]
    kind: String,
    team: Option<Named>,
    user: Named,
    #[serde(default)]
    actions: Vec<Action>,
    #[serde(default)]
    state: State,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Action {
    action_id: String,
    value: Option<String>,
}

#[derive(Deserialize, Default)]
struct State {
    #[serde(default)]
    values: Value,
}

/// Reads an interaction whose signature holds. None for a press of a button that only opens a page.
///
/// # Errors
/// When it is none, or too large.
pub fn pressed(body: &[u8]) -> Result<Option<Pressed>, NoInteraction> {
    if body.len() > BODY_MAX {
        return Err(NoInteraction);
    }
    let body = std::str::from_utf8(body).map_err(|_| NoInteraction)?;
    // The body is a form of one member; a query is written alike (WHATWG URL §5.1).
    let form = reqwest::Url::parse(&format!("http://form/?{body}")).map_err(|_| NoInteraction)?;
    let payload = form.query_pairs().find(|(name, _)| name == "payload").map(|(_, value)| value.into_owned()).ok_or(NoInteraction)?;
    let it: Interaction = serde_json::from_str(&payload).map_err(|_| NoInteraction)?;
    if it.kind != "block_actions" {
        return Ok(None);
    }
    let Some((action, decision)) = it.actions.iter().find_map(|action| match action.action_id.as_str() {
        APPROVE => Some((action, Decision::Approve)),
        REJECT => Some((action, Decision::Reject)),
        _ => None,
    }) else {
        return Ok(None);
    };
    let approval = action.value.as_deref().and_then(|value| value.parse().ok()).ok_or(NoInteraction)?;
    let reason = it.state.values.pointer(&format!("/{REASON}/{REASON}/value")).and_then(Value::as_str).unwrap_or("");
    let reason = one_line(reason.trim(), REASON_MAX);
    Ok(Some(Pressed { team: it.team.map(|team| team.id).unwrap_or_default(), user: it.user.id, approval, decision, reason }))
}
