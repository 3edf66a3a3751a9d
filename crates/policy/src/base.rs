//! What the policies of an estate stand on: its schema, its words, its entities. Made once, however often policies are read over it.

use std::sync::Arc;

use cedar_policy::{Context, Entities, Schema, Validator};
use lineclear_core::estate::Estate;

use crate::ask::{AskError, Ground};
use crate::facts::given;
use crate::foundation;
use crate::schema::{misclassed, parse, schema_text};
use crate::source::Diagnostic;
use crate::store::Store;
use crate::vocabulary::Vocabulary;

/// An estate made ready for policies; immutable, and safe to share between threads.
#[derive(Debug)]
pub struct Base {
    pub(crate) estate: Arc<Estate>,
    pub(crate) schema_text: String,
    pub(crate) schema: Schema,
    pub(crate) validator: Validator,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) store: Store,
    /// The actions and their risk classes.
    pub(crate) actions: Entities,
    /// The approvals of each rung, and nothing else.
    pub(crate) rungs: Vec<Context>,
}

impl Base {
    /// Writes the schema, reads it, and fills it with what the estate holds.
    ///
    /// # Errors
    /// Everything that keeps the estate from carrying policies, under the path [`crate::SCHEMA_PATH`].
    pub fn new(estate: Arc<Estate>) -> Result<Self, Vec<Diagnostic>> {
        let refuse = |faults: Vec<String>| {
            if faults.is_empty() { Ok(()) } else { Err(faults.into_iter().map(Diagnostic::of_schema).collect::<Vec<_>>()) }
        };
        let one = |error: &dyn std::fmt::Display| vec![Diagnostic::of_schema(error.to_string())];
        refuse(foundation::faults(&estate))?;
        let schema_text = schema_text(&estate);
        let schema = parse(&schema_text)?;
        let vocabulary = Vocabulary::new(&estate).map_err(|error| one(&error))?;
        refuse(misclassed(&estate, &schema, &vocabulary))?;
        let store = Store::new(&estate, &vocabulary, &schema).map_err(|error| one(&error))?;
        let actions = schema.action_entities().map_err(|error| one(&error))?;
        let rungs: Result<Vec<Context>, AskError> = estate.authority.rungs.iter().map(|rung| given(&vocabulary, &rung.brings())).collect();
        let rungs = rungs.map_err(|error| one(&error))?;
        let validator = Validator::new(schema.clone());
        Ok(Self { estate, schema_text, schema, validator, vocabulary, store, actions, rungs })
    }

    pub(crate) fn ground(&self) -> Ground<'_> {
        Ground { estate: &self.estate, vocabulary: &self.vocabulary, schema: &self.schema, store: &self.store }
    }
}
