//! `incident`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::ask::{client, items, shown, table, text, versioned};
use crate::args::Incident;
use crate::exit::Failure;
use crate::render;

/// Lists, shows, takes and closes incidents.
///
/// # Errors
/// When nobody answers, or it is refused.
pub async fn run(incident: &Incident, as_json: bool) -> Result<ExitCode, Failure> {
    let answer = match incident {
        Incident::List(remote) => {
            let page = client(remote)?.get("/api/v1/incidents").await?;
            if !as_json {
                let row = |line: &Value| ["/id", "/state", "/begun", "/title"].map(|member| shown(text(line, member))).to_vec();
                let rows: Vec<Vec<String>> = items(&page, "/items").iter().map(row).collect();
                table(&["INCIDENT", "STATE", "OPENED", "WHAT"], &rows);
                return Ok(ExitCode::SUCCESS);
            }
            page
        }
        Incident::Show { incident, remote } => client(remote)?.get(&format!("/api/v1/incidents/{incident}")).await?,
        Incident::Ack { incident, remote } => {
            client(remote)?.post(&format!("/api/v1/incidents/{incident}/acknowledge"), &Value::Null).await?
        }
        Incident::Role(command) => super::pages::role(command).await?,
        Incident::Close { incident, reason, remote } => {
            client(remote)?.post(&format!("/api/v1/incidents/{incident}/close"), &json!({"reason": reason})).await?
        }
    };
    if as_json {
        render::document(&versioned("incident", &answer));
        return Ok(ExitCode::SUCCESS);
    }
    render::line(&format!(
        "{}  {}  severity {}",
        text(&answer, "/id"),
        text(&answer, "/state"),
        answer.get("severity").unwrap_or(&Value::Null)
    ));
    render::line(&format!("  {}", shown(text(&answer, "/title"))));
    let signals = answer.get("signals").and_then(Value::as_object).into_iter().flat_map(serde_json::Map::values);
    for kept in signals {
        render::line(&format!("  {}  {}  {}", text(kept, "/at"), text(kept, "/signal/state"), shown(text(kept, "/signal/title"))));
    }
    Ok(ExitCode::SUCCESS)
}
