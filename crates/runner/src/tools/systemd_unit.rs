//! `systemd_unit`: starts, stops, restarts or reloads one unit of a closed list through `systemctl`. Started twice is started; a
//! restart is told apart from the one before by how long the unit has been active.

pub(super) mod systemctl;

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::{Value, json};

use self::systemctl::{Manager, State};
use super::args::{Args, cut};
use super::{Clock, Look, Site, Tool, ToolError};
use crate::config::{SystemdConfig, is_unit};
use crate::link::BoxFuture;

/// Longest time that a check may allow a unit to have been active, in seconds: what `estate` admits.
const AGE_MAX: u64 = 86_400;

pub(super) struct SystemdUnit {
    manager: Manager,
    clock: Clock,
}

/// What may be asked of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Start,
    Stop,
    Restart,
    Reload,
}

impl Verb {
    fn read(word: &str) -> Result<Self, String> {
        match word {
            "start" => Ok(Self::Start),
            "stop" => Ok(Self::Stop),
            "restart" => Ok(Self::Restart),
            "reload" => Ok(Self::Reload),
            _ => Err("`verb` is `start`, `stop`, `restart` or `reload`".into()),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
        }
    }

    /// Whether it is done already.
    fn done(self, state: &State) -> bool {
        match self {
            Self::Start => state.runs(),
            Self::Stop => matches!(state.active.as_str(), "inactive" | "failed"),
            Self::Restart | Self::Reload => false,
        }
    }

    /// Whether it can be asked of a unit in this state.
    fn allowed(self, unit: &str, state: &State) -> Result<(), String> {
        state.loaded(unit)?;
        match self {
            Self::Restart | Self::Reload if !state.runs() => Err(format!("`{unit}` does not run; it is `{}`", state.active)),
            Self::Reload if !state.reloads() => Err(format!("`{unit}` cannot be reloaded")),
            Self::Start | Self::Stop | Self::Restart | Self::Reload => Ok(()),
        }
    }
}

impl SystemdUnit {
    pub(crate) fn new(config: &SystemdConfig, clock: &Clock) -> Self {
        Self { manager: Manager::new(config), clock: Clock::clone(clock) }
    }

    fn unit<'a>(&self, args: Args<'a>) -> Result<&'a str, String> {
        let unit = args.text("unit")?;
        if is_unit(unit) && self.manager.has(unit) {
            Ok(unit)
        } else {
            Err(format!("`{}` is not among the units of this runner", cut(unit, 80)))
        }
    }

    fn wanted<'a>(&self, args: Args<'a>) -> Result<(&'a str, Verb), String> {
        args.only(&["unit", "verb"])?;
        Ok((self.unit(args)?, Verb::read(args.text("verb")?)?))
    }

    async fn act(&self, unit: &str, verb: Verb, site: &Site) -> Result<Value, ToolError> {
        let before = self.manager.look_at(unit).await.map_err(ToolError::NotApplied)?;
        verb.allowed(unit, &before).map_err(ToolError::NotApplied)?;
        if verb.done(&before) {
            return Ok(json!({"unit": unit, "already": true, "now": before.shown()}));
        }
        let taken = self.manager.order(verb.word(), unit, site, site.budget).await?;
        let after = self.manager.look_at(unit).await.map_err(ToolError::Unknown)?;
        match taken {
            Ok(()) => Ok(json!({"unit": unit, "before": before.shown(), "now": after.shown()})),
            Err(why) if after.same(&before) => Err(ToolError::NotApplied(format!("systemctl refuses: {why}"))),
            Err(why) => Err(ToolError::Partly(format!("`{unit}` is `{}`: {why}", after.active))),
        }
    }
}

impl Tool for SystemdUnit {
    fn boxed(&self) -> Option<super::Level> {
        Some(super::Level::NONE)
    }

    fn name(&self) -> &'static str {
        "systemd_unit"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.wanted(*args).map(|(_, verb)| match verb {
            Verb::Start | Verb::Stop | Verb::Reload => EffectClass::Converge,
            // A second one interrupts whoever is served a second time.
            Verb::Restart => EffectClass::Once,
        })
    }

    fn preview<'a>(&'a self, args: Args<'a>, undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let (unit, verb) = self.wanted(args)?;
            let before = self.manager.look_at(unit).await?;
            verb.allowed(unit, &before)?;
            let after = match verb {
                Verb::Start => "active",
                Verb::Stop => "inactive",
                Verb::Restart => "active, restarted",
                Verb::Reload => "active, reloaded",
            };
            let back = undo.and_then(|undo| self.wanted(Args::of(undo)).ok());
            let reversible = back.is_some_and(|(other, back)| {
                let restores = if before.runs() { back == Verb::Start } else { back == Verb::Stop };
                other == unit && matches!(verb, Verb::Start | Verb::Stop) && restores
            });
            let summary = if verb.done(&before) {
                format!("`{unit}` is `{}` already; nothing changes{}", before.active, before.aside())
            } else {
                format!("`{unit}`, which is `{}`, gets `{}`{}", before.active, verb.word(), before.aside())
            };
            Ok(Preview {
                before: json!({ unit: before.active }),
                after: json!({ unit: after }),
                targets: vec![unit.into()],
                reversible,
                summary,
            })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let (unit, verb) = self.wanted(args).map_err(ToolError::NotApplied)?;
            self.act(unit, verb, site).await
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move {
            args.only(&["unit", "expect", "age"])?;
            let (unit, expected) = (self.unit(args)?, args.text("expect")?);
            if !["active", "inactive", "failed"].contains(&expected) {
                return Err("`expect` is `active`, `inactive` or `failed`".into());
            }
            let age = args.get("age").map(|_| args.whole("age")).transpose()?;
            if age.is_some_and(|age| !(1..=AGE_MAX).contains(&age) || expected != "active") {
                return Err(format!("`age` is 1 to {AGE_MAX} seconds, of a unit that is expected to be active"));
            }
            let state = self.manager.look_at(unit).await?;
            state.loaded(unit)?;
            let now = u64::try_from((self.clock)().as_micros() / 1_000_000).unwrap_or_default();
            let young = age.is_none_or(|age| state.since.is_some_and(|since| now.saturating_sub(since) <= age));
            Ok(Look { holds: state.active == expected && young, seen: state.shown() })
        })
    }
}

#[cfg(test)]
pub(in crate::tools) mod tests;
