//! What a query comes to over the present samples.

use std::collections::BTreeMap;

use jiff::Timestamp;
use thiserror::Error;

use super::history::History;
use super::parse::{Arithmetic, Comparison, Expression, Fold, Selector};
use super::seconds;
use super::series::{Series, name_of};

/// The answer of a query.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Scalar(f64),
    Vector(Vec<Series>),
}

/// Why a query that reads well has no answer.
#[derive(Debug, Error, PartialEq)]
pub(crate) enum EvaluationError {
    #[error("expected type instant vector, got scalar")]
    Scalar,
}

/// What can be looked at: the samples of this moment, and what was kept of earlier ones.
pub(crate) struct View<'a> {
    pub live: &'a [Series],
    pub now: Timestamp,
    pub history: &'a History,
}

impl View<'_> {
    fn at(&self, at: Timestamp) -> std::borrow::Cow<'_, [Series]> {
        if at >= self.now { self.live.into() } else { self.history.at(at).into() }
    }
}

/// Evaluates `expression` as of `at`.
pub(crate) fn evaluate(expression: &Expression, view: &View<'_>, at: Timestamp) -> Result<Outcome, EvaluationError> {
    if let Some(number) = scalar(expression, at) {
        return Ok(Outcome::Scalar(number));
    }
    vector(expression, view, at).map(Outcome::Vector)
}

/// The number that an expression is, when it is one.
fn scalar(expression: &Expression, at: Timestamp) -> Option<f64> {
    match expression {
        Expression::Number(number) => Some(*number),
        Expression::Time => Some(seconds(at)),
        Expression::Arithmetic { left, sign, right } => Some(sign.of(scalar(left, at)?, scalar(right, at)?)),
        Expression::Average { .. }
        | Expression::Vector(_)
        | Expression::Selector(_)
        | Expression::Timestamp(_)
        | Expression::Fold { .. }
        | Expression::Compare { .. }
        | Expression::Or(..) => None,
    }
}

fn vector(expression: &Expression, view: &View<'_>, at: Timestamp) -> Result<Vec<Series>, EvaluationError> {
    Ok(match expression {
        Expression::Number(_) | Expression::Time => return Err(EvaluationError::Scalar),
        Expression::Vector(number) => vec![Series { labels: BTreeMap::new(), value: *number, at }],
        Expression::Selector(selector) => select(selector, &view.at(at)),
        Expression::Timestamp(selector) => {
            select(selector, &view.at(at)).into_iter().map(|one| nameless(&one, seconds(one.at), one.at)).collect()
        }
        Expression::Fold { fold, by, inner } => aggregate(*fold, by, vector(inner, view, at)?),
        Expression::Average { inner, window, step } => average(inner, *window, *step, view, at)?,
        Expression::Arithmetic { left, sign, right } => arithmetic(left, *sign, right, view, at)?,
        Expression::Compare { inner, comparison, bound, says } => {
            let all = vector(inner, view, at)?.into_iter();
            if *says {
                all.map(|one| nameless(&one, f64::from(u8::from(holds(*comparison, one.value, *bound))), one.at)).collect()
            } else {
                all.filter(|one| holds(*comparison, one.value, *bound)).collect()
            }
        }
        Expression::Or(left, right) => {
            let mut union = vector(left, view, at)?;
            let known: Vec<_> = union.iter().map(identity).collect();
            union.extend(vector(right, view, at)?.into_iter().filter(|one| !known.contains(&identity(one))));
            union
        }
    })
}

/// Of two vectors, the series with the same labels.
fn arithmetic(
    left: &Expression,
    sign: Arithmetic,
    right: &Expression,
    view: &View<'_>,
    at: Timestamp,
) -> Result<Vec<Series>, EvaluationError> {
    let done = |one: &Series, value| nameless(one, value, at);
    Ok(match (scalar(left, at), scalar(right, at)) {
        (Some(left), Some(right)) => vec![Series { labels: BTreeMap::new(), value: sign.of(left, right), at }],
        (Some(left), None) => vector(right, view, at)?.iter().map(|one| done(one, sign.of(left, one.value))).collect(),
        (None, Some(right)) => vector(left, view, at)?.iter().map(|one| done(one, sign.of(one.value, right))).collect(),
        (None, None) => {
            let others = vector(right, view, at)?;
            let other = |one: &Series| others.iter().find(|other| identity(other) == identity(one)).map(|other| other.value);
            vector(left, view, at)?.iter().filter_map(|one| Some(done(one, sign.of(one.value, other(one)?)))).collect()
        }
    })
}

/// The average over a subquery: at every multiple of the step within the window. Before the history begins everything was as
/// at its beginning, so that all these moments are looked at once.
fn average(inner: &Expression, window: i64, step: i64, view: &View<'_>, at: Timestamp) -> Result<Vec<Series>, EvaluationError> {
    let (end, step) = (at.as_second(), step.max(1));
    let (last, first) = (end.div_euclid(step), (end - window).div_euclid(step) + 1);
    let begins = view.history.begins().map_or(last + 1, |begins| begins.as_second().div_euclid(step) + 1).clamp(first, last + 1);
    let mut sums: BTreeMap<BTreeMap<String, String>, (f64, f64)> = BTreeMap::new();
    let mut add = |moment: Timestamp, weight: f64| -> Result<(), EvaluationError> {
        for one in vector(inner, view, moment)? {
            let (sum, count) = sums.entry(identity(&one)).or_default();
            (*sum, *count) = (*sum + one.value * weight, *count + weight);
        }
        Ok(())
    };
    if first < begins {
        let long_ago = Timestamp::from_second(view.history.begins().map_or(end, Timestamp::as_second) - window).unwrap_or(at);
        let moments = u32::try_from(begins - first).unwrap_or(u32::MAX);
        add(long_ago, f64::from(moments))?;
    }
    for moment in begins..=last {
        add(Timestamp::from_second(moment * step).unwrap_or(at), 1.0)?;
    }
    Ok(sums.into_iter().map(|(labels, (sum, count))| Series { labels, value: sum / count, at }).collect())
}

impl Arithmetic {
    fn of(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Minus => left - right,
            Self::Over => left / right,
        }
    }
}

/// A label that is missing counts as empty.
fn select(selector: &Selector, all: &[Series]) -> Vec<Series> {
    let fits = |series: &&Series| {
        name_of(series) == selector.name
            && selector.matchers.iter().all(|matcher| {
                let value = series.labels.get(&matcher.label).map_or("", String::as_str);
                (value == matcher.value) == matcher.equal
            })
    };
    all.iter().filter(fits).cloned().collect()
}

/// The same series with another value, which has no name.
fn nameless(series: &Series, value: f64, at: Timestamp) -> Series {
    Series { labels: identity(series), value, at }
}

fn identity(series: &Series) -> BTreeMap<String, String> {
    let mut labels = series.labels.clone();
    labels.remove("__name__");
    labels
}

/// A group is as old as the oldest of its samples.
fn aggregate(fold: Fold, by: &[String], series: Vec<Series>) -> Vec<Series> {
    let mut groups: BTreeMap<BTreeMap<String, String>, Vec<Series>> = BTreeMap::new();
    for one in series {
        let kept = one.labels.iter().filter(|(label, _)| by.contains(label)).map(|(label, value)| (label.clone(), value.clone()));
        groups.entry(kept.collect()).or_default().push(one);
    }
    let folded = |(labels, members): (BTreeMap<String, String>, Vec<Series>)| {
        let at = members.iter().map(|one| one.at).min()?;
        let values = members.iter().map(|one| one.value);
        let count = members.iter().fold(0.0, |count, _| count + 1.0);
        let value = match fold {
            Fold::Min => values.fold(f64::INFINITY, f64::min),
            Fold::Max => values.fold(f64::NEG_INFINITY, f64::max),
            Fold::Sum => values.sum(),
            Fold::Count => count,
            Fold::Average => values.sum::<f64>() / count,
        };
        Some(Series { labels, value, at })
    };
    groups.into_iter().filter_map(folded).collect()
}

#[expect(clippy::float_cmp, reason = "PromQL compares exactly")]
fn holds(comparison: Comparison, value: f64, bound: f64) -> bool {
    match comparison {
        Comparison::Equal => value == bound,
        Comparison::NotEqual => value != bound,
        Comparison::Greater => value > bound,
        Comparison::Less => value < bound,
        Comparison::GreaterOrEqual => value >= bound,
        Comparison::LessOrEqual => value <= bound,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn series(name: &str, server: &str, value: f64, at: i64) -> Series {
        let labels = [("__name__", name), ("server", server)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        Series { labels: labels.into(), value, at: Timestamp::from_second(at).unwrap() }
    }

    fn run(query: &str) -> Result<String, String> {
        let all = [series("up", "web-1", 0.0, 70), series("up", "web-2", 1.0, 90), series("other", "web-1", 5.0, 90)];
        let history = History::default();
        let view = View { live: &all, now: at(100), history: &history };
        let expression = parse(query).map_err(|error| error.to_string())?;
        let show = |one: &Series| {
            format!("{}{}={}@{}", name_of(one), one.labels.get("server").map_or("", String::as_str), one.value, one.at.as_second())
        };
        match evaluate(&expression, &view, at(100)).map_err(|error| error.to_string())? {
            Outcome::Scalar(value) => Ok(format!("scalar {value}")),
            Outcome::Vector(vector) => Ok(vector.iter().map(show).collect::<Vec<_>>().join(" ")),
        }
    }

    #[test]
    fn the_supported_queries_answer_as_prometheus_does() {
        let cases = [
            ("up", "upweb-1=0@70 upweb-2=1@90"),
            ("up{server=\"web-1\"}", "upweb-1=0@70"),
            ("up{server!='web-1',}", "upweb-2=1@90"),
            ("up{job=\"\"} == 1", "upweb-2=1@90"),
            ("up == 0", "upweb-1=0@70"),
            ("up < 0.5", "upweb-1=0@70"),
            ("up >= 0 != 0", "upweb-2=1@90"),
            ("min(up)", "=0@70"),
            ("max(up{server=\"web-2\"})", "=1@90"),
            ("sum(up)", "=1@70"),
            ("count(up)", "=2@70"),
            ("avg(up)", "=0.5@70"),
            ("count by (server) (up)", "web-1=1@70 web-2=1@90"),
            ("sum(up) by (server) > 0", "web-2=1@90"),
            ("count(up == 7)", ""),
            ("count(up == 7) or vector(0)", "=0@100"),
            ("count(up == 0) or vector(0)", "=1@70"),
            ("nothing or vector(-1)", "=-1@100"),
            ("timestamp(up{server=\"web-1\"})", "web-1=70@70"),
            ("min(timestamp(up))", "=70@70"),
            ("up == bool 0", "web-1=1@70 web-2=0@90"),
            ("time() - max(timestamp(up))", "=10@100"),
            ("sum(up) / count(up)", "=0.5@100"),
            ("other / up", "web-1=inf@100"),
            ("up - 1", "web-1=-1@100 web-2=0@100"),
            ("6 / 3 - 1", "scalar 1"),
            ("time()", "scalar 100"),
            ("(up) == (0)", "!"),
            ("1.5", "scalar 1.5"),
        ];
        for (query, answer) in cases {
            match answer {
                "!" => assert!(run(query).is_err(), "{query}"),
                answer => assert_eq!(run(query).as_deref(), Ok(answer), "{query}"),
            }
        }
    }

    #[test]
    fn everything_else_is_refused_and_never_guessed() {
        let queries = [
            "",
            "up{",
            "up{server=}",
            "up{server=~\"web.*\"}",
            "up[5m]",
            "rate(up[5m])",
            "up + 1",
            "up and other",
            "up offset 5m",
            "avg_over_time(up[5m])",
            "avg_over_time(up[5m:])",
            "avg_over_time(up)",
            "avg_over_time(1[5m:15s])",
            "avg_over_time(up[0m:15s])",
            "increase(up[5m:15s])",
            "up[5m:15s]",
            "up * 2",
            "0 == up",
            "1 == 1",
            "min(1)",
            "sum without (server) (up)",
            "up{server=\"x\"",
            "up{server=\"x}",
            "histogram_quantile(0.9, up)",
            "up up",
            "up == other",
            "timestamp(min(up))",
            "vector(up)",
            "1 or up",
            "up{server=\"\\q\"}",
        ];
        for query in queries {
            assert!(run(query).is_err(), "{query}");
        }
        assert!(run(&format!("{}up{}", "(".repeat(40), ")".repeat(40))).is_err());
        assert!(run(&"u".repeat(5_000)).is_err());
    }

    /// The shop fails half of its requests from second 1,000 to second 1,060, and is looked at then or later.
    fn over_time(query: &str, now: i64) -> f64 {
        let ratio = |value| vec![series("ratio", "shop", value, 0)];
        let mut history = History::default();
        for second in (900..=now).step_by(5) {
            history.keep(at(second), &ratio(if (1_000..1_060).contains(&second) { 0.5 } else { 0.0 }));
        }
        let live = ratio(0.0);
        let view = View { live: &live, now: at(now), history: &history };
        match evaluate(&parse(query).unwrap(), &view, at(now)).unwrap() {
            Outcome::Vector(found) if found.len() == 1 => found[0].value,
            other @ (Outcome::Scalar(_) | Outcome::Vector(_)) => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn an_average_over_time_takes_equal_steps_and_before_the_beginning_nothing_happened() {
        let close = |query: &str, now: i64, expected: f64| {
            let found = over_time(query, now);
            assert!((found - expected).abs() < 1e-9, "{query} at {now}: {found}");
        };
        // Four of twenty moments lie in the minute of failures: 1,005, 1,020, 1,035 and 1,050.
        close("avg_over_time(ratio[5m:15s])", 1_080, 0.5 * 4.0 / 20.0);
        close("avg_over_time(ratio[1h:15s])", 1_080, 0.5 * 4.0 / 240.0);
        close("avg_over_time(ratio[30d:1m])", 1_080, 0.5 / 43_200.0);
        close("avg_over_time(ratio[5m:15s])", 1_400, 0.0);
        // The slices that end at 1,020 and 1,080 hold failures; the one that ends at 1,140 does not.
        close("avg_over_time((avg_over_time(ratio[1m:15s]) <= bool 0.01)[5m:1m])", 1_145, 3.0 / 5.0);
        close("avg_over_time((ratio <= bool 0.01)[5m:15s])", 1_080, 16.0 / 20.0);
        close("sum(avg_over_time((sum(ratio))[5m:15s])) / sum(avg_over_time((count(ratio))[5m:15s]))", 1_080, 0.5 * 4.0 / 20.0);
    }
}
