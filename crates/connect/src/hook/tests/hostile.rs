//! Bytes that nobody meant: no reader panics, and whatever comes out is bounded and harmless.

use lineclear_core::signal::{LABEL_MAX, LABELS_MAX, SourceKind};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Headers, Heard, presets, read};
use super::now;
use crate::alertmanager::{FINGERPRINT_MAX, SEVERITY_MAX, TITLE_MAX};
use crate::text::is_plain;

/// A body that each kind reads, to be bent.
fn good(kind: SourceKind) -> Value {
    match kind {
        SourceKind::Alertmanager => {
            json!({"version": "4", "groupKey": "g", "alerts": [{"status": "firing", "startsAt": "2026-11-22T02:14:07Z", "labels": {"alertname": "Down"}}]})
        }
        SourceKind::Prometheus => json!([{"labels": {"alertname": "Down", "job": "x"}, "startsAt": "2026-11-22T02:14:07Z"}]),
        SourceKind::Pagerduty => {
            json!({"event_action": "trigger", "dedup_key": "k", "payload": {"summary": "s", "source": "a", "severity": "error", "custom_details": {"a": 1}}})
        }
        SourceKind::Grafana => json!({"title": "t", "ruleId": 1, "state": "alerting", "labels": {"a": "b"}}),
        SourceKind::Datadog => json!({"title": "[P1] t", "tags": ["service:x", "a"], "scopes": ["h"], "date": "1795593600000"}),
        SourceKind::Cloudwatch => {
            json!({"AlarmName": "a", "NewStateValue": "ALARM", "Trigger": {"Dimensions": [{"name": "n", "value": "v"}]}})
        }
        SourceKind::Sentry => {
            json!({"id": "1", "level": "error", "message": "m", "project": "p", "event": {"tags": [["a", "b"]], "timestamp": 1.5}})
        }
        SourceKind::Checkly => json!({"alert_type": "ALERT_FAILURE", "check_id": "c", "check_name": "n", "tags": "a:b"}),
        SourceKind::Cloudevents => json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": {"labels": {"a": "b"}}}),
        SourceKind::Gitlab => {
            json!({"object_kind": "push", "ref": "refs/heads/main", "after": "a", "project": {"default_branch": "main", "name": "p"}, "commits": [{"title": "t"}]})
        }
        SourceKind::Argocd => json!({"app": {"metadata": {"name": "a"}, "status": {"operationState": {"phase": "Running"}}}}),
        SourceKind::Netbox => json!({"event": "created", "model": "m", "data": {"id": 1}}),
        SourceKind::Deployment => json!({"id": "1", "title": "t", "state": "started"}),
        SourceKind::Github => {
            json!({"ref": "refs/heads/main", "after": "a", "repository": {"name": "r", "default_branch": "main"}, "head_commit": {"message": "m"}})
        }
        SourceKind::Coralogix => json!({"alert_id": "a", "name": "n", "fields": [{"key": "severity", "value": "ERROR"}]}),
        SourceKind::Dash0 => {
            json!({"data": {"issue": {"issueIdentifier": "i", "labels": [{"key": "service.name", "value": {"stringValue": "s"}}]}}})
        }
        SourceKind::Axiom => json!({"action": "Open", "event": {"monitorID": "m", "timestamp": "2025-02-15 14:59:03 +0000 UTC"}}),
        SourceKind::Checkmk => json!({"host": "h", "summary": "s", "status": "DOWN"}),
        SourceKind::Gcp => json!({"incident": {"incident_id": "i", "started_at": 5}}),
        SourceKind::Graylog => json!({"event_definition_id": "e", "event": {"priority": 2}}),
        SourceKind::Librenms => json!({"device_id": 1, "rule_id": 2, "state": 1}),
        SourceKind::Signalfx => json!({"incidentId": "i", "severity": "Major"}),
        SourceKind::Thousandeyes => json!([{"alert": {"alertId": 1}, "eventType": "x"}]),
        SourceKind::Wazuh => json!({"rule": {"id": "1", "level": 12}}),
        SourceKind::Json => json!({}),
    }
}

fn check_bounded(kind: SourceKind, body: &[u8]) -> Result<(), TestCaseError> {
    let headers = [("x-github-event", "push")];
    let Ok(heard) = read("src", kind, Some(&presets::preset(SourceKind::Wazuh)), Headers::new(&headers), body, now()) else {
        return Ok(());
    };
    match heard {
        Heard::Signals(signals) => {
            for signal in signals {
                let maps = || signal.labels.iter().chain(&signal.annotations).flat_map(|(name, value)| [name, value]);
                prop_assert!(maps().all(|text| is_plain(&text.replace('\n', " "), LABEL_MAX)));
                prop_assert!(signal.labels.len() <= LABELS_MAX && maps().map(String::len).sum::<usize>() <= 64 * 1024 + 8 * LABEL_MAX);
                prop_assert!(is_plain(&signal.fingerprint, FINGERPRINT_MAX) && !signal.fingerprint.is_empty());
                prop_assert!(is_plain(&signal.group, LABEL_MAX) && is_plain(&signal.title, TITLE_MAX));
                prop_assert!(is_plain(&signal.stated_severity, SEVERITY_MAX));
                prop_assert!(signal.service.iter().all(|service| is_plain(service, TITLE_MAX)));
                prop_assert!((0..1 << 53).contains(&signal.starts.as_micros()));
            }
        }
        Heard::Reports(reports) => {
            for report in reports {
                let texts = [&report.service, &report.environment, &report.revision, &report.author];
                prop_assert!(texts.into_iter().flatten().chain([&report.title]).all(|text| is_plain(text, TITLE_MAX)));
                prop_assert!(is_plain(&report.fingerprint, FINGERPRINT_MAX));
                prop_assert!(report.link.iter().all(|link| link.starts_with("http")));
            }
        }
        Heard::Nothing(_) | Heard::Confirm { .. } => {}
    }
    Ok(())
}

/// Every text and number in a value replaced, one after the other.
fn bend(value: &mut Value, at: &mut usize, with: &Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(|value| bend(value, at, with)),
        Value::Array(items) => items.iter_mut().for_each(|value| bend(value, at, with)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            if *at == 0 {
                *value = with.clone();
            }
            *at = at.wrapping_sub(1);
        }
    }
}

#[test]
fn each_kind_reads_the_body_that_is_bent_below() {
    for (_, kind) in SourceKind::ALL {
        let mapping = presets::preset(SourceKind::Wazuh);
        let body = if *kind == SourceKind::Json { json!({"message": "m"}) } else { good(*kind) }.to_string();
        let heard = read(
            "src",
            *kind,
            Some(&mapping).filter(|_| *kind == SourceKind::Json),
            Headers::new(&[("x-github-event", "push")]),
            body.as_bytes(),
            now(),
        );
        assert!(matches!(heard, Ok(Heard::Signals(_) | Heard::Reports(_))), "{kind}: {heard:?}");
    }
}

#[test]
fn a_body_over_its_bounds_is_refused() {
    let many = json!(vec![json!({"labels": {"a": "b"}}); 1_001]).to_string();
    let refused = read("src", SourceKind::Prometheus, None, Headers::new(&[]), many.as_bytes(), now());
    assert_eq!(refused.unwrap_err().to_string(), "/alerts: 1001 alerts, at most 1000 are read");
    let large = vec![b' '; (1 << 20) + 1];
    for (_, kind) in SourceKind::ALL {
        let refused = read("src", *kind, None, Headers::new(&[]), &large, now());
        assert_eq!(refused.unwrap_err().to_string(), "the body has 1048577 bytes, at most 1048576 are read", "{kind}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(body in proptest::collection::vec(any::<u8>(), 0..300), at in any::<proptest::sample::Index>()) {
        let (_, kind) = SourceKind::ALL[at.index(SourceKind::ALL.len())];
        check_bounded(kind, &body)?;
    }

    #[test]
    fn any_text_in_any_place_comes_out_bounded(text in any::<String>(), number in any::<f64>(), at in 0_usize..12, whole in any::<bool>()) {
        let with = if whole { json!(text) } else { json!(number) };
        for (_, kind) in SourceKind::ALL {
            let mut body = good(*kind);
            bend(&mut body, &mut at.clone(), &with);
            check_bounded(*kind, body.to_string().as_bytes())?;
        }
    }
}
