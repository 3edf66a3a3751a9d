//! Which room may depend on which: the picture of ARCHITECTURE.md as a table.

use crate::manifest::{Manifest, rooms};
use crate::{Finding, Tree};

/// A room and the rooms it may use in shipped code. A room without a line here is a finding, so that a new
/// one cannot come in without somebody deciding where it stands.
const ARROWS: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("ledger", &[]),
    ("policy", &["core"]),
    ("warrant", &["ledger", "core"]),
    ("estate", &["policy", "core"]),
    ("prove", &["policy", "core"]),
    ("audit", &["policy", "ledger", "core"]),
    ("store", &["core", "ledger"]),
    ("connect", &["core"]),
    ("engine", &["policy", "store", "connect", "warrant", "ledger", "core"]),
    ("runner", &["warrant", "ledger", "core"]),
    ("server", &["engine", "policy", "store", "connect", "warrant", "ledger", "core"]),
    ("sim", &[]),
    ("tidy", &[]),
    ("testkit", BELOW_CLI),
    ("crashlab", LAB),
    ("cli", BELOW_CLI),
];

/// Everything the binary is made of. `testkit` and `tidy` are missing on purpose: they never ship.
const BELOW_CLI: &[&str] =
    &["core", "ledger", "policy", "warrant", "estate", "prove", "audit", "store", "connect", "engine", "runner", "server", "sim"];

/// What the crash lab may use: everything the binary is made of, and the keys of people that tests have.
const LAB: &[&str] = &["core", "ledger", "warrant", "estate", "store", "engine", "runner", "testkit"];

/// Dependencies between rooms that the table does not draw, and rooms that it does not know.
pub fn forbidden_arrows(tree: &Tree) -> Vec<Finding> {
    match rooms(tree) {
        Ok(rooms) => rooms.iter().flat_map(strangers).collect(),
        Err(finding) => vec![finding],
    }
}

fn strangers(room: &Manifest) -> Vec<Finding> {
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room.folder) else {
        return vec![Finding::of_file(&room.path, "this room has no line in the table of arrows")];
    };
    room.dependencies()
        .into_iter()
        .filter_map(|package| package.strip_prefix("lineclear-"))
        .filter(|used| !allowed.contains(used))
        .map(|used| Finding::of_file(&room.path, format!("`{}` may not use `{used}`", room.folder)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(folder: &str, manifest: &str) -> Vec<String> {
        let path = format!("crates/{folder}/Cargo.toml");
        forbidden_arrows(&Tree::of(&[(&path, manifest)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_arrow_that_is_drawn_passes() {
        assert!(found("policy", "[dependencies]\nlineclear-core.workspace = true").is_empty());
    }

    #[test]
    fn an_arrow_uphill_is_found_under_any_name() {
        let plain = "[dependencies]\nlineclear-store.workspace = true";
        assert_eq!(found("policy", plain), ["crates/policy/Cargo.toml: `policy` may not use `store`"]);
        let renamed = "[dependencies]\ndb = { package = \"lineclear-store\", path = \"../store\" }";
        assert_eq!(found("core", renamed).len(), 1);
        let target = "[target.'cfg(unix)'.dependencies]\nlineclear-store.workspace = true";
        assert_eq!(found("core", target).len(), 1);
    }

    #[test]
    fn tests_may_use_any_room_and_products_no_test_room() {
        assert!(found("core", "[dev-dependencies]\nlineclear-testkit.workspace = true").is_empty());
        assert_eq!(found("cli", "[dependencies]\nlineclear-testkit.workspace = true").len(), 1);
    }

    #[test]
    fn a_room_nobody_placed_is_found() {
        assert_eq!(found("helpers", "").len(), 1);
    }
}
