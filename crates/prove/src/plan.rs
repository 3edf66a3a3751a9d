//! The obligations of a set of policies, written out as questions, one environment of requests after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy::pst::Literal;
use cedar_policy::{PolicySet, RequestEnv, Schema};
use lineclear_core::authority::{Approvals, Rung};
use lineclear_core::catalogue::Risk;
use lineclear_policy::Policies;

use crate::axiom::Axioms;
use crate::dimension::{Dimension, declared, idle, ordered};
use crate::invariant::Invariant;
use crate::question::{Ask, Batch, Question, Side, name_of};
use crate::report::ProveError;
use crate::rewrite::{RewriteError, elsewhere, fixed, given, joined, rewritten};
use crate::shape::{Shape, doubled, other};

/// One claim of the report, or one cell of the matrix.
#[derive(Debug)]
pub(crate) struct Claim {
    /// For machines: `order/approvals.humans`.
    pub name: String,
    /// For people.
    pub says: String,
    pub law: Oath,
    /// Why it could not be put into questions at all.
    pub blocked: Option<String>,
}

/// What a claim is about.
#[derive(Debug)]
pub(crate) enum Oath {
    /// No policy fails.
    Sound,
    /// This invariant holds.
    Apart(usize),
    /// This invariant speaks of something that can be asked.
    Reach,
    /// Permission is ordered along this fact.
    Order(Dimension),
    /// Where nobody is asked, permission does not come from this fact.
    Alone(Dimension),
    /// This rung permits no more than the next.
    Rungs(usize),
    /// The rung never permits, in an environment.
    CellNever(usize),
    /// The rung always permits.
    CellAlways(usize),
}

/// Everything that is to be asked of one set.
#[derive(Debug)]
pub(crate) struct Plan {
    pub claims: Vec<Claim>,
    pub batches: Arc<Vec<Batch>>,
    pub shape: Shape,
    pub axioms: Axioms,
}

/// Every environment of requests, in a fixed order.
pub(crate) fn environments(schema: &Schema) -> Vec<RequestEnv> {
    let mut all: Vec<RequestEnv> = schema.request_envs().collect();
    all.sort_by_key(name_of);
    all
}

/// Writes all questions.
pub(crate) fn plan(policies: &Policies, invariants: &[Invariant]) -> Result<Plan, ProveError> {
    let shape = Shape::of(policies.schema_text())?;
    let axioms = Axioms::of(&shape);
    let mut writer = Writer::new(policies, &shape, &axioms)?;
    writer.sound(&axioms)?;
    writer.invariants(invariants);
    writer.orders()?;
    writer.alone()?;
    writer.ladder()?;
    let Writer { claims, batches, .. } = writer;
    Ok(Plan { claims, batches: Arc::new(batches), shape, axioms })
}

struct Writer<'a> {
    policies: &'a Policies,
    shape: &'a Shape,
    schema: Arc<Schema>,
    base: Arc<Side>,
    bounded: Arc<Side>,
    bounds: PolicySet,
    region: Arc<Side>,
    high: BTreeSet<String>,
    claims: Vec<Claim>,
    batches: Vec<Batch>,
}

impl<'a> Writer<'a> {
    fn new(policies: &'a Policies, shape: &'a Shape, axioms: &Axioms) -> Result<Self, ProveError> {
        let schema = Arc::new(policies.schema().clone());
        let side = |set: PolicySet| Arc::new(Side { set, schema: Arc::clone(&schema) });
        let (bounds, region) = (axioms.forbids()?, side(axioms.region()?));
        let base = side(policies.set().clone());
        let bounded = side(joined(policies.set(), &bounds)?);
        let actions = policies.estate().catalogue.actions.values();
        let high = actions.filter(|action| action.risk == Risk::High).map(|action| action.name.to_string()).collect();
        let batches = environments(&schema).into_iter().map(|env| Batch { env, questions: Vec::new() }).collect();
        Ok(Self { policies, shape, schema, base, bounded, bounds, region, high, claims: Vec::new(), batches })
    }

    fn side(&self, set: PolicySet) -> Arc<Side> {
        Arc::new(Side { set, schema: Arc::clone(&self.schema) })
    }

    fn claim(&mut self, name: impl Into<String>, says: impl Into<String>, law: Oath) -> usize {
        self.claims.push(Claim { name: name.into(), says: says.into(), law, blocked: None });
        self.claims.len() - 1
    }

    /// The same question in every environment, or in those of some actions.
    fn ask(&mut self, claim: usize, only: Option<&BTreeSet<String>>, example: bool, ask: &Ask, bounded: Option<&Ask>) {
        for batch in &mut self.batches {
            if only.is_none_or(|only| only.contains(batch.env.action().id().unescaped())) {
                batch.questions.push(Question { claim, ask: ask.clone(), bounded: bounded.cloned(), example });
            }
        }
    }

    fn block(&mut self, claim: usize, why: &RewriteError) {
        if let Some(claim) = self.claims.get_mut(claim) {
            claim.blocked = Some(why.to_string());
        }
    }

    /// (a) No policy fails to evaluate.
    fn sound(&mut self, axioms: &Axioms) -> Result<(), ProveError> {
        let claim = self.claim("sound", "no policy can fail to evaluate", Oath::Sound);
        let conditions = axioms.expressions()?;
        let mut policies: Vec<_> = self.policies.set().policies().cloned().collect();
        policies.sort_by_key(|policy| policy.id().to_string());
        for policy in policies {
            let bounded = given(&policy, &conditions).map_err(|error| ProveError::Policy(error.to_string()))?;
            let lone = |policy| PolicySet::from_policies([policy]).map_err(|error| ProveError::Policy(error.to_string()));
            let (ask, bounded) = (Ask::Sound(self.side(lone(policy)?)), Ask::Sound(self.side(lone(bounded)?)));
            self.ask(claim, None, true, &ask, Some(&bounded));
        }
        Ok(())
    }

    /// (b) Nothing that an invariant describes is permitted, and each describes something.
    fn invariants(&mut self, invariants: &[Invariant]) {
        for (index, invariant) in invariants.iter().enumerate() {
            let claim = self.claim(format!("invariant/{}", invariant.name), invariant.title.clone(), Oath::Apart(index));
            let bad = self.side(invariant.region.clone());
            let ask = Ask::Apart(Arc::clone(&self.base), Arc::clone(&bad));
            let bounded = Ask::Apart(Arc::clone(&self.bounded), Arc::clone(&bad));
            self.ask(claim, None, true, &ask, Some(&bounded));
            let says = format!("`{}` speaks of something that can be asked", invariant.name);
            let claim = self.claim(format!("reach/{}", invariant.name), says, Oath::Reach);
            self.ask(claim, None, false, &Ask::Apart(bad, Arc::clone(&self.region)), None);
        }
    }

    /// (c) (e) (f) Permission is ordered along every fact that has an order.
    fn orders(&mut self) -> Result<(), ProveError> {
        let (ordered, idle) = (ordered(self.shape), idle(self.shape));
        let text = self.policies.schema_text();
        let schema = Arc::new(doubled(text, ordered.iter().map(|dimension| (dimension.path.as_slice(), dimension.kind)))?);
        let side = |set| Arc::new(Side { set, schema: Arc::clone(&schema) });
        let high = self.high.clone();
        for (dimension, only) in ordered.into_iter().map(|one| (one, None)).chain(idle.map(|one| (one, Some(&high)))) {
            let claim = self.claim(dimension.name(), dimension.says.clone(), Oath::Order(dimension.clone()));
            let siblings = dimension.path.split_last().map(|(_, above)| self.shape.below(above)).unwrap_or_default();
            let flat = other(&dimension.path);
            let right = match rewritten(self.policies.set(), &elsewhere(&dimension.path, &flat, &siblings)) {
                Ok(set) => side(set),
                Err(why) => {
                    self.block(claim, &why);
                    continue;
                }
            };
            let left = side(joined(self.policies.set(), &dimension.order(false)?)?);
            let narrow = side(joined(&joined(self.policies.set(), &dimension.order(true)?)?, &self.bounds)?);
            let (ask, bounded) = (Ask::Within(left, Arc::clone(&right)), Ask::Within(narrow, right));
            self.ask(claim, only, true, &ask, Some(&bounded));
        }
        Ok(())
    }

    /// (g) Where nobody is asked, nothing that somebody declares permits more.
    fn alone(&mut self) -> Result<(), ProveError> {
        let declared = declared(self.shape);
        let Some(lowest) = self.policies.estate().authority.rungs.first() else { return Ok(()) };
        let nobody = rewritten(self.policies.set(), &fixed("approvals", &literals(self.shape, lowest)));
        let text = self.policies.schema_text();
        let schema = Arc::new(doubled(text, declared.iter().map(|dimension| (dimension.path.as_slice(), dimension.kind)))?);
        let side = |set| Arc::new(Side { set, schema: Arc::clone(&schema) });
        for dimension in declared {
            let claim = self.claim(dimension.name(), dimension.says.clone(), Oath::Alone(dimension.clone()));
            let siblings = dimension.path.split_last().map(|(_, above)| self.shape.below(above)).unwrap_or_default();
            let flat = other(&dimension.path);
            let read = nobody.as_ref().map(|nobody| (nobody, rewritten(nobody, &elsewhere(&dimension.path, &flat, &siblings))));
            match read {
                Ok((nobody, Ok(set))) => {
                    let right = side(set);
                    let left = side(joined(nobody, &dimension.order(false)?)?);
                    let narrow = side(joined(&joined(nobody, &dimension.order(true)?)?, &self.bounds)?);
                    let (ask, bounded) = (Ask::Within(left, Arc::clone(&right)), Ask::Within(narrow, right));
                    self.ask(claim, None, true, &ask, Some(&bounded));
                }
                Ok((_, Err(why))) => self.block(claim, &why),
                Err(why) => self.block(claim, why),
            }
        }
        Ok(())
    }

    /// (d) The ladder, and what each of its rungs permits.
    fn ladder(&mut self) -> Result<(), ProveError> {
        let rungs = self.policies.estate().authority.rungs.clone();
        let mut at = Vec::new();
        for rung in &rungs {
            at.push(rewritten(self.policies.set(), &fixed("approvals", &literals(self.shape, rung))).map(|set| self.side(set)));
        }
        for (index, (low, high)) in at.iter().zip(at.iter().skip(1)).enumerate() {
            let title = |index: usize| rungs.get(index).map(|rung| rung.name.to_string()).unwrap_or_default();
            let (one, two) = (title(index), title(index + 1));
            let says = format!("what `{one}` permits, `{two}` permits too");
            let claim = self.claim(format!("ladder/{two}"), says, Oath::Rungs(index));
            match (low, high) {
                (Ok(low), Ok(high)) => {
                    let ask = Ask::Within(Arc::clone(low), Arc::clone(high));
                    let bounded = Ask::Within(self.side(joined(&low.set, &self.bounds)?), Arc::clone(high));
                    self.ask(claim, None, true, &ask, Some(&bounded));
                }
                (Err(why), _) | (_, Err(why)) => self.block(claim, why),
            }
        }
        for (index, side) in at.iter().enumerate() {
            let Ok(side) = side else { continue };
            let never = self.claim(format!("never/{index}"), "", Oath::CellNever(index));
            self.ask(never, None, false, &Ask::Apart(Arc::clone(side), Arc::clone(&self.region)), None);
            let always = self.claim(format!("always/{index}"), "", Oath::CellAlways(index));
            self.ask(always, None, false, &Ask::Within(Arc::clone(&self.region), Arc::clone(side)), None);
        }
        Ok(())
    }
}

/// What a rung brings, as the attributes of `context.approvals`.
pub(crate) fn literals(shape: &Shape, rung: &Rung) -> BTreeMap<String, Literal> {
    let brings: Approvals = rung.brings();
    let held: BTreeSet<String> = brings.roles.iter().map(|role| role.as_str().replace(['.', '-'], "_")).collect();
    let value = |name: &str| match name {
        "humans" => Literal::Long(brings.humans.into()),
        "grade" => Literal::Long(brings.grade.rank()),
        "owner" => Literal::Bool(brings.owner),
        role => Literal::Bool(held.contains(role)),
    };
    shape.below(&["approvals".to_owned()]).into_iter().map(|name| (name.clone(), value(&name))).collect()
}

/// The same as JSON.
pub(crate) fn brought(shape: &Shape, rung: &Rung) -> serde_json::Value {
    let value = |literal: &Literal| {
        let flag = serde_json::Value::from(*literal == Literal::Bool(true));
        if let Literal::Long(number) = literal { serde_json::Value::from(*number) } else { flag }
    };
    literals(shape, rung).iter().map(|(name, literal)| (name.clone(), value(literal))).collect::<serde_json::Map<_, _>>().into()
}
