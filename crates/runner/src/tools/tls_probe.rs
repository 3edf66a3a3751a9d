//! `tls_probe`: shakes hands with one endpoint and tells what it shows: the names of its certificate, how long that is good, its key,
//! and whether the chain leads to a root. It changes nothing, and sends nothing after the handshake.
//!
//! Any certificate is taken in the handshake, so that a bad one can be described; whether it is good is judged afterwards, by the
//! same rules as for any client. That the other side has the certificate's key is proved by the handshake. Nobody is asked whether
//! the certificate was revoked.

mod certificate;
mod handshake;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lineclear_core::digest::Digest;
use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};

pub(super) use self::certificate::Certificate;
use self::handshake::{Roots, shake};
use super::args::{Args, cut};
use super::{Clock, Look, Site, Tool, ToolError};
use crate::config::EndpointConfig;
use crate::link::BoxFuture;

/// How long a handshake may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// Most days that can be demanded: longer than any certificate that browsers take.
const DAYS_MAX: u64 = 3_650;
/// Seconds of a day.
const DAY: i64 = 86_400;

pub(super) struct TlsProbe {
    endpoints: BTreeMap<String, (SocketAddr, Arc<Roots>)>,
    clock: Clock,
}

/// What is looked for.
struct Wanted<'a> {
    endpoint: &'a str,
    address: SocketAddr,
    roots: &'a Roots,
    name: ServerName<'static>,
    days: u64,
    chain: bool,
    key: Option<Digest>,
    certificate: Option<Digest>,
}

impl TlsProbe {
    pub(crate) fn new(endpoints: &BTreeMap<String, EndpointConfig>, clock: &Clock) -> Result<Self, String> {
        let read = |(name, config): (&String, &EndpointConfig)| {
            let roots = Roots::read(config.roots.as_deref()).map_err(|why| format!("`{name}`: {why}"))?;
            Ok((name.clone(), (config.address, Arc::new(roots))))
        };
        Ok(Self { endpoints: endpoints.iter().map(read).collect::<Result<_, String>>()?, clock: Clock::clone(clock) })
    }

    fn wanted<'a>(&'a self, args: Args<'a>) -> Result<Wanted<'a>, String> {
        args.only(&["endpoint", "name", "days", "chain", "key", "certificate"])?;
        let endpoint = args.text("endpoint")?;
        let (address, roots) =
            self.endpoints.get(endpoint).ok_or_else(|| format!("`{}` is no endpoint of this runner", cut(endpoint, 80)))?;
        let name = args.text("name")?;
        let name = ServerName::try_from(name.to_owned()).map_err(|_| format!("`{}` is no name of a server", cut(name, 80)))?;
        let days = if args.get("days").is_some() { args.whole("days")? } else { 0 };
        if days > DAYS_MAX {
            return Err(format!("`days` is at most {DAYS_MAX}"));
        }
        let chain = match args.text_or("chain", "verifies")? {
            "verifies" => true,
            "any" => false,
            _ => return Err("`chain` is `verifies` or `any`".into()),
        };
        let digest = |argument: &str| match args.get(argument) {
            None => Ok(None),
            Some(_) => args.text(argument)?.parse::<Digest>().map(Some).map_err(|error| format!("`{argument}`: {error}")),
        };
        Ok(Wanted { endpoint, address: *address, roots, name, days, chain, key: digest("key")?, certificate: digest("certificate")? })
    }

    async fn look(&self, wanted: &Wanted<'_>) -> Result<Look, String> {
        let shaken = tokio::time::timeout(LOOK_TIMEOUT, shake(wanted.address, wanted.name.clone())).await;
        let fault = |why: String| format!("`{}` at {} {why}", wanted.endpoint, wanted.address);
        let shaken = shaken.map_err(|_| fault("did not end the handshake in time".into()))?.map_err(fault)?;
        let seen = Certificate::read(&shaken.leaf).map_err(fault)?;
        let now = (self.clock)().as_micros().div_euclid(1_000_000);
        let chain = wanted.roots.judge(&shaken, &wanted.name, now);
        let covers = handshake::covers(&shaken.leaf, &wanted.name);
        let left = seen.not_after.saturating_sub(now);
        let long = i64::try_from(wanted.days).unwrap_or(i64::MAX).saturating_mul(DAY);
        let holds = covers
            && left >= long
            && (chain.is_ok() || !wanted.chain)
            && wanted.key.is_none_or(|key| key == seen.key)
            && wanted.certificate.is_none_or(|certificate| certificate == seen.digest);
        let chain = chain.map_or_else(|why| why, |()| "verifies".into());
        let seen = json!({
            "names": seen.names, "covers": covers, "chain": chain, "not_before": seen.not_before, "not_after": seen.not_after,
            "seconds_left": left, "key": seen.key, "certificate": seen.digest, "issuer": seen.issuer, "protocol": shaken.protocol,
        });
        Ok(Look { holds, seen })
    }
}

impl Tool for TlsProbe {
    fn name(&self) -> &'static str {
        "tls_probe"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.wanted(*args).map(|_| EffectClass::Read)
    }

    fn preview<'a>(&'a self, args: Args<'a>, _undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let wanted = self.wanted(args)?;
            let seen = self.look(&wanted).await?.seen;
            let summary = format!("shakes hands with `{}` as `{}`; changes nothing", wanted.endpoint, wanted.name.to_str());
            Ok(Preview { before: seen.clone(), after: seen, targets: Vec::new(), reversible: true, summary })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let wanted = self.wanted(args).map_err(ToolError::NotApplied)?;
            let look = tokio::time::timeout(site.budget, self.look(&wanted)).await;
            let look = look.unwrap_or_else(|_| Err("there was no time for a handshake".into())).map_err(ToolError::NotApplied)?;
            if look.holds { Ok(look.seen) } else { Err(ToolError::NotApplied(format!("it is not as expected: {}", look.seen))) }
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move { self.look(&self.wanted(args)?).await })
    }
}

#[cfg(test)]
mod tests;
