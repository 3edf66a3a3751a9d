//! Which thing of the estate a signal is about, and which other things would explain it or suffer from it.

use std::collections::BTreeSet;

use crate::signal::Signal;
use crate::topology::{EntityKind, EntityRef, Topology};

/// Labels that name a thing of a kind, most telling first. The most particular thing counts: a host before its service.
const LABELS: &[(EntityKind, &[&str])] = &[
    (EntityKind::Host, &["host", "hostname", "host_name", "host.name", "server", "node", "nodename", "instance", "computer"]),
    (EntityKind::Database, &["database", "db", "cluster", "db_cluster", "datname", "dbinstanceidentifier"]),
    (EntityKind::Certificate, &["certificate", "cert", "common_name", "subject_cn", "domain", "dns_name", "instance"]),
    (EntityKind::Pool, &["pool", "backend", "proxy", "upstream"]),
    (EntityKind::Cache, &["cache", "cdn"]),
    (EntityKind::Zone, &["zone", "dns_zone"]),
    (EntityKind::Service, &["service", "service_name", "service.name", "app", "application", "component", "project", "job"]),
];

/// The thing of the estate that a signal concerns: a label `target` (`host/web-1`) says so outright; else the most particular
/// thing that a label names, then the service as the source calls it. None when nothing fits: what is not in the estate is
/// not guessed at.
pub fn subject(signal: &Signal, topology: &Topology) -> Option<EntityRef> {
    let known = |reference: EntityRef| topology.get(&reference).is_some().then_some(reference);
    if let Some(target) = signal.labels.get("target").and_then(|text| text.parse().ok()).and_then(known) {
        return Some(target);
    }
    for (kind, names) in LABELS {
        let given = names.iter().filter_map(|name| signal.labels.get(*name));
        if let Some(found) = given.flat_map(|value| spellings(value)).filter_map(|name| named(*kind, &name)).find_map(known) {
            return Some(found);
        }
    }
    let service = signal.service.as_deref()?;
    let kinds = [EntityKind::Service, EntityKind::Host, EntityKind::Database, EntityKind::Certificate, EntityKind::Pool, EntityKind::Cache];
    kinds.into_iter().chain([EntityKind::Zone]).find_map(|kind| spellings(service).filter_map(|name| named(kind, &name)).find_map(known))
}

fn named(kind: EntityKind, name: &str) -> Option<EntityRef> {
    Some(EntityRef { kind, name: name.parse().ok()? })
}

/// As it stands, without scheme, port and path, and without its domain: `https://web-1.example.test:9100/x` is `web-1`.
fn spellings(value: &str) -> impl Iterator<Item = String> + use<> {
    let whole = value.trim().to_ascii_lowercase();
    let bare = whole.split_once("://").map_or(whole.as_str(), |(_, rest)| rest);
    let bare = bare.split(['/', '?', '#']).next().unwrap_or("");
    let bare = bare.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(bare, |(host, _)| host).to_owned();
    let short = bare.split('.').next().unwrap_or("").to_owned();
    [whole, bare, short].into_iter()
}

/// Everything that an outage of the thing would be seen in, everything whose outage would be seen in it, and what shares its
/// holder. The relation holds both ways or not at all.
pub fn near(of: &EntityRef, topology: &Topology) -> BTreeSet<EntityRef> {
    if topology.get(of).is_none() {
        return BTreeSet::new();
    }
    let mut found = topology.blast(of).affected;
    let mut causes = BTreeSet::from([of.clone()]);
    let mut open = vec![of.clone()];
    while let Some(next) = open.pop() {
        let needs = topology.get(&next).into_iter().flat_map(|thing| thing.depends_on.iter());
        open.extend(needs.filter(|need| causes.insert((*need).clone())).cloned().collect::<Vec<_>>());
    }
    let mut holders = topology.ancestors(of);
    holders.extend(causes.iter().cloned());
    // What is inside a cause, or inside what holds the thing, is near; so is whatever holds a cause.
    let inside = topology.iter().filter(|thing| topology.ancestors(&thing.reference).iter().any(|above| holders.contains(above)));
    found.extend(inside.map(|thing| thing.reference.clone()).collect::<Vec<_>>());
    found.extend(causes.iter().flat_map(|cause| topology.ancestors(cause)));
    found.extend(causes);
    found
}
