//! `dns_query`: asks every authoritative server of a zone what it answers, and whether all of them answer the same. It changes
//! nothing. One connection for each server (RFC 7766), no recursion, and nothing but authoritative answers is believed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::args::{Args, cut};
use super::dns_update::record::{Records, absolute};
use super::{Look, Site, Tool, ToolError};
use crate::config::ZoneConfig;
use crate::link::BoxFuture;

/// How long one server may take for all three questions.
const LOOK_TIMEOUT: Duration = Duration::from_secs(4);
/// The arguments.
const NAMES: &[&str] = &["zone", "name", "type", "equals"];

pub(super) struct DnsQuery {
    zones: BTreeMap<String, (Name, BTreeSet<SocketAddr>)>,
}

/// One question.
struct Wanted<'a> {
    zone: &'a Name,
    servers: &'a BTreeSet<SocketAddr>,
    /// What is asked for; with values, all that every server has to answer.
    records: Records,
    expected: bool,
}

/// What one server says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    values: Vec<String>,
    serial: u32,
    published: usize,
}

impl DnsQuery {
    pub(crate) fn new(zones: &BTreeMap<String, ZoneConfig>) -> Result<Self, String> {
        let read = |(zone, config): (&String, &ZoneConfig)| {
            let zone = zone.trim_end_matches('.').to_lowercase();
            Ok((zone.clone(), (absolute(&zone)?, config.servers.clone())))
        };
        Ok(Self { zones: zones.iter().map(read).collect::<Result<_, String>>()? })
    }

    fn wanted<'a>(&'a self, args: Args<'a>) -> Result<Wanted<'a>, String> {
        args.only(NAMES)?;
        let zone = args.text("zone")?.trim_end_matches('.').to_lowercase();
        let known = self.zones.get(&zone).ok_or_else(|| format!("this runner knows no servers of the zone `{}`", cut(&zone, 80)))?;
        let expected = args.get("equals").is_some();
        let values = if expected { args.texts("equals")? } else { Vec::new() };
        let records = Records::read(&known.0, args.text("name")?, args.text("type")?, &values)?;
        Ok(Wanted { zone: &known.0, servers: &known.1, records, expected })
    }

    /// Asks all servers at once; the first that gives no authoritative answer is why there is none.
    async fn look(&self, wanted: &Wanted<'_>) -> Result<Look, String> {
        let mut asking = JoinSet::new();
        for server in wanted.servers {
            let (server, zone, records) = (*server, wanted.zone.clone(), wanted.records.clone());
            asking.spawn(async move {
                let said = tokio::time::timeout(LOOK_TIMEOUT, ask(server, &zone, &records)).await;
                let said = said.unwrap_or_else(|_| Err("did not answer in time".into()));
                said.map(|said| (server, said)).map_err(|why| format!("the DNS server {server} {why}"))
            });
        }
        let (mut said, mut faults) = (BTreeMap::new(), BTreeSet::new());
        while let Some(asked) = asking.join_next().await {
            match asked.map_err(|error| error.to_string()).flatten() {
                Ok((server, one)) => {
                    said.insert(server, one);
                }
                Err(why) => {
                    faults.insert(why);
                }
            }
        }
        if let Some(why) = faults.into_iter().next() {
            return Err(why);
        }
        // A server that the zone names and this runner does not know may say something else.
        if let Some(published) = said.values().map(|one| one.published).max().filter(|published| *published > said.len()) {
            let (zone, known) = (wanted.zone.to_ascii(), said.len());
            return Err(format!("the zone `{}` names {published} servers, and this runner's file {known}", zone.trim_end_matches('.')));
        }
        let values: BTreeSet<&Vec<String>> = said.values().map(|one| &one.values).collect();
        let serials: BTreeSet<u32> = said.values().map(|one| one.serial).collect();
        let same = values.len() == 1;
        let holds = same && (!wanted.expected || values.contains(&wanted.records.texts()));
        let servers: BTreeMap<String, Value> =
            said.iter().map(|(server, one)| (server.to_string(), json!({"values": one.values, "serial": one.serial}))).collect();
        Ok(Look { holds, seen: json!({ "name": wanted.records.title(), "same": same, "serials": serials, "servers": servers }) })
    }
}

impl Tool for DnsQuery {
    fn name(&self) -> &'static str {
        "dns_query"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.wanted(*args).map(|_| EffectClass::Read)
    }

    fn preview<'a>(&'a self, args: Args<'a>, _undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let wanted = self.wanted(args)?;
            let seen = self.look(&wanted).await?.seen;
            let (title, count) = (wanted.records.title(), wanted.servers.len());
            let summary = format!("asks {count} authoritative servers for `{title}`; changes nothing");
            Ok(Preview { before: seen.clone(), after: seen, targets: Vec::new(), reversible: true, summary })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let wanted = self.wanted(args).map_err(ToolError::NotApplied)?;
            let look = tokio::time::timeout(site.budget, self.look(&wanted)).await;
            let look = look.unwrap_or_else(|_| Err("the DNS servers did not answer in time".into())).map_err(ToolError::NotApplied)?;
            if look.holds {
                Ok(look.seen)
            } else {
                Err(ToolError::NotApplied(format!("the servers do not answer as expected: {}", look.seen)))
            }
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move { self.look(&self.wanted(args)?).await })
    }
}

/// The values, the zone's serial and how many servers the zone names, over one connection.
async fn ask(server: SocketAddr, zone: &Name, records: &Records) -> Result<Said, String> {
    let lost = |error: std::io::Error| format!("stopped answering: {error}");
    let mut stream = TcpStream::connect(server).await.map_err(|error| format!("cannot be reached: {error}"))?;
    let answer = exchange(&mut stream, records.name(), records.kind()).await.map_err(lost)??;
    let values = records.matching(&answer.answers);
    if values.is_empty() && records.kind() != RecordType::CNAME && answer.answers.iter().any(|one| one.record_type() == RecordType::CNAME) {
        return Err(format!("answers `{}` with another name (CNAME), which is not followed", records.title()));
    }
    let soa = exchange(&mut stream, zone, RecordType::SOA).await.map_err(lost)??;
    let serial = soa.answers.iter().find_map(|record| if let RData::SOA(soa) = &record.data { Some(soa.serial) } else { None });
    let serial = serial.ok_or("shows no start of the zone (SOA)")?;
    let ns = exchange(&mut stream, zone, RecordType::NS).await.map_err(lost)??;
    let published = ns.answers.iter().filter(|record| record.record_type() == RecordType::NS).count();
    Ok(Said { values, serial, published })
}

/// One question and its authoritative answer. The outer error is the connection's.
async fn exchange(stream: &mut TcpStream, name: &Name, kind: RecordType) -> std::io::Result<Result<Message, String>> {
    let mut id = [0_u8; 2];
    getrandom::fill(&mut id).map_err(|_| std::io::Error::other("no random numbers"))?;
    let mut message = Message::new(u16::from_be_bytes(id), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = false;
    message.add_query(Query::query(name.clone(), kind));
    let bytes = message.to_vec().map_err(std::io::Error::other)?;
    let length = u16::try_from(bytes.len()).map_err(std::io::Error::other)?;
    stream.write_all(&length.to_be_bytes().into_iter().chain(bytes).collect::<Vec<u8>>()).await?;
    let mut answer = vec![0_u8; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    Ok(believed(&message, &answer))
}

fn believed(asked: &Message, answer: &[u8]) -> Result<Message, String> {
    let answer = Message::from_vec(answer).map_err(|_| "answers what is no DNS message".to_owned())?;
    let ours =
        answer.metadata.id == asked.metadata.id && answer.metadata.message_type == MessageType::Response && answer.queries == asked.queries;
    let code = answer.metadata.response_code;
    if !ours {
        Err("answers another question".into())
    } else if code != ResponseCode::NoError && code != ResponseCode::NXDomain {
        Err(format!("refuses: {}", code.to_str()))
    } else if answer.metadata.authoritative {
        Ok(answer)
    } else {
        Err("is not authoritative for the zone".into())
    }
}

#[cfg(test)]
mod tests;
