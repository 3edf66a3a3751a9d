//! What each channel is given, word for word, and how answers of receivers are understood.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use lineclear_core::delivery::{How, Order, Receipt, Settlement, Why};
use lineclear_core::notice::{Carrier, Channel, Kind, Notice, Recipient, Urgency};
use lineclear_core::record::Stream;
use lineclear_core::signal::SecretName;
use lineclear_core::statement::Decision;
use lineclear_core::{ApprovalId, Timestamp};
use serde_json::{Value, json};

use super::{Act, Parcel, Teller, mail, ntfy, pagerduty, slack, teams, webhook};

const LINK: &str = "https://lineclear.example.test/changes/change_1";

fn approval() -> ApprovalId {
    "approval_00000000000000000000000000000007".parse().unwrap()
}

fn order(answer: bool) -> Order {
    let notice =
        Notice::new(Kind::Asked, Stream::Approval(approval()), "event_1", "Approve? <!channel> [x](http://evil.test)", "/changes/change_1")
            .line("Risk", "high, cannot be taken back")
            .line("Worst case", "*all* of <shop>")
            .urgency(Urgency::High)
            .check_words("lusab-babad-gutih-tugad".into());
    let notice = if answer { notice.answer(approval()) } else { notice };
    Order::new(notice, "chat".parse().unwrap(), Recipient::Room)
}

fn channel(carrier: Carrier) -> Channel {
    Channel { carrier, room: None, kinds: BTreeSet::new(), least: Urgency::Low }
}

fn secret(name: &str) -> SecretName {
    SecretName::File(name.into())
}

fn settled(how: How) -> Settlement {
    Settlement { how, by: None }
}

struct Given {
    order: Order,
    channel: Channel,
    place: String,
    settlement: Settlement,
    receipt: Receipt,
}

impl Given {
    fn new(carrier: Carrier, place: &str) -> Self {
        let receipt = Receipt { handle: Some("C1:17.5".into()) };
        Self { order: order(true), channel: channel(carrier), place: place.into(), settlement: settled(How::Rejected), receipt }
    }

    fn parcel(&self, edit: bool) -> Parcel<'_> {
        let act = if edit { Act::Edit { receipt: &self.receipt, settlement: &self.settlement, by: Some("alice") } } else { Act::Send };
        let queued = Timestamp::from_micros(1_795_000_000_000_000);
        Parcel { order: &self.order, queued, channel: &self.channel, place: &self.place, act, now: queued }
    }
}

fn teams_given() -> Given {
    Given::new(Carrier::Teams { url: secret("teams") }, "")
}

#[test]
fn slack_text_calls_nobody_and_buttons_answer_only_where_that_counts() {
    let given = teams_given();
    let sent = slack::message(&given.parcel(false), LINK, true);
    assert_eq!(sent["text"], "Approve? &lt;!channel&gt; [x](http://evil.test)");
    let all = sent["blocks"].to_string();
    assert!(all.contains("lineclear_approve") && all.contains("lineclear_reject") && all.contains("Check words: lusab-babad-gutih-tugad"));
    assert!(!all.contains("mrkdwn"), "text of others is never read as markup");
    let opens = slack::message(&given.parcel(false), LINK, false)["blocks"].to_string();
    assert!(!opens.contains("lineclear_approve") && opens.contains(LINK));
    let edited = slack::message(&given.parcel(true), LINK, true);
    assert_eq!(edited["blocks"][0]["text"]["text"], "Rejected by alice: Approve? <!channel> [x](http://evil.test)");
    assert!(!edited.to_string().contains("lineclear_approve"), "nobody acts on a stale one");
}

fn interaction(action: &str, value: &str, reason: &Value) -> Vec<u8> {
    let payload = json!({
        "type": "block_actions", "team": {"id": "T1"}, "user": {"id": "U1", "name": "mallory"},
        "actions": [{"action_id": action, "value": value}],
        "state": {"values": {"lineclear_reason": {"lineclear_reason": {"type": "plain_text_input", "value": reason}}}},
    });
    let mut url = reqwest::Url::parse("http://x/").unwrap();
    url.query_pairs_mut().append_pair("payload", &payload.to_string());
    url.query().unwrap().as_bytes().to_vec()
}

#[test]
fn a_pressed_button_names_who_and_which_request_and_nothing_else_counts() {
    let id = approval().to_string();
    let pressed = slack::pressed(&interaction("lineclear_reject", &id, &json!("not\nnow "))).unwrap().unwrap();
    assert_eq!((pressed.team.as_str(), pressed.user.as_str(), pressed.approval), ("T1", "U1", approval()));
    assert_eq!((pressed.decision, pressed.reason.as_str()), (Decision::Reject, "not now"));
    let approves = slack::pressed(&interaction("lineclear_approve", &id, &Value::Null)).unwrap().unwrap();
    assert_eq!((approves.decision, approves.reason.as_str()), (Decision::Approve, ""));
    assert_eq!(slack::pressed(&interaction("lineclear_open", &id, &Value::Null)), Ok(None));
    assert!(slack::pressed(&interaction("lineclear_approve", "change_1", &Value::Null)).is_err());
    for bad in [&b""[..], b"payload=", b"payload=%7B%7D", b"\xff", "a".repeat(300_000).as_bytes()] {
        assert!(slack::pressed(bad).is_err());
    }
}

#[test]
fn a_card_for_teams_opens_a_page_and_reads_no_markup_from_others() {
    let given = teams_given();
    let card = teams::card(&given.parcel(false), LINK);
    let content = &card["attachments"][0]["content"];
    assert_eq!(card["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(content["body"][0]["text"], "Approve? <!channel> \\[x\\](http://evil.test)");
    assert_eq!(content["actions"], json!([{"type": "Action.OpenUrl", "title": "Look and answer", "url": LINK}]));
    assert_eq!(teams::card(&given.parcel(true), LINK)["attachments"][0]["content"]["body"].as_array().unwrap().len(), 1);
}

#[test]
fn a_mail_is_known_again_stays_in_its_thread_and_holds_no_second_header() {
    let mut given = Given::new(Carrier::Teams { url: secret("x") }, "alice@example.test");
    let text = |given: &Given, edit| {
        String::from_utf8(mail::message("lineclear@example.test", &given.parcel(edit), LINK).unwrap().formatted()).unwrap()
    };
    let sent = text(&given, false);
    assert_eq!(sent, text(&given, false), "a repetition is the same message");
    assert!(sent.contains(&format!("Message-ID: <{}@example.test>", given.order.id)), "{sent}");
    assert!(sent.contains(&format!("References: <{}@example.test>", approval())), "{sent}");
    assert!(sent.contains("Auto-Submitted: auto-generated\r\n") && sent.contains("Importance: high\r\n"), "{sent}");
    assert!(sent.contains(LINK), "{sent}");
    let edited = text(&given, true);
    assert!(edited.contains(&format!("<{}_rejected@example.test>", given.order.id)), "{edited}");
    given.order.notice.title = "a\r\nBcc: mallory@evil.test".into();
    assert!(!text(&given, false).lines().any(|line| line.starts_with("Bcc:")));
    given.place = "alice@example.test, mallory@evil.test".into();
    assert!(mail::message("lineclear@example.test", &given.parcel(false), LINK).is_err());
}

#[test]
fn pagerduty_joins_reminders_and_ends_what_is_over() {
    let mut given = teams_given();
    let event = |given: &Given, edit| pagerduty::event("KEY", &given.parcel(edit), LINK);
    let sent = event(&given, false);
    assert_eq!((&sent["event_action"], &sent["payload"]["severity"]), (&json!("trigger"), &json!("critical")));
    assert_eq!(sent["dedup_key"], json!(approval()));
    assert_eq!(event(&given, true)["event_action"], "resolve");
    given.settlement = settled(How::Acknowledged);
    assert_eq!(event(&given, true), json!({"routing_key": "KEY", "event_action": "acknowledge", "dedup_key": approval()}));
}

#[test]
fn a_webhook_and_ntfy_say_the_same_things() {
    let given = Given::new(Carrier::Teams { url: secret("x") }, "ops");
    let body = webhook::body(&given.parcel(false), LINK);
    assert_eq!((&body["type"], &body["data"]["settled"]), (&json!("notice.asked"), &Value::Null));
    assert_eq!(webhook::body(&given.parcel(true), LINK)["data"]["settled"], json!({"how": "rejected", "by": "alice"}));
    let push = ntfy::body(&given.parcel(false), LINK);
    assert_eq!((&push["topic"], &push["priority"], &push["click"]), (&json!("ops"), &json!(5), &json!(LINK)));
    assert_eq!(ntfy::body(&given.parcel(true), LINK)["priority"], 2);
}

type Seen = Arc<Mutex<Vec<(String, HeaderMap, String)>>>;

/// A receiver that says it is a fake: it answers everything with one status and one body, and keeps what it was sent.
async fn receiver(status: u16, answer: &'static str, headers: &'static [(&'static str, &'static str)]) -> (String, Seen) {
    let seen = Seen::default();
    let app = Router::new()
        .fallback(move |State(seen): State<Seen>, uri: axum::http::Uri, given: HeaderMap, body: String| async move {
            seen.lock().unwrap().push((uri.path().to_owned(), given, body));
            (StatusCode::from_u16(status).unwrap(), axum::response::AppendHeaders(headers.to_vec()), answer)
        })
        .with_state(Arc::clone(&seen));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, seen)
}

async fn told(carrier: Carrier, place: &str, edit: bool) -> Result<Receipt, lineclear_core::delivery::Undelivered> {
    let given = Given::new(carrier, place);
    Teller::new("https://lineclear.example.test/").unwrap().tell(given.parcel(edit), &|_| Some("whsec_c2VjcmV0".into())).await
}

fn hook(url: &str) -> Carrier {
    Carrier::Webhook { url: format!("{url}/in"), secret: secret("hook") }
}

#[tokio::test]
async fn an_answer_says_whether_trying_again_helps() {
    for (status, why) in [
        (400, Why::Refused),
        (401, Why::Refused),
        (404, Why::Refused),
        (302, Why::Refused),
        (408, Why::Busy),
        (429, Why::Busy),
        (500, Why::Busy),
        (503, Why::Busy),
    ] {
        let (url, seen) =
            receiver(status, "S3cr3t text of a stranger", &[("retry-after", "17"), ("location", "http://127.0.0.1:1/elsewhere")]).await;
        let failed = told(hook(&url), "", false).await.unwrap_err();
        assert_eq!((failed.failure.why, failed.failure.detail), (why, format!("it answered {status}")));
        assert_eq!(failed.wait, Some(lineclear_core::Span::from_secs(17)));
        assert_eq!(seen.lock().unwrap().len(), 1, "no redirection is followed, nothing is tried again here");
    }
    let (url, _) = receiver(204, "", &[]).await;
    assert_eq!(told(hook(&url), "", false).await, Ok(Receipt::default()));
    let dark = told(hook("http://127.0.0.1:1"), "", false).await.unwrap_err();
    assert_eq!((dark.failure.why, dark.failure.detail.as_str()), (Why::Unreachable, "it cannot be reached"));
}

#[tokio::test]
async fn only_this_machine_is_called_without_tls_whatever_the_secret_says() {
    let given = teams_given();
    for url in ["http://192.0.2.1/", "ftp://127.0.0.1/", "S3cr3t", "http://localhost.evil.test/"] {
        let failed = Teller::new("https://l.test").unwrap().tell(given.parcel(false), &|_| Some(url.into())).await.unwrap_err();
        assert_eq!((failed.failure.why, failed.failure.detail.as_str()), (Why::Refused, "its address is none"), "{url}");
    }
    let missing = Teller::new("https://l.test").unwrap().tell(given.parcel(false), &|_| None).await.unwrap_err();
    assert_eq!(missing.failure.why, Why::NoSecret);
}

#[tokio::test]
async fn slack_answers_200_also_when_it_refuses() {
    let carrier = |url: &str| Carrier::Slack { api: url.into(), token: secret("t"), signing: None, team: None };
    let (url, seen) = receiver(200, r#"{"ok":true,"channel":"D1","ts":"17.5","message":{}}"#, &[]).await;
    assert_eq!(told(carrier(&url), "U1", false).await, Ok(Receipt { handle: Some("D1:17.5".into()) }));
    told(carrier(&url), "U1", true).await.unwrap();
    let seen = seen.lock().unwrap().clone();
    let (first, second): (Value, Value) = (serde_json::from_str(&seen[0].2).unwrap(), serde_json::from_str(&seen[1].2).unwrap());
    assert_eq!((seen[0].0.as_str(), &first["channel"]), ("/chat.postMessage", &json!("U1")));
    assert_eq!((seen[1].0.as_str(), &second["channel"], &second["ts"]), ("/chat.update", &json!("C1"), &json!("17.5")));
    assert_eq!(seen[0].1["authorization"], "Bearer whsec_c2VjcmV0");
    for (answer, why) in [
        (r#"{"ok":false,"error":"channel_not_found"}"#, Some(Why::Refused)),
        (r#"{"ok":false,"error":"ratelimited"}"#, Some(Why::Busy)),
        (r#"{"ok":false,"error":"message_not_found"}"#, None),
        ("<html>", Some(Why::Busy)),
    ] {
        let (url, _) = receiver(200, answer, &[]).await;
        assert_eq!(told(carrier(&url), "U1", false).await.err().map(|failed| failed.failure.why), why, "{answer}");
    }
}
