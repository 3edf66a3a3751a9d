//! JSON from strangers: as `serde_json` reads it, but a member given twice is refused and every complaint names its place.
//!
//! A member given twice means one thing to us and another to whoever signed or filtered the text before.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value as far as the readers of this room tell them apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    /// A whole number that is not negative.
    Count(u64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
    Flag(bool),
    /// Any other number, as text.
    Number(String),
}

/// Why a text is not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum JsonError {
    /// Not JSON; with the reason, line and column.
    Syntax(String),
    /// The member at this JSON pointer is there twice.
    Twice(String),
}

/// Where a value stands; prints as a JSON pointer (RFC 6901). It borrows its way down, so that a deep or long-named
/// document costs nothing until somebody complains.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

/// The whole text as one value. Nesting is bounded by `serde_json` (128).
pub(crate) fn read(text: &[u8]) -> Result<Json, JsonError> {
    let twice = RefCell::new(None);
    let mut from = serde_json::Deserializer::from_slice(text);
    let read = Node { at: Place::Root, twice: &twice }.deserialize(&mut from).and_then(|value| from.end().map(|()| value));
    match (twice.into_inner(), read) {
        (Some(pointer), _) => Err(JsonError::Twice(pointer)),
        (None, Ok(value)) => Ok(value),
        (None, Err(error)) => Err(JsonError::Syntax(error.to_string())),
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(above, name) => write!(f, "{above}/{}", name.replace('~', "~0").replace('/', "~1")),
            Self::Item(above, index) => write!(f, "{above}/{index}"),
        }
    }
}

#[derive(Clone, Copy)]
struct Node<'a> {
    at: Place<'a>,
    twice: &'a RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Json;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Json, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Flag(flag))
    }

    fn visit_u64<E>(self, count: u64) -> Result<Json, E> {
        Ok(Json::Count(count))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(Node { at: Place::Item(&self.at, items.len()), twice: self.twice })? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = from.next_key::<String>()? {
            let at = Place::Member(&self.at, &name);
            if members.contains_key(&name) {
                self.twice.replace(Some(at.to_string()));
                return Err(de::Error::custom("a member is there twice"));
            }
            let value = from.next_value_seed(Node { at, twice: self.twice })?;
            members.insert(name, value);
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&Json, &str>) {
        let read = read(text.as_bytes());
        let shown = read.as_ref().map_err(|error| match error {
            JsonError::Syntax(why) => why.as_str(),
            JsonError::Twice(pointer) => pointer.as_str(),
        });
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn each_kind_of_value_is_read() {
        let items = vec![
            Json::Null,
            Json::Count(7),
            Json::Number("-7".into()),
            Json::Number("0.5".into()),
            Json::Flag(true),
            Json::Text("ä".into()),
        ];
        check(r#"[null, 7, -7, 0.5, true, "\u00e4"]"#, Ok(&Json::List(items)));
        check(r#"{"a": {}}"#, Ok(&Json::Object([("a".into(), Json::Object(BTreeMap::new()))].into())));
    }

    #[test]
    fn a_member_given_twice_is_refused_at_its_place() {
        check(r#"{"a": 1, "b": [{}, {"c/d~": 1, "c/d~": 2}]}"#, Err("/b/1/c~1d~0"));
        check(r#"{"a": 1, "\u0061": 1}"#, Err("/a"));
    }

    #[test]
    fn what_follows_the_value_is_refused() {
        check("{} {}", Err("trailing characters at line 1 column 4"));
        check(&"[".repeat(200), Err("recursion limit exceeded at line 1 column 128"));
        check(r#""\ud800""#, Err("unexpected end of hex escape at line 1 column 8"));
    }
}
