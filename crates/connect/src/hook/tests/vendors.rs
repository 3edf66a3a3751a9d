//! Payloads of seventeen vendors, collected by others: each is read, with the severity, service and state that a person
//! reads out of it. The file lies beside the repository and not in it; without it the suite says that it checked nothing.

use serde_json::{Value, json};

use super::super::{Headers, Heard, read};
use super::{now, told};
use lineclear_core::signal::SourceKind;

/// Vendor, name of the mock where it has several, and what a person reads out of it: state, severity, service.
const EXPECTED: &[(&str, &str, &str)] = &[
    ("axiom", "", "firing 3 -"),
    ("checkly", "", "over 3 API Check #1"),
    ("checkmk", "", "over 5 server1"),
    ("cloudwatch", "high_cpu_usage", "firing 3 -"),
    ("cloudwatch", "high_memory_usage", "firing 2 -"),
    ("cloudwatch", "high_error_rate", "firing 1 -"),
    ("coralogix", "", "firing 3 -"),
    ("dash0", "", "over 3 my-first-observable-service"),
    ("datadog", "high_cpu_usage", "firing 3 -"),
    ("datadog", "low_disk_space", "firing 4 -"),
    ("datadog", "mq_consumer_struggling", "firing 4 -"),
    ("gcpmonitoring", "5XX_errors_production", "firing 2 Production Web Cluster"),
    ("gcpmonitoring", "high_memory_usage", "firing 4 Production Web Server 1"),
    ("gcpmonitoring", "database_latency", "firing 4 Production MySQL Main"),
    ("grafana", "HighMemoryConsumption", "firing 4 -"),
    ("grafana", "NetworkLatencyIsHigh", "firing 5 -"),
    ("graylog", "", "firing 2 server"),
    ("libre_nms", "", "over 5 node"),
    ("netbox", "", "change Test"),
    ("prometheus", "HighCPUUsage", "firing 2 example2"),
    ("prometheus", "MQThirdFull (Message queue is over 33%)", "firing 4 -"),
    ("prometheus", "MQFull (Message queue is full)", "firing 2 -"),
    ("prometheus", "DiskSpaceLow", "firing 4 -"),
    ("prometheus", "NetworkLatencyHigh", "firing 5 -"),
    ("sentry", "browser_timeout", "firing 3 frontend-app"),
    ("sentry", "server_overload", "firing 3 frontend-app"),
    ("sentry", "database_timeout", "firing 3 frontend-app"),
    ("signalfx", "simulate", "firing 2 -"),
    ("thousandeyes", "", "firing 5 te; over 5 https://pdf.ezhil.dev - HTTP Server"),
    ("wazuh", "", "firing 5 -"),
];

fn kind(vendor: &str) -> SourceKind {
    let word = match vendor {
        "gcpmonitoring" => "gcp",
        "libre_nms" => "librenms",
        other => other,
    };
    SourceKind::ALL.iter().find(|(known, _)| *known == word).unwrap().1
}

fn says(vendor: &str, body: &Value) -> String {
    match read(vendor, kind(vendor), None, Headers::new(&[]), body.to_string().as_bytes(), now()) {
        Ok(Heard::Signals(signals)) => signals.iter().map(told).collect::<Vec<_>>().join("; "),
        Ok(Heard::Reports(reports)) => {
            reports.iter().map(|report| format!("change {}", report.service.as_deref().unwrap_or("-"))).collect()
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn payloads_of_seventeen_vendors_are_read_with_severity_service_and_state() {
    let folder = std::env::var_os("LINECLEAR_SHARED_DATA")
        .map_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), std::path::PathBuf::from);
    let Ok(bytes) = std::fs::read(folder.join("keep_provider_mocks.json")) else {
        eprintln!("not checked: the vendors' payloads are not there (set LINECLEAR_SHARED_DATA to their folder)");
        return;
    };
    let all: Value = serde_json::from_slice(&bytes).unwrap();
    let mut read_of = std::collections::BTreeSet::new();
    for (vendor, name, expected) in EXPECTED {
        let mock = &all[vendor];
        let body = if name.is_empty() { mock } else { &mock[name]["payload"] };
        assert!(!body.is_null(), "{vendor} {name} is not in the file");
        assert_eq!(says(vendor, body), *expected, "{vendor} {name}");
        read_of.insert(*vendor);
    }
    let vendors: std::collections::BTreeSet<&str> = all.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(read_of, vendors, "no vendor of the file is left out");
}

#[test]
fn what_such_payloads_are_filled_with_is_found() {
    let datadog = json!({"title": "High CPU Usage", "tags": "environment:production,team:backend,monitor,service:api", "priority": "P3", "monitor_id": "1"});
    assert_eq!(says("datadog", &datadog), "firing 3 api");
    let cloudwatch = json!({"Message": {"AlarmName": "HighCPUUsage", "Priority": "P3", "Application": "mailing-app"}});
    assert_eq!(says("cloudwatch", &cloudwatch), "firing 3 mailing-app");
    let prometheus = json!({"summary": "s", "labels": {"severity": "critical", "service": "payments"}});
    assert_eq!(says("prometheus", &prometheus), "firing 2 payments");
}
