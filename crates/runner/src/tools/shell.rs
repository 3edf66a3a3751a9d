//! `shell`: starts one program of a closed list with exact arguments. There is no shell in it: nothing is split, expanded or
//! looked up, so an argument is an argument whatever it holds.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use lineclear_core::digest::Digest;
use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use super::args::{Args, cut};
use super::fence::{MARKER, fence};
use super::{Look, Site, Tool, ToolError, spelled};
use crate::config::ShellConfig;
use crate::link::BoxFuture;

/// How much of each output is kept.
const KEPT_MAX: usize = 32 * 1024;
/// How much of each output is read before the program is stopped: nobody looks at more.
const READ_MAX: usize = 64 * 1024 * 1024;
/// The only variable that a program inherits, and it is not inherited.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) struct Shell {
    config: ShellConfig,
}

/// What was written: the beginning, the length and the digest of all of it.
struct Output {
    kept: Vec<u8>,
    bytes: usize,
    digest: Digest,
}

impl Shell {
    pub(crate) fn new(config: &ShellConfig) -> Self {
        Self { config: config.clone() }
    }

    fn argv<'a>(&self, args: Args<'a>) -> Result<(PathBuf, Vec<&'a str>), String> {
        args.only(&["argv"])?;
        let argv = args.texts("argv")?;
        let (program, rest) = argv.split_first().ok_or("`argv` is empty")?;
        if argv.iter().any(|argument| argument.contains('\0')) {
            return Err("an argument holds a zero byte".into());
        }
        let program = Path::new(program);
        if !self.config.commands.contains(program) {
            return Err(format!("`{}` is not among the commands of this runner", cut(&program.display().to_string(), 200)));
        }
        Ok((program.to_owned(), rest.to_vec()))
    }

    fn start(&self, program: &Path, rest: &[&str], site: &Site) -> std::io::Result<Child> {
        Command::new(program)
            .args(rest)
            .env_clear()
            .env("PATH", PATH)
            .env(MARKER, spelled(&site.key))
            .current_dir(&self.config.workdir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

impl Tool for Shell {
    fn name(&self) -> &'static str {
        "shell"
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.argv(*args).map(|_| EffectClass::Once)
    }

    fn preview<'a>(&'a self, args: Args<'a>, _undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let (program, rest) = self.argv(args)?;
            let line = std::iter::once(program.display().to_string()).chain(rest.iter().map(|argument| format!("{argument:?}")));
            let line = line.collect::<Vec<_>>().join(" ");
            Ok(Preview {
                before: Value::Null,
                after: Value::Null,
                targets: vec![cut(&line, 500)],
                // Nobody can tell what a program does, so nobody can tell that another one takes it back.
                reversible: false,
                summary: format!("`{}` is started; what it changes cannot be shown", cut(&line, 500)),
            })
        })
    }

    fn call<'a>(&'a self, args: Args<'a>, site: &'a Site) -> BoxFuture<'a, Result<Value, ToolError>> {
        Box::pin(async move {
            let (program, rest) = self.argv(args).map_err(ToolError::NotApplied)?;
            let started = self.start(&program, &rest, site);
            let mut child = started.map_err(|error| ToolError::NotApplied(format!("it cannot be started: {error}")))?;
            let (out, err) = (child.stdout.take(), child.stderr.take());
            let all = async {
                let (out, err) = tokio::join!(drain(out), drain(err));
                (out, err, child.wait().await)
            };
            let ended = tokio::time::timeout(site.budget, all).await;
            // Whatever it left behind in the background does not outlive the attempt.
            let gone = fence(&site.key).await;
            let (out, err, status) = ended.map_err(|_| ToolError::Partly("it did not end in time and was killed".into()))?;
            let status = status.map_err(|error| ToolError::Partly(format!("its end was not seen: {error}")))?;
            if !gone {
                return Err(ToolError::Partly("it left processes that could not be killed".into()));
            }
            let output = json!({"status": status.code(), "stdout": out.to_json(), "stderr": err.to_json()});
            if status.success() {
                return Ok(output);
            }
            let said = cut(&String::from_utf8_lossy(&err.kept), 500);
            Err(ToolError::Partly(format!("it ended with {status}: {said}")))
        })
    }

    fn check<'a>(&'a self, _args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async { Err("a program is no check: it may change something".into()) })
    }
}

async fn drain(from: Option<impl AsyncRead + Unpin>) -> Output {
    let (mut kept, mut bytes, mut all) = (Vec::new(), 0_usize, Vec::new());
    let mut chunk = vec![0_u8; 16 * 1024];
    if let Some(mut from) = from {
        while let Ok(count @ 1..) = from.read(&mut chunk).await {
            let Some(read) = chunk.get(..count) else { break };
            kept.extend(read.iter().take(KEPT_MAX.saturating_sub(kept.len())));
            // The digest of all is that of the digests of its chunks, so that nothing long is held.
            all.extend_from_slice(Digest::of(read).as_bytes());
            all = Digest::of(&all).as_bytes().to_vec();
            bytes = bytes.saturating_add(count);
            if bytes >= READ_MAX {
                break;
            }
        }
    }
    Output { digest: Digest::of(&all), kept, bytes }
}

impl Output {
    fn to_json(&self) -> Value {
        json!({"text": String::from_utf8_lossy(&self.kept), "bytes": self.bytes, "digest": self.digest})
    }
}

#[cfg(test)]
mod tests;
