//! Escalation paths: who is told, in which order, how long each has to answer, and who is told when nobody does.

mod reach;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use reach::Concern;

use crate::authority::Directory;
use crate::incident::Severity;
use crate::name::{Login, PathName, RoleName, RotationName};
use crate::rotation::Hours;
use crate::slo::Zone;
use crate::time::{Span, Timestamp};
use crate::topology::EntityRef;

/// How long whoever has answered may do nothing, where a path does not say it.
pub const ACT_WITHIN: Span = Span::from_secs(1_800);
/// The path of an estate that has none: its name cannot be written in a file.
const BUILT_IN: &str = "everybody";

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
    /// Whether it is the path of everything that has none of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub otherwise: bool,
    /// The steps, first one first; never empty.
    pub tiers: Vec<Tier>,
    /// How many times more the whole path is walked when nobody answers.
    #[serde(default)]
    pub repeat: u8,
    /// How long whoever has answered may do nothing before it climbs on.
    #[serde(default = "act_within")]
    pub act_within: Span,
    /// Who is told when nobody is on call, and when nobody answers at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_resort: Option<Whom>,
    /// When nobody is woken by what is not bad enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quiet: Vec<QuietHours>,
}

/// One step: all of these are told at once, and one answer is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// For people.
    pub title: String,
    /// Whom.
    pub whom: Whom,
    /// How long they have to answer before the next tier is told too.
    pub within: Span,
}

/// People, by what makes them the ones to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whom {
    /// Persons by name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub people: BTreeSet<Login>,
    /// Everybody who holds one of these roles.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<RoleName>,
    /// Whoever is on call in these rotations.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub on_call: BTreeSet<RotationName>,
    /// The team that owns the thing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owner: bool,
    /// Whoever commands the incident.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub commander: bool,
}

/// Hours in which incidents that are not bad enough wake nobody: they wait until the hours are over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// The severities that wait.
    pub severities: BTreeSet<Severity>,
    /// When.
    pub hours: Hours,
    /// On whose wall clock.
    pub zone: Zone,
}

const fn act_within() -> Span {
    ACT_WITHIN
}

impl EscalationPath {
    /// How long it takes until the last tier's time is over, with every repetition.
    pub fn length(&self) -> Span {
        let once: u64 = self.tiers.iter().map(|tier| tier.within.as_secs()).sum();
        Span::from_secs(once.saturating_mul(u64::from(self.repeat) + 1))
    }

    /// Until when an incident of this severity waits, when it does.
    pub fn held_until(&self, severity: Severity, at: Timestamp) -> Option<Timestamp> {
        let theirs = self.quiet.iter().filter(|quiet| quiet.severities.contains(&severity));
        theirs.filter_map(|quiet| quiet.hours.end(&quiet.zone.rules()?, at)).max()
    }

    /// The path of an estate that has none: the team that owns the thing, then everybody.
    pub fn built_in(directory: &Directory) -> Option<Self> {
        let everybody = Whom { people: directory.operators.values().map(|person| person.login.clone()).collect(), ..Whom::default() };
        let owner = Whom { owner: true, ..Whom::default() };
        let tier = |title: &str, whom| Tier { title: title.into(), whom, within: Span::from_secs(300) };
        Some(Self {
            name: BUILT_IN.parse().ok()?,
            title: "No path is written down".into(),
            targets: BTreeSet::new(),
            otherwise: true,
            tiers: vec![tier("the team that owns it", owner), tier("everybody", everybody.clone())],
            repeat: 1,
            act_within: ACT_WITHIN,
            last_resort: Some(everybody),
            quiet: Vec::new(),
        })
    }
}
