//! A policy taken apart: its scope and the conditions that must all hold, each a probe that can be asked alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::pst::{
    ActionConstraint, BinaryOp, Clause, Effect, Expr, PolicyID, PrincipalConstraint, PstConstructionError, ResourceConstraint,
    StaticPolicy, Template, UnaryOp, Var,
};
use cedar_policy::{Policy, pst};

/// Longest condition in a reason, in characters; the policy's own text is one click away.
const TEXT_MAX: usize = 200;

/// One condition, or a scope.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    /// Its whole text: equal texts are equal conditions.
    pub key: String,
    /// As reasons show it; empty when it is about the action alone, which is no fact.
    pub text: String,
    /// The facts it reads: `context.evidence.backend_down`.
    pub reads: BTreeSet<String>,
    /// Whether neither the principal nor the resource is part of it.
    of_facts: bool,
    body: Template,
}

/// The parts of one policy.
#[derive(Debug, Clone)]
pub(crate) struct Anatomy {
    /// Whom and what it speaks of.
    pub scope: Probe,
    /// What must hold for it to match.
    pub needs: Vec<Probe>,
    /// Whether evaluating it can fail.
    pub fallible: bool,
}

impl Anatomy {
    /// Takes a policy apart.
    pub fn of(policy: &Policy) -> Result<Self, PstConstructionError> {
        let whole = policy.to_pst()?;
        let body = whole.body();
        let (mut needs, mut fallible) = (Vec::new(), false);
        for clause in body.clauses() {
            let mut parts = Vec::new();
            match clause {
                Clause::When(condition) => conjuncts(condition, &mut parts),
                Clause::Unless(condition) => disjuncts(condition, &mut parts),
            }
            fallible |= parts.iter().any(|part| fails(part));
            for part in parts {
                needs.push(Probe::condition(&part)?);
            }
        }
        Ok(Self { scope: Probe::scope(body), needs, fallible })
    }
}

impl Probe {
    fn condition(condition: &Arc<Expr>) -> Result<Self, PstConstructionError> {
        let blank = template(PrincipalConstraint::Any, ResourceConstraint::Any);
        let key = condition.to_string();
        let body = blank.try_with_clauses(vec![Clause::When(Arc::clone(condition))])?;
        let text = if names(condition, &[Var::Principal, Var::Resource, Var::Context]) {
            key.chars().take(TEXT_MAX).collect()
        } else {
            String::new()
        };
        let of_facts = !names(condition, &[Var::Principal, Var::Resource]);
        Ok(Self { text, key, reads: paths(condition), of_facts, body })
    }

    fn scope(body: &Template) -> Self {
        let key = format!("scope: principal {}, resource {}", body.principal, body.resource);
        let alike = template(body.principal.clone(), body.resource.clone());
        Self { text: String::new(), key, reads: BTreeSet::new(), of_facts: false, body: alike }
    }

    /// Whether nothing that happens can change it: it reads no fact.
    pub fn fixed(&self) -> bool {
        self.reads.is_empty()
    }

    /// Whether approvals can change it.
    pub fn swayed(&self) -> bool {
        self.reads.iter().any(|path| path == "context" || path.starts_with("context.approvals"))
    }

    /// Whether it reads nothing but approvals, so that each rung of the ladder has its answer once and for all.
    pub fn given(&self) -> bool {
        self.of_facts && !self.reads.is_empty() && self.reads.iter().all(|path| path.starts_with("context.approvals"))
    }

    /// A permit under this number that matches exactly when the condition holds.
    pub fn policy(&self, number: usize) -> Result<Policy, PstConstructionError> {
        let body = self.body.clone().with_id(PolicyID(number.to_string().into()));
        Policy::from_pst(pst::Policy::Static(StaticPolicy::try_from(body)?))
    }
}

fn template(principal: PrincipalConstraint, resource: ResourceConstraint) -> Template {
    Template::new(PolicyID("probe".into()), Effect::Permit, principal, ActionConstraint::Any, resource)
}

fn conjuncts(condition: &Arc<Expr>, into: &mut Vec<Arc<Expr>>) {
    if let Expr::BinaryOp { op: BinaryOp::And, left, right } = condition.as_ref() {
        conjuncts(left, into);
        conjuncts(right, into);
    } else {
        into.push(Arc::clone(condition));
    }
}

/// What must hold so that none of the alternatives does.
fn disjuncts(condition: &Arc<Expr>, into: &mut Vec<Arc<Expr>>) {
    if let Expr::BinaryOp { op: BinaryOp::Or, left, right } = condition.as_ref() {
        disjuncts(left, into);
        disjuncts(right, into);
    } else {
        into.push(negated(condition));
    }
}

fn negated(condition: &Arc<Expr>) -> Arc<Expr> {
    if let Expr::UnaryOp { op: UnaryOp::Not, expr } = condition.as_ref() {
        return Arc::clone(expr);
    }
    if let Expr::BinaryOp { op, left, right } = condition.as_ref()
        && let Some(op) = opposite(*op)
    {
        return Arc::new(Expr::BinaryOp { op, left: Arc::clone(left), right: Arc::clone(right) });
    }
    Arc::new(Expr::UnaryOp { op: UnaryOp::Not, expr: Arc::clone(condition) })
}

fn opposite(op: BinaryOp) -> Option<BinaryOp> {
    let pairs = [(BinaryOp::Eq, BinaryOp::NotEq), (BinaryOp::Less, BinaryOp::GreaterEq), (BinaryOp::LessEq, BinaryOp::Greater)];
    pairs.into_iter().find_map(|(a, b)| if op == a { Some(b) } else { (op == b).then_some(a) })
}

/// Whether a condition speaks of one of these.
fn names(condition: &Expr, vars: &[Var]) -> bool {
    let of = |e: &Expr| if let Expr::Var(var) = e { Some(vars.contains(var)) } else { None };
    condition.reduce(&of, &|a, b| a || b, false)
}

/// Whether evaluating a condition of a validated policy can fail. Arithmetic overflows, an extension's function may refuse its
/// argument, a tag may be absent; whatever is not known to be harmless counts as one of them.
fn fails(condition: &Expr) -> bool {
    use BinaryOp::{And, Contains, ContainsAll, ContainsAny, Eq, Greater, GreaterEq, In, Less, LessEq, NotEq, Or};
    let harmless = |expr: &Expr| {
        if matches!(expr, Expr::Literal(_) | Expr::Var(_)) {
            return Some(false);
        }
        let known = matches!(
            expr,
            Expr::UnaryOp { op: UnaryOp::Not, .. }
                | Expr::BinaryOp {
                    op: And | Or | Eq | NotEq | Less | LessEq | Greater | GreaterEq | In | Contains | ContainsAll | ContainsAny,
                    ..
                }
                | Expr::GetAttr { .. }
                | Expr::HasAttr { .. }
                | Expr::Is { .. }
                | Expr::IfThenElse { .. }
                | Expr::Set(_)
                | Expr::Record(_)
        );
        // What is known is harmless when its parts are; they are asked next.
        (!known).then_some(true)
    };
    condition.reduce(&harmless, &|one, other| one || other, false)
}

/// `context.evidence.x` for an attribute read that starts at the context.
pub(crate) fn path(expr: &Expr) -> Option<String> {
    if let Expr::GetAttr { expr, attr } = expr {
        return path(expr).map(|base| format!("{base}.{attr}"));
    }
    matches!(expr, Expr::Var(Var::Context)).then(|| "context".into())
}

fn paths(expr: &Expr) -> BTreeSet<String> {
    expr.reduce(&|e| path(e).map(|p| BTreeSet::from([p])), &|a, b| a.into_iter().chain(b).collect(), BTreeSet::new())
}
