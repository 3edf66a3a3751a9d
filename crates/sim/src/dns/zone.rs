//! The records of the simulated zone and what a query for them is answered.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use hickory_proto::op::{Query, ResponseCode};
use hickory_proto::rr::rdata::{A, NS, SOA};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use thiserror::Error;

use crate::world::{DNS_PLAN, ZONE};

/// The time to live of every record the zone starts with, in seconds.
const TTL: u32 = 60;
/// The zone holds no more records than this; an UPDATE beyond it is refused.
pub(crate) const RECORDS_MAX: usize = 10_000;

/// So many changes can be asked for again; older ones need the whole zone.
const DELTAS_MAX: usize = 100;

/// A constant of the zone that does not parse.
#[derive(Debug, Error)]
#[error("`{0}` is no DNS name or IPv4 address")]
pub struct PlanError(String);

/// All records of one name and type; they share a time to live.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Set {
    pub ttl: u32,
    pub data: Vec<RData>,
}

/// What one change took away and brought, between two serial numbers.
#[derive(Clone, Debug)]
pub(crate) struct Delta {
    pub from: u32,
    pub to: u32,
    pub removed: Vec<Record>,
    pub added: Vec<Record>,
}

/// An answer to a query, without its header.
#[derive(Debug)]
pub(crate) struct Found {
    pub code: ResponseCode,
    pub answers: Vec<Record>,
    pub authorities: Vec<Record>,
}

/// The zone. Names are kept in lower case.
#[derive(Clone)]
pub(crate) struct Zone {
    origin: Name,
    sets: BTreeMap<(Name, RecordType), Set>,
    serial: u32,
    deltas: VecDeque<Delta>,
}

impl Zone {
    /// The zone as it starts: `DNS_PLAN` with the first address of each line, a name server, and serial 1.
    pub fn new() -> Result<Self, PlanError> {
        let origin = name(ZONE)?;
        let mut zone = Self { origin: origin.clone(), sets: BTreeMap::new(), serial: 1, deltas: VecDeque::new() };
        let server = name(&format!("ns1.{ZONE}"))?;
        zone.insert(&origin, RecordType::NS, TTL, RData::NS(NS(server.clone())));
        zone.insert(&server, RecordType::A, TTL, RData::A(A(Ipv4Addr::LOCALHOST)));
        for (host, [address, _]) in DNS_PLAN {
            let address: Ipv4Addr = address.parse().map_err(|_| PlanError(address.to_owned()))?;
            zone.insert(&name(host)?, RecordType::A, TTL, RData::A(A(address)));
        }
        Ok(zone)
    }

    /// The name of the zone.
    pub fn origin(&self) -> &Name {
        &self.origin
    }

    /// The serial number of its SOA.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// How many records there are, without the SOA.
    pub fn records(&self) -> usize {
        self.sets.values().map(|set| set.data.len()).sum()
    }

    /// Changes the zone by `change`. When anything is different afterwards the serial number rises and the difference is
    /// kept; `false` otherwise, as when a record is taken away and put back.
    pub fn alter(&mut self, change: impl FnOnce(&mut Self)) -> bool {
        let before = self.all_records();
        change(self);
        let after = self.all_records();
        let missing = |one: &[Record], other: &[Record]| one.iter().filter(|record| !holds(other, record)).cloned().collect();
        let (removed, added): (Vec<Record>, Vec<Record>) = (missing(&before, &after), missing(&after, &before));
        if removed.is_empty() && added.is_empty() {
            return false;
        }
        let from = self.serial;
        // RFC 1982: the number after 2^32 − 1 is taken to be 1, because 0 confuses some secondaries.
        self.serial = self.serial.checked_add(1).unwrap_or(1);
        if self.deltas.len() >= DELTAS_MAX {
            self.deltas.pop_front();
        }
        self.deltas.push_back(Delta { from, to: self.serial, removed, added });
        true
    }

    /// The changes since `serial`, oldest first; `None` when they are not known any more, or never were.
    pub fn since(&self, serial: u32) -> Option<Vec<&Delta>> {
        let start = self.deltas.iter().position(|delta| delta.from == serial)?;
        Some(self.deltas.iter().skip(start).collect())
    }

    /// Every record but the SOA.
    pub fn all_records(&self) -> Vec<Record> {
        let records = |((name, _), set): (&(Name, RecordType), &Set)| -> Vec<Record> {
            set.data.iter().map(|data| Record::from_rdata(name.clone(), set.ttl, data.clone())).collect()
        };
        self.sets.iter().flat_map(records).collect()
    }

    /// The SOA with the number `serial`.
    pub fn soa(&self, serial: u32) -> Record {
        Record::from_rdata(self.origin.clone(), TTL, self.soa_data(serial))
    }

    /// Whether `name` is the zone or below it.
    pub fn contains(&self, name: &Name) -> bool {
        self.origin.zone_of(name)
    }

    /// Whether anything exists at `name`.
    pub fn has_name(&self, name: &Name) -> bool {
        let name = name.to_lowercase();
        name == self.origin || self.sets.keys().any(|(owner, _)| *owner == name)
    }

    /// The records of one name and type; the SOA counts as one of them.
    pub fn set(&self, name: &Name, kind: RecordType) -> Option<Set> {
        if kind == RecordType::SOA && *name == self.origin {
            return Some(Set { ttl: TTL, data: vec![self.soa_data(self.serial)] });
        }
        self.sets.get(&(name.to_lowercase(), kind)).cloned()
    }

    /// Adds one record; the whole set takes over the new time to live.
    pub fn insert(&mut self, name: &Name, kind: RecordType, ttl: u32, data: RData) {
        let set = self.sets.entry((name.to_lowercase(), kind)).or_insert_with(|| Set { ttl, data: Vec::new() });
        set.ttl = ttl;
        if !set.data.contains(&data) {
            set.data.push(data);
        }
    }

    /// Removes a whole set, if it is there.
    pub fn remove_set(&mut self, name: &Name, kind: RecordType) {
        self.sets.remove(&(name.to_lowercase(), kind));
    }

    /// Removes one record, if it is there.
    pub fn remove(&mut self, name: &Name, data: &RData) {
        let key = (name.to_lowercase(), data.record_type());
        let Some(set) = self.sets.get_mut(&key) else { return };
        set.data.retain(|one| one != data);
        if set.data.is_empty() {
            self.sets.remove(&key);
        }
    }

    /// Makes `address` the only one of `host`.
    pub fn replace_address(&mut self, host: &Name, address: Ipv4Addr) {
        self.alter(|zone| {
            zone.remove_set(host, RecordType::A);
            zone.insert(host, RecordType::A, TTL, RData::A(A(address)));
        });
    }

    /// The types that exist at `name`.
    pub fn types_at(&self, name: &Name) -> Vec<RecordType> {
        let name = name.to_lowercase();
        self.sets.keys().filter(|(owner, _)| *owner == name).map(|(_, kind)| *kind).collect()
    }

    /// The IPv4 addresses of `host`, in order; empty for a name that is not there or no name at all.
    pub fn addresses(&self, host: &str) -> Vec<String> {
        let Ok(host) = name(host) else { return Vec::new() };
        let set = self.set(&host, RecordType::A);
        let mut addresses: Vec<Ipv4Addr> =
            set.into_iter().flat_map(|set| set.data).filter_map(|data| if let RData::A(a) = data { Some(a.0) } else { None }).collect();
        addresses.sort_unstable();
        addresses.iter().map(ToString::to_string).collect()
    }

    /// Whether `host` answers, and only with addresses of its own line of the plan.
    pub fn matches_plan(&self, host: &str) -> bool {
        let Some((_, plan)) = DNS_PLAN.iter().find(|(planned, _)| *planned == host) else { return false };
        let addresses = self.addresses(host);
        !addresses.is_empty() && addresses.iter().all(|address| plan.contains(&address.as_str()))
    }

    /// RFC 1034 §4.3.2 for a zone without delegations and wildcards.
    pub fn find(&self, query: &Query) -> Found {
        if query.query_class() != DNSClass::IN || !self.contains(query.name()) {
            return Found { code: ResponseCode::Refused, answers: Vec::new(), authorities: Vec::new() };
        }
        let asked = query.query_type();
        let kinds = if asked == RecordType::ANY {
            self.types_at(query.name())
        } else if self.set(query.name(), asked).is_some() {
            vec![asked]
        } else {
            vec![RecordType::CNAME]
        };
        let answers: Vec<Record> = kinds.into_iter().flat_map(|kind| self.records_of(query.name(), kind)).collect();
        if !answers.is_empty() {
            return Found { code: ResponseCode::NoError, answers, authorities: Vec::new() };
        }
        let code = if self.has_name(query.name()) { ResponseCode::NoError } else { ResponseCode::NXDomain };
        Found { code, answers, authorities: vec![self.soa(self.serial)] }
    }

    fn records_of(&self, name: &Name, kind: RecordType) -> Vec<Record> {
        let set = self.set(name, kind);
        set.into_iter()
            .flat_map(|set| set.data.into_iter().map(move |data| (set.ttl, data)))
            .map(|(ttl, data)| Record::from_rdata(name.clone(), ttl, data))
            .collect()
    }

    fn soa_data(&self, serial: u32) -> RData {
        let under = |label: &str| self.origin.prepend_label(label).unwrap_or_else(|_| self.origin.clone());
        RData::SOA(SOA::new(under("ns1"), under("simulated"), serial, 60, 60, 3_600, TTL))
    }
}

/// Records are equal whatever their time to live; a changed one is a difference all the same.
fn holds(records: &[Record], wanted: &Record) -> bool {
    records.iter().any(|record| record == wanted && record.ttl == wanted.ttl)
}

/// An absolute name in lower case.
pub(crate) fn name(text: &str) -> Result<Name, PlanError> {
    let mut name = Name::from_ascii(text).map_err(|_| PlanError(text.to_owned()))?.to_lowercase();
    name.set_fqdn(true);
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, kind: RecordType, code: ResponseCode, answers: &[&str]) {
        let found = Zone::new().unwrap().find(&Query::query(name(host).unwrap(), kind));
        let shown: Vec<String> = found.answers.iter().map(|record| record.data.to_string()).collect();
        assert_eq!((found.code, shown), (code, answers.iter().map(ToString::to_string).collect()), "{host} {kind}");
        assert_eq!(found.authorities.len(), usize::from(answers.is_empty() && code != ResponseCode::Refused), "{host} {kind}");
    }

    #[test]
    fn queries_are_answered_as_an_authority_does() {
        check("www.example.test", RecordType::A, ResponseCode::NoError, &["192.0.2.10"]);
        check("WWW.Example.Test", RecordType::A, ResponseCode::NoError, &["192.0.2.10"]);
        check("www.example.test", RecordType::AAAA, ResponseCode::NoError, &[]);
        check("nope.example.test", RecordType::A, ResponseCode::NXDomain, &[]);
        check("example.test", RecordType::NS, ResponseCode::NoError, &["ns1.example.test."]);
        check("www.example.org", RecordType::A, ResponseCode::Refused, &[]);
        check("example.test", RecordType::A, ResponseCode::NoError, &[]);
    }

    #[test]
    fn an_answer_off_the_plan_is_seen() {
        let mut zone = Zone::new().unwrap();
        assert!(zone.matches_plan("www.example.test"));
        let www = name("www.example.test").unwrap();
        zone.insert(&www, RecordType::A, 60, RData::A(A(Ipv4Addr::new(192, 0, 2, 20))));
        assert!(zone.matches_plan("www.example.test"), "the standby belongs to the plan");
        zone.insert(&www, RecordType::A, 60, RData::A(A(Ipv4Addr::new(192, 0, 2, 66))));
        assert!(!zone.matches_plan("www.example.test"));
        zone.remove_set(&www, RecordType::A);
        assert!(!zone.matches_plan("www.example.test"), "no answer matches nothing");
    }
}
