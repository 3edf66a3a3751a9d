//! Versions of the estate in memory, examined without a solver: stories are real, and proofs come out as a story says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lineclear_core::Digest;
use lineclear_core::estate::Estate;
use lineclear_core::revision::{Kind, Obligation, Proof, Proofs, Report, Told};
use lineclear_engine::{Drafted, Estates, Examination, FetchError, Files, InForce, Later};

/// What an examination finds besides what the files themselves show.
#[derive(Debug, Clone, Default)]
struct Finding {
    opened: Vec<String>,
    refuted: Option<String>,
    solver_missing: bool,
}

/// Versions of the estate in memory.
#[derive(Default)]
pub struct FakeEstates {
    kept: Mutex<BTreeMap<Digest, Files>>,
    finding: Mutex<Finding>,
    in_force: Mutex<Vec<Digest>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeEstates {
    /// From now on examinations find that this opens.
    pub fn opens(&self, sentence: &str) {
        lock(&self.finding).opened.push(sentence.into());
    }

    /// From now on examinations find this counterexample.
    pub fn refutes(&self, sentence: &str) {
        lock(&self.finding).refuted = Some(sentence.into());
    }

    /// From now on there is no solver.
    pub fn lose_the_solver(&self) {
        lock(&self.finding).solver_missing = true;
    }

    /// What is kept under a digest is gone.
    pub fn forget(&self, digest: Digest) {
        lock(&self.kept).remove(&digest);
    }

    /// Every estate that came into force here, in order.
    pub fn came(&self) -> Vec<Digest> {
        lock(&self.in_force).clone()
    }

    fn proofs(&self) -> Proofs {
        let finding = lock(&self.finding).clone();
        if finding.solver_missing {
            return Proofs::NotRun { why: "there is no solver".into() };
        }
        let status = if finding.refuted.is_some() { Proof::Refuted } else { Proof::Proved };
        let says = "no high-risk action without a person".into();
        Proofs::Ran { obligations: vec![Obligation { name: "invariant/high-risk".into(), says, status, told: finding.refuted }] }
    }

    fn look(&self, files: &Files) -> Examination {
        let loaded = match lineclear_estate::load_files(files) {
            Ok(loaded) => loaded,
            Err(error) => {
                let faults = error.faults().iter().map(|fault| format!("{}: {}", fault.path, fault.message)).collect();
                return Examination { report: Report::unreadable(faults), estate: None };
            }
        };
        let told = lineclear_estate::check(&loaded);
        let failed = told.outcomes.iter().filter(|outcome| outcome.fault.is_some()).map(|outcome| outcome.title.clone()).collect();
        let opened = lock(&self.finding).opened.clone();
        let report = Report {
            cases: Told { total: u32::try_from(told.outcomes.len()).unwrap_or(u32::MAX), failed },
            proofs: self.proofs(),
            opened: opened.into_iter().map(|sentence| Kind { environment: "a request".into(), sentence }).collect(),
            ..Report::unreadable(Vec::new())
        };
        Examination { report, estate: Some(loaded.estate) }
    }
}

impl Estates for FakeEstates {
    fn digest(&self, files: &Files) -> Digest {
        lineclear_estate::digest(files)
    }

    fn keep<'a>(&'a self, files: &'a Files) -> Later<'a, Result<Digest, String>> {
        let digest = self.digest(files);
        lock(&self.kept).insert(digest, files.clone());
        Box::pin(async move { Ok(digest) })
    }

    fn fetch(&self, digest: Digest) -> Later<'_, Result<Files, FetchError>> {
        Box::pin(async move { lock(&self.kept).get(&digest).cloned().ok_or(FetchError::Missing) })
    }

    fn load<'a>(&'a self, files: &'a Files) -> Later<'a, Result<InForce, Vec<String>>> {
        Box::pin(async move {
            let loaded = lineclear_estate::load_files(files).map_err(|error| vec![error.to_string()])?;
            Ok(InForce { estate: loaded.estate, policies: Arc::new(loaded.policies) })
        })
    }

    fn examine<'a>(&'a self, files: &'a Files, _: Arc<InForce>) -> Later<'a, Examination> {
        Box::pin(async move { self.look(files) })
    }

    fn draft<'a>(&'a self, files: &'a Files, text: &'a str) -> Later<'a, Result<Drafted, Vec<String>>> {
        let told = |error: lineclear_estate::LoadError| error.faults().iter().map(|fault| fault.message.clone()).collect();
        let read = lineclear_estate::draft(files, text).map(|(review, how)| Drafted { review, how }).map_err(told);
        Box::pin(async move { read })
    }

    fn came_into_force(&self, estate: &Estate) {
        lock(&self.in_force).push(estate.digest);
    }
}
