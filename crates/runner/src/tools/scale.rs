//! `scale`: from the number that was seen to another one. Instances of a template unit of this machine, or a scaler that takes a
//! number on the condition that it still shows what was seen (RFC 9110 §13.1.1, `If-Match`).

mod replicas;

use std::collections::BTreeMap;

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use self::replicas::Replicas;
use super::args::{Args, cut};
use super::systemd_unit::systemctl::Manager;
use super::{Look, Site, Tool, ToolError};
use crate::config::{ScaleConfig, Service};
use crate::link::BoxFuture;

pub(super) struct Scale {
    things: BTreeMap<String, Thing>,
}

struct Thing {
    by: Replicas,
    least: u64,
    most: u64,
    /// One at a time: between the look and the act nobody of this runner comes in between.
    turn: Mutex<()>,
}

struct Wanted<'a> {
    title: &'a str,
    thing: &'a Thing,
    from: u64,
    to: u64,
}

impl Scale {
    pub(crate) fn new(
        config: &BTreeMap<String, ScaleConfig>,
        services: &BTreeMap<String, Service>,
        manager: Option<&Manager>,
    ) -> Result<Self, String> {
        let read = |(name, one): (&String, &ScaleConfig)| {
            let by = Replicas::new(&one.by, one.most, services, manager).map_err(|why| format!("`{name}`: {why}"))?;
            Ok((name.clone(), Thing { by, least: one.least.into(), most: one.most.into(), turn: Mutex::new(()) }))
        };
        Ok(Self { things: config.iter().map(read).collect::<Result<_, String>>()? })
    }

    fn thing<'a>(&'a self, args: Args<'a>) -> Result<(&'a str, &'a Thing), String> {
        let title = args.text("service")?;
        let thing = self.things.get(title).ok_or_else(|| format!("`{}` is nothing that this runner scales", cut(title, 80)))?;
        Ok((title, thing))
    }

    fn wanted<'a>(&'a self, args: Args<'a>) -> Result<Wanted<'a>, String> {
        args.only(&["service", "from", "to"])?;
        let (title, thing) = self.thing(args)?;
        let (from, to) = (args.whole("from")?, args.whole("to")?);
        if !(thing.least..=thing.most).contains(&to) || from > thing.most {
            return Err(format!("`{title}` has {} to {}", thing.least, thing.most));
        }
        if from == to { Err("`from` and `to` are the same number".into()) } else { Ok(Wanted { title, thing, from, to }) }
    }
}

impl Wanted<'_> {
    fn stale(&self, now: u64) -> String {
        format!("`{}` has {now}, not {}: it has changed since", self.title, self.from)
    }

    async fn act(&self, site: &Site) -> Result<Value, ToolError> {
        let _turn = self.thing.turn.lock().await;
        let seen = self.thing.by.look().await.map_err(ToolError::NotApplied)?;
        let now = seen.count;
        if now == self.to {
            return Ok(json!({"service": self.title, "replicas": now, "already": true}));
        }
        if now != self.from {
            return Err(ToolError::NotApplied(self.stale(now)));
        }
        self.thing.by.set(&seen, self.to, site).await?;
        Ok(json!({"service": self.title, "replicas": self.to, "before": now}))
    }
}

impl Tool for Scale {
    fn boxed(&self) -> Option<super::Level> {
        Some(super::Level::NONE)
    }

    fn name(&self) -> &'static str {
        "scale"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.wanted(*args).map(|_| EffectClass::Cas)
    }

    fn preview<'a>(&'a self, args: Args<'a>, undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let wanted = self.wanted(args)?;
            let seen = wanted.thing.by.look().await?;
            if seen.count != wanted.from {
                return Err(wanted.stale(seen.count));
            }
            let title = wanted.title;
            let back = undo.and_then(|undo| self.wanted(Args::of(undo)).ok());
            let reversible = back.is_some_and(|back| (back.title, back.from, back.to) == (title, wanted.to, wanted.from));
            let summary = format!("`{title}` goes from {} to {}{}", wanted.from, wanted.to, seen.aside);
            let (before, after) = (json!({ title: wanted.from }), json!({ title: wanted.to }));
            Ok(Preview { before, after, targets: vec![title.into()], reversible, summary })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let wanted = self.wanted(args).map_err(ToolError::NotApplied)?;
            let done = tokio::time::timeout(site.budget, wanted.act(site)).await;
            done.map_err(|_| ToolError::Unknown(format!("`{}` was not scaled in time", wanted.title)))?
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move {
            args.only(&["service", "expect"])?;
            let (_, thing) = self.thing(args)?;
            let expected = args.whole("expect")?;
            let seen = thing.by.look().await?;
            Ok(Look { holds: seen.count == expected, seen: json!({ "replicas": seen.count }) })
        })
    }
}

#[cfg(test)]
mod tests;
