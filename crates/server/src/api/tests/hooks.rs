//! Senders of signals as they meet the doors: who is let in, in which words they are answered, and what becomes of it.

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use lineclear_core::signal::SecretName;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::rig::{Reply, Rig, WEBHOOK};

async fn rig() -> Rig {
    let rig = Rig::quiet().await;
    let file = |name: &str| SecretName::File(name.into());
    let secrets = [
        (file("pager.secret"), b"R0UT1NG".to_vec()),
        (SecretName::Env("CODE_SECRET".into()), b"code".to_vec()),
        (file("own.secret"), b"own".to_vec()),
        (file("aws.secret"), b"aws".to_vec()),
    ];
    rig.app.auth.keep_secrets(secrets.into());
    rig
}

async fn post(rig: &Rig, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    rig.send(Method::POST, path, headers, Some(body)).await
}

fn trigger(key: &str, dedup: Option<&str>) -> String {
    let mut body = json!({"routing_key": key, "event_action": "trigger", "payload": {"summary": "web-1 is down", "source": "web-1", "severity": "critical"}});
    if let Some(dedup) = dedup {
        body["dedup_key"] = json!(dedup);
    }
    body.to_string()
}

#[tokio::test]
async fn a_pagerduty_sender_is_answered_as_pagerduty_answers() {
    let rig = rig().await;
    for path in ["/hooks/pager", "/hooks/pager/v2/enqueue"] {
        let reply = post(&rig, path, &[], &trigger("R0UT1NG", Some("k1"))).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()),
            (202, json!({"status": "success", "message": "Event processed", "dedup_key": "k1"}))
        );
    }
    let keyless = post(&rig, "/hooks/pager", &[], &trigger("R0UT1NG", None)).await.json();
    assert_eq!(keyless["dedup_key"], "web-1/web-1 is down", "the sender resolves it under this key");
    let wrong = post(&rig, "/hooks/pager", &[], r#"{"routing_key":"R0UT1NG","event_action":"trigger"}"#).await;
    let said = json!({"status": "invalid event", "message": "Event object is invalid", "errors": ["/payload: expected an object"]});
    assert_eq!((wrong.status.as_u16(), wrong.json()), (400, said));
    let stranger = post(&rig, "/hooks/pager", &[], &trigger("another", Some("k1"))).await;
    assert_eq!(stranger.status.as_u16(), 401);
    let elsewhere = post(&rig, "/hooks/pager/v3/enqueue", &[], &trigger("R0UT1NG", Some("k1"))).await;
    assert_eq!(elsewhere.status.as_u16(), 404);
}

#[tokio::test]
async fn a_signature_must_hold_over_the_very_body() {
    let rig = rig().await;
    let body = r#"{"deployment":{"id":9,"sha":"abc","environment":"production"},"repository":{"name":"shop"}}"#;
    let mut mac = Hmac::<Sha256>::new_from_slice(b"code").unwrap();
    mac.update(body.as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = format!("sha256={hex}");
    let headers = [("x-github-event", "deployment"), ("x-hub-signature-256", signature.as_str())];
    let taken = post(&rig, "/hooks/code", &headers, body).await;
    assert_eq!((taken.status.as_u16(), taken.json()["changes"].clone()), (200, json!(1)));
    let again = post(&rig, "/hooks/code", &headers, body).await;
    assert_eq!(again.json()["changes"], 0, "the same report twice is one change");
    assert_eq!(post(&rig, "/hooks/code", &headers, &body.replace("abc", "abd")).await.status.as_u16(), 401);
    assert_eq!(post(&rig, "/hooks/code", &headers[..1], body).await.status.as_u16(), 401);
    let bearer = format!("Bearer {WEBHOOK}");
    assert_eq!(post(&rig, "/hooks/code", &[("authorization", &bearer), ("x-github-event", "deployment")], body).await.status.as_u16(), 401);
}

#[tokio::test]
async fn a_message_that_is_captured_is_worth_nothing_after_five_minutes() {
    let rig = rig().await;
    let body = r#"{"id":"d-1","title":"shop 4.2","service":"shop","state":"started"}"#;
    let seconds = rig.app.engine.now().as_micros() / 1_000_000;
    let signed = |seconds: i64| {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"own").unwrap();
        mac.update(format!("m1.{seconds}.{body}").as_bytes());
        format!("v1,{}", base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes()))
    };
    let send = async |seconds: i64| {
        let (stamp, signature) = (seconds.to_string(), signed(seconds));
        let headers = [("webhook-id", "m1"), ("webhook-timestamp", stamp.as_str()), ("webhook-signature", signature.as_str())];
        post(&rig, "/hooks/own", &headers, body).await.status.as_u16()
    };
    assert_eq!(send(seconds).await, 200);
    assert_eq!(send(seconds - 400).await, 401);
    assert_eq!(send(seconds + 400).await, 401);
}

#[tokio::test]
async fn whoever_shows_nothing_is_refused_unless_the_estate_says_otherwise() {
    let rig = rig().await;
    let alert = r#"[{"labels":{"alertname":"Down","service":"shop","severity":"critical"}}]"#;
    let bearer = format!("Bearer {WEBHOOK}");
    for path in
        ["/hooks/metrics", "/hooks/metrics/api/v2/alerts", "/hooks/alertmanager", "/hooks/nowhere", "/hooks/forgotten", "/hooks/aws"]
    {
        assert_eq!(post(&rig, path, &[], alert).await.status.as_u16(), 401, "{path}");
    }
    let forgotten = post(&rig, "/hooks/forgotten", &[("authorization", "Bearer ")], alert).await;
    assert_eq!(forgotten.status.as_u16(), 401, "a secret that is not there opens nothing");
    let taken = post(&rig, "/hooks/metrics/api/v2/alerts", &[("authorization", &bearer)], alert).await;
    assert_eq!((taken.status.as_u16(), taken.json()["new"].clone()), (200, json!(1)));
    let open = post(&rig, "/hooks/open", &[], r#"{"alert_type":"ALERT_FAILURE","check_id":"c","check_name":"shop"}"#).await;
    assert_eq!(open.status.as_u16(), 200);
    let cookie = rig.sign_in("alice").await;
    assert_eq!(post(&rig, "/hooks/metrics", &[("cookie", &cookie), ("sec-fetch-site", "same-origin")], alert).await.status.as_u16(), 401);
}

#[tokio::test]
async fn a_topic_that_nobody_named_is_neither_confirmed_nor_heard() {
    let rig = rig().await;
    let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("any:aws"));
    let headers = [("authorization", basic.as_str()), ("content-type", "text/plain; charset=UTF-8")];
    let ask = json!({"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:eu-central-1:2:other", "SubscribeURL": "https://sns.eu-central-1.amazonaws.com/?x"});
    let reply = post(&rig, "/hooks/aws", &headers, &ask.to_string()).await;
    assert_eq!(reply.status.as_u16(), 200);
    assert!(reply.json()["ignored"].as_str().unwrap().contains("not among the source's topics"), "{}", reply.text);
    let inside = json!({"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:eu-central-1:1:alarms", "SubscribeURL": "https://127.0.0.1/latest/meta-data"});
    let refused = post(&rig, "/hooks/aws", &headers, &inside.to_string()).await;
    assert_eq!((refused.status.as_u16(), refused.json()["detail"].clone()), (422, json!("the address to confirm at is not one of SNS")));
    let alarm = |topic: &str| {
        json!({"Type": "Notification", "TopicArn": topic, "Message": json!({"AlarmName": "a", "NewStateValue": "ALARM"}).to_string()})
            .to_string()
    };
    assert_eq!(post(&rig, "/hooks/aws", &headers, &alarm("arn:aws:sns:eu-central-1:2:other")).await.status.as_u16(), 422);
    assert_eq!(post(&rig, "/hooks/aws", &headers, &alarm("arn:aws:sns:eu-central-1:1:alarms")).await.json()["new"], 1);
}

#[tokio::test]
async fn a_person_joins_and_splits_and_a_machine_does_not() {
    let rig = rig().await;
    let (one, other) = (rig.incident("one").await, rig.incident("other").await);
    let token = rig.operator_token("alice");
    let merge = |reason: &str| json!({"into": one.to_string(), "reason": reason});
    let path = format!("/api/v1/incidents/{other}/merge");
    assert_eq!(rig.bearer(crate::rig::AGENT, Method::POST, &path, Some(&merge("the same"))).await.status.as_u16(), 403);
    assert_eq!(rig.bearer(&token, Method::POST, &path, Some(&merge(" "))).await.json()["code"], "unreasoned");
    let whole = rig.bearer(&token, Method::POST, &path, Some(&merge("the same disk"))).await.json();
    assert_eq!(whole["signals"].as_object().unwrap().len(), 2);
    assert_eq!(rig.bearer(&token, Method::POST, &path, Some(&merge("again"))).await.json()["code"], "incident_merged");
    let signal = whole["signals"].as_object().unwrap().values().next().unwrap()["id"].clone();
    let split = format!("/api/v1/incidents/{one}/split");
    let apart = rig.bearer(&token, Method::POST, &split, Some(&json!({"signals": [signal], "reason": "another disk"}))).await;
    assert_eq!((apart.status.as_u16(), apart.json()["apart"].clone()), (200, json!([one.to_string()])));
    let room: Value = rig.bearer(&token, Method::GET, &format!("/api/v1/incidents/{one}/room"), None).await.json();
    let kinds: Vec<&str> = room["timeline"].as_array().unwrap().iter().map(|moment| moment["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["incident.opened/1", "incident.absorbed/1", "incident.split/1"]);
}
