//! Rotations against the people of the estate, with the shifts of their calendars.

use std::collections::BTreeMap;

use lineclear_core::name::{Login, RotationName};
use lineclear_core::rotation::{Rotation, Shift};

use crate::calendar::CalendarDraft;
use crate::fault::{At, Faults};
use crate::link::{Drafts, known, once};
use crate::rotation::RotationDraft;
use crate::suggest::suggest;

/// Every rotation, with its people known and its calendar read in.
pub(super) fn rotations(drafts: &Drafts, faults: &Faults) -> BTreeMap<RotationName, Rotation> {
    once(drafts.rotations.iter().map(|draft| (&draft.rotation.name, &draft.name)), "rotation", faults);
    for person in drafts.rotations.iter().flat_map(|draft| &draft.people) {
        known(&person.value, &person.place, drafts.catalog.users.iter().map(|user| &user.login.value), "person", faults);
    }
    for calendar in &drafts.calendars {
        let used = drafts.rotations.iter().filter_map(|draft| draft.calendar.as_ref()).any(|name| name.value == calendar.file);
        if !used {
            let help = format!("write `calendar: {}` in a rotation, or remove it", calendar.file);
            faults.at(&calendar.place, "no rotation reads this calendar", Some(help));
        }
    }
    drafts.rotations.iter().map(|draft| (draft.rotation.name.clone(), whole(draft, drafts, faults))).collect()
}

fn whole(draft: &RotationDraft, drafts: &Drafts, faults: &Faults) -> Rotation {
    let mut rotation = draft.rotation.clone();
    let Some(name) = &draft.calendar else { return rotation };
    if let Some(calendar) = drafts.calendars.iter().find(|calendar| calendar.file == name.value) {
        rotation.shifts = shifts(calendar, drafts, faults);
    } else {
        let help = suggest(&name.value, drafts.calendars.iter().map(|calendar| calendar.file.as_str()));
        faults.at(&name.place, format!("there is no `rotations/{}`", name.value), help);
    }
    rotation
}

fn shifts(calendar: &CalendarDraft, drafts: &Drafts, faults: &Faults) -> Vec<Shift> {
    let events = calendar.events.iter();
    events.filter_map(|(name, shift)| person(name, drafts, faults).map(|person| Shift { person, ..shift.clone() })).collect()
}

/// The person whose login or name an event is titled with.
fn person(name: &At<String>, drafts: &Drafts, faults: &Faults) -> Option<Login> {
    let users = &drafts.catalog.users;
    let mut theirs = users.iter().filter(|user| user.login.value.as_str() == name.value || user.name == name.value);
    let found = theirs.next();
    match (found, theirs.next()) {
        (Some(user), None) => Some(user.login.value.clone()),
        (Some(_), Some(_)) => {
            faults.at(&name.place, format!("two people are called `{}`", name.value), Some("write the login".into()));
            None
        }
        (None, _) => {
            let help = suggest(&name.value, users.iter().map(|user| user.login.value.as_str()));
            faults.at(&name.place, format!("`{}` is no person of this estate", name.value), help);
            None
        }
    }
}
