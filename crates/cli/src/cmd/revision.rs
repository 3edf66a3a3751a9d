//! Versions of the estate at a running installation: proposed, read, signed, brought into force.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use reqwest::Method;
use serde_json::{Value, json};

use super::ask::{client, items, shown, table, text, versioned};
use super::sign::vote;
use crate::args::{Activate, ApproveRevision, ProposeEstate, RejectRevision, Remote, Revisions, ShowRevision, WithdrawRevision};
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::render;

/// Where they are.
const PATH: &str = "/api/v1/estate/revisions";
/// Asks the server to wait until there is something to say.
const WAIT: (&str, &str) = ("prefer", "wait=50");
/// How often a proposal is looked at while it is examined, 50 seconds each: as long as an examination may take, and some.
const LOOKS_MAX: usize = 15;

/// Proposes a directory as the estate, and waits until it was examined.
///
/// # Errors
/// When the directory cannot be read, nobody answers, or it is refused.
pub async fn propose(args: &ProposeEstate, as_json: bool) -> Result<ExitCode, Failure> {
    let client = client(&args.remote)?;
    let body = json!({"files": files(args)?, "note": args.note});
    let taken = client.post(PATH, &body).await?;
    let revision = text(&taken, "/id").to_owned();
    render::say(&format!("{revision} is recorded; it is being examined, which may take a minute"));
    let view = examined(&client, &revision).await?;
    if as_json {
        render::document(&versioned("revision", &view));
    } else {
        tell(&view, &args.remote);
    }
    Ok(exit_of(text(&view, "/word")).into())
}

fn files(args: &ProposeEstate) -> Result<BTreeMap<String, String>, Failure> {
    let directory = &args.directory;
    let cannot = |why: String| Failure::new(format!("the directory `{}` cannot be sent: {why}", directory.display()));
    let read = lineclear_estate::read_files(directory).map_err(|error| cannot(error.to_string()))?;
    let one = |(path, bytes): (String, Vec<u8>)| match String::from_utf8(bytes) {
        Ok(text) => Ok((path, text)),
        Err(_) => Err(cannot(format!("`{path}` is not UTF-8"))),
    };
    read.into_iter().map(one).collect()
}

async fn examined(client: &Client, revision: &str) -> Result<Value, Failure> {
    let mut view = Value::Null;
    for _ in 0..LOOKS_MAX {
        view = client.ask(Method::GET, &format!("{PATH}/{revision}"), None, &[WAIT]).await?;
        if text(&view, "/word") != "proposed" {
            break;
        }
    }
    Ok(view)
}

/// The exit code that tells a script where a proposed version stands.
fn exit_of(word: &str) -> Exit {
    match word {
        "unfit" | "rejected" | "withdrawn" => Exit::Refused,
        "lapsed" => Exit::Lapsed,
        "proposed" | "awaiting_approval" | "granted" => Exit::Waiting,
        _ => Exit::Done,
    }
}

/// Lists proposed versions.
///
/// # Errors
/// When nobody answers, or it is refused.
pub async fn list(args: &Revisions, as_json: bool) -> Result<ExitCode, Failure> {
    let client = client(&args.remote)?;
    let answer = client.get(&format!("{PATH}?limit={}", args.limit)).await?;
    let in_force = client.get("/api/v1/estate").await?;
    if as_json {
        render::document(&json!({"version": 1, "in_force": in_force, "revisions": answer.get("items"), "next": answer.get("next")}));
        return Ok(ExitCode::SUCCESS);
    }
    render::line(&format!("in force  {}  {}", text(&in_force, "/digest"), shown(text(&in_force, "/title"))));
    let row = |line: &Value| ["/id", "/state", "/begun", "/title"].map(|member| text(line, member).to_owned()).to_vec();
    let rows: Vec<Vec<String>> = items(&answer, "/items").iter().map(row).collect();
    table(&["REVISION", "STATE", "PROPOSED", "WHAT"], &rows);
    if rows.is_empty() {
        render::say("nothing was proposed here");
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows a proposed version: what it opens first.
///
/// # Errors
/// When nobody answers, or there is none.
pub async fn show(args: &ShowRevision, as_json: bool) -> Result<ExitCode, Failure> {
    let client = client(&args.remote)?;
    let view = client.get(&format!("{PATH}/{}", args.revision)).await?;
    let difference = if args.diff { client.get(&format!("{PATH}/{}/difference", args.revision)).await? } else { Value::Null };
    if as_json {
        let mut document = versioned("revision", &view);
        if let Some(members) = document.as_object_mut().filter(|_| args.diff) {
            members.insert("difference".into(), difference);
        }
        render::document(&document);
        return Ok(ExitCode::SUCCESS);
    }
    tell(&view, &args.remote);
    for file in items(&difference, "") {
        render::line(&format!("\n{} ({})", text(file, "/path"), text(file, "/how")));
        render::line(&shown(text(file, "/text")));
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything that is to be said of a proposed version, what it opens first.
fn tell(view: &Value, remote: &Remote) {
    let revision = view.pointer("/revision").unwrap_or(&Value::Null);
    let id = text(revision, "/id");
    render::line(&format!("\x1b[1m{id}\x1b[0m  {}", text(view, "/word")));
    render::line(&format!("  estate   {}", text(revision, "/estate")));
    render::line(&format!("  instead  {}", text(revision, "/base")));
    render::line(&format!("  by       {}  “{}”", text(revision, "/by"), shown(text(revision, "/note"))));
    let Some(report) = revision.get("report").filter(|report| !report.is_null()) else {
        render::say("it has not been examined yet");
        return;
    };
    changes(report);
    findings(report);
    for obstacle in items(view, "/obstacles").iter().filter_map(Value::as_str) {
        render::line(&format!("  \x1b[31munfit\x1b[0m    {}", shown(obstacle)));
    }
    next(view, id, remote);
}

fn changes(report: &Value) {
    let kinds = |head: &str, pointer: &str| {
        for kind in items(report, pointer) {
            render::line(&format!("  {head}  {}\n           {}", text(kind, "/environment"), shown(text(kind, "/sentence"))));
        }
    };
    kinds("\x1b[31mopens\x1b[0m  ", "/opened");
    kinds("closes ", "/closed");
    for one in items(report, "/beside") {
        let widens = one.get("widens").and_then(Value::as_bool).unwrap_or_default();
        render::line(&format!("  {}  {}", if widens { "\x1b[31mmoves\x1b[0m  " } else { "moves  " }, shown(text(one, "/says"))));
    }
    for file in items(report, "/files") {
        render::line(&format!("  {:<7}  {}", text(file, "/how"), text(file, "/path")));
    }
}

fn findings(report: &Value) {
    let obligations = items(report, "/proofs/obligations");
    let proved = obligations.iter().filter(|one| text(one, "/status") == "proved").count();
    let cases = report.pointer("/cases/total").and_then(Value::as_u64).unwrap_or_default();
    let failed = items(report, "/cases/failed").len();
    let (opened, closed) = (items(report, "/opened").len(), items(report, "/closed").len());
    render::line(&format!("  {opened} kinds of request open, {closed} close; {cases} stories told, {failed} come out another way"));
    render::line(&format!("  {proved} of {} obligations proved (checked by an SMT solver)", obligations.len()));
}

fn next(view: &Value, id: &str, remote: &Remote) {
    let at = format!("--url {}", remote.url);
    match text(view, "/word") {
        "awaiting_approval" => {
            let needs = view.pointer("/approval/request/needs").unwrap_or(&Value::Null);
            let humans = needs.get("humans").and_then(Value::as_u64).unwrap_or_default();
            let roles: Vec<&str> = items(needs, "/roles").iter().filter_map(Value::as_str).collect();
            let (rung, grade, until) = (text(needs, "/rung"), text(needs, "/grade"), text(view, "/approval/request/until"));
            render::line(&format!("  asked    `{rung}`: {humans} people, among them {}, grade {grade}, until {until}", roles.join(", ")));
            for team in needs.get("reviews").and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys) {
                render::line(&format!("  review   somebody of team `{team}`, whose runbooks change"));
            }
            render::say(&format!("next  lineclear estate approve {id} --key FILE {at}"));
        }
        "granted" => render::say(&format!("next  lineclear estate activate {id} {at}")),
        _ => {}
    }
}

/// Approves a proposed version.
///
/// # Errors
/// When the person does not confirm, the key cannot sign, or the vote counts for nothing.
pub async fn approve(args: &ApproveRevision, as_json: bool) -> Result<ExitCode, Failure> {
    let client = client(&args.remote)?;
    let path = format!("{PATH}/{}", args.revision);
    let view = client.get(&path).await?;
    let digest = text(&view, "/approval/request/digest").to_owned();
    if !args.yes {
        confirm(&view, &args.remote)?;
    }
    let about = ("/revision", args.revision.as_str());
    let cast = vote(&client, &path, about, "approve", &args.reason, args.key.as_deref(), Some(&digest)).await?;
    told(&args.revision, &cast, as_json);
    Ok(if text(&cast, "/state") == "open" { Exit::Waiting.into() } else { ExitCode::SUCCESS })
}

/// Shows what is asked, and asks for the first digits of the estate: nobody signs what they have not read.
fn confirm(view: &Value, remote: &Remote) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new("nobody is at the terminal to read what would be signed")
            .help("run it at a terminal, or say `--yes` when a person has read the report elsewhere"));
    }
    tell(view, remote);
    let estate: String = text(view, "/revision/estate").trim_start_matches("sha256:").chars().take(8).collect();
    let digest = text(view, "/approval/request/digest");
    render::say(&format!("\nYou would sign {digest}\nType the first 8 digits of the estate ({estate}) to approve it:"));
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).map_err(|error| Failure::new(error.to_string()))?;
    if typed.trim() == estate { Ok(()) } else { Err(Failure::new("not approved: that is not the estate")) }
}

/// Rejects a proposed version.
///
/// # Errors
/// When the vote counts for nothing.
pub async fn reject(args: &RejectRevision, as_json: bool) -> Result<ExitCode, Failure> {
    let client = client(&args.remote)?;
    let about = ("/revision", args.revision.as_str());
    let path = format!("{PATH}/{}", args.revision);
    let cast = vote(&client, &path, about, "reject", &args.reason, args.key.as_deref(), None).await?;
    told(&args.revision, &cast, as_json);
    Ok(ExitCode::SUCCESS)
}

fn told(revision: &str, cast: &Value, as_json: bool) {
    if as_json {
        render::document(&versioned("vote", cast));
        return;
    }
    let count = |member: &str| cast.get(member).and_then(Value::as_u64).unwrap_or_default();
    render::line(&format!("{revision}: {} ({} of {} people)", text(cast, "/state"), count("people"), count("needed")));
}

/// Brings a granted version into force.
///
/// # Errors
/// When it is not granted, or another version came into force meanwhile.
pub async fn activate(args: &Activate, as_json: bool) -> Result<ExitCode, Failure> {
    act(&args.remote, &args.revision, "activate", None, as_json).await
}

/// Takes a proposed version back.
///
/// # Errors
/// When it has ended, or no reason is given.
pub async fn withdraw(args: &WithdrawRevision, as_json: bool) -> Result<ExitCode, Failure> {
    act(&args.remote, &args.revision, "withdraw", Some(&json!({"reason": args.reason})), as_json).await
}

async fn act(remote: &Remote, revision: &str, what: &str, body: Option<&Value>, as_json: bool) -> Result<ExitCode, Failure> {
    let view = client(remote)?.ask(Method::POST, &format!("{PATH}/{revision}/{what}"), body, &[]).await?;
    if as_json {
        render::document(&versioned("revision", &view));
    } else {
        render::line(&format!("{revision} is {}, estate {}", text(&view, "/word"), text(&view, "/revision/estate")));
    }
    Ok(ExitCode::SUCCESS)
}
