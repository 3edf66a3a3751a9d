//! Whose work a new version changes: every runbook is owned, and its owners review what becomes of it.

use std::collections::{BTreeMap, BTreeSet};

use super::Review;
use crate::estate::Estate;
use crate::id::OperatorId;
use crate::name::{RunbookName, TeamName};

/// The teams whose runbooks are new, other ones, or gone, with those of their people who may review that: all of the estate in force,
/// but for `besides`, who proposes. A runbook that changes hands is reviewed on both sides.
pub fn reviews(old: &Estate, new: &Estate, besides: Option<OperatorId>) -> Vec<Review> {
    let mut touched: BTreeMap<&TeamName, BTreeSet<RunbookName>> = BTreeMap::new();
    let names: BTreeSet<&RunbookName> = old.runbooks.keys().chain(new.runbooks.keys()).collect();
    for name in names {
        let (before, after) = (old.runbooks.get(name), new.runbooks.get(name));
        if before != after {
            for book in before.into_iter().chain(after) {
                touched.entry(&book.owner).or_default().insert(name.clone());
            }
        }
    }
    let people = |team: &TeamName| {
        let of = old.directory.operators.values().filter(|person| person.teams.contains(team) && Some(person.id) != besides);
        of.map(|person| person.id).collect()
    };
    touched.into_iter().map(|(team, runbooks)| Review { team: team.clone(), people: people(team), runbooks }).collect()
}
