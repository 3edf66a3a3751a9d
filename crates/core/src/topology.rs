//! The estate as a graph: things, what they are part of, what they depend on, who owns them, whom they serve.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::label::Labels;
use crate::name::{EntityName, RegionName, TeamName};

/// The kinds of things that actions act on; each is an entity type in Cedar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// A store of copies: a CDN zone, a cache cluster.
    Cache,
    /// A TLS certificate.
    Certificate,
    /// A database cluster.
    Database,
    /// A machine or instance that serves.
    Host,
    /// A load balancer's group of hosts.
    Pool,
    /// Something customers or other services use.
    Service,
    /// A DNS zone.
    Zone,
}

/// One thing in the estate; prints as `service/shop`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityRef {
    /// Its kind.
    pub kind: EntityKind,
    /// Its name, unique within the kind.
    pub name: EntityName,
}

/// A text that names no entity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names nothing: write kind and name, as in `service/shop`")]
pub struct EntityRefError(String);

/// Where a thing runs; production is the one that hurts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Developers only.
    Dev,
    /// Customers.
    Production,
    /// Before customers.
    Staging,
}

/// What the estate says of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Which thing.
    #[serde(rename = "ref")]
    pub reference: EntityRef,
    /// For people.
    pub title: String,
    /// The team that answers for it.
    pub owner: TeamName,
    /// Where it runs.
    pub environment: Environment,
    /// The regions it serves.
    pub regions: BTreeSet<RegionName>,
    /// How many customers notice when it fails.
    pub customers: u32,
    /// Whether it holds customers' data.
    pub customer_data: bool,
    /// Whether money passes through it.
    pub money_path: bool,
    /// What it is part of: a host of its pool, a pool of its service.
    pub part_of: BTreeSet<EntityRef>,
    /// What it needs in order to work.
    pub depends_on: BTreeSet<EntityRef>,
    /// What a runner has to carry to be given steps on it: who is near it.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub runs_on: Labels,
}

/// All things, by reference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
// INVARIANT: `new` checks that every reference inside names an entity.
pub struct Topology {
    entities: BTreeMap<EntityRef, Entity>,
}

/// Why entities form no estate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    /// Two entities of one name.
    #[error("`{0}` is described twice")]
    Twice(EntityRef),
    /// A reference to nothing.
    #[error("`{from}` refers to `{to}`, which the catalog does not describe")]
    Dangling {
        /// Who refers.
        from: EntityRef,
        /// To what.
        to: EntityRef,
    },
}

/// The worst that an act on one target can reach, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blast {
    /// Hosts that are the target or inside it.
    pub hosts: u32,
    /// Services that are the target, hold it, or depend on it.
    pub services: u32,
    /// Customers of these services; an upper bound, since one customer may use several.
    pub customers: u32,
    /// Regions of everything affected.
    pub regions: BTreeSet<RegionName>,
    /// Share of all hosts, in basis points.
    pub fleet_bp: u32,
    /// Whether money passes through anything affected.
    pub money_path: bool,
    /// Whether anything affected holds customers' data.
    pub customer_data: bool,
    /// Everything affected, the target included.
    pub affected: BTreeSet<EntityRef>,
}

impl Topology {
    /// Builds the graph.
    ///
    /// # Errors
    /// The first entity described twice or the first reference to nothing.
    pub fn new(list: impl IntoIterator<Item = Entity>) -> Result<Self, TopologyError> {
        let mut entities = BTreeMap::new();
        for entity in list {
            let reference = entity.reference.clone();
            if entities.insert(reference.clone(), entity).is_some() {
                return Err(TopologyError::Twice(reference));
            }
        }
        for entity in entities.values() {
            if let Some(to) = entity.part_of.iter().chain(&entity.depends_on).find(|to| !entities.contains_key(*to)) {
                return Err(TopologyError::Dangling { from: entity.reference.clone(), to: to.clone() });
            }
        }
        Ok(Self { entities })
    }

    /// What the estate says of this thing.
    pub fn get(&self, reference: &EntityRef) -> Option<&Entity> {
        self.entities.get(reference)
    }

    /// Every entity, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Entity> {
        self.entities.values()
    }

    /// Everything that the thing is part of, upwards, itself left out.
    pub fn ancestors(&self, of: &EntityRef) -> BTreeSet<EntityRef> {
        let mut found = self.walk(of, |entity| entity.part_of.iter().cloned().collect());
        found.remove(of);
        found
    }

    /// The worst that an act on the target can reach: what is inside it, what holds it, and all that depends on these.
    pub fn blast(&self, target: &EntityRef) -> Blast {
        let inside = self.walk(target, |entity| self.with(|e| e.part_of.contains(&entity.reference)));
        let mut holding = self.ancestors(target);
        holding.extend(inside.iter().cloned());
        let mut affected = BTreeSet::new();
        for reference in &holding {
            affected.extend(self.walk(reference, |entity| self.with(|e| e.depends_on.contains(&entity.reference))));
        }
        let hit: Vec<&Entity> = affected.iter().filter_map(|r| self.entities.get(r)).collect();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let of_kind = |kind| hit.iter().filter(|e| e.reference.kind == kind).count();
        let fleet = self.entities.keys().filter(|r| r.kind == EntityKind::Host).count();
        let hosts = inside.iter().filter(|r| r.kind == EntityKind::Host).count();
        Blast {
            hosts: count(hosts),
            services: count(of_kind(EntityKind::Service)),
            customers: hit.iter().filter(|e| e.reference.kind == EntityKind::Service).map(|e| e.customers).fold(0, u32::saturating_add),
            regions: hit.iter().flat_map(|e| e.regions.iter().cloned()).collect(),
            fleet_bp: count(hosts.saturating_mul(10_000).checked_div(fleet).unwrap_or(0)),
            money_path: hit.iter().any(|e| e.money_path),
            customer_data: hit.iter().any(|e| e.customer_data),
            affected,
        }
    }

    fn with(&self, keep: impl Fn(&Entity) -> bool) -> Vec<EntityRef> {
        self.entities.values().filter(|e| keep(e)).map(|e| e.reference.clone()).collect()
    }

    fn walk(&self, from: &EntityRef, next: impl Fn(&Entity) -> Vec<EntityRef>) -> BTreeSet<EntityRef> {
        let (mut found, mut open) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(reference) = open.pop() {
            if let Some(entity) = self.entities.get(&reference)
                && found.insert(reference)
            {
                open.extend(next(entity));
            }
        }
        found
    }
}

impl Blast {
    /// The worst case in one plain sentence.
    pub fn sentence(&self) -> String {
        let plural = |n: u32, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
        let regions = u32::try_from(self.regions.len()).unwrap_or(u32::MAX);
        let mut text = format!(
            "At worst {}, {} and up to {} in {} notice; {} of the fleet's hosts",
            plural(self.hosts, "host"),
            plural(self.services, "service"),
            plural(self.customers, "customer"),
            plural(regions, "region"),
            format_args!("{}.{:02} %", self.fleet_bp / 100, self.fleet_bp % 100),
        );
        text.push_str(if self.money_path { "; money passes through here" } else { "; no money path" });
        text.push_str(if self.customer_data { "; customers' data is in reach." } else { "; no customers' data." });
        text
    }
}

impl EntityKind {
    /// Every kind, in order.
    pub const ALL: [Self; 7] = [Self::Cache, Self::Certificate, Self::Database, Self::Host, Self::Pool, Self::Service, Self::Zone];

    /// As written in references: `service`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Certificate => "certificate",
            Self::Database => "database",
            Self::Host => "host",
            Self::Pool => "pool",
            Self::Service => "service",
            Self::Zone => "zone",
        }
    }
}

impl fmt::Display for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.name)
    }
}

impl fmt::Debug for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EntityRef {
    type Err = EntityRefError;
    fn from_str(text: &str) -> Result<Self, EntityRefError> {
        let bad = || EntityRefError(text.chars().take(80).collect());
        let (kind, name) = text.split_once('/').ok_or_else(bad)?;
        let kind = EntityKind::ALL.into_iter().find(|k| k.as_str() == kind).ok_or_else(bad)?;
        Ok(Self { kind, name: name.parse().map_err(|_| bad())? })
    }
}

impl Serialize for EntityRef {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntityRef {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}
