//! `emergency`: declared, ended and reviewed by people.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::ask::{client, items, shown, table, text, versioned};
use crate::args::{DeclareEmergency, Emergency};
use crate::exit::Failure;
use crate::render;

/// Declares, ends, lists, shows and reviews emergencies.
///
/// # Errors
/// When nobody answers, or it is refused.
pub async fn run(command: &Emergency, as_json: bool) -> Result<ExitCode, Failure> {
    let answer = match command {
        Emergency::Declare(declare) => declared(declare).await?,
        Emergency::End { emergency, reason, remote } => {
            client(remote)?.post(&format!("/api/v1/emergencies/{emergency}/end"), &json!({"reason": reason})).await?
        }
        Emergency::Review { emergency, findings, remote } => {
            client(remote)?.post(&format!("/api/v1/emergencies/{emergency}/review"), &json!({"findings": findings})).await?
        }
        Emergency::Show { emergency, remote } => client(remote)?.get(&format!("/api/v1/emergencies/{emergency}")).await?,
        Emergency::List { open, remote } => {
            let page = client(remote)?.get(if *open { "/api/v1/emergencies?open=true" } else { "/api/v1/emergencies" }).await?;
            if as_json {
                render::document(&versioned("emergencies", &page));
            } else {
                let row = |line: &Value| ["/id", "/state", "/begun", "/title"].map(|member| shown(text(line, member))).to_vec();
                let rows: Vec<Vec<String>> = items(&page, "/items").iter().map(row).collect();
                table(&["EMERGENCY", "STATE", "BEGUN", "WHAT"], &rows);
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    if as_json {
        render::document(&versioned("emergency", &answer));
        return Ok(ExitCode::SUCCESS);
    }
    render::line(&format!("{}  {}  by {}", text(&answer, "/id"), text(&answer, "/word"), shown(text(&answer, "/name"))));
    render::line(&format!("  {}", shown(text(&answer, "/justification"))));
    render::line(&format!("  from {} until {} at the longest", text(&answer, "/begun"), text(&answer, "/until")));
    for moment in items(&answer, "/timeline") {
        render::line(&format!("  {}  {}", text(moment, "/at"), shown(text(moment, "/says"))));
    }
    if text(&answer, "/word") == "in_review" {
        render::say(&format!("next  somebody else: lineclear emergency review {} --findings TEXT", text(&answer, "/id")));
    }
    Ok(ExitCode::SUCCESS)
}

async fn declared(declare: &DeclareEmergency) -> Result<Value, Failure> {
    let scope = if declare.estate { "estate" } else { "services" };
    let mut body = json!({
        "justification": declare.justification, "scope": scope, "services": declare.services, "lasts_s": declare.minutes * 60,
    });
    if let (Some(incident), Some(members)) = (&declare.incident, body.as_object_mut()) {
        members.insert("incident".into(), json!(incident));
    }
    Ok(client(&declare.remote)?.post("/api/v1/emergencies", &body).await?)
}
