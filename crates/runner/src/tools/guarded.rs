//! What stands around every tool: nothing that it says leaves the runner with a secret in it.

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::Value;

use super::{Args, Level, Look, Site, Tool, ToolError};
use crate::link::BoxFuture;
use crate::secret::Redactor;

/// A tool whose words are clean.
pub(super) struct Guarded {
    pub(super) inner: Box<dyn Tool>,
    pub(super) redactor: Redactor,
}

impl Tool for Guarded {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn boxed(&self) -> Option<Level> {
        self.inner.boxed()
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.inner.effect(args).map_err(|why| self.redactor.text(&why))
    }

    fn preview<'a>(&'a self, args: Args<'a>, undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let clean = |preview: Preview| Preview {
                before: self.redactor.value(preview.before),
                after: self.redactor.value(preview.after),
                targets: preview.targets.iter().map(|target| self.redactor.text(target)).collect(),
                reversible: preview.reversible,
                summary: self.redactor.text(&preview.summary),
            };
            self.inner.preview(args, undo).await.map(clean).map_err(|why| self.redactor.text(&why))
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            self.inner.call(args, site).await.map(|output| self.redactor.value(output)).map_err(|error| match error {
                ToolError::NotApplied(why) => ToolError::NotApplied(self.redactor.text(&why)),
                ToolError::Partly(why) => ToolError::Partly(self.redactor.text(&why)),
                ToolError::Unknown(why) => ToolError::Unknown(self.redactor.text(&why)),
            })
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move {
            let clean = |look: Look| Look { holds: look.holds, seen: self.redactor.value(look.seen) };
            self.inner.check(args).await.map(clean).map_err(|why| self.redactor.text(&why))
        })
    }
}
