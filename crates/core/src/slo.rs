//! Service level objectives as the estate states them: the part of OpenSLO v1 from which an error budget can be computed, in
//! whole numbers. The `estate` room reads them; [`crate::budget`] does the sums.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::budget::{Objective, ObjectiveError};
use crate::fact::Condition;
use crate::name::SloName;
use crate::time::Span;
use crate::topology::EntityRef;

const DAY: u64 = 86_400;

/// What is promised of one service (OpenSLO v1, "SLO").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// `metadata.name`.
    pub name: SloName,
    /// For people: `metadata.displayName`, else the name.
    pub title: String,
    /// The service of the catalog.
    pub service: EntityRef,
    /// What is measured.
    pub indicator: Indicator,
    /// Over how long.
    pub window: Window,
    /// What is promised of it; never empty, and exactly one for a [`Indicator::Threshold`].
    pub goals: Vec<Goal>,
    /// Alert policies of other programs, by name only.
    #[serde(default)]
    pub alert_policies: Vec<String>,
}

/// How the share of what is good is found (OpenSLO v1, "SLI").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Indicator {
    /// Two counts: some of all.
    Ratio {
        /// Which ones `part` counts.
        part_is: Share,
        /// The numerator.
        part: Query,
        /// The denominator.
        total: Query,
        /// Whether both only ever grow, so that their increase over a window counts; else their average does.
        counter: bool,
    },
    /// A share that somebody else has computed, from 0 to 1.
    Raw {
        /// Of what it is the share.
        share_of: Share,
        /// The share.
        query: Query,
    },
    /// A value that is good while it satisfies the goal's condition.
    Threshold {
        /// The value.
        query: Query,
    },
}

/// Which part of the whole a number speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// What went well.
    Good,
    /// What did not.
    Bad,
}

/// Where a number is asked, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// A source of `lineclear.toml`.
    pub source: String,
    /// PromQL.
    pub text: String,
}

/// The period of a budget (OpenSLO v1, "SLO", `timeWindow`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Window {
    /// The last so and so long, always.
    Rolling(Span),
    /// From a date on, so and so many of a unit at a time, in one time zone.
    Calendar {
        /// How many units, at least 1.
        count: u16,
        /// Which unit.
        unit: Unit,
        /// When the first period began.
        start: Civil,
        /// In which zone of the IANA Time Zone Database.
        zone: Zone,
    },
}

/// A unit of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// `d`.
    Day,
    /// `w`.
    Week,
    /// `M`.
    Month,
    /// `Q`.
    Quarter,
    /// `Y`.
    Year,
}

/// One promise (OpenSLO v1, "Objectives").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The share that must be good, in parts per million: 1 to 999,999.
    pub target_ppm: u32,
    /// What the value of a threshold must satisfy; none for ratios.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_while: Option<Condition>,
    /// What is counted.
    pub counting: Counting,
}

/// What is counted (OpenSLO v1, "SLO", `budgetingMethod`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Counting {
    /// Events.
    Occurrences,
    /// Slices of time, each of them good when this share of it is.
    Timeslices {
        /// How long one is.
        slice: Span,
        /// The share in parts per million, 1 to 1,000,000.
        target_ppm: u32,
    },
    /// Slices of time, each with its share, of which the average counts.
    RatioTimeslices {
        /// How long one is.
        slice: Span,
    },
}

impl Window {
    /// How long one period is; of the calendar's uneven units the shortest, so that no budget is told too large.
    pub const fn least(&self) -> Span {
        match self {
            Self::Rolling(span) => *span,
            Self::Calendar { count, unit, .. } => Span::from_secs(unit.least_days() * DAY * (*count as u64)),
        }
    }
}

impl Unit {
    const fn least_days(self) -> u64 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 28,
            Self::Quarter => 90,
            Self::Year => 365,
        }
    }
}

impl Goal {
    /// What the sums of [`crate::budget`] need.
    ///
    /// # Errors
    /// When the window is too short for burn rates to mean anything.
    pub fn objective(&self, window: &Window) -> Result<Objective, ObjectiveError> {
        Objective::new(self.target_ppm, window.least())
    }
}

/// A date and a time without a zone, written as `2026-01-01 00:00:00`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
// INVARIANT: only `from_str` builds one, so it is a date that exists.
pub struct Civil(String);

/// A text that is no date and time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no date and time such as `2026-01-01 00:00:00`")]
pub struct CivilError(String);

/// The name of a time zone, as in the IANA Time Zone Database: `Europe/Vienna`. Only its form is checked here, because which
/// zones there are changes with the machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
// INVARIANT: only `from_str` builds one, so it has the form of such a name.
pub struct Zone(String);

/// A text that is no name of a time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time zone such as `UTC` or `Europe/Vienna`")]
pub struct ZoneError(String);

/// Longest name of a zone; the database's longest has 32.
const ZONE_MAX: usize = 64;

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

impl FromStr for Civil {
    type Err = CivilError;

    fn from_str(text: &str) -> Result<Self, CivilError> {
        let form = text.len() == 19
            && text.bytes().zip("0000-00-00 00:00:00".bytes()).all(
                |(given, form)| {
                    if form == b'0' { given.is_ascii_digit() } else { given == form }
                },
            );
        let real = form && text.parse::<jiff::civil::DateTime>().is_ok();
        if real { Ok(Self(text.to_owned())) } else { Err(CivilError(short(text))) }
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let fit = |part: &str| {
            part.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+'))
        };
        if text.len() <= ZONE_MAX && text.split('/').all(fit) { Ok(Self(text.to_owned())) } else { Err(ZoneError(short(text))) }
    }
}

impl Civil {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Zone {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Civil {
    type Error = CivilError;

    fn try_from(text: String) -> Result<Self, CivilError> {
        text.parse()
    }
}

impl TryFrom<String> for Zone {
    type Error = ZoneError;

    fn try_from(text: String) -> Result<Self, ZoneError> {
        text.parse()
    }
}

impl From<Civil> for String {
    fn from(civil: Civil) -> Self {
        civil.0
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.0
    }
}

impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_exists_and_is_written_in_one_way() {
        assert!("2026-02-28 23:59:59".parse::<Civil>().is_ok());
        for bad in [
            "2026-02-30 00:00:00",
            "2026-02-28T00:00:00",
            "2026-2-28 00:00:00",
            "2026-02-28",
            "",
            "2026-02-28 24:00:00",
            "2026-02-28 00:00:00Z",
        ] {
            assert!(bad.parse::<Civil>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_zone_is_a_name_and_no_path() {
        for good in ["UTC", "Europe/Vienna", "America/Argentina/Buenos_Aires", "Etc/GMT+1"] {
            assert!(good.parse::<Zone>().is_ok(), "{good:?}");
        }
        for bad in ["", "/etc", "../x", "Europe/", "+01:00", "a b"] {
            assert!(bad.parse::<Zone>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_month_counts_as_its_shortest() {
        let month = Window::Calendar { count: 1, unit: Unit::Month, start: Civil("2026-01-01 00:00:00".into()), zone: Zone("UTC".into()) };
        assert_eq!(month.least(), Span::from_secs(28 * DAY));
        let goal = Goal { title: None, target_ppm: 999_000, good_while: None, counting: Counting::Occurrences };
        assert_eq!(goal.objective(&month).map(|objective| objective.period()), Ok(Span::from_secs(28 * DAY)));
        assert!(goal.objective(&Window::Rolling(Span::from_secs(DAY))).is_err());
    }
}
