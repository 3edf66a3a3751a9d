//! The schema of `slos/*.yaml`: what is read of OpenSLO v1.

use serde_json::{Value, json};

use crate::schema::form::{any, flag, list, measure, name, object, one_of, text, words};
use crate::slo::{DESCRIPTION_MAX, TITLE_MAX, VERSION};

pub(super) fn slos() -> Value {
    let document = |kinds: &[&str], spec: Value| {
        let members = [("apiVersion", json!({ "const": VERSION })), ("kind", words(kinds)), ("metadata", metadata()), ("spec", spec)];
        object("an object", &["apiVersion", "kind", "metadata", "spec"], &members)
    };
    let service = object("the service's `spec`", &[], &[("description", text(DESCRIPTION_MAX))]);
    one_of(vec![
        document(&["SLO"], slo()),
        document(&["SLI"], sli()),
        document(&["Service"], service),
        document(&["AlertPolicy", "AlertCondition", "AlertNotificationTarget"], any()),
    ])
}

fn metadata() -> Value {
    object("`metadata`", &["name"], &[("name", name()), ("displayName", text(TITLE_MAX)), ("labels", any()), ("annotations", any())])
}

fn length() -> Value {
    json!({ "type": "string", "pattern": "^[1-9][0-9]*[mhdwMQY]$" })
}

fn slo() -> Value {
    let calendar = object("a calendar", &["startTime", "timeZone"], &[("startTime", text(19)), ("timeZone", text(64))]);
    let window = object("a time window", &["duration"], &[("duration", length()), ("isRolling", flag()), ("calendar", calendar)]);
    let indicator = object("the indicator", &["spec"], &[("metadata", metadata()), ("spec", sli())]);
    let policy = object("an alert policy", &["alertPolicyRef"], &[("alertPolicyRef", text(TITLE_MAX))]);
    let goal = object(
        "a goal",
        &[],
        &[
            ("displayName", text(TITLE_MAX)),
            ("target", measure()),
            ("targetPercent", measure()),
            ("op", words(&["lte", "gte", "lt", "gt"])),
            ("value", measure()),
            ("timeSliceTarget", measure()),
            ("timeSliceWindow", json!({ "anyOf": [length(), { "type": "integer", "minimum": 1 }] })),
        ],
    );
    let mut windows = list(window, 1);
    if let Some(members) = windows.as_object_mut() {
        members.insert("maxItems".into(), 1.into());
    }
    object(
        "the objective's `spec`",
        &["service", "timeWindow", "budgetingMethod", "objectives"],
        &[
            ("description", text(DESCRIPTION_MAX)),
            ("service", name()),
            ("indicator", indicator),
            ("indicatorRef", name()),
            ("timeWindow", windows),
            ("budgetingMethod", words(&["Occurrences", "Timeslices", "RatioTimeslices"])),
            ("objectives", list(goal, 1)),
            ("alertPolicies", list(json!({ "anyOf": [text(TITLE_MAX), policy] }), 0)),
        ],
    )
}

fn sli() -> Value {
    let source = || {
        let spec = object("the metric source's `spec`", &["query"], &[("query", text(2_000))]);
        let kind = words(&["Prometheus", "prometheus"]);
        let source = object("a metric source", &["spec"], &[("metricSourceRef", text(TITLE_MAX)), ("type", kind), ("spec", spec)]);
        object("a metric", &["metricSource"], &[("metricSource", source)])
    };
    let ratio = [
        ("counter", flag()),
        ("good", source()),
        ("bad", source()),
        ("total", source()),
        ("raw", source()),
        ("rawType", words(&["success", "failure"])),
    ];
    object(
        "the indicator's `spec`",
        &[],
        &[("description", text(DESCRIPTION_MAX)), ("ratioMetric", object("a ratio", &[], &ratio)), ("thresholdMetric", source())],
    )
}
