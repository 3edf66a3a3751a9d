//! Zone transfers, whole (RFC 5936) and by difference (RFC 1995): how an outsider learns what a change took away.

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};

use super::zone::{Found, Zone};

/// Everything goes into one message, whose length is two bytes; so many records surely fit.
const RECORDS_MAX: usize = 1_000;

/// Whether `query` asks for a transfer.
pub(crate) fn is_asked(query: &Query) -> bool {
    [RecordType::AXFR, RecordType::IXFR].contains(&query.query_type())
}

/// The transfer. It is for holders of the key, and by stream.
pub(crate) fn find(zone: &Zone, request: &Message, query: &Query, allowed: bool) -> Found {
    let refuse = |code| Found { code, answers: Vec::new(), authorities: Vec::new() };
    if query.name() != zone.origin() || query.query_class() != DNSClass::IN {
        return refuse(ResponseCode::NotAuth);
    }
    if !allowed {
        return refuse(ResponseCode::Refused);
    }
    let now = zone.soa(zone.serial());
    let known = request.authorities.iter().find_map(|record| if let RData::SOA(soa) = &record.data { Some(soa.serial) } else { None });
    let answers = match known.filter(|_| query.query_type() == RecordType::IXFR) {
        Some(serial) if serial == zone.serial() => vec![now],
        known => wrap(now, known.and_then(|serial| difference(zone, serial)).unwrap_or_else(|| zone.all_records())),
    };
    if answers.len() > RECORDS_MAX {
        refuse(ResponseCode::ServFail)
    } else {
        Found { code: ResponseCode::NoError, answers, authorities: Vec::new() }
    }
}

/// A transfer begins and ends with the present SOA.
fn wrap(now: Record, records: Vec<Record>) -> Vec<Record> {
    let mut all = vec![now.clone()];
    all.extend(records);
    all.push(now);
    all
}

/// RFC 1995 §4: per change the old SOA, what went, the new SOA, what came.
fn difference(zone: &Zone, serial: u32) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    for delta in zone.since(serial)? {
        records.push(zone.soa(delta.from));
        records.extend(delta.removed.iter().cloned());
        records.push(zone.soa(delta.to));
        records.extend(delta.added.iter().cloned());
    }
    Some(records)
}
