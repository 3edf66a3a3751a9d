//! Whether a body comes from the sender that it claims: tokens where each product puts them, and signatures by each
//! product's own rule. Everything is compared in constant time; nothing here knows whose secret it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use lineclear_core::signal::SourceKind;
use lineclear_core::{Span, Timestamp};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use crate::alertmanager::document;
use crate::hook::Headers;
use crate::json::Json;

/// Longest token that is looked at, in bytes.
const TOKEN_MAX: usize = 4_096;
/// Most signatures in one header: one for each key while keys change.
const SIGNATURES_MAX: usize = 8;

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The header is missing, there twice or malformed.
    #[error("the signature is missing or malformed")]
    Missing,
    /// It is not by this secret over these bytes.
    #[error("the signature does not hold")]
    Wrong,
    /// It was made too long ago, or is of the future.
    #[error("the signature is too old, or the sender's clock is wrong")]
    Stale,
}

/// The tokens that a request presents: as bearer, as the password of basic authentication, in the header that the product
/// uses for it, and for `PagerDuty`'s format the `routing_key` of the body. Nothing is fetched from the address: addresses
/// end up in logs.
pub fn presented(kind: SourceKind, headers: Headers<'_>, body: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    if let Some((scheme, rest)) = headers.get("authorization").and_then(|value| value.split_once(' ')) {
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("genie") || scheme.eq_ignore_ascii_case("token") {
            found.push(rest.trim_start_matches("token=").to_owned());
        } else if scheme.eq_ignore_ascii_case("basic") {
            let pair = STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            found.extend(pair.and_then(|pair| pair.split_once(':').map(|(_, password)| password.to_owned())));
        }
    }
    for name in ["x-lineclear-token", "x-gitlab-token", "x-api-key"] {
        found.extend(headers.get(name).map(str::to_owned));
    }
    if kind == SourceKind::Pagerduty
        && let Ok(Json::Object(members)) = document(body)
        && let Some(Json::Text(key)) = members.get("routing_key")
    {
        found.push(key.clone());
    }
    found.retain(|token| !token.is_empty() && token.len() <= TOKEN_MAX);
    found
}

/// Whether one of the tokens is the secret. Every one is compared, in constant time but for its length.
pub fn holds(presented: &[String], secret: &[u8]) -> bool {
    !secret.is_empty() && presented.iter().fold(false, |found, token| found | bool::from(token.as_bytes().ct_eq(secret)))
}

/// Checks a signature over the body by the rule of the product: GitHub (`X-Hub-Signature-256`), Grafana
/// (`X-Grafana-Alerting-Signature`, with its timestamp header where it is sent), Sentry (`Sentry-Hook-Signature`), Checkly
/// (`X-Checkly-Signature`), `NetBox` (`X-Hook-Signature`); all others by Standard Webhooks, which is the only one besides
/// Grafana's that signs a time.
///
/// # Errors
/// See [`ProofError`].
pub fn signed(kind: SourceKind, secret: &[u8], headers: Headers<'_>, body: &[u8], now: Timestamp, replay: Span) -> Result<(), ProofError> {
    if secret.is_empty() {
        return Err(ProofError::Wrong);
    }
    match kind {
        SourceKind::Github => hex_of(headers.get("x-hub-signature-256").and_then(|value| value.strip_prefix("sha256=")), secret, &[body]),
        SourceKind::Sentry => hex_of(headers.get("sentry-hook-signature"), secret, &[body]),
        SourceKind::Checkly => hex_of(headers.get("x-checkly-signature"), secret, &[body]),
        SourceKind::Grafana => match headers.get("x-grafana-alerting-timestamp") {
            None => hex_of(headers.get("x-grafana-alerting-signature"), secret, &[body]),
            Some(stamp) => {
                hex_of(headers.get("x-grafana-alerting-signature"), secret, &[stamp.as_bytes(), b":", body])?;
                recent(stamp, now, replay)
            }
        },
        SourceKind::Netbox => {
            let given = headers.get("x-hook-signature").and_then(unhex).ok_or(ProofError::Missing)?;
            let mut mac = Hmac::<Sha512>::new_from_slice(secret).map_err(|_| ProofError::Wrong)?;
            mac.update(body);
            same(&mac.finalize().into_bytes(), &given)
        }
        SourceKind::Alertmanager
        | SourceKind::Prometheus
        | SourceKind::Pagerduty
        | SourceKind::Datadog
        | SourceKind::Cloudwatch
        | SourceKind::Cloudevents
        | SourceKind::Axiom
        | SourceKind::Checkmk
        | SourceKind::Coralogix
        | SourceKind::Dash0
        | SourceKind::Gcp
        | SourceKind::Graylog
        | SourceKind::Librenms
        | SourceKind::Signalfx
        | SourceKind::Thousandeyes
        | SourceKind::Wazuh
        | SourceKind::Json
        | SourceKind::Gitlab
        | SourceKind::Argocd
        | SourceKind::Deployment => standard(secret, headers, body, now, replay),
    }
}

/// Standard Webhooks 1.0: `v1,` and the base64 of an HMAC-SHA-256 over id, time and body; the secret may be written as
/// `whsec_` and base64.
fn standard(secret: &[u8], headers: Headers<'_>, body: &[u8], now: Timestamp, replay: Span) -> Result<(), ProofError> {
    let header = |name| headers.get(name).ok_or(ProofError::Missing);
    let (id, stamp, given) = (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
    let expected = standard_mac(secret, id, stamp, body)?;
    let versions = given.split(' ').filter_map(|one| one.strip_prefix("v1,")).take(SIGNATURES_MAX);
    let held =
        versions.filter_map(|one| STANDARD.decode(one).ok()).fold(false, |held, one| held | bool::from(one.as_slice().ct_eq(&expected)));
    if !held {
        return Err(ProofError::Wrong);
    }
    recent(stamp, now, replay)
}

fn standard_mac(secret: &[u8], id: &str, stamp: &str, body: &[u8]) -> Result<Vec<u8>, ProofError> {
    let plain = std::str::from_utf8(secret).ok().and_then(|text| text.strip_prefix("whsec_")).and_then(|text| STANDARD.decode(text).ok());
    mac(plain.as_deref().unwrap_or(secret), &[id.as_bytes(), b".", stamp.as_bytes(), b".", body])
}

/// The value of `webhook-signature` for a body that leaves: by Standard Webhooks 1.0, as what comes in is checked.
pub(crate) fn standard_signature(secret: &[u8], id: &str, stamp: &str, body: &[u8]) -> Result<String, ProofError> {
    if secret.is_empty() {
        return Err(ProofError::Wrong);
    }
    Ok(format!("v1,{}", STANDARD.encode(standard_mac(secret, id, stamp, body)?)))
}

/// Slack's rule for what it sends: `X-Slack-Signature: v0=` and the hexadecimal HMAC-SHA-256 over `v0:time:body`, with the time in
/// `X-Slack-Request-Timestamp`, no older than the window.
///
/// # Errors
/// See [`ProofError`].
pub fn slack(secret: &[u8], headers: Headers<'_>, body: &[u8], now: Timestamp, replay: Span) -> Result<(), ProofError> {
    if secret.is_empty() {
        return Err(ProofError::Wrong);
    }
    let stamp = headers.get("x-slack-request-timestamp").ok_or(ProofError::Missing)?;
    let given = headers.get("x-slack-signature").and_then(|value| value.strip_prefix("v0="));
    hex_of(given, secret, &[b"v0:", stamp.as_bytes(), b":", body])?;
    recent(stamp, now, replay)
}

fn mac(secret: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>, ProofError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|_| ProofError::Wrong)?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().to_vec())
}

fn hex_of(given: Option<&str>, secret: &[u8], parts: &[&[u8]]) -> Result<(), ProofError> {
    let given = given.and_then(unhex).ok_or(ProofError::Missing)?;
    same(&mac(secret, parts)?, &given)
}

fn same(expected: &[u8], given: &[u8]) -> Result<(), ProofError> {
    if bool::from(expected.ct_eq(given)) { Ok(()) } else { Err(ProofError::Wrong) }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if text.is_empty() || text.len() > 128 || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// Whether a time, in seconds since 1970, is no further from now than the window.
fn recent(stamp: &str, now: Timestamp, replay: Span) -> Result<(), ProofError> {
    let seconds: i64 = stamp.trim().parse().map_err(|_| ProofError::Missing)?;
    let then = Timestamp::from_micros(seconds.saturating_mul(1_000_000));
    if now.since(then).max(then.since(now)) <= replay { Ok(()) } else { Err(ProofError::Stale) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"a":1}"#;
    const SECRET: &[u8] = b"It's a Secret to Everybody";
    const REPLAY: Span = Span::from_secs(300);

    fn now() -> Timestamp {
        "2026-11-25T08:00:00Z".parse().unwrap()
    }

    fn check(kind: SourceKind, headers: &[(&str, &str)], body: &[u8], expected: Result<(), ProofError>) {
        assert_eq!(signed(kind, SECRET, Headers::new(headers), body, now(), REPLAY), expected, "{kind} {headers:?}");
    }

    #[test]
    fn github_s_own_example_holds() {
        // The values of GitHub's manual, "Validating webhook deliveries".
        let given = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        check(SourceKind::Github, &[("x-hub-signature-256", given)], b"Hello, World!", Ok(()));
        check(SourceKind::Github, &[("x-hub-signature-256", given)], b"Hello, World?", Err(ProofError::Wrong));
        check(
            SourceKind::Github,
            &[("x-hub-signature-256", given.strip_prefix("sha256=").unwrap())],
            b"Hello, World!",
            Err(ProofError::Missing),
        );
        check(
            SourceKind::Github,
            &[("x-hub-signature-256", given), ("x-hub-signature-256", given)],
            b"Hello, World!",
            Err(ProofError::Missing),
        );
        check(SourceKind::Github, &[], b"Hello, World!", Err(ProofError::Missing));
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn each_product_s_rule_is_its_own() {
        let plain = hex(&mac(SECRET, &[BODY]).unwrap());
        check(SourceKind::Sentry, &[("sentry-hook-signature", &plain)], BODY, Ok(()));
        check(SourceKind::Checkly, &[("x-checkly-signature", &plain)], BODY, Ok(()));
        check(SourceKind::Grafana, &[("x-grafana-alerting-signature", &plain)], BODY, Ok(()));
        check(SourceKind::Sentry, &[("x-checkly-signature", &plain)], BODY, Err(ProofError::Missing));
        check(SourceKind::Netbox, &[("x-hook-signature", &plain)], BODY, Err(ProofError::Wrong));
        let stamp = "1795593600";
        let timed = hex(&mac(SECRET, &[stamp.as_bytes(), b":", BODY]).unwrap());
        let headers = |stamp, timed| [("x-grafana-alerting-signature", timed), ("x-grafana-alerting-timestamp", stamp)];
        check(SourceKind::Grafana, &headers(stamp, timed.as_str()), BODY, Ok(()));
        check(SourceKind::Grafana, &headers("1795593601", timed.as_str()), BODY, Err(ProofError::Wrong));
        let old = "1795593299";
        let timed = hex(&mac(SECRET, &[old.as_bytes(), b":", BODY]).unwrap());
        check(SourceKind::Grafana, &headers(old, timed.as_str()), BODY, Err(ProofError::Stale));
    }

    #[test]
    fn a_standard_webhook_is_signed_with_its_time_and_old_ones_are_refused() {
        let at = |stamp: &str| format!("v1,{}", STANDARD.encode(mac(SECRET, &[b"msg_1.", stamp.as_bytes(), b".", BODY]).unwrap()));
        let with = |stamp: &str, given: &str, expected| {
            let headers = [("webhook-id", "msg_1"), ("webhook-timestamp", stamp), ("webhook-signature", given)];
            check(SourceKind::Json, &headers, BODY, expected);
        };
        with("1795593600", &at("1795593600"), Ok(()));
        with("1795593600", &format!("v1,AAAA {}", at("1795593600")), Ok(()));
        with("1795593600", &at("1795593601"), Err(ProofError::Wrong));
        with("1795593300", &at("1795593300"), Ok(()));
        with("1795593299", &at("1795593299"), Err(ProofError::Stale));
        with("1795593901", &at("1795593901"), Err(ProofError::Stale));
        with("x", &at("x"), Err(ProofError::Missing));
        let written = format!("whsec_{}", STANDARD.encode(SECRET));
        let headers = [("webhook-id", "msg_1"), ("webhook-timestamp", "1795593600"), ("webhook-signature", &at("1795593600"))];
        assert_eq!(signed(SourceKind::Json, written.as_bytes(), Headers::new(&headers), BODY, now(), REPLAY), Ok(()));
    }

    #[test]
    fn slack_s_own_example_holds_and_an_old_or_altered_one_does_not() {
        // The values of Slack's manual, "Verifying requests from Slack".
        let secret = b"8f742231b10e8888abcd99yyyzzz85a5";
        let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let given = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
        let at = |seconds: i64| Timestamp::from_micros((1_531_420_618 + seconds) * 1_000_000);
        let check = |stamp: &str, given: &str, body: &[u8], now| {
            slack(secret, Headers::new(&[("x-slack-request-timestamp", stamp), ("x-slack-signature", given)]), body, now, REPLAY)
        };
        assert_eq!(check("1531420618", given, body, at(0)), Ok(()));
        assert_eq!(check("1531420618", given, body, at(300)), Ok(()));
        assert_eq!(check("1531420618", given, body, at(301)), Err(ProofError::Stale));
        assert_eq!(check("1531420618", given, body, at(-301)), Err(ProofError::Stale));
        assert_eq!(check("1531420619", given, body, at(0)), Err(ProofError::Wrong));
        assert_eq!(check("1531420618", given, &body[1..], at(0)), Err(ProofError::Wrong));
        assert_eq!(check("1531420618", given.strip_prefix("v0=").unwrap(), body, at(0)), Err(ProofError::Missing));
        assert_eq!(slack(b"", Headers::new(&[]), body, at(0), REPLAY), Err(ProofError::Wrong));
    }

    #[test]
    fn what_leaves_is_signed_as_the_published_example_of_standard_webhooks() {
        // The values of the Standard Webhooks reference libraries' own tests.
        let body = br#"{"test": 2432232314}"#;
        let given =
            standard_signature(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body).unwrap();
        assert_eq!(given, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(standard_signature(b"", "a", "1", b""), Err(ProofError::Wrong));
    }

    #[test]
    fn a_token_is_found_where_its_product_puts_it_and_nowhere_else() {
        let found = |kind, headers: &[(&str, &str)], body: &[u8]| presented(kind, Headers::new(headers), body);
        assert_eq!(found(SourceKind::Datadog, &[("authorization", "Bearer abc")], b""), ["abc"]);
        assert_eq!(found(SourceKind::Cloudwatch, &[("authorization", "Basic YTpiOmM=")], b""), ["b:c"]);
        assert_eq!(found(SourceKind::Gitlab, &[("x-gitlab-token", "abc")], b""), ["abc"]);
        assert_eq!(found(SourceKind::Pagerduty, &[], br#"{"routing_key":"r"}"#), ["r"]);
        assert_eq!(found(SourceKind::Json, &[], br#"{"routing_key":"r"}"#), [""; 0]);
        assert_eq!(found(SourceKind::Json, &[("authorization", "Bearer a"), ("authorization", "Bearer b")], b""), [""; 0]);
        assert!(holds(&["x".into(), "abc".into()], b"abc"));
        assert!(!holds(&["abd".into()], b"abc"));
        assert!(!holds(&[String::new()], b""), "an empty secret opens nothing");
    }
}
