//! Links between things: what is part of what, what depends on what.

use std::collections::{BTreeMap, BTreeSet};

use lineclear_core::topology::{EntityRef, Topology};

use crate::catalog::{CatalogDraft, CatalogRef, ThingDraft};
use crate::fault::{At, Faults};
use crate::link::once;
use crate::suggest::suggest;

/// The graph of all things; none when a reference leads nowhere.
pub(super) fn things(catalog: &CatalogDraft, faults: &Faults) -> Option<Topology> {
    once(catalog.groups.iter().map(|group| (&group.value, &group.place)), "group", faults);
    once(catalog.systems.iter().map(|system| (&system.value, &system.place)), "system", faults);
    once(catalog.things.iter().map(|thing| (&thing.reference, &thing.name)), "entity", faults);
    let names: BTreeMap<&CatalogRef, &EntityRef> = catalog.things.iter().map(|thing| (&thing.reference, &thing.entity.reference)).collect();
    let before = faults.count();
    let mut entities = Vec::new();
    for thing in &catalog.things {
        catalog.team(&thing.entity.owner, &thing.owner, faults);
        system(thing, catalog, faults);
        let mut entity = thing.entity.clone();
        entity.part_of = resolve(&thing.part_of, &names, faults);
        entity.depends_on = resolve(&thing.depends_on, &names, faults);
        entities.push(entity);
    }
    if catalog.things.is_empty() {
        let help = "describe services, hosts and zones as Backstage entities";
        faults.push(crate::fault::Fault::of_file("catalog", "the catalog describes nothing", Some(help.into())));
    }
    // A name described twice was reported above, with its place.
    let topology = Topology::new(entities).ok().filter(|_| faults.count() == before)?;
    for thing in &catalog.things {
        circle(thing, &topology, faults);
    }
    Some(topology)
}

fn system(thing: &ThingDraft, catalog: &CatalogDraft, faults: &Faults) {
    let Some(system) = &thing.system else { return };
    if !catalog.systems.iter().any(|known| known.value.as_str() == system.value.name) {
        let known = catalog.systems.iter().map(|known| known.value.as_str());
        faults.at(&system.place, format!("`{}` is no system of this catalog", system.value.name), suggest(&system.value.name, known));
    }
}

fn resolve(list: &[At<CatalogRef>], names: &BTreeMap<&CatalogRef, &EntityRef>, faults: &Faults) -> BTreeSet<EntityRef> {
    let mut found = BTreeSet::new();
    for reference in list {
        if let Some(name) = names.get(&reference.value) {
            found.insert((*name).clone());
            continue;
        }
        let known: Vec<String> = names.keys().map(ToString::to_string).collect();
        let given = reference.value.to_string();
        let help = suggest(&given, known.iter().map(String::as_str));
        faults.at(&reference.place, format!("`{given}` is not in this catalog"), help);
    }
    found
}

/// A thing inside itself has no place in the graph of authority.
fn circle(thing: &ThingDraft, topology: &Topology, faults: &Faults) {
    let own = &thing.entity.reference;
    let parents = topology.get(own).map(|entity| entity.part_of.clone()).unwrap_or_default();
    if let Some(parent) = parents.iter().find(|parent| *parent == own || topology.ancestors(parent).contains(own)) {
        faults.at(
            &thing.name,
            format!("`{own}` is part of itself, by way of `{parent}`"),
            Some("remove one `part-of` of the circle".into()),
        );
    }
}
