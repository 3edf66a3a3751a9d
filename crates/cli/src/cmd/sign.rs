//! `approve` and `reject`: a person sees what is asked, and signs its digest with a key that never leaves this machine.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use lineclear_core::statement::SSH_NAMESPACE;
use serde_json::{Value, json};

use super::ask::{client, text, versioned};
use super::change::{evidence, heading, plan};
use crate::args::{Approve, Reject, Remote};
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::render;

/// Approves a change.
///
/// # Errors
/// When the person does not confirm, the key cannot sign, or the vote counts for nothing.
pub async fn approve(args: &Approve, as_json: bool) -> Result<ExitCode, Failure> {
    let client = client(&args.remote)?;
    let view = client.get(&format!("/api/v1/changes/{}", args.change)).await?;
    // What was on the screen is what is signed, whatever is asked by the time somebody has read it.
    let shown = text(&view, "/approval/request/digest").to_owned();
    if !args.yes {
        confirm(&view)?;
    }
    let (path, about) = (format!("/api/v1/changes/{}", args.change), ("/change", args.change.as_str()));
    let cast = vote(&client, &path, about, "approve", &args.reason, args.key.as_deref(), Some(&shown)).await?;
    told(&args.remote, &args.change, &cast, as_json);
    Ok(if text(&cast, "/state") == "open" { Exit::Waiting.into() } else { ExitCode::SUCCESS })
}

/// Rejects a change; as cheap as approving it.
///
/// # Errors
/// When the vote counts for nothing.
pub async fn reject(args: &Reject, as_json: bool) -> Result<ExitCode, Failure> {
    let client = client(&args.remote)?;
    let (path, about) = (format!("/api/v1/changes/{}", args.change), ("/change", args.change.as_str()));
    let cast = vote(&client, &path, about, "reject", &args.reason, args.key.as_deref(), None).await?;
    told(&args.remote, &args.change, &cast, as_json);
    Ok(ExitCode::SUCCESS)
}

fn told(remote: &Remote, change: &str, cast: &Value, as_json: bool) {
    if as_json {
        render::document(&versioned("vote", cast));
        return;
    }
    let count = |member: &str| cast.get(member).and_then(Value::as_u64).unwrap_or_default();
    render::line(&format!("{change}: {} ({} of {} people)", text(cast, "/state"), count("people"), count("needed")));
    render::say(&format!("next  lineclear show {change} --url {}", remote.url));
}

/// Shows what is asked, and asks for the target's name: nobody signs what they have not read.
fn confirm(view: &Value) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new("nobody is at the terminal to read what would be signed")
            .help("run it at a terminal, or say `--yes` when a person has seen the change elsewhere"));
    }
    heading(view);
    evidence(view);
    plan(view);
    let digest = text(view, "/approval/request/digest");
    let target = text(view, "/change/proposal/target");
    render::say(&format!("\nYou would sign {digest}\nType the target's name ({target}) to approve:"));
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).map_err(|error| Failure::new(error.to_string()))?;
    if typed.trim() == target { Ok(()) } else { Err(Failure::new("not approved: that is not the target's name")) }
}

/// Casts a vote on what is found at `path`: `about` is the statement's member that names it, and the name.
///
/// # Errors
/// When what is asked is not what was shown, the key cannot sign, or the vote counts for nothing.
pub(super) async fn vote(
    client: &Client,
    path: &str,
    about: (&str, &str),
    decision: &str,
    reason: &str,
    key: Option<&Path>,
    shown: Option<&str>,
) -> Result<Value, Failure> {
    let request = client.get(&format!("{path}/request")).await?;
    if shown.is_some_and(|shown| shown.is_empty() || shown != text(&request, "/request/digest")) {
        return Err(Failure::new("what is asked now is not what was shown; nothing was signed").help("look at it again, and decide again"));
    }
    let approval = text(&request, "/request/id").to_owned();
    let asked = json!({"decision": decision, "reason": reason});
    let answer = client.post(&format!("/api/v1/approvals/{approval}/statement"), &asked).await?;
    let statement = text(&answer, "/statement");
    check(statement, about, text(&request, "/request/digest"), decision)?;
    let signature = match key {
        Some(key) => json!({"grade": "ssh", "armored": signed(statement, key, SSH_NAMESPACE)?}),
        None => json!({"grade": "session"}),
    };
    Ok(client.post(&format!("/api/v1/approvals/{approval}/votes"), &json!({"statement": statement, "signature": signature})).await?)
}

/// What comes back to be signed must be what was shown.
fn check(statement: &str, (member, id): (&str, &str), digest: &str, decision: &str) -> Result<(), Failure> {
    let said: Value =
        serde_json::from_str(statement).map_err(|_| Failure::new("the server's statement cannot be read; nothing was signed"))?;
    let same = text(&said, member) == id && text(&said, "/bundle_digest") == digest && text(&said, "/decision") == decision;
    if same { Ok(()) } else { Err(Failure::new("the server's statement is not about what was asked; nothing was signed")) }
}

/// Signs with OpenSSH's own tool, so that agents, passphrases and hardware keys work as people know them.
///
/// # Errors
/// When `ssh-keygen` cannot.
pub(super) fn signed(statement: &str, key: &Path, namespace: &str) -> Result<String, Failure> {
    let failed =
        |why: String| Failure::new(format!("`ssh-keygen` could not sign: {why}")).help("`ssh-keygen -Y sign` must work with this key");
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-q", "-n", namespace, "-f"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(statement.as_bytes()).map_err(|error| failed(error.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    String::from_utf8(output.stdout).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests;
