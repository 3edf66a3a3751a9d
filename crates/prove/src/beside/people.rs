//! Who may answer: rungs, roles, people and agents.

use std::collections::BTreeSet;

use lineclear_core::authority::{Authority, Directory, Operator, Rung};
use lineclear_core::emergency::Rules;

use super::{Shift, narrower, says, wider};

/// The ladder and all that `authority.yaml` says beside it.
pub(super) fn ladder(old: &Authority, new: &Authority, shifts: &mut Vec<Shift>) {
    // Every member is named, so that a new one cannot be left out in silence.
    let Authority { roles, rungs, approval_ttl, single_operator, activation, routine, emergencies } = new;
    for rung in rungs {
        match old.rung(&rung.name) {
            None => shifts.push(wider(format!("rung `{}` is new", rung.name))),
            Some(before) => of_rung(before, rung, shifts),
        }
    }
    for rung in old.rungs.iter().filter(|rung| new.rung(&rung.name).is_none()) {
        shifts.push(narrower(format!("rung `{}` is gone", rung.name)));
    }
    let order = |one: &Authority, other: &Authority| -> Vec<_> {
        one.rungs.iter().map(|rung| rung.name.clone()).filter(|name| other.rung(name).is_some()).collect()
    };
    if order(old, new) != order(new, old) {
        shifts.push(wider("the rungs of the ladder stand in another order".into()));
    }
    shifts.extend(roles.difference(&old.roles).map(|role| wider(format!("role `{role}` is new"))));
    shifts.extend(old.roles.difference(roles).map(|role| narrower(format!("role `{role}` is gone"))));
    if old.single_operator != *single_operator {
        let may = if *single_operator { "may" } else { "may no longer" };
        shifts.push(says(*single_operator, format!("one person {may} approve what their own agent proposes")));
    }
    super::moved("how long a request waits for people", &old.approval_ttl, approval_ttl, *approval_ttl > old.approval_ttl, shifts);
    if old.activation != *activation {
        let told = |one: &Authority| one.activation_rung().map_or_else(|| "no rung".to_owned(), |rung| format!("`{}`", rung.name));
        shifts.push(wider(format!("another version of the estate is brought into force by {} instead of {}", told(new), told(old))));
    }
    match (&old.routine, routine) {
        (None, Some(asks)) => shifts.push(wider(format!("what has run well {} times may become routine", asks.runs))),
        (Some(_), None) => shifts.push(narrower("nothing becomes routine any more".into())),
        (Some(was), Some(is)) if was != is => {
            let widens = is.runs < was.runs || is.within > was.within || is.spread < was.spread;
            shifts.push(Shift { says: if widens { "less" } else { "more" }.to_owned() + " is asked of what is to become routine", widens });
        }
        (None, None) | (Some(_), Some(_)) => {}
    }
    match (&old.emergencies, emergencies) {
        (None, Some(_)) => shifts.push(wider("people may declare emergencies".into())),
        (Some(_), None) => shifts.push(narrower("nobody declares an emergency any more".into())),
        (Some(was), Some(is)) if was != is => of_emergencies(was, is, shifts),
        (None, None) | (Some(_), Some(_)) => {}
    }
}

fn of_emergencies(was: &Rules, is: &Rules, shifts: &mut Vec<Shift>) {
    super::moved("how long an emergency may last", &was.longest, &is.longest, is.longest > was.longest, shifts);
    let (before, after) = (&was.open_reviews, &is.open_reviews);
    super::moved("how many emergencies may stand unreviewed", before, after, after > before, shifts);
    if was.roles != is.roles {
        // No role at all means everybody.
        let widens = is.roles.is_empty() || !is.roles.is_subset(&was.roles);
        shifts.push(says(widens, "others may declare an emergency than before".into()));
    }
}

fn of_rung(old: &Rung, new: &Rung, shifts: &mut Vec<Shift>) {
    if old.brings() != new.brings() {
        let less = !old.met_by(&new.brings());
        shifts.push(Shift { says: format!("rung `{}` asks for {}", new.name, if less { "less" } else { "more" }), widens: less });
    } else if old.title != new.title {
        shifts.push(narrower(format!("rung `{}` is now called “{}”", new.name, new.title)));
    }
}

/// People and machines.
pub(super) fn directory(old: &Directory, new: &Directory, shifts: &mut Vec<Shift>) {
    for (id, operator) in &new.operators {
        of_person(old.operators.get(id), operator, shifts);
    }
    let left = old.operators.iter().filter(|(id, _)| !new.operators.contains_key(*id));
    shifts.extend(left.map(|(_, operator)| narrower(format!("operator `{}` is gone", operator.login))));
    for (id, agent) in &new.agents {
        match old.agents.get(id) {
            None => shifts.push(wider(format!("agent `{}` is new and may propose", agent.login))),
            Some(before) if before.owner != agent.owner => shifts.push(wider(format!("agent `{}` has another owner", agent.login))),
            Some(before) if before != agent => shifts.push(wider(format!("what is said of agent `{}` changed", agent.login))),
            Some(_) => {}
        }
    }
    let left = old.agents.iter().filter(|(id, _)| !new.agents.contains_key(*id));
    shifts.extend(left.map(|(_, agent)| narrower(format!("agent `{}` is gone", agent.login))));
}

fn of_person(old: Option<&Operator>, new: &Operator, shifts: &mut Vec<Shift>) {
    let login = &new.login;
    let Some(old) = old else {
        return shifts.push(wider(format!("operator `{login}` is new")));
    };
    let before = shifts.len();
    shifts.extend(new.roles.difference(&old.roles).map(|role| wider(format!("`{login}` now holds the role `{role}`"))));
    shifts.extend(old.roles.difference(&new.roles).map(|role| narrower(format!("`{login}` no longer holds the role `{role}`"))));
    shifts.extend(new.teams.difference(&old.teams).map(|team| wider(format!("`{login}` now belongs to the team `{team}`"))));
    shifts.extend(old.teams.difference(&new.teams).map(|team| narrower(format!("`{login}` no longer belongs to the team `{team}`"))));
    let keys = |operator: &Operator| operator.keys.iter().cloned().collect::<BTreeSet<_>>();
    if !keys(new).is_subset(&keys(old)) {
        shifts.push(wider(format!("another key may sign for `{login}`")));
    }
    if !keys(old).is_subset(&keys(new)) {
        shifts.push(narrower(format!("a key may no longer sign for `{login}`")));
    }
    if shifts.len() == before && old != new {
        shifts.push(wider(format!("what is said of operator `{login}` changed")));
    }
}
