//! Tests about the source itself.
//!
//! The compiler and `clippy` judge what a file says; this crate judges where it says it: which room may
//! lean on which, how long a file may grow, what it may be called, whether a public item says what it
//! promises, and which libraries and licences may come in. Each check is a pure function from a
//! [`Tree`] to [`Finding`]s, has a test that plants a fault for it, and runs over the real workspace in
//! `tests/workspace.rs`. The crate is never shipped.

mod arrows;
mod documentation;
mod files;
mod finding;
mod licence;
mod lockfile;
mod manifest;
mod purity;
mod source;
mod text;
mod tree;

pub use arrows::forbidden_arrows;
pub use documentation::undocumented_items;
pub use files::{crowded_lib_files, misnamed_files, overlong_files};
pub use finding::Finding;
pub use licence::{LICENCES_ALLOWED, MalformedLicence, permits, refused_licences};
pub use lockfile::{CRATES_BANNED, banned_crates, deny_file_disagreements};
pub use manifest::{lints_not_shared, misnamed_packages};
pub use purity::impure_rooms;
pub use text::{loose_ends, machine_paths};
pub use tree::{SourceFile, Tree};
