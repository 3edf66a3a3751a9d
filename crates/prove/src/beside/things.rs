//! What there is, and what carries changes out.

use std::collections::BTreeMap;
use std::fmt::Display;

use lineclear_core::runbook::Runbook;
use lineclear_core::topology::{Entity, Topology};

use super::{Shift, gone, keyed, narrower, wider};

/// Things of the catalog, as far as policies and the worst case see them.
pub(super) fn things(old: &Topology, new: &Topology, shifts: &mut Vec<Shift>) {
    for thing in new.iter() {
        match old.get(&thing.reference) {
            None => shifts.push(wider(format!("`{}` is new and can be acted on", thing.reference))),
            Some(was) if was != thing => of_thing(was, thing, shifts),
            Some(_) => {}
        }
    }
    let left = old.iter().filter(|thing| new.get(&thing.reference).is_none());
    shifts.extend(left.map(|thing| narrower(format!("`{}` is gone", thing.reference))));
}

fn of_thing(old: &Entity, new: &Entity, shifts: &mut Vec<Shift>) {
    let name = &new.reference;
    let before = shifts.len();
    if old.owner != new.owner {
        shifts.push(wider(format!("`{name}` belongs to the team `{}` instead of `{}`", new.owner, old.owner)));
    }
    if old.environment != new.environment {
        shifts.push(wider(format!("`{name}` runs in another environment")));
    }
    for (was, is, (no, yes)) in [
        (old.customer_data, new.customer_data, ("`{}` no longer holds customers' data", "`{}` now holds customers' data")),
        (old.money_path, new.money_path, ("money no longer passes through `{}`", "money now passes through `{}`")),
    ] {
        if was != is {
            let says = if is { yes } else { no }.replace("{}", &name.to_string());
            shifts.push(Shift { says, widens: !is });
        }
    }
    if old.customers != new.customers {
        let says = format!("`{name}` is said to be noticed by {} customers instead of {}", new.customers, old.customers);
        shifts.push(Shift { says, widens: new.customers < old.customers });
    }
    if old.part_of != new.part_of {
        shifts.push(wider(format!("`{name}` is part of something else")));
    }
    if old.depends_on != new.depends_on {
        let fewer = !old.depends_on.is_subset(&new.depends_on);
        let says = format!("`{name}` is said to need {} to work", if fewer { "other things" } else { "more things" });
        shifts.push(Shift { says, widens: fewer });
    }
    if old.regions != new.regions {
        shifts.push(Shift { says: format!("`{name}` serves other regions"), widens: !old.regions.is_subset(&new.regions) });
    }
    if shifts.len() == before {
        shifts.push(narrower(format!("`{name}` has another title")));
    }
}

/// What carries changes out: who approves sees its digest, and what runs alone shows it to nobody.
pub(super) fn runbooks<K: Ord + Display>(old: &BTreeMap<K, Runbook>, new: &BTreeMap<K, Runbook>, shifts: &mut Vec<Shift>) {
    keyed(
        old,
        new,
        shifts,
        |name| wider(format!("runbook `{name}` is new")),
        |name, was, is, shifts| {
            shifts.push(if was.digest == is.digest {
                narrower(format!("what is known of drills of the runbook `{name}` changed"))
            } else {
                wider(format!("runbook `{name}` does something else, or otherwise"))
            });
        },
    );
    shifts.extend(gone(old, new, |name| narrower(format!("runbook `{name}` is gone"))));
}
