//! `on-call`, `page`, `incident role` and `ask-again`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::ask::{client, items, shown, table, text, versioned};
use crate::args::{OnCall, Page, RoleCommand, Show};
use crate::exit::Failure;
use crate::render;

/// Shows who is on call, or prints a rotation as a calendar.
///
/// # Errors
/// When nobody answers there, or there is no such rotation.
pub async fn on_call(args: &OnCall, as_json: bool) -> Result<ExitCode, Failure> {
    if let Some(rotation) = &args.ics {
        let calendar = client(&args.remote)?.get(&format!("/on-call/{rotation}.ics")).await?;
        render::line(calendar.as_str().unwrap_or_default().trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let path = args.at.map_or_else(|| "/api/v1/on-call".to_owned(), |at| format!("/api/v1/on-call?at={at}"));
    let answer = client(&args.remote)?.get(&path).await?;
    if as_json {
        render::document(&versioned("on_call", &answer));
        return Ok(ExitCode::SUCCESS);
    }
    let row = |line: &Value| {
        let until = Some(text(line, "/until")).filter(|until| !until.is_empty()).unwrap_or("for ever");
        vec![shown(text(line, "/rotation")), people(line, "/people"), until.to_owned(), people(line, "/next"), shown(text(line, "/title"))]
    };
    let rows: Vec<Vec<String>> = items(&answer, "/rotations").iter().map(row).collect();
    table(&["ROTATION", "ON CALL", "UNTIL", "THEN", "WHAT"], &rows);
    Ok(ExitCode::SUCCESS)
}

fn people(line: &Value, pointer: &str) -> String {
    let names: Vec<&str> = items(line, pointer).iter().filter_map(Value::as_str).collect();
    if names.is_empty() { "nobody".into() } else { shown(&names.join(", ")) }
}

/// Lists, shows, answers and hands over pages.
///
/// # Errors
/// When nobody answers there, or it is refused.
pub async fn run(page: &Page, as_json: bool) -> Result<ExitCode, Failure> {
    let view = match page {
        Page::List { all, remote } => {
            let answer = client(remote)?.get(if *all { "/api/v1/pages" } else { "/api/v1/pages?open=true" }).await?;
            if as_json {
                render::document(&versioned("pages", &answer));
                return Ok(ExitCode::SUCCESS);
            }
            let row = |line: &Value| ["/id", "/state", "/begun", "/title"].map(|member| shown(text(line, member))).to_vec();
            let rows: Vec<Vec<String>> = items(&answer, "/items").iter().map(row).collect();
            table(&["PAGE", "STATE", "BEGUN", "HOW"], &rows);
            return Ok(ExitCode::SUCCESS);
        }
        Page::Show { page, remote } => client(remote)?.get(&address(page)).await?,
        Page::Ack { page, remote } => {
            let answer = client(remote)?.post(&format!("{}/acknowledge", address(page)), &Value::Null).await?;
            if !as_json && text(&answer, "/answered") == "too_late" {
                render::say("too late: somebody else has it, or it is over; that you answered is on record");
            }
            answer.get("page").cloned().unwrap_or(answer)
        }
        Page::HandOver { page, to, reason, remote } => {
            client(remote)?.post(&format!("{}/hand-over", address(page)), &json!({"to": to, "reason": reason})).await?
        }
    };
    if as_json {
        render::document(&versioned("page", &view));
    } else {
        tell(&view);
    }
    Ok(ExitCode::SUCCESS)
}

/// The page of what is named: an incident or a request has the same digits.
fn address(named: &str) -> String {
    let digits = named.rsplit('_').next().unwrap_or(named);
    format!("/api/v1/pages/page_{digits}")
}

fn tell(view: &Value) {
    render::line(&format!("{} is {}", text(view, "/page/id"), text(view, "/word")));
    let holder = text(view, "/holder");
    if holder.is_empty() {
        render::line(&format!("asked   {} ({})", people(view, "/asked"), shown(text(view, "/step"))));
    } else {
        render::line(&format!("answered by {}", shown(holder)));
    }
    let climbs = text(view, "/climbs");
    if !climbs.is_empty() {
        render::line(&format!("climbs  to {} at {climbs}", people(view, "/next")));
    }
    for moment in items(view, "/timeline") {
        render::line(&format!("  {}  {}", text(moment, "/at"), shown(text(moment, "/says"))));
    }
}

/// Takes, hands over or leaves a role; the incident as it stands then.
///
/// # Errors
/// When nobody answers there, or it is refused.
pub async fn role(command: &RoleCommand) -> Result<Value, Failure> {
    let (incident, remote, body) = match command {
        RoleCommand::Take { incident, role, reason, remote } => (incident, remote, json!({"role": role, "act": "take", "reason": reason})),
        RoleCommand::HandOver { incident, role, to, remote } => (incident, remote, json!({"role": role, "act": "hand_over", "to": to})),
        RoleCommand::Leave { incident, role, remote } => (incident, remote, json!({"role": role, "act": "leave"})),
    };
    Ok(client(remote)?.post(&format!("/api/v1/incidents/{incident}/roles"), &body).await?)
}

/// Asks again what lapsed unanswered.
///
/// # Errors
/// When it did not lapse, or is another agent's.
pub async fn ask_again(args: &Show, as_json: bool) -> Result<ExitCode, Failure> {
    let view = client(&args.remote)?.post(&format!("/api/v1/changes/{}/ask-again", args.change), &Value::Null).await?;
    if as_json {
        render::document(&versioned("change", &view));
    } else {
        render::line(&format!("{} asks again what {} asked", text(&view, "/change/id"), args.change));
    }
    Ok(ExitCode::SUCCESS)
}
