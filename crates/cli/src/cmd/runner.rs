//! `runner`: runners on other machines, from both ends.

mod host;

use std::process::ExitCode;

use lineclear_core::RunnerId;
use serde_json::{Value, json};

use super::ask::{client, items, shown, table, text, versioned};
use crate::args::{ActOnRunner, InviteRunner, Runner};
use crate::client::Client;
use crate::exit::Failure;
use crate::render;

/// Runs a command.
///
/// # Errors
/// When nobody answers, it is refused, or a file cannot be used.
pub async fn run(command: &Runner, as_json: bool) -> Result<ExitCode, Failure> {
    match command {
        Runner::Invite(invite) => self::invite(invite, as_json).await,
        Runner::Enrol(enrol) => host::enrol(enrol, as_json).await,
        Runner::Serve(serve) => host::serve(serve).await,
        Runner::List(remote) => {
            let answer = client(remote)?.get("/api/v1/runners").await?;
            if as_json {
                render::document(&json!({"version": 1, "runners": items(&answer, "/items")}));
            } else {
                print(items(&answer, "/items"));
            }
            Ok(ExitCode::SUCCESS)
        }
        Runner::Drain(act) => self::act(act, "drain", as_json).await,
        Runner::Resume(act) => self::act(act, "resume", as_json).await,
        Runner::Revoke(act) => self::act(act, "revoke", as_json).await,
    }
}

async fn invite(args: &InviteRunner, as_json: bool) -> Result<ExitCode, Failure> {
    let answer = client(&args.remote)?.post("/api/v1/runners", &json!({"name": args.name, "labels": args.labels})).await?;
    if as_json {
        render::document(&versioned("invitation", &answer));
    } else {
        render::line(text(&answer, "/token"));
        let (name, until) = (&args.name, text(&answer, "/until"));
        render::say(&format!("lets runner `{name}` in, once, until {until}; it is not shown again"));
        render::say(&format!("on its host: lineclear runner enrol --url {} --token …", args.remote.url));
    }
    Ok(ExitCode::SUCCESS)
}

async fn act(args: &ActOnRunner, word: &str, as_json: bool) -> Result<ExitCode, Failure> {
    let client = client(&args.remote)?;
    let id = id(&client, &args.runner).await?;
    let answer = client.post(&format!("/api/v1/runners/{id}/{word}"), &json!({"reason": args.reason})).await?;
    if as_json {
        render::document(&versioned("runner", &answer));
    } else {
        render::line(&format!("{} is {}", shown(text(&answer, "/name")), text(&answer, "/state")));
        let holds = items(&answer, "/holds").len();
        if holds > 0 {
            render::line(&format!("it holds {holds} attempts"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The id behind a name; of several runners that had it, the one that is still there.
async fn id(client: &Client, name: &str) -> Result<RunnerId, Failure> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let answer = client.get("/api/v1/runners").await?;
    let all = items(&answer, "/items");
    let named = || all.iter().filter(|runner| text(runner, "/name") == name);
    let open = named().find(|runner| !matches!(text(runner, "/state"), "revoked" | "lapsed"));
    let found = open.or_else(|| named().next()).map(|runner| text(runner, "/id"));
    found
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| Failure::new(format!("there is no runner `{name}`")).help("`lineclear runner list` shows all of them"))
}

fn print(runners: &[Value]) {
    let row = |runner: &Value| {
        let text = |member: &str| shown(text(runner, member));
        let labels: Vec<&str> = items(runner, "/labels").iter().filter_map(Value::as_str).collect();
        let there = if runner.pointer("/connected") == Some(&Value::Bool(true)) { "connected" } else { "away" };
        let number = |member: &str| runner.pointer(member).filter(|value| !value.is_null()).map(Value::to_string).unwrap_or_default();
        let name = if text("/name").is_empty() { "(in this process)".into() } else { text("/name") };
        let holds = items(runner, "/holds").len().to_string();
        vec![name, text("/state"), there.into(), labels.join(","), holds, number("/head"), text("/version"), text("/heard"), text("/id")]
    };
    let header = ["RUNNER", "STATE", "THERE", "LABELS", "HOLDS", "HEAD", "VERSION", "LAST HEARD", "ID"];
    table(&header, &runners.iter().map(row).collect::<Vec<_>>());
    for runner in runners.iter().filter(|runner| runner.pointer("/token_shown_again") == Some(&Value::Bool(true))) {
        render::say(&format!(
            "warning: the token of `{}` was shown again after it was used; if that was not its owner, somebody has a copy of it",
            shown(text(runner, "/name"))
        ));
    }
}
