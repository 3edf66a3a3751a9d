//! Attention: whether people were told of an incident, are going to be, or need not be, and why.

use serde::{Deserialize, Serialize};

use crate::estate::Estate;
use crate::incident::Severity;
use crate::signal::Signal;
use crate::time::{Span, Timestamp};
use crate::topology::{EntityRef, Environment};

/// How long an incident gathers what belongs to it before anybody is told: one page for a storm, and no long wait for it.
pub const GATHER: Span = Span::from_secs(10);
/// How often an incident that is not over is looked at again: what lasts gets worse.
pub const LOOK_AGAIN: Span = Span::from_secs(60);

/// Why a signal pages nobody. It is kept and counted all the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Quiet {
    /// It says that it is only information.
    Informational,
    /// Its source, or a label of its own, says that nobody need act on it.
    Declared,
    /// What it concerns is not production.
    OutsideProduction,
    /// A maintenance window covers it.
    Maintenance {
        /// The window's title.
        title: String,
        /// When it ends.
        until: Timestamp,
    },
}

/// Why people were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A signal of it asks for a person.
    Actionable,
    /// A rule of the estate pages for it, whatever its severity.
    Rule,
    /// It was quiet, and no longer is.
    NoLongerQuiet,
}

/// Whether people were told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "attention", rename_all = "snake_case")]
pub enum Attention {
    /// It gathers what belongs to it until then.
    Gathering {
        /// When that is over.
        until: Timestamp,
    },
    /// Nobody is told.
    Quiet {
        /// Why.
        why: Quiet,
    },
    /// People were told.
    Paged {
        /// When.
        at: Timestamp,
    },
}

impl Quiet {
    /// One word for records.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Declared => "declared",
            Self::OutsideProduction => "outside_production",
            Self::Maintenance { .. } => "maintenance",
        }
    }

    /// Until when it holds; none while only another signal can end it.
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Maintenance { until, .. } => Some(*until),
            Self::Informational | Self::Declared | Self::OutsideProduction => None,
        }
    }

    /// Why this signal about this thing pages nobody now; none when it does. The reason that ends last is given.
    pub fn of(signal: &Signal, subject: Option<&EntityRef>, estate: &Estate, now: Timestamp) -> Option<Self> {
        let declared = signal.labels.get("actionable").is_some_and(|word| matches!(word.as_str(), "false" | "no"));
        let source = estate.signals.iter().find(|(name, _)| name.as_str() == signal.source);
        if declared || source.is_some_and(|(_, source)| !source.pages) {
            return Some(Self::Declared);
        }
        let environment = subject.and_then(|thing| estate.topology.get(thing)).map(|thing| thing.environment);
        if environment.is_some_and(|environment| environment != Environment::Production) {
            return Some(Self::OutsideProduction);
        }
        if signal.graded() == Severity::MILDEST {
            return Some(Self::Informational);
        }
        let covering = estate.maintenance.iter().filter(|window| window.covers(signal, subject, &estate.topology, now));
        covering.max_by_key(|window| window.until).map(|window| Self::Maintenance { title: window.title.clone(), until: window.until })
    }
}

impl Why {
    /// One word for records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Actionable => "actionable",
            Self::Rule => "rule",
            Self::NoLongerQuiet => "no_longer_quiet",
        }
    }
}
