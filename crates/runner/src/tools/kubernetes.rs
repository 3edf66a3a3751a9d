//! `kubernetes_scale`, `kubernetes_restart` and `kubernetes_rollback`: one deployment of a closed list, changed on the condition that it is the
//! one that was looked at (`resourceVersion`), and waited for until its rollout is over. Behind the feature `kubernetes`.

mod cluster;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::{Value, json};
use tokio::time::Instant;

use self::cluster::{At, Cluster, Deployment};
use super::args::Args;
use super::{Clock, Look, Site, Tool, ToolError};
use crate::config::KubernetesConfig;
use crate::link::BoxFuture;

/// How often a rollout is looked at.
const EVERY: Duration = Duration::from_millis(500);
/// What is left of the time for the last look.
const MARGIN: Duration = Duration::from_secs(1);
/// Most replicas.
const REPLICAS_MAX: u64 = 1_000;
/// The mark of a restart, beside the one that `kubectl rollout restart` leaves.
const RESTARTED_BY: &str = "lineclear.dev/restarted-by";
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// What is done with a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Scale { from: u64, to: u64 },
    Restart,
    Rollback { from: u64, to: u64 },
}

/// Which of the three tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Scale,
    Restart,
    Rollback,
}

/// The clusters of the runner's file.
pub(super) struct Clusters {
    clusters: BTreeMap<String, Cluster>,
    clock: Clock,
}

/// One of the three.
pub(super) struct Kubernetes(pub(super) Kind, pub(super) Arc<Clusters>);

impl Clusters {
    pub(super) fn new(config: &BTreeMap<String, KubernetesConfig>, clock: &Clock) -> Result<Self, String> {
        let read =
            |(name, one): (&String, &KubernetesConfig)| Ok((name.clone(), Cluster::new(one).map_err(|why| format!("`{name}`: {why}"))?));
        Ok(Self { clusters: config.iter().map(read).collect::<Result<_, String>>()?, clock: Clock::clone(clock) })
    }
}

impl Kubernetes {
    fn wanted<'a>(&'a self, args: Args<'a>) -> Result<(At<'a>, Deed), String> {
        match self.0 {
            Kind::Restart => args.only(&["cluster", "namespace", "deployment"])?,
            Kind::Scale | Kind::Rollback => args.only(&["cluster", "namespace", "deployment", "from", "to"])?,
        }
        let at = At::read(&self.1.clusters, args)?;
        let deed = match self.0 {
            Kind::Restart => return Ok((at, Deed::Restart)),
            Kind::Scale => Deed::Scale { from: args.whole("from")?, to: args.whole("to")? },
            Kind::Rollback => Deed::Rollback { from: args.whole("from")?, to: args.whole("to")? },
        };
        match deed {
            Deed::Scale { from, to } if from.max(to) > REPLICAS_MAX => Err(format!("a deployment has at most {REPLICAS_MAX} replicas")),
            Deed::Scale { from, to } | Deed::Rollback { from, to } if from == to => Err("`from` and `to` are the same number".into()),
            Deed::Rollback { from, to } if to > from => Err("`to` is an earlier version than `from`".into()),
            Deed::Scale { .. } | Deed::Rollback { .. } | Deed::Restart => Ok((at, deed)),
        }
    }

    /// Does it to what was just read; whether there was anything to do.
    async fn change(&self, at: At<'_>, deed: Deed, site: &Site) -> Result<bool, ToolError> {
        let none = |why: String| ToolError::NotApplied(why);
        let mut now = at.look().await.map_err(none)?;
        match deed {
            Deed::Scale { to, .. } if now.replicas() == to => return Ok(false),
            Deed::Scale { to, .. } => {
                deed.expects(at, &now).map_err(none)?;
                at.scale(&now, to).await?;
            }
            Deed::Restart => {
                let key = format!("{}/{}", site.key.run, site.key.step);
                let annotations = now
                    .0
                    .pointer_mut("/spec/template/metadata")
                    .and_then(Value::as_object_mut)
                    .map(|metadata| metadata.entry("annotations").or_insert_with(|| json!({})));
                let annotations =
                    annotations.and_then(Value::as_object_mut).ok_or_else(|| none("the deployment was not understood".into()))?;
                // The attempt before this one may have done it.
                if annotations.get(RESTARTED_BY).and_then(Value::as_str) == Some(key.as_str()) {
                    return Ok(false);
                }
                annotations.insert(RESTARTED_BY.into(), key.into());
                annotations.insert(RESTARTED_AT.into(), (self.1.clock)().to_string().into());
                at.replace(&now).await?;
            }
            Deed::Rollback { to, .. } => {
                deed.expects(at, &now).map_err(none)?;
                let template = at.template(&now, to).await.map_err(none)?;
                *now.0.pointer_mut("/spec/template").ok_or_else(|| none("the deployment was not understood".into()))? = template;
                at.replace(&now).await?;
            }
        }
        Ok(true)
    }

    /// Waits until the rollout is over.
    async fn rolled_out(&self, at: At<'_>, until: Instant) -> Result<Deployment, ToolError> {
        loop {
            let looked = at.look().await;
            match looked {
                Ok(now) if now.is_out() => return Ok(now),
                Ok(_) | Err(_) if Instant::now() < until => tokio::time::sleep(EVERY).await,
                Ok(now) => {
                    return Err(ToolError::Partly(format!("`{}` was changed, and its rollout is not over: {}", at.shown(), now.shown())));
                }
                Err(why) => return Err(ToolError::Unknown(format!("`{}` was changed, and cannot be looked at: {why}", at.shown()))),
            }
        }
    }
}

impl Deed {
    /// It is as the caller saw it.
    fn expects(self, at: At<'_>, now: &Deployment) -> Result<(), String> {
        match self {
            Self::Scale { from, .. } if now.replicas() != from => {
                Err(format!("`{}` has {} replicas, not {from}: it has changed since", at.shown(), now.replicas()))
            }
            Self::Rollback { from, .. } if now.revision() != Some(from) => {
                Err(format!("`{}` is version {}, not {from}: it has changed since", at.shown(), now.revision().unwrap_or_default()))
            }
            Self::Scale { .. } | Self::Rollback { .. } | Self::Restart => Ok(()),
        }
    }
}

impl Tool for Kubernetes {
    fn name(&self) -> &'static str {
        match self.0 {
            Kind::Scale => "kubernetes_scale",
            Kind::Restart => "kubernetes_restart",
            Kind::Rollback => "kubernetes_rollback",
        }
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.wanted(*args).map(|(_, deed)| match deed {
            Deed::Scale { .. } | Deed::Rollback { .. } => EffectClass::Cas,
            // The mark of its step is there already.
            Deed::Restart => EffectClass::Converge,
        })
    }

    fn preview<'a>(&'a self, args: Args<'a>, undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let (at, deed) = self.wanted(args)?;
            let now = at.look().await?;
            deed.expects(at, &now)?;
            let shown = at.shown();
            let (after, summary) = match deed {
                Deed::Scale { from, to } => (json!({"replicas": to}), format!("`{shown}` goes from {from} to {to} replicas")),
                Deed::Restart => (json!({"restarted": true}), format!("`{shown}` is restarted, one replica after the other")),
                Deed::Rollback { from, to } => {
                    at.template(&now, to).await?;
                    (json!({"version of": to}), format!("`{shown}` goes back from version {from} to {to}"))
                }
            };
            let back = undo.filter(|undo| undo.tool.as_str() == self.name()).and_then(|undo| self.wanted(Args::of(undo)).ok());
            let reversible = back.is_some_and(|(other, back)| {
                let turned =
                    matches!((deed, back), (Deed::Scale { from, to }, Deed::Scale { from: over, to: home }) if (over, home) == (to, from));
                other.shown() == shown && turned
            });
            Ok(Preview { before: now.shown(), after, targets: vec![shown], reversible, summary })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let (at, deed) = self.wanted(args).map_err(ToolError::NotApplied)?;
            let until = Instant::now() + site.budget.checked_sub(MARGIN).unwrap_or(site.budget / 2);
            let changing = tokio::time::timeout(site.budget, self.change(at, deed, site)).await;
            let changed = changing.map_err(|_| ToolError::Unknown("the API server did not answer in time".into()))??;
            let now = self.rolled_out(at, until).await?;
            Ok(json!({"deployment": at.shown(), "already": !changed, "now": now.shown()}))
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move {
            args.only(&["cluster", "namespace", "deployment", "expect"])?;
            let at = At::read(&self.1.clusters, args)?;
            let expected = args.get("expect").map(|_| args.whole("expect")).transpose()?;
            let now = at.look().await?;
            let fits = match (self.0, expected) {
                (Kind::Restart, Some(_)) => return Err("a restart expects no number".into()),
                (Kind::Scale, None) => return Err("`expect` is the number of replicas".into()),
                (Kind::Scale, Some(expected)) => now.replicas() == expected,
                // After going back Kubernetes numbers the version anew.
                (Kind::Rollback, Some(expected)) => now.revision() == Some(expected),
                (Kind::Restart | Kind::Rollback, None) => true,
            };
            Ok(Look { holds: fits && now.is_out(), seen: now.shown() })
        })
    }
}

#[cfg(test)]
mod tests;
