//! `wait_for`: asks Prometheus each second until a number is as wanted, or the time is up. It changes nothing.

use std::time::Duration;

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use reqwest::{Client, Url};
use serde_json::{Value, json};

use super::args::Args;
use super::http::{base, client};
use super::{Look, Site, Tool, ToolError};
use crate::config::PrometheusConfig;
use crate::link::BoxFuture;

/// How often is asked: as often as anything is scraped.
const EVERY: Duration = Duration::from_secs(1);
/// How long one question may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer in bytes.
const ANSWER_MAX: usize = 256 * 1024;
/// Longest wait; the warrant's budget is usually shorter.
const WITHIN_MAX: Duration = Duration::from_hours(1);
/// The only source that a runner has.
const SOURCE: &str = "prometheus";

pub(super) struct WaitFor {
    client: Client,
    address: Url,
}

struct Condition<'a> {
    query: &'a str,
    op: &'a str,
    value: f64,
    within: Duration,
}

impl WaitFor {
    pub(crate) fn new(config: &PrometheusConfig) -> Result<Self, String> {
        let url = base(&config.url)?;
        let address = Url::parse(&format!("{}/api/v1/query", url.as_str().trim_end_matches('/'))).map_err(|error| error.to_string())?;
        Ok(Self { client: client(&[url])?, address })
    }

    /// The one value of the query; none when there is none, or several.
    async fn ask(&self, query: &str) -> Result<Option<f64>, String> {
        let sent = self.client.post(self.address.clone()).form(&[("query", query)]).timeout(ASK_TIMEOUT).send();
        let mut response = sent.await.map_err(|_| "Prometheus does not answer".to_owned())?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| "the answer of Prometheus broke off".to_owned())? {
            if body.len() + chunk.len() > ANSWER_MAX {
                return Err("the answer of Prometheus is too long".into());
            }
            body.extend_from_slice(&chunk);
        }
        let answer: Value = serde_json::from_slice(&body).map_err(|_| "the answer of Prometheus was not understood".to_owned())?;
        if answer.pointer("/status").and_then(Value::as_str) != Some("success") {
            return Err("Prometheus refuses the query".into());
        }
        let sample = match answer.pointer("/data/resultType").and_then(Value::as_str) {
            Some("scalar") => answer.pointer("/data/result/1"),
            Some("vector") if answer.pointer("/data/result/1").is_none() => answer.pointer("/data/result/0/value/1"),
            _ => None,
        };
        Ok(sample.and_then(Value::as_str).and_then(|text| text.parse().ok()))
    }

    async fn look(&self, condition: &Condition<'_>) -> Result<Look, String> {
        let value = self.ask(condition.query).await?;
        let holds = value.is_some_and(|value| condition.holds(value));
        Ok(Look { holds, seen: json!({ "value": value.map(|value| value.to_string()) }) })
    }
}

impl Condition<'_> {
    fn holds(&self, value: f64) -> bool {
        match self.op {
            "<" => value < self.value,
            "<=" => value <= self.value,
            ">" => value > self.value,
            ">=" => value >= self.value,
            "==" => value.total_cmp(&self.value).is_eq(),
            // `!=`: the closed list was checked, and what is no number differs from every number only by accident.
            _ => !value.is_nan() && value.total_cmp(&self.value).is_ne(),
        }
    }
}

impl Tool for WaitFor {
    fn name(&self) -> &'static str {
        "wait_for"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        condition(*args).map(|_| EffectClass::Read)
    }

    fn preview<'a>(&'a self, args: Args<'a>, _undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let condition = condition(args)?;
            let seen = self.look(&condition).await?.seen;
            let wanted = format!("`{}` {} {}", condition.query, condition.op, condition.value);
            Ok(Preview {
                before: seen.clone(),
                after: seen,
                targets: Vec::new(),
                reversible: true,
                summary: format!("waits at most {} s until {wanted}; changes nothing", condition.within.as_secs()),
            })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let condition = condition(args).map_err(ToolError::NotApplied)?;
            let waiting = async {
                loop {
                    if let Ok(Look { holds: true, seen }) = self.look(&condition).await {
                        return seen;
                    }
                    tokio::time::sleep(EVERY).await;
                }
            };
            let seen = tokio::time::timeout(condition.within.min(site.budget), waiting).await;
            seen.map_err(|_| {
                ToolError::NotApplied(format!("`{}` {} {} did not come true in time", condition.query, condition.op, condition.value))
            })
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move { self.look(&condition(args)?).await })
    }
}

fn condition(args: Args<'_>) -> Result<Condition<'_>, String> {
    args.only(&["query", "op", "value", "within", "source"])?;
    if args.text_or("source", SOURCE)? != SOURCE {
        return Err(format!("this runner knows no source but `{SOURCE}`"));
    }
    let op = args.text("op")?;
    if !["<", "<=", ">", ">=", "==", "!="].contains(&op) {
        return Err("`op` is a comparison".into());
    }
    let value = match args.get("value") {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    let value = value.filter(|value: &f64| value.is_finite()).ok_or("`value` is no number")?;
    let within =
        duration(args.text("within")?).filter(|within| *within <= WITHIN_MAX).ok_or("`within` is a length of time of at most one hour")?;
    Ok(Condition { query: args.text("query")?, op, value, within })
}

/// `500ms`, `30s`, `15m`, `1h`, as runbooks write it.
fn duration(text: &str) -> Option<Duration> {
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
    let (digits, millis) = units.into_iter().find_map(|(unit, millis)| {
        Some((text.strip_suffix(unit)?, millis)).filter(|(digits, _)| digits.bytes().all(|byte| byte.is_ascii_digit()))
    })?;
    digits.parse::<u64>().ok()?.checked_mul(millis).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use lineclear_core::plan::ToolCall;

    use super::*;

    fn check(with: Value, value: f64, expected: Option<bool>) {
        let call = ToolCall { tool: "wait_for".parse().unwrap(), with: serde_json::from_value(with).unwrap() };
        assert_eq!(condition(Args::of(&call)).ok().map(|condition| condition.holds(value)), expected, "{call:?}");
    }

    #[test]
    fn a_condition_compares_numbers_and_nothing_else() {
        let with = |op: &str, value: Value| json!({"query": "up", "op": op, "value": value, "within": "30s", "source": "prometheus"});
        check(with("<=", json!("0.01")), 0.01, Some(true));
        check(with("<", json!("0.01")), 0.01, Some(false));
        check(with("==", json!(1)), 1.0, Some(true));
        check(with("!=", json!(1)), f64::NAN, Some(false));
        check(with(">=", json!(1)), f64::NAN, Some(false));
        check(with("=~", json!(1)), 1.0, None);
        check(with("==", json!("NaN")), 1.0, None);
        check(json!({"query": "up", "op": "==", "value": 1, "within": "2h"}), 1.0, None);
        check(json!({"query": "up", "op": "==", "value": 1, "within": "30s", "source": "other"}), 1.0, None);
        check(json!({"query": "up", "op": "==", "value": 1, "within": "30s", "extra": 1}), 1.0, None);
    }
}
