//! Reading a value into a shape while remembering where: the innermost place at which something did not fit.

use std::cell::RefCell;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Map, Value};

use super::place::Place;

/// Reads a value; the error comes with the JSON pointer of its place.
///
/// # Errors
/// The first thing that does not fit.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, (String, Error)> {
    let place = RefCell::new(None);
    let node = Node { value, at: &Place::Root, place: &place };
    T::deserialize(node).map_err(|error| (place.take().unwrap_or_default(), error))
}

#[derive(Clone, Copy)]
struct Node<'a, 'p> {
    value: &'a Value,
    at: &'p Place<'p>,
    place: &'p RefCell<Option<String>>,
}

impl Node<'_, '_> {
    /// Remembers the place of the first error; errors come from the inside out.
    fn noted<T>(self, read: Result<T, Error>) -> Result<T, Error> {
        if read.is_err() {
            self.place.borrow_mut().get_or_insert_with(|| self.at.to_string());
        }
        read
    }
}

impl<'a> Deserializer<'a> for Node<'a, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let read = match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(yes) => visitor.visit_bool(*yes),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, Some(number)) => visitor.visit_f64(number),
                (None, None, None) => Err(Error::custom("a number out of range")),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(Items { items: items.iter().enumerate(), node: self }),
            Value::Object(members) => visitor.visit_map(Members { rest: members.iter(), value: None, node: self }),
        };
        self.noted(read)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let read = if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) };
        self.noted(read)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        let read = visitor.visit_newtype_struct(self);
        self.noted(read)
    }

    fn deserialize_enum<V: Visitor<'a>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        let read = match self.value.as_str() {
            Some(text) => visitor.visit_enum(BorrowedStrDeserializer::new(text)),
            None => Err(Error::invalid_type(Unexpected::Other("something else"), &"a string")),
        };
        self.noted(read)
    }

    forward_to_deserialize_any! {
        <W: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Items<'a, 'p> {
    items: std::iter::Enumerate<std::slice::Iter<'a, Value>>,
    node: Node<'a, 'p>,
}

impl<'a> SeqAccess<'a> for Items<'a, '_> {
    type Error = Error;
    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some((index, value)) = self.items.next() else { return Ok(None) };
        let at = Place::Item(self.node.at, index);
        let node = Node { value, at: &at, place: self.node.place };
        node.noted(seed.deserialize(node)).map(Some)
    }
}

struct Members<'a, 'p> {
    rest: <&'a Map<String, Value> as IntoIterator>::IntoIter,
    value: Option<(&'a str, &'a Value)>,
    node: Node<'a, 'p>,
}

impl<'a> MapAccess<'a> for Members<'a, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some((name, value));
        let at = Place::Member(self.node.at, name);
        let node = Node { value, at: &at, place: self.node.place };
        node.noted(seed.deserialize(BorrowedStrDeserializer::new(name))).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (name, value) = self.value.take().ok_or_else(|| Error::custom("a value without a name"))?;
        let at = Place::Member(self.node.at, name);
        let node = Node { value, at: &at, place: self.node.place };
        node.noted(seed.deserialize(node))
    }
}
