//! `runbook draft`: drafted runbooks of a running installation.

use std::process::ExitCode;

use lineclear_core::patch::TEXT_MAX;
use serde_json::{Value, json};

use crate::args::Draft;
use crate::cmd::ask::{client, items, shown, table, text, versioned};
use crate::exit::Failure;
use crate::render;

/// Offers, lists, shows, takes up and declines drafts.
///
/// # Errors
/// When nobody answers, or it is refused.
pub(super) async fn run(command: &Draft, as_json: bool) -> Result<ExitCode, Failure> {
    let at = |draft: &str| format!("/api/v1/runbooks/drafts/{draft}");
    let view = match command {
        Draft::Offer { file, note, remote } => {
            let body = json!({ "text": read(file)?, "note": note });
            let kept = client(remote)?.post("/api/v1/runbooks/drafts", &body).await?;
            kept.get("view").cloned().unwrap_or(Value::Null)
        }
        Draft::List(remote) => {
            let page = client(remote)?.get("/api/v1/runbooks/drafts").await?;
            if as_json {
                render::document(&versioned("drafts", &page));
            } else {
                let row = |line: &Value| ["/id", "/state", "/begun", "/title"].map(|member| shown(text(line, member))).to_vec();
                let rows: Vec<Vec<String>> = items(&page, "/items").iter().map(row).collect();
                table(&["DRAFT", "STATE", "OFFERED", "WHAT"], &rows);
            }
            return Ok(ExitCode::SUCCESS);
        }
        Draft::Show { draft, remote } => client(remote)?.get(&at(draft)).await?,
        Draft::TakeUp { draft, remote } => {
            let answer = client(remote)?.post(&format!("{}/take-up", at(draft)), &Value::Null).await?;
            if as_json {
                render::document(&versioned("taken_up", &answer));
            } else {
                render::line(text(&answer, "/revision"));
                render::say(&format!("proposed  {}", text(&answer, "/url")));
            }
            return Ok(ExitCode::SUCCESS);
        }
        Draft::Decline { draft, reason, remote } => {
            client(remote)?.post(&format!("{}/decline", at(draft)), &json!({ "reason": reason })).await?
        }
    };
    if as_json {
        render::document(&versioned("draft", &view));
    } else {
        tell(&view);
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &std::path::Path) -> Result<String, Failure> {
    let fault = |why: &dyn std::fmt::Display| Failure::new(format!("`{}` cannot be offered: {why}", file.display()));
    let size = std::fs::metadata(file).map_err(|error| fault(&error))?.len();
    if size > u64::try_from(TEXT_MAX).unwrap_or(u64::MAX) {
        return Err(fault(&format!("it has more than {} KiB", TEXT_MAX / 1024)));
    }
    std::fs::read_to_string(file).map_err(|error| fault(&error))
}

fn tell(view: &Value) {
    let (patch, review) = ("/patch", "/patch/review");
    let at = |under: &str, member: &str| shown(text(view, &format!("{under}{member}")));
    render::line(&format!("{}  {}  runbook {}, team {}", at(patch, "/id"), at("", "/word"), at(review, "/runbook"), at(review, "/owner")));
    for test in items(view, "/patch/review/tests") {
        match text(test, "/fault") {
            "" => render::line(&format!("  holds  {}", shown(text(test, "/name")))),
            fault => render::line(&format!("  fails  {}: {}", shown(text(test, "/name")), shown(fault))),
        }
        for line in items(test, "/plan") {
            render::line(&format!("         {}", shown(line.as_str().unwrap_or_default())));
        }
    }
    for warning in items(view, "/patch/review/warnings") {
        render::line(&format!("  careless  {}", shown(warning.as_str().unwrap_or_default())));
    }
}
