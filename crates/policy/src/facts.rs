//! The situation as Cedar's context: typed values, never JSON, and only within the ranges that proofs assume.

use cedar_policy::{Context, RestrictedExpression};
use lineclear_core::authority::Approvals;
use lineclear_core::budget::OVERDRAWN_BP;
use lineclear_core::situation::Situation;

use crate::ask::AskError;
use crate::reads::{Part, Reads};
use crate::vocabulary::Vocabulary;

/// Most people that approvals may count; no quorum is larger, and proofs assume it.
pub(crate) const HUMANS_MAX: i64 = 20;
/// The whole, in basis points.
const WHOLE_BP: i64 = 10_000;
/// The mildest severity.
const SEVERITY_MAX: i64 = 5;

/// Everything but the approvals, ready to be joined with those of each rung.
#[derive(Debug, Clone)]
pub(crate) struct Typed<'a> {
    plain: [(&'static str, Value); 21],
    /// Attribute by attribute, because a rung may carry only some.
    evidence: Vec<(&'a str, bool)>,
    permissions: Vec<(&'a str, bool)>,
}

/// A value before it is anything to Cedar: most of a situation is not read by the policies of one action, and need not become so.
#[derive(Debug, Clone, Copy)]
enum Value {
    Long(i64),
    Flag(bool),
}

impl Value {
    fn typed(self) -> RestrictedExpression {
        match self {
            Self::Long(value) => RestrictedExpression::new_long(value),
            Self::Flag(value) => RestrictedExpression::new_bool(value),
        }
    }
}

fn within(fact: &'static str, value: i64, max: i64) -> Result<(), AskError> {
    if (0..=max).contains(&value) { Ok(()) } else { Err(AskError::Range { fact, value, max }) }
}

fn long(value: impl Into<i64>) -> Value {
    Value::Long(value.into())
}

const fn flag(value: bool) -> Value {
    Value::Flag(value)
}

/// One pair of a record, when somebody reads it.
fn kept(part: &Part, name: &str, value: Value) -> Option<(String, RestrictedExpression)> {
    part.has(name).then(|| (name.to_owned(), value.typed()))
}

fn record(pairs: impl IntoIterator<Item = (String, RestrictedExpression)>) -> Result<RestrictedExpression, AskError> {
    RestrictedExpression::new_record(pairs).map_err(|_| AskError::Schema)
}

impl<'a> Typed<'a> {
    /// Checks the ranges and types the values.
    pub fn new(vocabulary: &'a Vocabulary, situation: &Situation) -> Result<Self, AskError> {
        check(situation)?;
        if let Some(strange) = situation.evidence.keys().find(|f| !vocabulary.facts.contains_key(*f)) {
            return Err(AskError::Unknown(format!("fact {strange}")));
        }
        let holds = |fact| situation.evidence.get(fact).copied().unwrap_or(false);
        let evidence = vocabulary.facts.iter().map(|(fact, attribute)| (attribute.as_str(), holds(fact))).collect();
        let got = |atoms: &std::collections::BTreeSet<String>| !atoms.is_disjoint(&situation.permissions);
        let permissions = vocabulary.permissions.iter().map(|(attribute, atoms)| (attribute.as_str(), got(atoms))).collect();
        let s = situation;
        let plain = [
            ("confidence_bp", long(s.confidence.basis_points())),
            ("confirmed", long(s.confirmed)),
            ("conflicting", flag(s.conflicting)),
            ("hosts", long(s.hosts)),
            ("services", long(s.services)),
            ("customers", long(s.customers)),
            ("regions", long(s.regions)),
            ("fleet_bp", long(s.fleet_bp)),
            ("money_path", flag(s.money_path)),
            ("customer_data", flag(s.customer_data)),
            ("reversible", flag(s.reversible)),
            ("undo_drilled", flag(s.undo_drilled)),
            ("objective", flag(s.budget.is_some())),
            ("budget_bp", long(s.budget.map_or(WHOLE_BP, |budget| budget.remaining_bp))),
            ("burn", long(s.budget.map_or(0, |budget| budget.burn.rank()))),
            ("posture", long(s.posture.rank())),
            ("freeze", flag(s.freeze)),
            ("in_flight", long(s.in_flight)),
            ("severity", long(s.severity)),
            ("emergency", flag(s.emergency)),
            ("routine", flag(s.routine)),
        ];
        Ok(Self { plain, evidence, permissions })
    }

    /// The context under these approvals, with the attributes that are read.
    pub fn with(&self, vocabulary: &Vocabulary, reads: &Reads, approvals: &Approvals) -> Result<Context, AskError> {
        let approvals = approved(vocabulary, &reads.approvals, approvals)?;
        let flags = |all: &[(&str, bool)], part: &Part| record(all.iter().filter_map(|(name, value)| kept(part, name, flag(*value))));
        let evidence = flags(&self.evidence, &reads.evidence)?;
        let permissions = flags(&self.permissions, &reads.permissions)?;
        let records = [("approvals", approvals), ("evidence", evidence), ("permissions", permissions)];
        let records = records.into_iter().filter(|(name, _)| reads.context.has(name)).map(|(name, value)| (name.to_owned(), value));
        let plain = self.plain.iter().filter_map(|(name, value)| kept(&reads.context, name, *value));
        Context::from_pairs(plain.chain(records)).map_err(|_| AskError::Schema)
    }
}

/// The approvals and nothing else: what a rung brings, before any fact is known.
pub(crate) fn given(vocabulary: &Vocabulary, approvals: &Approvals) -> Result<Context, AskError> {
    let record = approved(vocabulary, &Part::All, approvals)?;
    Context::from_pairs([("approvals".to_owned(), record)]).map_err(|_| AskError::Schema)
}

fn approved(vocabulary: &Vocabulary, reads: &Part, approvals: &Approvals) -> Result<RestrictedExpression, AskError> {
    within("approvals.humans", approvals.humans.into(), HUMANS_MAX)?;
    if let Some(strange) = approvals.roles.iter().find(|r| !vocabulary.roles.contains_key(*r)) {
        return Err(AskError::Unknown(format!("role {strange}")));
    }
    let given = [("humans", long(approvals.humans)), ("owner", flag(approvals.owner)), ("grade", long(approvals.grade.rank()))];
    let roles = vocabulary.roles.iter().map(|(role, attribute)| (attribute.as_str(), flag(approvals.roles.contains(role))));
    record(given.into_iter().chain(roles).filter_map(|(name, value)| kept(reads, name, value)))
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
