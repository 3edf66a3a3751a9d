//! `nginx_upstream`: other servers behind one `upstream` of nginx. The included file is replaced in one stroke if it still says what the
//! caller saw, `nginx -t` judges the whole configuration, and nginx reads it again; it is over when no worker is left that read
//! the old one. Asked twice it ends the same.

mod include;
mod workers;

use std::time::Duration;

use lineclear_core::digest::Digest;
use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use reqwest::{Client, Url};
use serde_json::{Value, json};
use tokio::time::Instant;

use self::include::{Include, Servers, bytes_for, keep, lock, put};
use self::workers::{Master, younger};
use super::args::{Args, cut};
use super::exchange::exchange;
use super::http::{base, client};
use super::program::{self, Lost};
use super::{Clock, Look, Site, Tool, ToolError};
use crate::config::{NginxConfig, UpstreamConfig};
use crate::link::BoxFuture;

/// How often processes are looked at while old ones finish.
const EVERY: Duration = Duration::from_millis(50);
/// What is left of the time for the last looks.
const MARGIN: Duration = Duration::from_secs(1);
/// How long `nginx -t` may take.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the upstream may take to answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest page of a probe.
const PAGE_MAX: usize = 1024 * 1024;

pub(super) struct NginxUpstream {
    config: NginxConfig,
    client: Client,
    clock: Clock,
}

struct Wanted<'a> {
    title: &'a str,
    upstream: &'a UpstreamConfig,
    old: Servers,
    new: Servers,
    /// The exact bytes that are expected.
    digest: Option<Digest>,
}

impl NginxUpstream {
    pub(crate) fn new(config: &NginxConfig, clock: &Clock) -> Result<Self, String> {
        let urls = config.upstreams.values().filter_map(|upstream| upstream.probe.as_ref());
        let urls: Vec<Url> = urls.map(|text| base(text).map_err(|why| format!("`{text}`: {why}"))).collect::<Result<_, String>>()?;
        Ok(Self { config: config.clone(), client: client(&urls)?, clock: Clock::clone(clock) })
    }

    fn upstream<'a>(&'a self, args: Args<'a>) -> Result<(&'a str, &'a UpstreamConfig), String> {
        let title = args.text("upstream")?;
        let upstream = self.config.upstreams.get(title).ok_or_else(|| format!("`{}` is no upstream of this runner", cut(title, 80)))?;
        Ok((title, upstream))
    }

    fn wanted<'a>(&'a self, args: Args<'a>) -> Result<Wanted<'a>, String> {
        args.only(&["upstream", "replace", "with", "digest"])?;
        let (title, upstream) = self.upstream(args)?;
        let digest = args.get("digest").map(|_| args.text("digest")?.parse::<Digest>().map_err(|_| "`digest` is no digest".to_owned()));
        let servers = |name: &str| Servers::named(&args.texts(name)?, upstream);
        let (old, new) = (servers("replace")?, servers("with")?);
        if old == new {
            return Err("`replace` and `with` are the same servers".into());
        }
        Ok(Wanted { title, upstream, old, new, digest: digest.transpose()? })
    }

    /// nginx's own judgement of the configuration as it is on the disk.
    async fn test(&self, site: &Site) -> Result<(), String> {
        let mut command = program::command(&self.config.program, Some(site));
        command.args(["-t", "-q", "-c"]).arg(&self.config.config);
        let ended = program::run(command, "nginx -t", site.budget.min(TEST_TIMEOUT)).await.map_err(Lost::words)?;
        if ended.code == Some(0) { Ok(()) } else { Err(ended.complaint()) }
    }

    /// Has the configuration read, and waits until nobody serves by the old one.
    async fn serve(&self, until: Instant) -> Result<(), ToolError> {
        let partly = |why: String| ToolError::Partly(format!("the file is written, and {why}"));
        let master = Master::find(&self.config.pid).map_err(partly)?;
        let before = master.workers();
        master.reload().map_err(partly)?;
        loop {
            let now = master.workers();
            let (fresh, left) = (now.difference(&before).count(), now.intersection(&before).count());
            if fresh > 0 && left == 0 {
                return Ok(());
            }
            if Instant::now() >= until {
                let why = if fresh == 0 { "nginx has not taken it".into() } else { format!("{left} workers still serve by the old one") };
                return Err(partly(why));
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn probe(&self, upstream: &UpstreamConfig) -> Result<Option<u16>, String> {
        let Some(url) = &upstream.probe else { return Ok(None) };
        let asked = exchange(self.client.get(url), "nginx", PAGE_MAX);
        let answer = tokio::time::timeout(PROBE_TIMEOUT, asked).await.map_err(|_| "nginx did not answer in time".to_owned())?;
        Ok(Some(answer.map_err(|error| error.to_string())?.status))
    }

    async fn act(&self, wanted: &Wanted<'_>, site: &Site) -> Result<Value, ToolError> {
        let until = Instant::now() + site.budget.checked_sub(MARGIN).unwrap_or(site.budget / 2);
        let file = &wanted.upstream.file;
        let _turn = lock(file).map_err(ToolError::NotApplied)?;
        Master::find(&self.config.pid).map_err(ToolError::NotApplied)?;
        let now = Include::read(file).map_err(ToolError::NotApplied)?;
        if now.servers != wanted.new {
            wanted.expects(&now).map_err(ToolError::NotApplied)?;
            let bytes = bytes_for(file, &wanted.new);
            let failed = |error: std::io::Error| ToolError::NotApplied(format!("`{}` cannot be replaced: {error}", file.display()));
            keep(file, &now.bytes).map_err(failed)?;
            put(file, &bytes).map_err(failed)?;
        }
        if let Err(why) = self.test(site).await {
            // Nobody has read it yet.
            return Err(match put(file, &now.bytes) {
                Ok(()) => ToolError::NotApplied(format!("nginx refuses the configuration: {why}")),
                Err(error) => ToolError::Partly(format!("nginx refuses the configuration, and the old file cannot be put back: {error}")),
            });
        }
        self.serve(until).await?;
        let status = self.probe(wanted.upstream).await.map_err(|why| ToolError::Partly(format!("it serves by the new file, and {why}")))?;
        if status.is_some_and(|status| status >= 500) {
            return Err(ToolError::Partly(format!("it serves by the new file, and answers {}", status.unwrap_or_default())));
        }
        let digest = Include::read(file).map_err(ToolError::Unknown)?.digest();
        Ok(json!({"upstream": wanted.title, "servers": wanted.new.shown(wanted.upstream), "digest": digest.to_string(), "status": status}))
    }
}

impl Wanted<'_> {
    /// The file is what the caller saw.
    fn expects(&self, now: &Include) -> Result<(), String> {
        if now.servers != self.old {
            return Err(format!(
                "`{}` is {}, not {}",
                self.title,
                list(&now.servers.shown(self.upstream)),
                list(&self.old.shown(self.upstream))
            ));
        }
        match &self.digest {
            Some(digest) if *digest != now.digest() => {
                Err(format!("the file of `{}` has the digest `{}`, not `{digest}`", self.title, now.digest()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Tool for NginxUpstream {
    fn boxed(&self) -> Option<super::Level> {
        Some(super::Level::NONE)
    }

    fn name(&self) -> &'static str {
        "nginx_upstream"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.wanted(*args).map(|_| EffectClass::Converge)
    }

    fn preview<'a>(&'a self, args: Args<'a>, undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let wanted = self.wanted(args)?;
            Master::find(&self.config.pid)?;
            let now = Include::read(&wanted.upstream.file)?;
            wanted.expects(&now)?;
            let back = undo.and_then(|undo| self.wanted(Args::of(undo)).ok());
            let reversible = back.is_some_and(|back| back.title == wanted.title && back.old == wanted.new && back.new == wanted.old);
            let (old, new) = (wanted.old.shown(wanted.upstream), wanted.new.shown(wanted.upstream));
            let summary = format!("`{}` changes from {} to {}", wanted.title, list(&old), list(&new));
            let before = json!({ wanted.title: old, "digest": now.digest().to_string() });
            Ok(Preview { before, after: json!({ wanted.title: new }), targets: vec![wanted.title.into()], reversible, summary })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let wanted = self.wanted(args).map_err(ToolError::NotApplied)?;
            self.act(&wanted, site).await
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move {
            args.only(&["upstream", "expect"])?;
            let (_, upstream) = self.upstream(args)?;
            let expected = Servers::named(&args.texts("expect")?, upstream)?;
            let now = Include::read(&upstream.file)?;
            let workers = Master::find(&self.config.pid)?.workers();
            let served = younger(&workers, &upstream.file, (self.clock)()).ok_or("the processes of nginx cannot be read")?;
            let status = self.probe(upstream).await?;
            let holds = now.servers == expected && served && status.is_none_or(|status| status < 500);
            let seen = json!({"servers": now.servers.shown(upstream), "served": served, "workers": workers.len(), "status": status});
            Ok(Look { holds, seen })
        })
    }
}

fn list(servers: &[String]) -> String {
    servers.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
