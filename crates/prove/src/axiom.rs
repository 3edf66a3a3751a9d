//! What the host asserts of every request before policy sees it: ranges of numbers. A claim is first tried without them; what
//! then fails only for requests that cannot happen is proved with them.

use cedar_policy::pst::{Clause, Expr};
use cedar_policy::{Policy, PolicySet};
use std::fmt::Write as _;
use std::sync::Arc;

use lineclear_core::budget::OVERDRAWN_BP;

use crate::report::ProveError;
use crate::shape::{Kind, Shape};

/// Counters come from unsigned numbers of 32 bits.
const COUNT_MAX: i64 = u32::MAX as i64;

/// The range of each number: as `policy` checks it, or as its type in `core` has it.
const RANGES: [(&str, i64, i64); 15] = [
    ("approvals.grade", 0, 3),
    ("approvals.humans", 0, 20),
    ("budget_bp", OVERDRAWN_BP, 10_000),
    ("burn", 0, 2),
    ("confidence_bp", 0, 10_000),
    ("confirmed", 0, COUNT_MAX),
    ("customers", 0, COUNT_MAX),
    ("fleet_bp", 0, 10_000),
    ("hosts", 0, COUNT_MAX),
    ("in_flight", 0, COUNT_MAX),
    ("posture", 0, 3),
    ("regions", 0, COUNT_MAX),
    ("services", 0, COUNT_MAX),
    ("severity", 0, 5),
    // Of the entity that is acted on.
    ("resource.customers", 0, COUNT_MAX),
];

/// The axioms of one schema.
#[derive(Debug)]
pub(crate) struct Axioms {
    conditions: Vec<String>,
}

/// The range of a fact, when it has one.
pub(crate) fn range(path: &[String]) -> Option<(i64, i64)> {
    let name = path.join(".");
    RANGES.iter().find(|(known, _, _)| *known == name).map(|(_, low, high)| (*low, *high))
}

impl Axioms {
    /// Those that this schema has facts for.
    pub fn of(shape: &Shape) -> Self {
        let has = |name: &str, kind: Kind| shape.kind(&split(name)) == Some(kind);
        let mut conditions: Vec<String> = RANGES
            .iter()
            .filter(|(name, _, _)| name.starts_with("resource.") || has(name, Kind::Long))
            .map(|(name, low, high)| {
                let read = if name.starts_with("resource.") { (*name).to_owned() } else { format!("context.{name}") };
                format!("{low} <= {read} && {read} <= {high}")
            })
            .collect();
        if has("objective", Kind::Bool) && has("budget_bp", Kind::Long) && has("burn", Kind::Long) {
            // Without an objective there is no budget to burn; `policy` fills in an untouched one.
            conditions.push("context.objective || (context.budget_bp == 10000 && context.burn == 0)".into());
        }
        Self { conditions }
    }

    /// Forbids for what breaks one of them, to stand beside the left side of a claim.
    pub fn forbids(&self) -> Result<PolicySet, ProveError> {
        parsed(&self.text())
    }

    /// A set that permits exactly what the host lets through.
    pub fn region(&self) -> Result<PolicySet, ProveError> {
        parsed(&format!("@id(\"#axiom-all\") permit(principal, action, resource);\n{}", self.text()))
    }

    /// The axioms as conditions.
    pub fn expressions(&self) -> Result<Vec<Arc<Expr>>, ProveError> {
        let mut all = Vec::new();
        for condition in &self.conditions {
            let policy = Policy::parse(None, format!("permit(principal, action, resource) when {{ {condition} }};"));
            let policy = policy.map_err(|error| ProveError::Policy(error.to_string()))?;
            let whole = policy.to_pst().map_err(|error| ProveError::Policy(error.to_string()))?;
            all.extend(whole.body().clauses().iter().map(|clause| match clause {
                Clause::When(condition) | Clause::Unless(condition) => Arc::clone(condition),
            }));
        }
        Ok(all)
    }

    /// One forbid for each: a chain of thirty `&&` would only deepen the recursion.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (number, condition) in self.conditions.iter().enumerate() {
            let _ = writeln!(text, "@id(\"#axiom-{number}\") forbid(principal, action, resource) unless {{ {condition} }};");
        }
        text
    }
}

/// `a.b` as a path.
pub(crate) fn split(name: &str) -> Vec<String> {
    name.split('.').map(ToOwned::to_owned).collect()
}

/// A set whose policies are called as their `@id` says.
pub(crate) fn parsed(text: &str) -> Result<PolicySet, ProveError> {
    let raw: PolicySet = text.parse().map_err(|error: cedar_policy::ParseErrors| ProveError::Policy(error.to_string()))?;
    let mut set = PolicySet::new();
    for policy in raw.policies() {
        let id = policy.annotation("id").unwrap_or_default().to_owned();
        set.add(policy.new_id(cedar_policy::PolicyId::new(id))).map_err(|error| ProveError::Policy(error.to_string()))?;
    }
    Ok(set)
}
