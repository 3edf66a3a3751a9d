//! Reads an estate directory: strict text in, a checked [`lineclear_core::estate::Estate`] with its policies out, and for
//! everything that is wrong a file, a line, a column and what to write instead.
//!
//! Reading has two passes. The first turns each file into values that remember their place and checks what one file can tell
//! (members, types, bounds). The second links them: owners, roles, runbooks, facts, people and the ladder.
//!
//! The functions named `parse_…` are pure over a path (for messages) and a text, and never panic.

mod actions;
mod authority;
mod calendar;
mod catalog;
mod check;
mod digest;
mod draft;
mod duration;
mod escalation;
mod facts;
mod fault;
mod files;
mod freezes;
mod inputs;
mod invariant;
mod keys;
mod link;
mod load;
mod maintenance;
mod mapping;
mod members;
mod notices;
mod page;
mod rehearsal;
mod rotation;
mod runbook;
mod schema;
mod senders;
mod settings;
mod severity;
mod slo;
mod story;
mod suggest;
mod template;
mod tool;
mod yaml;

pub use actions::parse_actions;
pub use authority::parse_authority;
pub use calendar::parse_calendar;
pub use catalog::parse_catalog;
pub use check::{Report, Warning, check, lint};
pub use digest::digest;
pub use draft::draft;
pub use escalation::parse_escalation;
pub use facts::parse_facts;
pub use fault::{Fault, LoadError};
pub use files::{DIRECTORY_DEPTH_MAX, FILE_BYTES_MAX, FILES_MAX, read_files};
pub use freezes::parse_freezes;
pub use keys::parse_keys;
pub use load::{Loaded, load, load_files};
pub use maintenance::parse_maintenance;
pub use mapping::parse_mapping;
pub use page::{Page, page};
pub use rehearsal::{
    Answer, Decision, End, Ending, Fakes, Look, Part, Rehearsal, RehearsalError, Reply, Role, Script, Test, Trail, unrehearsed,
};
pub use rotation::parse_rotation;
pub use runbook::{parse_runbook, parse_runbook_tests};
pub use schema::schemas;
pub use settings::{Settings, parse_settings};
pub use severity::parse_severity;
pub use slo::parse_slos;
pub use story::{Expected, Outcome, Story, parse_stories};
