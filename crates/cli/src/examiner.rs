//! The examiner: what the engine asks about versions of the estate, answered with the loader, the stories, the solver and the
//! shelf. The solver is asked here, where policy changes, and nowhere that it is applied.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use lineclear_connect::Sources;
use lineclear_core::estate::Estate;
use lineclear_core::fact::Reading;
use lineclear_core::revision::{Beside, Kind, Obligation, Proof, Proofs, Report, Told};
use lineclear_core::{Digest, Span, Timestamp};
use lineclear_engine::{Drafted, Estates, Examination, FetchError, Files, InForce, Later, Telemetry};
use lineclear_estate::{LoadError, Loaded, Outcome};
use lineclear_policy::{Policies, Source};
use lineclear_prove::{Difference, Example, Shift, Solver, Status, beside, diff, prove};

use crate::args::WithSolver;
use crate::cmd::estate::{INSTALL, solver};
use crate::shelf::Shelf;

/// How long one question to telemetry may take.
const ASK_TIMEOUT: Span = Span::from_secs(5);

/// The sources of telemetry of the estate in force.
pub struct Telescope {
    sources: RwLock<Arc<Sources>>,
}

/// Keeps, reads, loads and examines versions of the estate.
pub struct Examiner {
    shelf: Shelf,
    telescope: Arc<Telescope>,
    solver: Option<PathBuf>,
}

impl Telescope {
    /// Points at the sources of an estate.
    ///
    /// # Errors
    /// Which of them is unusable.
    pub fn of(estate: &Estate) -> Result<Self, String> {
        Ok(Self { sources: RwLock::new(Arc::new(sources(estate)?)) })
    }

    fn turn(&self, estate: &Estate) {
        match sources(estate) {
            Ok(new) => *self.sources.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new),
            // They were tried when it was examined, and once more when it was loaded.
            Err(error) => tracing::error!(error, "the sources of the new estate are unusable; the old ones are asked"),
        }
    }
}

fn sources(estate: &Estate) -> Result<Sources, String> {
    Sources::new(&estate.sources, ASK_TIMEOUT).map_err(|error| format!("a source of the estate is unusable: {error}"))
}

impl Telemetry for Telescope {
    fn ask<'a>(&'a self, source: &'a str, query: &'a str, now: Timestamp) -> Pin<Box<dyn Future<Output = Reading> + Send + 'a>> {
        let sources = Arc::clone(&self.sources.read().unwrap_or_else(PoisonError::into_inner));
        Box::pin(async move { sources.ask(source, query, now).await })
    }
}

impl Examiner {
    /// An examiner over this shelf, with this solver or the project's own.
    pub const fn new(shelf: Shelf, telescope: Arc<Telescope>, solver: Option<PathBuf>) -> Self {
        Self { shelf, telescope, solver }
    }
}

/// Every fault of a load, one line each.
pub fn faults(error: &LoadError) -> Vec<String> {
    let told = |fault: &lineclear_estate::Fault| {
        let place = if fault.line > 0 { format!(":{}:{}", fault.line, fault.column) } else { String::new() };
        let help = fault.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{}{place}: {}{help}", fault.path, fault.message)
    };
    error.faults().iter().map(told).collect()
}

fn loaded(files: &Files) -> Result<Loaded, Vec<String>> {
    let loaded = lineclear_estate::load_files(files).map_err(|error| faults(&error))?;
    sources(&loaded.estate).map_err(|why| vec![why])?;
    Ok(loaded)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

impl Estates for Examiner {
    fn digest(&self, files: &Files) -> Digest {
        lineclear_estate::digest(files)
    }

    fn keep<'a>(&'a self, files: &'a Files) -> Later<'a, Result<Digest, String>> {
        let (shelf, files) = (self.shelf.clone(), files.clone());
        Box::pin(async move { blocking(move || shelf.keep(&files)).await.unwrap_or_else(|| Err("keeping it broke off".into())) })
    }

    fn fetch(&self, digest: Digest) -> Later<'_, Result<Files, FetchError>> {
        let shelf = self.shelf.clone();
        let broke = || Err(FetchError::Broken("reading it broke off".into()));
        Box::pin(async move { blocking(move || shelf.fetch(digest)).await.unwrap_or_else(broke) })
    }

    fn load<'a>(&'a self, files: &'a Files) -> Later<'a, Result<InForce, Vec<String>>> {
        let files = files.clone();
        let load = move || loaded(&files).map(|loaded| InForce { estate: loaded.estate, policies: Arc::new(loaded.policies) });
        Box::pin(async move { blocking(load).await.unwrap_or_else(|| Err(vec!["loading it broke off".into()])) })
    }

    fn examine<'a>(&'a self, files: &'a Files, active: Arc<InForce>) -> Later<'a, Examination> {
        let (files, given) = (files.clone(), WithSolver { solver: self.solver.clone() });
        // On a thread of its own: it keeps a processor busy for seconds, and everything else goes on meanwhile.
        let runtime = tokio::runtime::Handle::current();
        let shelf = self.shelf.clone();
        let work = move || {
            let before = shelf.fetch(active.estate.digest).ok().and_then(|files| lineclear_estate::load_files(&files).ok());
            let before = before.as_ref().map(|loaded| loaded.invariants.as_slice());
            runtime.block_on(examine(&files, &active.policies, before, &given))
        };
        let broke = || Examination { report: Report::unreadable(vec!["its examination broke off".into()]), estate: None };
        Box::pin(async move { blocking(work).await.unwrap_or_else(broke) })
    }

    fn draft<'a>(&'a self, files: &'a Files, text: &'a str) -> Later<'a, Result<Drafted, Vec<String>>> {
        let (files, text) = (files.clone(), text.to_owned());
        let read =
            move || lineclear_estate::draft(&files, &text).map(|(review, how)| Drafted { review, how }).map_err(|error| faults(&error));
        Box::pin(async move { blocking(read).await.unwrap_or_else(|| Err(vec!["reading it broke off".into()])) })
    }

    fn came_into_force(&self, estate: &Estate) {
        self.telescope.turn(estate);
    }
}

async fn examine(files: &Files, active: &Policies, before: Option<&[Source]>, given: &WithSolver) -> Examination {
    let loaded = match loaded(files) {
        Ok(loaded) => loaded,
        Err(faults) => return Examination { report: Report::unreadable(faults), estate: None },
    };
    let mut report = Report::unreadable(Vec::new());
    let told = lineclear_estate::check(&loaded);
    report.warnings = told.warnings.iter().map(|warning| format!("{}: {}", warning.subject, warning.message)).collect();
    report.cases = counted(&told.outcomes);
    report.rehearsals = Some(counted(&told.rehearsals));
    match solver(given).await {
        Ok(Some(solver)) => ask(&solver, &loaded, active, before, &mut report).await,
        Ok(None) => unproved("there is no solver", &loaded, active, &mut report),
        Err(failure) => unproved(&failure.to_string(), &loaded, active, &mut report),
    }
    Examination { report, estate: Some(loaded.estate) }
}

/// What moves beside the policies can be told without a solver, for people who look at what may not come into force.
fn unproved(why: &str, loaded: &Loaded, active: &Policies, report: &mut Report) {
    report.proofs = Proofs::NotRun { why: format!("{why}: {INSTALL}") };
    report.beside = beside(active, &loaded.policies).into_iter().map(moved).collect();
}

fn moved(shift: Shift) -> Beside {
    Beside { says: shift.says, widens: shift.widens }
}

/// How many there were, and which failed.
fn counted(outcomes: &[Outcome]) -> Told {
    let failed = outcomes.iter().filter(|outcome| outcome.fault.is_some()).map(|outcome| {
        format!("{}:{} {}: expected {}, found {}", outcome.path, outcome.line, outcome.title, outcome.expected, outcome.found)
    });
    Told { total: u32::try_from(outcomes.len()).unwrap_or(u32::MAX), failed: failed.collect() }
}

async fn ask(solver: &Solver, loaded: &Loaded, active: &Policies, before: Option<&[Source]>, report: &mut Report) {
    report.proofs = match prove(solver, &loaded.policies, &loaded.invariants).await {
        Ok(proofs) => Proofs::Ran { obligations: proofs.report.obligations.iter().map(obligation).collect() },
        Err(error) => Proofs::NotRun { why: error.to_string() },
    };
    match diff(solver, active, &loaded.policies).await {
        Ok(difference) => {
            if before.is_none() {
                let says = "the invariants of the version in force cannot be read, so nobody knows which of them move".into();
                report.beside.push(Beside { says, widens: true });
            }
            let old = before.unwrap_or(&loaded.invariants);
            compare(difference.and_invariants(old, &loaded.invariants), report);
        }
        Err(error) => report.unknown.push(format!("anything: the two could not be compared: {error}")),
    }
}

fn compare(difference: Difference, report: &mut Report) {
    let kind = |example: Example| Kind { environment: example.environment, sentence: example.sentence };
    report.opened = difference.opened.into_iter().map(kind).collect();
    report.closed = difference.closed.into_iter().map(kind).collect();
    report.unknown = difference.unknown;
    report.beside.extend(difference.beside.into_iter().map(moved));
}

fn obligation(one: &lineclear_prove::Obligation) -> Obligation {
    let (status, told) = match &one.status {
        Status::Proved { .. } => (Proof::Proved, None),
        Status::Refuted { example: Some(example), .. } => (Proof::Refuted, Some(example.sentence.clone())),
        Status::Refuted { example: None, .. } => (Proof::Refuted, Some("nothing that can be asked".into())),
        Status::NotProved { why } => (Proof::NotProved, Some(why.clone())),
    };
    Obligation { name: one.name.clone(), says: one.says.clone(), status, told }
}
