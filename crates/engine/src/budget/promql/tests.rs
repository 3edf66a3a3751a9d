use lineclear_core::fact::Comparison;
use lineclear_core::slo::{Query, Window};

use super::*;

const DAY: u64 = 86_400;

fn query(text: &str) -> Query {
    Query { source: "prometheus".into(), text: text.into() }
}

fn ratio(part_is: Share, part: &str, total: &str, counter: bool) -> Indicator {
    Indicator::Ratio { part_is, part: query(part), total: query(total), counter }
}

fn asked(indicator: Indicator, counting: Counting, days: u64) -> Questions {
    let good_while = match indicator {
        Indicator::Threshold { .. } => Some(Condition { op: Comparison::AtMost, value: "0.3".parse().unwrap() }),
        Indicator::Ratio { .. } | Indicator::Raw { .. } => None,
    };
    let goal = Goal { title: None, target_ppm: 999_000, good_while, counting };
    let window = Window::Rolling(Span::from_secs(days * DAY));
    let slo = Slo {
        name: "requests".parse().unwrap(),
        title: "Requests".into(),
        service: "service/shop".parse().unwrap(),
        indicator,
        window: window.clone(),
        goals: vec![goal.clone()],
        alert_policies: Vec::new(),
    };
    questions(&slo, &goal, &goal.objective(&window).unwrap())
}

/// The first window, five minutes, and the last, the period.
#[track_caller]
fn check(indicator: Indicator, counting: Counting, expected: [&str; 2]) {
    let asked = asked(indicator, counting, 30);
    assert_eq!(asked.over.len(), 6);
    assert_eq!([&asked.over[0].1, &asked.over[5].1], expected);
}

const MINUTES: Counting = Counting::Timeslices { slice: Span::from_secs(60), target_ppm: 990_000 };
const HALF_HOURS: Counting = Counting::RatioTimeslices { slice: Span::from_secs(1_800) };

#[test]
fn counters_are_divided_as_they_grew_and_nobody_who_asked_was_failed() {
    check(
        ratio(Share::Bad, "errors_total", "requests_total{a=\"b\"}", true),
        Counting::Occurrences,
        [
            "(sum(increase(errors_total[5m])) / (sum(increase(requests_total{a=\"b\"}[5m])) > 0) or (sum(increase(requests_total{a=\"b\"}[5m])) == 0))",
            "(sum(increase(errors_total[30d])) / (sum(increase(requests_total{a=\"b\"}[30d])) > 0) or (sum(increase(requests_total{a=\"b\"}[30d])) == 0))",
        ],
    );
    check(
        ratio(Share::Good, "sum(ok_total)", "sum (all_total{})", true),
        Counting::Occurrences,
        [
            "(sum(increase(ok_total[5m])) / (sum(increase(all_total{}[5m])) > 0) or (sum(increase(all_total{}[5m])) == 0) + 1)",
            "(sum(increase(ok_total[30d])) / (sum(increase(all_total{}[30d])) > 0) or (sum(increase(all_total{}[30d])) == 0) + 1)",
        ],
    );
}

#[test]
fn a_counter_that_is_no_plain_metric_is_looked_at_in_steps() {
    let asked = asked(ratio(Share::Bad, "errors_total or vector(0)", "requests_total", true), Counting::Occurrences, 30);
    assert!(asked.over[0].1.starts_with("(sum(increase((errors_total or vector(0))[5m:15s])) / "), "{}", asked.over[0].1);
    assert!(asked.over[5].1.starts_with("(sum(increase((errors_total or vector(0))[30d:1m])) / "), "{}", asked.over[5].1);
}

#[test]
fn other_ratios_are_divided_as_they_were_on_average() {
    check(
        ratio(Share::Good, "sum(probe_success)", "count(probe_success)", false),
        Counting::Occurrences,
        [
            "(sum(avg_over_time((sum(probe_success))[5m:15s])) / sum(avg_over_time((count(probe_success))[5m:15s])))",
            "(sum(avg_over_time((sum(probe_success))[30d:1m])) / sum(avg_over_time((count(probe_success))[30d:1m])))",
        ],
    );
}

#[test]
fn a_share_that_is_there_already_is_averaged() {
    let raw = || Indicator::Raw { share_of: Share::Bad, query: query(" error_ratio{service=\"shop\"} ") };
    check(
        raw(),
        Counting::Occurrences,
        ["avg_over_time(error_ratio{service=\"shop\"}[5m:15s])", "avg_over_time(error_ratio{service=\"shop\"}[30d:1m])"],
    );
    check(
        raw(),
        MINUTES,
        [
            "avg_over_time((avg_over_time(error_ratio{service=\"shop\"}[1m:15s]) <= bool 0.01)[5m:1m])",
            "avg_over_time((avg_over_time(error_ratio{service=\"shop\"}[1m:15s]) <= bool 0.01)[30d:1m])",
        ],
    );
    check(
        raw(),
        HALF_HOURS,
        [
            "avg_over_time((avg_over_time(error_ratio{service=\"shop\"}[30m:15s]))[30m:30m])",
            "avg_over_time((avg_over_time(error_ratio{service=\"shop\"}[30m:15s]))[30d:30m])",
        ],
    );
}

#[test]
fn a_value_is_good_while_it_satisfies_its_condition() {
    let threshold = || Indicator::Threshold { query: query("max(latency_seconds)") };
    check(
        threshold(),
        Counting::Occurrences,
        ["avg_over_time(((max(latency_seconds)) <= bool 0.3)[5m:15s])", "avg_over_time(((max(latency_seconds)) <= bool 0.3)[30d:1m])"],
    );
    check(
        threshold(),
        MINUTES,
        [
            "avg_over_time((avg_over_time(((max(latency_seconds)) <= bool 0.3)[1m:15s]) >= bool 0.99)[5m:1m])",
            "avg_over_time((avg_over_time(((max(latency_seconds)) <= bool 0.3)[1m:15s]) >= bool 0.99)[30d:1m])",
        ],
    );
}

#[test]
fn slices_of_a_ratio_of_counters_are_good_by_their_own_ratio() {
    let [short, _] = [0, 5].map(|place| asked(ratio(Share::Bad, "bad_total", "all_total", true), MINUTES, 30).over[place].1.clone());
    let one = "(sum(increase(bad_total[1m])) / (sum(increase(all_total[1m])) > 0) or (sum(increase(all_total[1m])) == 0))";
    assert_eq!(short, format!("avg_over_time(({one} <= bool 0.01)[5m:1m])"));
}

#[test]
fn what_is_shared_and_how_old_it_is_follows_from_the_indicator() {
    let of = |indicator, counting| {
        let asked = asked(indicator, counting, 30);
        (asked.share_of, asked.age)
    };
    let age = |selector: &str| Some(format!("time() - max(timestamp({selector}))"));
    let raw = |share_of| Indicator::Raw { share_of, query: query("error_ratio") };
    assert_eq!(of(raw(Share::Bad), Counting::Occurrences), (Share::Bad, age("error_ratio")));
    assert_eq!(of(raw(Share::Good), HALF_HOURS), (Share::Good, age("error_ratio")));
    assert_eq!(of(raw(Share::Bad), MINUTES), (Share::Good, age("error_ratio")), "slices are good or not");
    assert_eq!(of(ratio(Share::Bad, "bad", "sum(all)", true), Counting::Occurrences), (Share::Bad, age("all")));
    assert_eq!(of(Indicator::Threshold { query: query("a / b") }, Counting::Occurrences), (Share::Good, None));
}

#[test]
fn a_long_period_is_looked_at_in_as_many_moments_as_are_bearable() {
    let period = |counting, days| asked(Indicator::Raw { share_of: Share::Bad, query: query("e") }, counting, days).over[5].1.clone();
    assert_eq!(period(Counting::Occurrences, 34), "avg_over_time(e[34d:1m])");
    assert_eq!(period(Counting::Occurrences, 90), "avg_over_time(e[90d:3m])");
    assert_eq!(period(Counting::Occurrences, 366), "avg_over_time(e[366d:11m])");
    assert!(period(MINUTES, 366).ends_with("[366d:11m])"), "every eleventh minute");
}

#[test]
fn a_comment_hides_nothing() {
    let asked = asked(Indicator::Raw { share_of: Share::Bad, query: query("a / b # of them") }, Counting::Occurrences, 30);
    assert_eq!(asked.over[0].1, "avg_over_time((a / b # of them\n)[5m:15s])");
}
