//! What of a case can matter to its verdict, so that whoever asks a million cases again may remember the answers.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::pst::{BinaryOp, Clause, Expr, Literal, Var};
use cedar_policy::{Effect, PolicySet, PrincipalConstraint, ResourceConstraint};
use lineclear_core::budget::OVERDRAWN_BP;
use lineclear_core::measure::Confidence;
use lineclear_core::name::{ActionName, FactName, PolicyName};
use lineclear_core::posture::Posture;
use lineclear_core::situation::{Actor, Case, Situation};
use lineclear_core::topology::{EntityKind, EntityRef, Environment};

use super::Policies;
use crate::conjunct::path;
use crate::reads::Reads;
use crate::vocabulary::attribute;

/// The whole, in basis points.
const WHOLE_BP: u32 = 10_000;
/// The mildest severity.
const SEVERITY_MAX: u8 = 5;
/// Stands for every attribute at once.
const ALL: &str = "*";

/// Takes cases to their essence; made once for a set of policies by [`Policies::essences`].
#[derive(Debug)]
pub struct Essences<'a> {
    policies: &'a Policies,
    shapes: BTreeMap<ActionName, Shape>,
    /// The first thing of each kind in each environment.
    places: BTreeMap<(EntityKind, Environment), EntityRef>,
}

/// How the policies of one action look at a case.
#[derive(Debug)]
struct Shape {
    cuts: Cuts,
    /// Whether they tell one principal from another of its kind.
    who: bool,
    /// Whether they tell one thing from another of its kind in the same environment.
    which: bool,
}

/// The numbers that an attribute is compared with; none when it is used in any other way as well.
type Cuts = BTreeMap<String, Option<BTreeSet<i64>>>;

impl Policies {
    /// What takes the cases of these policies to their essence.
    pub fn essences(&self) -> Essences<'_> {
        let mut places = BTreeMap::new();
        for thing in self.base.estate.topology.iter() {
            places.entry((thing.reference.kind, thing.environment)).or_insert_with(|| thing.reference.clone());
        }
        let shapes = self.buckets.iter().map(|(action, bucket)| (action.clone(), Shape::of(&bucket.set))).collect();
        Essences { policies: self, shapes, places }
    }

    /// The policies that forbid.
    pub fn guards(&self) -> BTreeSet<PolicyName> {
        let forbids = self.set.policies().filter(|policy| policy.effect() == Effect::Forbid);
        forbids.filter_map(|policy| AsRef::<str>::as_ref(policy.id()).parse().ok()).collect()
    }
}

impl Essences<'_> {
    /// The same case with everything that no policy of its action reads set to one fixed value, and every number that is only compared
    /// set to the least one that compares alike; principal and target become
    /// the first ones that no policy tells apart from them. Cases of one essence have one verdict, to the last reason, or cannot be asked for the
    /// same reason.
    #[must_use]
    pub fn of(&self, mut case: Case) -> Case {
        let (Some(bucket), Some(shape)) = (self.policies.buckets.get(&case.action), self.shapes.get(&case.action)) else { return case };
        forget(&bucket.reads, &shape.cuts, &mut case.situation);
        let named = &self.policies.base.vocabulary.permissions;
        let read = |name: &str| bucket.reads.context.has("permissions") && bucket.reads.permissions.has(name);
        let asked = |atom: &String| named.iter().any(|(name, atoms)| read(name) && atoms.contains(atom));
        case.situation.permissions.retain(asked);
        // Whoever and whatever is unknown stays so, and is refused.
        let directory = &self.policies.base.estate.directory;
        let first = match case.principal {
            Actor::Agent(id) if directory.agents.contains_key(&id) => directory.agents.keys().next().copied().map(Actor::Agent),
            Actor::Operator(id) if directory.operators.contains_key(&id) => directory.operators.keys().next().copied().map(Actor::Operator),
            Actor::Agent(_) | Actor::Operator(_) | Actor::Engine => None,
        };
        if let (false, Some(first)) = (shape.who, first) {
            case.principal = first;
        }
        let place = self.policies.base.estate.topology.get(&case.target).map(|thing| (thing.reference.kind, thing.environment));
        if let (false, Some(first)) = (shape.which, place.and_then(|place| self.places.get(&place))) {
            case.target = first.clone();
        }
        case
    }
}

impl Shape {
    fn of(set: &PolicySet) -> Self {
        let mut shape = Self { cuts: cuts(set), who: false, which: false };
        for policy in set.policies() {
            shape.who |= !matches!(policy.principal_constraint(), PrincipalConstraint::Any | PrincipalConstraint::Is(_));
            shape.which |= !matches!(policy.resource_constraint(), ResourceConstraint::Any | ResourceConstraint::Is(_));
            let Ok(whole) = policy.to_pst() else { return Self { who: true, which: true, ..shape } };
            for clause in whole.body().clauses() {
                let (Clause::When(condition) | Clause::Unless(condition)) = clause;
                shape.who |= condition.reduce(&|expr| tells(expr, &Var::Principal), &|one, other| one || other, false);
                shape.which |= condition.reduce(&|expr| tells(expr, &Var::Resource), &|one, other| one || other, false);
            }
        }
        shape
    }
}

/// Whether an expression uses the variable; its kind and its environment tell nobody apart here.
fn tells(expr: &Expr, of: &Var) -> Option<bool> {
    let is = |expr: &Expr| if let Expr::Var(var) = expr { var == of } else { false };
    let harmless = if let Expr::GetAttr { expr, attr } = expr {
        is(expr) && *of == Var::Resource && attr == "environment"
    } else {
        matches!(expr, Expr::Is { expr, in_expr: None, .. } if is(expr))
    };
    if harmless { Some(false) } else { is(expr).then_some(true) }
}

/// Nothing that is out of range is forgotten: it is refused before any policy reads it.
fn forget(reads: &Reads, cuts: &Cuts, situation: &mut Situation) {
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
        // Those that no policy reads are forgotten by whoever knows how the estate names them.
        permissions: _,
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
    for (name, number) in
        [("hosts", hosts), ("services", services), ("customers", customers), ("regions", regions), ("in_flight", in_flight)]
    {
        *number = u32::try_from(least(cuts, name, (*number).into(), 0)).unwrap_or(*number);
    }
    if *fleet_bp <= WHOLE_BP {
        *fleet_bp = u32::try_from(least(cuts, "fleet_bp", (*fleet_bp).into(), 0)).unwrap_or(*fleet_bp);
    }
    if *severity <= SEVERITY_MAX {
        *severity = u8::try_from(least(cuts, "severity", (*severity).into(), 0)).unwrap_or(*severity);
    }
    let alike = u32::try_from(least(cuts, "confidence_bp", confidence.basis_points().into(), 0)).ok();
    *confidence = alike.and_then(|points| Confidence::try_from(points).ok()).unwrap_or(*confidence);
    if unread("posture") {
        *posture = Posture::Stopped;
    }
    if let Some(known) = budget
        && (OVERDRAWN_BP..=WHOLE_BP.into()).contains(&known.remaining_bp)
    {
        known.remaining_bp = least(cuts, "budget_bp", known.remaining_bp, OVERDRAWN_BP);
        if ["objective", "budget_bp", "burn"].into_iter().all(unread) {
            *budget = None;
        }
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

/// The least number from `min` on that every comparison takes for `number`: the one it is compared with when that is itself, else the
/// one after the next that is smaller.
fn least(cuts: &Cuts, name: &str, number: i64, min: i64) -> i64 {
    let nothing = BTreeSet::new();
    let cuts = match (cuts.contains_key(ALL), cuts.get(name)) {
        (true, _) | (false, Some(None)) => return number,
        (false, Some(Some(cuts))) => cuts,
        (false, None) => &nothing,
    };
    match cuts.range(..=number).next_back() {
        Some(cut) if *cut == number => number,
        Some(cut) => cut.saturating_add(1).max(min),
        None => min,
    }
}

/// What the numbers of the context are compared with by these policies.
fn cuts(set: &PolicySet) -> Cuts {
    let mut all = Cuts::new();
    for policy in set.policies() {
        let Ok(whole) = policy.to_pst() else { return Cuts::from([(ALL.to_owned(), None)]) };
        for clause in whole.body().clauses() {
            let (Clause::When(condition) | Clause::Unless(condition)) = clause;
            all = joined(all, condition.reduce(&compared, &joined, Cuts::new()));
        }
    }
    all
}

/// A comparison with a number, or a use of the context that is none.
fn compared(expr: &Expr) -> Option<Cuts> {
    if let Expr::BinaryOp { op, left, right } = expr
        && matches!(op, BinaryOp::Eq | BinaryOp::NotEq | BinaryOp::Less | BinaryOp::LessEq | BinaryOp::Greater | BinaryOp::GreaterEq)
    {
        let sides = [(left, right), (right, left)];
        let known = sides.into_iter().find_map(|(side, other)| {
            let Expr::Literal(Literal::Long(number)) = other.as_ref() else { return None };
            Some((first(&path(side)?), *number))
        });
        if let Some((name, number)) = known {
            return Some(Cuts::from([(name, Some(BTreeSet::from([number])))]));
        }
    }
    path(expr).map(|path| Cuts::from([(first(&path), None)]))
}

/// `hosts` of `context.hosts`; everything for the context itself.
fn first(path: &str) -> String {
    path.split('.').nth(1).unwrap_or(ALL).to_owned()
}

fn joined(mut one: Cuts, other: Cuts) -> Cuts {
    for (name, cuts) in other {
        let known = one.entry(name).or_insert_with(|| Some(BTreeSet::new()));
        *known = known.take().zip(cuts).map(|(known, cuts)| known.into_iter().chain(cuts).collect());
    }
    one
}
