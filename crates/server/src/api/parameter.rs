//! Parts of paths, queries and headers, read strictly.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path, Query};
use http::HeaderMap;
use http::request::Parts;
use lineclear_engine::{KEY_MAX, WAIT_MAX};
use serde::de::DeserializeOwned;

use crate::{App, Code, Problem};

/// The one id in the path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<T>(pub T);

/// The query of the asked shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<T>(pub T);

impl<T> FromRequestParts<App> for Named<T>
where
    T: FromStr<Err: fmt::Display>,
{
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, app).await.map_err(|why| Problem::with(Code::BadParameter, why.body_text()))?;
        text.parse().map(Self).map_err(|why| Problem::with(Code::BadParameter, why.to_string()))
    }
}

impl<T: DeserializeOwned> FromRequestParts<App> for Asked<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        query.map(|Query(query)| Self(query)).map_err(|why| Problem::with(Code::BadParameter, why.body_text()))
    }
}

/// The idempotency key: one header of visible ASCII characters.
///
/// # Errors
/// When there are two, or it is none.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all("idempotency-key").iter();
    let (first, second) = (given.next(), given.next());
    let Some(first) = first else { return Ok(None) };
    let text = first.to_str().ok().filter(|text| (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()));
    match (text, second) {
        (Some(text), None) => Ok(Some(text.to_owned())),
        (_, _) => Err(Problem::with(
            Code::BadParameter,
            format!("`Idempotency-Key` is given once and has 1 to {KEY_MAX} visible ASCII characters"),
        )),
    }
}

/// How long the caller prefers to wait (RFC 7240 §4.3), at most [`WAIT_MAX`]; a preference that is none is no error.
pub(crate) fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let all = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let seconds = all.flat_map(|text| text.split([',', ';'])).find_map(|one| one.trim().strip_prefix("wait=")?.parse::<u32>().ok());
    seconds.map(|seconds| Duration::from_secs(seconds.into()).min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_wait(given: &str, expected: Option<u64>) {
        let headers = HeaderMap::from_iter([(http::HeaderName::from_static("prefer"), given.parse().unwrap())]);
        assert_eq!(preferred_wait(&headers), expected.map(Duration::from_secs), "{given}");
    }

    #[test]
    fn a_wait_is_read_among_other_preferences_and_bounded() {
        check_wait("wait=10", Some(10));
        check_wait("respond-async, wait=10", Some(10));
        check_wait("respond-async;wait=0", Some(0));
        check_wait("wait=4000000000", Some(WAIT_MAX.as_secs()));
        for bad in ["", "wait", "wait=", "wait=-1", "wait=99999999999", "waiting=3"] {
            check_wait(bad, None);
        }
    }

    fn check_key(given: &[&str], expected: Result<Option<&str>, ()>) {
        let name = http::HeaderName::from_static("idempotency-key");
        let mut headers = HeaderMap::new();
        for value in given {
            headers.append(name.clone(), http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        assert_eq!(idempotency_key(&headers).map_err(drop), expected.map(|key| key.map(str::to_owned)), "{given:?}");
    }

    #[test]
    fn an_idempotency_key_is_one_bounded_word() {
        check_key(&[], Ok(None));
        check_key(&["01J7"], Ok(Some("01J7")));
        check_key(&[&"k".repeat(KEY_MAX)], Ok(Some(&"k".repeat(KEY_MAX))));
        check_key(&[&"k".repeat(KEY_MAX + 1)], Err(()));
        check_key(&["a", "a"], Err(()));
        check_key(&["a b"], Err(()));
        check_key(&["é"], Err(()));
        check_key(&[""], Err(()));
    }
}
