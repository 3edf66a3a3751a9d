//! Cedar policies and a case in; a verdict with its reasons out. Pure: no I/O, no `async`, no clock.
//!
//! "Allowed" means that Cedar answered `Allow` and that nothing at all failed to evaluate.

mod ask;
mod base;
mod conjunct;
mod explain;
mod explanation;
mod facts;
mod foundation;
mod index;
mod limit;
mod load;
mod opening;
mod policies;
mod reads;
mod remedy;
mod schema;
mod source;
mod store;
#[cfg(test)]
mod tests;
mod vocabulary;

pub use ask::AskError;
pub use base::Base;
pub use explanation::Explanation;
pub use policies::{Answer, Decided, Essences, Policies, PolicyText, RungAnswer};
pub use remedy::{Outcome, Remedy, Repair};
pub use schema::{SCHEMA_PATH, schema_text};
pub use source::{Diagnostic, Place, Source};
