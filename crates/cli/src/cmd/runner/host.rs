//! A runner's own host: its key, its file, its journal.
//!
//! ```text
//! runner/
//!   identity.seed    the runner's key, readable by its owner alone        runner.toml    what it trusts and may do
//!   enrolment.json   where it enrolled, and as whom                       journal.db     what it did
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use lineclear_core::RunnerId;
use lineclear_core::label::Labels;
use lineclear_core::name::RunnerName;
use lineclear_engine::{Clock as _, SystemClock};
use lineclear_runner::{Config, Remote, Runner};
use lineclear_warrant::RequestKey;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::args::{Enrol, ServeRunner};
use crate::cmd::ask::versioned;
use crate::cmd::serve::rules_template;
use crate::exit::Failure;
use crate::keys::{private_directory, seed, write_private};
use crate::{client::Client, render};

/// What a runner keeps of its enrolment; no secret is in it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrolment {
    url: String,
    runner: RunnerId,
    name: RunnerName,
    labels: Labels,
    origin: String,
}

/// What the control plane answers to a token.
#[derive(Debug, Deserialize)]
struct Answer {
    runner: RunnerId,
    name: RunnerName,
    labels: Labels,
    origin: String,
    vkey: String,
    warrant_key: String,
}

struct Host(PathBuf);

impl Host {
    fn identity(&self) -> PathBuf {
        self.0.join("identity.seed")
    }

    fn enrolment(&self) -> PathBuf {
        self.0.join("enrolment.json")
    }

    fn file(&self) -> PathBuf {
        self.0.join("runner.toml")
    }

    fn key(&self) -> Result<RequestKey, Failure> {
        seed(&self.identity()).map(RequestKey::from_seed).map_err(|error| Failure::new(error.to_string()))
    }
}

fn unwritten(path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    let path = path.display().to_string();
    move |error| Failure::new(format!("`{path}` cannot be written: {error}"))
}

/// Makes the runner's key, shows its token, and writes what it was told. A lost answer is asked for again by the same command.
///
/// # Errors
/// When it has enrolled already, nobody answers, the token enrols nobody, or a file cannot be written.
pub async fn enrol(args: &Enrol, as_json: bool) -> Result<ExitCode, Failure> {
    let host = Host(args.dir.clone());
    if host.enrolment().exists() {
        return Err(Failure::new(format!("`{}` holds a runner that has enrolled", args.dir.display()))
            .help("choose another `--dir`, or take this one away; its key is worth nothing elsewhere"));
    }
    private_directory(&args.dir).map_err(unwritten(&args.dir))?;
    let key = host.key()?.public();
    let clock = SystemClock::default();
    let client = Client::new(&args.url, None)?;
    let body = json!({"token": args.token, "key": key, "version": env!("CARGO_PKG_VERSION")});
    let answer = client.post("/api/v1/runner/enrol", &body).await?;
    let told: Answer = serde_json::from_value(answer).map_err(|error| Failure::new(format!("the answer cannot be read: {error}")))?;
    // An address that no request can be sent to is found out here, and not on the first night.
    Remote::new(&args.url, told.origin.clone(), told.runner, host.key()?, move || clock.now())
        .map_err(|error| Failure::new(error.to_string()))?;
    if !host.file().exists() {
        write_private(&host.file(), &template(&told)).map_err(unwritten(&host.file()))?;
    }
    let Answer { runner, name, labels, origin, .. } = told;
    let enrolment = Enrolment { url: args.url.clone(), runner, name, labels, origin };
    let text = serde_json::to_string_pretty(&enrolment).unwrap_or_default();
    write_private(&host.enrolment(), &text).map_err(unwritten(&host.enrolment()))?;
    if as_json {
        render::document(&versioned("enrolment", &json!(enrolment)));
    } else {
        render::line(&format!("enrolled as `{}` ({})", enrolment.name, enrolment.runner));
        render::say(&format!("key {key}"));
        render::say(&format!(
            "wrote `{}`: compare its keys with those that somebody you trust tells you, say in it what the runner may do, then run `lineclear runner serve --dir {}`",
            host.file().display(),
            args.dir.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn template(told: &Answer) -> String {
    format!(
        "# What this runner trusts and may do. It believes this file, and nothing that the control plane says against it.\n\
         # The two keys below were told by the control plane when this runner enrolled. Compare them with what somebody you trust tells\n\
         # you: whoever stood in for the control plane that day would have put their own here.\n\n\
         [runner]\nid = \"{}\"\n\n[log]\norigin = {:?}\nvkey = {:?}\n\n[control]\nwarrant_key = {:?}\n\n\
         # The people whose signatures count, from their own hands and not from the control plane.\n\
         # [[approver]]\n# id = \"operator_…\"\n# keys = [\"ssh-ed25519 …\"]\n{}",
        told.runner,
        told.origin,
        told.vkey,
        told.warrant_key,
        rules_template()
    )
}

/// Asks for work and does it until it is told to stop: once to take nothing new and finish what it has, twice to end at once.
///
/// # Errors
/// When it has not enrolled, or a file cannot be used.
pub async fn serve(args: &ServeRunner) -> Result<ExitCode, Failure> {
    let host = Host(args.dir.clone());
    let unread = |path: &Path, why: &dyn std::fmt::Display| Failure::new(format!("`{}` cannot be used: {why}", path.display()));
    let text = std::fs::read_to_string(host.enrolment()).map_err(|error| {
        unread(&host.enrolment(), &error).help("`lineclear runner enrol` makes it, with a token from `lineclear runner invite`")
    })?;
    let enrolment: Enrolment = serde_json::from_str(&text).map_err(|error| unread(&host.enrolment(), &error))?;
    let file = args.runner.clone().unwrap_or_else(|| host.file());
    let text = std::fs::read_to_string(&file).map_err(|error| unread(&file, &error))?;
    let config = Config::parse(&text).map_err(|error| unread(&file, &error))?;
    if (config.trust.runner, config.trust.audience.as_str()) != (enrolment.runner, enrolment.origin.as_str()) {
        let said = format!("it is about `{}` of `{}`", config.trust.runner, config.trust.audience);
        return Err(unread(&file, &said).help(format!("this runner enrolled as `{}` of `{}`", enrolment.runner, enrolment.origin)));
    }
    let (clock, journal) = (SystemClock::default(), args.dir.join("journal.db"));
    let runner = Runner::open(config, &journal, move || clock.now()).map_err(|error| Failure::new(error.to_string()))?;
    offer(&runner, &file).await;
    let clock = SystemClock::default();
    let link = Remote::new(&enrolment.url, enrolment.origin, enrolment.runner, host.key()?, move || clock.now())
        .map_err(|error| Failure::new(error.to_string()))?;
    let (drain, halt) = (CancellationToken::new(), CancellationToken::new());
    let listening = tokio::spawn(listen(drain.clone(), halt.clone()));
    render::say(&format!("runner `{}` asks `{}` for work", enrolment.name, enrolment.url));
    runner.serve_until(Arc::new(link), drain, halt).await;
    listening.abort();
    render::say("stopped");
    Ok(ExitCode::SUCCESS)
}

/// What was done on this host without the control plane waits until a person tells it; until then every start says so.
async fn offer(runner: &Runner, file: &Path) {
    if let Err(error) = runner.recover_glasses().await {
        render::say(&format!("note  a broken glass could not be settled: {error}"));
    }
    let waiting = runner.untold_glasses().map_or(0, |untold| untold.len());
    if waiting > 0 {
        let file = file.display();
        render::say(&format!(
            "note  {waiting} journals of broken glasses wait to be told: stop this runner, then `lineclear breakglass reconcile --runner {file}`"
        ));
    }
}

async fn listen(drain: CancellationToken, halt: CancellationToken) {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    for (told, words) in [(&drain, "draining: nothing new is taken, what runs is finished"), (&halt, "stopping at once")] {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        render::say(words);
        told.cancel();
    }
}
