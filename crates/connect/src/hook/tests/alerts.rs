//! Alerts of each sender, in bodies written here after its manual.

use super::{Heard, check_refused, heard, heard_with, one, signals, told};
use lineclear_core::signal::{Mapping, Signal, SourceKind};

use crate::hook::{Headers, is_sns, read};

#[test]
fn what_a_pagerduty_sender_posts_fires_and_resolves_under_one_key() {
    let trigger = r#"{"routing_key":"r","event_action":"trigger","dedup_key":"disk/7","client":"Nagios","client_url":"https://nagios.example.test/7",
        "payload":{"summary":"Disk of db-7 is full","source":"db-7.example.test","severity":"critical","timestamp":"2026-11-25T07:59:00Z",
        "component":"shop-db","group":"databases","class":"disk","custom_details":{"free":"1 %","mount":"/var"}},"links":[{"href":"https://x.example.test","text":"x"}]}"#;
    let firing = one(SourceKind::Pagerduty, trigger);
    assert_eq!((told(&firing).as_str(), firing.fingerprint.as_str(), firing.group.as_str()), ("firing 2 shop-db", "disk/7", "databases"));
    assert_eq!((firing.labels["host"].as_str(), firing.labels["mount"].as_str()), ("db-7.example.test", "/var"));
    let over = one(SourceKind::Pagerduty, r#"{"routing_key":"r","event_action":"resolve","dedup_key":"disk/7"}"#);
    assert_eq!((over.fingerprint.as_str(), told(&over).starts_with("over")), ("disk/7", true));
    let taken = heard(SourceKind::Pagerduty, r#"{"routing_key":"r","event_action":"acknowledge","dedup_key":"disk/7"}"#).unwrap();
    assert_eq!(taken, Heard::Nothing("a person takes an incident here"));
}

#[test]
fn what_pagerduty_would_refuse_is_refused_at_its_place() {
    let refused = |body: &str, expected: &str| check_refused(SourceKind::Pagerduty, &[], body, expected);
    refused(r#"{"event_action":"trigger"}"#, "/payload: expected an object");
    refused(
        r#"{"event_action":"trigger","payload":{"source":"a","severity":"info"}}"#,
        "/payload/summary: expected a text that says something",
    );
    refused(
        r#"{"event_action":"trigger","payload":{"summary":"s","source":"a","severity":"bad"}}"#,
        "/payload/severity: expected `critical`, `error`, `warning` or `info`",
    );
    refused(r#"{"event_action":"resolve"}"#, "/dedup_key: expected the key of what it is about");
    refused(r#"{"event_action":"snooze"}"#, "/event_action: expected `trigger`, `acknowledge` or `resolve`");
    refused("{}", "/event_action: expected a text that says something");
    let long = format!(r#"{{"event_action":"resolve","dedup_key":"{}"}}"#, "k".repeat(256));
    refused(&long, "/dedup_key: expected a text of at most 255 characters");
    refused(r#"{"event_action":"trigger","event_action":"resolve"}"#, "/event_action: given twice");
}

#[test]
fn an_alert_of_prometheus_is_over_when_its_end_has_passed() {
    let body = r#"[{"labels":{"alertname":"Slow","service":"shop","severity":"warning","instance":"web-1:9100"},"annotations":{"summary":"slow"},
        "startsAt":"2026-11-25T07:00:00Z","endsAt":"2026-11-25T08:04:00Z"},
        {"labels":{"alertname":"Slow","service":"shop","severity":"warning","instance":"web-2:9100"},"annotations":{"summary":"slow too"},
        "startsAt":"2026-11-25T07:00:00Z","endsAt":"2026-11-25T07:59:00Z"}]"#;
    let both = signals(SourceKind::Prometheus, body);
    assert_eq!(both.iter().map(told).collect::<Vec<_>>(), ["firing 4 shop", "over 4 shop"]);
    assert_ne!(both[0].fingerprint, both[1].fingerprint);
    assert_eq!(both[0].group, "Slow");
    check_refused(SourceKind::Prometheus, &[], r#"[{"labels":{}}]"#, "/0/labels: expected an object with at least one label");
}

#[test]
fn grafana_s_webhook_is_read_now_and_as_it_was_before_version_8() {
    let body = r#"{"receiver":"lineclear","status":"firing","orgId":1,"groupKey":"{}:{alertname=\"High\"}","version":"1","title":"t","state":"alerting",
        "alerts":[{"status":"firing","labels":{"alertname":"High","severity":"critical","service":"billing"},"annotations":{"summary":"errors are high"},
        "startsAt":"2026-11-25T07:00:00Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"57c6d9296de2ad39","values":{"A":97.5,"B":null}}]}"#;
    let now = one(SourceKind::Grafana, body);
    assert_eq!((told(&now).as_str(), now.source.as_str(), now.fingerprint.as_str()), ("firing 2 billing", "src", "57c6d9296de2ad39"));
    let before = r#"{"title":"[Alerting] CPU","ruleId":17,"ruleName":"CPU","state":"alerting","message":"too hot","tags":{"service":"api","severity":"warning"},"evalMatches":[{"value":99,"metric":"cpu"}]}"#;
    let firing = one(SourceKind::Grafana, before);
    let over = one(SourceKind::Grafana, &before.replace("alerting\"", "ok\""));
    assert_eq!((told(&firing).as_str(), told(&over).as_str(), &firing.fingerprint), ("firing 4 api", "over 4 api", &over.fingerprint));
    assert_eq!(firing.fingerprint, "17");
}

#[test]
fn datadog_s_variables_become_one_signal_that_recovers_under_its_monitor_and_scope() {
    let body = |transition: &str, title: &str| {
        format!(
            r#"{{"title":"{title}","message":"m","tags":"service:checkout,env:prod","priority":"P2","monitor_id":"42","alert_scope":"host:web-1",
            "alert_transition":"{transition}","hostname":"web-1","date":"1795593600000","link":"https://app.datadoghq.com/monitors/42"}}"#
        )
    };
    let firing = one(SourceKind::Datadog, &body("Triggered", "[P2] [Triggered] CPU is high"));
    let over = one(SourceKind::Datadog, &body("Recovered", "[P2] [Recovered] CPU is high"));
    assert_eq!((told(&firing).as_str(), told(&over).as_str()), ("firing 2 checkout", "over 2 checkout"));
    assert_eq!((&firing.fingerprint, firing.title.as_str()), (&over.fingerprint, "CPU is high"));
    assert_eq!(firing.starts.to_string(), "2026-11-25T08:00:00.000000Z");
    let warned = one(SourceKind::Datadog, r#"{"title":"[Warn] disk","alert_transition":"Warn","priority":"normal"}"#);
    assert_eq!(told(&warned), "firing 4 -");
    let unfilled = one(SourceKind::Datadog, r#"{"title":"x","priority":"$PRIORITY","hostname":"$HOSTNAME"}"#);
    assert!(!unfilled.labels.contains_key("host"), "a variable that was not filled in says nothing");
    check_refused(SourceKind::Datadog, &[], "[]", "the body: expected an object");
}

#[test]
fn an_alarm_comes_in_sns_envelope_raw_and_as_an_event() {
    let inner = r#"{"AlarmName":"cpu-high","AlarmDescription":"d","AWSAccountId":"123456789012","NewStateValue":"ALARM","NewStateReason":"r","StateChangeTime":"2026-11-25T07:59:00.000+0000","Region":"EU (Frankfurt)","AlarmArn":"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:cpu-high","OldStateValue":"OK","Trigger":{"MetricName":"CPUUtilization","Namespace":"AWS/RDS","Dimensions":[{"value":"shop-db","name":"DBInstanceIdentifier"}]}}"#;
    let envelope = |message: &str| {
        serde_json::json!({"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:eu-central-1:123456789012:alarms", "Message": message,
            "Timestamp": "2026-11-25T08:00:00.000Z", "SignatureVersion": "2", "Signature": "x", "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/c.pem"})
        .to_string()
    };
    let wrapped = one(SourceKind::Cloudwatch, &envelope(inner));
    let raw = one(SourceKind::Cloudwatch, inner);
    assert_eq!((&wrapped.fingerprint, told(&wrapped).as_str()), (&raw.fingerprint, "firing 3 -"));
    assert_eq!(wrapped.labels["dbinstanceidentifier"], "shop-db");
    assert_eq!(wrapped.starts.to_string(), "2026-11-25T07:59:00.000000Z");
    let over = one(SourceKind::Cloudwatch, &envelope(&inner.replace("\"ALARM\"", "\"OK\"")));
    assert_eq!((told(&over).as_str(), &over.fingerprint), ("over 3 -", &wrapped.fingerprint));
    let blind = heard(SourceKind::Cloudwatch, &inner.replace("\"ALARM\"", "\"INSUFFICIENT_DATA\"")).unwrap();
    assert_eq!(blind, Heard::Nothing("an alarm without data is no news"));
    let event = r#"{"source":"aws.cloudwatch","detail-type":"CloudWatch Alarm State Change","account":"1","region":"eu-central-1","time":"2026-11-25T08:00:00Z","resources":["arn:aws:cloudwatch:eu-central-1:1:alarm:q"],"detail":{"alarmName":"q","state":{"value":"ALARM","reason":"r","timestamp":"2026-11-25T07:59:59.000+0000"},"configuration":{"metrics":[{"metricStat":{"metric":{"name":"m","dimensions":{"ServiceName":"cart"}}}}]}}}"#;
    assert_eq!(told(&one(SourceKind::Cloudwatch, event)), "firing 3 cart");
    assert_eq!(heard(SourceKind::Cloudwatch, &envelope("hello")).unwrap(), Heard::Nothing("the topic's message is no alarm"));
}

#[test]
fn a_topic_that_asks_is_told_apart_and_only_sns_itself_could_be_asked_back() {
    let ask = r#"{"Type":"SubscriptionConfirmation","TopicArn":"arn:aws:sns:eu-central-1:1:alarms","Token":"t","SubscribeURL":"https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription"}"#;
    let Heard::Confirm { topic, url } = heard(SourceKind::Cloudwatch, ask).unwrap() else { panic!() };
    assert_eq!((topic.as_str(), is_sns(&url)), ("arn:aws:sns:eu-central-1:1:alarms", true));
    assert!(is_sns("https://sns.cn-north-1.amazonaws.com.cn/x"));
    for bad in [
        "http://sns.eu-central-1.amazonaws.com/",
        "https://sns.eu-central-1.amazonaws.com.evil.test/",
        "https://evil.test/?sns.eu-central-1.amazonaws.com",
        "https://sns.eu-central-1.amazonaws.com@evil.test/",
        "https://sns.eu-central-1.amazonaws.com:8443/",
        "https://169.254.169.254/",
        "https://sns..amazonaws.com/",
        "https://s3.eu-central-1.amazonaws.com/",
    ] {
        assert!(!is_sns(bad), "{bad}");
    }
}

#[test]
fn sentry_s_alerts_and_issues_meet_under_the_issue() {
    let event = r#"{"action":"triggered","actor":{"id":"sentry"},"data":{"triggered_rule":"many errors","event":{"event_id":"e1","issue_id":"77","title":"TypeError: x","level":"error","project":"checkout","datetime":"2026-11-25T07:59:00.000000Z","web_url":"https://sentry.io/x","tags":[["environment","production"]]}}}"#;
    let Heard::Signals(fired) = heard_with(SourceKind::Sentry, &[("sentry-hook-resource", "event_alert")], event).unwrap() else {
        panic!()
    };
    let fired = &fired[0];
    assert_eq!(
        (told(fired).as_str(), fired.fingerprint.as_str(), fired.labels["environment"].as_str()),
        ("firing 3 checkout", "issue/77", "production")
    );
    let resolved = r#"{"action":"resolved","data":{"issue":{"id":"77","title":"TypeError: x","level":"error","project":{"slug":"checkout","name":"Checkout"}}}}"#;
    let over = one(SourceKind::Sentry, resolved);
    assert_eq!((told(&over).as_str(), &over.fingerprint), ("over 3 checkout", &fired.fingerprint));
    assert_eq!(
        heard(SourceKind::Sentry, &resolved.replace("resolved", "assigned")).unwrap(),
        Heard::Nothing("this happening of an issue is no news")
    );
    let metric = r#"{"action":"critical","data":{"description_title":"Critical: slow","metric_alert":{"id":"5","alert_rule":{"name":"slow","projects":["shop"],"environment":"production"},"date_started":"2026-11-25T07:00:00Z"}}}"#;
    assert_eq!(told(&one(SourceKind::Sentry, metric)), "firing 2 shop");
    assert_eq!(told(&one(SourceKind::Sentry, &metric.replace("\"critical\"", "\"resolved\""))), "over 3 shop");
    let install = heard_with(SourceKind::Sentry, &[("sentry-hook-resource", "installation")], "{}").unwrap();
    assert_eq!(install, Heard::Nothing("this resource is not read"));
}

#[test]
fn checkly_s_failures_and_recoveries_meet_under_the_check() {
    let body = |kind: &str| {
        format!(
            r#"{{"event":"API of shop has failed","alert_type":"{kind}","check_name":"API of shop","check_id":"c1","group_name":"shop","started_at":"2026-11-25T07:59:00Z","tags":"env:prod,x"}}"#
        )
    };
    let all: Vec<Signal> = ["ALERT_FAILURE", "ALERT_DEGRADED", "ALERT_RECOVERY", "ALERT_SSL"]
        .iter()
        .map(|kind| one(SourceKind::Checkly, &body(kind)))
        .collect();
    assert_eq!(all.iter().map(told).collect::<Vec<_>>(), ["firing 2 shop", "firing 4 shop", "over 3 shop", "firing 4 shop"]);
    assert_eq!(all[0].fingerprint, all[2].fingerprint);
    assert_ne!(all[0].fingerprint, all[3].fingerprint, "a certificate is another thing");
}

#[test]
fn a_cloud_event_is_read_structured_binary_and_in_batches() {
    let event = r#"{"specversion":"1.0","id":"1","source":"/mon/eu","type":"com.example.disk.firing","subject":"db-7","time":"2026-11-25T07:59:00Z","data":{"title":"disk full","severity":"critical","service":"shop-db","labels":{"mount":"/var"}}}"#;
    let firing = one(SourceKind::Cloudevents, event);
    let over = one(SourceKind::Cloudevents, &event.replace("disk.firing", "disk.resolved"));
    assert_eq!(
        (told(&firing).as_str(), told(&over).as_str(), &firing.fingerprint),
        ("firing 2 shop-db", "over 2 shop-db", &over.fingerprint)
    );
    assert_eq!(signals(SourceKind::Cloudevents, &format!("[{event},{event}]")).len(), 2);
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/mon/eu"),
        ("ce-type", "com.example.disk.firing"),
        ("ce-subject", "db-7"),
    ];
    let Heard::Signals(binary) = heard_with(SourceKind::Cloudevents, &headers, r#"{"title":"disk full","severity":"critical"}"#).unwrap()
    else {
        panic!()
    };
    assert_eq!((told(&binary[0]).as_str(), &binary[0].fingerprint), ("firing 2 db-7", &firing.fingerprint));
    check_refused(
        SourceKind::Cloudevents,
        &[],
        r#"{"specversion":"0.3","id":"1","source":"s","type":"t"}"#,
        "/specversion: expected `1.0`",
    );
    check_refused(
        SourceKind::Cloudevents,
        &[],
        r#"{"specversion":"1.0","id":"1","type":"t"}"#,
        "/id: expected an id, and the source that gave it",
    );
}

#[test]
fn any_json_is_read_by_a_mapping() {
    let mapping: Mapping = serde_json::from_value(serde_json::json!({
        "items": "/problems", "fingerprint": ["/id"], "title": ["/what"], "service": ["/where/app"], "severity": ["/grade"],
        "severities": {"rot": 2}, "state": ["/open"], "resolved": ["false"], "starts": ["/since"], "labels": {"host": "/where/host"}
    }))
    .unwrap();
    let body = br#"{"problems":[{"id":7,"what":"down","where":{"app":"shop","host":"web-1"},"grade":"ROT","open":true,"since":1795593600},{"id":8,"what":"was down","open":false}]}"#;
    let Heard::Signals(all) = read("zx", SourceKind::Json, Some(&mapping), Headers::new(&[]), body, super::now()).unwrap() else {
        panic!()
    };
    assert_eq!(all.iter().map(told).collect::<Vec<_>>(), ["firing 2 shop", "over 3 -"]);
    assert_eq!((all[0].fingerprint.as_str(), all[0].labels["host"].as_str(), all[1].starts), ("7", "web-1", Signal::UNSTATED));
    let unknown = read("zx", SourceKind::Json, Some(&mapping), Headers::new(&[]), br#"{"problems":[{}]}"#, super::now());
    assert_eq!(unknown.unwrap_err().to_string(), "/0/id: expected what makes it the same thing");
    let nothing = read("zx", SourceKind::Json, Some(&mapping), Headers::new(&[]), b"{}", super::now());
    assert_eq!(nothing.unwrap_err().to_string(), "/problems: expected a list of alerts");
}
