//! What would change a verdict: facts that can still come true, asked again one, two and three at a time.

use std::fmt;

use lineclear_core::authority::Authority;
use lineclear_core::budget::{Budget, Burn};
use lineclear_core::name::{FactName, RungName};
use lineclear_core::posture::Posture;
use lineclear_core::situation::Situation;
use serde::Serialize;

use crate::ask::{AskError, Asked, Form, Question};
use crate::vocabulary::Vocabulary;

/// Most facts that one remedy changes; nobody acts on longer lists.
const TOGETHER_MAX: usize = 3;
/// Most situations tried for one case: about ten milliseconds.
const TRIES_MAX: usize = 300;
/// Most remedies offered.
const OFFERED_MAX: usize = 8;

/// What a recovered error budget looks like.
const RECOVERED: Budget = Budget { remaining_bp: 10_000, burn: Burn::Steady };

/// One thing that can happen in the world. Confidence is not among them: a claim is no event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "repair", content = "of", rename_all = "snake_case")]
pub enum Repair {
    /// The people of this rung approve.
    Approval(RungName),
    /// A fresh reading confirms the fact.
    Evidence(FactName),
    /// A fresh reading no longer contradicts the proposal.
    NoConflict,
    /// The freeze ends.
    FreezeEnds,
    /// A person raises the posture to this.
    Posture(Posture),
    /// The other changes on things in reach end.
    OthersEnd,
    /// The error budget recovers with time.
    BudgetRecovers,
    /// The undo is drilled.
    UndoDrilled,
}

/// Where a remedy leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "outcome", content = "rung", rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing more is asked.
    Clear,
    /// These people are then enough.
    NeedsApproval(RungName),
}

/// A smallest set of repairs and what the verdict would then be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Remedy {
    /// All of these together.
    pub repairs: Vec<Repair>,
    /// What follows.
    pub then: Outcome,
}

/// The remedies of a case: the approval it waits for, then the smallest sets of facts that lead to a lower rung.
pub(crate) fn remedies(
    authority: &Authority,
    vocabulary: &Vocabulary,
    question: &Question<'_>,
    situation: &Situation,
) -> Result<Vec<Remedy>, AskError> {
    let now = lowest(authority, question)?;
    let mut offered = Vec::new();
    if now == Some(0) {
        return Ok(offered);
    }
    if let Some(rung) = now.and_then(|k| authority.rungs.get(k)) {
        offered.push(Remedy { repairs: vec![Repair::Approval(rung.name.clone())], then: Outcome::Clear });
    }
    let possible = possible(vocabulary, question, situation);
    let mut tries = 0;
    for size in 1..=TOGETHER_MAX {
        let mut found = Vec::new();
        for repairs in subsets(&possible, size) {
            tries += 1;
            if tries > TRIES_MAX {
                break;
            }
            let mut supposed = situation.clone();
            for repair in &repairs {
                repair.apply(&mut supposed);
            }
            let reached = lowest(authority, &question.suppose(&supposed)?)?;
            let Some(rung) = reached.filter(|k| now.is_none_or(|n| *k < n)).and_then(|k| authority.rungs.get(k)) else { continue };
            let then = if reached == Some(0) { Outcome::Clear } else { Outcome::NeedsApproval(rung.name.clone()) };
            found.push(Remedy { repairs, then });
        }
        if !found.is_empty() {
            offered.extend(weakest(found));
            break;
        }
    }
    offered.truncate(OFFERED_MAX);
    Ok(offered)
}

/// Among remedies that differ only in how far they raise the posture, the one that raises it least.
fn weakest(mut found: Vec<Remedy>) -> Vec<Remedy> {
    let rest = |remedy: &Remedy| {
        let others: Vec<Repair> = remedy.repairs.iter().filter(|r| r.posture().is_none()).cloned().collect();
        (others, remedy.then.clone(), remedy.repairs.iter().any(|r| r.posture().is_some()))
    };
    found.sort();
    let mut kept: Vec<Remedy> = Vec::new();
    for remedy in found {
        if kept.iter().all(|k| rest(k) != rest(&remedy)) {
            kept.push(remedy);
        }
    }
    kept
}

/// The lowest rung that is enough.
fn lowest(authority: &Authority, question: &Question<'_>) -> Result<Option<usize>, AskError> {
    let mut last: Option<Asked> = None;
    for (place, rung) in authority.rungs.iter().enumerate() {
        let form = match &last {
            None => Form::Whole,
            Some(asked) if question.hopeless(asked, place) => continue,
            Some(_) => Form::Read,
        };
        let asked = question.ask(&rung.brings(), form)?;
        if asked.allowed {
            return Ok(Some(place));
        }
        last = Some(asked);
    }
    Ok(None)
}

/// What can happen and is read by a policy of this action.
fn possible(vocabulary: &Vocabulary, question: &Question<'_>, situation: &Situation) -> Vec<Repair> {
    let reads = &question.bucket.reads;
    let counted = reads.context.has("confirmed");
    let wanted = |fact: &FactName| counted || vocabulary.facts.get(fact).is_some_and(|attribute| reads.evidence.has(attribute));
    let absent = situation.evidence.iter().filter(|(fact, held)| !**held && wanted(fact));
    let mut list: Vec<Repair> = absent.map(|(fact, _)| Repair::Evidence(fact.clone())).collect();
    let mut offer = |when: bool, attribute: &str, repair: Repair| {
        if when && reads.context.has(attribute) {
            list.push(repair);
        }
    };
    offer(situation.conflicting, "conflicting", Repair::NoConflict);
    offer(situation.freeze, "freeze", Repair::FreezeEnds);
    offer(situation.in_flight > 0, "in_flight", Repair::OthersEnd);
    offer(situation.reversible && !situation.undo_drilled, "undo_drilled", Repair::UndoDrilled);
    let burnt = situation.budget.is_some_and(|budget| budget.remaining_bp < RECOVERED.remaining_bp || budget.burn > RECOVERED.burn);
    offer(burnt, if reads.context.has("burn") { "burn" } else { "budget_bp" }, Repair::BudgetRecovers);
    for posture in [Posture::AdviseOnly, Posture::RoutineOnly, Posture::Full] {
        offer(posture > situation.posture, "posture", Repair::Posture(posture));
    }
    list
}

/// Every choice of so many repairs, at most one posture among them.
fn subsets(of: &[Repair], size: usize) -> Vec<Vec<Repair>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (place, first) in of.iter().enumerate() {
        let rest = of.get(place + 1..).unwrap_or_default();
        for mut tail in subsets(rest, size - 1) {
            if first.posture().is_none() || tail.iter().all(|r| r.posture().is_none()) {
                tail.insert(0, first.clone());
                all.push(tail);
            }
        }
    }
    all
}

impl Repair {
    const fn posture(&self) -> Option<Posture> {
        if let Self::Posture(posture) = self { Some(*posture) } else { None }
    }

    fn apply(&self, situation: &mut Situation) {
        match self {
            Self::Approval(_) => {}
            Self::Evidence(fact) => {
                if situation.evidence.insert(fact.clone(), true) == Some(false) {
                    situation.confirmed += 1;
                }
            }
            Self::NoConflict => situation.conflicting = false,
            Self::FreezeEnds => situation.freeze = false,
            Self::Posture(posture) => situation.posture = *posture,
            Self::BudgetRecovers => situation.budget = Some(RECOVERED),
            Self::OthersEnd => situation.in_flight = 0,
            Self::UndoDrilled => situation.undo_drilled = true,
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approval(rung) => write!(f, "approval by `{rung}`"),
            Self::Evidence(fact) => write!(f, "a fresh reading that confirms `{fact}`"),
            Self::NoConflict => f.write_str("a fresh reading that no longer contradicts"),
            Self::FreezeEnds => f.write_str("the end of the freeze"),
            Self::Posture(posture) => write!(f, "posture raised to `{posture}` by a person"),
            Self::BudgetRecovers => f.write_str("the recovery of the error budget"),
            Self::OthersEnd => f.write_str("the end of the other changes in reach"),
            Self::UndoDrilled => f.write_str("a drill of the undo"),
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.repairs.iter().map(ToString::to_string).collect();
        f.write_str(&all.join(" and "))?;
        match &self.then {
            Outcome::Clear => f.write_str(", then it is clear"),
            Outcome::NeedsApproval(rung) => write!(f, ", then `{rung}` is enough"),
        }
    }
}
