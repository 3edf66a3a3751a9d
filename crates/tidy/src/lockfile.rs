//! Which libraries may come in, and at which version where that matters.

use crate::manifest::{parse, rooms};
use crate::{Finding, LICENCES_ALLOWED, Tree};
use toml::{Table, Value};

/// Crates that may not stand in `Cargo.lock`, not even through another crate, each with its reason.
pub const CRATES_BANNED: &[(&str, &str)] = &[
    ("hickory-client", "superseded by hickory-net; two DNS stacks would drift apart"),
    ("openssl-sys", "TLS is rustls, so that the binary needs no system library"),
    ("rs_merkle", "hashes leaves and nodes alike by default, which admits second preimages"),
    ("serde_jcs", "unmaintained; canonical JSON is serde_json_canonicalizer behind our own guard"),
    ("serde_yaml", "deprecated; YAML is serde-saphyr, which reports spans and bounds"),
    ("serde_yml", "unsound fork; YAML is serde-saphyr, which reports spans and bounds"),
    ("sqlx", "loses acknowledged writes when a handler is cancelled; SQLite is rusqlite"),
];

/// Crates that a room may not name itself: an operation's errors are one enum and not a bag.
const DIRECT_BANNED: &[&str] = &["anyhow"];

/// Cedar's answers are part of every record; another version is a decision with its own replay of old records.
const CEDAR_VERSION: &str = "4.14.1";

/// Two copies of SQLite in one process break its file locks.
const SINGLE: &str = "libsqlite3-sys";

/// Banned crates in the lock file and the manifests, SQLite more or less than once, Cedar not pinned.
pub fn banned_crates(tree: &Tree) -> Vec<Finding> {
    let (lock, root) = match (toml_at(tree, "Cargo.lock"), toml_at(tree, "Cargo.toml")) {
        (Ok(lock), Ok(root)) => (lock, root),
        (Err(finding), _) | (_, Err(finding)) => return vec![finding],
    };
    let locked = locked_packages(&lock);
    let versions = |name: &str| locked.iter().filter(|(locked, _)| *locked == name).map(|(_, v)| *v).collect::<Vec<_>>();

    let banned = CRATES_BANNED.iter().filter(|(name, _)| !versions(name).is_empty());
    let mut findings: Vec<_> = banned.map(|(name, reason)| Finding::of_file("Cargo.lock", format!("holds `{name}`: {reason}"))).collect();
    if versions(SINGLE).len() != 1 {
        findings.push(Finding::of_file("Cargo.lock", format!("must hold `{SINGLE}` exactly once")));
    }
    if versions("cedar-policy") != [CEDAR_VERSION] || cedar_requirement(&root) != Some(&format!("={CEDAR_VERSION}")) {
        findings.push(Finding::of_file("Cargo.toml", format!("`cedar-policy` must be pinned to `={CEDAR_VERSION}`")));
    }
    findings.extend(direct(tree));
    findings
}

fn direct(tree: &Tree) -> Vec<Finding> {
    let rooms = match rooms(tree) {
        Ok(rooms) => rooms,
        Err(finding) => return vec![finding],
    };
    let named = rooms.iter().flat_map(|room| room.all_dependencies().into_iter().map(move |name| (room, name)));
    named
        .filter(|(_, name)| DIRECT_BANNED.contains(name))
        .map(|(room, name)| Finding::of_file(&room.path, format!("may not depend on `{name}`: errors are enums")))
        .collect()
}

/// Where `deny.toml`, which `cargo deny` users read, says other than this crate does.
pub fn deny_file_disagreements(tree: &Tree) -> Vec<Finding> {
    let deny = match toml_at(tree, "deny.toml") {
        Ok(deny) => deny,
        Err(finding) => return vec![finding],
    };
    let list = |section: &str, key: &str| -> Vec<Value> {
        let found = deny.get(section).and_then(|section| section.get(key)).and_then(Value::as_array);
        found.cloned().unwrap_or_default()
    };
    let text = |value: &Value| value.as_str().or_else(|| value.get("crate")?.as_str()).map(str::to_owned);
    let mut licences: Vec<String> = list("licenses", "allow").iter().filter_map(text).collect();
    let mut banned: Vec<String> = list("bans", "deny").iter().filter_map(text).collect();
    licences.sort();
    banned.sort();

    let mut findings = Vec::new();
    if licences != LICENCES_ALLOWED {
        findings.push(Finding::of_file("deny.toml", "`licenses.allow` differs from `LICENCES_ALLOWED`"));
    }
    if !banned.iter().eq(CRATES_BANNED.iter().map(|(name, _)| name)) {
        findings.push(Finding::of_file("deny.toml", "`bans.deny` differs from `CRATES_BANNED`"));
    }
    findings
}

fn toml_at(tree: &Tree, path: &str) -> Result<Table, Finding> {
    let file = tree.file(path).ok_or_else(|| Finding::of_file(path, "is missing"))?;
    parse(path, &file.text)
}

fn locked_packages(lock: &Table) -> Vec<(&str, &str)> {
    let packages = lock.get("package").and_then(Value::as_array);
    let pair = |package| Some((str_in(package, "name")?, str_in(package, "version")?));
    packages.into_iter().flatten().filter_map(pair).collect()
}

fn str_in<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

fn cedar_requirement(root: &Table) -> Option<&str> {
    let cedar = root.get("workspace")?.get("dependencies")?.get("cedar-policy")?;
    cedar.as_str().or_else(|| str_in(cedar, "version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace.dependencies]\ncedar-policy = \"=4.14.1\"";

    fn lock(packages: &[(&str, &str)]) -> String {
        let package = |(name, version): &(&str, &str)| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
        packages.iter().map(package).collect()
    }

    fn found(root: &str, packages: &[(&str, &str)], room: &str) -> usize {
        let lock = lock(packages);
        let tree = Tree::of(&[("Cargo.toml", root), ("Cargo.lock", &lock), ("crates/core/Cargo.toml", room)]);
        banned_crates(&tree).len()
    }

    const GOOD: [(&str, &str); 2] = [("cedar-policy", "4.14.1"), ("libsqlite3-sys", "0.39.1")];

    #[test]
    fn a_banned_crate_is_found_however_it_came_in() {
        assert_eq!(found(ROOT, &GOOD, ""), 0);
        for (name, _) in CRATES_BANNED {
            assert_eq!(found(ROOT, &[GOOD[0], GOOD[1], (name, "1.0.0")], ""), 1, "{name}");
        }
    }

    #[test]
    fn a_crate_that_only_others_may_use_is_found_in_a_manifest() {
        assert_eq!(found(ROOT, &[GOOD[0], GOOD[1], ("anyhow", "1.0.0")], ""), 0);
        assert_eq!(found(ROOT, &GOOD, "[dev-dependencies]\nanyhow = \"1\""), 1);
    }

    #[test]
    fn sqlite_twice_or_never_is_found() {
        assert_eq!(found(ROOT, &[GOOD[0], GOOD[1], ("libsqlite3-sys", "0.30.0")], ""), 1);
        assert_eq!(found(ROOT, &[GOOD[0]], ""), 1);
    }

    #[test]
    fn a_loose_cedar_is_found() {
        assert_eq!(found("[workspace.dependencies]\ncedar-policy = \"4\"", &GOOD, ""), 1);
        assert_eq!(found("[workspace.dependencies]\ncedar-policy = { version = \"=4.14.1\" }", &GOOD, ""), 0);
        assert_eq!(found(ROOT, &[("cedar-policy", "4.15.0"), GOOD[1]], ""), 1);
    }

    #[test]
    fn a_deny_file_that_says_otherwise_is_found() {
        let tree = Tree::of(&[("deny.toml", "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [{ crate = \"sqlx\" }]")]);
        assert_eq!(deny_file_disagreements(&tree).len(), 2);
        assert_eq!(deny_file_disagreements(&Tree::of(&[])).len(), 1);
    }
}
