//! The policies of an estate, ready to be asked.

mod essence;

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::{PolicySet, Schema};
use lineclear_core::authority::Approvals;
use lineclear_core::estate::Estate;
use lineclear_core::name::{ActionName, PolicyName, RungName};
use lineclear_core::situation::Case;
use lineclear_core::verdict::{Reasons, Verdict};
use serde::Serialize;

pub use essence::Essences;

use crate::ask::{AskError, Asked, Form, Ground, Question};
use crate::explain::{because, because_not_lower};
use crate::foundation;
use crate::index::Bucket;
use crate::load::load;
use crate::remedy::{self, Remedy};
use crate::schema::{SCHEMA_PATH, misclassed, parse, schema_text};
use crate::source::{Diagnostic, Source};
use crate::store::Store;
use crate::vocabulary::Vocabulary;

/// A checked set of policies over one estate; immutable, and safe to share between threads.
#[derive(Debug)]
pub struct Policies {
    estate: Arc<Estate>,
    schema: Schema,
    schema_text: String,
    vocabulary: Vocabulary,
    store: Store,
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
        let text = schema_text(&estate);
        let of_schema = |message: String| Diagnostic { path: SCHEMA_PATH.into(), offset: 0, len: 0, message, help: None };
        let refuse =
            |faults: Vec<String>| if faults.is_empty() { Ok(()) } else { Err(faults.into_iter().map(of_schema).collect::<Vec<_>>()) };
        refuse(foundation::faults(&estate))?;
        let schema = parse(&text)?;
        let vocabulary = Vocabulary::new(&estate).map_err(|e| vec![of_schema(e.to_string())])?;
        refuse(misclassed(&estate, &schema, &vocabulary))?;
        let store = Store::new(&estate, &vocabulary, &schema).map_err(|e| vec![of_schema(e.to_string())])?;
        let rules = load(&estate, &schema, &vocabulary, sources)?;
        let actions = schema.action_entities().map_err(|e| vec![of_schema(e.to_string())])?;
        let mut buckets = BTreeMap::new();
        for name in estate.catalogue.actions.keys() {
            let bucket = Bucket::gather(&rules, &vocabulary.action(name.as_str()), &actions);
            buckets.insert(name.clone(), bucket.map_err(|e| vec![of_schema(e.to_string())])?);
        }
        let text_of = |rule: &crate::load::Rule<'_>| rule.policy.to_cedar().unwrap_or_default();
        let texts = rules
            .iter()
            .map(|(id, rule)| PolicyText { id: id.clone(), title: rule.title.clone(), text: text_of(rule), path: rule.source.path.clone() })
            .collect();
        let mut set = PolicySet::new();
        for rule in rules.values() {
            set.add(rule.policy.clone()).map_err(|e| vec![of_schema(e.to_string())])?;
        }
        Ok(Self { estate, schema, schema_text: text, vocabulary, store, buckets, texts, set })
    }

    /// The verdict: the lowest rung whose authority is enough, with what permits it there and what stops it below.
    ///
    /// # Errors
    /// When the case cannot be asked; that is `blocked`, never a verdict.
    pub fn judge(&self, case: &Case) -> Result<Verdict, AskError> {
        let question = self.question(case)?;
        let mut below: Option<Asked> = None;
        for (rung, form) in self.estate.authority.rungs.iter().zip(lowest_whole()) {
            let asked = question.ask(&rung.brings(), form)?;
            if asked.allowed {
                return Ok(match below {
                    None => Verdict::Clear { because: because(&question, &asked) },
                    Some(below) => {
                        Verdict::NeedsApproval { rung: rung.name.clone(), because: because_not_lower(&question, &asked, &below) }
                    }
                });
            }
            below = Some(asked);
        }
        let top = below.ok_or(AskError::Schema)?;
        Ok(Verdict::Denied { because: because(&question, &top) })
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
        let rungs = self.estate.authority.rungs.iter().zip(lowest_whole());
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
        remedy::remedies(&self.estate.authority, &self.vocabulary, &question, &case.situation)
    }

    /// Every policy, by name.
    pub fn list(&self) -> Vec<PolicyText> {
        self.texts.clone()
    }

    /// The schema that the policies were checked against.
    pub fn schema_text(&self) -> &str {
        &self.schema_text
    }

    /// The same schema, parsed.
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Every policy, each under its `@id`, as Cedar holds it.
    pub const fn set(&self) -> &PolicySet {
        &self.set
    }

    /// The estate that they were checked against.
    pub const fn estate(&self) -> &Arc<Estate> {
        &self.estate
    }

    /// How many policies.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Never true: an empty set is refused at load.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub(crate) fn ground(&self) -> Ground<'_> {
        Ground { estate: &self.estate, vocabulary: &self.vocabulary, schema: &self.schema, store: &self.store }
    }

    pub(crate) fn question(&self, case: &Case) -> Result<Question<'_>, AskError> {
        let bucket = self.buckets.get(&case.action).ok_or_else(|| AskError::Unknown(format!("action {}", case.action)))?;
        Question::open(self.ground(), bucket, case)
    }
}

/// The lowest rung's request is whole and checked against the schema; those above hold the same typed values.
fn lowest_whole() -> impl Iterator<Item = Form> {
    std::iter::once(Form::Whole).chain(std::iter::repeat(Form::Read))
}
