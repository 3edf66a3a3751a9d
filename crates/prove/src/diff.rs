//! What a new set of policies permits that the old one did not, and the other way round: by the solver, not by reading.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy::pst::{ActionConstraint, BinaryOp, EntityUID, Expr, Literal, Var};
use cedar_policy::{Effect, EntityUid, Policy, PolicySet, RequestEnv, ValidationMode, Validator};
use lineclear_policy::{Policies, Source};
use serde::Serialize;

use crate::axiom::Axioms;
use crate::beside::{Shift, beside, invariants};
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
use crate::trial::{Law, Shrunk, Trial};

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
    /// The same with what changed between the invariants of both estates; what is not proved any more counts as wider.
    #[must_use]
    pub fn and_invariants(mut self, old: &[Source], new: &[Source]) -> Self {
        self.beside.extend(invariants(old, new));
        self
    }

    /// Whether anything is wider, or may be.
    pub fn widens(&self) -> bool {
        !self.opened.is_empty() || !self.unknown.is_empty() || self.beside.iter().any(|shift| shift.widens)
    }
}

/// Compares two sets over everything that can be asked under the new one. Action groups of the old policies stand for the
/// actions that they held then, so that moving an action to another risk class is seen. What opens or closes for agents and
/// operators alike is told once.
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
    let batch = |env: RequestEnv| {
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
    let mut told: Vec<Told> = Vec::new();
    for (batch, answers) in batches.iter().zip(&answers) {
        for (question, answer) in batch.questions.iter().zip(answers) {
            reader.read(&mut difference, &mut told, batch, question, answer);
        }
    }
    for one in told {
        let narrows = one.claim == NARROWER;
        let example = reader.example(&one);
        if narrows { difference.closed.push(example) } else { difference.opened.push(example) }
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

/// A kind of request that opens or closes, for one type of principal or for several.
struct Told {
    claim: usize,
    envs: Vec<RequestEnv>,
    shrunk: Shrunk,
}

impl Reader<'_> {
    fn read(&self, difference: &mut Difference, told: &mut Vec<Told>, batch: &Batch, question: &Question, answer: &Answer) {
        let name = name_of(&batch.env);
        let env = match answer {
            Answer::Holds { .. } => return,
            Answer::Unproved(why) => return difference.unknown.push(format!("{name}: {why}")),
            Answer::Fails(env) => env,
        };
        let trial = self.trial(question.claim);
        if told.iter_mut().any(|one| one.claim == question.claim && joins(&trial, one, &batch.env)) {
            return;
        }
        let shrunk = env.as_ref().and_then(|env| Scene::of(env, None)).and_then(|scene| trial.shrink(scene));
        match shrunk {
            Some(shrunk) => told.push(Told { claim: question.claim, envs: vec![batch.env.clone()], shrunk }),
            None => difference.unknown.push(format!("{name}: the solver's counterexample does not hold on the engine")),
        }
    }

    fn trial(&self, claim: usize) -> Trial<'_> {
        let law = match claim {
            WIDER => Law::Within(self.new.set(), self.before),
            NARROWER => Law::Within(self.before, self.new.set()),
            _ => Law::Never(self.new.set()),
        };
        Trial { law, schema: self.new.schema(), shape: self.shape, teams: &self.teams }
    }

    fn example(&self, told: &Told) -> Example {
        let case = match told.claim {
            WIDER => Case::Wider,
            NARROWER => Case::Narrower,
            _ => Case::Fresh,
        };
        let mut names: Vec<String> = told.envs.iter().map(|env| env.principal().to_string()).collect();
        names.sort();
        let environment = told.envs.first().map(name_of).unwrap_or_default();
        let (_, asked) = environment.split_once(' ').unwrap_or_default();
        tell(self.new.estate(), self.shape, &format!("{} {asked}", names.join(" or ")), &case, &told.shrunk)
    }
}

/// Whether the same request by a principal of another type breaks the law in the same way; it is then told together.
fn joins(trial: &Trial<'_>, told: &mut Told, env: &RequestEnv) -> bool {
    let alike = told.envs.first().is_some_and(|first| first.action() == env.action() && first.resource() == env.resource());
    if !alike || told.shrunk.named.0 {
        return false;
    }
    let same = trial.breach(&told.shrunk.scene.asked_by(env.principal())).is_some_and(|breach| breach == told.shrunk.breach);
    if same {
        told.envs.push(env.clone());
        told.shrunk.askers.insert(env.principal().to_string());
    }
    same
}

/// The old policies as they read under the new schema, and what cannot be read so. A permit that is left out makes the
/// difference look wider, never narrower; a forbid that is left out is told as widening.
fn translated(old: &Policies, new: &Policies) -> Result<(PolicySet, Vec<Shift>), ProveError> {
    let groups = groups(old, new);
    let validator = Validator::new(new.schema().clone());
    let (mut set, mut lost) = (PolicySet::new(), Vec::new());
    for policy in old.set().policies() {
        let Some(policy) = expanded(policy, &groups)? else { continue };
        // What stands there still, word for word, is known to be valid.
        if new.set().policy(policy.id()) == Some(&policy) {
            set.add(policy).map_err(|error| ProveError::Policy(error.to_string()))?;
            continue;
        }
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

/// For each action and group of the old catalogue that no longer stands for the same actions, those that it stood for and that
/// are still there. Actions that are new do not count: what is asked about them is not compared with the old policies.
fn groups(old: &Policies, new: &Policies) -> BTreeMap<String, Vec<String>> {
    let known = |name: &String| old.estate().catalogue.actions.keys().any(|action| action.as_str() == name);
    let still = |name: &String| new.estate().catalogue.actions.keys().any(|action| action.as_str() == name);
    let (was, is) = (members_of(old), members_of(new));
    let moved = was.into_iter().filter(|(group, held)| {
        let now: Option<Vec<&String>> = is.get(group).map(|now| now.iter().filter(|name| known(name)).collect());
        now.is_none_or(|now| now != held.iter().collect::<Vec<_>>())
    });
    moved.map(|(group, held)| (group, held.into_iter().filter(still).collect())).collect()
}

/// The actions that each action and each group of a catalogue stands for, sorted.
fn members_of(policies: &Policies) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let hierarchy = policies.schema().action_entities().unwrap_or_default();
    let named: BTreeMap<&str, &EntityUid> = policies.schema().actions().map(|uid| (uid.id().unescaped(), uid)).collect();
    for name in policies.estate().catalogue.actions.keys() {
        groups.entry(name.to_string()).or_default().push(name.to_string());
        let Some(uid) = named.get(name.as_str()) else { continue };
        for group in policies.schema().action_groups().filter(|group| hierarchy.is_ancestor_of(group, uid)) {
            groups.entry(group.id().unescaped().to_owned()).or_default().push(name.to_string());
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
    let moved = |one: &EntityUID| groups.contains_key(one.eid.as_str());
    let named = match &body.action {
        ActionConstraint::Eq(one) if moved(one) => members(one, groups),
        ActionConstraint::In(all) if all.iter().any(moved) => all.iter().flat_map(|one| members(one, groups)).collect(),
        ActionConstraint::Any | ActionConstraint::Eq(_) | ActionConstraint::In(_) => return Ok(Some(through)),
    };
    if named.is_empty() {
        return Ok(None);
    }
    body.action = ActionConstraint::In(named);
    Ok(Some(build(body).map_err(refuse)?))
}

/// What an action or group stands for; itself when that has not changed.
fn members(uid: &EntityUID, groups: &BTreeMap<String, Vec<String>>) -> Vec<EntityUID> {
    groups.get(uid.eid.as_str()).map_or_else(
        || vec![uid.clone()],
        |held| held.iter().map(|name| EntityUID { ty: uid.ty.clone(), eid: name.as_str().into() }).collect(),
    )
}

/// Whether an expression names an action or group that stands for others now.
fn mentions(expr: &Expr, groups: &BTreeMap<String, Vec<String>>) -> bool {
    let of =
        |expr: &Expr| if let Expr::Literal(Literal::EntityUID(uid)) = expr { Some(groups.contains_key(uid.eid.as_str())) } else { None };
    expr.reduce(&of, &|one, other| one || other, false)
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
    if !mentions(right, groups) {
        return Step::Keep;
    }
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
