//! What is promised of services, how bad a failure is, and who is told: objectives, severity and escalation against the rest.

use std::collections::BTreeMap;

use lineclear_core::escalation::EscalationPath;
use lineclear_core::name::{PathName, SloName};
use lineclear_core::slo::Slo;
use lineclear_core::topology::{EntityKind, EntityRef, Topology};

use crate::fault::{At, Faults, Place};
use crate::link::{Drafts, known, once, source, target};
use crate::suggest::suggest;

/// Every objective, with its service and its sources known.
pub(super) fn slos(drafts: &Drafts, topology: &Topology, faults: &Faults) -> BTreeMap<SloName, Slo> {
    let all = &drafts.slos;
    once(all.slos.iter().map(|slo| (&slo.name.value, slo.place())), "objective", faults);
    once(all.slis.iter().map(|sli| (&sli.name.value, &sli.name.place)), "indicator", faults);
    for service in all.slos.iter().map(|slo| &slo.service).chain(&all.services) {
        let services = || topology.iter().filter(|thing| thing.reference.kind == EntityKind::Service);
        if !services().any(|thing| thing.reference.name == service.value) {
            let help = suggest(service.value.as_str(), services().map(|thing| thing.reference.name.as_str()));
            faults.at(&service.place, format!("`{}` is no service of this catalog", service.value), help);
        }
    }
    for name in all.indicators().flat_map(|indicator| &indicator.sources) {
        source(name, drafts, faults);
    }
    all.slos.iter().filter_map(|slo| slo.settle(all, faults)).map(|slo| (slo.name.clone(), slo)).collect()
}

/// Every path, with its people, roles and things known, and no thing in two of them.
pub(super) fn escalation(drafts: &Drafts, topology: &Topology, faults: &Faults) -> BTreeMap<PathName, EscalationPath> {
    let paths = &drafts.escalation;
    once(paths.iter().map(|draft| (&draft.path.name, &draft.name)), "escalation path", faults);
    let mut taken: BTreeMap<&EntityRef, &Place> = BTreeMap::new();
    for draft in paths {
        for login in &draft.named.people {
            known(&login.value, &login.place, drafts.catalog.users.iter().map(|user| &user.login.value), "person", faults);
        }
        if let Some(authority) = &drafts.authority {
            for role in &draft.named.roles {
                known(&role.value, &role.place, authority.authority.roles.iter(), "role", faults);
            }
        }
        for rotation in &draft.named.rotations {
            let rotations = drafts.rotations.iter().map(|draft| &draft.rotation.name);
            known(&rotation.value, &rotation.place, rotations, "rotation", faults);
        }
        for At { value, place } in &draft.targets {
            target(value, place, topology, faults);
            if let Some(first) = taken.insert(value, place) {
                let help = format!("the first stands in `{}`", first.text.path);
                faults.at(place, format!("`{value}` has two escalation paths"), Some(help));
            }
        }
    }
    let mut others = paths.iter().filter_map(|draft| draft.otherwise.as_ref());
    if let (Some(first), Some(second)) = (others.next(), others.next()) {
        let help = format!("the first is `{}`", first.text.path);
        faults.at(second, "two paths are for everything else", Some(help));
    }
    paths.iter().map(|draft| (draft.path.name.clone(), draft.path.clone())).collect()
}

/// The paths that the table of severity names.
pub(super) fn severity(drafts: &Drafts, faults: &Faults) {
    for path in drafts.severity.iter().flat_map(|draft| &draft.paths) {
        known(&path.value, &path.place, drafts.escalation.iter().map(|draft| &draft.path.name), "escalation path", faults);
    }
}
