//! What else moves from one estate to another: things that decide, and that neither policies nor the ladder show.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::Beside;
use crate::estate::Estate;

/// What else moves, in a fixed order.
pub fn beside(old: &Estate, new: &Estate) -> Vec<Beside> {
    let mut all = Vec::new();
    let rung = |estate: &Estate| estate.authority.activation_rung().map(|rung| rung.name.to_string()).unwrap_or_default();
    if rung(old) != rung(new) {
        let says = format!("another version comes into force by people of rung `{}`, not `{}`", rung(new), rung(old));
        all.push(Beside { says, widens: true });
    }
    if old.title != new.title {
        all.push(Beside { says: format!("its title is `{}`, not `{}`", new.title, old.title), widens: false });
    }
    maps("source of telemetry", &old.sources, &new.sources, &mut all);
    maps("fact", &old.facts, &new.facts, &mut all);
    maps("runbook", &old.runbooks, &new.runbooks, &mut all);
    maps("objective", &old.slos, &new.slos, &mut all);
    maps("escalation path", &old.escalation, &new.escalation, &mut all);
    if old.severity != new.severity {
        all.push(Beside { says: "severity follows from another table".into(), widens: false });
    }
    for (id, person) in &old.directory.operators {
        if !new.directory.operators.contains_key(id) {
            all.push(Beside { says: format!("operator `{}` is gone, and can no longer sign in", person.login), widens: false });
        }
    }
    for (id, agent) in &old.directory.agents {
        if !new.directory.agents.contains_key(id) {
            all.push(Beside { says: format!("agent `{}` is gone, and its tokens no longer count", agent.login), widens: false });
        }
    }
    all
}

/// New, gone and changed things of one kind. What is asked or done differently may open something, so it is marked.
fn maps<K: Ord + Display, V: PartialEq>(kind: &str, old: &BTreeMap<K, V>, new: &BTreeMap<K, V>, all: &mut Vec<Beside>) {
    for (name, value) in new {
        match old.get(name) {
            None => all.push(Beside { says: format!("{kind} `{name}` is new"), widens: false }),
            Some(before) if before != value => all.push(Beside { says: format!("{kind} `{name}` is another one"), widens: true }),
            Some(_) => {}
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(name)) {
        all.push(Beside { says: format!("{kind} `{name}` is gone"), widens: false });
    }
}
