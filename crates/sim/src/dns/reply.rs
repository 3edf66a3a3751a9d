//! One DNS message in, one out: the signature is checked, the question answered or the zone changed, the answer signed.

use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::rdata::tsig::TsigError;
use hickory_proto::rr::{TSigResponseContext, TSigner};
use jiff::Timestamp;

use super::{transfer, update};
use crate::world::World;

/// What the server can take in one datagram: the size that is never fragmented (DNS flag day 2020).
const PAYLOAD_MAX: u16 = 1_232;

/// How the message came; an answer by datagram has a limit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Datagram,
    Stream,
}

/// The signature of a request.
enum Signature {
    Absent,
    Good { mac: Vec<u8> },
    BadTime { mac: Vec<u8> },
    BadKey,
    Bad,
}

/// The bytes to send back, or nothing for what is no request.
pub(crate) fn reply(world: &mut World, signer: &TSigner, bytes: &[u8], transport: Transport, now: Timestamp) -> Option<Vec<u8>> {
    let Ok(request) = Message::from_vec(bytes) else { return malformed(bytes) };
    if request.metadata.message_type != MessageType::Query {
        return None;
    }
    let signature = verify(signer, &request, bytes, now);
    let mut response = Message::new(request.metadata.id, MessageType::Response, request.metadata.op_code);
    response.metadata = Metadata::response_from_request(&request.metadata);
    response.add_queries(request.queries.iter().cloned());
    if request.edns.is_some() {
        response.edns = Some(edns());
    }
    response.metadata.response_code = match signature {
        Signature::Absent | Signature::Good { .. } => answer(world, &request, &mut response, &signature, transport),
        Signature::BadTime { .. } | Signature::BadKey | Signature::Bad => ResponseCode::NotAuth,
    };
    let limit = request.edns.as_ref().map_or(512, |edns| edns.max_payload().clamp(512, PAYLOAD_MAX));
    finish(response, signer, &request, signature, now, (transport == Transport::Datagram).then_some(usize::from(limit)))
}

/// A header that can be read deserves FORMERR; anything else, silence.
fn malformed(bytes: &[u8]) -> Option<Vec<u8>> {
    let [high, low, flags, ..] = bytes else { return None };
    if bytes.len() < 12 || flags & 0x80 != 0 {
        return None;
    }
    Message::error_msg(u16::from_be_bytes([*high, *low]), OpCode::from_u8((flags >> 3) & 0x0f), ResponseCode::FormErr).to_vec().ok()
}

/// RFC 8945 §5.2: key, then MAC, then time.
fn verify(signer: &TSigner, request: &Message, bytes: &[u8], now: Timestamp) -> Signature {
    let Some(record) = request.signature() else { return Signature::Absent };
    if record.name != *signer.signer_name() || record.data.algorithm != *signer.algorithm() {
        return Signature::BadKey;
    }
    match signer.verify_message_byte(bytes, None, true) {
        Ok((mac, _, valid)) if valid.contains(&seconds(now)) => Signature::Good { mac },
        Ok((mac, _, _)) => Signature::BadTime { mac },
        Err(_) => Signature::Bad,
    }
}

fn answer(world: &mut World, request: &Message, response: &mut Message, signature: &Signature, transport: Transport) -> ResponseCode {
    let signed = matches!(signature, Signature::Good { .. });
    if request.edns.as_ref().is_some_and(|edns| edns.version() > 0) {
        return ResponseCode::BADVERS;
    }
    match request.metadata.op_code {
        OpCode::Query => {
            let [query] = request.queries.as_slice() else { return ResponseCode::FormErr };
            let found = if transfer::is_asked(query) {
                transfer::find(&world.zone, request, query, signed && transport == Transport::Stream)
            } else {
                world.zone.find(query)
            };
            response.metadata.authoritative = found.code != ResponseCode::Refused;
            response.answers = found.answers;
            response.authorities = found.authorities;
            found.code
        }
        OpCode::Update => match update::apply(&mut world.zone, request, signed) {
            Ok(changed) => {
                world.effects.dns_updates += u64::from(changed);
                ResponseCode::NoError
            }
            Err(code) => {
                world.effects.dns_refusals += 1;
                code
            }
        },
        OpCode::Status | OpCode::Notify | OpCode::Unknown(_) => ResponseCode::NotImp,
    }
}

fn finish(
    mut response: Message,
    signer: &TSigner,
    request: &Message,
    signature: Signature,
    now: Timestamp,
    limit: Option<usize>,
) -> Option<Vec<u8>> {
    let (id, at) = (request.metadata.id, seconds(now));
    let context = match signature {
        Signature::Absent => None,
        Signature::Good { mac } => Some(TSigResponseContext::new(id, at, signer.clone(), mac, None)),
        Signature::BadTime { mac } => Some(TSigResponseContext::new(id, at, signer.clone(), mac, Some(TsigError::BadTime))),
        Signature::BadKey => Some(TSigResponseContext::unknown_key(id, at, request.signature()?.name.clone())),
        Signature::Bad => Some(TSigResponseContext::bad_signature(id, at, signer.clone())),
    };
    let mut bytes = response.to_vec().ok()?;
    if limit.is_some_and(|limit| bytes.len() > limit) {
        response = response.truncate();
        bytes = response.to_vec().ok()?;
    }
    let Some(context) = context else { return Some(bytes) };
    response.set_signature(context.sign(&bytes).ok()?);
    response.to_vec().ok()
}

fn edns() -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(PAYLOAD_MAX);
    edns
}

fn seconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use hickory_proto::op::Query;
    use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
    use hickory_proto::rr::{DNSClass, Record, RecordType};

    use super::super::zone::{Zone, name};
    use super::*;

    fn world() -> World {
        let dns = SocketAddr::from(([127, 0, 0, 1], 53));
        World::new(Zone::new().unwrap(), vec![], dns, Timestamp::UNIX_EPOCH)
    }

    fn key(name_of: &str, secret: u8) -> TSigner {
        TSigner::new(vec![secret; 32], TsigAlgorithm::HmacSha256, name(name_of).unwrap(), 300).unwrap()
    }

    fn removal() -> Message {
        let mut message = Message::new(9, MessageType::Query, OpCode::Update);
        message.add_query(Query::query(name("example.test").unwrap(), RecordType::SOA));
        let mut record = Record::update0(name("www.example.test").unwrap(), 0, RecordType::A);
        record.dns_class = DNSClass::ANY;
        message.add_authority(record);
        message
    }

    /// What an update signed with `client` at second `signed_at` gets from a server that knows `key("k", 1)` at second 1000.
    fn check(client: &TSigner, signed_at: u64, code: ResponseCode, error: Option<TsigError>, updates: u64) {
        let mut world = world();
        let mut message = removal();
        message.finalize(client, signed_at).unwrap();
        let now = Timestamp::from_second(1_000).unwrap();
        let bytes = reply(&mut world, &key("k", 1), &message.to_vec().unwrap(), Transport::Stream, now).unwrap();
        let response = Message::from_vec(&bytes).unwrap();
        assert_eq!(response.metadata.response_code, code);
        assert_eq!(response.signature().unwrap().data.error, error);
        assert_eq!(world.effects.dns_updates, updates);
    }

    #[test]
    fn only_the_right_key_at_the_right_time_changes_the_zone() {
        check(&key("k", 1), 1_000, ResponseCode::NoError, None, 1);
        check(&key("k", 2), 1_000, ResponseCode::NotAuth, Some(TsigError::BadSig), 0);
        check(&key("other", 1), 1_000, ResponseCode::NotAuth, Some(TsigError::BadKey), 0);
        check(&key("k", 1), 2_000, ResponseCode::NotAuth, Some(TsigError::BadTime), 0);
    }

    #[test]
    fn an_unsigned_update_is_refused_and_rubbish_gets_no_answer_or_formerr() {
        let mut world = world();
        let now = Timestamp::UNIX_EPOCH;
        let bytes = reply(&mut world, &key("k", 1), &removal().to_vec().unwrap(), Transport::Stream, now).unwrap();
        assert_eq!(Message::from_vec(&bytes).unwrap().metadata.response_code, ResponseCode::Refused);
        assert_eq!(world.zone.addresses("www.example.test"), ["192.0.2.10"]);
        assert!(reply(&mut world, &key("k", 1), b"GET /", Transport::Stream, now).is_none());
        let torn = [0, 7, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1];
        let bytes = reply(&mut world, &key("k", 1), &torn, Transport::Datagram, now).unwrap();
        assert_eq!(Message::from_vec(&bytes).unwrap().metadata.response_code, ResponseCode::FormErr);
    }
}
