//! `terraform_plan` saves a plan and says what it would touch; `terraform_apply` applies exactly the plan that was approved, named by
//! the SHA-256 digest of its file, and no plan that deletes more than was approved. Terraform itself refuses a plan whose state has
//! moved on ("Saved plan is stale").
//!
//! A run of Terraform that fails half-way has changed something: it is told as such and never sent again by itself. When it was
//! killed, its lock on the state stays; taking that away (`force-unlock`) is a person's act.

mod plan;
mod program;

use std::collections::BTreeMap;
use std::sync::Arc;

use lineclear_core::digest::Digest;
use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::{Value, json};

use self::plan::Plan;
use self::program::{Ended, Terraform, keep, read};
use super::args::{Args, cut};
use super::{Level, Look, Site, Tool, ToolError, spelled};
use crate::config::TerraformConfig;
use crate::link::BoxFuture;

/// Most resources that a plan may be allowed to delete: more is a person's work, step by step.
const DELETES_MAX: u64 = 1_000;
/// How long a look at the plan of a preview may take; whoever asks stops waiting after ten seconds.
const LOOK_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(7);

/// What both tools know.
pub(super) struct Workspaces(BTreeMap<String, TerraformConfig>);

pub(super) struct TerraformPlan(pub(super) Arc<Workspaces>);

pub(super) struct TerraformApply(pub(super) Arc<Workspaces>);

/// A plan to apply.
struct Wanted<'a> {
    title: &'a str,
    config: &'a TerraformConfig,
    digest: Digest,
    deletes: u64,
}

impl Workspaces {
    pub(crate) fn new(config: &BTreeMap<String, TerraformConfig>) -> Self {
        Self(config.clone())
    }

    fn workspace<'a>(&'a self, args: Args<'a>) -> Result<(&'a str, &'a TerraformConfig), String> {
        let title = args.text("workspace")?;
        let config = self.0.get(title).ok_or_else(|| format!("`{}` is no workspace of this runner", cut(title, 80)))?;
        Ok((title, config))
    }

    fn wanted<'a>(&'a self, args: Args<'a>) -> Result<Wanted<'a>, String> {
        args.only(&["workspace", "plan", "deletes"])?;
        let (title, config) = self.workspace(args)?;
        let digest = args.text("plan")?.parse().map_err(|error| format!("`plan`: {error}"))?;
        let deletes = args.whole("deletes")?;
        if deletes > DELETES_MAX {
            return Err(format!("`deletes` is at most {DELETES_MAX}"));
        }
        Ok(Wanted { title, config, digest, deletes })
    }
}

impl Wanted<'_> {
    /// The plan as Terraform reads it, from bytes that have the digest; and where they lie.
    async fn plan(&self, terraform: &Terraform<'_>) -> Result<Plan, String> {
        let file = program::file(&self.config.plans, self.digest);
        if Digest::of(&read(&file)?) != self.digest {
            return Err("the saved plan is not the one that was approved: its digest is another".into());
        }
        let plan = terraform.show(&file).await?;
        let gone = plan.deleted();
        if gone > self.deletes {
            return Err(format!("the plan deletes or replaces {gone} resources, and {} are allowed", self.deletes));
        }
        if plan.changed() == 0 {
            return Err("the plan changes nothing".into());
        }
        Ok(plan)
    }
}

impl Tool for TerraformPlan {
    fn name(&self) -> &'static str {
        "terraform_plan"
    }

    fn boxed(&self) -> Option<Level> {
        Some(Level::NONE)
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        args.only(&["workspace"]).and_then(|()| self.0.workspace(*args)).map(|_| EffectClass::Read)
    }

    fn preview<'a>(&'a self, args: Args<'a>, _undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            self.effect(&args)?;
            let (title, _) = self.0.workspace(args)?;
            let summary = format!("Terraform plans the workspace `{title}` and saves the plan on the runner; changes nothing");
            Ok(Preview { before: Value::Null, after: Value::Null, targets: Vec::new(), reversible: true, summary })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            self.effect(&args).map_err(ToolError::NotApplied)?;
            let (_, config) = self.0.workspace(args).map_err(ToolError::NotApplied)?;
            let terraform = Terraform::new(config, &site.key).map_err(ToolError::NotApplied)?;
            let planned = async {
                let fresh = config.plans.join(format!(".fresh-{}", Digest::of(spelled(&site.key).as_bytes()).short()));
                let out = format!("-out={}", fresh.display());
                match terraform.run(&["plan", "-input=false", "-no-color", "-lock-timeout=30s", &out], site.budget).await? {
                    Ended { code: Some(0), .. } => {}
                    ended => return Err(format!("Terraform cannot plan: {}", terraform.clean(&ended.said))),
                }
                let digest = keep(&config.plans, &fresh)?;
                let plan = terraform.show(&program::file(&config.plans, digest)).await?;
                Ok(json!({"plan": digest, "changes": plan.to_json()}))
            };
            planned.await.map_err(ToolError::NotApplied)
        })
    }

    fn check<'a>(&'a self, _args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async { Err("a plan is no check; `terraform_apply` has one".into()) })
    }
}

impl Tool for TerraformApply {
    fn name(&self) -> &'static str {
        "terraform_apply"
    }

    /// Its providers are programs with the network and the state of the workspace: nothing boxes them in here.
    fn boxed(&self) -> Option<Level> {
        Some(Level::NONE)
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.0.wanted(*args).map(|_| EffectClass::Cas)
    }

    fn preview<'a>(&'a self, args: Args<'a>, _undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let wanted = self.0.wanted(args)?;
            let terraform = Terraform::unbound(wanted.config)?;
            let plan = tokio::time::timeout(LOOK_TIMEOUT, wanted.plan(&terraform))
                .await
                .map_err(|_| "Terraform did not answer in time".to_owned())??;
            let (before, after) = plan.before_and_after();
            let summary = format!("Terraform applies plan {} of `{}`: {}", wanted.digest.short(), wanted.title, plan.counted());
            // Terraform has no way back but another plan.
            Ok(Preview { before, after, targets: plan.addresses(), reversible: false, summary })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let wanted = self.0.wanted(args).map_err(ToolError::NotApplied)?;
            let terraform = Terraform::new(wanted.config, &site.key).map_err(ToolError::NotApplied)?;
            let plan = wanted.plan(&terraform).await.map_err(ToolError::NotApplied)?;
            let file = program::file(&wanted.config.plans, wanted.digest).display().to_string();
            let ended = terraform.run(&["apply", "-input=false", "-no-color", "-lock-timeout=30s", &file], site.budget).await;
            let ended = ended.map_err(ToolError::Unknown)?;
            let said = terraform.clean(&ended.said);
            match ended.code {
                Some(0) => Ok(json!({"plan": wanted.digest, "changes": plan.to_json()})),
                Some(1) if ended.said.contains("Saved plan is stale") => {
                    Err(ToolError::NotApplied("the plan is stale: the state has changed since it was made".into()))
                }
                Some(1) if ended.said.contains("Error acquiring the state lock") => {
                    Err(ToolError::NotApplied(format!("somebody else holds the lock of the state: {said}")))
                }
                Some(_) => Err(ToolError::Partly(format!("Terraform failed on its way: {said}"))),
                None => Err(ToolError::Unknown("Terraform was killed; its lock of the state may have stayed".into())),
            }
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move {
            args.only(&["workspace"])?;
            let (_, config) = self.0.workspace(args)?;
            let terraform = Terraform::unbound(config)?;
            let line = ["plan", "-input=false", "-no-color", "-lock=false", "-detailed-exitcode"];
            let ended = terraform.run(&line, program::CHECK_TIMEOUT).await?;
            match ended.code {
                Some(0) => Ok(Look { holds: true, seen: json!({"pending": false}) }),
                Some(2) => Ok(Look { holds: false, seen: json!({"pending": true}) }),
                _ => Err(format!("Terraform cannot plan: {}", terraform.clean(&ended.said))),
            }
        })
    }
}

#[cfg(test)]
mod tests;
