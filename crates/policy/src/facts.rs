//! The situation as Cedar's context: typed values, never JSON, and only within the ranges that proofs assume.

use cedar_policy::{Context, RestrictedExpression};
use lineclear_core::authority::Approvals;
use lineclear_core::budget::OVERDRAWN_BP;
use lineclear_core::situation::Situation;

use crate::ask::AskError;
use crate::vocabulary::Vocabulary;

/// Most people that approvals may count; no quorum is larger, and proofs assume it.
pub(crate) const HUMANS_MAX: i64 = 20;
/// The whole, in basis points.
const WHOLE_BP: i64 = 10_000;
/// The mildest severity.
const SEVERITY_MAX: i64 = 5;

/// Everything but the approvals, ready to be joined with those of each rung.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pairs: Vec<(String, RestrictedExpression)>,
}

fn within(fact: &'static str, value: i64, max: i64) -> Result<(), AskError> {
    if (0..=max).contains(&value) { Ok(()) } else { Err(AskError::Range { fact, value, max }) }
}

fn long(name: &str, value: impl Into<i64>) -> (String, RestrictedExpression) {
    (name.to_owned(), RestrictedExpression::new_long(value.into()))
}

fn flag(name: &str, value: bool) -> (String, RestrictedExpression) {
    (name.to_owned(), RestrictedExpression::new_bool(value))
}

fn record(pairs: impl IntoIterator<Item = (String, RestrictedExpression)>) -> Result<RestrictedExpression, AskError> {
    RestrictedExpression::new_record(pairs).map_err(|_| AskError::Schema)
}

impl Typed {
    /// Checks the ranges and types the values.
    pub fn new(vocabulary: &Vocabulary, situation: &Situation) -> Result<Self, AskError> {
        check(situation)?;
        if let Some(strange) = situation.evidence.keys().find(|f| !vocabulary.facts.contains_key(*f)) {
            return Err(AskError::Unknown(format!("fact {strange}")));
        }
        let holds = |fact| situation.evidence.get(fact).copied().unwrap_or(false);
        let evidence = record(vocabulary.facts.iter().map(|(fact, attribute)| flag(attribute, holds(fact))))?;
        let s = situation;
        let pairs = vec![
            ("evidence".to_owned(), evidence),
            long("confidence_bp", s.confidence.basis_points()),
            long("confirmed", s.confirmed),
            flag("conflicting", s.conflicting),
            long("hosts", s.hosts),
            long("services", s.services),
            long("customers", s.customers),
            long("regions", s.regions),
            long("fleet_bp", s.fleet_bp),
            flag("money_path", s.money_path),
            flag("customer_data", s.customer_data),
            flag("reversible", s.reversible),
            flag("undo_drilled", s.undo_drilled),
            flag("objective", s.budget.is_some()),
            long("budget_bp", s.budget.map_or(WHOLE_BP, |budget| budget.remaining_bp)),
            long("burn", s.budget.map_or(0, |budget| budget.burn.rank())),
            long("posture", s.posture.rank()),
            flag("freeze", s.freeze),
            long("in_flight", s.in_flight),
            long("severity", s.severity),
            flag("emergency", s.emergency),
            flag("routine", s.routine),
        ];
        Ok(Self { pairs })
    }

    /// The whole context under these approvals.
    pub fn with(&self, vocabulary: &Vocabulary, approvals: &Approvals) -> Result<Context, AskError> {
        within("approvals.humans", approvals.humans.into(), HUMANS_MAX)?;
        if let Some(strange) = approvals.roles.iter().find(|r| !vocabulary.roles.contains_key(*r)) {
            return Err(AskError::Unknown(format!("role {strange}")));
        }
        let given = [long("humans", approvals.humans), flag("owner", approvals.owner), long("grade", approvals.grade.rank())];
        let roles = vocabulary.roles.iter().map(|(role, attribute)| flag(attribute, approvals.roles.contains(role)));
        let approvals = record(given.into_iter().chain(roles))?;
        let pairs = self.pairs.iter().cloned().chain([("approvals".to_owned(), approvals)]);
        Context::from_pairs(pairs).map_err(|_| AskError::Schema)
    }
}

/// The axioms of the proofs, asserted on what is asked.
fn check(situation: &Situation) -> Result<(), AskError> {
    within("confidence_bp", situation.confidence.basis_points().into(), WHOLE_BP)?;
    within("fleet_bp", situation.fleet_bp.into(), WHOLE_BP)?;
    if let Some(budget) = situation.budget
        && !(OVERDRAWN_BP..=WHOLE_BP).contains(&budget.remaining_bp)
    {
        return Err(AskError::Range { fact: "budget_bp", value: budget.remaining_bp, max: WHOLE_BP });
    }
    within("severity", situation.severity.into(), SEVERITY_MAX)?;
    let confirmed = i64::try_from(situation.evidence.values().filter(|held| **held).count()).unwrap_or(i64::MAX);
    if i64::from(situation.confirmed) == confirmed {
        return Ok(());
    }
    Err(AskError::Range { fact: "confirmed", value: situation.confirmed.into(), max: confirmed })
}
