//! What a query comes to over the present samples.

use std::collections::BTreeMap;

use jiff::Timestamp;
use thiserror::Error;

use super::parse::{Comparison, Expression, Fold, Selector};
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

/// Evaluates `expression` over `all`.
pub(crate) fn evaluate(expression: &Expression, all: &[Series], now: Timestamp) -> Result<Outcome, EvaluationError> {
    if let Expression::Number(number) = expression {
        return Ok(Outcome::Scalar(*number));
    }
    vector(expression, all, now).map(Outcome::Vector)
}

fn vector(expression: &Expression, all: &[Series], now: Timestamp) -> Result<Vec<Series>, EvaluationError> {
    Ok(match expression {
        Expression::Number(_) => return Err(EvaluationError::Scalar),
        Expression::Vector(number) => vec![Series { labels: BTreeMap::new(), value: *number, at: now }],
        Expression::Selector(selector) => select(selector, all),
        Expression::Timestamp(selector) => select(selector, all).into_iter().map(|one| without_name(one, seconds)).collect(),
        Expression::Fold { fold, by, inner } => aggregate(*fold, by, vector(inner, all, now)?),
        Expression::Compare { inner, comparison, bound } => {
            vector(inner, all, now)?.into_iter().filter(|one| holds(*comparison, one.value, *bound)).collect()
        }
        Expression::Or(left, right) => {
            let mut union = vector(left, all, now)?;
            let known: Vec<_> = union.iter().map(identity).collect();
            union.extend(vector(right, all, now)?.into_iter().filter(|one| !known.contains(&identity(one))));
            union
        }
    })
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

fn without_name(mut series: Series, value: impl Fn(Timestamp) -> f64) -> Series {
    series.labels.remove("__name__");
    series.value = value(series.at);
    series
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

    fn series(name: &str, server: &str, value: f64, at: i64) -> Series {
        let labels = [("__name__", name), ("server", server)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        Series { labels: labels.into(), value, at: Timestamp::from_second(at).unwrap() }
    }

    fn run(query: &str) -> Result<String, String> {
        let all = [series("up", "web-1", 0.0, 70), series("up", "web-2", 1.0, 90), series("other", "web-1", 5.0, 90)];
        let expression = parse(query).map_err(|error| error.to_string())?;
        let show = |one: &Series| {
            format!("{}{}={}@{}", name_of(one), one.labels.get("server").map_or("", String::as_str), one.value, one.at.as_second())
        };
        match evaluate(&expression, &all, Timestamp::from_second(100).unwrap()).map_err(|error| error.to_string())? {
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
            "up == bool 0",
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
}
