//! The pictures that README shows, made from the demo as a newcomer meets it. They lie in the build folder's
//! `tmp/pictures`; `docs/pictures` holds the ones of the last time that somebody looked at them.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::browser::Browser;
use super::installation::{LINECLEAR, eventually};

/// The demo, ended with whoever asked for it.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Starts it and reads its story up to the first question: the link to sign in with, and the change that waits.
fn demo() -> (Demo, String, String) {
    let mut child = Command::new(LINECLEAR)
        .args(["demo", "--port", "0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let demo = Demo(child);
    let (mut link, mut change) = (String::new(), String::new());
    for line in lines.map_while(Result::ok) {
        let address = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap_or_default().to_owned();
        if address.contains("/sign-in/") {
            link = address;
        } else if address.contains("/changes/") {
            change = address;
            break;
        }
    }
    assert!(!link.is_empty() && !change.is_empty(), "the demo asked nothing");
    (demo, link, change)
}

async fn take(browser: &Browser, name: &str) {
    let picture = browser.post("/goog/cdp/execute", json!({"cmd": "Page.captureScreenshot", "params": {"format": "png"}})).await;
    let png = STANDARD.decode(picture.pointer("/data").and_then(Value::as_str).unwrap_or_default()).unwrap();
    assert!(png.starts_with(b"\x89PNG") && png.len() > 20_000, "{name}: {} bytes", png.len());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_asks_its_first_question_and_looks_well() {
    let (_demo, link, change) = demo();
    let mut cookie = Value::Null;
    for (name, width, height, light) in
        [("change", 1280, 1000, "light"), ("change-dark", 1280, 1000, "dark"), ("change-phone", 390, 844, "light")]
    {
        let browser = Browser::start(width, height).await;
        let features = json!([{"name": "prefers-color-scheme", "value": light}]);
        browser.post("/goog/cdp/execute", json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}})).await;
        if cookie.is_null() {
            browser.open(&link).await;
            browser.click("main form button").await;
            eventually("the inbox", async || browser.text().await.contains("Sign out").then_some(())).await;
            let got = browser.post("/goog/cdp/execute", json!({"cmd": "Network.getAllCookies", "params": {}})).await;
            cookie = got.pointer("/cookies/0").cloned().unwrap_or_default();
        } else {
            browser.post("/goog/cdp/execute", json!({"cmd": "Network.setCookies", "params": {"cookies": [cookie]}})).await;
        }
        browser.open(&change).await;
        eventually("the question", async || browser.text().await.contains("Your answer?").then_some(())).await;
        browser.fits(name).await;
        take(&browser, name).await;
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}
