//! Escalation paths: who is told, in which order, and how long each has to answer.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::name::{Login, PathName, RoleName};
use crate::time::Span;
use crate::topology::EntityRef;

/// Who is told, in which order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationPath {
    /// Its name.
    pub name: PathName,
    /// For people.
    pub title: String,
    /// For which things, and what is part of them; empty for a path that only others name.
    #[serde(default)]
    pub targets: BTreeSet<EntityRef>,
    /// The steps, first one first; never empty.
    pub tiers: Vec<Tier>,
    /// How many times more the whole path is walked when nobody answers.
    #[serde(default)]
    pub repeat: u8,
}

/// One step: all of these are told at once, and one answer is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// For people.
    pub title: String,
    /// Persons by name.
    #[serde(default)]
    pub people: BTreeSet<Login>,
    /// Everybody who holds one of these roles.
    #[serde(default)]
    pub roles: BTreeSet<RoleName>,
    /// The team that owns the thing.
    #[serde(default)]
    pub owner: bool,
    /// How long they have to answer before the next tier is told too.
    pub within: Span,
}

impl EscalationPath {
    /// How long it takes until the last tier's time is over, with every repetition.
    pub fn length(&self) -> Span {
        let once: u64 = self.tiers.iter().map(|tier| tier.within.as_secs()).sum();
        Span::from_secs(once.saturating_mul(u64::from(self.repeat) + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_as_long_as_its_tiers_as_often_as_it_is_walked() {
        let tier = |seconds| Tier {
            title: "t".into(),
            people: BTreeSet::new(),
            roles: BTreeSet::new(),
            owner: true,
            within: Span::from_secs(seconds),
        };
        let path = |repeat| EscalationPath {
            name: "a".parse().unwrap(),
            title: "t".into(),
            targets: BTreeSet::new(),
            tiers: vec![tier(60), tier(300)],
            repeat,
        };
        assert_eq!([path(0).length(), path(2).length()], [Span::from_secs(360), Span::from_secs(1_080)]);
    }
}
