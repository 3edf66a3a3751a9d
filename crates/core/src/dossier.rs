//! The dossier: what gate 1 found and gate 2 shows. Written by the system, never by a person or an agent.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::budget::Measured;
use crate::catalogue::{InputFault, Reversibility, Risk};
use crate::digest::{Digest, DigestError};
use crate::fact::{Facts, Worth};
use crate::id::{ChangeId, EmergencyId, OperatorId};
use crate::name::{FactName, SloName, TeamName};
use crate::plan::Plan;
use crate::routine::Routine;
use crate::situation::Situation;
use crate::time::Timestamp;
use crate::topology::Blast;
use crate::verdict::Verdict;

/// An earlier change of the same action or target, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriorChange {
    /// Which.
    pub change: ChangeId,
    /// `dns.update on zone/example.test`.
    pub title: String,
    /// How it ended; none while it is in flight.
    pub outcome: Option<String>,
    /// When it was proposed.
    pub at: Timestamp,
}

/// Why a change cannot be judged yet, and who or what can help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// A required fact is not there.
    MissingFact {
        /// Which.
        fact: FactName,
        /// Why.
        why: String,
        /// The query that failed.
        query: String,
    },
    /// A required fact is older than its limit.
    StaleFact {
        /// Which.
        fact: FactName,
        /// Its age in seconds.
        age_s: u64,
        /// Its limit in seconds.
        limit_s: u64,
    },
    /// The live system could not be read, so nobody knows what would change.
    NoPlan {
        /// Why, in the runner's words.
        why: String,
    },
    /// What an objective still allows cannot be told, and a policy of the action reads it.
    NoBudget {
        /// Which objective.
        slo: SloName,
        /// Why.
        why: String,
        /// What can be done about it.
        help: String,
        /// Where it was asked.
        source: String,
        /// The query that failed.
        query: String,
    },
    /// The estate's data about the target is incomplete.
    Slice {
        /// Why.
        why: String,
    },
}

/// Why a proposal cannot become a plan at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "fault", content = "detail", rename_all = "snake_case")]
pub enum Misfit {
    /// No such action.
    #[error("`{0}` is no action of this estate's catalogue")]
    UnknownAction(String),
    /// No such thing.
    #[error("`{0}` is not in this estate's catalog")]
    UnknownTarget(String),
    /// The target is of another kind than the action's.
    #[error("`{action}` acts on a {wanted}, not on `{target}`")]
    WrongKind {
        /// The action.
        action: String,
        /// What it acts on.
        wanted: String,
        /// What was given.
        target: String,
    },
    /// The inputs do not fit.
    #[error(transparent)]
    Inputs(#[from] InputFault),
    /// The proposer is not known.
    #[error("`{0}` is not in this estate's directory")]
    UnknownProposer(String),
}

/// Something that differs from what was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What.
    pub what: String,
    /// As approved.
    pub before: String,
    /// As it is now.
    pub after: String,
}

/// What gate 1 found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dossier {
    /// When it was gathered.
    pub at: Timestamp,
    /// The estate in force.
    pub policy: Digest,
    /// The action's risk.
    pub risk: Risk,
    /// Whether the action can be taken back.
    pub reversibility: Reversibility,
    /// The facts with their readings.
    pub facts: Facts,
    /// The worst case in numbers.
    pub blast: Blast,
    /// The worst case in one sentence.
    pub worst_case: String,
    /// The team that owns the target.
    pub owner: TeamName,
    /// Its people.
    pub owners: BTreeSet<OperatorId>,
    /// The plan; none when the live system could not be read, or the action is advice only.
    pub plan: Option<Plan>,
    /// When the undo was last drilled; none means never.
    pub drilled: Option<Timestamp>,
    /// The objectives of everything in reach, as they were measured; empty when there is none, or no policy of the action asks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Measured>,
    /// Whether this is routine here, and what that rests on; none when no policy of the action asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routine: Option<Routine>,
    /// What the policies saw.
    pub situation: Situation,
    /// What policy said; none while a fact is missing, because policy is not asked then.
    pub verdict: Option<Verdict>,
    /// Earlier changes on this target or of this action.
    pub prior: Vec<PriorChange>,
    /// Changes in flight on things in reach.
    pub in_flight: Vec<PriorChange>,
    /// The freeze window in force, if any.
    pub freeze: Option<String>,
    /// The emergency in force that covers it, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<EmergencyId>,
    /// What is missing, stale or unreadable; empty for anything that may proceed.
    pub faults: Vec<Fault>,
}

impl Dossier {
    /// The digest of everything shown.
    ///
    /// # Errors
    /// When a value has no canonical form.
    pub fn digest(&self) -> Result<Digest, DigestError> {
        Digest::of_json(self)
    }

    /// One word for records and lists: the verdict's, or `not_asked`.
    pub fn verdict_word(&self) -> &'static str {
        self.verdict.as_ref().map_or("not_asked", Verdict::word)
    }

    /// The differences in words, as an approver reads them: situation by member, plan by step, verdict by rung.
    pub fn difference(&self, now: &Self) -> Vec<Difference> {
        let mut list = Vec::new();
        members("situation", &serde_json::to_value(&self.situation), &serde_json::to_value(&now.situation), &mut list);
        members(
            "plan",
            &serde_json::to_value(self.plan.as_ref().map(|p| &p.steps)),
            &serde_json::to_value(now.plan.as_ref().map(|p| &p.steps)),
            &mut list,
        );
        members(
            "permissions",
            &serde_json::to_value(self.plan.as_ref().map(|p| &p.permissions)),
            &serde_json::to_value(now.plan.as_ref().map(|p| &p.permissions)),
            &mut list,
        );
        if self.policy != now.policy {
            list.push(Difference { what: "policy".into(), before: self.policy.to_string(), after: now.policy.to_string() });
        }
        if self.verdict_word() != now.verdict_word() {
            list.push(Difference { what: "verdict".into(), before: self.verdict_word().into(), after: now.verdict_word().into() });
        }
        list
    }

    /// The facts that are missing or stale now, of those that are required.
    pub fn missing(facts: &Facts, now: Timestamp) -> Vec<Fault> {
        facts
            .values()
            .filter(|fact| fact.required)
            .filter_map(|fact| match fact.worth(now) {
                Worth::Confirms | Worth::Contradicts => None,
                Worth::Stale(age) => {
                    Some(Fault::StaleFact { fact: fact.name.clone(), age_s: age.as_secs(), limit_s: fact.limit.as_secs() })
                }
                Worth::Missing(why) => Some(Fault::MissingFact { fact: fact.name.clone(), why, query: fact.query.clone() }),
            })
            .collect()
    }
}

type Json = Result<serde_json::Value, serde_json::Error>;

fn members(at: &str, before: &Json, after: &Json, list: &mut Vec<Difference>) {
    if let (Ok(before), Ok(after)) = (before, after) {
        walk(at, before, after, list);
    }
}

fn walk(at: &str, before: &serde_json::Value, after: &serde_json::Value, list: &mut Vec<Difference>) {
    use serde_json::Value::{Array, Object};
    match (before, after) {
        (a, b) if a == b => {}
        (Object(a), Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let null = serde_json::Value::Null;
                walk(&format!("{at}.{key}"), a.get(key).unwrap_or(&null), b.get(key).unwrap_or(&null), list);
            }
        }
        (Array(a), Array(b)) if a.len() == b.len() => {
            for (index, (x, y)) in a.iter().zip(b).enumerate() {
                walk(&format!("{at}[{index}]"), x, y, list);
            }
        }
        (a, b) => list.push(Difference { what: at.into(), before: a.to_string(), after: b.to_string() }),
    }
}
