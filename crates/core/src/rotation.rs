//! Rotations: who is on call at an instant. A pure function of the estate and the time. Hand-offs follow the wall clock of
//! the rotation's own time zone, so that nine in the morning stays nine in the morning when clocks change; the rules of time
//! zones come with this program, and not from the machine that it runs on.

mod calendar;
mod daytime;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use calendar::{CALENDAR_AHEAD, CALENDAR_BEHIND, calendar};
pub use daytime::{Day, Daytime, DaytimeError, Hours};

use crate::name::{Login, RotationName};
use crate::slo::{Civil, Zone};
use crate::time::Timestamp;

/// Most shifts of one rotation: a year of days, and room.
pub const SHIFTS_MAX: usize = 500;
/// Most overrides of one rotation: those that are over can be removed.
pub const OVERRIDES_MAX: usize = 100;
/// Most stretches that one question is answered with: a quarter of hourly hand-offs.
pub const WATCHES_MAX: usize = 2_200;

/// Who is on call, in turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Its name.
    pub name: RotationName,
    /// For people.
    pub title: String,
    /// The zone whose wall clock counts.
    pub zone: Zone,
    /// The shifts; several people may be on call at once.
    pub shifts: Vec<Shift>,
    /// The hours outside which nobody is on call; none means always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Who stands in for whoever would be on call; no two at the same time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<StandIn>,
}

/// A stretch of one person's duty on a wall clock, once or again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// Whose.
    pub person: Login,
    /// From when, for the first time.
    pub from: Civil,
    /// Until when, for the first time; not part of it.
    pub until: Civil,
    /// The zone of its wall clock, where it is not the rotation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// After how many minutes on the wall clock it comes again; none when it does not. No less than its length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// How often in all; none when there is no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The last moment at which it begins; none when there is no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}

/// Somebody who stands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandIn {
    /// Who.
    pub person: Login,
    /// From when.
    pub from: Timestamp,
    /// Until when; not part of it.
    pub until: Timestamp,
}

/// A stretch of time in which the same people are on call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// From when, or from when one asked.
    pub from: Timestamp,
    /// Until when; none when that never changes.
    pub until: Option<Timestamp>,
    /// Who; nobody is an answer, too.
    pub people: BTreeSet<Login>,
}

impl Zone {
    /// Its rules; none for a name that is no zone.
    pub fn rules(&self) -> Option<TimeZone> {
        TimeZone::get(self.as_str()).ok()
    }
}

impl Civil {
    /// As a date and time to count with.
    pub(crate) fn moment(&self) -> Option<DateTime> {
        self.as_str().parse().ok()
    }
}

/// The instant of a wall clock's time: one that is skipped is as much later as clocks jump, one that comes twice is the first.
pub(crate) fn instant(zone: &TimeZone, moment: DateTime) -> Option<Timestamp> {
    zone.to_timestamp(moment).ok().map(|at| Timestamp::from_micros(at.as_microsecond()))
}

/// What the wall clock says at an instant.
pub(crate) fn wall(zone: &TimeZone, at: Timestamp) -> Option<DateTime> {
    jiff::Timestamp::from_microsecond(at.as_micros()).ok().map(|at| zone.to_datetime(at))
}

impl Shift {
    /// Its turns around an instant: the one before, the one that may hold it, and the one after.
    fn around(&self, zone: &TimeZone, at: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let own = self.zone.as_ref().and_then(Zone::rules);
        let zone = own.as_ref().unwrap_or(zone);
        let (Some(from), Some(until)) = (self.from.moment(), self.until.moment()) else { return Vec::new() };
        let Some(every) = self.every.filter(|every| *every > 0) else {
            return turn(zone, from, until).into_iter().collect();
        };
        let Some(clock) = wall(zone, at) else { return Vec::new() };
        let nearest = clock.duration_since(from).as_secs().div_euclid(i64::from(every) * 60).max(0);
        let turns = [nearest - 1, nearest, nearest + 1].into_iter().filter(|number| *number >= 0);
        turns
            .filter(|number| self.times.is_none_or(|times| *number < i64::from(times)))
            .filter_map(|number| {
                let later = SignedDuration::from_mins(number.checked_mul(i64::from(every))?);
                turn(zone, from.checked_add(later).ok()?, until.checked_add(later).ok()?)
            })
            .filter(|(begins, _)| self.last.is_none_or(|last| *begins <= last))
            .collect()
    }
}

fn turn(zone: &TimeZone, from: DateTime, until: DateTime) -> Option<(Timestamp, Timestamp)> {
    Some((instant(zone, from)?, instant(zone, until)?))
}

impl Rotation {
    /// Who is on call at this instant.
    pub fn on_call(&self, at: Timestamp) -> BTreeSet<Login> {
        if let Some(stand_in) = self.overrides.iter().find(|it| it.from <= at && at < it.until) {
            return BTreeSet::from([stand_in.person.clone()]);
        }
        let Some(zone) = self.zone.rules() else { return BTreeSet::new() };
        if self.hours.as_ref().is_some_and(|hours| !hours.cover(&zone, at)) {
            return BTreeSet::new();
        }
        let holds = |shift: &&Shift| shift.around(&zone, at).iter().any(|(from, until)| *from <= at && at < *until);
        self.shifts.iter().filter(holds).map(|shift| shift.person.clone()).collect()
    }

    /// The next instant at which somebody's shift, stand-in or hours begin or end; none when nothing follows.
    fn next(&self, at: Timestamp) -> Option<Timestamp> {
        let zone = self.zone.rules()?;
        let stand_ins = self.overrides.iter().flat_map(|it| [it.from, it.until]);
        let hours = self.hours.iter().flat_map(|hours| hours.bounds(&zone, at));
        let turns = self.shifts.iter().flat_map(|shift| shift.around(&zone, at)).flat_map(|(from, until)| [from, until]);
        stand_ins.chain(hours).chain(turns).filter(|bound| *bound > at).min()
    }

    /// Who is on call at this instant, and until when.
    pub fn watch(&self, at: Timestamp) -> Watch {
        let people = self.on_call(at);
        let mut until = self.next(at);
        // A bound where nothing changes is none for people; how many are looked past is limited as everything is.
        for _ in 0..WATCHES_MAX {
            let Some(bound) = until.filter(|bound| self.on_call(*bound) == people) else { break };
            until = self.next(bound);
        }
        Watch { from: at, until, people }
    }

    /// Who is on call from one instant until another, one stretch after the other; the last one in its whole length.
    pub fn watches(&self, from: Timestamp, until: Timestamp) -> Vec<Watch> {
        let (mut all, mut at) = (Vec::new(), from);
        while at < until && all.len() < WATCHES_MAX {
            let watch = self.watch(at);
            let end = watch.until;
            all.push(watch);
            let Some(end) = end else { break };
            at = end;
        }
        all
    }

    /// Every person that it names.
    pub fn people(&self) -> BTreeSet<&Login> {
        self.shifts.iter().map(|shift| &shift.person).chain(self.overrides.iter().map(|it| &it.person)).collect()
    }

    /// The shifts of people who take turns of equal length, one after the other, for ever: the first from `first` on.
    pub fn turns(first: &Civil, minutes: u32, people: &[Login]) -> Vec<Shift> {
        let (Some(start), Ok(count)) = (first.moment(), i64::try_from(people.len())) else { return Vec::new() };
        let civil = |number: i64| {
            let later = SignedDuration::from_mins(number.checked_mul(i64::from(minutes))?);
            start.checked_add(later).ok()?.strftime("%Y-%m-%d %H:%M:%S").to_string().parse::<Civil>().ok()
        };
        let every = u32::try_from(count).ok().and_then(|count| minutes.checked_mul(count));
        let shifts = (0_i64..).zip(people).filter_map(|(number, person)| {
            let (from, until) = (civil(number)?, civil(number + 1)?);
            Some(Shift { person: person.clone(), from, until, zone: None, every: Some(every?), times: None, last: None })
        });
        shifts.collect()
    }
}
