//! Tokens at a running installation: one that was made works, and one that was taken back does not, without a restart.

use reqwest::Method;
use serde_json::{Value, json};

use super::caches::{estate, rules};
use super::installation::{Installation, LINECLEAR, eventually, succeeds};

async fn answers(house: &Installation, who: &str, expected: u16) {
    eventually(&format!("{expected} for {who}"), async || {
        let (status, _) = house.ask(who, Method::GET, "/api/v1/actions", None, &[]).await;
        (status == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_taken_back_stops_working_while_the_installation_runs() {
    let mut house = Installation::new(&estate(1), &["alice"], &["purger"], &rules("http://127.0.0.1:9"));
    house.start();
    answers(&house, "purger", 200).await;
    let (data, estate) = (house.text("data"), house.text("estate"));
    let token = |act: &str, login: &str| succeeds(LINECLEAR, &["token", act, login, "--data", &data, "--estate", &estate, "--json"]);
    let revoked: Value = serde_json::from_str(&token("revoke", "purger")).unwrap();
    assert_eq!(revoked, json!({"version": 1, "login": "purger", "revoked": 1}));
    answers(&house, "purger", 401).await;
    answers(&house, "alice", 200).await;
    let made: Value = serde_json::from_str(&token("create", "purger")).unwrap();
    house.knows("purger", made["token"].as_str().unwrap());
    answers(&house, "purger", 200).await;
}
