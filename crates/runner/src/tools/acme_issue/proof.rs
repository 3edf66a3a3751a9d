//! Proof that names are ours: a record in their zone (DNS-01), or a file on their web server (HTTP-01). Both are taken away again,
//! whatever came of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use instant_acme::{AuthorizationStatus, ChallengeType, Order, OrderStatus, RetryPolicy};
use lineclear_core::plan::ToolCall;
use serde_json::{Value, json};

use super::folder::{Secrecy, put};
use super::order::told;
use crate::config::{CertificateConfig, Challenge, Tools};
use crate::tools::args::Args;
use crate::tools::dns_query::DnsQuery;
use crate::tools::dns_update::exchange::Server;
use crate::tools::dns_update::record::Records;
use crate::tools::{Clock, Tool as _};

/// How long a proof's record lives, in seconds: it is needed once.
const TTL: u32 = 60;
/// How often the zone's servers are asked whether all of them have the record.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// How the names of one certificate are proved.
pub(super) enum Prover {
    /// A TXT record, and a look at all servers where this runner knows them.
    Dns { zone: String, server: Box<Server>, all: Option<Box<DnsQuery>> },
    /// A file below a web server's root.
    Http { webroot: PathBuf },
}

/// The values that prove one name: a wildcard and the name itself share theirs.
type Proofs = BTreeMap<String, BTreeSet<String>>;

impl Prover {
    pub(super) fn new(config: &CertificateConfig, tools: &Tools, clock: &Clock) -> Result<Self, String> {
        match &config.challenge {
            Challenge::Http01 { webroot } => Ok(Self::Http { webroot: webroot.clone() }),
            Challenge::Dns01 { zone } => {
                let key = tools.dns.get(zone).ok_or_else(|| format!("there is no section `dns.\"{zone}\"`"))?;
                let server = Box::new(Server::new(zone, key, Clock::clone(clock))?);
                let all = tools.zones.contains_key(zone).then(|| DnsQuery::new(&tools.zones).map(Box::new)).transpose()?;
                Ok(Self::Dns { zone: zone.clone(), server, all })
            }
        }
    }

    /// Brings an order from pending to ready; one that is further already is left alone.
    pub(super) async fn prove(&self, order: &mut Order, wait: Duration) -> Result<(), String> {
        if order.state().status != OrderStatus::Pending {
            return Ok(());
        }
        let proofs = self.proofs(order).await?;
        let proved = tokio::time::timeout(wait, self.convince(order, &proofs, wait)).await;
        for (name, values) in &proofs {
            // It proves nothing to anybody else, and the next order writes over it.
            if let Err(why) = self.take_away(name, values).await {
                tracing::warn!(name, why, "a proof could not be taken away");
            }
        }
        proved.unwrap_or_else(|_| Err("the names were not proved in time".into()))
    }

    async fn convince(&self, order: &mut Order, proofs: &Proofs, wait: Duration) -> Result<(), String> {
        for (name, values) in proofs {
            self.place(name, values).await?;
        }
        let mut all = order.authorizations();
        while let Some(one) = all.next().await {
            let mut one = one.map_err(|error| told(&error))?;
            if one.status == AuthorizationStatus::Pending {
                let mut challenge = one.challenge(self.kind()).ok_or("the authority offers no such challenge")?;
                challenge.set_ready().await.map_err(|error| told(&error))?;
            }
        }
        match order.poll_ready(&RetryPolicy::new().backoff(1.5).timeout(wait)).await {
            Ok(OrderStatus::Ready) => Ok(()),
            Ok(_) => Err(refusal(order).await),
            Err(error) => Err(told(&error)),
        }
    }

    fn kind(&self) -> ChallengeType {
        match self {
            Self::Dns { .. } => ChallengeType::Dns01,
            Self::Http { .. } => ChallengeType::Http01,
        }
    }

    /// What has to be shown, by name or token.
    async fn proofs(&self, order: &mut Order) -> Result<Proofs, String> {
        let mut proofs = Proofs::new();
        let mut all = order.authorizations();
        while let Some(one) = all.next().await {
            let mut one = one.map_err(|error| told(&error))?;
            if one.status == AuthorizationStatus::Valid {
                continue;
            }
            let challenge = one.challenge(self.kind()).ok_or("the authority offers no such challenge")?;
            let key = challenge.key_authorization();
            let (name, value) = match self {
                Self::Dns { .. } => {
                    let shown = challenge.identifier().to_string();
                    (format!("_acme-challenge.{}", shown.trim_start_matches("*.")), key.dns_value())
                }
                Self::Http { .. } => (challenge.token.clone(), key.as_str().to_owned()),
            };
            proofs.entry(name).or_default().insert(value);
        }
        Ok(proofs)
    }

    async fn place(&self, name: &str, values: &BTreeSet<String>) -> Result<(), String> {
        match self {
            Self::Http { webroot } => {
                let file = shown_at(webroot, name)?;
                let folder = file.parent().unwrap_or(webroot);
                let written = fs::create_dir_all(folder)
                    .and_then(|()| put(&file, values.iter().cloned().collect::<String>().as_bytes(), Secrecy::Nobody));
                written.map_err(|error| format!("the proof cannot be written: {error}"))
            }
            Self::Dns { zone, server, all } => {
                swap(server, name, values).await?;
                let Some(all) = all else { return Ok(()) };
                let call = ToolCall {
                    tool: "dns_query".parse().map_err(|_| "no tool".to_owned())?,
                    with: [("zone", json!(zone)), ("name", json!(name)), ("type", json!("TXT")), ("equals", json!(values))]
                        .map(|(argument, value): (&str, Value)| (argument.to_owned(), value))
                        .into(),
                };
                // Whoever waits for us has a limit of time.
                while !all.check(Args::of(&call)).await?.holds {
                    tokio::time::sleep(ASK_EVERY).await;
                }
                Ok(())
            }
        }
    }

    async fn take_away(&self, name: &str, values: &BTreeSet<String>) -> Result<(), String> {
        match self {
            Self::Http { webroot } => fs::remove_file(shown_at(webroot, name)?).map_err(|error| error.to_string()),
            Self::Dns { server, .. } => {
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                let ours = Records::read(server.zone(), name, "TXT", &values)?;
                let none = Records::read(server.zone(), name, "TXT", &[])?;
                server.update(&ours, &none, TTL).await.map(|_| ()).map_err(|error| error.to_string())
            }
        }
    }
}

/// Replaces whatever proof stands there, of an attempt that died, by ours.
async fn swap(server: &Server, name: &str, values: &BTreeSet<String>) -> Result<(), String> {
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let ours = Records::read(server.zone(), name, "TXT", &values)?;
    let there = server.look(&ours).await?;
    let there: Vec<&str> = there.iter().map(String::as_str).collect();
    let there = Records::read(server.zone(), name, "TXT", &there)?;
    let code = server.update(&there, &ours, TTL).await.map_err(|error| error.to_string())?;
    if code == ResponseCode::NoError { Ok(()) } else { Err(format!("the DNS server refuses the proof for `{name}`: {}", code.to_str())) }
}

/// A token is made by the authority: it must name no other place (RFC 8555 §8.3: base64url).
fn shown_at(webroot: &Path, token: &str) -> Result<PathBuf, String> {
    let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if plain { Ok(webroot.join(".well-known/acme-challenge").join(token)) } else { Err("the authority sent what is no token".into()) }
}

/// Why the authority believes no proof, in its own words.
async fn refusal(order: &mut Order) -> String {
    let mut said = Vec::new();
    let mut all = order.authorizations();
    while let Some(Ok(mut one)) = all.next().await {
        if one.refresh().await.is_ok() {
            said.extend(one.challenges.iter().filter_map(|challenge| challenge.error.as_ref()).map(ToString::to_string));
        }
    }
    if said.is_empty() { "the authority does not say why".into() } else { crate::tools::args::cut(&said.join("; "), 600) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_no_other_place() {
        let root = Path::new("/srv/acme");
        assert_eq!(shown_at(root, "a-B_9").unwrap(), Path::new("/srv/acme/.well-known/acme-challenge/a-B_9"));
        for token in ["", "..", "a/b", "../../etc/passwd", "a.b", "a\0", "ü"] {
            assert!(shown_at(root, token).is_err(), "{token}");
        }
    }
}
