//! `estate check`: lint, validate, tell the stories, prove the laws. `estate diff`: what opens and what closes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lineclear_estate::Loaded;
use lineclear_prove::{Difference, Example, Proofs, ProveError, Solver, diff, prove};
use serde_json::{Value, json};

use super::revision;
use super::serve::load;
use crate::args::{Check, Diff, Estate, WithSolver};
use crate::exit::{Exit, Failure};
use crate::render;

/// Where the project keeps its solver, seen from the folder that holds `target`.
const SHIM: &str = "tools/cvc5";
/// What to do without one.
pub(crate) const INSTALL: &str = "run scripts/solver.sh, or name cvc5 1.3.1 with `--solver`";
/// How far above this program the project's folder may be: `target/release/deps`.
const CLIMB_MAX: usize = 5;

/// Runs a command of `estate`.
///
/// # Errors
/// When a directory cannot be used at all, or a named solver is not the pinned one.
pub async fn run(command: &Estate, as_json: bool) -> Result<ExitCode, Failure> {
    match command {
        Estate::Check(args) => check(args, as_json).await,
        Estate::Diff(args) => difference(args, as_json).await,
        Estate::Schema { kind } => super::runbook::schema(kind.as_deref(), as_json),
        Estate::Backtest(args) => super::audit::backtest(args, as_json),
        Estate::Propose(args) => revision::propose(args, as_json).await,
        Estate::Revisions(args) => revision::list(args, as_json).await,
        Estate::Show(args) => revision::show(args, as_json).await,
        Estate::Approve(args) => revision::approve(args, as_json).await,
        Estate::Reject(args) => revision::reject(args, as_json).await,
        Estate::Activate(args) => revision::activate(args, as_json).await,
        Estate::Withdraw(args) => revision::withdraw(args, as_json).await,
    }
}

/// What came of the proofs.
enum Proving {
    Done(Box<Proofs>),
    /// Nobody wanted them.
    Unwanted,
    /// There is no solver.
    Impossible,
}

async fn check(args: &Check, as_json: bool) -> Result<ExitCode, Failure> {
    let loaded = load(&args.directory)?;
    let report = lineclear_estate::check(&loaded);
    let proving = proofs(args, &loaded).await?;
    let failed: Vec<String> = report.outcomes.iter().filter(|outcome| outcome.fault.is_some()).map(told).collect();
    let tests = super::runbook::failed(&report.rehearsals);
    let warnings: Vec<String> = report.warnings.iter().map(|warning| format!("{}: {}", warning.subject, warning.message)).collect();
    let estate = &loaded.estate;
    if as_json {
        let found = match &proving {
            Proving::Done(proofs) => serde_json::to_value(&proofs.report).unwrap_or_default(),
            Proving::Unwanted | Proving::Impossible => Value::Null,
        };
        render::document(&json!({
            "version": 1, "holds": report.holds(), "digest": estate.digest, "stories": report.outcomes.len(), "failed": failed, "warnings": warnings,
            "tests": report.rehearsals.len(), "failed_tests": tests,
            "actions": estate.catalogue.actions.len(), "policies": loaded.policies.len(), "runbooks": estate.runbooks.len(), "proofs": found,
        }));
    } else {
        render::line(&format!("{}  {}", estate.title, estate.digest));
        render::line(&counted(&loaded));
        for warning in &warnings {
            render::line(&format!("warning  {warning}"));
        }
        for story in failed.iter().chain(&tests) {
            render::line(&format!("\x1b[31mfails\x1b[0m  {story}"));
        }
        render::line(&format!("{} of {} stories hold", report.outcomes.len() - failed.len(), report.outcomes.len()));
        render::line(&format!("{} of {} tests of runbooks hold", report.rehearsals.len() - tests.len(), report.rehearsals.len()));
        show(&proving, args.matrix);
    }
    let proved = match &proving {
        Proving::Done(proofs) => proofs.report.holds(),
        // What was not tried is not refuted; whoever activates an estate asks more of it.
        Proving::Unwanted | Proving::Impossible => true,
    };
    Ok(if report.holds() && proved { ExitCode::SUCCESS } else { Exit::Refused.into() })
}

fn counted(loaded: &Loaded) -> String {
    let estate = &loaded.estate;
    format!(
        "{} actions, {} policies, {} rungs, {} runbooks, {} facts, {} things",
        estate.catalogue.actions.len(),
        loaded.policies.len(),
        estate.authority.rungs.len(),
        estate.runbooks.len(),
        estate.facts.len(),
        estate.topology.iter().count()
    )
}

fn show(proving: &Proving, matrix: bool) {
    match proving {
        Proving::Unwanted => render::line("proofs: not run"),
        Proving::Impossible => render::line("proofs: not run, no solver: run scripts/solver.sh"),
        Proving::Done(proofs) => {
            render::line(&format!("proofs: {}", proofs.report));
            if matrix {
                render::line(&format!("\n{}", proofs.report.matrix));
            }
        }
    }
}

async fn proofs(args: &Check, loaded: &Loaded) -> Result<Proving, Failure> {
    if args.no_proofs {
        return Ok(Proving::Unwanted);
    }
    let Some(solver) = solver(&args.solver).await? else {
        if args.smt.is_some() || args.matrix {
            return Err(Failure::new("there is no solver to prove with").help(INSTALL));
        }
        return Ok(Proving::Impossible);
    };
    render::say("proving; this takes some seconds");
    let proofs = prove(&solver, &loaded.policies, &loaded.invariants).await.map_err(|error| unproved(&error))?;
    if let Some(directory) = &args.smt {
        let files = proofs.export(directory).map_err(|error| Failure::new(error.to_string()))?;
        render::say(&format!("{files} questions are in `{}`", directory.display()));
    }
    Ok(Proving::Done(Box::new(proofs)))
}

fn unproved(error: &ProveError) -> Failure {
    match error {
        ProveError::Invariants(faults) => {
            let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Failure::new(format!("the invariants cannot be used\n{}", told.join("\n")))
        }
        ProveError::Schema(_) | ProveError::Policy(_) => Failure::new(error.to_string()),
    }
}

/// The solver that was named, which has to be right; or the project's own, if it is there and answers.
pub(crate) async fn solver(given: &WithSolver) -> Result<Option<Solver>, Failure> {
    if let Some(program) = &given.solver {
        return Solver::pin(program).await.map(Some).map_err(|error| Failure::new(error.to_string()).help(INSTALL));
    }
    let Some(program) = shim() else { return Ok(None) };
    match Solver::pin(&program).await {
        Ok(solver) => Ok(Some(solver)),
        Err(error) => {
            render::say(&error.to_string());
            Ok(None)
        }
    }
}

/// The project's own solver, above this very program; never above the folder that somebody happens to stand in.
fn shim() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    program.ancestors().skip(1).take(CLIMB_MAX).map(|folder: &Path| folder.join(SHIM)).find(|shim| shim.is_file())
}

async fn difference(args: &Diff, as_json: bool) -> Result<ExitCode, Failure> {
    let (old, new) = (load(&args.old)?, load(&args.new)?);
    let solver = solver(&args.solver).await?;
    let solver = solver.ok_or_else(|| Failure::new("there is no solver to compare with").help(INSTALL))?;
    let difference = diff(&solver, &old.policies, &new.policies).await.map_err(|error| unproved(&error))?;
    let difference = difference.and_invariants(&old.invariants, &new.invariants);
    if as_json {
        render::document(&json!({
            "version": 1, "old": old.estate.digest, "new": new.estate.digest, "widens": difference.widens(), "difference": difference,
        }));
    } else {
        tell(&difference);
    }
    Ok(if difference.widens() { Exit::Refused.into() } else { ExitCode::SUCCESS })
}

fn tell(difference: &Difference) {
    let kinds = |head: &str, all: &[Example]| {
        for one in all {
            render::line(&format!("{head}  {}\n        {}", one.environment, one.sentence));
        }
    };
    kinds("\x1b[31mopens\x1b[0m ", &difference.opened);
    kinds("closes", &difference.closed);
    for shift in &difference.beside {
        render::line(&format!("{}  {}", if shift.widens { "\x1b[31mopens\x1b[0m " } else { "beside" }, shift.says));
    }
    for unknown in &difference.unknown {
        render::line(&format!("\x1b[31munknown\x1b[0m  {unknown}"));
    }
    let (opened, closed) = (difference.opened.len(), difference.closed.len());
    render::line(&format!("{opened} kinds of request open, {closed} close, {} changes beside the policies", difference.beside.len()));
}

fn told(outcome: &lineclear_estate::Outcome) -> String {
    format!("{}:{} {}: expected {}, found {}", outcome.path, outcome.line, outcome.title, outcome.expected, outcome.found)
}
