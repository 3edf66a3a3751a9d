//! `acme_issue`: has a certificate issued (RFC 8555) and puts it where servers find it. The certificate that is there stays when it is
//! good for long enough, so the same call twice orders once.
//!
//! The order's address is on disk before anything else is asked of the authority, and the key before the order is finalized: after a
//! crash the same order is taken up again, instead of another one against the authority's limits.

mod account;
mod folder;
mod order;
mod proof;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::{Value, json};

use self::folder::Folder;
use self::proof::Prover;
use super::args::{Args, cut};
use super::tls_probe::Certificate;
use super::{Clock, Look, Site, Tool, ToolError};
use crate::config::{AcmeConfig, CertificateConfig, Tools};
use crate::link::BoxFuture;

/// Most days that can be demanded: longer than any certificate that browsers take.
const DAYS_MAX: u64 = 3_650;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// What is kept of the budget to take proofs away again.
const MARGIN: Duration = Duration::from_secs(3);

pub(super) struct AcmeIssue {
    authority: AcmeConfig,
    certificates: BTreeMap<String, (CertificateConfig, Prover)>,
    clock: Clock,
}

/// What is asked for.
struct Wanted<'a> {
    title: &'a str,
    config: &'a CertificateConfig,
    prover: &'a Prover,
    days: u64,
}

impl AcmeIssue {
    pub(crate) fn new(authority: &AcmeConfig, tools: &Tools, clock: &Clock) -> Result<Self, String> {
        let read = |(name, config): (&String, &CertificateConfig)| {
            let prover = Prover::new(config, tools, clock).map_err(|why| format!("`{name}`: {why}"))?;
            Ok((name.clone(), (config.clone(), prover)))
        };
        let certificates = tools.certificates.iter().map(read).collect::<Result<_, String>>()?;
        Ok(Self { authority: authority.clone(), certificates, clock: Clock::clone(clock) })
    }

    fn known<'a>(&'a self, args: Args<'a>) -> Result<Wanted<'a>, String> {
        let title = args.text("certificate")?;
        let (config, prover) =
            self.certificates.get(title).ok_or_else(|| format!("`{}` is no certificate of this runner", cut(title, 80)))?;
        let days = args.whole("days")?;
        if days > DAYS_MAX { Err(format!("`days` is at most {DAYS_MAX}")) } else { Ok(Wanted { title, config, prover, days }) }
    }

    fn wanted<'a>(&'a self, args: Args<'a>) -> Result<Wanted<'a>, String> {
        args.only(&["certificate", "names", "days"])?;
        let wanted = self.known(args)?;
        // Whoever approves sees the names; the runner's file has the last word about them.
        let names: BTreeSet<String> = args.texts("names")?.into_iter().map(str::to_lowercase).collect();
        if names == wanted.config.names {
            return Ok(wanted);
        }
        let own = wanted.config.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        Err(format!("the certificate `{}` of this runner is for {own}", wanted.title))
    }

    /// The certificate that is there, and whether it is as wanted.
    fn look(&self, wanted: &Wanted<'_>) -> Result<Look, String> {
        let Some((chain, key)) = Folder::at(&wanted.config.folder).current()? else {
            return Ok(Look { holds: false, seen: Value::Null });
        };
        let certificate = Certificate::of_pem(&chain)?;
        let left = certificate.not_after.saturating_sub((self.clock)().as_micros().div_euclid(1_000_000));
        let names: BTreeSet<String> = certificate.names.iter().map(|name| name.to_lowercase()).collect();
        let long = left >= i64::try_from(wanted.days).unwrap_or(i64::MAX).saturating_mul(DAY);
        let fits = order::public_key(&key).is_ok_and(|public| public == certificate.key);
        let seen = json!({
            "names": certificate.names, "not_after": certificate.not_after, "seconds_left": left, "key": certificate.key,
            "certificate": certificate.digest, "issuer": certificate.issuer, "key_fits": fits,
        });
        Ok(Look { holds: names == wanted.config.names && long && fits, seen })
    }

    async fn issue(&self, wanted: &Wanted<'_>, budget: Duration) -> Result<Value, ToolError> {
        let look = self.look(wanted).map_err(ToolError::NotApplied)?;
        if look.holds {
            return Ok(json!({"certificate": look.seen, "already": true}));
        }
        let folder = Folder::at(&wanted.config.folder);
        let account = account::open(&self.authority).await.map_err(ToolError::NotApplied)?;
        let mut order = order::take_up(&account, &folder, &wanted.config.names).await.map_err(ToolError::NotApplied)?;
        let url = order.url().to_owned();
        let proved = wanted.prover.prove(&mut order, budget.saturating_sub(MARGIN)).await;
        proved.map_err(|why| ToolError::NotApplied(format!("nothing was issued: {why}")))?;
        let (chain, key) = order::finish(order, &folder, &wanted.config.names, budget).await.map_err(|why| {
            // The order stays on disk, and is taken up by the next attempt.
            ToolError::Unknown(format!("the order was proved, and no certificate has come: {why}"))
        })?;
        let partly = |why: String| ToolError::Partly(format!("a certificate was issued and not put in its place: {why}"));
        folder.install(&chain, &key).map_err(partly)?;
        let look = self.look(wanted).map_err(partly)?;
        let output = json!({"certificate": look.seen, "order": url});
        if look.holds { Ok(output) } else { Err(ToolError::Partly(format!("what was issued is not as wanted: {output}"))) }
    }
}

impl Tool for AcmeIssue {
    fn name(&self) -> &'static str {
        "acme_issue"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.wanted(*args).map(|_| EffectClass::Converge)
    }

    fn preview<'a>(&'a self, args: Args<'a>, _undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let wanted = self.wanted(args)?;
            let look = self.look(&wanted)?;
            let (title, names) = (wanted.title, wanted.config.names.iter().cloned().collect::<Vec<_>>());
            let summary = if look.holds {
                format!("the certificate `{title}` is good for {} days and more; nothing changes", wanted.days)
            } else {
                format!("a certificate for {} is ordered at {} and replaces `{title}`", names.join(", "), self.authority.directory)
            };
            let after = if look.holds { look.seen.clone() } else { json!({"names": &names, "authority": self.authority.directory}) };
            Ok(Preview { before: look.seen, after, targets: vec![format!("{title}: {}", names.join(", "))], reversible: false, summary })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let wanted = self.wanted(args).map_err(ToolError::NotApplied)?;
            let done = tokio::time::timeout(site.budget, self.issue(&wanted, site.budget)).await;
            done.map_err(|_| ToolError::Unknown("the authority did not come to an end in time; its order is kept".into()))?
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move {
            args.only(&["certificate", "days"])?;
            self.look(&self.known(args)?)
        })
    }
}

#[cfg(test)]
mod tests;
