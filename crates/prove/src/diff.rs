//! What a new set of policies permits that the old one did not, and the other way round: by the solver, not by reading.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy::pst::{ActionConstraint, BinaryOp, EntityUID, Expr, Literal, Var};
use cedar_policy::{Effect, EntityUid, Policy, PolicySet, ValidationMode, Validator};
use lineclear_policy::Policies;
use serde::Serialize;

use crate::axiom::Axioms;
use crate::beside::{Shift, beside};
use crate::plan::environments;
use crate::pool::answers;
use crate::proof::teams;
use crate::question::{Answer, Ask, Batch, Question, Side, name_of};
use crate::report::{Example, ProveError};
use crate::rewrite::{Step, build, joined, one};
use crate::scene::Scene;
use crate::shape::Shape;
use crate::solver::Solver;
use crate::tell::{Case, tell};
use crate::trial::{Law, Trial};

/// The claim that nothing is newly permitted.
const WIDER: usize = 0;
/// The claim that nothing is newly refused.
const NARROWER: usize = 1;
/// The claim that a new kind of request is not permitted.
const FRESH: usize = 2;

/// What changed between two sets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Requests that are permitted now and were not; one for each kind.
    pub opened: Vec<Example>,
    /// Requests that were permitted and are not; one for each kind.
    pub closed: Vec<Example>,
    /// Changes that no policy shows: risk, rungs, roles, people.
    pub beside: Vec<Shift>,
    /// Kinds of request of which nobody knows; they count as opened.
    pub unknown: Vec<String>,
}

impl Difference {
    /// Whether anything is wider, or may be.
    pub fn widens(&self) -> bool {
        !self.opened.is_empty() || !self.unknown.is_empty() || self.beside.iter().any(|shift| shift.widens)
    }
}

/// Compares two sets over everything that can be asked under the new one. Action groups of the old policies stand for the
/// actions that they held then, so that moving an action to another risk class is seen.
///
/// # Errors
/// When nothing could be asked.
pub async fn diff(solver: &Solver, old: &Policies, new: &Policies) -> Result<Difference, ProveError> {
    let shape = Shape::of(new.schema_text())?;
    let bounds = Axioms::of(&shape);
    let (before, lost) = translated(old, new)?;
    let schema = Arc::new(new.schema().clone());
    let side = |set: PolicySet| Arc::new(Side { set, schema: Arc::clone(&schema) });
    let (was, is, region) = (side(before.clone()), side(new.set().clone()), side(bounds.region()?));
    let forbids = bounds.forbids()?;
    let (was_bounded, is_bounded) = (side(joined(&before, &forbids)?), side(joined(new.set(), &forbids)?));
    let known: BTreeSet<String> = environments(old.schema()).iter().map(name_of).collect();
    let batch = |env: cedar_policy::RequestEnv| {
        let question = |claim, ask, bounded| Question { claim, ask, bounded, example: true };
        let questions = if known.contains(&name_of(&env)) {
            let within = |one: &Arc<Side>, two: &Arc<Side>| Ask::Within(Arc::clone(one), Arc::clone(two));
            vec![
                question(WIDER, within(&is, &was), Some(within(&is_bounded, &was))),
                question(NARROWER, within(&was, &is), Some(within(&was_bounded, &is))),
            ]
        } else {
            vec![question(FRESH, Ask::Apart(Arc::clone(&is), Arc::clone(&region)), None)]
        };
        Batch { env, questions }
    };
    let batches: Arc<Vec<Batch>> = Arc::new(environments(new.schema()).into_iter().map(batch).collect());
    let answers = answers(solver, Arc::clone(&batches)).await;
    let mut difference = Difference { beside: beside(old, new), ..Difference::default() };
    difference.beside.extend(lost);
    let reader = Reader { new, before: &before, shape: &shape, teams: teams(new) };
    for (batch, answers) in batches.iter().zip(&answers) {
        for (question, answer) in batch.questions.iter().zip(answers) {
            reader.read(&mut difference, batch, question, answer);
        }
    }
    let now: BTreeSet<String> = batches.iter().map(|batch| name_of(&batch.env)).collect();
    for gone in known.difference(&now) {
        difference.beside.push(Shift { says: format!("`{gone}` can no longer be asked"), widens: false });
    }
    Ok(difference)
}

struct Reader<'a> {
    new: &'a Policies,
    before: &'a PolicySet,
    shape: &'a Shape,
    teams: Vec<String>,
}

impl Reader<'_> {
    fn read(&self, difference: &mut Difference, batch: &Batch, question: &Question, answer: &Answer) {
        let name = name_of(&batch.env);
        let env = match answer {
            Answer::Holds { .. } => return,
            Answer::Unproved(why) => return difference.unknown.push(format!("{name}: {why}")),
            Answer::Fails(env) => env,
        };
        let (law, case) = match question.claim {
            WIDER => (Law::Within(self.new.set(), self.before), Case::Wider),
            NARROWER => (Law::Within(self.before, self.new.set()), Case::Narrower),
            _ => (Law::Never(self.new.set()), Case::Fresh),
        };
        let trial = Trial { law, schema: self.new.schema(), shape: self.shape, teams: &self.teams };
        let shrunk = env.as_ref().and_then(|env| Scene::of(env, None)).and_then(|scene| trial.shrink(scene));
        let Some(shrunk) = shrunk else {
            return difference.unknown.push(format!("{name}: the solver's counterexample does not hold on the engine"));
        };
        let told = tell(self.new.estate(), self.shape, &name, &case, &shrunk);
        if matches!(case, Case::Narrower) { difference.closed.push(told) } else { difference.opened.push(told) }
    }
}

/// The old policies as they read under the new schema, and what cannot be read so. A permit that is left out makes the
/// difference look wider, never narrower; a forbid that is left out is told as widening.
fn translated(old: &Policies, new: &Policies) -> Result<(PolicySet, Vec<Shift>), ProveError> {
    let groups = groups(old, new);
    let validator = Validator::new(new.schema().clone());
    let (mut set, mut lost) = (PolicySet::new(), Vec::new());
    for policy in old.set().policies() {
        let Some(policy) = expanded(policy, &groups)? else { continue };
        let lone = PolicySet::from_policies([policy.clone()]).map_err(|error| ProveError::Policy(error.to_string()))?;
        if validator.validate(&lone, ValidationMode::Strict).validation_errors().next().is_some() {
            let forbids = policy.effect() == Effect::Forbid;
            let says = format!("old policy `{}` speaks of something that is gone, and cannot be compared", policy.id());
            lost.push(Shift { says, widens: forbids });
            continue;
        }
        set.add(policy).map_err(|error| ProveError::Policy(error.to_string()))?;
    }
    Ok((set, lost))
}

/// For each action and group of the old catalogue, the actions that it stood for and that are still there.
fn groups(old: &Policies, new: &Policies) -> BTreeMap<String, Vec<String>> {
    let still = &new.estate().catalogue.actions;
    let actions = &old.estate().catalogue.actions;
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let hierarchy = old.schema().action_entities().unwrap_or_default();
    let named: BTreeMap<&str, &EntityUid> = old.schema().actions().map(|uid| (uid.id().unescaped(), uid)).collect();
    for name in actions.keys() {
        let held = if still.contains_key(name) { vec![name.to_string()] } else { Vec::new() };
        groups.entry(name.to_string()).or_default().extend(held.clone());
        let Some(uid) = named.get(name.as_str()) else { continue };
        for group in old.schema().action_groups().filter(|group| hierarchy.is_ancestor_of(group, uid)) {
            groups.entry(group.id().unescaped().to_owned()).or_default().extend(held.clone());
        }
    }
    groups
}

/// One old policy with groups written out; none when nothing that it speaks of is left.
fn expanded(policy: &Policy, groups: &BTreeMap<String, Vec<String>>) -> Result<Option<Policy>, ProveError> {
    let refuse = |error: cedar_policy::pst::PstConstructionError| ProveError::Policy(error.to_string());
    let through = one(policy, &|expr| within(expr, groups))?;
    let whole = through.to_pst().map_err(refuse)?;
    let mut body = whole.body().clone();
    let named = match &body.action {
        ActionConstraint::Any => return Ok(Some(through)),
        ActionConstraint::Eq(one) => members(one, groups),
        ActionConstraint::In(all) => all.iter().flat_map(|one| members(one, groups)).collect(),
    };
    if named.is_empty() {
        return Ok(None);
    }
    body.action = ActionConstraint::In(named);
    Ok(Some(build(body).map_err(refuse)?))
}

fn members(uid: &EntityUID, groups: &BTreeMap<String, Vec<String>>) -> Vec<EntityUID> {
    let held = groups.get(uid.eid.as_str()).into_iter().flatten();
    held.map(|name| EntityUID { ty: uid.ty.clone(), eid: name.as_str().into() }).collect()
}

/// `action in …` and `action == …` of a condition.
fn within(expr: &Expr, groups: &BTreeMap<String, Vec<String>>) -> Step {
    let Expr::BinaryOp { op, left, right } = expr else { return Step::Enter };
    if **left != Expr::Var(Var::Action) {
        return Step::Enter;
    }
    let named = |expr: &Expr| if let Expr::Literal(Literal::EntityUID(uid)) = expr { Some(members(uid, groups)) } else { None };
    let all = if let Expr::Set(list) = right.as_ref() {
        list.iter().map(|one| named(one)).collect::<Option<Vec<_>>>().map(|lists| lists.concat())
    } else {
        named(right)
    };
    let literal = |value| Step::Put(Arc::new(Expr::Literal(Literal::Bool(value))));
    match (op, all) {
        (BinaryOp::In, Some(all)) if all.is_empty() => literal(false),
        (BinaryOp::In, Some(all)) => {
            let set = all.into_iter().map(|uid| Arc::new(Expr::Literal(Literal::EntityUID(uid)))).collect();
            Step::Put(Arc::new(Expr::BinaryOp { op: BinaryOp::In, left: Arc::clone(left), right: Arc::new(Expr::Set(set)) }))
        }
        (BinaryOp::Eq, Some(all)) if all.is_empty() => literal(false),
        (BinaryOp::NotEq, Some(all)) if all.is_empty() => literal(true),
        _ => Step::Enter,
    }
}
