//! `backup_restore` and `backup_swap`: out of a restic repository into a **new** name, and then, as a step of its own, into use. In place
//! never: what is in use is a link, and nothing that a restore does can touch what it points to.

mod manifest;
mod restic;
mod shelf;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::{Value, json};

use self::manifest::Manifest;
use self::restic::Restic;
use self::shelf::{Receipt, Shelf, checked_name};
use super::args::{Args, cut};
use super::{Look, Site, Tool, ToolError};
use crate::config::BackupConfig;
use crate::link::BoxFuture;

/// What is left of the time to count what was restored.
const MARGIN: Duration = Duration::from_secs(5);
/// Shortest beginning of a snapshot's name: restic's own short form.
const SHORT: usize = 8;

/// The repositories of the runner's file.
pub(super) struct Backups(BTreeMap<String, BackupConfig>);

pub(super) struct BackupRestore(pub(super) Arc<Backups>);

pub(super) struct BackupSwap(pub(super) Arc<Backups>);

struct Restore<'a> {
    title: &'a str,
    config: &'a BackupConfig,
    snapshot: &'a str,
    into: &'a str,
}

struct Swap<'a> {
    title: &'a str,
    config: &'a BackupConfig,
    replace: &'a str,
    with: &'a str,
}

impl Backups {
    pub(super) fn new(config: &BTreeMap<String, BackupConfig>) -> Self {
        Self(config.clone())
    }

    fn get<'a>(&'a self, args: Args<'a>) -> Result<(&'a str, &'a BackupConfig), String> {
        let title = args.text("backup")?;
        let config = self.0.get(title).ok_or_else(|| format!("`{}` is no backup of this runner", cut(title, 80)))?;
        Ok((title, config))
    }

    fn restore<'a>(&'a self, args: Args<'a>) -> Result<Restore<'a>, String> {
        args.only(&["backup", "snapshot", "into"])?;
        let (title, config) = self.get(args)?;
        let snapshot = args.text("snapshot")?;
        // `latest` would be another one tomorrow, and nobody approved that.
        if !(SHORT..=64).contains(&snapshot.len()) || !snapshot.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(format!("`snapshot` is {SHORT} to 64 digits of restic's own name, not `{}`", cut(snapshot, 80)));
        }
        Ok(Restore { title, config, snapshot, into: checked_name(args.text("into")?)? })
    }

    fn swap<'a>(&'a self, args: Args<'a>) -> Result<Swap<'a>, String> {
        args.only(&["backup", "replace", "with"])?;
        let (title, config) = self.get(args)?;
        let (replace, with) = (checked_name(args.text("replace")?)?, checked_name(args.text("with")?)?);
        if replace == with { Err("`replace` and `with` are the same copy".into()) } else { Ok(Swap { title, config, replace, with }) }
    }
}

impl Restore<'_> {
    fn shelf(&self) -> Shelf<'_> {
        Shelf::at(&self.config.root)
    }

    /// What is there under the name, read to its last byte.
    async fn manifest(&self, path: std::path::PathBuf) -> Result<Manifest, String> {
        let read = tokio::task::spawn_blocking(move || manifest::read(&path)).await;
        read.map_err(|error| error.to_string())?.map_err(|error| format!("`{}` cannot be read: {error}", self.into))
    }

    /// Whether what is there is what the snapshot holds, and what was restored then.
    async fn holds(&self) -> Result<Look, String> {
        let Some(receipt) = self.shelf().receipt(self.into)?.filter(|_| self.shelf().has(self.into)) else {
            return Ok(Look { holds: false, seen: json!({"copy": self.into, "restored": false}) });
        };
        let restic = Restic::new(self.config)?;
        let snapshot = restic.snapshot(self.snapshot).await?;
        let (listed, now) = (restic.counts(&snapshot).await?, self.manifest(self.shelf().copy(self.into)).await?);
        let holds = receipt.snapshot == snapshot.id && receipt.manifest == now && listed == now.counts;
        let seen = json!({"copy": self.into, "restored": true, "snapshot": receipt.snapshot, "files": now.counts.files, "bytes": now.counts.bytes, "digest": now.digest});
        Ok(Look { holds, seen })
    }

    async fn run(&self, site: &Site) -> Result<Value, ToolError> {
        let none = |why: String| ToolError::NotApplied(why);
        let shelf = self.shelf();
        if shelf.has(self.into) {
            return match self.holds().await {
                Ok(Look { holds: true, seen }) => Ok(json!({"backup": self.title, "already": true, "copy": seen})),
                Ok(_) | Err(_) => Err(none(format!("`{}` is there already, and nothing is restored over it", self.into))),
            };
        }
        let restic = Restic::new(self.config).map_err(none)?;
        let snapshot = restic.snapshot(self.snapshot).await.map_err(none)?;
        let listed = restic.counts(&snapshot).await.map_err(none)?;
        let partial = shelf.partial(self.into);
        let prepared = shelf.clear(self.into).and_then(|()| std::fs::create_dir(&partial));
        prepared.map_err(|error| none(format!("`{}` cannot be made: {error}", partial.display())))?;
        let budget = site.budget.checked_sub(MARGIN).unwrap_or(site.budget / 2);
        let done = async {
            restic.restore(&snapshot, &partial, site, budget).await?;
            let inner = self.config.path.strip_prefix("/").unwrap_or(&self.config.path);
            let folder = partial.join(inner);
            let manifest = self.manifest(folder.clone()).await.map_err(none)?;
            if manifest.counts != listed {
                let (has, lists) = (manifest.counts, listed);
                return Err(none(format!(
                    "{} files of {} bytes were restored, and the snapshot lists {} of {}",
                    has.files, has.bytes, lists.files, lists.bytes
                )));
            }
            let receipt = Receipt { snapshot: snapshot.id.clone(), manifest };
            shelf.name(&folder, self.into, &receipt).map_err(|error| none(format!("`{}` cannot get its name: {error}", self.into)))?;
            Ok(json!({"backup": self.title, "copy": self.into, "snapshot": receipt.snapshot, "taken": snapshot.time,
                "files": receipt.manifest.counts.files, "bytes": receipt.manifest.counts.bytes, "digest": receipt.manifest.digest}))
        };
        let done = done.await;
        // What is left takes room, and is taken away by the next one.
        let _ = shelf.clear(self.into);
        done
    }
}

impl Tool for BackupRestore {
    fn boxed(&self) -> Option<super::Level> {
        Some(super::Level::NONE)
    }

    fn name(&self) -> &'static str {
        "backup_restore"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.0.restore(*args).map(|_| EffectClass::Cas)
    }

    fn preview<'a>(&'a self, args: Args<'a>, _undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let wanted = self.0.restore(args)?;
            let target = format!("{}/{}", wanted.title, wanted.into);
            if wanted.shelf().has(wanted.into) {
                return Err(format!("`{target}` is there already, and nothing is restored over it"));
            }
            let restic = Restic::new(wanted.config)?;
            let snapshot = restic.snapshot(wanted.snapshot).await?;
            let counts = restic.counts(&snapshot).await?;
            let after =
                json!({ &target: { "snapshot": snapshot.id, "taken": snapshot.time, "files": counts.files, "bytes": counts.bytes } });
            let summary =
                format!("{} files of {} bytes, as they were at {}, are restored as `{target}`", counts.files, counts.bytes, snapshot.time);
            // It takes nothing away from anybody; the copy is a person's to delete.
            Ok(Preview { before: json!({ &target: null }), after, targets: vec![target], reversible: false, summary })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move { self.0.restore(args).map_err(ToolError::NotApplied)?.run(site).await })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move { self.0.restore(args)?.holds().await })
    }
}

impl Tool for BackupSwap {
    fn boxed(&self) -> Option<super::Level> {
        Some(super::Level::NONE)
    }

    fn name(&self) -> &'static str {
        "backup_swap"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.0.swap(*args).map(|_| EffectClass::Converge)
    }

    fn preview<'a>(&'a self, args: Args<'a>, undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let Swap { title, config, replace, with } = self.0.swap(args)?;
            let shelf = Shelf::at(&config.root);
            let current = shelf.current()?;
            if current != replace {
                return Err(format!("`{current}` is in use, not `{replace}`"));
            }
            // A step before this one may be what makes it.
            let aside = if shelf.has(with) { shelf.usable(with).map(|()| "")? } else { "; it is not there yet" };
            let back = undo.and_then(|undo| self.0.swap(Args::of(undo)).ok());
            let reversible = back.is_some_and(|back| (back.title, back.replace, back.with) == (title, with, replace));
            let summary = format!("`{title}` goes from the copy `{replace}` to `{with}`{aside}");
            Ok(Preview {
                before: json!({ title: replace }),
                after: json!({ title: with }),
                targets: vec![title.into()],
                reversible,
                summary,
            })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, _site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let Swap { title, config, replace, with } = self.0.swap(args).map_err(ToolError::NotApplied)?;
            let shelf = Shelf::at(&config.root);
            let current = shelf.current().map_err(ToolError::NotApplied)?;
            if current == with {
                return Ok(json!({"backup": title, "current": with, "already": true}));
            }
            if current != replace {
                return Err(ToolError::NotApplied(format!("`{current}` is in use, not `{replace}`")));
            }
            shelf.usable(with).map_err(ToolError::NotApplied)?;
            shelf.point(with).map_err(|error| ToolError::Unknown(format!("`current` cannot be pointed elsewhere: {error}")))?;
            Ok(json!({"backup": title, "current": with, "before": replace}))
        })
    }

    fn check<'a>(&'a self, args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async move {
            args.only(&["backup", "expect"])?;
            let (_, config) = self.0.get(args)?;
            let (expected, current) = (checked_name(args.text("expect")?)?, Shelf::at(&config.root).current()?);
            Ok(Look { holds: current == expected, seen: json!({ "current": current }) })
        })
    }
}

#[cfg(test)]
mod tests;
