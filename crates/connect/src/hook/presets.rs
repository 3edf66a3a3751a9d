//! Mappings for products whose bodies are plain JSON: where each says what it is about and how bad it is.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::incident::Severity;
use lineclear_core::signal::{Mapping, Pointer, SourceKind};

/// The mapping of a product; an empty one for kinds that have a reader of their own.
pub(super) fn preset(kind: SourceKind) -> Mapping {
    match kind {
        SourceKind::Axiom => axiom(),
        SourceKind::Checkmk => checkmk(),
        SourceKind::Coralogix => coralogix(),
        SourceKind::Dash0 => dash0(),
        SourceKind::Gcp => gcp(),
        SourceKind::Graylog => graylog(),
        SourceKind::Librenms => librenms(),
        SourceKind::Signalfx => signalfx(),
        SourceKind::Thousandeyes => thousandeyes(),
        SourceKind::Wazuh => wazuh(),
        SourceKind::Alertmanager
        | SourceKind::Prometheus
        | SourceKind::Pagerduty
        | SourceKind::Grafana
        | SourceKind::Datadog
        | SourceKind::Cloudwatch
        | SourceKind::Sentry
        | SourceKind::Checkly
        | SourceKind::Cloudevents
        | SourceKind::Json
        | SourceKind::Github
        | SourceKind::Gitlab
        | SourceKind::Argocd
        | SourceKind::Netbox
        | SourceKind::Deployment => Mapping::default(),
    }
}

/// Places; each is written here and covered by a test that every one parses.
fn at(places: &[&str]) -> Vec<Pointer> {
    places.iter().filter_map(|place| place.parse().ok()).collect()
}

fn named(pairs: &[(&str, &str)]) -> BTreeMap<String, Pointer> {
    pairs.iter().filter_map(|(name, place)| Some(((*name).to_owned(), place.parse().ok()?))).collect()
}

fn words(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn levels(list: &[(&str, u8)]) -> BTreeMap<String, Severity> {
    list.iter().filter_map(|(word, number)| Some(((*word).to_owned(), Severity::try_from(*number).ok()?))).collect()
}

fn axiom() -> Mapping {
    Mapping {
        fingerprint: at(&["/event/monitorID"]),
        title: at(&["/event/title"]),
        service: at(&["/event/matchedEvent/service", "/event/matchedEvent/service.name"]),
        state: at(&["/action"]),
        resolved: words(&["close", "closed", "resolved"]),
        starts: at(&["/event/timestamp"]),
        annotations: named(&[("body", "/event/body"), ("description", "/event/description")]),
        ..Mapping::default()
    }
}

fn checkmk() -> Mapping {
    Mapping {
        fingerprint: at(&["/site", "/host", "/service"]),
        group: at(&["/host"]),
        title: at(&["/summary", "/output"]),
        service: at(&["/service", "/host"]),
        severity: at(&["/severity", "/status"]),
        severities: levels(&[
            ("ok", 5),
            ("up", 5),
            ("warn", 4),
            ("warning", 4),
            ("unknown", 3),
            ("unreachable", 3),
            ("crit", 2),
            ("critical", 2),
            ("down", 2),
        ]),
        state: at(&["/status", "/severity"]),
        resolved: words(&["up", "ok"]),
        labels: named(&[("host", "/host"), ("address", "/address"), ("site", "/site"), ("check_command", "/check_command")]),
        annotations: named(&[("output", "/output"), ("long_output", "/long_output"), ("event", "/event")]),
        ..Mapping::default()
    }
}

fn coralogix() -> Mapping {
    Mapping {
        fingerprint: at(&["/fields/{key=dedupKey}/value", "/alert_id"]),
        group: at(&["/alert_id"]),
        title: at(&["/name"]),
        service: at(&["/service", "/fields/{key=subsystem}/value", "/fields/{key=application}/value"]),
        severity: at(&["/fields/{key=severity}/value", "/fields/{key=priority}/value"]),
        severities: levels(&[
            ("critical", 2),
            ("error", 3),
            ("warning", 4),
            ("info", 5),
            ("verbose", 5),
            ("p1", 2),
            ("p2", 3),
            ("p3", 4),
            ("p4", 5),
            ("p5", 5),
        ]),
        state: at(&["/alert_action"]),
        resolved: words(&["resolve", "resolved"]),
        starts: at(&["/fields/{key=timestampISO}/value", "/fields/{key=timestampMs}/value"]),
        labels: named(&[
            ("team", "/fields/{key=team}/value"),
            ("priority", "/fields/{key=priority}/value"),
            ("computer", "/fields/{key=computer}/value"),
        ]),
        annotations: named(&[("description", "/description"), ("link", "/alert_url"), ("text", "/fields/{key=text}/value")]),
        ..Mapping::default()
    }
}

fn dash0() -> Mapping {
    Mapping {
        fingerprint: at(&["/data/issue/issueIdentifier"]),
        title: at(&["/data/issue/summary", "/data/issue/checkrules/0/name"]),
        service: at(&[
            "/data/issue/labels/{key=service.name}/value/stringValue",
            "/data/issue/labels/{key=dash0.resource.name}/value/stringValue",
        ]),
        severity: at(&["/data/issue/status"]),
        severities: levels(&[("critical", 2), ("failed", 2), ("degraded", 4)]),
        state: at(&["/data/issue/status"]),
        resolved: words(&["resolved"]),
        starts: at(&["/data/issue/start"]),
        labels: named(&[("dataset", "/data/issue/dataset"), ("rule", "/data/issue/checkrules/0/name")]),
        annotations: named(&[("description", "/data/issue/description"), ("link", "/data/issue/url")]),
        ..Mapping::default()
    }
}

fn gcp() -> Mapping {
    Mapping {
        fingerprint: at(&["/incident/incident_id"]),
        group: at(&["/incident/policy_name"]),
        title: at(&["/incident/summary", "/incident/documentation/subject", "/incident/condition_name"]),
        service: at(&[
            "/incident/metadata/user_labels/service",
            "/incident/resource/labels/service_name",
            "/incident/resource_display_name",
            "/incident/resource_name",
        ]),
        severity: at(&["/incident/severity", "/incident/metadata/system_labels/severity"]),
        severities: levels(&[("critical", 2), ("error", 3), ("warning", 4)]),
        state: at(&["/incident/state"]),
        resolved: words(&["closed"]),
        starts: at(&["/incident/started_at"]),
        labels: named(&[
            ("project", "/incident/scoping_project_id"),
            ("host", "/incident/resource/labels/instance_id"),
            ("database", "/incident/resource/labels/database_id"),
            ("resource_type", "/incident/resource/type"),
            ("environment", "/incident/metadata/user_labels/environment"),
            ("condition", "/incident/condition_name"),
        ]),
        annotations: named(&[
            ("link", "/incident/url"),
            ("observed", "/incident/observed_value"),
            ("documentation", "/incident/documentation/content"),
        ]),
        ..Mapping::default()
    }
}

fn graylog() -> Mapping {
    Mapping {
        fingerprint: at(&["/event_definition_id", "/event/key"]),
        group: at(&["/event_definition_id"]),
        title: at(&["/event_definition_title", "/event/message"]),
        service: at(&["/event/fields/service", "/event/source"]),
        // Graylog counts upwards: 1 is low, 2 normal, 3 high, 4 critical.
        severity: at(&["/event/priority"]),
        severities: levels(&[("1", 4), ("2", 3), ("3", 2), ("4", 1)]),
        starts: at(&["/event/timestamp"]),
        labels: named(&[("host", "/event/source"), ("event_type", "/event_definition_type"), ("key", "/event/key")]),
        annotations: named(&[("message", "/event/message"), ("description", "/event_definition_description")]),
        ..Mapping::default()
    }
}

fn librenms() -> Mapping {
    Mapping {
        fingerprint: at(&["/device_id", "/rule_id"]),
        group: at(&["/rule_id"]),
        title: at(&["/title"]),
        service: at(&["/sysName", "/hostname"]),
        severity: at(&["/severity"]),
        severities: levels(&[("ok", 5), ("warning", 4), ("critical", 2)]),
        // 0 is over, 1 is an alert, 2 is acknowledged there, 3 is worse and 4 is better.
        state: at(&["/state"]),
        resolved: words(&["0"]),
        labels: named(&[("host", "/hostname"), ("rule", "/name"), ("os", "/os"), ("location", "/location")]),
        annotations: named(&[("message", "/msg"), ("elapsed", "/elapsed")]),
        ..Mapping::default()
    }
}

fn signalfx() -> Mapping {
    Mapping {
        fingerprint: at(&["/incidentId"]),
        group: at(&["/detectorId", "/detectorUrl"]),
        title: at(&["/messageTitle", "/rule", "/originatingMetric"]),
        service: at(&["/dimensions/service", "/dimensions/sf_service", "/dimensions/service.name"]),
        severity: at(&["/severity"]),
        severities: levels(&[("critical", 2), ("major", 3), ("minor", 4), ("warning", 4), ("info", 5)]),
        state: at(&["/statusExtended", "/status"]),
        resolved: words(&["ok", "manually resolved", "auto resolved", "stopped"]),
        starts: at(&["/timestampISO8601", "/timestamp"]),
        labels: named(&[("host", "/dimensions/host"), ("metric", "/originatingMetric"), ("detector", "/detector")]),
        annotations: named(&[("message", "/messageBody"), ("link", "/detectorUrl"), ("runbook", "/runbookUrl")]),
        ..Mapping::default()
    }
}

fn thousandeyes() -> Mapping {
    Mapping {
        fingerprint: at(&["/alert/alertId"]),
        group: at(&["/alert/ruleId"]),
        title: at(&["/alert/ruleName", "/alert/testName"]),
        service: at(&["/alert/testName", "/alert/agentName", "/alert/hostname"]),
        severity: at(&["/alert/severity"]),
        severities: levels(&[("critical", 2), ("major", 3), ("minor", 4), ("info", 5)]),
        state: at(&["/eventType"]),
        resolved: words(&["alert_notification_clear"]),
        starts: at(&["/alert/dateStartZoned"]),
        labels: named(&[("host", "/alert/hostname"), ("type", "/alert/type"), ("rule", "/alert/ruleName")]),
        annotations: named(&[("expression", "/alert/ruleExpression"), ("link", "/alert/permalink")]),
        ..Mapping::default()
    }
}

fn wazuh() -> Mapping {
    Mapping {
        fingerprint: at(&["/rule/id", "/agent/id", "/message"]),
        title: at(&["/rule/description", "/message"]),
        service: at(&["/agent/name"]),
        // Wazuh's rule levels run from 0 to 16.
        severity: at(&["/severity", "/rule/level"]),
        severities: levels(&[
            ("info", 5),
            ("low", 4),
            ("medium", 4),
            ("high", 3),
            ("critical", 2),
            ("0", 5),
            ("1", 5),
            ("2", 5),
            ("3", 5),
            ("4", 5),
            ("5", 5),
            ("6", 5),
            ("7", 4),
            ("8", 4),
            ("9", 4),
            ("10", 4),
            ("11", 4),
            ("12", 3),
            ("13", 3),
            ("14", 2),
            ("15", 2),
            ("16", 1),
        ]),
        starts: at(&["/timestamp", "/created_at"]),
        labels: named(&[("host", "/agent/name"), ("rule", "/rule/id"), ("location", "/location")]),
        annotations: named(&[("description", "/description"), ("log", "/full_log")]),
        ..Mapping::default()
    }
}
