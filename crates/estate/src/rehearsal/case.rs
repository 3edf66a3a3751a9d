//! One test of a runbook: what is asked, what the fakes answer, and how it must end.

use std::collections::BTreeMap;
use std::fmt;

use lineclear_core::catalogue::Inputs;
use lineclear_core::name::StepName;
use lineclear_core::runbook::Runbook;
use lineclear_core::topology::EntityRef;

use super::part::Part;
use super::trail::{End, Trail, told};
use super::{Decision, Fakes, Rehearsal, RehearsalError};
use crate::fault::{At, Fault, Place};
use crate::story::Outcome;

/// One test of a runbook.
#[derive(Debug, Clone)]
pub struct Test {
    /// What happens, in one sentence.
    pub name: String,
    /// What it acts on.
    pub target: EntityRef,
    /// What it is given.
    pub inputs: Inputs,
    /// What answers in place of tools.
    pub fakes: Fakes,
    /// What people decide, one after the other.
    pub people: Vec<Decision>,
    /// How it must end.
    pub expected: Expected,
    pub(super) places: Places,
}

/// Where things of a test stand, for messages.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) name: Place,
    pub(super) target: Place,
    pub(super) expected: Place,
    pub(super) fakes: BTreeMap<Part, Place>,
    pub(super) people: Place,
}

/// How a rehearsal must end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Where.
    pub end: End,
    /// The steps that must be tried forwards, in order, and no others.
    pub reached: Vec<StepName>,
    /// The steps whose undo must take effect, in order, and no others.
    pub undone: Vec<StepName>,
}

impl Test {
    /// Runs it and compares.
    pub fn tell(&self, runbook: &Runbook) -> Outcome {
        let expected = self.expected.to_string();
        let (found, fault) = match self.rehearse(runbook) {
            Ok((rehearsal, trail)) => (trail.to_string(), self.fault(&rehearsal, &trail)),
            Err(error) => (error.to_string(), Some(self.stopped(&error))),
        };
        let at = Fault::at(&self.places.name, "", None);
        Outcome { title: self.name.clone(), path: at.path, line: at.line, expected, found, fault }
    }

    fn rehearse(&self, runbook: &Runbook) -> Result<(Rehearsal, Trail), RehearsalError> {
        let rehearsal = Rehearsal::begin(runbook, &self.target, &self.inputs, self.fakes.clone(), &self.people)?.finish()?;
        let trail = rehearsal.trail()?;
        Ok((rehearsal, trail))
    }

    fn stopped(&self, error: &RehearsalError) -> Fault {
        let place = if let RehearsalError::Unscripted { part, .. } = error { self.places.fakes.get(part) } else { None };
        let help = place.map(|_| "give it one answer for each time, or one word for every time".into());
        self.says(place.unwrap_or(&self.places.name), &error.to_string(), help)
    }

    /// The first thing that differs: a wrong end says more than a fake that was left over because of it.
    fn fault(&self, rehearsal: &Rehearsal, trail: &Trail) -> Option<Fault> {
        let found = Expected { end: trail.end.clone(), reached: trail.reached.clone(), undone: trail.undone.clone() };
        if found != self.expected {
            let message = format!("expected: {}; it is: {found}", self.expected);
            return Some(self.says(&self.places.expected, &message, Some(trail.log.join("\n"))));
        }
        if let Some((part, times)) = rehearsal.left_over().into_iter().next() {
            let place = self.places.fakes.get(&part).unwrap_or(&self.places.name);
            let message = match times {
                0 => format!("`{part}` has a fake, and nothing asked for it"),
                times => format!("`{part}` has more answers than it was asked for: {times}"),
            };
            return Some(self.says(place, &message, Some("a test shows only what it reaches: remove it, or let the run get there".into())));
        }
        let left = rehearsal.undecided();
        (left > 0).then(|| {
            let message = format!("{left} of {} decisions were asked of nobody", self.people.len());
            self.says(&self.places.people, &message, Some("a person decides about a stuck run, and takes back a done one".into()))
        })
    }

    fn says(&self, place: &Place, message: &str, help: Option<String>) -> Fault {
        Fault::at(place, format!("{}: {message}", self.name), help)
    }

    pub(super) fn target_at(&self) -> At<&EntityRef> {
        At { value: &self.target, place: self.places.target.clone() }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&told(&self.end, &self.reached, &self.undone))
    }
}
