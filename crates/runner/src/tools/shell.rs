//! `shell`: starts one program of a closed list with exact arguments. There is no shell in it: nothing is split, expanded or
//! looked up, so an argument is an argument whatever it holds. The program is boxed in as far as the machine can (`sandbox.rs`).

mod output;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use lineclear_core::plan::{EffectClass, Preview, ToolCall};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use self::output::{Output, drain, first_line};
use super::args::{Args, cut};
use super::cgroup;
use super::fence::{MARKER, fence};
use super::sandbox::{Launcher, Level, Said};
use super::{Look, Site, Tool, ToolError, spelled};
use crate::config::{Sandbox, ShellConfig, read_secret};
use crate::link::BoxFuture;
use crate::secret::{Redactor, SHORTEST, Secret};

/// The only variable that a program inherits, and it is not inherited.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Where a program finds the file of a secret: this and the secret's name in capitals.
const SECRET: &str = "LINECLEAR_SECRET_";

pub(super) struct Shell {
    config: ShellConfig,
    launcher: Option<Launcher>,
}

/// One program with what it is given.
struct Wanted<'a> {
    program: PathBuf,
    rest: Vec<&'a str>,
    secrets: Vec<(&'a str, &'a Path)>,
}

/// How a program ended.
struct Ended {
    level: Level,
    status: std::io::Result<std::process::ExitStatus>,
    out: Output,
    err: Output,
}

impl Shell {
    /// What its programs are boxed in by.
    pub(super) fn level(&self) -> Level {
        self.launcher.as_ref().map_or(Level::NONE, Launcher::level)
    }

    pub(crate) fn new(config: &ShellConfig) -> Result<Self, String> {
        let launcher = config.launcher.as_ref().map(|path| Launcher::new(path, config)).transpose()?;
        let level = launcher.as_ref().map_or(Level::NONE, Launcher::level);
        if config.sandbox == Sandbox::Whole && !level.whole() {
            return Err(format!("it demands a whole sandbox, and this machine offers: {level}"));
        }
        tracing::info!(%level, "programs are started in a sandbox of this level");
        Ok(Self { config: config.clone(), launcher })
    }

    fn wanted<'a>(&'a self, args: Args<'a>) -> Result<Wanted<'a>, String> {
        args.only(&["argv", "secrets"])?;
        let argv = args.texts("argv")?;
        let (program, rest) = argv.split_first().ok_or("`argv` is empty")?;
        if argv.iter().any(|argument| argument.contains('\0')) {
            return Err("an argument holds a zero byte".into());
        }
        let program = Path::new(program);
        if !self.config.commands.contains(program) {
            return Err(format!("`{}` is not among the commands of this runner", cut(&program.display().to_string(), 200)));
        }
        let names = if args.get("secrets").is_some() { args.texts("secrets")? } else { Vec::new() };
        let secret = |name: &'a str| {
            let secret = self.config.secrets.get(name).filter(|secret| secret.commands.contains(program));
            let file = secret.map(|secret| (name, secret.file.as_path()));
            file.ok_or_else(|| format!("this runner has no secret `{}` for `{}`", cut(name, 80), program.display()))
        };
        let secrets = names.into_iter().map(secret).collect::<Result<_, _>>()?;
        Ok(Wanted { program: program.to_owned(), rest: rest.to_vec(), secrets })
    }

    fn start(&self, wanted: &Wanted<'_>, site: &Site) -> Result<Child, String> {
        let mut command = match &self.launcher {
            None => Command::new(&wanted.program),
            Some(launcher) => {
                let group = if launcher.level().cgroup { cgroup::create(&site.key) } else { None };
                let files: Vec<&Path> = wanted.secrets.iter().map(|(_, file)| *file).collect();
                launcher.command(&wanted.program, &files, group.as_deref())?
            }
        };
        let started = command
            .args(&wanted.rest)
            .env_clear()
            .env("PATH", PATH)
            .env(MARKER, spelled(&site.key))
            .envs(wanted.secrets.iter().map(|(name, file)| (format!("{SECRET}{}", name.to_uppercase()), *file)))
            .current_dir(&self.config.workdir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        started.map_err(|error| error.to_string())
    }

    /// Runs it to its end, and takes the secrets out of what it prints.
    async fn run(&self, mut child: Child, redactor: &Redactor) -> Result<Ended, ToolError> {
        let (out, mut err) = (child.stdout.take(), child.stderr.take());
        let errors = async {
            let (said, rest) = match (&self.launcher, &mut err) {
                (Some(_), Some(err)) => first_line(err).await,
                (Some(_), None) | (None, _) => (Some(Said::Level(Level::NONE)), Vec::new()),
            };
            (said, drain(err, rest, redactor).await)
        };
        let (out, (said, err)) = tokio::join!(drain(out, Vec::new(), redactor), errors);
        let status = child.wait().await;
        match said {
            Some(Said::Level(level)) => Ok(Ended { level, status, out, err }),
            // The launcher speaks before it becomes the program: where it said nothing, nothing was started.
            Some(Said::Refused(why)) => Err(ToolError::NotApplied(format!("it cannot be started: {why}"))),
            None => Err(ToolError::NotApplied("it cannot be started: the launcher ended without a word".into())),
        }
    }
}

/// Reads the secrets at the last moment, to know what must not be reported.
fn redactor(wanted: &Wanted<'_>) -> Result<Redactor, String> {
    let secret = |(name, file): &(&str, &Path)| {
        let text = read_secret(file).map_err(|why| format!("the file of the secret `{name}` {why}"))?;
        let bare = text.trim_end_matches(['\n', '\r']);
        if bare.len() < SHORTEST {
            return Err(format!("the secret `{name}` is shorter than {SHORTEST} bytes: it could not be kept out of what is printed"));
        }
        Ok(Secret::new(bare))
    };
    let secrets: Vec<Secret> = wanted.secrets.iter().map(secret).collect::<Result<_, _>>()?;
    Ok(Redactor::new(&secrets))
}

impl Tool for Shell {
    fn name(&self) -> &'static str {
        "shell"
    }

    fn boxed(&self) -> Option<Level> {
        Some(self.launcher.as_ref().map_or(Level::NONE, Launcher::level))
    }

    fn effect(&self, args: &Args<'_>) -> Result<EffectClass, String> {
        self.wanted(*args).map(|_| EffectClass::Once)
    }

    fn preview<'a>(&'a self, args: Args<'a>, _undo: Option<&'a ToolCall>) -> BoxFuture<'a, Result<Preview, String>> {
        Box::pin(async move {
            let wanted = self.wanted(args)?;
            let rest = wanted.rest.iter().map(|argument| format!("{argument:?}"));
            let line = std::iter::once(wanted.program.display().to_string()).chain(rest);
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
            let wanted = self.wanted(args).map_err(ToolError::NotApplied)?;
            let redactor = redactor(&wanted).map_err(ToolError::NotApplied)?;
            let child = self.start(&wanted, site).map_err(|why| ToolError::NotApplied(format!("it cannot be started: {why}")))?;
            let ended = tokio::time::timeout(site.budget, self.run(child, &redactor)).await;
            // Whatever it left behind in the background does not outlive the attempt.
            let gone = fence(&site.key).await;
            let level = self.launcher.as_ref().map_or(Level::NONE, Launcher::level);
            let partly = |why: String| ToolError::Partly(format!("{why} (sandbox: {level})"));
            let Ended { level, status, out, err } = ended.map_err(|_| partly("it did not end in time and was killed".into()))??;
            let status = status.map_err(|error| partly(format!("its end was not seen: {error}")))?;
            if !gone {
                return Err(partly("it left processes that could not be killed".into()));
            }
            if status.success() {
                return Ok(json!({"status": status.code(), "stdout": out.to_json(), "stderr": err.to_json(), "sandbox": level}));
            }
            Err(partly(format!("it ended with {status}: {}", cut(&err.text(), 500))))
        })
    }

    fn check<'a>(&'a self, _args: Args<'a>) -> BoxFuture<'a, Result<Look, String>> {
        Box::pin(async { Err("a program is no check: it may change something".into()) })
    }
}

#[cfg(test)]
mod tests;
