//! Finding things in a document that somebody else designed.

use std::collections::BTreeMap;

use lineclear_core::signal::{Pointer, Segment};

use crate::WebhookError;
use crate::alertmanager::expected;
use crate::json::{Json, Place};

/// What stands at a path of members.
pub(super) fn at<'j>(from: &'j Json, path: &[&str]) -> Option<&'j Json> {
    path.iter().try_fold(from, |here, name| if let Json::Object(members) = here { members.get(*name) } else { None })
}

/// The text at a path: of a string, number or flag that says something.
pub(super) fn text(from: &Json, path: &[&str]) -> Option<String> {
    at(from, path).and_then(scalar)
}

/// The first text of several paths.
pub(super) fn first(from: &Json, paths: &[&[&str]]) -> Option<String> {
    paths.iter().find_map(|path| text(from, path))
}

/// The list at a path; empty when there is none.
pub(super) fn list<'j>(from: &'j Json, path: &[&str]) -> &'j [Json] {
    match at(from, path) {
        Some(Json::List(items)) => items,
        _ => &[],
    }
}

/// A value as text; nothing for an empty one, and for a place-holder that its sender has not filled in.
pub(super) fn scalar(value: &Json) -> Option<String> {
    let text = match value {
        Json::Text(text) => text.trim(),
        Json::Count(count) => return Some(count.to_string()),
        Json::Number(number) => return Some(number.clone()),
        Json::Flag(flag) => return Some(flag.to_string()),
        Json::Null | Json::List(_) | Json::Object(_) => return None,
    };
    (!text.is_empty() && !unfilled(text)).then(|| text.to_owned())
}

/// `$SERVICE`, `{{ host.name }}` and `*insert name*` are forms that nobody filled in.
fn unfilled(text: &str) -> bool {
    let variable = text
        .strip_prefix('$')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'));
    let braces = text.starts_with("{{") && text.ends_with("}}");
    variable || braces || (text.len() > 2 && text.starts_with('*') && text.ends_with('*'))
}

/// What stands at a pointer of a mapping.
pub(super) fn pointed<'j>(from: &'j Json, pointer: &Pointer) -> Option<&'j Json> {
    pointer.segments().iter().try_fold(from, |here, segment| match (here, segment) {
        (Json::Object(members), Segment::Member(name)) => members.get(name),
        (Json::List(items), Segment::Member(number)) => items.get(number.parse::<usize>().ok()?),
        (Json::List(items), Segment::Where { name, value }) => {
            items.iter().find(|item| at(item, &[name.as_str()]).and_then(scalar).as_ref() == Some(value))
        }
        (_, _) => None,
    })
}

/// The members of an object, or the refusal of whatever else stands there.
pub(super) fn object<'j>(value: &'j Json, place: &Place<'_>) -> Result<&'j BTreeMap<String, Json>, WebhookError> {
    if let Json::Object(members) = value { Ok(members) } else { Err(expected(place, "an object")) }
}

/// A text that must be there.
pub(super) fn need(from: &Json, name: &str) -> Result<String, WebhookError> {
    text(from, &[name]).ok_or_else(|| missing(name, "a text that says something"))
}

/// The refusal of a member of the whole document.
pub(super) fn missing(name: &str, what: &'static str) -> WebhookError {
    expected(&Place::Member(&Place::Root, name), what)
}

/// Texts of the members of an object that have one.
pub(super) fn texts(value: Option<&Json>) -> BTreeMap<String, String> {
    let Some(Json::Object(members)) = value else { return BTreeMap::new() };
    members.iter().filter_map(|(name, value)| Some((name.clone(), scalar(value)?))).collect()
}
