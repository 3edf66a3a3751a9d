//! The ending: the decision record, an export of the ledger, and its verification against a head that somebody else kept.

use std::process::ExitCode;

use lineclear_core::ChangeId;
use lineclear_ledger::{Status, verify_export};
use serde_json::{Value, json};

use super::{DemoError, Play, Scene, Teller};
use crate::export::export;

/// Proves what happened. Attended, it then stays until it is interrupted.
///
/// # Errors
/// When a record is incomplete or the ledger does not verify.
pub async fn prove(scene: &Scene, play: &Play, teller: &Teller, changes: &[ChangeId]) -> Result<ExitCode, DemoError> {
    teller.chapter("5  The proof");
    let engine = &scene.house.engine;
    let failed = |error: lineclear_engine::EngineError| DemoError::Story(error.to_string());
    // A reader keeps a head now; the export has to contain it later.
    let kept = engine.store().head().await.map_err(|error| DemoError::Proof(error.to_string()))?.note;
    let mut records = Vec::new();
    for change in changes {
        let record = engine.decision_record(*change).await.map_err(failed)?;
        records.push(serde_json::to_value(&record).map_err(|error| DemoError::Proof(error.to_string()))?);
    }
    let directory = scene.stage.place.data.join("export");
    export(&**engine.store(), engine.log(), &directory).await.map_err(|error| DemoError::Proof(error.to_string()))?;
    let trust = [engine.log().clone()];
    let report = verify_export(&directory, &trust, &[kept]);
    let verified = report.status() == Status::ValidWitnessed;
    let ledger = json!({
        "status": report.status().to_string(), "entries": report.entries, "findings": report.findings.len(),
        "command": format!("{} ledger verify {}", program(), directory.display()),
    });
    if play.json {
        let document = json!({"version": 1, "simulated": true, "records": records, "ledger": ledger});
        Teller::document(&document);
    } else {
        if let Some(record) = records.last() {
            teller.say(&serde_json::to_string_pretty(record).unwrap_or_default());
        }
        teller.say(&format!("\n  ledger verify: {} ({} entries)", report.status(), report.entries));
    }
    if !verified {
        return Err(DemoError::Proof(format!("{}: {}", report.status(), findings(&report))));
    }
    if !play.unattended {
        teller.say("\n  Everything stays up until you press Ctrl-C. Try `lineclear ledger verify` on the export:");
        teller.say(&format!("    {}", ledger.get("command").and_then(Value::as_str).unwrap_or_default()));
        // Without a signal handler the process ends by the signal itself.
        let _ = tokio::signal::ctrl_c().await;
    }
    Ok(ExitCode::SUCCESS)
}

/// This program, as it can be called again.
fn program() -> String {
    std::env::current_exe().map_or_else(|_| "lineclear".into(), |path| path.display().to_string())
}

fn findings(report: &lineclear_ledger::Report) -> String {
    report.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
