//! The example estate, read once, as the ground on which a single fuzzed file stands.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use lineclear_estate::{Loaded, load_files, read_files};

static FILES: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../estate/example"));
    read_files(directory).expect("the example estate can be read")
});

static LOADED: LazyLock<Loaded> = LazyLock::new(|| load_files(&FILES).expect("the example estate is sound"));

/// Its files, by path.
pub fn example_files() -> &'static BTreeMap<String, Vec<u8>> {
    &FILES
}

/// The estate itself, with its policies and stories.
pub fn example() -> &'static Loaded {
    &LOADED
}
