//! What an estate must satisfy before any policy of it can be asked: the soundness of the ladder rests on it.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::authority::Approvals;
use lineclear_core::estate::Estate;
use lineclear_core::topology::{EntityRef, Topology};

use crate::facts::HUMANS_MAX;
use crate::schema::{APPROVAL_ATTRIBUTES, RISKS, group_of};
use crate::vocabulary::attribute;

/// Everything that is wrong with the estate as a base for policy.
pub(crate) fn faults(estate: &Estate) -> Vec<String> {
    let mut faults = ladder(estate);
    let roles = estate.authority.roles.iter().map(lineclear_core::name::RoleName::as_str);
    faults.extend(collisions("role", roles, &APPROVAL_ATTRIBUTES));
    faults.extend(collisions("fact", estate.facts.keys().map(lineclear_core::name::FactName::as_str), &[]));
    for risk in RISKS {
        if estate.catalogue.actions.keys().any(|a| a.as_str() == group_of(risk)) {
            faults.push(format!("`{}` is a risk class and cannot be an action", group_of(risk)));
        }
    }
    faults.extend(
        estate
            .catalogue
            .actions
            .iter()
            .filter(|(key, action)| **key != action.name)
            .map(|(key, action)| format!("action `{key}` calls itself `{}`", action.name)),
    );
    for operator in estate.directory.operators.values() {
        let strange = operator.roles.iter().filter(|r| !estate.authority.roles.contains(*r));
        faults.extend(strange.map(|r| format!("`{}` holds the role `{r}`, which the estate does not list", operator.login)));
    }
    faults.extend(cycle(&estate.topology).map(|r| format!("`{r}` is part of itself")));
    faults
}

fn ladder(estate: &Estate) -> Vec<String> {
    let authority = &estate.authority;
    let mut faults = Vec::new();
    match authority.rungs.first() {
        None => faults.push("the ladder has no rung".into()),
        Some(lowest) if lowest.brings() != Approvals::default() => {
            faults.push(format!("the lowest rung `{}` must bring nobody: it is what clears without a person", lowest.name));
        }
        Some(_) => {}
    }
    if let Some((low, high)) = authority.first_unordered() {
        faults.push(format!("rung `{}` brings less than `{}` below it", high.name, low.name));
    }
    let mut seen = BTreeSet::new();
    for rung in &authority.rungs {
        if !seen.insert(&rung.name) {
            faults.push(format!("rung `{}` is there twice", rung.name));
        }
        if i64::from(rung.humans) > HUMANS_MAX {
            faults.push(format!("rung `{}` asks for more than {HUMANS_MAX} people", rung.name));
        }
        let strange = rung.roles.iter().filter(|r| !authority.roles.contains(*r));
        faults.extend(strange.map(|r| format!("rung `{}` asks for the role `{r}`, which the estate does not list", rung.name)));
    }
    faults
}

fn collisions<'a>(what: &str, names: impl Iterator<Item = &'a str>, taken: &[&'static str]) -> Vec<String> {
    let mut seen: BTreeMap<String, String> = taken.iter().map(|t| ((*t).to_owned(), (*t).to_owned())).collect();
    let mut faults = Vec::new();
    for name in names {
        if let Some(other) = seen.insert(attribute(name), name.to_owned()) {
            faults.push(format!("{what} `{name}` and `{other}` are the same word to a policy"));
        }
    }
    faults
}

/// Something that holds itself, which would be no hierarchy.
fn cycle(topology: &Topology) -> Option<EntityRef> {
    let within =
        |e: &lineclear_core::topology::Entity| e.part_of.iter().any(|p| *p == e.reference || topology.ancestors(p).contains(&e.reference));
    topology.iter().find(|e| within(e)).map(|e| e.reference.clone())
}
