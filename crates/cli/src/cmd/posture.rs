//! `posture`: the autonomy that remains.

use std::process::ExitCode;

use serde_json::json;

use super::ask::{client, text, versioned};
use crate::args::PostureCommand;
use crate::exit::Failure;
use crate::render;

/// Shows or sets it.
///
/// # Errors
/// When nobody answers, or it is refused.
pub async fn run(command: &PostureCommand, as_json: bool) -> Result<ExitCode, Failure> {
    let answer = match command {
        PostureCommand::Show(remote) => client(remote)?.get("/api/v1/posture").await?,
        PostureCommand::Set { posture, reason, remote } => {
            client(remote)?.put("/api/v1/posture", &json!({"posture": posture, "reason": reason})).await?
        }
    };
    if as_json {
        render::document(&versioned("installation", &answer));
    } else {
        render::line(&format!("{}  since {}", text(&answer, "/posture"), text(&answer, "/since")));
        render::line(&format!("estate {}", text(&answer, "/estate")));
    }
    Ok(ExitCode::SUCCESS)
}
