//! What gate 1 found, as an agent reads it: policy's word with its reasons, what is missing, and the worst case.

use lineclear_core::catalogue::{Reversibility, Risk};
use lineclear_core::dossier::{Dossier, Fault};
use lineclear_core::estate::Estate;
use lineclear_core::fact::{Fact, Worth};
use lineclear_core::verdict::Verdict;
use lineclear_policy::Explanation;
use serde::Serialize;

/// Most items of one list in an answer: more than any gate asks for, and little enough to be read.
pub(super) const LIST_MAX: usize = 32;
/// Longest text of one item, in characters: some of them hold words from outside.
pub(super) const TEXT_MAX: usize = 600;

/// Most lines of an explanation: every rung with its reasons.
const LINES_MAX: usize = 120;

/// What policy has to say, in the lines that people read.
pub(super) fn told(explanation: Option<&Explanation>) -> Vec<String> {
    explanation.map(|it| it.to_string().lines().take(LINES_MAX).map(clip).collect()).unwrap_or_default()
}

/// What policy said.
#[derive(Debug, Serialize)]
pub(super) struct Said {
    /// `clear`, `needs_approval`, `denied`, or `not_asked` while something is missing.
    word: &'static str,
    /// The rung of the ladder that is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    rung: Option<String>,
    /// The people of that rung, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    people: Option<String>,
    /// Why, and why not less.
    reasons: Vec<String>,
}

/// One fact, as Lineclear measured it.
#[derive(Debug, Serialize)]
struct Measured {
    name: String,
    title: String,
    required: bool,
    worth: &'static str,
}

/// What gate 1 found.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    risk: Risk,
    reversibility: Reversibility,
    verdict: Said,
    faults: Vec<String>,
    blast_radius: String,
    /// What each step would change, as the runner read it from the live system.
    plan: Vec<String>,
    facts: Vec<Measured>,
}

impl Finding {
    /// What the dossier says.
    pub fn of(dossier: &Dossier, estate: &Estate) -> Self {
        let steps = dossier.plan.iter().flat_map(|plan| &plan.steps);
        Self {
            risk: dossier.risk,
            reversibility: dossier.reversibility,
            verdict: Said::of(dossier.verdict.as_ref(), estate),
            faults: dossier.faults.iter().take(LIST_MAX).map(fault).collect(),
            blast_radius: clip(&dossier.worst_case),
            plan: steps.take(LIST_MAX).map(|step| clip(&step.preview.summary)).collect(),
            facts: dossier.facts.values().take(LIST_MAX).map(|fact| Measured::of(fact, dossier)).collect(),
        }
    }
}

impl Said {
    fn of(verdict: Option<&Verdict>, estate: &Estate) -> Self {
        let Some(verdict) = verdict else { return Self { word: "not_asked", rung: None, people: None, reasons: Vec::new() } };
        let reasons = verdict.because().iter().take(LIST_MAX).map(|reason| clip(&reason.to_string())).collect();
        let rung = match verdict {
            Verdict::NeedsApproval { rung, .. } => Some(rung),
            Verdict::Clear { .. } | Verdict::Denied { .. } => None,
        };
        let people = rung.and_then(|name| estate.authority.rungs.iter().find(|rung| rung.name == *name)).map(|rung| clip(&rung.title));
        Self { word: verdict.word(), rung: rung.map(ToString::to_string), people, reasons }
    }
}

impl Measured {
    fn of(fact: &Fact, dossier: &Dossier) -> Self {
        let worth = match fact.worth(dossier.at) {
            Worth::Confirms => "confirmed",
            Worth::Contradicts => "contradicts",
            Worth::Stale(_) => "stale",
            Worth::Missing(_) => "missing",
        };
        Self { name: fact.name.to_string(), title: clip(&fact.title), required: fact.required, worth }
    }
}

fn fault(fault: &Fault) -> String {
    clip(&match fault {
        Fault::MissingFact { fact, why, .. } => format!("fact `{fact}` is missing: {why}"),
        Fault::StaleFact { fact, age_s, limit_s } => format!("fact `{fact}` is {age_s} s old, and counts for {limit_s} s"),
        Fault::NoPlan { why } => format!("the live system could not be read: {why}"),
        Fault::NoBudget { slo, why, help, .. } => format!("objective `{slo}` cannot be measured: {why}; {help}"),
        Fault::Slice { why } => format!("the estate's data about the target is incomplete: {why}"),
    })
}

/// The beginning of a text, with a sign when something is left out.
pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        None => text.to_owned(),
        Some(_) => text.chars().take(TEXT_MAX.saturating_sub(1)).chain(['…']).collect(),
    }
}
