//! What the simulated estate is at this moment; every protocol reads and changes this one value.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::balancer::pool::Pool;
use crate::dns::zone::Zone;
use crate::notifier::webhook::Receiver;
use crate::services::Services;
use crate::telemetry::history::History;
use crate::traffic::Traffic;

/// The zone the simulated DNS server answers for.
pub const ZONE: &str = "example.test";

/// The names of the zone with the addresses that belong to the estate: the one each starts with, and its standby.
/// `dns_answer_matches` is 1 as long as a name answers only with addresses of its own line.
pub const DNS_PLAN: [(&str, [&str; 2]); 4] = [
    ("www.example.test", ["192.0.2.10", "192.0.2.20"]),
    ("shop.example.test", ["192.0.2.11", "192.0.2.21"]),
    ("api.example.test", ["192.0.2.12", "192.0.2.22"]),
    ("mail.example.test", ["192.0.2.13", "192.0.2.23"]),
];

/// How many changes really took place, counted where they take place: what tests and drills compare a record with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Effects {
    /// UPDATE messages that changed the zone.
    pub dns_updates: u64,
    /// UPDATE messages that were refused, whatever for.
    pub dns_refusals: u64,
    /// Runtime commands that changed the state or weight of a server.
    pub balancer_changes: u64,
    /// Changes of a service's number of replicas.
    pub scale_changes: u64,
    /// Caches emptied.
    pub purges: u64,
    /// Changes of a firewall rule.
    pub waf_changes: u64,
    /// Certificates renewed.
    pub renewals: u64,
    /// Changes of the status page.
    pub status_changes: u64,
    /// Webhooks that the receiver took.
    pub notifications: u64,
    /// Webhooks given up after the last try; they are sent again later.
    pub notifications_failed: u64,
}

/// Everything that can change.
pub(crate) struct World {
    pub pool: Pool,
    pub zone: Zone,
    pub services: Services,
    pub traffic: Traffic,
    /// Where the DNS server listens; probes name it.
    pub dns: SocketAddr,
    pub effects: Effects,
    /// Where alerts are sent.
    pub receiver: Option<Receiver>,
    /// Metrics whose samples are this many seconds old.
    pub stale: BTreeMap<String, i64>,
    /// Metrics that have no sample at all.
    pub dropped: BTreeSet<String>,
    /// What was measured since the start.
    pub history: Arc<History>,
}

impl World {
    /// The estate as it is when all is well.
    pub fn new(zone: Zone, servers: Vec<(String, SocketAddr)>, dns: SocketAddr, now: Timestamp) -> Self {
        Self {
            pool: Pool::new(servers, now),
            zone,
            services: Services::new(now),
            traffic: Traffic::default(),
            dns,
            effects: Effects::default(),
            receiver: None,
            stale: BTreeMap::new(),
            dropped: BTreeSet::new(),
            history: Arc::new(History::default()),
        }
    }
}

/// One world, shared by all the servers of the estate. The lock is held for a lookup and never across an await.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<World>>);

impl Shared {
    /// Puts `world` behind the lock.
    pub fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    /// Looks at the world or changes it, alone.
    pub fn with<R>(&self, act: impl FnOnce(&mut World) -> R) -> R {
        // A poisoned lock means a handler panicked; the state is a simulation's and stays usable.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
