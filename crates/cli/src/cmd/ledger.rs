//! `ledger`: verifying without us, exporting, keeping heads.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lineclear_ledger::{Status, Verifier, verify_export};
use lineclear_store::Sqlite;
use serde_json::{Value, json};

use super::ask::client;
use super::serve::load;
use crate::args::Ledger;
use crate::exit::{Exit, Failure};
use crate::export::export;
use crate::house::Place;
use crate::render;

/// The largest file that is read here: a ticket, a note, a list of keys.
const FILE_MAX: u64 = 64 * 1024;

/// Verifies, exports, or prints the head.
///
/// # Errors
/// When a file cannot be read, or the store fails.
pub async fn run(command: &Ledger, as_json: bool) -> Result<ExitCode, Failure> {
    match command {
        Ledger::Verify { directory, trust, kept } => verify(directory, trust, kept, as_json),
        Ledger::Export { directory, data, estate } => write(directory, data, estate, as_json).await,
        Ledger::Head(remote) => {
            let note = client(remote)?.get("/api/v1/ledger/checkpoint").await?;
            let note = note.as_str().unwrap_or_default();
            if as_json {
                render::document(&json!({"version": 1, "checkpoint": note}));
            } else {
                render::line(note.trim_end_matches('\n'));
                render::say("keep it; `lineclear ledger verify DIR --kept FILE` compares an export with it");
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let bad = |why: String| Failure::new(format!("`{}` cannot be read: {why}", path.display()));
    let found = std::fs::metadata(path).map_err(|error| bad(error.to_string()))?;
    if found.len() > FILE_MAX {
        return Err(bad("it is too large".into()));
    }
    std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))
}

fn verifiers(trust: &[String]) -> Result<Vec<Verifier>, Failure> {
    let mut keys = Vec::new();
    for given in trust {
        let text = if Path::new(given).is_file() { read(Path::new(given))? } else { given.clone() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let vkey = line.strip_prefix("log ").unwrap_or(line);
            keys.push(Verifier::parse(vkey).map_err(|error| Failure::new(format!("`{vkey}` is no verifier key: {error}")))?);
        }
    }
    Ok(keys)
}

fn verify(directory: &Path, trust: &[String], kept: &[PathBuf], as_json: bool) -> Result<ExitCode, Failure> {
    let trust = verifiers(trust)?;
    let kept = kept.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let report = verify_export(directory, &trust, &kept);
    let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    if as_json {
        render::document(&json!({
            "version": 1, "status": report.status().to_string(), "entries": report.entries, "findings": findings,
            "trusted_key_given": !trust.is_empty(), "kept_heads": kept.len(),
        }));
    } else {
        render::line(&format!("{}: {} entries", report.status(), report.entries));
        for finding in &findings {
            render::line(&format!("  {finding}"));
        }
        if trust.is_empty() {
            render::say("note  the export's own key was believed; `--trust VKEY` checks it against one that you hold");
        }
        if kept.is_empty() {
            render::say("note  without `--kept` a cut or rebuilt log that its key holder signed looks valid");
        }
    }
    Ok(match report.status() {
        Status::ValidWitnessed | Status::ValidUnwitnessed => ExitCode::SUCCESS,
        Status::Incomplete | Status::Tampered | Status::Unverifiable => Exit::Invalid.into(),
    })
}

async fn write(directory: &Path, data: &Path, estate: &Path, as_json: bool) -> Result<ExitCode, Failure> {
    let place = Place { data: data.to_owned() };
    let origin = load(estate)?.estate.origin.clone();
    let verifier = place.log_key(&origin)?.verifier();
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("no export: {error}"));
    // A copy first: the export must not move while it is read, and the installation may be running.
    let copy = data.join("export.tmp.db");
    Sqlite::copy(&place.database(), &verifier, &copy).map_err(|error| failed(&error))?;
    let written = async {
        let store = Sqlite::open(&copy, place.log_key(&origin)?).map_err(|error| failed(&error))?;
        export(&store, &verifier, directory).await.map_err(|error| failed(&error))
    }
    .await;
    for end in ["", "-wal", "-shm", ".lock"] {
        // What is left of the copy is untidy and nothing worse.
        let _ = std::fs::remove_file(format!("{}{end}", copy.display()));
    }
    let written = written?;
    let document: Value = json!({
        "version": 1, "directory": directory, "entries": written.checkpoint.size, "payloads": written.payloads,
        "payloads_absent": written.payloads_absent, "vkey": verifier.to_string(),
    });
    if as_json {
        render::document(&document);
    } else {
        render::line(&format!("{} entries and {} payloads in `{}`", written.checkpoint.size, written.payloads, directory.display()));
        render::say(&format!("next  lineclear ledger verify {} --trust '{verifier}'", directory.display()));
    }
    Ok(ExitCode::SUCCESS)
}
