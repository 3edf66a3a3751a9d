//! The console in a real browser: signed in by a one-time link, a change approved by a click, no violation of the content
//! security policy, and no page wider than a phone.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::caches::{Counter, estate, propose, rules};
use super::installation::{Installation, LINECLEAR, eventually, succeeds};

/// A headless Chromium, driven by the W3C's `WebDriver` through chromedriver.
pub struct Browser {
    driver: Child,
    session: String,
    http: reqwest::Client,
    width: u32,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts it with a screen of this size.
    pub async fn start(width: u32, height: u32) -> Self {
        lineclear_connect::install_tls();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted =
            json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}}}});
        let mut it =
            Self { driver, session: format!("http://127.0.0.1:{port}/session"), http: reqwest::Client::new(), width, _profile: profile };
        let id = eventually("a browser session", async || {
            let answer = it.http.post(&it.session).json(&wanted).send().await.ok()?.json::<Value>().await.ok()?;
            answer.pointer("/value/sessionId").and_then(Value::as_str).map(ToOwned::to_owned)
        })
        .await;
        it.session = format!("{}/{id}", it.session);
        // A window has a least width; a screen has not.
        let screen = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        it.post("/goog/cdp/execute", json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": screen})).await;
        it
    }

    /// Sends a command to the session.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.session)).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer.get("value").cloned().unwrap_or_default()
    }

    /// Opens a page.
    pub async fn open(&self, url: &str) {
        let answer = self.post("/url", json!({"url": url})).await;
        assert!(answer.is_null(), "{url}: {answer}");
    }

    /// Runs a script in the page and returns its value.
    pub async fn script(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": []})).await
    }

    /// Clicks on what a selector finds.
    pub async fn click(&self, selector: &str) {
        let found = self.post("/element", json!({"using": "css selector", "value": selector})).await;
        let id = found.as_object().and_then(|it| it.values().next()).and_then(Value::as_str);
        let id = id.unwrap_or_else(|| panic!("no `{selector}`: {found}"));
        let answer = self.post(&format!("/element/{id}/click"), json!({})).await;
        assert!(answer.is_null(), "{selector}: {answer}");
    }

    /// What a person reads.
    pub async fn text(&self) -> String {
        self.script("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// What the browser complained about: errors and violations of the content security policy.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({"type": "browser"})).await;
        let lines = log.as_array().cloned().unwrap_or_default();
        lines.iter().filter(|line| line.get("level") == Some(&json!("SEVERE"))).map(ToString::to_string).collect()
    }

    /// Whether the page fits its screen.
    pub async fn fits(&self, page: &str) {
        let wide = self.script("return [document.documentElement.scrollWidth, window.innerWidth]").await;
        let pixels = |n: usize| wide.get(n).and_then(Value::as_u64).unwrap_or_default();
        assert_eq!(pixels(1), u64::from(self.width), "{page}");
        assert!(pixels(0) <= pixels(1), "{page} is {} pixels wide on a screen of {}", pixels(0), pixels(1));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser, too: chromedriver alone would leave it behind.
        let _ = Command::new("curl").args(["-s", "-m", "5", "-o", "/dev/null", "-X", "DELETE", &self.session]).status();
        let _ = Command::new("kill").arg(self.driver.id().to_string()).status();
        let _ = self.driver.wait();
    }
}

/// Signs somebody in by a link.
pub async fn signed_in(house: &Installation, browser: &Browser, login: &str) {
    let link = succeeds(LINECLEAR, &["sign-in", login, "--data", &house.text("data"), "--url", &house.base]);
    eventually("the sign-in link", async || {
        browser.open(link.trim()).await;
        let there = browser.script("return document.querySelector('main form button') !== null").await;
        (there == json!(true)).then_some(())
    })
    .await;
    browser.click("main form button").await;
    eventually("the inbox behind the link", async || browser.text().await.contains("Sign out").then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_by_a_link_reads_a_change_and_approves_it_with_a_click() {
    let counter = Counter::start();
    let mut house = Installation::new(&estate(2), &["alice"], &["purger"], &rules(&counter.url));
    house.start();
    let changes = propose(&house, 2).await;
    let browser = Browser::start(1280, 1000).await;
    signed_in(&house, &browser, "alice").await;
    browser.open(&format!("{}/changes/{}", house.base, changes[0])).await;
    eventually("the change page with its question", async || {
        browser.open(&format!("{}/changes/{}", house.base, changes[0])).await;
        let there = browser.script("return document.querySelector('form[action$=\"/approve\"] button') !== null").await;
        (there == json!(true)).then_some(())
    })
    .await;
    assert!(browser.text().await.contains("cache.purge"));
    // The form opens by a click of its own: no answer is one click away.
    browser.click("details:has(form[action$='/approve']) summary").await;
    browser.click("form[action$='/approve'] button.yes").await;
    assert_eq!(house.finished("alice", &changes[0]).await, "escalated");
    assert_eq!(counter.effects().get("/purge/c0"), Some(&1));
    // The page says so by itself: it listens, and asks for its pieces again.
    eventually("the page to follow", async || browser.text().await.to_lowercase().contains("a person must say").then_some(())).await;
    for page in ["/", "/incidents", "/ledger", "/policy"] {
        browser.open(&format!("{}{page}", house.base)).await;
        assert!(browser.text().await.len() > 40, "{page} is empty");
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_is_wider_than_a_phone() {
    let mut house = Installation::new(&estate(1), &["alice"], &["purger"], &rules("http://127.0.0.1:9"));
    house.start();
    let changes = propose(&house, 1).await;
    let browser = Browser::start(390, 844).await;
    signed_in(&house, &browser, "alice").await;
    let change = format!("/changes/{}", changes[0]);
    for page in ["/", &change, "/incidents", "/ledger", "/policy"] {
        browser.open(&format!("{}{page}", house.base)).await;
        browser.fits(page).await;
    }
}
