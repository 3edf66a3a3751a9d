//! Facts whose absence would open. An absent or stale fact reads as false, so wherever false opens (a forbid that waits for
//! it, a permit that wants it untrue) the fact must be required by every action that the policy speaks of.

use std::collections::BTreeSet;

use cedar_policy::pst::{BinaryOp, Clause, Expr, UnaryOp};
use cedar_policy::{Effect, Policy, Schema};
use lineclear_core::estate::Estate;

use crate::conjunct::path;
use crate::vocabulary::Vocabulary;

const EVIDENCE: &str = "context.evidence";

/// The facts that open this policy's actions when they are absent, with the first such action.
pub(crate) fn openings(estate: &Estate, schema: &Schema, vocabulary: &Vocabulary, policy: &Policy) -> Vec<String> {
    let Ok(whole) = policy.to_pst() else { return Vec::new() };
    let mut open = BTreeSet::new();
    let opens_when_true = policy.effect() == Effect::Permit;
    for clause in whole.body().clauses() {
        match clause {
            Clause::When(condition) => walk(condition, opens_when_true, &mut open),
            Clause::Unless(condition) => walk(condition, !opens_when_true, &mut open),
        }
    }
    if open.is_empty() {
        return Vec::new();
    }
    let reach: BTreeSet<String> = policy.get_valid_request_envs(schema).map(|env| env.action().id().unescaped().to_owned()).collect();
    let actions = estate.catalogue.actions.values().filter(|action| reach.contains(action.name.as_str()));
    let mut faults = Vec::new();
    for action in actions {
        let required = |attribute: &str| {
            action.facts.iter().any(|need| need.required && vocabulary.facts.get(&need.fact).is_some_and(|a| a == attribute))
        };
        for fact in open.iter().filter(|path| !path.strip_prefix(EVIDENCE).and_then(|p| p.strip_prefix('.')).is_some_and(required)) {
            faults.push(format!("`{fact}` opens when it is absent, and `{}` does not require it", action.name));
        }
    }
    faults.truncate(1);
    faults
}

/// Collects the facts that open when false; `opens` says whether this expression opens when it is true.
fn walk(expr: &Expr, opens: bool, into: &mut BTreeSet<String>) {
    if let Some(path) = path(expr) {
        if path == "context" || path == EVIDENCE || (!opens && path.starts_with(EVIDENCE)) {
            into.insert(path);
        }
        return;
    }
    if let Expr::UnaryOp { op: UnaryOp::Not, expr } = expr {
        walk(expr, !opens, into);
    } else if let Expr::BinaryOp { op: BinaryOp::And | BinaryOp::Or, left, right } = expr {
        walk(left, opens, into);
        walk(right, opens, into);
    } else if let Expr::IfThenElse { cond, then_expr, else_expr } = expr {
        into.extend(mentioned(cond));
        walk(then_expr, opens, into);
        walk(else_expr, opens, into);
    } else {
        into.extend(mentioned(expr));
    }
}

/// Every fact below an expression whose direction is not known.
fn mentioned(expr: &Expr) -> BTreeSet<String> {
    let of = |e: &Expr| path(e).map(|p| if p == "context" || p.starts_with(EVIDENCE) { BTreeSet::from([p]) } else { BTreeSet::new() });
    expr.reduce(&of, &|a, b| a.into_iter().chain(b).collect(), BTreeSet::new())
}
