//! Labels: short words that say where a runner stands, and where a step has to be carried out.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest key and longest value of a label, in bytes: those of Kubernetes.
pub const PART_MAX: usize = 63;
/// Most labels of one runner or one plan: more than this nobody keeps in mind.
pub const LABELS_MAX: usize = 16;

/// One label; prints as `site=ber`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
// INVARIANT: only `FromStr` builds one, and it checks the alphabet and the lengths.
pub struct Label(Arc<str>);

/// Some labels; print as `site=ber, zone=b`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
// INVARIANT: at most [`LABELS_MAX`]; only `collect`, `union` and `Deserialize` build more than none, and they count.
pub struct Labels(BTreeSet<Label>);

/// Why a text is no label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Another form.
    #[error(
        "`{0}` is no label: write `key=value`, each of 1 to {PART_MAX} lower-case letters, digits, `.`, `-`, `_`, beginning with a letter or digit"
    )]
    Form(String),
    /// Too many.
    #[error("{0} labels, at most {LABELS_MAX} are allowed")]
    TooMany(usize),
}

fn plain(part: &str) -> bool {
    let first = part.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let rest = part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_'));
    first && rest && part.len() <= PART_MAX
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        match text.split_once('=') {
            Some((key, value)) if plain(key) && plain(value) => Ok(Self(Arc::from(text))),
            Some(_) | None => Err(LabelError::Form(text.chars().take(80).collect())),
        }
    }
}

impl Labels {
    /// These labels.
    ///
    /// # Errors
    /// When there are more than [`LABELS_MAX`].
    pub fn collect(labels: impl IntoIterator<Item = Label>) -> Result<Self, LabelError> {
        let labels: BTreeSet<Label> = labels.into_iter().collect();
        if labels.len() > LABELS_MAX { Err(LabelError::TooMany(labels.len())) } else { Ok(Self(labels)) }
    }

    /// Both together.
    ///
    /// # Errors
    /// When there are more than [`LABELS_MAX`].
    pub fn union(&self, other: &Self) -> Result<Self, LabelError> {
        Self::collect(self.0.union(&other.0).cloned())
    }

    /// Whether whoever carries these carries all of the others: nothing is carried by everybody.
    pub fn carry(&self, wanted: &Self) -> bool {
        self.0.is_superset(&wanted.0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Label> {
        self.0.iter()
    }
}

/// Labels with commas between them: `site=ber,zone=b`; nothing is none.
impl FromStr for Labels {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        Self::collect(parts.map(str::parse).collect::<Result<Vec<Label>, _>>()?)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, label) in self.0.iter().enumerate() {
            write!(f, "{}{label}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::collect(Vec::<Label>::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Labels {
        text.parse().unwrap()
    }

    #[test]
    fn a_label_is_a_key_and_a_value_of_plain_letters() {
        for good in ["site=ber", "a=1", "net.zone=b-2"] {
            assert_eq!(good.parse::<Label>().map(|label| label.to_string()), Ok(good.into()));
        }
        for bad in ["", "site", "=ber", "site=", "Site=ber", "site=b er", "site=a=b", "site=ä", &format!("a={}", "b".repeat(64))] {
            assert!(bad.parse::<Label>().is_err(), "{bad}");
        }
    }

    #[test]
    fn whoever_carries_all_that_is_wanted_carries_it() {
        let runner = labels("site=ber, zone=b");
        for (wanted, carried) in [("", true), ("site=ber", true), ("zone=b,site=ber", true), ("site=muc", false), ("site=ber,gpu=1", false)]
        {
            assert_eq!(runner.carry(&labels(wanted)), carried, "{wanted}");
        }
    }

    #[test]
    fn there_are_never_too_many() {
        let many = (0..=LABELS_MAX).map(|n| format!("a{n}=b")).collect::<Vec<_>>();
        assert!(matches!(many.join(",").parse::<Labels>(), Err(LabelError::TooMany(17))));
        assert!(serde_json::from_value::<Labels>(serde_json::json!(many)).is_err());
        assert!(labels("a=b").union(&labels(&many.iter().skip(1).cloned().collect::<Vec<_>>().join(","))).is_err());
    }
}
