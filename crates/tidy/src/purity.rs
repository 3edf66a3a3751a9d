//! Rooms that decide must not be able to reach the world: no runtime, no files, no sockets, no waiting.

use crate::manifest::rooms;
use crate::source::{code, shipped_lines};
use crate::{Finding, Tree};

/// Rooms whose tests must need no runtime.
const WITHOUT_RUNTIME: &[&str] = &["core", "policy", "ledger", "warrant", "estate"];

/// Rooms that take everything as an argument.
const WITHOUT_IO: &[&str] = &["core", "policy", "warrant"];

/// What reaches the world, and what to write instead.
const REACHES: &[(&str, &str)] = &[
    ("std::fs", "take the text as an argument"),
    ("std::net", "take it as an argument; for an address alone use `core::net`, which cannot open a socket"),
    ("std::process", "starting programs belongs to `runner`"),
    ("std::thread", "waiting belongs to `engine`"),
    ("std::env", "configuration is parsed once, in `cli`"),
    ("async fn", "pure rooms do not wait"),
    (".await", "pure rooms do not wait"),
];

/// Runtimes among dependencies and I/O in the source of rooms that must have neither.
pub fn impure_rooms(tree: &Tree) -> Vec<Finding> {
    let mut findings = runtimes(tree);
    let files = tree.rust().filter(|file| file.ships());
    for file in files.filter(|file| file.room().is_some_and(|room| WITHOUT_IO.contains(&room))) {
        for line in shipped_lines(&file.text) {
            let text = ungrouped(code(line.text));
            let reached = REACHES.iter().filter(|(word, _)| text.contains(word));
            findings.extend(
                reached.map(|(word, instead)| Finding::at(&file.path, line.number, format!("`{word}` in a room without I/O: {instead}"))),
            );
        }
    }
    findings
}

fn runtimes(tree: &Tree) -> Vec<Finding> {
    let rooms = match rooms(tree) {
        Ok(rooms) => rooms,
        Err(finding) => return vec![finding],
    };
    let pure = rooms.iter().filter(|room| WITHOUT_RUNTIME.contains(&room.folder.as_str()));
    pure.filter(|room| room.dependencies().iter().any(|name| name.starts_with("tokio")))
        .map(|room| Finding::of_file(&room.path, "a room without I/O may not depend on `tokio`"))
        .collect()
}

/// `use std::{fs, fmt}` written as `use std::fs, std::fmt`, as far as one line goes.
fn ungrouped(line: &str) -> String {
    match line.split_once("std::{") {
        Some((before, group)) => {
            let parts: Vec<_> = group.split(',').map(|part| format!("std::{}", part.trim())).collect();
            format!("{before}{}", parts.join(", "))
        }
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        impure_rooms(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn a_runtime_under_a_pure_room_is_found() {
        assert_eq!(found("crates/ledger/Cargo.toml", "[dependencies]\ntokio.workspace = true"), 1);
        assert_eq!(found("crates/ledger/Cargo.toml", "[dependencies]\ntokio-util.workspace = true"), 1);
        assert_eq!(found("crates/store/Cargo.toml", "[dependencies]\ntokio.workspace = true"), 0);
        assert_eq!(found("crates/ledger/Cargo.toml", "[dev-dependencies]\ntokio.workspace = true"), 0);
    }

    #[test]
    fn files_and_sockets_in_a_pure_room_are_found() {
        assert_eq!(found("crates/core/src/run.rs", "use std::fs::File;\n"), 1);
        assert_eq!(found("crates/core/src/run.rs", "use std::{fmt, net::TcpStream};\n"), 1);
        assert_eq!(found("crates/policy/src/ask.rs", "pub async fn ask() {\n    wait().await\n}\n"), 2);
    }

    #[test]
    fn tests_comments_and_other_rooms_may_use_them() {
        assert_eq!(found("crates/core/src/run.rs", "// std::fs is not for us\nuse std::fmt;\n"), 0);
        assert_eq!(found("crates/core/src/run.rs", "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n"), 0);
        assert_eq!(found("crates/core/tests/frozen.rs", "use std::fs;\n"), 0);
        assert_eq!(found("crates/runner/src/journal.rs", "use std::fs;\n"), 0);
    }
}
