//! Reasons. Cedar names what matched; for a deny by default it names nothing, so the nearest permit and what it lacks are found here.

use std::collections::BTreeSet;

use lineclear_core::name::PolicyName;
use lineclear_core::verdict::{Bearing, Reason, Reasons};

use crate::ask::{Asked, Held, Question};
use crate::index::Candidate;

/// Why the answer is what it is.
pub(crate) fn because(question: &Question<'_>, asked: &Asked) -> Reasons {
    sealed(if asked.allowed { matching(question, asked, Bearing::Permits) } else { refusal(question, asked) })
}

/// Why this rung allows, and why the one below does not.
pub(crate) fn because_not_lower(question: &Question<'_>, asked: &Asked, below: &Asked) -> Reasons {
    let mut list = matching(question, asked, Bearing::Permits);
    if below.failed.is_empty() && below.matched.is_empty() {
        let holding = question.holding(below);
        list.extend(named(question, &asked.matched).map(|(name, permit)| lacks(question, name, permit, &holding)));
    } else {
        list.extend(refusal(question, below));
    }
    sealed(list)
}

/// Reasons from a list that may be empty: with no candidate at all, policy is silent.
fn sealed(list: Vec<Reason>) -> Reasons {
    let silent = Reason { bearing: Bearing::Silent, policy: None, title: String::new(), facts: Vec::new() };
    Reasons::new(list).unwrap_or_else(|_| Reasons::one(silent))
}

fn refusal(question: &Question<'_>, asked: &Asked) -> Vec<Reason> {
    let mut list: Vec<Reason> = named(question, &asked.failed)
        .map(|(name, rule)| Reason { bearing: Bearing::Failed, policy: Some(name.clone()), title: rule.title.clone(), facts: Vec::new() })
        .collect();
    if !asked.said_allow {
        list.extend(matching(question, asked, Bearing::Forbids));
    }
    if list.is_empty() { nearest(question, asked) } else { list }
}

/// What matched, with every condition that held.
fn matching(question: &Question<'_>, asked: &Asked, bearing: Bearing) -> Vec<Reason> {
    named(question, &asked.matched)
        .map(|(name, rule)| Reason {
            bearing,
            policy: Some(name.clone()),
            title: rule.title.clone(),
            facts: shown(question, rule.needs.iter()),
        })
        .collect()
}

/// The permits whose scope fits and that lack the fewest conditions; what no event can bring about counts first.
fn nearest(question: &Question<'_>, asked: &Asked) -> Vec<Reason> {
    let holding = question.holding(asked);
    let distance = |permit: &Candidate| {
        let missing: Vec<usize> = permit.needs.iter().copied().filter(|n| !holding.has(*n)).collect();
        (missing.iter().filter(|n| question.bucket.fixed.contains(n)).count(), missing.len())
    };
    let permits = question.bucket.candidates.iter().filter(|(_, c)| !c.forbids && holding.has(c.scope));
    let measured: Vec<((usize, usize), &PolicyName, &Candidate)> = permits.map(|(name, c)| (distance(c), name, c)).collect();
    let least = measured.iter().map(|(distance, ..)| *distance).min();
    measured.into_iter().filter(|(d, ..)| Some(*d) == least).map(|(_, name, c)| lacks(question, name, c, &holding)).collect()
}

fn shown<'a>(question: &Question<'_>, needs: impl Iterator<Item = &'a usize>) -> Vec<String> {
    needs.filter_map(|n| question.bucket.texts.get(*n)).filter(|text| !text.is_empty()).cloned().collect()
}

fn lacks(question: &Question<'_>, name: &PolicyName, permit: &Candidate, holding: &Held) -> Reason {
    let facts = shown(question, permit.needs.iter().filter(|n| !holding.has(**n)));
    Reason { bearing: Bearing::Lacks, policy: Some(name.clone()), title: permit.title.clone(), facts }
}

fn named<'a>(question: &'a Question<'_>, names: &'a BTreeSet<PolicyName>) -> impl Iterator<Item = (&'a PolicyName, &'a Candidate)> {
    names.iter().filter_map(|name| question.bucket.candidates.get_key_value(name))
}
