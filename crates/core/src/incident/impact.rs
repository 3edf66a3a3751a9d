//! What is happening by the five factors, as far as signals and the estate tell, and which path is told of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::escalation::EscalationPath;
use crate::estate::Estate;
use crate::incident::{Incident, Severity};
use crate::severity::{Doubt, Impact, Loss};
use crate::time::Timestamp;
use crate::topology::{EntityKind, EntityRef};

/// A signal milder than this says that something may become bad, not that customers notice.
const NOTICED: u8 = 3;

/// What is happening, by the five factors. A service counts with all its customers when a serious signal is about it, and
/// with the share of its hosts that fail when signals are only about hosts. Security comes from a label `security`, revenue
/// from money passing through what counts; whatever cannot be told from signals and estate counts as nothing, and a person
/// grades it.
pub fn impact(incident: &Incident, estate: &Estate, now: Timestamp) -> Impact {
    let serious = || incident.firing().filter(|kept| kept.signal.graded().number() <= NOTICED);
    let struck: BTreeSet<&EntityRef> = serious().filter_map(|kept| kept.subject.as_ref()).collect();
    let shares = shares(&struck, estate);
    let (mut customers, mut stopped, mut reduced) = (0_u32, false, false);
    for (service, share) in &shares {
        let Some(thing) = estate.topology.get(service) else { continue };
        let hit = u64::from(thing.customers).saturating_mul(u64::from(share.failing)).checked_div(u64::from(share.of)).unwrap_or(0);
        customers = customers.saturating_add(u32::try_from(hit).unwrap_or(u32::MAX));
        if thing.money_path {
            reduced = true;
            let worst = serious().any(|kept| kept.subject.as_ref() == Some(service) && kept.signal.graded().number() <= 2);
            stopped |= share.failing == share.of && worst;
        }
    }
    let regions: BTreeSet<_> =
        struck.iter().filter_map(|thing| estate.topology.get(thing)).flat_map(|thing| thing.regions.iter()).collect();
    let word = |kept: &crate::incident::Kept| match kept.signal.labels.get("security").map(String::as_str) {
        Some("confirmed") => Doubt::Confirmed,
        Some("suspected" | "true" | "yes") => Doubt::Suspected,
        Some(_) | None => Doubt::None,
    };
    Impact {
        customers,
        lasting: now.since(incident.opened),
        regions: u32::try_from(regions.len()).unwrap_or(u32::MAX),
        security: incident.firing().map(word).max().unwrap_or(Doubt::None),
        revenue: if stopped {
            Loss::Stopped
        } else if reduced {
            Loss::Reduced
        } else {
            Loss::None
        },
    }
}

struct Share {
    failing: u32,
    of: u32,
}

/// The services that are struck, and how much of each.
fn shares<'e>(struck: &BTreeSet<&'e EntityRef>, estate: &'e Estate) -> BTreeMap<EntityRef, Share> {
    let mut shares = BTreeMap::new();
    let mut failing: BTreeMap<EntityRef, BTreeSet<&EntityRef>> = BTreeMap::new();
    for thing in struck {
        let holders = estate.topology.ancestors(thing);
        match thing.kind {
            EntityKind::Service => drop(shares.insert((*thing).clone(), Share { failing: 1, of: 1 })),
            EntityKind::Host => {
                for service in holders.into_iter().filter(|above| above.kind == EntityKind::Service) {
                    failing.entry(service).or_default().insert(thing);
                }
            }
            // What holds no customers of its own: the services that it is part of, whole.
            EntityKind::Cache | EntityKind::Certificate | EntityKind::Database | EntityKind::Pool | EntityKind::Zone => {
                for service in holders.into_iter().filter(|above| above.kind == EntityKind::Service) {
                    shares.insert(service, Share { failing: 1, of: 1 });
                }
            }
        }
    }
    for (service, hosts) in failing {
        let all = estate.topology.iter().filter(|thing| thing.reference.kind == EntityKind::Host);
        let of = all.filter(|host| estate.topology.ancestors(&host.reference).contains(&service)).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        shares.entry(service).or_insert(Share { failing: count(hosts.len()), of: count(of) });
    }
    shares
}

/// The escalation path of what an incident concerns: that of a thing that a signal is about, or of what holds it; the path
/// of the most things counts, and of equals the first by name; where there is none, the one of everything else.
pub fn path_of<'e>(incident: &Incident, estate: &'e Estate) -> Option<&'e EscalationPath> {
    let mut counts: BTreeMap<&crate::name::PathName, (usize, &EscalationPath)> = BTreeMap::new();
    for thing in incident.things() {
        let mut reach = estate.topology.ancestors(thing);
        reach.insert(thing.clone());
        for path in estate.escalation.values().filter(|path| path.targets.iter().any(|target| reach.contains(target))) {
            counts.entry(&path.name).or_insert((0, path)).0 += 1;
        }
    }
    counts.into_iter().max_by(|a, b| a.1.0.cmp(&b.1.0).then(b.0.cmp(a.0))).map(|(_, (_, path))| path).or_else(|| estate.path_otherwise())
}

impl Severity {
    /// The severity of an impact by the estate's table; none without one.
    pub fn by_table(impact: &Impact, estate: &Estate) -> Option<Self> {
        estate.severity.as_ref().map(|table| table.grade(impact))
    }
}
