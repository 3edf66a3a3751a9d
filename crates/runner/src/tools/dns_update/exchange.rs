//! One signed question to the zone's primary server, one signed answer, over one TCP connection (RFC 1035 §4.2.2).

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::tsig::TsigAlgorithm;
use hickory_proto::rr::{DNSClass, Name, RecordType, TSigner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::record::{Records, absolute};
use crate::config::DnsZone;
use crate::tools::{Clock, ToolError};

/// How far the two clocks may be apart, in seconds (RFC 8945 §10 recommends this).
const FUDGE: u16 = 300;
/// How long a look may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The primary server of one zone, and the key that may change it.
pub(in crate::tools) struct Server {
    zone: Name,
    address: SocketAddr,
    signer: TSigner,
    clock: Clock,
}

impl Server {
    pub(crate) fn new(zone: &str, config: &DnsZone, clock: Clock) -> Result<Self, String> {
        let key = config.secret.expose().to_vec();
        let signer = TSigner::new(key, TsigAlgorithm::HmacSha256, absolute(&config.key_name)?, FUDGE);
        let signer = signer.map_err(|_| "the TSIG key is unusable".to_owned())?;
        Ok(Self { zone: absolute(zone)?, address: config.server, signer, clock })
    }

    pub(crate) const fn zone(&self) -> &Name {
        &self.zone
    }

    /// Replaces `old` by `new` when `old` is exactly what is there.
    pub async fn update(&self, old: &Records, new: &Records, ttl: u32) -> Result<ResponseCode, ToolError> {
        let mut message = Message::new(0, MessageType::Query, OpCode::Update);
        message.add_query(Query::query(self.zone.clone(), RecordType::SOA));
        // Prerequisites (§2.4): the whole set as it was seen, or its absence.
        message.add_answers(old.records(DNSClass::IN, 0));
        if old.texts().is_empty() {
            message.add_answer(none_of(old));
        }
        message.add_authorities(old.records(DNSClass::NONE, 0));
        message.add_authorities(new.records(DNSClass::IN, ttl));
        let answer = self.exchange(message).await?;
        Ok(answer.metadata.response_code)
    }

    /// The values that the server has now, as sorted texts.
    pub async fn look(&self, at: &Records) -> Result<Vec<String>, String> {
        let mut message = Message::new(0, MessageType::Query, OpCode::Query);
        message.add_query(Query::query(at.name().clone(), at.kind()));
        let answer = tokio::time::timeout(LOOK_TIMEOUT, self.exchange(message)).await;
        let answer = answer.map_err(|_| "the DNS server did not answer in time".to_owned())?.map_err(|error| error.to_string())?;
        let code = answer.metadata.response_code;
        if code != ResponseCode::NoError && code != ResponseCode::NXDomain {
            return Err(format!("the DNS server refuses: {}", code.to_str()));
        }
        if answer.metadata.authoritative {
            Ok(at.matching(&answer.answers))
        } else {
            Err("the DNS server is not authoritative for the zone".into())
        }
    }

    /// Nothing was applied before the first byte is written; after that, only a signed answer tells.
    async fn exchange(&self, mut message: Message) -> Result<Message, ToolError> {
        let before = |why: String| ToolError::NotApplied(why);
        let mut id = [0_u8; 2];
        getrandom::fill(&mut id).map_err(|_| before("no random numbers".into()))?;
        message.metadata.id = u16::from_be_bytes(id);
        let seconds = u64::try_from((self.clock)().as_micros() / 1_000_000).unwrap_or_default();
        let mut verifier = message.finalize(&self.signer, seconds).map_err(|error| before(error.to_string()))?;
        let bytes = message.to_vec().map_err(|error| before(error.to_string()))?;
        let length = u16::try_from(bytes.len()).map_err(|_| before("the update is too long".into()))?;
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(self.address)).await;
        let connected = connected.map_err(|_| before("the DNS server cannot be reached in time".into()))?;
        let mut stream = connected.map_err(|error| before(format!("the DNS server cannot be reached: {error}")))?;
        let lost = |error: std::io::Error| ToolError::Unknown(format!("the DNS server stopped answering: {error}"));
        let framed: Vec<u8> = length.to_be_bytes().into_iter().chain(bytes).collect();
        stream.write_all(&framed).await.map_err(lost)?;
        let length = stream.read_u16().await.map_err(lost)?;
        let mut answer = vec![0_u8; usize::from(length)];
        stream.read_exact(&mut answer).await.map_err(lost)?;
        let unclear = || ToolError::Unknown("the DNS server's answer was not understood".into());
        let parsed = Message::from_vec(&answer).map_err(|_| unclear())?;
        if parsed.metadata.id != message.metadata.id || parsed.metadata.message_type != MessageType::Response {
            return Err(unclear());
        }
        // A server that does not accept our key cannot sign its refusal with it, and has done nothing (RFC 8945 §5.2).
        if parsed.metadata.response_code == ResponseCode::NotAuth {
            return Err(before("the DNS server does not accept the key, or is not responsible for the zone".into()));
        }
        let verified = verifier.as_mut().is_some_and(|verifier| verifier.verify(&answer).is_ok());
        if verified { Ok(parsed) } else { Err(ToolError::Unknown("the DNS server's answer is not signed with our key".into())) }
    }
}

/// The prerequisite that a set does not exist (RFC 2136 §2.4.3).
fn none_of(records: &Records) -> hickory_proto::rr::Record {
    let mut record = hickory_proto::rr::Record::update0(records.name().clone(), 0, records.kind());
    record.dns_class = DNSClass::NONE;
    record.into_record_of_rdata()
}
