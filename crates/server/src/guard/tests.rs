//! What comes in from where, and what goes out with it.

use http::{Method, StatusCode};

use crate::rig::{AGENT, HOST, Rig};

const CHECKS: &str = "/api/v1/changes/change_0193f0c4a1007a3e8b11d2c3b4a50009/withdraw";
const BODY: &str = r#"{"reason": "x"}"#;

async fn check_write(rig: &Rig, headers: &[(&str, &str)], expected: &str) {
    let reply = rig.send(Method::POST, CHECKS, headers, Some(BODY)).await;
    let code = reply.json()["code"].as_str().unwrap().to_owned();
    assert_eq!(code, expected, "{headers:?}");
}

#[tokio::test]
async fn a_write_with_a_cookie_comes_from_our_own_pages_or_is_refused() {
    let rig = Rig::quiet().await;
    let cookie = rig.sign_in("alice").await;
    let cookie = ("cookie", cookie.as_str());
    let ours = ("origin", "http://127.0.0.1:7171");
    check_write(&rig, &[cookie, ("sec-fetch-site", "same-origin")], "not_found").await;
    check_write(&rig, &[cookie, ours], "not_found").await;
    check_write(&rig, &[cookie], "cross_site").await;
    for site in ["cross-site", "same-site", "none", ""] {
        check_write(&rig, &[cookie, ("sec-fetch-site", site)], "cross_site").await;
        check_write(&rig, &[cookie, ("sec-fetch-site", site), ours], "cross_site").await;
    }
    for origin in ["null", "http://127.0.0.1", "https://127.0.0.1:7171", "http://127.0.0.1:7171.evil.example"] {
        check_write(&rig, &[cookie, ("origin", origin)], "cross_site").await;
    }
    let agent = format!("Bearer {AGENT}");
    check_write(&rig, &[("authorization", &agent)], "not_found").await;
    check_write(&rig, &[("authorization", &agent), cookie, ("sec-fetch-site", "cross-site")], "not_found").await;
    check_write(&rig, &[("authorization", "Bearer nobody"), cookie], "unauthenticated").await;
    check_write(&rig, &[], "unauthenticated").await;
    check_write(&rig, &[("cookie", "lineclear=forged")], "cross_site").await;
    check_write(&rig, &[("cookie", "lineclear=forged"), ("sec-fetch-site", "same-origin")], "unauthenticated").await;
}

#[tokio::test]
async fn reading_needs_no_proof_of_origin_and_changes_nothing() {
    let rig = Rig::quiet().await;
    let cookie = rig.sign_in("alice").await;
    let reply = rig.send(Method::GET, "/api/v1/estate", &[("cookie", &cookie), ("sec-fetch-site", "cross-site")], None).await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn a_rebound_name_reaches_nothing() {
    let rig = Rig::quiet().await;
    for (host, expected) in [(HOST, 200), ("localhost:7171", 200), ("evil.example", 421), ("127.0.0.1.evil.example:7171", 421), ("", 421)] {
        let reply = rig.send(Method::GET, "/healthz", &[("host", host)], None).await;
        assert_eq!(reply.status.as_u16(), expected, "{host}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers_and_a_nonce_of_its_own() {
    let rig = Rig::quiet().await;
    let mut nonces = Vec::new();
    for (path, host) in [("/healthz", HOST), ("/nowhere", HOST), ("/api/v1/estate", HOST), ("/healthz", "evil.example")] {
        let reply = rig.send(Method::GET, path, &[("host", host)], None).await;
        let policy = reply.headers["content-security-policy"].to_str().unwrap();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert_eq!(nonce.len(), 64);
        let shown: Vec<String> = reply
            .headers
            .iter()
            .filter(|(name, _)| !["content-type", "content-length", "www-authenticate"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap().replace(&nonce, "NONCE")))
            .collect();
        insta::allow_duplicates! { insta::assert_snapshot!(shown.join("\n")); }
        nonces.push(nonce);
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 4);
}
