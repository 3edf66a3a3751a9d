//! Whether people who do not see, or do not see well, can use the console: axe-core over every page, in the browser that
//! renders them, light and dark, on a desk and on a phone.

use std::path::Path;

use serde_json::{Value, json};

use super::browser::{Browser, signed_in};
use super::caches::{Counter, estate, propose, rules};
use super::installation::Installation;

/// The checker, as `scripts/axe.sh` installs it.
fn axe() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.axe/axe_playwright_python/axe.min.js");
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}; scripts/axe.sh installs it", file.display()))
}

/// What it finds on the page that is open, with everything unfolded: the rules that are broken, and where.
async fn findings(browser: &Browser, axe: &str) -> Vec<String> {
    browser.script("document.querySelectorAll('details').forEach((one) => one.removeAttribute('name'))").await;
    browser.script("document.querySelectorAll('details').forEach((one) => { one.open = true })").await;
    browser.script(axe).await;
    let asked =
        "const done = arguments[0]; axe.run(document).then((it) => done([it.passes.length, it.violations]), (why) => done(String(why)))";
    let answer = browser.post("/execute/async", json!({"script": asked, "args": []})).await;
    let passed = answer.pointer("/0").and_then(Value::as_u64).unwrap_or_default();
    assert!(passed > 10, "the checker looked at next to nothing: {answer}");
    let broken = answer.pointer("/1").and_then(Value::as_array).cloned().unwrap_or_default();
    let told = |one: &Value| format!("{} {}: {}", one["impact"], one["id"], one.pointer("/nodes/0/html").unwrap_or(&Value::Null));
    broken.iter().map(told).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_passes_the_checker_of_accessibility_in_every_light_and_size() {
    let counter = Counter::start();
    let mut house = Installation::new(&estate(2), &["alice"], &["purger"], &rules(&counter.url));
    house.start();
    let change = propose(&house, 1).await.remove(0);
    let pages: Vec<String> = ["/", "/incidents", "/ledger", "/ledger/1", "/policy", "/estate", "/keys"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("/changes/{change}")])
        .collect();
    let axe = axe();
    for (width, height) in [(1280, 1000), (390, 844)] {
        let browser = Browser::start(width, height).await;
        signed_in(&house, &browser, "alice").await;
        for light in ["light", "dark"] {
            let features = json!([{"name": "prefers-color-scheme", "value": light}]);
            browser.post("/goog/cdp/execute", json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}})).await;
            for page in &pages {
                browser.open(&format!("{}{page}", house.base)).await;
                assert_eq!(findings(&browser, &axe).await, Vec::<String>::new(), "{page}, {light}, {width} pixels wide");
            }
        }
    }
    // And it sees what is wrong.
    let browser = Browser::start(1280, 1000).await;
    signed_in(&house, &browser, "alice").await;
    browser.script("document.querySelector('main').append(document.createElement('input'))").await;
    browser.script("const it = document.createElement('img'); it.src = '/icon.svg'; document.querySelector('main').append(it)").await;
    let found = findings(&browser, &axe).await;
    assert!(found.iter().any(|one| one.contains("image-alt")) && found.iter().any(|one| one.contains("label")), "{found:?}");
}
