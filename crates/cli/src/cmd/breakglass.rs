//! `breakglass`: acting on a runner's host without the control plane, and telling it afterwards.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use lineclear_core::Span;
use lineclear_core::catalogue::Inputs;
use lineclear_core::glass::{Closing, GLASS_NAMESPACE, Plane};
use lineclear_core::run::Event;
use lineclear_core::runbook::Runbook;
use lineclear_engine::{Clock as _, SystemClock};
use lineclear_runner::{Config, GlassAsked, GlassDraft, GlassEnd, GlassRefusal, Runner, RunnerError, SessionState, Untold};
use serde_json::{Value, json};

use super::ask::{client, shown, table, text, versioned};
use super::propose::inputs;
use super::sign::signed;
use crate::args::{BreakGlass, GlassWish, Here, PrepareGlass, Remote, RunGlass};
use crate::client::{Client, ClientError};
use crate::exit::{Exit, Failure};
use crate::render;

/// How long the control plane is waited for before it counts as unreachable.
const PLANE_WAIT: Duration = Duration::from_secs(5);
/// Longest file that is read here: a statement, a signature, a runbook.
const FILE_MAX: u64 = 1024 * 1024;

/// Runs a command of `breakglass`.
///
/// # Errors
/// Why it is refused, with what to do about it.
pub async fn run(command: &BreakGlass, as_json: bool) -> Result<ExitCode, Failure> {
    match command {
        BreakGlass::Run(args) => broken(args, as_json).await,
        BreakGlass::Prepare(args) => prepared(args, as_json).await,
        BreakGlass::List(here) => listed(here, as_json),
        BreakGlass::Reconcile { here, remote } => reconciled(here, remote, as_json).await,
        BreakGlass::Pin { runbook, action } => {
            let digest = read_runbook(runbook)?.digest;
            render::line(&format!("[[breakglass.runbook]]\ndigest = \"{digest}\"\naction = \"{action}\""));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |why: String| Failure::new(format!("`{}` cannot be read: {why}", path.display()));
    if std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len() > FILE_MAX {
        return Err(failed("it is too long".into()));
    }
    std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))
}

fn read_runbook(path: &Path) -> Result<Runbook, Failure> {
    lineclear_estate::parse_runbook(&path.display().to_string(), &read(path)?)
        .map_err(|error| Failure::new(format!("the runbook cannot be read: {error}")).help("`lineclear runbook lint FILE` says more"))
}

/// Opens the runner of this host: one process holds its journal.
fn open(here: &Here) -> Result<Runner, Failure> {
    let config = Config::parse(&read(&here.runner)?).map_err(|error| Failure::new(format!("`{}`: {error}", here.runner.display())))?;
    let journal = here.journal.clone().unwrap_or_else(|| here.runner.with_file_name("journal.db"));
    let clock = SystemClock::default();
    Runner::open(config, &journal, move || clock.now()).map_err(|error| {
        let help = match &error {
            RunnerError::Journal(_) => {
                "one process holds a runner's journal: stop the runner, or the `lineclear serve` that it runs in, first"
            }
            RunnerError::Tools(_) | RunnerError::Head(_) => "mend the runner's own file",
        };
        Failure::new(error.to_string()).help(help)
    })
}

/// Asks the plane first. What answers is the plane's business, unless somebody says why it is not to be believed.
async fn plane(runner: &Runner, wrong: Option<&str>) -> Result<Plane, Failure> {
    let rules = runner.glass_rules().ok_or(GlassRefusal::NotHere)?;
    let client = Client::new(&rules.plane, None)?;
    let why = match tokio::time::timeout(PLANE_WAIT, client.get("/healthz")).await {
        Err(_) => format!("`{}` did not answer within {} seconds", rules.plane, PLANE_WAIT.as_secs()),
        Ok(Err(error @ ClientError::Unreachable { .. })) => error.to_string(),
        Ok(Ok(_) | Err(ClientError::Answer(_) | ClientError::Refused { .. } | ClientError::Setup(_))) => {
            return wrong.map(|reason| Plane::Wrong { reason: reason.into() }).ok_or_else(|| Failure {
                exit: Exit::Refused,
                code: Some("plane_answers".into()),
                message: format!("the control plane answers at `{}`", rules.plane),
                help: Some("propose it there; when the plane is not to be believed, say why with `--plane-is-wrong`".into()),
            });
        }
    };
    // Bounded: a chain of errors can be longer than anybody reads.
    Ok(Plane::Unreachable { why: why.chars().take(300).collect() })
}

async fn drafted(runner: &Runner, wish: &GlassWish, runbook: &Runbook) -> Result<GlassDraft, Failure> {
    let given: Inputs = serde_json::from_value(Value::Object(inputs(&wish.inputs)?))
        .map_err(|error| Failure::new(format!("the inputs cannot be read: {error}")))?;
    let plane = plane(runner, wish.plane_is_wrong.as_deref()).await?;
    let asked = GlassAsked {
        person: wish.person,
        target: &wish.target,
        runbook,
        inputs: &given,
        justification: &wish.justification,
        lasts: Span::from_secs(wish.minutes * 60),
        plane: &plane,
    };
    Ok(runner.draft_glass(&asked)?)
}

async fn prepared(args: &PrepareGlass, as_json: bool) -> Result<ExitCode, Failure> {
    let runbook = read_runbook(&args.wish.runbook)?;
    let runner = open(&args.wish.here)?;
    let draft = drafted(&runner, &args.wish, &runbook).await?;
    crate::keys::write_private(&args.to, &draft.text)
        .map_err(|error| Failure::new(format!("`{}` cannot be written: {error}", args.to.display())))?;
    if as_json {
        render::document(&json!({"version": 1, "statement": draft.statement}));
    } else {
        render::line(&format!("wrote `{}`, good until {}", args.to.display(), draft.statement.expires_at));
        render::say(&format!("sign  ssh-keygen -Y sign -n {GLASS_NAMESPACE} -f KEY {}", args.to.display()));
    }
    Ok(ExitCode::SUCCESS)
}

async fn broken(args: &RunGlass, as_json: bool) -> Result<ExitCode, Failure> {
    let runbook = read_runbook(&args.wish.runbook)?;
    let runner = open(&args.wish.here)?;
    let (text, signature) = match (&args.statement, &args.signature, &args.key) {
        (Some(statement), Some(signature), _) => {
            // Signed a while ago: whether the plane is still away is asked again.
            plane(&runner, args.wish.plane_is_wrong.as_deref()).await?;
            (read(statement)?, read(signature)?)
        }
        (_, _, Some(key)) => {
            let draft = drafted(&runner, &args.wish, &runbook).await?;
            if !args.yes {
                confirm(&draft)?;
            }
            let signature = signed(&draft.text, key, GLASS_NAMESPACE)?;
            (draft.text, signature)
        }
        (_, _, None) => return Err(Failure::new("nothing is signed").help("name a `--key`, or a `--statement` with its `--signature`")),
    };
    let tell = |event: &Event| {
        if !as_json {
            render::say(&format!("  {}", said(event)));
        }
    };
    let end = runner.break_glass(&text, &signature, &runbook, &tell).await?;
    ended(&end, as_json);
    Ok(if matches!(end.how, Closing::Done) { ExitCode::SUCCESS } else { Exit::Error.into() })
}

fn ended(end: &GlassEnd, as_json: bool) {
    if as_json {
        render::document(&json!({
            "version": 1, "session": end.session, "emergency": end.emergency, "how": end.how, "why": end.why, "lines": end.lines,
        }));
        return;
    }
    render::line(&format!("{}  {} signed lines, as {}", end.how.word(), end.lines, end.emergency));
    if let Some(why) = &end.why {
        render::line(&format!("  {}", shown(why)));
    }
    render::say("next  lineclear breakglass reconcile, as soon as the control plane answers; a review will be open");
}

/// What happened, in a few words; what tools report stays in the journal.
fn said(event: &Event) -> String {
    match event {
        Event::Intended { attempt, .. } => {
            format!(
                "{} of `{}`, attempt {}: written down before anything acts on it",
                attempt.key.direction.word(),
                attempt.key.step,
                attempt.key.number
            )
        }
        Event::Failed { why, .. } | Event::GotStuck { why, .. } | Event::BecameUnknown { why, .. } => {
            format!("{}: {}", event.word().replace('_', " "), shown(why))
        }
        Event::Begun { .. }
        | Event::Dispatched { .. }
        | Event::Accepted { .. }
        | Event::Started { .. }
        | Event::Succeeded { .. }
        | Event::Refused { .. }
        | Event::Probed { .. }
        | Event::Retried { .. }
        | Event::Skipped { .. }
        | Event::Branched { .. }
        | Event::Turned { .. }
        | Event::Resolved { .. }
        | Event::SecondAsked { .. }
        | Event::Ended { .. } => event.word().replace('_', " "),
    }
}

fn confirm(draft: &GlassDraft) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new("nobody is at the terminal to read what would be signed").help("run it at a terminal, or say `--yes`"));
    }
    let target = draft.statement.target.to_string();
    render::line(&shown(&draft.text));
    render::say(&format!(
        "\nYou would sign this and act without the control plane; a review will follow.\nType the target's name ({target}) to go on:"
    ));
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).map_err(|error| Failure::new(error.to_string()))?;
    if typed.trim() == target { Ok(()) } else { Err(Failure::new("not done: that is not the target's name")) }
}

fn listed(here: &Here, as_json: bool) -> Result<ExitCode, Failure> {
    let sessions = open(here)?.glasses()?;
    let word = |state: SessionState| match state {
        SessionState::Drafted => "drafted",
        SessionState::Open => "open",
        SessionState::Closed => "to be told",
        SessionState::Told => "told",
    };
    if as_json {
        let all: Vec<Value> =
            sessions.iter().map(|one| json!({"session": one.session, "state": word(one.state), "lines": one.lines})).collect();
        render::document(&json!({"version": 1, "sessions": all}));
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> =
        sessions.iter().map(|one| vec![one.session.clone(), word(one.state).to_owned(), one.lines.to_string()]).collect();
    table(&["SESSION", "STATE", "LINES"], &rows);
    Ok(ExitCode::SUCCESS)
}

async fn reconciled(here: &Here, remote: &Remote, as_json: bool) -> Result<ExitCode, Failure> {
    let runner = open(here)?;
    let client = client(remote)?;
    // What a crash left is looked at first; a session that cannot be settled must not keep the others from being told.
    let mut first = runner.recover_glasses().await.err().map(Failure::from);
    let mut told = Vec::new();
    for Untold { session, journal } in runner.untold_glasses()? {
        let done = match journal {
            Ok(journal) => client.post("/api/v1/break-glass", &json!({ "journal": journal })).await.map_err(Failure::from),
            Err(refusal) => Err(refusal.into()),
        };
        match done {
            Ok(answer) => {
                runner.told_glass(&session)?;
                told.push(answer);
            }
            Err(failure) => {
                render::say(&format!("session {}: {failure}", session.session));
                first = first.or(Some(failure));
            }
        }
    }
    if as_json {
        // With a failure its own document says why; one of the two is printed.
        if first.is_none() {
            render::document(&versioned("reconciled", &json!({ "told": told })));
        }
    } else {
        for answer in &told {
            let new = if answer.get("new") == Some(&Value::Bool(true)) { "told" } else { "was told before" };
            render::line(&format!(
                "{}  {new}, {} lines; its review is open",
                text(answer, "/emergency"),
                answer.get("lines").unwrap_or(&Value::Null)
            ));
        }
        if told.is_empty() && first.is_none() {
            render::line("nothing waits to be told");
        }
    }
    first.map_or(Ok(ExitCode::SUCCESS), Err)
}
