//! What changes authority without a word of policy: risk classes, rungs, roles and who holds them.

use std::collections::BTreeSet;

use lineclear_core::authority::{Authority, Operator};
use lineclear_core::catalogue::{Action, Closing};
use lineclear_policy::Policies;
use serde::Serialize;

/// One change beside the policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shift {
    /// What changed, for people.
    pub says: String,
    /// Whether it may open something.
    pub widens: bool,
}

/// All of them, in a fixed order.
pub(crate) fn beside(old: &Policies, new: &Policies) -> Vec<Shift> {
    let (old, new) = (old.estate(), new.estate());
    let mut shifts = Vec::new();
    let (was, is) = (&old.catalogue.actions, &new.catalogue.actions);
    for (name, action) in is {
        match was.get(name) {
            None => shifts.push(wider(format!("action `{name}` is new"))),
            Some(before) => of_action(before, action, &mut shifts),
        }
    }
    shifts.extend(was.keys().filter(|name| !is.contains_key(*name)).map(|name| narrower(format!("action `{name}` is gone"))));
    of_ladder(&old.authority, &new.authority, &mut shifts);
    for (id, operator) in &new.directory.operators {
        of_person(old.directory.operators.get(id), operator, &mut shifts);
    }
    for (id, agent) in &new.directory.agents {
        match old.directory.agents.get(id) {
            None => shifts.push(wider(format!("agent `{}` is new and may propose", agent.login))),
            Some(before) if before.owner != agent.owner => shifts.push(wider(format!("agent `{}` has another owner", agent.login))),
            Some(_) => {}
        }
    }
    for freeze in old.freezes.iter().filter(|freeze| !new.freezes.contains(freeze)) {
        shifts.push(wider(format!("the freeze window `{}` is gone or another one", freeze.title)));
    }
    shifts
}

const fn wider(says: String) -> Shift {
    Shift { says, widens: true }
}

const fn narrower(says: String) -> Shift {
    Shift { says, widens: false }
}

fn of_action(old: &Action, new: &Action, shifts: &mut Vec<Shift>) {
    let name = &new.name;
    if old.risk != new.risk {
        let says = format!("action `{name}` moves from {} to {} risk", word(old), word(new));
        shifts.push(Shift { says, widens: new.risk < old.risk });
    }
    if old.never_routine && !new.never_routine {
        shifts.push(wider(format!("action `{name}` may become routine")));
    }
    if old.closes == Closing::Person && new.closes == Closing::Machine {
        shifts.push(wider(format!("a machine may close changes of `{name}`")));
    }
    for need in old.facts.iter().filter(|need| need.required) {
        if !new.facts.iter().any(|other| other.required && other.fact == need.fact) {
            shifts.push(wider(format!("action `{name}` no longer requires the fact `{}`", need.fact)));
        }
    }
}

fn word(action: &Action) -> &'static str {
    match action.risk {
        lineclear_core::catalogue::Risk::Low => "low",
        lineclear_core::catalogue::Risk::Medium => "medium",
        lineclear_core::catalogue::Risk::High => "high",
    }
}

fn of_ladder(old: &Authority, new: &Authority, shifts: &mut Vec<Shift>) {
    for rung in &new.rungs {
        match old.rung(&rung.name) {
            None => shifts.push(wider(format!("rung `{}` is new", rung.name))),
            Some(before) if before.brings() != rung.brings() => {
                let less = !before.met_by(&rung.brings());
                shifts.push(Shift { says: format!("rung `{}` asks for {}", rung.name, if less { "less" } else { "more" }), widens: less });
            }
            Some(_) => {}
        }
    }
    for rung in old.rungs.iter().filter(|rung| new.rung(&rung.name).is_none()) {
        shifts.push(narrower(format!("rung `{}` is gone", rung.name)));
    }
    shifts.extend(new.roles.difference(&old.roles).map(|role| wider(format!("role `{role}` is new"))));
    shifts.extend(old.roles.difference(&new.roles).map(|role| narrower(format!("role `{role}` is gone"))));
    if !old.single_operator && new.single_operator {
        shifts.push(wider("one person may approve what their own agent proposes".into()));
    }
    if new.approval_ttl > old.approval_ttl {
        shifts.push(wider("requests wait longer for people".into()));
    }
}

fn of_person(old: Option<&Operator>, new: &Operator, shifts: &mut Vec<Shift>) {
    let login = &new.login;
    let Some(old) = old else {
        return shifts.push(wider(format!("operator `{login}` is new")));
    };
    shifts.extend(new.roles.difference(&old.roles).map(|role| wider(format!("`{login}` now holds the role `{role}`"))));
    shifts.extend(old.roles.difference(&new.roles).map(|role| narrower(format!("`{login}` no longer holds the role `{role}`"))));
    shifts.extend(new.teams.difference(&old.teams).map(|team| wider(format!("`{login}` now belongs to the team `{team}`"))));
    let keys = |operator: &Operator| operator.keys.iter().cloned().collect::<BTreeSet<_>>();
    if !keys(new).is_subset(&keys(old)) {
        shifts.push(wider(format!("another key may sign for `{login}`")));
    }
}
