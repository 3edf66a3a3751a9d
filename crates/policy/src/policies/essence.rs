//! What of a case can matter to its verdict, so that whoever asks a million cases again may remember the answers.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::Effect;
use lineclear_core::budget::OVERDRAWN_BP;
use lineclear_core::measure::Confidence;
use lineclear_core::name::{FactName, PolicyName};
use lineclear_core::posture::Posture;
use lineclear_core::situation::{Case, Situation};

use super::Policies;
use crate::reads::Reads;
use crate::vocabulary::attribute;

/// The whole, in basis points.
const WHOLE_BP: u32 = 10_000;
/// The mildest severity.
const SEVERITY_MAX: u8 = 5;

impl Policies {
    /// The same case with everything that no policy of its action reads set to one fixed value. Cases of one essence have one
    /// verdict, to the last reason, or cannot be asked for the same reason.
    #[must_use]
    pub fn essence(&self, mut case: Case) -> Case {
        if let Some(bucket) = self.buckets.get(&case.action) {
            forget(&bucket.reads, &mut case.situation);
        }
        case
    }

    /// The policies that forbid.
    pub fn guards(&self) -> BTreeSet<PolicyName> {
        let forbids = self.set.policies().filter(|policy| policy.effect() == Effect::Forbid);
        forbids.filter_map(|policy| AsRef::<str>::as_ref(policy.id()).parse().ok()).collect()
    }
}

/// Nothing that is out of range is forgotten: it is refused before any policy reads it.
fn forget(reads: &Reads, situation: &mut Situation) {
    // Every member is named, so that a new one cannot be left out in silence.
    let Situation {
        confidence,
        evidence,
        confirmed,
        conflicting,
        hosts,
        services,
        customers,
        regions,
        fleet_bp,
        money_path,
        customer_data,
        reversible,
        undo_drilled,
        budget,
        posture,
        freeze,
        in_flight,
        severity,
        emergency,
        routine,
    } = situation;
    let unread = |name: &str| !reads.context.has(name);
    let flags = [
        ("conflicting", conflicting),
        ("money_path", money_path),
        ("customer_data", customer_data),
        ("reversible", reversible),
        ("undo_drilled", undo_drilled),
        ("freeze", freeze),
        ("emergency", emergency),
        ("routine", routine),
    ];
    flags.into_iter().filter(|(name, _)| unread(name)).for_each(|(_, flag)| *flag = false);
    let counts = [("hosts", hosts), ("services", services), ("customers", customers), ("regions", regions), ("in_flight", in_flight)];
    counts.into_iter().filter(|(name, _)| unread(name)).for_each(|(_, count)| *count = 0);
    if unread("fleet_bp") && *fleet_bp <= WHOLE_BP {
        *fleet_bp = 0;
    }
    if unread("severity") && *severity <= SEVERITY_MAX {
        *severity = 0;
    }
    if unread("posture") {
        *posture = Posture::Stopped;
    }
    if let (true, Ok(none)) = (unread("confidence_bp"), Confidence::try_from(0)) {
        *confidence = none;
    }
    let ranged = budget.is_some_and(|budget| (OVERDRAWN_BP..=WHOLE_BP.into()).contains(&budget.remaining_bp));
    if ranged && ["objective", "budget_bp", "burn"].into_iter().all(unread) {
        *budget = None;
    }
    // The count and what it counts are checked against each other, so both are forgotten or neither.
    if unread("confirmed") && count(evidence) == Some(*confirmed) {
        let unread = |fact: &FactName| unread("evidence") || !reads.evidence.has(&attribute(fact.as_str()));
        evidence.iter_mut().filter(|(fact, _)| unread(fact)).for_each(|(_, held)| *held = false);
        *confirmed = count(evidence).unwrap_or_default();
    }
}

fn count(evidence: &BTreeMap<FactName, bool>) -> Option<u32> {
    u32::try_from(evidence.values().filter(|held| **held).count()).ok()
}
