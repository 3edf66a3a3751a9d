//! One question to Cedar under given approvals, and what "allowed" means.
//!
//! Above the lowest rung, and wherever many policies speak of an action, Cedar is asked only about those that the facts leave
//! in play. What is left out has a scope or a condition that does not hold and that no approval can change, and cannot fail to
//! evaluate; so it could neither match nor fail, at any rung.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use cedar_policy::{AuthorizationError, Authorizer, Decision, EntityUid, PolicySet, Request, Schema};
use lineclear_core::authority::Approvals;
use lineclear_core::catalogue::FactNeed;
use lineclear_core::estate::Estate;
use lineclear_core::name::{ActionName, FactName, PolicyName};
use lineclear_core::situation::{Case, Situation};
use lineclear_core::topology::EntityRef;

use crate::facts::Typed;
use crate::index::{Bucket, Candidate, matching};
use crate::reads::EVERYTHING;
use crate::store::{Parties, Store};
use crate::vocabulary::Vocabulary;

/// Why a case could not be put to policy at all. None of these is a verdict: the change is blocked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// Principal, action, target, fact or role that the estate does not hold.
    #[error("`{0}` is not in the estate")]
    Unknown(String),
    /// A fact that the action requires is not in the situation; false would be an invented value.
    #[error("required fact `{0}` is missing")]
    Missing(FactName),
    /// The engine is no principal: timers and rules ask for nothing.
    #[error("the engine itself is no principal of policy")]
    Engine,
    /// The action acts on another kind of thing.
    #[error("action `{action}` does not act on `{target}`")]
    Kind {
        /// The action.
        action: ActionName,
        /// The target that does not fit.
        target: EntityRef,
    },
    /// A number outside the range that policies are proved for.
    #[error("`context.{fact}` is {value}, and may be 0 to {max}")]
    Range {
        /// The fact, as policies name it.
        fact: &'static str,
        /// What it was.
        value: i64,
        /// The largest that it may be.
        max: i64,
    },
    /// The entities around principal and target are not whole.
    #[error("the slice of the estate around the target is not whole")]
    Slice,
    /// The facts do not fit the schema.
    #[error("the facts do not fit the schema")]
    Schema,
}

/// So many policies are asked at the lowest rung as they are: finding out which of them matter would take as long.
const WHOLE_MAX: usize = 24;

/// How much a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Every fact, and the request is checked against the schema: the lowest rung, and dispatch.
    Whole,
    /// The same typed values, but only of what the policies of the action read: the rungs above the lowest.
    Read,
    /// As little, at the lowest rung: a case that was asked in whole before is asked again.
    Again,
}

/// What every question shares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub estate: &'a Estate,
    pub vocabulary: &'a Vocabulary,
    pub schema: &'a Schema,
    pub store: &'a Store,
}

/// A case made ready to be asked at any rung.
pub(crate) struct Question<'a> {
    pub bucket: &'a Bucket,
    ground: Ground<'a>,
    parties: Parties,
    typed: Typed<'a>,
    action: EntityUid,
    steady: OnceCell<Held>,
    live: OnceCell<Live<'a>>,
}

/// What the facts leave in play, whatever the approvals.
struct Live<'a> {
    set: PolicySet,
    /// With whether scope and every condition that no approval can change hold.
    policies: Vec<(&'a Candidate, bool)>,
}

/// Which probes hold, by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Vec<bool>);

/// What came back.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Cedar said `Allow` and nothing failed.
    pub allowed: bool,
    /// The permits that matched on `Allow`, the forbids on `Deny`.
    pub matched: BTreeSet<PolicyName>,
    /// What failed to evaluate.
    pub failed: BTreeSet<PolicyName>,
    /// Whether Cedar's own word was `Allow`.
    pub said_allow: bool,
    request: Request,
}

impl<'a> Question<'a> {
    /// Finds the parties and types the facts.
    pub fn open(ground: Ground<'a>, bucket: &'a Bucket, case: &Case) -> Result<Self, AskError> {
        let unknown = || AskError::Unknown(format!("action {}", case.action));
        let action = ground.estate.catalogue.actions.get(&case.action).ok_or_else(unknown)?;
        if action.resource != case.target.kind {
            return Err(AskError::Kind { action: case.action.clone(), target: case.target.clone() });
        }
        let absent = |need: &&FactNeed| need.required && !case.situation.evidence.contains_key(&need.fact);
        if let Some(need) = action.facts.iter().find(absent) {
            return Err(AskError::Missing(need.fact.clone()));
        }
        Ok(Self {
            bucket,
            ground,
            parties: ground.store.parties(ground.estate, ground.vocabulary, case)?,
            typed: Typed::new(ground.vocabulary, &case.situation)?,
            action: ground.vocabulary.action(case.action.as_str()),
            steady: OnceCell::new(),
            live: OnceCell::new(),
        })
    }

    /// The same principal, action and target under other facts.
    pub fn suppose(&self, situation: &Situation) -> Result<Self, AskError> {
        let typed = Typed::new(self.ground.vocabulary, situation)?;
        Ok(Self {
            parties: self.parties.clone(),
            typed,
            action: self.action.clone(),
            steady: OnceCell::new(),
            live: OnceCell::new(),
            ..*self
        })
    }

    /// Asks under these approvals.
    pub fn ask(&self, approvals: &Approvals, form: Form) -> Result<Asked, AskError> {
        let request = self.request(approvals, form)?;
        let whole = form != Form::Read && self.bucket.candidates.len() <= WHOLE_MAX;
        let set = if whole { &self.bucket.set } else { &self.live(&request).set };
        Ok(self.put(set, request))
    }

    /// The same, of any set of policies; one that reads more than this action's own is asked in whole.
    #[cfg(test)]
    pub fn ask_of(&self, set: &PolicySet, approvals: &Approvals, form: Form) -> Result<Asked, AskError> {
        Ok(self.put(set, self.request(approvals, form)?))
    }

    fn request(&self, approvals: &Approvals, form: Form) -> Result<Request, AskError> {
        let (reads, schema) = match form {
            Form::Whole => (&EVERYTHING, Some(self.ground.schema)),
            Form::Read | Form::Again => (&self.bucket.reads, None),
        };
        let context = self.typed.with(self.ground.vocabulary, reads, approvals)?;
        let Parties { principal, resource } = self.parties.clone();
        Request::new(principal, self.action.clone(), resource, context, schema).map_err(|_| AskError::Schema)
    }

    fn put(&self, set: &PolicySet, request: Request) -> Asked {
        let answer = Authorizer::new().is_authorized(&request, set, &self.ground.store.entities);
        let (mut failed, mut faults) = (BTreeSet::new(), false);
        for error in answer.diagnostics().errors() {
            faults = true;
            let AuthorizationError::PolicyEvaluationError(inner) = error;
            failed.extend(name(inner.policy_id().as_ref()));
        }
        let said_allow = answer.decision() == Decision::Allow;
        let matched = answer.diagnostics().reason().filter_map(|id| name(id.as_ref())).collect();
        Asked { allowed: said_allow && !faults, matched, failed, said_allow, request }
    }

    /// Whether the rung at this place is refused for certain, so that asking would tell nothing but the reasons: a forbid matches
    /// by what its approvals are, or none of the permits in play can.
    pub fn hopeless(&self, asked: &Asked, place: usize) -> bool {
        let at = |rungs: &[bool]| rungs.get(place).copied().unwrap_or(false);
        let live = &self.live(&asked.request).policies;
        let forbidden = live.iter().any(|(one, steady)| one.forbids && *steady && at(&one.open));
        forbidden || live.iter().all(|(one, _)| one.forbids || at(&one.shut))
    }

    fn live(&self, request: &Request) -> &Live<'a> {
        self.live.get_or_init(|| {
            let steady = self.steady(request);
            let holds = |one: &Candidate| steady.has(one.scope) && one.steady.iter().all(|need| steady.has(*need));
            let all = self.bucket.candidates.values().map(|one| (one, holds(one)));
            let policies: Vec<_> = all.filter(|(one, holds)| *holds || one.fallible).collect();
            let set = PolicySet::from_policies(policies.iter().map(|(one, _)| one.policy.clone()));
            // Two of one name cannot be: they come out of one set.
            Live { set: set.unwrap_or_else(|_| self.bucket.set.clone()), policies }
        })
    }

    /// The probes that hold under the same facts and approvals.
    pub fn holding(&self, asked: &Asked) -> Held {
        let mut held = self.steady(&asked.request).clone();
        self.probe(&self.bucket.swayed, &asked.request, &mut held);
        held
    }

    /// Those that hold whatever the approvals; any request of this question tells them.
    fn steady(&self, request: &Request) -> &Held {
        self.steady.get_or_init(|| {
            let mut held = Held(vec![false; self.bucket.texts.len()]);
            self.probe(&self.bucket.steady, request, &mut held);
            held
        })
    }

    fn probe(&self, set: &PolicySet, request: &Request, held: &mut Held) {
        for number in matching(set, request, &self.ground.store.entities) {
            if let Some(place) = held.0.get_mut(number) {
                *place = true;
            }
        }
    }
}

impl Held {
    /// Whether this one holds.
    pub fn has(&self, number: usize) -> bool {
        self.0.get(number).copied().unwrap_or(false)
    }
}

fn name(id: &str) -> Option<PolicyName> {
    id.parse().ok()
}
