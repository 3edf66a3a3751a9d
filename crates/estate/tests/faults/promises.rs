//! Mistakes in objectives, in the table of severity, in escalation paths, and in what must never be permitted.

use lineclear_estate::{parse_escalation, parse_rotation, parse_severity, parse_slos};

use crate::bench::{linked, loaded, replaced, table, text};

#[test]
fn mistakes_in_objectives() {
    let rows = [
        ("another version", "apiVersion: openslo/v1", "apiVersion: openslo/v1alpha"),
        ("a kind nobody reads", "kind: SLI", "kind: SLl"),
        ("a place for telemetry", "kind: SLI", "kind: DataSource"),
        ("a mistyped member", "timeSliceWindow: 1m", "timeSliceWIndow: 1m"),
        ("a method nobody knows", "budgetingMethod: Timeslices", "budgetingMethod: TimeSlices"),
        ("a target of everything", "target: 0.999 }", "target: 1 }"),
        ("a target of nothing", "target: 0.999 }", "target: 0.0 }"),
        ("a target in percent by mistake", "target: 0.999 }", "target: 99.9 }"),
        ("a percentage above the whole", "targetPercent: 99.5", "targetPercent: 100"),
        ("a target finer than a millionth", "target: 0.999 }", "target: 0.99999999 }"),
        ("a percentage finer than a millionth", "targetPercent: 99.5", "targetPercent: 99.99999"),
        ("two targets", "target: 0.999 }", "target: 0.999, targetPercent: 99.9 }"),
        ("no target", "target: 0.999 }", "op: gt, value: 1 }"),
        ("a comparison for a ratio", "target: 0.999 }", "target: 0.999, op: gt, value: 1 }"),
        ("half a comparison", "op: gte, value: 1,", "op: gte,"),
        ("a threshold without one", "op: gte, value: 1,", ""),
        ("slices where events count", "target: 0.999 }", "target: 0.999, timeSliceWindow: 1m }"),
        ("slices without their length", ", timeSliceWindow: 1m }", " }"),
        ("slices longer than a day", "timeSliceWindow: 1m", "timeSliceWindow: 2d"),
        ("a month that rolls", "duration: 30d", "duration: 1M"),
        ("a window of two years", "duration: 30d", "duration: 730d"),
        ("a window of two days", "duration: 30d", "duration: 2d"),
        (
            "counts from two sources",
            "total:\n          metricSource: { spec",
            "total:\n          metricSource: { metricSourceRef: other, spec",
        ),
        ("a length that is none", "duration: 30d", "duration: 30 days"),
        ("a window that neither rolls nor has a calendar", "duration: 30d, isRolling: true", "duration: 30d, isRolling: false"),
        ("two windows", "duration: 30d, isRolling: true }", "duration: 30d }, { duration: 4w }"),
        ("a date that is none", "2026-01-01 00:00:00", "2026-02-30 00:00:00"),
        ("a zone that is a path", "timeZone: Europe/Vienna", "timeZone: ../Vienna"),
        ("good, and no total", "total:\n          metricSource", "bad:\n          metricSource"),
        ("a share of nobody knows what", "    rawType: failure\n", ""),
        ("a source of another kind", "type: Prometheus", "type: Datadog"),
        ("a query with something to fill in", "service=\"shop\"", "service=\"${target.name}\""),
        ("no query", "spec: { query: min(dns_answer_matches) }", "spec: { promql: min(dns_answer_matches) }"),
        ("no indicator", "  indicatorRef: shop-errors\n", ""),
    ];
    insta::assert_snapshot!(table("slos/services.yaml", &text("slos/services.yaml"), parse_slos, &rows));
}

#[test]
fn mistakes_in_severity_and_escalation() {
    let rows = [
        ("a factor nobody knows", "{ customers: 100 }", "{ custmers: 100 }"),
        ("a line that is always true", "- { customers: 100 }", "- {}"),
        ("a level twice", "severity: 2", "severity: 1"),
        ("a level upside down", "severity: 3", "severity: 5"),
        ("a severity that there is not", "severity: 4", "severity: 6"),
        ("the rest worse than a level", "otherwise: 5", "otherwise: 3"),
        ("a breach that is nearly one", "security: confirmed", "security: suspect"),
        ("an age without unit", "lasting: 15m", "lasting: 15"),
        ("nobody to page", "    path: security\n", ""),
    ];
    let mut out = table("severity.yaml", &text("severity.yaml"), parse_severity, &rows);
    let rows = [
        ("a tier for nobody", "    owner: true\n    within: 5m", "    within: 5m"),
        ("a wait of a day", "within: 5m", "within: 1d"),
        ("minutes without a word", "within: 5m", "minutes: 5"),
        ("nobody at all", "tiers:", "tiers: []\nlater:"),
        ("a thing of no kind", "service/shop", "servce/shop"),
        ("for ever", "repeat: 1", "repeat: 99"),
        ("a last resort that may be nobody", "{ people: [carol], roles: [service-lead] }", "{ on_call: [shop-primary] }"),
        ("quiet when it is worst", "severities: [4, 5]", "severities: [1, 5]"),
        ("quiet by no clock", "zone: Europe/Vienna", "zone: Europe/Wien"),
        ("quiet until a time that is none", "until: \"06:30\"", "until: \"6:30\""),
        ("a person who may sleep over it", "act_within: 20m", "act_within: 8h"),
    ];
    out.push_str(&table("escalation/money.yaml", &text("escalation/money.yaml"), parse_escalation, &rows));
    insta::assert_snapshot!(out);
}

#[test]
fn mistakes_in_rotations() {
    let rows = [
        ("a zone that there is not", "zone: Europe/Vienna", "zone: Europe/Viena"),
        ("a turn of a minute", "every: 7d", "every: 1m"),
        ("a beginning that is no date", "from: \"2026-01-05 09:00:00\"", "from: \"2026-01-32 09:00:00\""),
        ("nobody", "people: [carol, frank]", "people: []"),
        ("nobody ever", "turns:", "turn:"),
        ("two ways at once", "zone: Europe/Vienna", "zone: Europe/Vienna\ncalendar: shop.ics"),
        ("a calendar somewhere else", "turns: {", "calendar: ../shop.ics\nturns: {"),
        ("a stand-in for no time", "until: \"2026-12-27T08:00:00Z\"", "until: \"2026-12-24T08:00:00Z\""),
        ("two who stand in", "person: alice, from: \"2026-12-27", "person: alice, from: \"2026-12-26"),
    ];
    insta::assert_snapshot!(table("rotations/shop.yaml", &text("rotations/shop.yaml"), parse_rotation, &rows));
}

#[test]
fn promises_that_name_nothing() {
    insta::assert_snapshot!(linked(&[
        ("an objective for nothing", "slos/services.yaml", "service: status", "service: statis"),
        ("an objective that measures nothing", "slos/services.yaml", "indicatorRef: shop-errors", "indicatorRef: shop-error"),
        ("a source nobody has", "slos/services.yaml", "metricSourceRef: prometheus", "metricSourceRef: promethus"),
        ("an objective twice", "slos/services.yaml", "name: shop-minutes", "name: shop-requests"),
        ("a person nobody knows", "escalation/money.yaml", "people: [frank]", "people: [fran]"),
        ("a role nobody has", "escalation/money.yaml", "service-lead, ", "service-led, "),
        ("a thing nobody has", "escalation/money.yaml", "service/billing", "service/biling"),
        ("a path twice", "escalation/money.yaml", "path: money", "path: security"),
        ("a path nobody wrote", "severity.yaml", "path: checkout", "path: chekout"),
        ("a rotation nobody wrote", "escalation/checkout.yaml", "on_call: [shop-primary]", "on_call: [shop-primry]"),
        ("two paths for the rest", "escalation/money.yaml", "repeat: 1", "repeat: 1\notherwise: true"),
        ("somebody unknown takes turns", "rotations/shop.yaml", "people: [carol, frank]", "people: [caro, frank]"),
        ("a calendar that is not there", "rotations/platform.yaml", "calendar: platform.ics", "calendar: platfrm.ics"),
        ("somebody unknown in a calendar", "rotations/platform.ics", "SUMMARY:bob", "SUMMARY:bop"),
    ]));
}

#[test]
fn mistakes_in_what_must_never_be() {
    let path = "invariants/never-automatic.cedar";
    insta::assert_snapshot!(linked(&[
        ("a sentence that does not end", path, "forbid (principal, action in Action::\"high_risk\", resource)\n", "forbid (principal\n"),
        ("no name", path, "@id(\"stopped-is-stopped\")\n", ""),
        ("no title", path, "@title(\"No DNS change by one person alone\")\n", ""),
        ("a name twice", path, "@id(\"dns-needs-two\")", "@id(\"data-needs-two\")"),
        ("a fact that there is not", path, "context.posture <= 0", "context.postur <= 0"),
        ("an action that there is not", path, "Action::\"dns.delegate\"", "Action::\"dns.delegat\""),
        ("what may be, instead of what may not", path, "forbid (principal, action, resource)", "permit (principal, action, resource)"),
    ]));
}

#[test]
fn an_estate_without_promises_and_invariants_still_loads() {
    let folders = ["slos/", "escalation/", "rotations/", "invariants/", "severity.yaml"];
    let bare = loaded(|files| files.retain(|path, _| !folders.iter().any(|folder| path.starts_with(folder)))).unwrap();
    let counts = (bare.estate.slos.len(), bare.estate.escalation.len(), bare.estate.severity.is_none(), bare.invariants.len());
    assert_eq!(counts, (0, 0, true, 0));
}

#[test]
fn an_objective_may_measure_what_another_file_describes() {
    let whole = text("slos/services.yaml");
    let (indicators, objectives) = whole.split_once("---\n").unwrap();
    let split = loaded(|files| {
        files.insert("slos/services.yaml".into(), objectives.as_bytes().to_vec());
        files.insert("slos/zz-indicators.yaml".into(), indicators.as_bytes().to_vec());
    });
    assert_eq!(split.unwrap().estate.slos, loaded(|_| {}).unwrap().estate.slos);
    assert_eq!(parse_slos("slos/services.yaml", objectives).unwrap().len(), 3);
}

#[test]
fn shares_are_read_to_the_millionth() {
    let check = |target: &str, expected: u32| {
        let text = replaced(&text("slos/services.yaml"), "target: 0.999 }", &format!("{target} }}"));
        assert_eq!(parse_slos("a.yaml", &text).unwrap()[0].goals[0].target_ppm, expected, "{target}");
    };
    check("target: 0.9995", 999_500);
    check("target: \"0.9995\"", 999_500);
    check("target: 0.999999", 999_999);
    check("target: 0.000001", 1);
    check("targetPercent: 99.95", 999_500);
    check("targetPercent: 99.9999", 999_999);
    check("targetPercent: 50", 500_000);
}
