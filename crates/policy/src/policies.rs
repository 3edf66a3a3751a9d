//! The policies of an estate, ready to be asked.

mod essence;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy::{PolicySet, Schema};
use lineclear_core::authority::Approvals;
use lineclear_core::estate::Estate;
use lineclear_core::name::{ActionName, PolicyName, RungName};
use lineclear_core::situation::Case;
use lineclear_core::verdict::{Reasons, Verdict};
use serde::Serialize;

pub use essence::Essences;

use crate::ask::{AskError, Form, Question};
use crate::base::Base;
use crate::explain::{because, because_not_lower};
use crate::index::Bucket;
use crate::load::load;
use crate::remedy::{self, Remedy};
use crate::source::{Diagnostic, Source};

/// A checked set of policies over one estate; immutable, and safe to share between threads.
#[derive(Debug)]
pub struct Policies {
    base: Arc<Base>,
    buckets: BTreeMap<ActionName, Bucket>,
    texts: Vec<PolicyText>,
    set: PolicySet,
}

/// One policy as people wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyText {
    /// Its `@id`.
    pub id: PolicyName,
    /// Its `@title`.
    pub title: String,
    /// Its text, annotations included.
    pub text: String,
    /// The file it stands in.
    pub path: String,
}

/// A verdict with all that had a part in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// What it comes to.
    pub verdict: Verdict,
    /// The policies that forbid it at the lowest rung: what stands in the way before anybody approves.
    pub guards: BTreeSet<PolicyName>,
}

/// The answer at dispatch, under real approvals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Whether the act may start.
    pub allowed: bool,
    /// Why, or why not.
    pub because: Reasons,
}

/// The answer at one rung, under the approvals that it would bring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RungAnswer {
    /// Which rung.
    pub rung: RungName,
    /// Its title.
    pub title: String,
    /// Whether its authority is enough.
    pub allowed: bool,
    /// Why, or why not.
    pub because: Reasons,
}

impl Policies {
    /// Reads, checks and indexes the policies. An empty set, a warning, an unnamed policy and a name of nothing are all refused.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of files and places.
    pub fn load(estate: Arc<Estate>, sources: &[Source]) -> Result<Self, Vec<Diagnostic>> {
        Self::load_on(Arc::new(Base::new(estate)?), sources)
    }

    /// The same over an estate that has been made ready before.
    ///
    /// # Errors
    /// As [`Policies::load`].
    pub fn load_on(base: Arc<Base>, sources: &[Source]) -> Result<Self, Vec<Diagnostic>> {
        let one = |error: &dyn std::fmt::Display| vec![Diagnostic::of_schema(error.to_string())];
        let rules = load(&base, sources)?;
        let mut buckets = BTreeMap::new();
        for name in base.estate.catalogue.actions.keys() {
            let bucket = Bucket::gather(&rules, &base.vocabulary.action(name.as_str()), &base.actions, &base.rungs);
            buckets.insert(name.clone(), bucket.map_err(|error| one(&error))?);
        }
        let text_of = |rule: &crate::load::Rule<'_>| rule.policy.to_cedar().unwrap_or_default();
        let texts = rules
            .iter()
            .map(|(id, rule)| PolicyText { id: id.clone(), title: rule.title.clone(), text: text_of(rule), path: rule.source.path.clone() })
            .collect();
        let mut set = PolicySet::new();
        for rule in rules.values() {
            set.add(rule.policy.clone()).map_err(|error| one(&error))?;
        }
        Ok(Self { base, buckets, texts, set })
    }

    /// The verdict: the lowest rung whose authority is enough, with what permits it there and what stops it below.
    ///
    /// # Errors
    /// When the case cannot be asked; that is `blocked`, never a verdict.
    pub fn judge(&self, case: &Case) -> Result<Verdict, AskError> {
        self.climb(case, Form::Whole).map(|decided| decided.verdict)
    }

    /// The verdict of a case that was judged before, decided anew with all that had a part in it. The answer is that of
    /// [`Policies::judge`], asked with only what policies read and not checked against the schema once more: for whoever compares
    /// it with what is on record, never for what is to happen.
    ///
    /// # Errors
    /// As [`Policies::judge`].
    pub fn decide_again(&self, case: &Case) -> Result<Decided, AskError> {
        self.climb(case, Form::Again)
    }

    fn climb(&self, case: &Case, form: Form) -> Result<Decided, AskError> {
        let question = self.question(case)?;
        let rungs = &self.base.estate.authority.rungs;
        let ask = |place: usize, form| question.ask(&rungs.get(place).ok_or(AskError::Schema)?.brings(), form);
        let lowest = ask(0, form)?;
        if lowest.allowed {
            return Ok(Decided { verdict: Verdict::Clear { because: because(&question, &lowest) }, guards: BTreeSet::new() });
        }
        let guards = if lowest.said_allow { BTreeSet::new() } else { lowest.matched.clone() };
        let mut last = (0, lowest);
        for (place, rung) in rungs.iter().enumerate().skip(1) {
            if question.hopeless(&last.1, place) {
                continue;
            }
            let asked = question.ask(&rung.brings(), Form::Read)?;
            if asked.allowed {
                let below = if last.0 + 1 == place { last.1 } else { ask(place - 1, Form::Read)? };
                let because = because_not_lower(&question, &asked, &below);
                return Ok(Decided { verdict: Verdict::NeedsApproval { rung: rung.name.clone(), because }, guards });
            }
            last = (place, asked);
        }
        let top = if last.0 + 1 == rungs.len() { last.1 } else { ask(rungs.len() - 1, Form::Read)? };
        Ok(Decided { verdict: Verdict::Denied { because: because(&question, &top) }, guards })
    }

    /// The question at dispatch, under the approvals that really were given.
    ///
    /// # Errors
    /// When the case cannot be asked.
    pub fn permits(&self, case: &Case, approvals: &Approvals) -> Result<Answer, AskError> {
        let question = self.question(case)?;
        let asked = question.ask(approvals, Form::Whole)?;
        Ok(Answer { allowed: asked.allowed, because: because(&question, &asked) })
    }

    /// The answer at every rung, lowest first.
    ///
    /// # Errors
    /// When the case cannot be asked.
    pub fn ladder(&self, case: &Case) -> Result<Vec<RungAnswer>, AskError> {
        let question = self.question(case)?;
        let rungs = self.base.estate.authority.rungs.iter().zip(lowest_whole());
        rungs
            .map(|(rung, form)| {
                let asked = question.ask(&rung.brings(), form)?;
                let because = because(&question, &asked);
                Ok(RungAnswer { rung: rung.name.clone(), title: rung.title.clone(), allowed: asked.allowed, because })
            })
            .collect()
    }

    /// What would move the verdict: the smallest sets of things that can happen. Never "be more confident".
    ///
    /// # Errors
    /// When the case cannot be asked.
    pub fn remedies(&self, case: &Case) -> Result<Vec<Remedy>, AskError> {
        let question = self.question(case)?;
        remedy::remedies(&self.base.estate.authority, &self.base.vocabulary, &question, &case.situation)
    }

    /// Whether any policy of the action reads this attribute of the context, such as `burn`. What nobody reads need not be asked
    /// anywhere: it cannot change an answer. True of an action that is not known.
    pub fn reads(&self, action: &ActionName, attribute: &str) -> bool {
        self.buckets.get(action).is_none_or(|bucket| bucket.reads.context.has(attribute))
    }

    /// Every policy, by name.
    pub fn list(&self) -> Vec<PolicyText> {
        self.texts.clone()
    }

    /// The schema that the policies were checked against.
    pub fn schema_text(&self) -> &str {
        &self.base.schema_text
    }

    /// The same schema, parsed.
    pub fn schema(&self) -> &Schema {
        &self.base.schema
    }

    /// Every policy, each under its `@id`, as Cedar holds it.
    pub const fn set(&self) -> &PolicySet {
        &self.set
    }

    /// The estate that they were checked against.
    pub fn estate(&self) -> &Arc<Estate> {
        &self.base.estate
    }

    /// How many policies.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Never true: an empty set is refused at load.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// What they stand on; other policies can be read over it without making it again.
    pub const fn base(&self) -> &Arc<Base> {
        &self.base
    }

    pub(crate) fn question(&self, case: &Case) -> Result<Question<'_>, AskError> {
        let bucket = self.buckets.get(&case.action).ok_or_else(|| AskError::Unknown(format!("action {}", case.action)))?;
        Question::open(self.base.ground(), bucket, case)
    }
}

/// The lowest rung's request is whole and checked against the schema; those above hold the same typed values.
fn lowest_whole() -> impl Iterator<Item = Form> {
    std::iter::once(Form::Whole).chain(std::iter::repeat(Form::Read))
}
