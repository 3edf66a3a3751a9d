//! RFC 2136: the prerequisites and changes of an UPDATE, with the answers BIND gives for them. The key may change
//! A, AAAA, CNAME and TXT records anywhere in the zone, as `update-policy { grant KEY zonesub A AAAA CNAME TXT; }`.

use std::collections::BTreeMap;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::zone::{RECORDS_MAX, Zone};

/// What the key may change.
const GRANTED: [RecordType; 4] = [RecordType::A, RecordType::AAAA, RecordType::CNAME, RecordType::TXT];

/// Applies `message` whole or not at all; `Ok(true)` when the zone has changed.
pub(crate) fn apply(zone: &mut Zone, message: &Message, signed: bool) -> Result<bool, ResponseCode> {
    let [query] = message.queries.as_slice() else { return Err(ResponseCode::FormErr) };
    if query.query_type() != RecordType::SOA {
        return Err(ResponseCode::FormErr);
    }
    if query.query_class() != DNSClass::IN || query.name() != zone.origin() {
        return Err(ResponseCode::NotAuth);
    }
    if !signed {
        return Err(ResponseCode::Refused);
    }
    check_prerequisites(zone, &message.answers)?;
    let grown = message.authorities.iter().filter(|record| record.dns_class == DNSClass::IN).count();
    for record in &message.authorities {
        scan(zone, record)?;
    }
    if zone.records().saturating_add(grown) > RECORDS_MAX {
        return Err(ResponseCode::Refused);
    }
    Ok(zone.alter(|zone| {
        for record in &message.authorities {
            change(zone, record);
        }
    }))
}

/// §3.2. Records of the zone's own class are compared as whole sets, after all the others.
fn check_prerequisites(zone: &Zone, records: &[Record]) -> Result<(), ResponseCode> {
    let mut wanted: BTreeMap<(Name, RecordType), Vec<RData>> = BTreeMap::new();
    for record in records {
        if record.ttl != 0 {
            return Err(ResponseCode::FormErr);
        }
        if !zone.contains(&record.name) {
            return Err(ResponseCode::NotZone);
        }
        let (kind, empty) = (record.record_type(), is_empty(record));
        let present = if kind == RecordType::ANY { zone.has_name(&record.name) } else { zone.set(&record.name, kind).is_some() };
        match (record.dns_class, empty, present) {
            (DNSClass::ANY, true, true) | (DNSClass::NONE, true, false) => {}
            (DNSClass::ANY, true, false) if kind == RecordType::ANY => return Err(ResponseCode::NXDomain),
            (DNSClass::ANY, true, false) => return Err(ResponseCode::NXRRSet),
            (DNSClass::NONE, true, true) if kind == RecordType::ANY => return Err(ResponseCode::YXDomain),
            (DNSClass::NONE, true, true) => return Err(ResponseCode::YXRRSet),
            (DNSClass::IN, false, _) => wanted.entry((record.name.to_lowercase(), kind)).or_default().push(record.data.clone()),
            _ => return Err(ResponseCode::FormErr),
        }
    }
    let same = |(name, kind): &(Name, RecordType), wanted: &Vec<RData>| {
        let found = zone.set(name, *kind).map(|set| set.data).unwrap_or_default();
        found.iter().all(|data| wanted.contains(data)) && wanted.iter().all(|data| found.contains(data))
    };
    if wanted.iter().all(|(key, data)| same(key, data)) { Ok(()) } else { Err(ResponseCode::NXRRSet) }
}

/// §3.4.1, and the grant of the key.
fn scan(zone: &Zone, record: &Record) -> Result<(), ResponseCode> {
    if !zone.contains(&record.name) {
        return Err(ResponseCode::NotZone);
    }
    let (kind, empty) = (record.record_type(), is_empty(record));
    let well_formed = match (record.dns_class, empty, record.ttl) {
        (DNSClass::IN, false, _) => kind != RecordType::ANY,
        (DNSClass::ANY, true, 0) | (DNSClass::NONE, false, 0) => true,
        _ => false,
    };
    if !well_formed {
        return Err(ResponseCode::FormErr);
    }
    let touched = if kind == RecordType::ANY { zone.types_at(&record.name) } else { vec![kind] };
    let all_granted = touched.iter().all(|kind| GRANTED.contains(kind));
    if all_granted { Ok(()) } else { Err(ResponseCode::Refused) }
}

/// §3.4.2. A name has either an alias or other records: the newcomer of the other kind is ignored.
fn change(zone: &mut Zone, record: &Record) {
    let name = &record.name;
    match (record.dns_class, record.record_type()) {
        (DNSClass::ANY, RecordType::ANY) => zone.types_at(name).into_iter().for_each(|kind| zone.remove_set(name, kind)),
        (DNSClass::ANY, kind) => zone.remove_set(name, kind),
        (DNSClass::NONE, _) => zone.remove(name, &record.data),
        (_, kind) => {
            let alias = kind == RecordType::CNAME;
            if zone.types_at(name).iter().any(|other| (*other == RecordType::CNAME) != alias) {
                return;
            }
            if alias {
                zone.remove_set(name, kind);
            }
            zone.insert(name, kind, record.ttl, record.data.clone());
        }
    }
}

fn is_empty(record: &Record) -> bool {
    matches!(record.data, RData::Update0(_))
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{MessageType, OpCode, Query};
    use hickory_proto::rr::rdata::A;

    use super::super::zone::name;
    use super::*;

    fn a(host: &str, class: DNSClass, ttl: u32, last: u8) -> Record {
        let mut record = Record::from_rdata(name(host).unwrap(), ttl, RData::A(A::new(192, 0, 2, last)));
        record.dns_class = class;
        record
    }

    fn empty(host: &str, class: DNSClass, kind: RecordType) -> Record {
        let mut record = Record::update0(name(host).unwrap(), 0, kind);
        record.dns_class = class;
        record
    }

    fn message(prerequisites: Vec<Record>, changes: Vec<Record>) -> Message {
        let mut message = Message::new(7, MessageType::Query, OpCode::Update);
        message.add_query(Query::query(name("example.test").unwrap(), RecordType::SOA));
        message.answers = prerequisites;
        message.authorities = changes;
        message
    }

    const WWW: &str = "www.example.test";

    #[test]
    fn a_guarded_swap_applies_once_and_then_the_guard_refuses() {
        let mut zone = Zone::new().unwrap();
        let swap = message(vec![a(WWW, DNSClass::IN, 0, 10)], vec![empty(WWW, DNSClass::ANY, RecordType::A), a(WWW, DNSClass::IN, 60, 20)]);
        assert_eq!(apply(&mut zone, &swap, true), Ok(true));
        assert_eq!((zone.addresses(WWW), zone.serial()), (vec!["192.0.2.20".to_owned()], 2));
        assert_eq!(apply(&mut zone, &swap, true), Err(ResponseCode::NXRRSet));
        assert_eq!((zone.addresses(WWW), zone.serial()), (vec!["192.0.2.20".to_owned()], 2));
    }

    #[test]
    fn prerequisites_answer_with_the_codes_of_the_rfc() {
        let cases = [
            (a(WWW, DNSClass::IN, 0, 11), ResponseCode::NXRRSet),
            (a(WWW, DNSClass::IN, 60, 10), ResponseCode::FormErr),
            (empty(WWW, DNSClass::NONE, RecordType::A), ResponseCode::YXRRSet),
            (empty(WWW, DNSClass::NONE, RecordType::ANY), ResponseCode::YXDomain),
            (empty("new.example.test", DNSClass::ANY, RecordType::ANY), ResponseCode::NXDomain),
            (empty(WWW, DNSClass::ANY, RecordType::AAAA), ResponseCode::NXRRSet),
            (empty("www.example.org", DNSClass::ANY, RecordType::A), ResponseCode::NotZone),
            (empty(WWW, DNSClass::IN, RecordType::A), ResponseCode::FormErr),
        ];
        for (prerequisite, code) in cases {
            let mut zone = Zone::new().unwrap();
            let shown = prerequisite.to_string();
            let outcome = apply(&mut zone, &message(vec![prerequisite], vec![a("new.example.test", DNSClass::IN, 60, 9)]), true);
            assert_eq!((outcome, zone.serial()), (Err(code), 1), "{shown}");
        }
    }

    #[test]
    fn what_the_key_may_not_change_is_refused_and_nothing_of_the_message_is_applied() {
        let refused = [empty("example.test", DNSClass::ANY, RecordType::NS), empty("example.test", DNSClass::ANY, RecordType::ANY)];
        for change in refused {
            let mut zone = Zone::new().unwrap();
            let outcome = apply(&mut zone, &message(vec![], vec![a(WWW, DNSClass::IN, 60, 20), change]), true);
            assert_eq!((outcome, zone.serial()), (Err(ResponseCode::Refused), 1));
            assert_eq!(zone.addresses(WWW), ["192.0.2.10"]);
        }
        let unsigned = apply(&mut Zone::new().unwrap(), &message(vec![], vec![a(WWW, DNSClass::IN, 60, 20)]), false);
        assert_eq!(unsigned, Err(ResponseCode::Refused));
    }

    #[test]
    fn an_update_that_changes_nothing_leaves_the_serial() {
        let mut zone = Zone::new().unwrap();
        assert_eq!(apply(&mut zone, &message(vec![], vec![a(WWW, DNSClass::IN, 60, 10)]), true), Ok(false));
        assert_eq!(apply(&mut zone, &message(vec![], vec![a(WWW, DNSClass::NONE, 0, 99)]), true), Ok(false));
        let there_and_back = vec![empty(WWW, DNSClass::ANY, RecordType::A), a(WWW, DNSClass::IN, 60, 10)];
        assert_eq!(apply(&mut zone, &message(vec![], there_and_back), true), Ok(false));
        assert_eq!(zone.serial(), 1);
        assert_eq!(apply(&mut zone, &message(vec![], vec![a(WWW, DNSClass::NONE, 0, 10)]), true), Ok(true));
        assert_eq!((zone.addresses(WWW), zone.serial()), (vec![], 2));
    }

    #[test]
    fn another_zone_is_not_ours() {
        let mut other = message(vec![], vec![]);
        other.queries = vec![Query::query(name("example.org").unwrap(), RecordType::SOA)];
        assert_eq!(apply(&mut Zone::new().unwrap(), &other, true), Err(ResponseCode::NotAuth));
    }
}
