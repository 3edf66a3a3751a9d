//! Routine is earned: an action on a target becomes routine by recorded runs of one and the same runbook that were verified good,
//! with an undo that was really run, inside what was done before; one bad outcome and it is lost. Pure over records: whoever
//! holds the records comes to the same answer.

mod past;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use past::{Aside, Drill, Flaw, Mark, Past};

use crate::catalogue::{InputValue, Inputs};
use crate::id::ChangeId;
use crate::name::{InputName, StepName};
use crate::plan::{EffectClass, Plan};
use crate::runbook::Runbook;
use crate::time::{Span, Timestamp};

/// Most runs that are shown as what a routine rests on; the oldest are left out.
pub const RUNS_SHOWN_MAX: usize = 32;

/// What an estate asks before something is routine; `routine` in `authority.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standard {
    /// How many runs.
    pub runs: u8,
    /// How old the oldest of them may be.
    pub within: Span,
    /// How far apart they lie at least: many runs within an hour say what one says.
    pub spread: Span,
}

/// Whether something is routine, and what that rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routine {
    /// Whether it is.
    pub earned: bool,
    /// The runs that count, oldest first, at most [`RUNS_SHOWN_MAX`].
    pub runs: Vec<Counted>,
    /// The last bad outcome of this runbook here, if there was one; only runs after it count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Lost>,
    /// What is lacking; empty when it is routine.
    pub lacks: Vec<Lack>,
}

/// A run that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Its change.
    pub change: ChangeId,
    /// When it was over.
    pub at: Timestamp,
}

/// What took it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Which change.
    pub change: ChangeId,
    /// What was wrong with it.
    pub flaw: Flaw,
    /// When.
    pub at: Timestamp,
}

/// Why something is not routine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "lack", rename_all = "snake_case")]
pub enum Lack {
    /// The catalogue says that it never is.
    Never,
    /// The estate has no `routine` in `authority.yaml`.
    NoStandard,
    /// There is no runbook, or its plan could not be read.
    NoPlan,
    /// A step that changes something cannot be taken back, so that there is no undo to drill.
    NoUndo {
        /// Which.
        step: StepName,
    },
    /// No test of the runbook takes back every step that has an undo.
    Unrehearsed,
    /// The undo of this runbook was never run to its end.
    Undrilled,
    /// Too few runs since the last bad outcome.
    TooFew {
        /// How many there are.
        have: u8,
        /// How many are asked for.
        need: u8,
    },
    /// An input lies outside what was done before.
    Outside {
        /// Which.
        input: InputName,
        /// What it is.
        given: String,
        /// What was done before.
        seen: String,
    },
}

/// What is asked of the records.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What the estate asks.
    pub standard: Option<Standard>,
    /// Whether the catalogue says `never_routine`.
    pub never: bool,
    /// The runbook as it stands.
    pub runbook: Option<&'a Runbook>,
    /// What would be done.
    pub plan: Option<&'a Plan>,
    /// With which inputs.
    pub inputs: &'a Inputs,
    /// The last drill of this runbook's undo.
    pub drill: Option<Drill>,
    /// Now.
    pub now: Timestamp,
}

impl Standard {
    /// Whether enough runs, so far apart, can lie within the time at all.
    pub const fn reachable(&self) -> bool {
        self.runs > 0 && self.spread.as_micros().saturating_mul(self.runs as u64 - 1) < self.within.as_micros()
    }
}

impl Question<'_> {
    /// The answer, from everything that is known of this action on this target.
    pub fn answer(&self, past: &[Past]) -> Routine {
        let nothing = |lack| Routine { earned: false, runs: Vec::new(), lost: None, lacks: vec![lack] };
        if self.never {
            return nothing(Lack::Never);
        }
        let Some(standard) = self.standard else { return nothing(Lack::NoStandard) };
        let (Some(runbook), Some(plan)) = (self.runbook, self.plan) else { return nothing(Lack::NoPlan) };
        let here: Vec<&Past> = past.iter().filter(|past| past.runbook == plan.runbook_digest).collect();
        let lost = here.iter().filter_map(|past| past.lost()).max_by_key(|lost| lost.at);
        let counted = counted(&here, standard, lost.map(|lost| lost.at), self.now);
        let mut lacks = Vec::new();
        let acting = plan.steps.iter().filter(|step| step.effect != EffectClass::Read);
        lacks.extend(acting.filter(|step| step.undo.is_none()).map(|step| Lack::NoUndo { step: step.step.clone() }));
        if !runbook.rehearsed {
            lacks.push(Lack::Unrehearsed);
        }
        if self.drill.is_none_or(|drill| drill.runbook != plan.runbook_digest) {
            lacks.push(Lack::Undrilled);
        }
        let have = u8::try_from(counted.len()).unwrap_or(u8::MAX);
        if have < standard.runs {
            lacks.push(Lack::TooFew { have, need: standard.runs });
        }
        if !counted.is_empty() {
            lacks.extend(self.inputs.iter().filter_map(|(name, given)| outside(name, given, &counted)));
        }
        let shown = counted.len().saturating_sub(RUNS_SHOWN_MAX);
        let runs = counted.iter().skip(shown).map(|past| Counted { change: past.change, at: past.ended }).collect();
        Routine { earned: lacks.is_empty(), runs, lost, lacks }
    }
}

/// The good runs since the last bad outcome that lie far enough apart, oldest first. The earliest possible one is taken each
/// time, which makes them as many as there can be.
fn counted<'p>(here: &[&'p Past], standard: Standard, lost: Option<Timestamp>, now: Timestamp) -> Vec<&'p Past> {
    let fits = |past: &&&Past| {
        past.mark == Mark::Good
            && lost.is_none_or(|lost| past.ended > lost)
            && past.ended <= now
            && now.since(past.ended) <= standard.within
    };
    let mut good: Vec<&Past> = here.iter().filter(fits).copied().collect();
    good.sort_by_key(|past| (past.ended, past.change));
    let mut counted: Vec<&Past> = Vec::new();
    for past in good {
        if counted.last().is_none_or(|last| past.ended.since(last.ended) >= standard.spread) {
            counted.push(past);
        }
    }
    counted
}

/// Whether an input lies outside what the counted runs had: below or above every number, or a word that none of them had.
fn outside(name: &InputName, given: &InputValue, counted: &[&Past]) -> Option<Lack> {
    let seen: BTreeSet<&InputValue> = counted.iter().filter_map(|past| past.inputs.get(name)).collect();
    let number = |value: &&InputValue| if let InputValue::Integer(n) = value { Some(*n) } else { None };
    let numbers = || seen.iter().filter_map(number);
    let (inside, told) = match (given, numbers().min(), numbers().max()) {
        (InputValue::Integer(n), Some(least), Some(most)) => ((least..=most).contains(n), format!("{least} to {most}")),
        (InputValue::Integer(_), _, _) => (false, "nothing".into()),
        (InputValue::Text(_) | InputValue::Names(_), _, _) => {
            (seen.contains(given), seen.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "))
        }
    };
    (!inside).then(|| Lack::Outside { input: name.clone(), given: given.to_string(), seen: told })
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("the catalogue says that it never becomes routine"),
            Self::NoStandard => f.write_str("the estate does not say what makes something routine"),
            Self::NoPlan => f.write_str("there is no plan whose runbook could be known"),
            Self::NoUndo { step } => write!(f, "step `{step}` has no undo that could be drilled"),
            Self::Unrehearsed => f.write_str("no test of the runbook takes back every step"),
            Self::Undrilled => f.write_str("the undo of this runbook was never run to its end"),
            Self::TooFew { have, need } => write!(f, "{have} of {need} good runs"),
            Self::Outside { input, given, seen } => write!(f, "`{input}` is `{given}`, and was {seen} before"),
        }
    }
}
