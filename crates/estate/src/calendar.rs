//! `rotations/*.ics`: the shifts of a rotation, from a calendar (iCalendar, RFC 5545). Each event is a shift; its `SUMMARY` is the
//! login or the name of the person. Events may come again daily or weekly; what else a calendar can say is refused rather than
//! half understood, because somebody would not be called.

mod line;
mod rule;
#[cfg(test)]
mod tests;

use lineclear_core::Timestamp;
use lineclear_core::name::Login;
use lineclear_core::rotation::{SHIFTS_MAX, Shift};
use lineclear_core::slo::{Civil, Zone};

use crate::calendar::line::{Line, lines};
use crate::fault::{At, Faults, LoadError, Place, Text};
use crate::members::cut;
use crate::rotation::known_zone;

/// Longest text that names a person.
const SUMMARY_MAX: usize = 200;

/// The events of one calendar.
#[derive(Debug)]
pub(crate) struct CalendarDraft {
    /// The name of its file.
    pub(crate) file: String,
    /// The start of the file.
    pub(crate) place: Place,
    /// Whom each event names, and the shift that it is.
    pub(crate) events: Vec<(At<String>, Shift)>,
}

/// A time of a calendar: on a wall clock, with its zone where it has one.
#[derive(Debug, Clone)]
struct Time {
    civil: Civil,
    zone: Option<Zone>,
    day: bool,
    place: Place,
}

/// Reads the events of one calendar: what each is titled, and its shift, with a person that nobody has looked up yet.
///
/// # Errors
/// Everything that this file alone shows to be wrong.
pub fn parse_calendar(path: &str, text: &str) -> Result<Vec<(String, Shift)>, LoadError> {
    let faults = Faults::default();
    let draft = read(path, text, &faults);
    faults.settle(Some(draft.events.into_iter().map(|(name, shift)| (name.value, shift)).collect()))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> CalendarDraft {
    let text = Text::new(path, text);
    let place = Place::start(&text);
    let file = path.rsplit_once('/').map_or(path, |(_, name)| name).to_owned();
    let (mut events, mut open, mut depth): (Vec<_>, Option<Vec<Line>>, Vec<String>) = (Vec::new(), None, Vec::new());
    for line in lines(&text) {
        match (line.name.as_str(), &mut open) {
            ("BEGIN", _) => {
                depth.push(line.value.to_ascii_uppercase());
                if line.value.eq_ignore_ascii_case("VEVENT") && depth.len() == 2 {
                    open = Some(Vec::new());
                }
            }
            ("END", _) => {
                if depth.pop().as_deref() != Some(&line.value.to_ascii_uppercase()) {
                    faults.at(&line.place, format!("`END:{}` ends nothing that was begun", cut(&line.value)), None);
                    break;
                }
                if depth.len() == 1
                    && let Some(event) = open.take()
                {
                    events.extend(shift(&event, &line.place, faults));
                }
            }
            (_, Some(event)) if depth.len() == 2 => event.push(line),
            (_, _) => {}
        }
        if events.len() > SHIFTS_MAX {
            faults.at(&place, format!("a calendar has at most {SHIFTS_MAX} events"), Some("write what repeats as one event".into()));
            break;
        }
    }
    if !depth.is_empty() {
        faults.at(&place, format!("the calendar does not end: `END:{}` is missing", depth.join("`, `END:")), None);
    } else if events.is_empty() {
        faults.at(&place, "the calendar has no event", Some("export the shifts as events of a `VCALENDAR`".into()));
    }
    CalendarDraft { file, place, events }
}

fn shift(event: &[Line], end: &Place, faults: &Faults) -> Option<(At<String>, Shift)> {
    let find = |name: &str| event.iter().find(|line| line.name == name);
    if find("STATUS").is_some_and(|line| line.value.eq_ignore_ascii_case("CANCELLED")) {
        return None;
    }
    let beyond = ["EXDATE", "RDATE", "RECURRENCE-ID", "EXRULE", "DURATION"];
    if let Some(line) = event.iter().find(|line| beyond.contains(&line.name.as_str())) {
        let help = "write each shift as an event with `DTSTART` and `DTEND`";
        faults.at(&line.place, format!("`{}` is not understood here", line.name), Some(help.into()));
        return None;
    }
    let needed = |name: &str| {
        let found = find(name);
        if found.is_none() {
            faults.at(end, format!("the event lacks `{name}`"), None);
        }
        found
    };
    let (from, until, summary) = (needed("DTSTART"), needed("DTEND"), needed("SUMMARY"));
    let (from, until) = (time(from?, faults)?, time(until?, faults)?);
    let summary = summary?;
    let name = line::unescaped(&summary.value);
    if name.trim().is_empty() || name.chars().count() > SUMMARY_MAX {
        faults.at(&summary.place, "the event names nobody", Some("write the person's login as its summary".into()));
        return None;
    }
    if from.zone != until.zone || from.day != until.day {
        faults.at(&until.place, "it begins and ends on different clocks", Some("use one zone for both".into()));
        return None;
    }
    if from.civil >= until.civil {
        faults.at(&until.place, "it ends before it begins", None);
        return None;
    }
    let again = find("RRULE").map_or(Some(rule::Again::default()), |line| rule::again(line, &from, &until, faults))?;
    let Ok(nobody) = "nobody".parse::<Login>() else { return None };
    let rule::Again { every, times, last } = again;
    let shift = Shift { person: nobody, from: from.civil, until: until.civil, zone: from.zone, every, times, last };
    Some((At { value: name.trim().to_owned(), place: summary.place.clone() }, shift))
}

/// A date, or a date with a time (RFC 5545 §3.3.4 and §3.3.5): of a zone, of UTC, or of whatever clock the rotation is on.
fn time(line: &Line, faults: &Faults) -> Option<Time> {
    let wrong = || {
        let help = "write `20260105T090000Z`, the same with `TZID=Europe/Vienna`, or `20260105` for a whole day";
        faults.at(&line.place, format!("`{}` is no time of a calendar", cut(&line.value)), Some(help.into()));
    };
    let Some((civil, day)) = civil(line.value.trim_end_matches('Z')) else {
        wrong();
        return None;
    };
    let utc = line.value.ends_with('Z');
    let zone = match (utc, line.parameter("TZID")) {
        (true, None) => Some("UTC".to_owned()),
        (false, given) => given.map(str::to_owned),
        (true, Some(_)) => {
            wrong();
            return None;
        }
    };
    let zone = match zone {
        None => None,
        Some(name) => match name.parse::<Zone>() {
            Ok(value) => Some(known_zone(At { value, place: line.place.clone() }, faults)?),
            Err(error) => {
                faults.at(&line.place, error.to_string(), None);
                return None;
            }
        },
    };
    Some(Time { civil, zone, day, place: line.place.clone() })
}

/// `20260105` or `20260105T090000`, and whether it is a whole day.
fn civil(text: &str) -> Option<(Civil, bool)> {
    let (date, clock) = text.split_once('T').map_or((text, None), |(date, clock)| (date, Some(clock)));
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let clock_text = clock.unwrap_or("000000");
    if !digits(date, 8) || !digits(clock_text, 6) {
        return None;
    }
    let part = |text: &str, at: usize, len: usize| text.get(at..at + len).unwrap_or("").to_owned();
    let written = format!(
        "{}-{}-{} {}:{}:{}",
        part(date, 0, 4),
        part(date, 4, 2),
        part(date, 6, 2),
        part(clock_text, 0, 2),
        part(clock_text, 2, 2),
        part(clock_text, 4, 2)
    );
    written.parse().ok().map(|civil| (civil, clock.is_none()))
}

/// The instant of a time that is one without a zone of its own: of UTC.
fn instant(text: &str) -> Option<Timestamp> {
    let (civil, day) = civil(text.trim_end_matches('Z'))?;
    // A day counts to its end: whatever begins on it still comes.
    let written = civil.to_string();
    let end = if day { written.replace("00:00:00", "23:59:59") } else { written };
    format!("{}Z", end.replace(' ', "T")).parse().ok()
}
