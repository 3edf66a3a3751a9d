//! The schema of `tests:`, as [`super::read`] reads it.

use serde_json::{Value, json};

use super::Decision;
use super::fake::{Answer, Look};
use super::read::{END_WORDS, TESTS_MAX};
use crate::schema::form::{any, keys, list, map, name, names, object, text, title, words};

/// The tests of a runbook.
pub(crate) fn schema() -> Value {
    let answers: Vec<&str> = keys(&Answer::WORDS).into_iter().chain(keys(&Look::WORDS)).collect();
    let answer = json!({ "anyOf": [words(&answers), object("an answer", &["report"], &[("report", any())])] });
    let script = json!({ "anyOf": [answer, list(answer.clone(), 1)] });
    let decisions = keys(&Decision::WORDS);
    let people = json!({ "anyOf": [words(&decisions), list(words(&decisions), 1)] });
    let expect = object(
        "`expect`",
        &["outcome", "reached"],
        &[("outcome", words(&keys(&END_WORDS))), ("at", text(300)), ("reached", list(name(), 0)), ("undone", names())],
    );
    let value = json!({ "anyOf": [json!({ "type": ["string", "integer"] }), names()] });
    let test = object(
        "a test",
        &["name", "target", "expect"],
        &[("name", title()), ("target", text(300)), ("inputs", map(value)), ("fakes", map(script)), ("people", people), ("expect", expect)],
    );
    let mut tests = list(test, 1);
    if let Some(rules) = tests.as_object_mut() {
        rules.insert("maxItems".into(), TESTS_MAX.into());
    }
    tests
}
