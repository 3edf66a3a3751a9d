//! Passkeys in a real browser with a virtual authenticator: made on the console, put into the estate, used to approve; and every
//! trick with them that the page, the browser or the server has to see through.

use std::collections::BTreeMap;
use std::net::TcpListener;

use reqwest::Method;
use serde_json::{Value, json};

use super::browser::{Browser, signed_in};
use super::caches::{Counter, estate, propose, rules};
use super::installation::{Installation, eventually};

/// The estate of the crash tests, in which a purge needs a passkey.
fn strict(alice: &str) -> BTreeMap<String, String> {
    let mut files = estate(3);
    let authority = files.get_mut("authority.yaml").unwrap();
    *authority = authority.replace("grade: session", "grade: passkey");
    files.insert("keys/alice.pub".into(), format!("{alice}\n"));
    files
}

/// What the runner demands: the same, in its own words.
fn demands(url: &str) -> String {
    rules(url).replace("targets = [\"cache/*\"]", "targets = [\"cache/*\"]\nhumans = 1\ngrade = \"passkey\"")
}

/// A device with a finger on it (W3C WebAuthn Level 3, §11.3).
async fn authenticator(browser: &Browser) -> String {
    let device = json!({
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true, "isUserVerified": true,
    });
    browser.post("/webauthn/authenticator", device).await.as_str().unwrap().to_owned()
}

async fn made(browser: &Browser, base: &str) -> String {
    browser.open(&format!("{base}/keys")).await;
    browser.click("form[data-passkey=make] button").await;
    eventually("the line of a passkey", async || {
        let line =
            browser.script("return document.getElementById('made').hidden ? null : document.getElementById('made-line').textContent").await;
        line.as_str().map(ToOwned::to_owned)
    })
    .await
}

async fn opened(browser: &Browser, house: &Installation, change: &str) {
    eventually("the form for a passkey", async || {
        browser.open(&format!("{}/changes/{change}", house.base)).await;
        let there = browser.script("return document.querySelector('form[data-passkey=approve] button.yes') !== null").await;
        (there == json!(true)).then_some(())
    })
    .await;
    browser.click("details:has(form[data-passkey=approve]) summary").await;
}

async fn refused(browser: &Browser) -> String {
    browser.click("form[data-passkey=approve] button.yes").await;
    eventually("the page to say why", async || {
        let said = browser.script("return document.querySelector('form[data-passkey=approve] [role=alert]').textContent").await;
        said.as_str().filter(|said| !said.is_empty()).map(ToOwned::to_owned)
    })
    .await
}

/// Keeps what the page sends with a vote, and what it was told to sign.
const KEEP: &str = "window.kept = []; const real = window.fetch; window.fetch = (path, options) => { \
    if (String(path).endsWith('/votes')) { sessionStorage.setItem('vote', options.body); } return real(path, options); };";

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_made_on_the_console_and_approves_exactly_what_is_on_the_screen() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (counter, browser) = (Counter::start(), Browser::start(1280, 1000).await);
    let mut before = Installation::new(&estate(1), &["alice"], &["purger"], &rules(&counter.url));
    before.start_named(port);
    let device = authenticator(&browser).await;
    signed_in(&before, &browser, "alice").await;
    let line = made(&browser, &before.base).await;
    assert!(line.starts_with(&format!("passkey http://localhost:{port} ")), "{line}");
    assert!(browser.text().await.contains("It signs nothing yet"));
    browser.fits("/keys").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    // The page's event stream ends before the server does.
    browser.open("about:blank").await;
    before.kill();

    let mut house = Installation::new(&strict(&line), &["alice"], &["purger"], &demands(&counter.url));
    house.start_named(port);
    let changes = propose(&house, 3).await;
    signed_in(&house, &browser, "alice").await;

    // Neither a session nor an SSH key is enough here.
    opened(&browser, &house, &changes[0]).await;
    let (status, answer) = house.approve_in_session("alice", &changes[0]).await;
    assert_eq!((status, answer.get("code")), (403, Some(&json!("too_weak"))), "{answer}");

    // Somebody altered what is on the screen: the page asks nobody to sign that.
    browser.script("document.querySelector('form[data-passkey=approve]').dataset.change = 'change_0193f0c4a1007a3e8b11d2c3b4a5ffff'").await;
    assert!(refused(&browser).await.contains("another change than this page shows"));
    // Nobody's finger on the device: the browser gives nothing.
    let verified = format!("/webauthn/authenticator/{device}/uv");
    browser.post(&verified, json!({"isUserVerified": false})).await;
    opened(&browser, &house, &changes[0]).await;
    assert!(refused(&browser).await.contains("No passkey signed"));
    browser.post(&verified, json!({"isUserVerified": true})).await;
    assert_eq!(counter.effects(), BTreeMap::new());

    opened(&browser, &house, &changes[0]).await;
    browser.script(KEEP).await;
    browser.click("form[data-passkey=approve] button.yes").await;
    assert_eq!(house.finished("alice", &changes[0]).await, "escalated");
    assert_eq!(counter.effects().get("/purge/c0"), Some(&1));

    // What was signed for one change approves no other, and no other words.
    let vote = browser.script("return sessionStorage.getItem('vote')").await;
    let vote: Value = serde_json::from_str(vote.as_str().unwrap()).unwrap();
    assert_eq!(cast(&house, &changes[0], &vote).await, "not_open");
    assert_eq!(cast(&house, &changes[1], &vote).await, "mismatch");
    let mut swapped = vote.clone();
    let text = asked(&house, &changes[1]).await;
    swapped["statement"] = json!(text);
    assert_eq!(cast(&house, &changes[1], &swapped).await, "bad_signature");
    swapped["signature"] = json!({"grade": "passkey", "credential": "", "authenticator_data": "", "client_data": "", "signature": ""});
    assert_eq!(cast(&house, &changes[1], &swapped).await, "bad_signature");
    assert_eq!(counter.effects().get("/purge/c1"), None);
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|line| line.contains("status of 403")), "{complaints:?}");
}

/// The statement that alice would sign.
async fn asked(house: &Installation, change: &str) -> String {
    let request = house.get("alice", &format!("/api/v1/changes/{change}/request")).await;
    let approval = request.pointer("/request/id").and_then(Value::as_str).unwrap();
    let body = json!({"decision": "approve", "reason": ""});
    let (_, answer) = house.ask("alice", Method::POST, &format!("/api/v1/approvals/{approval}/statement"), Some(body), &[]).await;
    answer.get("statement").and_then(Value::as_str).unwrap().to_owned()
}

/// Casts a vote on a change as alice, and returns why it counts for nothing.
async fn cast(house: &Installation, change: &str, vote: &Value) -> String {
    let request = house.get("alice", &format!("/api/v1/changes/{change}/request")).await;
    let approval = request.pointer("/request/id").and_then(Value::as_str).unwrap();
    let (_, answer) = house.ask("alice", Method::POST, &format!("/api/v1/approvals/{approval}/votes"), Some(vote.clone()), &[]).await;
    answer.get("code").and_then(Value::as_str).unwrap_or("counted").to_owned()
}
