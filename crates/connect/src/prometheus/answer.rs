//! The answers of Prometheus' HTTP API: `status`, `data`, `errorType`, `warnings`, and one sample out of them.

use lineclear_core::Timestamp;
use lineclear_core::measure::Measure;
use serde::Deserialize;
use serde_json::{Number, Value};

/// Longest error type that is repeated, in characters; the longest one in use is `not_acceptable`.
const ERROR_TYPE_MAX: usize = 32;
/// Begins a warning that says something about the query and nothing about the data; newer versions put it under `infos`.
const INFO: &str = "PromQL info:";

/// One sample, its value still text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// When Prometheus evaluated the query.
    pub(super) evaluated: Timestamp,
    value: String,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    data: Option<Data>,
    #[serde(default)]
    warnings: Vec<String>,
    /// `VictoriaMetrics` says this when some of its storage did not answer.
    #[serde(default, rename = "isPartial")]
    partial: bool,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: Value,
}

#[derive(Deserialize)]
struct Series {
    /// Missing where the sample is a histogram.
    value: Option<(Number, String)>,
}

impl Sample {
    /// The value as a number.
    pub(super) fn measure(&self) -> Result<Measure, String> {
        self.value.parse().map_err(|_| match self.value.parse::<f64>() {
            Ok(number) if number.is_finite() => "out of range".to_owned(),
            Ok(_) | Err(_) => "not a number".to_owned(),
        })
    }

    /// The value as a point in time, in seconds since 1970.
    pub(super) fn moment(&self) -> Result<Timestamp, String> {
        Ok(Timestamp::from_micros(self.measure()?.millionths()))
    }
}

/// The one sample of a successful answer, or why there is none.
pub(super) fn read(body: &[u8]) -> Result<Sample, String> {
    let unclear = || "answer not understood".to_owned();
    let answer: Answer = serde_json::from_slice(body).map_err(|_| unclear())?;
    if answer.status != "success" {
        return Err(failed(answer.error_type.as_deref()).unwrap_or_else(unclear));
    }
    if answer.partial || answer.warnings.iter().any(|warning| !warning.starts_with(INFO)) {
        return Err("partial answer".to_owned());
    }
    let data = answer.data.ok_or_else(unclear)?;
    let (seconds, value) = match data.kind.as_str() {
        "scalar" => serde_json::from_value::<(Number, String)>(data.result).map_err(|_| unclear())?,
        "vector" => single(serde_json::from_value(data.result).map_err(|_| unclear())?)?,
        _ => return Err("not an instant value".to_owned()),
    };
    // A measure has whole millionths: of seconds, those are microseconds.
    let evaluated = seconds.to_string().parse::<Measure>().map_err(|_| unclear())?;
    Ok(Sample { evaluated: Timestamp::from_micros(evaluated.millionths()), value })
}

/// Why the query failed, from an answer that is no success.
pub(super) fn failure(body: &[u8], http_status: u16) -> String {
    let answer = serde_json::from_slice::<Answer>(body).ok();
    answer.and_then(|answer| failed(answer.error_type.as_deref())).unwrap_or_else(|| format!("query failed: http {http_status}"))
}

fn failed(error_type: Option<&str>) -> Option<String> {
    let error_type = error_type?;
    let known = (1..=ERROR_TYPE_MAX).contains(&error_type.len()) && error_type.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    Some(if known { format!("query failed: {error_type}") } else { "query failed".to_owned() })
}

fn single(series: Vec<Series>) -> Result<(Number, String), String> {
    let mut series = series.into_iter();
    match (series.next(), series.next()) {
        (None, _) => Err("no series".to_owned()),
        (Some(only), None) => only.value.ok_or_else(|| "not a number".to_owned()),
        (Some(_), Some(_)) => Err("several series".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(body: &str, expected: Result<(&str, i64), &str>) {
        let read = read(body.as_bytes()).and_then(|sample| Ok((sample.measure()?.to_string(), sample.evaluated.as_micros())));
        assert_eq!(read.as_ref().map(|(value, at)| (value.as_str(), *at)).map_err(String::as_str), expected, "{body}");
    }

    fn check_result(kind: &str, result: &str, expected: Result<(&str, i64), &str>) {
        check(&format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#), expected);
    }

    #[test]
    fn one_sample_is_read_with_its_time() {
        check_result("vector", r#"[{"metric":{"a":"b"},"value":[1795400047.123,"0.973"]}]"#, Ok(("0.973", 1_795_400_047_123_000)));
        check_result("vector", r#"[{"metric":{},"value":[1795400047,"1e3"]}]"#, Ok(("1000", 1_795_400_047_000_000)));
        check_result("scalar", r#"[1795400047.5,"-2"]"#, Ok(("-2", 1_795_400_047_500_000)));
    }

    #[test]
    fn anything_but_one_number_is_absent_with_its_reason() {
        check_result("vector", "[]", Err("no series"));
        check_result("vector", r#"[{"value":[1,"1"]},{"value":[1,"1"]}]"#, Err("several series"));
        for value in ["NaN", "+Inf", "-Inf", "", "one"] {
            check_result("scalar", &format!(r#"[1,"{value}"]"#), Err("not a number"));
        }
        check_result("scalar", r#"[1,"1e10"]"#, Err("out of range"));
        check_result("vector", r#"[{"metric":{},"histogram":[1,{"count":"1"}]}]"#, Err("not a number"));
        check_result("string", r#"[1,"a"]"#, Err("not an instant value"));
        check_result("matrix", r#"[{"metric":{},"values":[[1,"1"]]}]"#, Err("not an instant value"));
    }

    #[test]
    fn what_is_no_answer_is_not_understood() {
        for body in ["", "{}", "<html>", "[]", r#"{"status":"success"}"#, r#"{"status":"fine","data":null}"#] {
            check(body, Err("answer not understood"));
        }
        check_result("scalar", "[1,1]", Err("answer not understood"));
        check_result("scalar", r#"["1","1"]"#, Err("answer not understood"));
        check_result("scalar", r#"[1e300,"1"]"#, Err("answer not understood"));
        check_result("vector", "{}", Err("answer not understood"));
    }

    #[test]
    fn a_warning_about_the_data_makes_it_partial_and_one_about_the_query_does_not() {
        let with = |more: &str| format!(r#"{{"status":"success",{more},"data":{{"resultType":"scalar","result":[1,"1"]}}}}"#);
        check(&with(r#""warnings":["a store did not answer"]"#), Err("partial answer"));
        check(&with(r#""isPartial":true"#), Err("partial answer"));
        check(&with(r#""warnings":["PromQL info: metric might not be a counter"]"#), Ok(("1", 1_000_000)));
        check(&with(r#""infos":["anything"]"#), Ok(("1", 1_000_000)));
    }

    #[test]
    fn a_failure_repeats_the_kind_and_never_the_prose() {
        let error = |kind: &str| format!(r#"{{"status":"error","errorType":"{kind}","error":"prose <script>"}}"#);
        assert_eq!(failure(error("bad_data").as_bytes(), 400), "query failed: bad_data");
        assert_eq!(failure(error("Any Prose").as_bytes(), 400), "query failed");
        assert_eq!(failure(error(&"a".repeat(33)).as_bytes(), 400), "query failed");
        assert_eq!(failure(b"<html>", 502), "query failed: http 502");
        check(&error("execution"), Err("query failed: execution"));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic_or_talk(body in proptest::collection::vec(any::<u8>(), 0..200), value in any::<String>()) {
            prop_assert!(read(&body).is_err());
            let told = serde_json::json!({"status": "error", "errorType": value, "error": value}).to_string();
            prop_assert!(failure(told.as_bytes(), 400).len() <= "query failed: ".len() + ERROR_TYPE_MAX);
        }
    }
}
