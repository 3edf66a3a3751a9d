//! What the engine asks about versions of the estate and cannot do itself: keep their files, read them, load them, and find
//! out what they would change. Behind a trait, so that stories can examine without a solver.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use lineclear_core::Digest;
use lineclear_core::estate::Estate;
use lineclear_core::patch::Review;
use lineclear_core::revision::{How, Report};

use crate::InForce;

/// The files of an estate, by path relative to its directory.
pub type Files = BTreeMap<String, Vec<u8>>;
/// An answer that takes its time.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Most files of one proposal: a little more than an estate may have, so that the estate's own rule is the one that speaks.
pub const FILES_MAX: usize = 512;
/// Largest file, in bytes: as large as an estate may hold.
pub const FILE_BYTES_MAX: usize = 256 * 1024;
/// Most bytes of one proposal: sixteen of the largest files, and many times a large estate.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest path, in bytes; `policies/cases/` and a long name.
const PATH_MAX: usize = 200;
/// Most folders of a path: `policies/cases` is two.
const FOLDERS_MAX: usize = 3;

/// Why the files of a digest cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Nothing is kept under it.
    #[error("its files are not kept here")]
    Missing,
    /// What is kept under it is something else, or cannot be read.
    #[error("{0}")]
    Broken(String),
}

/// What was found out about files.
#[derive(Debug, Clone)]
pub struct Examination {
    /// For people, without the files that differ.
    pub report: Report,
    /// The estate, when the files make one.
    pub estate: Option<Arc<Estate>>,
}

/// A drafted runbook that fits an estate.
#[derive(Debug, Clone)]
pub struct Drafted {
    /// What was found out about it.
    pub review: Review,
    /// Whether the estate has a runbook of this name.
    pub how: How,
}

/// Keeps, reads, loads and examines versions of the estate.
pub trait Estates: Send + Sync {
    /// The content address of files.
    fn digest(&self, files: &Files) -> Digest;

    /// Keeps files under their content address, so that they outlive a crash once this has answered.
    fn keep<'a>(&'a self, files: &'a Files) -> Later<'a, Result<Digest, String>>;

    /// The files of a content address, checked against it.
    fn fetch(&self, digest: Digest) -> Later<'_, Result<Files, FetchError>>;

    /// The estate that files make, with its policies; else everything that is wrong with them.
    fn load<'a>(&'a self, files: &'a Files) -> Later<'a, Result<InForce, Vec<String>>>;

    /// What files would change, compared with the estate in force. Whatever goes wrong stands in the report.
    fn examine<'a>(&'a self, files: &'a Files, active: Arc<InForce>) -> Later<'a, Examination>;

    /// Reads a drafted runbook as part of these files, lints it, and plays its tests; else everything that is wrong with it.
    fn draft<'a>(&'a self, files: &'a Files, text: &'a str) -> Later<'a, Result<Drafted, Vec<String>>>;

    /// From now on this estate is in force: telemetry is asked where it says.
    fn came_into_force(&self, estate: &Estate);
}

/// Why a path is none of an estate's; none when it may be one.
pub(crate) fn path_fault(path: &str) -> Option<&'static str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let parts: Vec<&str> = path.split('/').collect();
    if path.is_empty() || path.len() > PATH_MAX {
        return Some("a path has 1 to 200 bytes");
    }
    if parts.len() > FOLDERS_MAX + 1 {
        return Some("a path has at most 3 folders");
    }
    if parts.iter().any(|part| part.is_empty() || part.starts_with('.')) {
        return Some("a path is relative, without empty parts and without parts that begin with `.`");
    }
    let bad = parts.iter().any(|part| !part.bytes().all(plain));
    bad.then_some("a path holds letters, digits, `.`, `-`, `_` and `/`")
}

#[cfg(test)]
mod tests {
    use super::path_fault;

    #[test]
    fn a_path_leads_nowhere_else() {
        for good in ["lineclear.toml", "policies/cases/high.toml", "keys/alice.pub", "runbooks/a_b.yaml"] {
            assert_eq!(path_fault(good), None, "{good}");
        }
        let long = "a".repeat(201);
        for bad in [
            "",
            "/etc/passwd",
            "../x.md",
            "a/../b.md",
            "a//b.md",
            "a/",
            ".git/x.md",
            "a/.x.md",
            "a\\b.md",
            "a b.md",
            "a\0.md",
            "ä.md",
            "a/b/c/d/e.md",
            &long,
        ] {
            assert!(path_fault(bad).is_some(), "{bad:?}");
        }
    }
}
