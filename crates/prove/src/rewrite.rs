//! Policies rewritten for a question: a fact read from elsewhere, approvals replaced by what a rung brings, a condition added.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::pst::{self, Clause, Expr, Literal, PstConstructionError, StaticPolicy, Template, Var};
use cedar_policy::{Policy, PolicySet};

/// Why a policy cannot be rewritten; the obligation is then not proved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RewriteError {
    /// It reads all facts as one value.
    #[error("policy `{0}` reads `context` as a whole")]
    Whole(String),
    /// A form of expression that this program has never seen.
    #[error("policy `{0}` holds an expression that cannot be rewritten")]
    Strange(String),
    /// Cedar refuses the result.
    #[error("{0}")]
    Refused(#[from] PstConstructionError),
    /// Two policies of one name.
    #[error("a policy stands there twice")]
    Twice,
}

/// What happens to one expression; the outermost is asked first.
pub(crate) enum Step {
    /// It stays as it is, with all that is in it.
    Keep,
    /// Its parts are asked.
    Enter,
    /// Another one stands in its place.
    Put(Arc<Expr>),
    /// It cannot be rewritten: it reads `context` as a whole.
    Stop,
}

/// Every policy of a set through one rule.
pub(crate) fn rewritten(set: &PolicySet, rule: &dyn Fn(&Expr) -> Step) -> Result<PolicySet, RewriteError> {
    let mut all = PolicySet::new();
    for policy in set.policies() {
        all.add(one(policy, rule)?).map_err(|_| RewriteError::Twice)?;
    }
    Ok(all)
}

/// One policy through a rule; its name, scope and annotations ride along.
pub(crate) fn one(policy: &Policy, rule: &dyn Fn(&Expr) -> Step) -> Result<Policy, RewriteError> {
    let whole = policy.to_pst()?;
    let mut clauses = Vec::new();
    for clause in whole.body().clauses() {
        let through = |condition| through(condition, rule).map_err(|fault| fault.of(policy));
        clauses.push(match clause {
            Clause::When(condition) => Clause::When(through(condition)?),
            Clause::Unless(condition) => Clause::Unless(through(condition)?),
        });
    }
    // What nothing was changed in stays the very same policy.
    if clauses == *whole.body().clauses() {
        return Ok(policy.clone());
    }
    Ok(build(whole.body().clone().try_with_clauses(clauses)?)?)
}

/// A policy from its parts.
pub(crate) fn build(body: Template) -> Result<Policy, PstConstructionError> {
    Policy::from_pst(pst::Policy::Static(StaticPolicy::try_from(body)?))
}

/// The policy with more conditions before its own.
pub(crate) fn given(policy: &Policy, conditions: &[Arc<Expr>]) -> Result<Policy, PstConstructionError> {
    let whole = policy.to_pst()?;
    let body = whole.body().clone();
    let before = conditions.iter().cloned().map(Clause::When);
    let clauses: Vec<Clause> = before.chain(body.clauses().iter().cloned()).collect();
    build(body.try_with_clauses(clauses)?)
}

/// One set of both; names must not meet.
pub(crate) fn joined(one: &PolicySet, two: &PolicySet) -> Result<PolicySet, RewriteError> {
    let mut all = one.clone();
    for policy in two.policies() {
        all.add(policy.clone()).map_err(|_| RewriteError::Twice)?;
    }
    Ok(all)
}

/// The attributes from `context` on: `[approvals, humans]` for `context.approvals.humans`.
pub(crate) fn path(expr: &Expr) -> Option<Vec<String>> {
    if let Expr::GetAttr { expr, attr } = expr {
        let mut base = path(expr)?;
        base.push(attr.to_string());
        return Some(base);
    }
    matches!(expr, Expr::Var(Var::Context)).then(Vec::new)
}

/// `context.a.b` for `[a, b]`.
pub(crate) fn read(path: &[String]) -> Arc<Expr> {
    let start = Arc::new(Expr::Var(Var::Context));
    path.iter().fold(start, |expr, attr| Arc::new(Expr::GetAttr { expr, attr: attr.as_str().into() }))
}

/// The rule by which `context.<from>` is read as `context.<to>`; `siblings` are the attributes beside the last one of `from`.
pub(crate) fn elsewhere<'a>(from: &'a [String], to: &'a str, siblings: &'a [String]) -> impl Fn(&Expr) -> Step + 'a {
    let other = move || read(&[to.to_owned()]);
    move |expr| {
        if let Expr::HasAttr { expr: of, attrs } = expr
            && let Some(mut whole) = path(of)
        {
            whole.extend(attrs.iter().map(ToString::to_string));
            if whole != from {
                return Step::Keep;
            }
            let mut attrs = attrs.clone();
            attrs.head = to.into();
            attrs.tail.clear();
            return Step::Put(Arc::new(Expr::HasAttr { expr: Arc::new(Expr::Var(Var::Context)), attrs }));
        }
        match path(expr) {
            None => Step::Enter,
            Some(read) if read.is_empty() => Step::Stop,
            Some(read) if read == from => Step::Put(other()),
            Some(read) if from.starts_with(&read) => Step::Put(record(&read, from, &other(), siblings)),
            Some(_) => Step::Keep,
        }
    }
}

/// The record at `at` with one attribute taken from elsewhere.
fn record(at: &[String], from: &[String], other: &Arc<Expr>, siblings: &[String]) -> Arc<Expr> {
    let attribute = |name: &String| {
        let mut whole = at.to_vec();
        whole.push(name.clone());
        if whole == from { Arc::clone(other) } else { read(&whole) }
    };
    Arc::new(Expr::Record(siblings.iter().map(|name| (name.clone(), attribute(name))).collect()))
}

/// The rule by which `context.<field>` is this record of literals.
pub(crate) fn fixed<'a>(field: &'a str, values: &'a BTreeMap<String, Literal>) -> impl Fn(&Expr) -> Step + 'a {
    let literal = |value: &Literal| Arc::new(Expr::Literal(value.clone()));
    move |expr| {
        if let Expr::HasAttr { expr: of, attrs } = expr
            && let Some(mut whole) = path(of)
        {
            whole.extend(attrs.iter().map(ToString::to_string));
            let known =
                matches!(whole.as_slice(), [first, rest @ ..] if first == field && rest.iter().all(|name| values.contains_key(name)));
            return if known { Step::Put(literal(&Literal::Bool(true))) } else { Step::Keep };
        }
        let Some(read) = path(expr) else { return Step::Enter };
        match read.as_slice() {
            [] => Step::Stop,
            [one] if one == field => {
                Step::Put(Arc::new(Expr::Record(values.iter().map(|(name, value)| (name.clone(), literal(value))).collect())))
            }
            [one, name] if one == field => values.get(name).map_or(Step::Keep, |value| Step::Put(literal(value))),
            _ => Step::Keep,
        }
    }
}

enum Fault {
    Whole,
    Strange,
}

impl Fault {
    fn of(self, policy: &Policy) -> RewriteError {
        match self {
            Self::Whole => RewriteError::Whole(policy.id().to_string()),
            Self::Strange => RewriteError::Strange(policy.id().to_string()),
        }
    }
}

fn through(expr: &Arc<Expr>, rule: &dyn Fn(&Expr) -> Step) -> Result<Arc<Expr>, Fault> {
    match rule(expr) {
        Step::Keep => return Ok(Arc::clone(expr)),
        Step::Put(other) => return Ok(other),
        Step::Stop => return Err(Fault::Whole),
        Step::Enter => {}
    }
    let go = |part: &Arc<Expr>| through(part, rule);
    Ok(Arc::new(match expr.as_ref() {
        Expr::Literal(_) | Expr::Var(_) => return Ok(Arc::clone(expr)),
        Expr::UnaryOp { op, expr } => Expr::UnaryOp { op: *op, expr: go(expr)? },
        Expr::BinaryOp { op, left, right } => Expr::BinaryOp { op: *op, left: go(left)?, right: go(right)? },
        Expr::GetAttr { expr, attr } => Expr::GetAttr { expr: go(expr)?, attr: attr.clone() },
        Expr::HasAttr { expr, attrs } => Expr::HasAttr { expr: go(expr)?, attrs: attrs.clone() },
        Expr::Like { expr, pattern } => Expr::Like { expr: go(expr)?, pattern: pattern.clone() },
        Expr::Is { expr, entity_type, in_expr } => {
            let in_expr = in_expr.as_ref().map(go).transpose()?;
            Expr::Is { expr: go(expr)?, entity_type: entity_type.clone(), in_expr }
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            Expr::IfThenElse { cond: go(cond)?, then_expr: go(then_expr)?, else_expr: go(else_expr)? }
        }
        Expr::Set(list) => Expr::Set(list.iter().map(go).collect::<Result<_, _>>()?),
        Expr::Record(map) => Expr::Record(map.iter().map(|(name, value)| Ok((name.clone(), go(value)?))).collect::<Result<_, Fault>>()?),
        // Slots and unknowns are refused at load; a form of a later Cedar must not slip through unread.
        Expr::Slot(_) | Expr::Unknown { .. } | _ => return Err(Fault::Strange),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(policy: &str, rule: &dyn Fn(&Expr) -> Step) -> String {
        let set: PolicySet = policy.parse().unwrap();
        match rewritten(&set, rule) {
            Ok(set) => set.policies().map(|policy| policy.to_pst().unwrap().body().clauses()[0].to_string()).collect(),
            Err(error) => error.to_string(),
        }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_fact_is_read_from_elsewhere_wherever_it_is_read() {
        let (from, siblings) = (words(&["approvals", "humans"]), words(&["humans", "owner"]));
        let rule = elsewhere(&from, "other", &siblings);
        let check = |condition: &str, expected: &str| {
            assert_eq!(text(&format!("permit(principal,action,resource) when {{ {condition} }};"), &rule), expected, "{condition}");
        };
        check("context.approvals.humans >= 2 && context.freeze", "when { (context.other >= 2) && context.freeze }");
        check("context has approvals.humans", "when { context has other }");
        check("context has freeze", "when { context has freeze }");
        check("context.approvals.owner", "when { context.approvals.owner }");
        check("context.approvals == {humans: 1}", "when { {humans: context.other, owner: context.approvals.owner} == {humans: 1} }");
        check("context == {a: 1}", "policy `policy0` reads `context` as a whole");
    }

    #[test]
    fn approvals_become_what_a_rung_brings() {
        let values = BTreeMap::from([("humans".to_owned(), Literal::Long(2)), ("owner".to_owned(), Literal::Bool(false))]);
        let rule = fixed("approvals", &values);
        let check = |condition: &str, expected: &str| {
            assert_eq!(text(&format!("permit(principal,action,resource) when {{ {condition} }};"), &rule), expected, "{condition}");
        };
        check("context.approvals.humans >= 2 && context.freeze", "when { (2 >= 2) && context.freeze }");
        check("context.approvals == {humans: 1}", "when { {humans: 2, owner: false} == {humans: 1} }");
        check("context has approvals.owner && context has freeze", "when { true && (context has freeze) }");
        check(
            "if principal is Agent then [context.approvals.owner].contains(true) else true",
            "when { if principal is Agent then [false].contains(true) else true }",
        );
    }
}
