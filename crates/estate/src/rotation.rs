//! `rotations/*.yaml`: who is on call, in turns or by a calendar, within which hours, and who stands in.

use std::collections::BTreeSet;

use lineclear_core::name::{Login, RotationName};
use lineclear_core::rotation::{Day, Daytime, Hours, OVERRIDES_MAX, Rotation, Shift, StandIn};
use lineclear_core::slo::{Civil, Zone};
use lineclear_core::{Span, Timestamp};

use crate::fault::{At, Faults, LoadError, Place, Text};
use crate::members::{Members, choice, cut, list};
use crate::yaml::{Node, document};

/// Shortest turn: whoever is told needs time to do something.
const TURN_MIN: Span = Span::from_secs(3_600);
/// Longest turn: four weeks of nights are enough for anybody.
const TURN_MAX: Span = Span::from_secs(28 * 86_400);
/// Most people who take turns.
const PEOPLE_MAX: usize = 60;
/// Longest time that somebody stands in.
const STAND_IN_MAX: Span = Span::from_secs(60 * 86_400);

/// A rotation with the places of everyone it names.
#[derive(Debug)]
pub(crate) struct RotationDraft {
    /// Without the shifts of its calendar.
    pub(crate) rotation: Rotation,
    pub(crate) name: Place,
    pub(crate) people: Vec<At<Login>>,
    /// The file of its shifts, beside it.
    pub(crate) calendar: Option<At<String>>,
}

/// Reads one rotation; the shifts of a calendar are in a file of their own, see [`crate::parse_calendar`].
///
/// # Errors
/// Everything that this file alone shows to be wrong.
pub fn parse_rotation(path: &str, text: &str) -> Result<Rotation, LoadError> {
    let faults = Faults::default();
    let draft = read(path, text, &faults);
    faults.settle(draft.map(|draft| draft.rotation))
}

pub(crate) fn read(path: &str, text: &str, faults: &Faults) -> Option<RotationDraft> {
    let text = Text::new(path, text);
    let node = document(&text, faults)?;
    let of = Members::of(&node, "a rotation", faults)?;
    let name = of.parsed::<RotationName>("rotation");
    let title = of.title();
    let zone = zone(&of);
    let mut people = Vec::new();
    let turns = of.maybe("turns").map(|node| turns(node, &mut people, faults));
    let calendar = of.maybe("calendar").map(|node| file(node, faults));
    let window = of.maybe("hours").map(|node| own_hours(node, faults));
    let overrides = stand_ins(&of, &mut people);
    of.finish();
    match (&turns, &calendar) {
        (None, None) => {
            let help = "write `turns: { every: 7d, from: …, people: […] }`, or `calendar: NAME.ics`";
            faults.at(&node.place, "nobody is ever on call here", Some(help.into()));
        }
        (Some(_), Some(_)) => {
            faults.at(&node.place, "turns and a calendar do not go together", Some("keep one of them".into()));
        }
        (Some(_), None) | (None, Some(_)) => {}
    }
    let name = name?;
    let rotation = Rotation {
        name: name.value,
        title: title?,
        zone: zone?,
        shifts: turns.unwrap_or_else(|| Some(Vec::new()))?,
        hours: window.map_or(Some(None), |given| given.map(Some))?,
        overrides,
    };
    let calendar = calendar.map_or(Some(None), |given| given.map(Some))?;
    Some(RotationDraft { rotation, name: name.place, people, calendar })
}

fn turns(node: &Node, people: &mut Vec<At<Login>>, faults: &Faults) -> Option<Vec<Shift>> {
    let of = Members::of(node, "`turns`", faults)?;
    let every = of.duration("every", TURN_MIN, TURN_MAX);
    let first = of.parsed::<Civil>("from");
    let _ = of.need("people");
    let takers = of.names::<Login>("people");
    of.finish();
    if takers.is_empty() || takers.len() > PEOPLE_MAX {
        faults.at(&node.place, format!("1 to {PEOPLE_MAX} people take turns, not {}", takers.len()), None);
    }
    let logins: Vec<Login> = takers.iter().map(|taker| taker.value.clone()).collect();
    people.extend(takers);
    let every = every?;
    if every.as_secs() % 60 != 0 {
        faults.at(&node.place, "a turn is whole minutes long", None);
        return None;
    }
    Some(Rotation::turns(&first?.value, u32::try_from(every.as_secs() / 60).ok()?, &logins))
}

/// The name of a calendar that stands beside the rotation.
fn file(node: &Node, faults: &Faults) -> Option<At<String>> {
    let name = crate::members::text(node, faults)?;
    let plain = name.strip_suffix(".ics").is_some_and(|stem| stem.parse::<RotationName>().is_ok());
    if !plain {
        let help = "put it into `rotations/` and write its name, as in `calendar: shop.ics`";
        faults.at(&node.place, format!("`{}` is no name of a calendar", cut(name)), Some(help.into()));
        return None;
    }
    Some(At { value: name.to_owned(), place: node.place.clone() })
}

fn own_hours(node: &Node, faults: &Faults) -> Option<Hours> {
    let of = Members::of(node, "`hours`", faults)?;
    let hours = hours(&of);
    of.finish();
    hours
}

/// `days`, `from` and `until` of a mapping.
pub(crate) fn hours(of: &Members<'_>) -> Option<Hours> {
    let faults = of.faults();
    let days = of.maybe("days").and_then(|node| list(node, faults)).unwrap_or(&[]);
    let days: BTreeSet<Day> = days.iter().filter_map(|node| choice(node, &Day::WORDS, faults)).collect();
    let (from, until) = (of.parsed::<Daytime>("from"), of.parsed::<Daytime>("until"));
    Some(Hours { days, from: from?.value, until: until?.value })
}

/// `zone` of a mapping: a zone that there is.
pub(crate) fn zone(of: &Members<'_>) -> Option<Zone> {
    let zone = of.parsed::<Zone>("zone")?;
    known_zone(zone, of.faults())
}

/// A zone whose rules are known.
pub(crate) fn known_zone(zone: At<Zone>, faults: &Faults) -> Option<Zone> {
    if zone.value.rules().is_none() {
        let help = "write a name of the IANA Time Zone Database, as in `Europe/Vienna`";
        faults.at(&zone.place, format!("`{}` is no time zone that is known here", zone.value), Some(help.into()));
        return None;
    }
    Some(zone.value)
}

fn stand_ins(of: &Members<'_>, people: &mut Vec<At<Login>>) -> Vec<StandIn> {
    let faults = of.faults();
    let Some(node) = of.maybe("overrides") else { return Vec::new() };
    let items = list(node, faults).unwrap_or(&[]);
    if items.len() > OVERRIDES_MAX {
        let help = "remove those that are over";
        faults.at(&node.place, format!("at most {OVERRIDES_MAX} overrides stand here, not {}", items.len()), Some(help.into()));
    }
    let mut found: Vec<(StandIn, Place)> = Vec::new();
    for item in items {
        let Some((stand_in, person)) = stand_in(item, faults) else { continue };
        if found.iter().any(|(other, _)| other.from < stand_in.until && stand_in.from < other.until) {
            faults.at(&item.place, "two people stand in at the same time", Some("end one where the other begins".into()));
        }
        people.push(person);
        found.push((stand_in, item.place.clone()));
    }
    found.into_iter().map(|(stand_in, _)| stand_in).collect()
}

fn stand_in(node: &Node, faults: &Faults) -> Option<(StandIn, At<Login>)> {
    let of = Members::of(node, "an override", faults)?;
    let person = of.parsed::<Login>("person");
    let (from, until) = (of.parsed::<Timestamp>("from"), of.parsed::<Timestamp>("until"));
    of.finish();
    let (person, from, until) = (person?, from?, until?);
    if from.value >= until.value {
        faults.at(&until.place, "it ends before it begins", Some("set `until` after `from`".into()));
    } else if until.value.since(from.value) > STAND_IN_MAX {
        faults.at(&until.place, "somebody stands in for at most 60 days", Some("change the turns instead".into()));
    }
    Some((StandIn { person: person.value.clone(), from: from.value, until: until.value }, person))
}
