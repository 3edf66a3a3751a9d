//! The first look at a body: that it is JSON, not nested without end, and that no member is there twice.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::DEPTH_MAX;
use super::place::Place;
use crate::{Code, Problem};

/// What was found before `serde_json` could say anything useful about it.
enum Fault {
    Twice(String),
    Deep,
}

/// Checks a whole body.
///
/// # Errors
/// The first fault.
pub(super) fn check(body: &[u8]) -> Result<(), Problem> {
    let fault = RefCell::new(None);
    let mut from = serde_json::Deserializer::from_slice(body);
    let read = Node { at: &Place::Root, depth: 0, fault: &fault }.deserialize(&mut from).and_then(|()| from.end());
    match (fault.into_inner(), read) {
        (Some(Fault::Twice(pointer)), _) => Err(Problem::with(Code::DuplicateMember, format!("`{pointer}` is there twice")).at(pointer)),
        (Some(Fault::Deep), _) => Err(Problem::with(Code::TooDeep, format!("nested deeper than {DEPTH_MAX} levels"))),
        (None, Err(error)) => Err(Problem::with(Code::NotJson, error.to_string())),
        (None, Ok(())) => Ok(()),
    }
}

#[derive(Clone, Copy)]
struct Node<'a> {
    at: &'a Place<'a>,
    depth: usize,
    fault: &'a RefCell<Option<Fault>>,
}

impl Node<'_> {
    fn deeper<E: serde::de::Error>(&self) -> Result<usize, E> {
        if self.depth >= DEPTH_MAX {
            self.fault.replace(Some(Fault::Deep));
            return Err(E::custom("nested too deep"));
        }
        Ok(self.depth + 1)
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        let mut index = 0;
        while from.next_element_seed(Node { at: &Place::Item(self.at, index), depth, fault: self.fault })?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        let depth = self.deeper()?;
        let mut names = BTreeSet::new();
        while let Some(name) = from.next_key::<String>()? {
            let at = Place::Member(self.at, &name);
            if names.contains(&name) {
                self.fault.replace(Some(Fault::Twice(at.to_string())));
                from.next_value::<IgnoredAny>()?;
                return Err(A::Error::custom("a member is there twice"));
            }
            from.next_value_seed(Node { at: &at, depth, fault: self.fault })?;
            names.insert(name);
        }
        Ok(())
    }
}
