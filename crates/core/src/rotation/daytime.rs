//! Times of day and the hours of a week, on a wall clock.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::{instant, wall};
use crate::time::Timestamp;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// A time of day, written as `08:00`; `24:00` is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
// INVARIANT: only `from_str` builds one, so it is at most a day's minutes.
pub struct Daytime(u16);

/// A text that is no time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time of day such as `08:00` or `24:00`")]
pub struct DaytimeError(String);

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// Hours of certain days; where they end no later than they begin, they end on the next day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// The days on which they begin; empty means every day.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub days: BTreeSet<Day>,
    /// From when.
    pub from: Daytime,
    /// Until when; not part of them.
    pub until: Daytime,
}

impl Day {
    /// Every day with the word for it, Monday first.
    pub const WORDS: [(&'static str, Self); 7] = [
        ("mon", Self::Mon),
        ("tue", Self::Tue),
        ("wed", Self::Wed),
        ("thu", Self::Thu),
        ("fri", Self::Fri),
        ("sat", Self::Sat),
        ("sun", Self::Sun),
    ];

    const fn of(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

impl Hours {
    /// Their begins and ends on the days around a date, as far as they begin on a day of theirs.
    fn stretches(&self, zone: &TimeZone, at: Timestamp, ahead: i32) -> Vec<(Timestamp, Timestamp)> {
        let Some(today) = wall(zone, at).map(DateTime::date) else { return Vec::new() };
        let over = self.until <= self.from;
        let days = (-1..=ahead).filter_map(|offset| today.checked_add(offset.days()).ok());
        let theirs = days.filter(|date| self.days.is_empty() || self.days.contains(&Day::of(date.weekday())));
        let stretch = |date: jiff::civil::Date| {
            let midnight = date.to_datetime(jiff::civil::Time::midnight());
            let clock = |minutes: i64| instant(zone, midnight.checked_add(SignedDuration::from_mins(minutes)).ok()?);
            let until = i64::from(self.until.0) + if over { i64::from(DAY) } else { 0 };
            Some((clock(i64::from(self.from.0))?, clock(until)?))
        };
        theirs.filter_map(stretch).collect()
    }

    /// When the stretch that holds an instant ends; none when none does.
    pub(crate) fn end(&self, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
        self.stretches(zone, at, 0).into_iter().find(|(from, until)| *from <= at && at < *until).map(|(_, until)| until)
    }

    /// Whether they hold an instant.
    pub(crate) fn cover(&self, zone: &TimeZone, at: Timestamp) -> bool {
        self.end(zone, at).is_some()
    }

    /// Begins and ends within the next week.
    pub(crate) fn bounds(&self, zone: &TimeZone, at: Timestamp) -> Vec<Timestamp> {
        self.stretches(zone, at, 8).into_iter().flat_map(|(from, until)| [from, until]).collect()
    }
}

impl FromStr for Daytime {
    type Err = DaytimeError;

    fn from_str(text: &str) -> Result<Self, DaytimeError> {
        let read = || {
            let (hours, minutes) = text.split_once(':')?;
            let two = |digits: &str| digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
            let (hours, minutes) =
                (Some(hours).filter(|h| two(h))?.parse::<u16>().ok()?, Some(minutes).filter(|m| two(m))?.parse::<u16>().ok()?);
            Some(hours * 60 + minutes).filter(|total| minutes < 60 && *total <= DAY)
        };
        read().map(Self).ok_or_else(|| DaytimeError(text.chars().filter(|c| !c.is_control()).take(40).collect()))
    }
}

impl fmt::Display for Daytime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl TryFrom<String> for Daytime {
    type Error = DaytimeError;

    fn try_from(text: String) -> Result<Self, DaytimeError> {
        text.parse()
    }
}

impl From<Daytime> for String {
    fn from(time: Daytime) -> Self {
        time.to_string()
    }
}
