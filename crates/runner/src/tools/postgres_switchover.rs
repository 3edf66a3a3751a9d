//! `postgres_switchover`: makes a standby the primary (`pg_promote`), and only when every other node is known not to take writes: it
//! answers as a standby, or it does not answer and the site's own proof says that it is fenced. A primary that is merely silent may be
//! behind a broken line, and would go on taking writes: two primaries are worse than none.
//!
//! Under Patroni this tool is wrong: the leader is Patroni's to move, with `http` and its own `POST /switchover`, which names the
//! leader that it expects. There is no undo: the old primary needs `pg_rewind` before it can follow.

mod node;

use std::collections::BTreeMap;
use std::time::Duration;

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::{Value, json};

use self::node::{Fault, Role, State, ask, fenced, promote};
use super::args::{Args, cut};
use super::{Look, Site, Tool, ToolError};
use crate::config::PostgresConfig;
use crate::link::BoxFuture;

/// Longest that a promotion is waited for, in seconds.
const PROMOTE_MAX: u64 = 300;
/// What is left of the budget for everything beside the promotion itself.
const MARGIN: Duration = Duration::from_secs(2);

pub(super) struct PostgresSwitchover {
    clusters: BTreeMap<String, PostgresConfig>,
}

/// What is asked for.
struct Wanted<'a> {
    cluster: &'a PostgresConfig,
    title: &'a str,
    leader: &'a str,
    candidate: &'a str,
}

/// Every node, as it answers now.
type Nodes<'a> = BTreeMap<&'a str, Result<State, String>>;

impl PostgresSwitchover {
    pub(crate) fn new(clusters: &BTreeMap<String, PostgresConfig>) -> Self {
        Self { clusters: clusters.clone() }
    }

    fn cluster<'a>(&'a self, args: Args<'a>) -> Result<(&'a str, &'a PostgresConfig), String> {
        let title = args.text("cluster")?;
        let cluster = self.clusters.get(title).ok_or_else(|| format!("`{}` is no cluster of this runner", cut(title, 80)))?;
        Ok((title, cluster))
    }

    fn wanted<'a>(&'a self, args: Args<'a>) -> Result<Wanted<'a>, String> {
        args.only(&["cluster", "leader", "candidate"])?;
        let (title, cluster) = self.cluster(args)?;
        let (leader, candidate) = (args.text("leader")?, args.text("candidate")?);
        for node in [leader, candidate] {
            if !cluster.nodes.contains_key(node) {
                return Err(format!("`{}` is no node of `{title}`", cut(node, 80)));
            }
        }
        if leader == candidate {
            return Err("`leader` and `candidate` are the same node".into());
        }
        Ok(Wanted { cluster, title, leader, candidate })
    }
}

/// Asks every node at once.
async fn look(cluster: &PostgresConfig) -> Nodes<'_> {
    let mut asking = tokio::task::JoinSet::new();
    for (name, address) in &cluster.nodes {
        let (name, address, cluster) = (name.clone(), address.clone(), cluster.clone());
        asking.spawn(async move { (name, ask(&cluster, &address).await) });
    }
    let mut nodes: Nodes<'_> = cluster.nodes.keys().map(|name| (name.as_str(), Err("was not asked".to_owned()))).collect();
    while let Some(Ok((name, state))) = asking.join_next().await {
        if let Some(found) = nodes.get_mut(name.as_str()) {
            *found = state;
        }
    }
    nodes
}

impl Wanted<'_> {
    /// Whether the candidate may be promoted: nobody else can take writes, and nobody has more than it has. `false` when it is the
    /// only primary already.
    async fn ready(&self, nodes: &Nodes<'_>) -> Result<bool, String> {
        let candidate = match nodes.get(self.candidate) {
            Some(Ok(state)) => state,
            Some(Err(why)) => return Err(format!("`{}` does not answer: {why}", self.candidate)),
            None => return Err(format!("`{}` is no node", self.candidate)),
        };
        for (name, state) in nodes.iter().filter(|(name, _)| **name != self.candidate) {
            match state {
                Ok(State { role: Role::Primary, .. }) => {
                    return Err(format!("`{name}` takes writes: promoting `{}` would make two primaries", self.candidate));
                }
                Ok(state) if state.received > candidate.received => {
                    return Err(format!("`{name}` has received more than `{}`: what only it has would be lost", self.candidate));
                }
                Ok(_) => {}
                Err(_) => fenced(self.cluster, name)
                    .await
                    .map_err(|why| format!("`{name}` does not answer and is not known to be fenced: {why}"))?,
            }
        }
        Ok(candidate.role == Role::Standby)
    }

    async fn switch(&self, budget: Duration) -> Result<Value, ToolError> {
        let nodes = look(self.cluster).await;
        if !self.ready(&nodes).await.map_err(ToolError::NotApplied)? {
            return Ok(json!({"leader": self.candidate, "before": shown(&nodes), "already": true}));
        }
        let address = self.cluster.nodes.get(self.candidate).map(String::as_str).unwrap_or_default();
        let wait = budget.saturating_sub(MARGIN).as_secs().clamp(1, PROMOTE_MAX);
        match promote(self.cluster, address, wait).await {
            Ok(()) => Ok(json!({"leader": self.candidate, "before": shown(&nodes)})),
            Err(Fault::Refused(why)) => Err(ToolError::NotApplied(format!("`{}` refuses: {why}", self.candidate))),
            Err(Fault::Unclear(why)) => Err(ToolError::Unknown(format!("`{}`: {why}", self.candidate))),
        }
    }
}

impl Tool for PostgresSwitchover {
    fn boxed(&self) -> Option<super::Level> {
        Some(super::Level::NONE)
    }

    fn name(&self) -> &'static str {
        "postgres_switchover"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.wanted(*args).map(|_| EffectClass::Cas)
    }

    fn preview<'a>(&'a self, args: Args<'a>, _undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let wanted = self.wanted(args)?;
            let nodes = look(wanted.cluster).await;
            let standby = wanted.ready(&nodes).await?;
            let before = shown(&nodes);
            let mut after = before.clone();
            if let Some(candidate) = after.get_mut(wanted.candidate).and_then(Value::as_object_mut) {
                candidate.insert("role".into(), Value::from("primary"));
                // Decided by the promotion itself.
                candidate.retain(|member, _| member == "role");
            }
            let (candidate, leader, title) = (wanted.candidate, wanted.leader, wanted.title);
            let summary = if standby {
                format!("`{candidate}` becomes the primary of `{title}` in the place of `{leader}`, which takes no writes")
            } else {
                format!("`{candidate}` is the primary of `{title}` already; nothing changes")
            };
            Ok(Preview { before, after, targets: vec![format!("{title}/{candidate}")], reversible: false, summary })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let wanted = self.wanted(args).map_err(ToolError::NotApplied)?;
            let done = tokio::time::timeout(site.budget, wanted.switch(site.budget)).await;
            done.map_err(|_| ToolError::Unknown("the promotion did not end in time".into()))?
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move {
            args.only(&["cluster", "expect"])?;
            let (title, cluster) = self.cluster(args)?;
            let expected = args.text("expect")?;
            if !cluster.nodes.contains_key(expected) {
                return Err(format!("`{}` is no node of `{title}`", cut(expected, 80)));
            }
            let nodes = look(cluster).await;
            let primaries: Vec<&str> = nodes
                .iter()
                .filter(|(_, state)| state.as_ref().is_ok_and(|state| state.role == Role::Primary))
                .map(|(name, _)| *name)
                .collect();
            Ok(Look { holds: primaries == [expected], seen: json!({ "primaries": primaries, "nodes": shown(&nodes) }) })
        })
    }
}

fn shown(nodes: &Nodes<'_>) -> Value {
    let one = |state: &Result<State, String>| match state {
        Ok(state) => json!({"role": state.role.word(), "timeline": state.timeline, "received": state.received}),
        Err(_) => json!({"role": "silent"}),
    };
    Value::Object(nodes.iter().map(|(name, state)| ((*name).to_owned(), one(state))).collect())
}

#[cfg(test)]
mod tests;
