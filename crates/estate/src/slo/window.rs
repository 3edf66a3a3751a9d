//! Lengths of time as OpenSLO v1 writes them ("duration-shorthand"), and time windows ("SLO", `timeWindow`).

use lineclear_core::Span;
use lineclear_core::slo::{Civil, Unit, Window, Zone};

use crate::fault::Faults;
use crate::members::{Members, cut};
use crate::yaml::{Kind, Node};

/// Longest window: a year; a budget that lasts longer is nobody's.
const WINDOW_MAX: u64 = 366 * DAY;
/// Longest slice of time: a day.
const SLICE_MAX: u64 = DAY;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
const FORM: &str = "write a whole number and a unit, as in `30m`, `12h`, `28d`, `4w`, `1M`, `1Q` or `1Y`";

/// A number and its unit's letter.
fn shorthand(text: &str) -> Option<(u64, char)> {
    let unit = text.chars().next_back().filter(|unit| "mhdwMQY".contains(*unit))?;
    let digits = text.strip_suffix(unit)?;
    let plain = !digits.is_empty() && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).map(|count| (count, unit))
}

/// The length of a unit that is always equally long.
fn even(unit: char) -> Option<u64> {
    [('m', MINUTE), ('h', HOUR), ('d', DAY), ('w', WEEK)].into_iter().find(|(letter, _)| *letter == unit).map(|(_, seconds)| seconds)
}

fn read(node: &Node, faults: &Faults) -> Option<(u64, char)> {
    let written = node.place.written().trim_matches(['"', '\'']);
    let found = match &node.kind {
        Kind::Text(text) => shorthand(text),
        Kind::Nothing | Kind::Flag(_) | Kind::Integer(_) | Kind::Number | Kind::List(_) | Kind::Map(_) => None,
    };
    if found.is_none() {
        faults.at(&node.place, format!("`{}` is no length of time of OpenSLO", cut(written)), Some(FORM.into()));
    }
    found
}

fn fixed(node: &Node, (count, unit): (u64, char), most: u64, faults: &Faults) -> Option<Span> {
    let Some(seconds) = even(unit) else {
        let help = "months, quarters and years differ: write days or weeks, or use a calendar window";
        faults.at(&node.place, format!("`{unit}` is no unit of equal lengths"), Some(help.into()));
        return None;
    };
    let length = count.checked_mul(seconds).filter(|length| *length <= most);
    if length.is_none() {
        faults.at(&node.place, format!("at most {} is allowed here", Span::from_secs(most)), None);
    }
    length.map(Span::from_secs)
}

/// `timeSliceWindow`: a length of time, or a bare number of minutes ("Notes (Objectives)").
pub(super) fn slice(node: &Node, faults: &Faults) -> Option<Span> {
    let found = match node.kind {
        Kind::Integer(minutes) if minutes > 0 => (minutes.unsigned_abs(), 'm'),
        Kind::Nothing | Kind::Flag(_) | Kind::Integer(_) | Kind::Number | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => {
            read(node, faults)?
        }
    };
    fixed(node, found, SLICE_MAX, faults)
}

/// One item of `timeWindow`.
pub(super) fn window(node: &Node, faults: &Faults) -> Option<Window> {
    let of = Members::of(node, "a time window", faults)?;
    let duration = of.need("duration");
    let calendar = of.maybe("calendar");
    let rolling = of.flag_or("isRolling", calendar.is_none());
    of.finish();
    let (node, rolling) = (duration?, rolling?);
    match (calendar, rolling) {
        (None, true) => fixed(node, read(node, faults)?, WINDOW_MAX, faults).map(Window::Rolling),
        (Some(calendar), false) => on_calendar(node, calendar, faults),
        (None, false) => {
            let help = "write `isRolling: true`, or say under `calendar` when it begins";
            faults.at(&node.place, "a window that does not roll has a calendar", Some(help.into()));
            None
        }
        (Some(calendar), true) => {
            faults.at(&calendar.place, "a window that rolls has no calendar", Some("remove `calendar` or `isRolling`".into()));
            None
        }
    }
}

fn on_calendar(duration: &Node, calendar: &Node, faults: &Faults) -> Option<Window> {
    let of = Members::of(calendar, "a calendar", faults)?;
    let start = of.parsed::<Civil>("startTime");
    let zone = of.parsed::<Zone>("timeZone");
    of.finish();
    let (count, letter) = read(duration, faults)?;
    let units = [('d', Unit::Day), ('w', Unit::Week), ('M', Unit::Month), ('Q', Unit::Quarter), ('Y', Unit::Year)];
    let unit = units.into_iter().find(|(known, _)| *known == letter).map(|(_, unit)| unit);
    let Some(unit) = unit else {
        faults.at(
            &duration.place,
            format!("`{letter}` is no unit of a calendar"),
            Some("write days, weeks, months, quarters or years".into()),
        );
        return None;
    };
    let count = u16::try_from(count).ok();
    let window =
        count.zip(start).zip(zone).map(|((count, start), zone)| Window::Calendar { count, unit, start: start.value, zone: zone.value });
    if window.as_ref().is_some_and(|window| window.least() > Span::from_secs(WINDOW_MAX)) || count.is_none() {
        faults.at(&duration.place, "a budget lasts at most a year", None);
        return None;
    }
    window
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(u64, char)>) {
        assert_eq!(shorthand(text), expected, "{text:?}");
    }

    #[test]
    fn lengths_of_time_are_a_number_and_a_letter() {
        check("5m", Some((5, 'm')));
        check("28d", Some((28, 'd')));
        check("1M", Some((1, 'M')));
        check("1Q", Some((1, 'Q')));
        for bad in ["", "m", "0d", "01d", "-1d", "1.5h", "1 d", "1s", "1D", "1y", "99999999999999999999d", "1ä"] {
            check(bad, None);
        }
    }
}
