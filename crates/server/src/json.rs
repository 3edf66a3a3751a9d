//! Bodies from strangers: strict JSON. A member given twice, a member nobody asked for, and nesting without end are
//! refused, and every complaint names its place.

mod place;
mod shape;
mod tracked;

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::{App, Code, Problem};

/// Deepest nesting that is read; the deepest body of this API has five levels.
pub(crate) const DEPTH_MAX: usize = 32;

/// A JSON body of exactly the asked shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strict<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Strict<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(Code::UnsupportedMediaType));
        }
        let body = Bytes::from_request(request, app).await.map_err(|rejection| unread(&rejection))?;
        read(&body).map(Self)
    }
}

/// Why a body could not be read at all.
pub(crate) fn unread(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Problem::new(Code::TooLarge)
    } else {
        Problem::with(Code::NotJson, "the body ended before it was complete")
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads a body as a value of this shape.
///
/// # Errors
/// The first fault, with its place.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    shape::check(body)?;
    let value = serde_json::from_slice(body).map_err(|error| Problem::with(Code::NotJson, error.to_string()))?;
    tracked::read(&value).map_err(|(pointer, error)| Problem::with(Code::Malformed, plain(&error.to_string())).at(pointer))
}

/// A message for people: without names of types of ours.
fn plain(message: &str) -> String {
    if message.starts_with("data did not match any variant") {
        return "neither a text nor a whole number".into();
    }
    let Some((said, expected)) = message.rsplit_once("expected ") else { return message.to_owned() };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "i64" => "a whole number, negative or not",
        "a string" | "a boolean" => return message.to_owned(),
        other if other.starts_with("struct ") || other.starts_with("internally tagged enum") || other == "a map" => "an object",
        "a sequence" => "a list",
        _ => return message.to_owned(),
    };
    format!("{said}expected {expected}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Body {
        count: u32,
        #[serde(default)]
        names: Vec<String>,
        #[serde(default)]
        inner: BTreeMap<String, Inner>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        yes: bool,
    }

    fn check(text: &str, code: Code, pointer: Option<&str>, detail: &str) {
        let problem = read::<Body>(text.as_bytes()).unwrap_err();
        assert_eq!((problem.code(), problem.pointer(), problem.detail()), (code, pointer, detail), "{text}");
    }

    #[test]
    fn a_body_of_the_asked_shape_is_read() {
        let body: Body = read(br#" {"count": 7, "names": ["a"], "inner": {"x": {"yes": true}}} "#).unwrap();
        assert_eq!((body.count, body.names.len(), body.inner["x"].yes), (7, 1, true));
    }

    #[test]
    fn every_complaint_names_its_place() {
        check(r#"{"count": "7"}"#, Code::Malformed, Some("/count"), "invalid type: string \"7\", expected a whole number");
        check(r#"{"count": -7}"#, Code::Malformed, Some("/count"), "invalid value: integer `-7`, expected a whole number");
        check(r#"{"count": 7, "names": ["a", 1, "b"]}"#, Code::Malformed, Some("/names/1"), "invalid type: integer `1`, expected a string");
        check(r#"{"count": 7, "names": {}}"#, Code::Malformed, Some("/names"), "invalid type: map, expected a list");
        check(
            r#"{"count": 7, "inner": {"a/b~": {"yes": 1}}}"#,
            Code::Malformed,
            Some("/inner/a~1b~0/yes"),
            "invalid type: integer `1`, expected a boolean",
        );
        check(r#"{"count": 7, "inner": {"x": {}}, "names": []}"#, Code::Malformed, Some("/inner/x"), "missing field `yes`");
        check(
            r#"{"count": 7, "conut": 1}"#,
            Code::Malformed,
            Some("/conut"),
            "unknown field `conut`, expected one of `count`, `names`, `inner`",
        );
        check("{}", Code::Malformed, None, "missing field `count`");
        check("{\n \"names\": [\n1\n]}", Code::Malformed, Some("/names/0"), "invalid type: integer `1`, expected a string");
        check("7", Code::Malformed, None, "invalid type: integer `7`, expected an object");
    }

    #[test]
    fn what_means_two_things_to_two_readers_is_refused() {
        check(r#"{"count": 7, "count": 8}"#, Code::DuplicateMember, Some("/count"), "`/count` is there twice");
        check(r#"{"count": 7, "c\u006funt": 8}"#, Code::DuplicateMember, Some("/count"), "`/count` is there twice");
        check(
            r#"{"count": 7, "inner": {"x": {"yes": true, "yes": false}}}"#,
            Code::DuplicateMember,
            Some("/inner/x/yes"),
            "`/inner/x/yes` is there twice",
        );
        check(r#"{"count": 7} {}"#, Code::NotJson, None, "trailing characters at line 1 column 14");
        check("", Code::NotJson, None, "EOF while parsing a value at line 1 column 0");
        let deep = format!(r#"{{"count": {}1{}}}"#, "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
        check(&deep, Code::TooDeep, None, "nested deeper than 32 levels");
        check(&"[".repeat(10_000), Code::TooDeep, None, "nested deeper than 32 levels");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read::<Body>(&body);
        }

        #[test]
        fn no_mutation_makes_it_panic_and_every_pointer_is_one(edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4)) {
            let mut body = br#"{"count": 7, "names": ["a", "\n\u00e9"], "inner": {"a/b": {"yes": true}}}"#.to_vec();
            for (at, byte) in edits {
                let at = at.index(body.len());
                body[at] = byte;
            }
            if let Err(problem) = read::<Body>(&body) {
                prop_assert!(problem.pointer().is_none_or(|pointer| pointer.starts_with('/')));
            }
        }
    }
}
