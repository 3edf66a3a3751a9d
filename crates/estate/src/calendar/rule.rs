//! How an event comes again: `RRULE` (RFC 5545 §3.3.10), daily or weekly, as far as a shift needs it.

use lineclear_core::Timestamp;

use super::line::Line;
use super::{Time, instant};
use crate::fault::Faults;
use crate::members::cut;

/// Most days or weeks between two turns, and most turns.
const COUNT_MAX: u32 = 10_000;
const DAY: u32 = 24 * 60;
const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// How an event comes again.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Again {
    /// After how many minutes on the wall clock.
    pub(super) every: Option<u32>,
    /// How often in all.
    pub(super) times: Option<u32>,
    /// The last moment at which it begins.
    pub(super) last: Option<Timestamp>,
}

/// Reads the rule of an event with these bounds.
pub(super) fn again(line: &Line, from: &Time, until: &Time, faults: &Faults) -> Option<Again> {
    let refuse = |message: String, help: &str| faults.at(&line.place, message, Some(help.into()));
    let (mut unit, mut interval, mut again) = (None, 1, Again::default());
    for part in line.value.split(';').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let count = || value.parse::<u32>().ok().filter(|count| (1..=COUNT_MAX).contains(count));
        let understood = match name.to_ascii_uppercase().as_str() {
            "FREQ" => {
                unit = [("DAILY", DAY), ("WEEKLY", 7 * DAY)]
                    .into_iter()
                    .find(|(word, _)| value.eq_ignore_ascii_case(word))
                    .map(|(_, unit)| unit);
                unit.is_some()
            }
            "INTERVAL" => count().map(|count| interval = count).is_some(),
            "COUNT" => {
                again.times = count();
                again.times.is_some()
            }
            "UNTIL" => {
                again.last = instant(value);
                again.last.is_some()
            }
            "WKST" => true,
            "BYDAY" => weekday(from).is_some_and(|day| value.eq_ignore_ascii_case(day)),
            _ => false,
        };
        if !understood {
            let help = "daily and weekly events are, with `INTERVAL`, `COUNT` or `UNTIL`; write each weekday as an event of its own";
            refuse(format!("`{}` is not understood here", cut(part)), help);
            return None;
        }
    }
    let Some(every) = unit.and_then(|unit: u32| unit.checked_mul(interval)) else {
        refuse("the rule does not say how often".into(), "write `FREQ=DAILY` or `FREQ=WEEKLY`");
        return None;
    };
    let length = minutes(until)?.saturating_sub(minutes(from)?);
    if length > i64::from(every) {
        refuse("it comes again before it has ended".into(), "make it shorter, or come less often");
        return None;
    }
    Some(Again { every: Some(every), ..again })
}

/// Minutes on a wall clock, from some beginning.
fn minutes(time: &Time) -> Option<i64> {
    let at: Timestamp = format!("{}Z", time.civil.to_string().replace(' ', "T")).parse().ok()?;
    Some(at.as_micros() / 60_000_000)
}

/// The day of the week on which it begins.
fn weekday(time: &Time) -> Option<&'static str> {
    // The first day of 1970 was a Thursday.
    let day = (minutes(time)?.div_euclid(i64::from(DAY)) + 3).rem_euclid(7);
    DAYS.get(usize::try_from(day).ok()?).copied()
}
