//! `dns_update`: replaces all records of one name and type by others, if and only if they still are what the caller saw (RFC 2136
//! with a value-dependent prerequisite, RFC 8945 TSIG with hmac-sha256). The server refuses the second.
//!
//! TCP only: over UDP a lost answer would be asked again, and the second answer says NXRRSET though the first applied.
//!
//! A zone may also be PowerDNS' own, changed over its HTTP interface: compared before, and the same after a second send.

pub(super) mod exchange;
mod powerdns;
pub(super) mod record;

use std::collections::BTreeMap;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::{Value, json};

use self::exchange::Server;
use self::powerdns::Powerdns;
use self::record::Records;
use super::args::Args;
use super::{Clock, Look, Site, Tool, ToolError};
use crate::config::{DnsZone, PowerdnsZone};
use crate::link::BoxFuture;

/// Longest life of a record, in seconds: what `estate` admits.
const TTL_MAX: u64 = 86_400;

pub(super) struct DnsUpdate {
    zones: BTreeMap<String, Zone>,
}

/// Who is asked to change a zone.
enum Zone {
    Signed(Box<Server>),
    Powerdns(Box<Powerdns>),
}

/// One compare-and-swap.
struct Swap {
    ttl: u32,
    old: Records,
    new: Records,
}

impl DnsUpdate {
    pub(crate) fn new(
        signed: &BTreeMap<String, DnsZone>,
        powerdns: &BTreeMap<String, PowerdnsZone>,
        clock: &Clock,
    ) -> Result<Self, String> {
        let bare = |zone: &String| zone.trim_end_matches('.').to_lowercase();
        let mut zones = BTreeMap::new();
        for (zone, config) in signed {
            zones.insert(bare(zone), Zone::Signed(Box::new(Server::new(&bare(zone), config, Clock::clone(clock))?)));
        }
        for (zone, config) in powerdns {
            let known = zones.insert(bare(zone), Zone::Powerdns(Box::new(Powerdns::new(&bare(zone), config)?)));
            if known.is_some() {
                return Err(format!("the zone `{zone}` has two ways"));
            }
        }
        Ok(Self { zones })
    }

    fn zone(&self, args: Args<'_>) -> Result<&Zone, String> {
        let zone = args.text("zone")?.trim_end_matches('.').to_lowercase();
        self.zones.get(&zone).ok_or_else(|| format!("this runner has no key for the zone `{}`", super::args::cut(&zone, 80)))
    }
}

impl Zone {
    const fn name(&self) -> &Name {
        match self {
            Self::Signed(server) => server.zone(),
            Self::Powerdns(server) => server.zone(),
        }
    }

    const fn class(&self) -> EffectClass {
        match self {
            Self::Signed(_) => EffectClass::Cas,
            Self::Powerdns(_) => EffectClass::Converge,
        }
    }

    async fn look(&self, at: &Records) -> Result<Vec<String>, String> {
        match self {
            Self::Signed(server) => server.look(at).await,
            Self::Powerdns(server) => server.look(at).await,
        }
    }

    async fn swap(&self, swap: &Swap) -> Result<Value, ToolError> {
        let done = json!({ swap.new.title(): swap.new.texts() });
        let now = match self {
            Self::Powerdns(server) => match server.replace(&swap.old, &swap.new, swap.ttl).await? {
                Ok(()) => return Ok(done),
                Err(now) => now,
            },
            Self::Signed(server) => {
                let code = server.update(&swap.old, &swap.new, swap.ttl).await?;
                if code == ResponseCode::NoError {
                    return Ok(done);
                }
                if code != ResponseCode::NXRRSet {
                    let why = format!("the DNS server refuses: {}", code.to_str());
                    return Err(if code == ResponseCode::ServFail { ToolError::Unknown(why) } else { ToolError::NotApplied(why) });
                }
                // An update that was sent twice says this although the first one applied: only a look tells.
                server.look(&swap.new).await.map_err(ToolError::Unknown)?
            }
        };
        if now == swap.new.texts() {
            return Ok(done);
        }
        Err(ToolError::NotApplied(format!("`{}` is {}, not {}", swap.old.title(), list(&now), list(&swap.old.texts()))))
    }
}

impl Tool for DnsUpdate {
    fn name(&self) -> &'static str {
        "dns_update"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        let zone = self.zone(*args)?;
        swap(*args, zone).map(|_| zone.class())
    }

    fn preview<'a>(&'a self, args: Args<'a>, undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let zone = self.zone(args)?;
            let swap = swap(args, zone)?;
            let before = zone.look(&swap.old).await?;
            let (title, old, new) = (swap.old.title(), swap.old.texts(), swap.new.texts());
            if before != old {
                return Err(format!("`{title}` is {}, not {}: the update would be refused", list(&before), list(&old)));
            }
            let back = undo.map(Args::of).and_then(|undo| self::swap(undo, self.zone(undo).ok()?).ok());
            let reversible = back.is_some_and(|back| back.old.title() == title && back.old.texts() == new && back.new.texts() == old);
            let summary = format!("`{title}` changes from {} to {}", list(&old), list(&new));
            Ok(Preview { before: json!({ &title: old }), after: json!({ &title: new }), targets: vec![title], reversible, summary })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let zone = self.zone(args).map_err(ToolError::NotApplied)?;
            let swap = swap(args, zone).map_err(ToolError::NotApplied)?;
            let done = tokio::time::timeout(site.budget, zone.swap(&swap)).await;
            done.map_err(|_| ToolError::Unknown("the DNS server did not answer in time".into()))?
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move {
            args.only(&["zone", "name", "type", "expect"])?;
            let zone = self.zone(args)?;
            let expected = Records::read(zone.name(), args.text("name")?, args.text("type")?, &args.texts("expect")?)?;
            let seen = zone.look(&expected).await?;
            Ok(Look { holds: seen == expected.texts(), seen: json!({ expected.title(): seen }) })
        })
    }
}

fn swap(args: Args<'_>, zone: &Zone) -> Result<Swap, String> {
    args.only(&["zone", "name", "type", "ttl", "replace", "with"])?;
    let records = |list: &str| Records::read(zone.name(), args.text("name")?, args.text("type")?, &args.texts(list)?);
    let ttl = args.whole("ttl")?;
    if ttl == 0 || ttl > TTL_MAX {
        return Err(format!("`ttl` is 1 to {TTL_MAX} seconds"));
    }
    Ok(Swap { ttl: u32::try_from(ttl).unwrap_or(60), old: records("replace")?, new: records("with")? })
}

fn list(records: &[String]) -> String {
    match records {
        [] => "nothing".into(),
        some => some.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests;
