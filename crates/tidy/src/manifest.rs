//! The `Cargo.toml` of each room: its name, its lints, and what it depends on.

use crate::{Finding, Tree};
use toml::{Table, Value};

/// One parsed `crates/<folder>/Cargo.toml`.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) path: String,
    pub(crate) folder: String,
    table: Table,
}

/// Parses every room's manifest; the first that is not TOML is the finding.
pub(crate) fn rooms(tree: &Tree) -> Result<Vec<Manifest>, Finding> {
    tree.files()
        .filter(|file| file.path.ends_with("/Cargo.toml") && file.path.matches('/').count() == 2)
        .filter_map(|file| file.room().map(|room| (file, room)))
        .map(|(file, room)| {
            let table = parse(&file.path, &file.text)?;
            Ok(Manifest { path: file.path.clone(), folder: room.to_owned(), table })
        })
        .collect()
}

/// Parses a TOML file of the workspace.
pub(crate) fn parse(path: &str, text: &str) -> Result<Table, Finding> {
    toml::from_str(text).map_err(|error| Finding::of_file(path, format!("is not TOML: {}", error.message())))
}

impl Manifest {
    /// The packages that are built into the product: normal and build dependencies for any target, not dev.
    pub(crate) fn dependencies(&self) -> Vec<&str> {
        let targets = self.table.get("target").and_then(Value::as_table);
        let tables = targets.into_iter().flat_map(|targets| targets.values().filter_map(Value::as_table));
        std::iter::once(&self.table).chain(tables).flat_map(|table| packages(table, SHIPPED_KINDS)).collect()
    }

    /// Every package that is named at all, development included.
    pub(crate) fn all_dependencies(&self) -> Vec<&str> {
        let mut named = self.dependencies();
        named.extend(packages(&self.table, &["dev-dependencies"]));
        named
    }

    fn package_name(&self) -> Option<&str> {
        self.table.get("package")?.get("name")?.as_str()
    }

    fn shares_lints(&self) -> bool {
        self.table.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool) == Some(true)
    }
}

const SHIPPED_KINDS: &[&str] = &["dependencies", "build-dependencies"];

fn packages<'a>(table: &'a Table, kinds: &[&str]) -> Vec<&'a str> {
    let sections = kinds.iter().filter_map(|kind| table.get(*kind).and_then(Value::as_table));
    let renamed = |value: &'a Value| value.get("package").and_then(Value::as_str);
    sections.flatten().map(|(key, value)| renamed(value).unwrap_or(key.as_str())).collect()
}

/// Rooms whose package is not called `lineclear-<folder>`.
pub fn misnamed_packages(tree: &Tree) -> Vec<Finding> {
    each_room(tree, |room| {
        let wanted = format!("lineclear-{}", room.folder);
        (room.package_name() != Some(wanted.as_str())).then(|| format!("its package must be called `{wanted}`"))
    })
}

/// Rooms that do not take the lints of the workspace.
pub fn lints_not_shared(tree: &Tree) -> Vec<Finding> {
    each_room(tree, |room| (!room.shares_lints()).then(|| "needs `[lints]` with `workspace = true`".to_owned()))
}

fn each_room(tree: &Tree, judge: impl Fn(&Manifest) -> Option<String>) -> Vec<Finding> {
    match rooms(tree) {
        Ok(rooms) => rooms.iter().filter_map(|room| judge(room).map(|what| Finding::of_file(&room.path, what))).collect(),
        Err(finding) => vec![finding],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(manifest: &str) -> Tree {
        Tree::of(&[("crates/core/Cargo.toml", manifest)])
    }

    #[test]
    fn a_package_with_another_name_is_found() {
        assert_eq!(misnamed_packages(&room("[package]\nname = \"lineclear-core\"")), []);
        assert_eq!(misnamed_packages(&room("[package]\nname = \"core\"")).len(), 1);
        assert_eq!(misnamed_packages(&room("")).len(), 1);
    }

    #[test]
    fn lints_of_its_own_are_found() {
        assert_eq!(lints_not_shared(&room("[lints]\nworkspace = true")), []);
        assert_eq!(lints_not_shared(&room("[lints.rust]\nunsafe_code = \"allow\"")).len(), 1);
    }

    #[test]
    fn a_manifest_that_is_not_toml_is_found() {
        assert_eq!(lints_not_shared(&room("[lints")).len(), 1);
    }

    #[test]
    fn renamed_and_target_dependencies_are_seen() {
        let manifest = "[dependencies]\nrt = { package = \"tokio\", version = \"1\" }\n\
                        [target.'cfg(unix)'.dependencies]\nnix = \"1\"\n[dev-dependencies]\ninsta = \"1\"";
        let rooms = rooms(&room(manifest)).unwrap();
        assert_eq!(rooms[0].dependencies(), ["tokio", "nix"]);
        assert_eq!(rooms[0].all_dependencies(), ["tokio", "nix", "insta"]);
    }
}
