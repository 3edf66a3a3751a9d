//! The shape of files: how long, how named, and that `lib.rs` is only a table of contents.

use crate::{Finding, SourceFile, Tree};

/// A file longer than this holds more than one noun. Tests count: nobody reads a long test either.
const LINES_MAX: usize = 500;

/// Names that say nothing about what is inside, so that everything ends up there.
const NAMES_BANNED: &[&str] = &["mod", "util", "utils", "common", "type", "types", "helper", "helpers", "manager", "misc"];

/// Rust files over 500 lines.
pub fn overlong_files(tree: &Tree) -> Vec<Finding> {
    let lengths = tree.rust().map(|file| (file, file.text.lines().count()));
    lengths
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(file, lines)| Finding::of_file(&file.path, format!("has {lines} lines, at most {LINES_MAX} are allowed")))
        .collect()
}

/// Rust files and folders with a name that could hold anything.
pub fn misnamed_files(tree: &Tree) -> Vec<Finding> {
    let banned = |file: &&SourceFile| {
        let path = file.path.strip_suffix(".rs").unwrap_or(&file.path);
        path.split('/').any(|part| NAMES_BANNED.contains(&part))
    };
    tree.rust().filter(banned).map(|file| Finding::of_file(&file.path, "name it for the noun it holds")).collect()
}

/// Lines of a `lib.rs` that are not documentation, attributes, `mod` or `use`; one finding per file.
pub fn crowded_lib_files(tree: &Tree) -> Vec<Finding> {
    let libs = tree.rust().filter(|file| file.path.ends_with("/src/lib.rs"));
    libs.filter_map(|file| {
        let line = first_foreign_line(&file.text)?;
        Some(Finding::at(&file.path, line, "`lib.rs` holds documentation, attributes, `mod` and `use` only"))
    })
    .collect()
}

fn first_foreign_line(source: &str) -> Option<usize> {
    let mut open_until: Option<char> = None;
    for (index, line) in source.lines().enumerate() {
        let line = line.trim();
        if let Some(end) = open_until {
            open_until = (!line.ends_with(end)).then_some(end);
            continue;
        }
        let item = ["pub(crate) ", "pub "].iter().find_map(|word| line.strip_prefix(word)).unwrap_or(line);
        if line.is_empty() || line.starts_with("//") || (item.starts_with("mod ") && item.ends_with(';')) {
            continue;
        }
        let end = if line.starts_with("#[") || line.starts_with("#![") {
            ']'
        } else if item.starts_with("use ") {
            ';'
        } else {
            return Some(index + 1);
        };
        open_until = (!line.ends_with(end)).then_some(end);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_too_many_is_found() {
        let longest = "\n".repeat(LINES_MAX);
        assert_eq!(overlong_files(&Tree::of(&[("a.rs", &longest)])), []);
        let longer = "\n".repeat(LINES_MAX + 1);
        assert_eq!(overlong_files(&Tree::of(&[("tests/a.rs", &longer), ("a.md", &longer)])).len(), 1);
    }

    #[test]
    fn names_without_a_noun_are_found() {
        for path in ["crates/core/src/run/mod.rs", "crates/core/src/utils.rs", "crates/core/tests/common/world.rs"] {
            assert_eq!(misnamed_files(&Tree::of(&[(path, "")])).len(), 1, "{path}");
        }
        assert_eq!(misnamed_files(&Tree::of(&[("crates/core/src/run.rs", ""), ("docs/types.md", "")])), []);
    }

    #[test]
    fn a_lib_file_with_code_is_found() {
        let at = |source: &str| first_foreign_line(source);
        assert_eq!(at("//! Docs.\n\n#![cfg_attr(\n    test,\n    a\n)]\n\nmod run;\npub mod change;\n"), None);
        assert_eq!(at("pub use run::{\n    Run,\n    State,\n};\npub(crate) use a::B;\n"), None);
        assert_eq!(at("mod run;\n\npub fn now() {}\n"), Some(3));
        assert_eq!(at("mod run {\n}\n"), Some(1));
        assert_eq!(at("pub use a::b;\nconst A: u8 = 1;\n"), Some(2));
        let planted = Tree::of(&[("crates/core/src/lib.rs", "struct A;\n"), ("crates/core/src/run.rs", "struct A;\n")]);
        assert_eq!(crowded_lib_files(&planted).len(), 1);
    }
}
