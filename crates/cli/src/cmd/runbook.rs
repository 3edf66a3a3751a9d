//! `runbook test`, `lint`, `plan`, `render`, `schema` and `draft`; and `estate schema`.

mod draft;
mod plan;

use std::path::Path;
use std::process::ExitCode;

use lineclear_core::catalogue::Action;
use lineclear_core::runbook::Runbook as Procedure;
use lineclear_estate::{FILE_BYTES_MAX, Fault, LoadError, Loaded, Outcome, Test, lint, page, parse_runbook_tests, schemas, unrehearsed};
use serde_json::{Value, json};

use super::serve::load;
use crate::args::{Chosen, Lint, Render, Runbook};
use crate::exit::{Exit, Failure};
use crate::render;

/// Runs a command of `runbook`.
///
/// # Errors
/// When a runbook cannot be read at all, or nobody answers.
pub async fn run(command: &Runbook, as_json: bool) -> Result<ExitCode, Failure> {
    match command {
        Runbook::Test(chosen) => test(chosen, as_json),
        Runbook::Lint(args) => linted(args, as_json),
        Runbook::Plan(args) => plan::plan(args, as_json).await,
        Runbook::Render(args) => rendered(args, as_json),
        Runbook::Schema => schema(Some("runbook"), as_json),
        Runbook::Draft(command) => draft::run(command, as_json).await,
    }
}

/// A runbook with its tests, and the actions that it carries out where an estate says so.
struct Book {
    runbook: Procedure,
    tests: Vec<Test>,
    actions: Vec<Action>,
    alone: bool,
}

fn test(chosen: &Chosen, as_json: bool) -> Result<ExitCode, Failure> {
    let books = books(&chosen.runbooks, chosen.estate.as_deref())?;
    let told: Vec<(&Book, Vec<Outcome>)> =
        books.iter().map(|book| (book, book.tests.iter().map(|test| test.tell(&book.runbook)).collect())).collect();
    let holds = told.iter().all(|(_, outcomes)| outcomes.iter().all(|outcome| outcome.fault.is_none()));
    if as_json {
        let runbooks: Vec<Value> = told.iter().map(|(book, outcomes)| tested(book, outcomes)).collect();
        render::document(&json!({ "version": 1, "holds": holds, "runbooks": runbooks }));
    } else {
        for (book, outcomes) in &told {
            say(book, outcomes);
        }
        let all = || told.iter().flat_map(|(_, outcomes)| outcomes);
        let (held, count) = (all().filter(|outcome| outcome.fault.is_none()).count(), all().count());
        render::line(&format!("{held} of {count} tests hold in {} runbooks", told.len()));
    }
    Ok(if holds { ExitCode::SUCCESS } else { Exit::Refused.into() })
}

fn say(book: &Book, outcomes: &[Outcome]) {
    let held = outcomes.iter().filter(|outcome| outcome.fault.is_none()).count();
    let count = if outcomes.is_empty() { "no tests".into() } else { format!("{held} of {} tests hold", outcomes.len()) };
    render::line(&format!("{}  {count}", book.runbook.id));
    for fault in outcomes.iter().filter_map(|outcome| outcome.fault.as_ref()) {
        render::line(&format!("\x1b[31mfails\x1b[0m  {}", placed(fault)));
        for line in fault.help.iter().flat_map(|help| help.lines()) {
            render::line(&format!("       {line}"));
        }
    }
}

/// Every test that does not hold, with its place.
pub(super) fn failed(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().filter_map(|outcome| outcome.fault.as_ref()).map(placed).collect()
}

fn placed(fault: &Fault) -> String {
    format!("{}:{}:{}: {}", fault.path, fault.line, fault.column, fault.message)
}

fn tested(book: &Book, outcomes: &[Outcome]) -> Value {
    let test = |outcome: &Outcome| {
        let fault = outcome.fault.as_ref().map(
            |fault| json!({ "path": fault.path, "line": fault.line, "column": fault.column, "message": fault.message, "help": fault.help }),
        );
        json!({
            "name": outcome.title, "path": outcome.path, "line": outcome.line, "holds": outcome.fault.is_none(),
            "expected": outcome.expected, "found": outcome.found, "fault": fault,
        })
    };
    json!({
        "runbook": book.runbook.id, "digest": book.runbook.digest, "rehearsed": book.runbook.rehearsed,
        "unrehearsed": unrehearsed(&book.runbook, &book.tests), "tests": outcomes.iter().map(test).collect::<Vec<_>>(),
    })
}

fn linted(args: &Lint, as_json: bool) -> Result<ExitCode, Failure> {
    let books = books(&args.chosen.runbooks, args.chosen.estate.as_deref())?;
    let found: Vec<(&Book, Vec<String>)> = books
        .iter()
        .map(|book| {
            let known = (!book.alone).then_some(book.actions.len());
            (book, lint(&book.runbook, &book.tests, known).into_iter().map(|warning| warning.message).collect())
        })
        .collect();
    let count: usize = found.iter().map(|(_, warnings)| warnings.len()).sum();
    if as_json {
        let runbooks: Vec<Value> = found
            .iter()
            .map(|(book, warnings)| json!({ "runbook": book.runbook.id, "rehearsed": book.runbook.rehearsed, "warnings": warnings }))
            .collect();
        render::document(&json!({ "version": 1, "clean": count == 0, "runbooks": runbooks }));
    } else {
        for (book, warnings) in &found {
            for warning in warnings {
                render::line(&format!("warning  {}: {warning}", book.runbook.id));
            }
        }
        render::line(&format!("{} runbooks, {count} warnings", books.len()));
    }
    Ok(if count > 0 && args.strict { Exit::Refused.into() } else { ExitCode::SUCCESS })
}

fn rendered(args: &Render, as_json: bool) -> Result<ExitCode, Failure> {
    let books = books(std::slice::from_ref(&args.runbook), args.estate.as_deref())?;
    for book in &books {
        let actions: Vec<&Action> = book.actions.iter().collect();
        let page = page(&book.runbook, &book.tests, &actions);
        let (kind, text) = if args.html { ("html", page.html()) } else { ("markdown", page.markdown()) };
        if as_json {
            render::document(&json!({ "version": 1, "runbook": book.runbook, kind: text }));
        } else {
            render::line(text.trim_end());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the JSON Schema of one kind of file, or of all.
///
/// # Errors
/// When there is no such kind.
pub fn schema(kind: Option<&str>, as_json: bool) -> Result<ExitCode, Failure> {
    let all = schemas();
    let (name, shown) = match kind {
        None => ("schemas", json!(all)),
        Some(kind) => {
            let known: Vec<&str> = all.keys().copied().collect();
            let found = all.get(kind).ok_or_else(|| {
                Failure::new(format!("`{kind}` is no kind of file with a schema")).help(format!("known: {}", known.join(", ")))
            })?;
            ("schema", found.clone())
        }
    };
    render::document(&if as_json { json!({ "version": 1, name: shown }) } else { shown });
    Ok(ExitCode::SUCCESS)
}

/// The chosen runbooks: files alone, and names of the estate.
fn books(chosen: &[String], estate: Option<&Path>) -> Result<Vec<Book>, Failure> {
    let named = chosen.iter().any(|name| !is_file(name));
    let loaded = match estate {
        Some(directory) => Some(load(directory)?),
        None if named || chosen.is_empty() => {
            return Err(
                Failure::new("no estate: nobody knows which runbooks are meant").help("give `--estate DIR`, or files that end in `.yaml`")
            );
        }
        None => None,
    };
    if let Some(loaded) = loaded.as_ref().filter(|_| chosen.is_empty()) {
        return Ok(loaded.estate.runbooks.values().map(|runbook| of(loaded, runbook)).collect());
    }
    chosen.iter().map(|name| if is_file(name) { alone(name) } else { book(name, loaded.as_ref()) }).collect()
}

fn is_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "yaml")
}

fn of(loaded: &Loaded, runbook: &Procedure) -> Book {
    let tests = loaded.tests.get(&runbook.id).cloned().unwrap_or_default();
    let actions = loaded.estate.catalogue.actions.values().filter(|action| action.runbook.as_ref() == Some(&runbook.id));
    Book { runbook: runbook.clone(), tests, actions: actions.cloned().collect(), alone: false }
}

fn book(name: &str, loaded: Option<&Loaded>) -> Result<Book, Failure> {
    let known = loaded.map(|loaded| &loaded.estate.runbooks);
    let found = known.and_then(|known| known.values().find(|runbook| runbook.id.as_str() == name));
    let (Some(loaded), Some(runbook)) = (loaded, found) else {
        let names: Vec<&str> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let near: Vec<&str> = names.iter().copied().filter(|known| known.contains(name) || name.contains(known)).collect();
        let near = if near.is_empty() { names } else { near };
        return Err(Failure::new(format!("`{name}` is no runbook of this estate")).help(format!("known: {}", near.join(", "))));
    };
    Ok(of(loaded, runbook))
}

fn alone(path: &str) -> Result<Book, Failure> {
    let bad = |why: String| Failure::new(format!("`{path}` cannot be read: {why}"));
    let length = std::fs::metadata(path).map_err(|error| bad(error.to_string()))?.len();
    if length > FILE_BYTES_MAX as u64 {
        return Err(bad(format!("it has {length} bytes, at most {FILE_BYTES_MAX} are read")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    let (runbook, tests) = parse_runbook_tests(path, &text).map_err(|error| faulty(path, error))?;
    Ok(Book { runbook, tests, actions: Vec::new(), alone: true })
}

fn faulty(path: &str, error: LoadError) -> Failure {
    Failure::new(format!("the runbook `{path}` cannot be used\n{:?}", miette::Report::new(error)))
}
