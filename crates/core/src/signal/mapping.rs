//! How to read JSON that nobody wrote a reader for: from places in the document to the members of a signal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::incident::Severity;

/// Longest pointer, in bytes.
pub const POINTER_MAX: usize = 300;
/// Most pointers for one member, and most segments of one pointer.
pub const POINTERS_MAX: usize = 16;

/// A place in a JSON document: a JSON pointer (RFC 6901), in which a segment `{name=value}` stands for the first item of a
/// list whose member `name` has this text. `/fields/{key=severity}/value`.
#[derive(Debug, Clone, PartialEq, Eq)]
// INVARIANT: only `from_str` builds one, so it has at most `POINTERS_MAX` segments.
pub struct Pointer(Vec<Segment>);

/// One step of a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A member of an object, or an item of a list by its number.
    Member(String),
    /// The first item whose member has this text.
    Where {
        /// The member.
        name: String,
        /// Its text.
        value: String,
    },
}

/// A text that is no pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place in a document: write it as in `/alert/labels/service`")]
pub struct PointerError(String);

impl Pointer {
    /// Its steps; none for the whole document.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }
}

impl FromStr for Pointer {
    type Err = PointerError;
    fn from_str(text: &str) -> Result<Self, PointerError> {
        let bad = || PointerError(text.chars().take(80).collect());
        if text.len() > POINTER_MAX {
            return Err(bad());
        }
        let Some(rest) = text.strip_prefix('/') else { return if text.is_empty() { Ok(Self(Vec::new())) } else { Err(bad()) } };
        let segments: Vec<Segment> = rest.split('/').map(segment).collect::<Option<_>>().ok_or_else(bad)?;
        if segments.len() > POINTERS_MAX { Err(bad()) } else { Ok(Self(segments)) }
    }
}

fn segment(text: &str) -> Option<Segment> {
    if let Some((name, value)) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).and_then(|inner| inner.split_once('=')) {
        return Some(Segment::Where { name: unescaped(name)?, value: unescaped(value)? });
    }
    unescaped(text).map(Segment::Member)
}

/// `~1` is `/` and `~0` is `~`; a lone `~` is a mistake (RFC 6901 §3).
fn unescaped(text: &str) -> Option<String> {
    let plain = text.replace("~1", "").replace("~0", "");
    (!plain.contains('~')).then(|| text.replace("~1", "/").replace("~0", "~"))
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |text: &str| text.replace('~', "~0").replace('/', "~1");
        self.0.iter().try_for_each(|segment| match segment {
            Segment::Member(name) => write!(f, "/{}", escaped(name)),
            Segment::Where { name, value } => write!(f, "/{{{}={}}}", escaped(name), escaped(value)),
        })
    }
}

impl Serialize for Pointer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pointer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// From places to members. Of several places the first that holds something counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// Where the list of alerts stands; without it the document, or each item of it when it is a list, is one alert.
    pub items: Option<Pointer>,
    /// What makes it the same thing when it comes again: all of them together. Never empty.
    pub fingerprint: Vec<Pointer>,
    /// One line for people.
    pub title: Vec<Pointer>,
    /// What it concerns.
    pub service: Vec<Pointer>,
    /// The source's word for how bad it is.
    pub severity: Vec<Pointer>,
    /// What these words mean, in lower case; others are read as Lineclear reads any sender's word.
    pub severities: BTreeMap<String, Severity>,
    /// Where it says whether it still holds; without it everything does.
    pub state: Vec<Pointer>,
    /// The words for over, in lower case.
    pub resolved: BTreeSet<String>,
    /// Since when: RFC 3339, or seconds, milliseconds or more since 1970. Without it, since it came.
    pub starts: Vec<Pointer>,
    /// What it is grouped by: all of them together. Without it, by its fingerprint.
    pub group: Vec<Pointer>,
    /// Labels by name.
    pub labels: BTreeMap<String, Pointer>,
    /// Annotations by name.
    pub annotations: BTreeMap<String, Pointer>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<usize>) {
        let read: Result<Pointer, _> = text.parse();
        assert_eq!(read.as_ref().ok().map(|pointer| pointer.segments().len()), expected, "{text}");
        if let Ok(pointer) = read {
            assert_eq!(pointer.to_string(), text);
        }
    }

    #[test]
    fn a_pointer_is_read_and_printed_as_it_stands() {
        check("", Some(0));
        check("/a", Some(1));
        check("/a/0/b~1c~0d", Some(3));
        check("/fields/{key=severity}/value", Some(3));
        check("/", Some(1));
        check("a", None);
        check("/a~2", None);
        check(&"/a".repeat(17), None);
        check(&format!("/{}", "a".repeat(300)), None);
    }
}
