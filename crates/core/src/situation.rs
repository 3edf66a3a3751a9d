//! What policy is asked about: a principal, an action, a target, and the folded facts. Pure data, no ages, no prose.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::budget::Budget;
use crate::id::{AgentId, OperatorId};
use crate::measure::Confidence;
use crate::name::{ActionName, FactName};
use crate::posture::Posture;
use crate::topology::EntityRef;

/// Who acts; prints as its id, and its kind is part of every record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Actor {
    /// A machine.
    Agent(AgentId),
    /// A named person.
    Operator(OperatorId),
    /// The engine itself: timers, recovery, rules.
    Engine,
}

/// The folded facts that the policies see; everything here is bound by an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Situation {
    /// What the proposer claims.
    pub confidence: Confidence,
    /// Every fact of the vocabulary that this action uses: true only when fresh and its condition holds.
    pub evidence: BTreeMap<FactName, bool>,
    /// How many of them are true.
    pub confirmed: u32,
    /// Whether a fact contradicts what the proposal rests on.
    pub conflicting: bool,
    /// Hosts in reach.
    pub hosts: u32,
    /// Services in reach.
    pub services: u32,
    /// Customers in reach, at most.
    pub customers: u32,
    /// Regions in reach.
    pub regions: u32,
    /// Share of the fleet's hosts, in basis points.
    pub fleet_bp: u32,
    /// Whether money passes through what is in reach.
    pub money_path: bool,
    /// Whether customers' data is in reach.
    pub customer_data: bool,
    /// Whether every step of the plan has an undo.
    pub reversible: bool,
    /// Whether that undo was drilled.
    pub undo_drilled: bool,
    /// What the objectives of the target still allow; none when nobody set one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// The autonomy that remains.
    pub posture: Posture,
    /// Whether a freeze window covers the target.
    pub freeze: bool,
    /// Other changes in flight on things in reach.
    pub in_flight: u32,
    /// Severity of the incident it serves: 1 (worst) to 5; 0 when there is none.
    pub severity: u8,
    /// Whether an emergency was declared for it.
    pub emergency: bool,
    /// Whether this action on this target has earned to be routine.
    pub routine: bool,
    /// All that the steps can get, as [`crate::permission::Permissions::atoms`] tells it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub permissions: BTreeSet<String>,
}

impl Situation {
    /// The situation as an approval binds it: a budget that has not moved from what was shown before
    /// ([`Budget::moved_from`]) counts as what was shown. Everything else is bound as it is. Whether policy still permits the
    /// change, and at which rung, is asked with the budget as it is.
    #[must_use]
    pub fn bound(&self, shown: Option<&Self>) -> Self {
        let budget = match (self.budget, shown.and_then(|shown| shown.budget)) {
            (Some(now), Some(shown)) if !now.moved_from(shown) => Some(shown),
            (now, _) => now,
        };
        Self { budget, ..self.clone() }
    }
}

/// One question to policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Who proposes.
    pub principal: Actor,
    /// What.
    pub action: ActionName,
    /// On what.
    pub target: EntityRef,
    /// Under which facts.
    pub situation: Situation,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Agent(id) => id.fmt(f),
            Self::Operator(id) => id.fmt(f),
            Self::Engine => f.write_str("engine"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Burn;

    fn at(remaining_bp: Option<i64>) -> Situation {
        let budget = remaining_bp.map(|remaining_bp| Budget { remaining_bp, burn: Burn::Steady });
        Situation { budget, ..crate::sample::situation(1) }
    }

    #[test]
    fn a_budget_that_hardly_moved_is_bound_as_it_was_shown_and_nothing_else_is() {
        assert_eq!(at(Some(7_900)).bound(Some(&at(Some(8_000)))), at(Some(8_000)));
        assert_eq!(at(Some(7_000)).bound(Some(&at(Some(8_000)))), at(Some(7_000)));
        assert_eq!(at(Some(7_900)).bound(Some(&at(None))), at(Some(7_900)));
        assert_eq!(at(None).bound(Some(&at(Some(8_000)))), at(None));
        assert_eq!(at(Some(7_900)).bound(None), at(Some(7_900)));
        let shown = Situation { freeze: true, ..at(Some(8_000)) };
        assert!(!at(Some(7_900)).bound(Some(&shown)).freeze, "a freeze that ended is bound as ended");
    }
}
