//! The example estate with keys for its people, and the places where a story changes it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use lineclear_core::estate::Estate;
use lineclear_policy::Policies;

use crate::people::public_key;

/// The people of the example.
const PEOPLE: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];

static EXAMPLE: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../estate/example"));
    let mut files = lineclear_estate::read_files(directory).expect("the example estate can be read");
    for login in PEOPLE {
        files.insert(format!("keys/{login}.pub"), format!("{}\n", public_key(login)).into_bytes());
    }
    files
});

static UNCHANGED: LazyLock<(Arc<Estate>, Arc<Policies>)> = LazyLock::new(|| parse(&EXAMPLE));

fn parse(files: &BTreeMap<String, Vec<u8>>) -> (Arc<Estate>, Arc<Policies>) {
    match lineclear_estate::load_files(files) {
        Ok(loaded) => (loaded.estate, Arc::new(loaded.policies)),
        Err(error) => panic!("the estate of this story is wrong: {error}"),
    }
}

/// The files of an estate.
#[derive(Debug, Clone)]
pub struct Northwind {
    files: BTreeMap<String, Vec<u8>>,
}

impl Default for Northwind {
    fn default() -> Self {
        Self { files: EXAMPLE.clone() }
    }
}

impl Northwind {
    /// Writes a file, in place of one that may be there.
    #[must_use]
    pub fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }

    /// Changes a text that stands in a file.
    #[must_use]
    pub fn changed(self, path: &str, from: &str, to: &str) -> Self {
        let before = self.files.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let before = before.unwrap_or_else(|| panic!("the estate has no `{path}`"));
        assert!(before.contains(from), "`{path}` does not hold `{from}`");
        self.with(path, &before.replace(from, to))
    }

    /// Without the stories that its policies must decide.
    #[must_use]
    pub fn without_stories(mut self) -> Self {
        self.files.retain(|path, _| !path.starts_with("policies/cases/"));
        self
    }

    /// The files as they are proposed.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.files.clone()
    }

    /// Reads it.
    pub(crate) fn load(&self) -> (Arc<Estate>, Arc<Policies>) {
        if self.files == *EXAMPLE { UNCHANGED.clone() } else { parse(&self.files) }
    }
}
