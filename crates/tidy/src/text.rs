//! Words that must not be committed: where a developer's files lie, and work put off.
//! The words are joined from pieces, so that this file does not contain them.

use crate::source::code;
use crate::{Finding, Tree};

/// Folders in which people, not products, keep files.
const MACHINE_FOLDERS: &[&str] =
    &[concat!("/", "home/"), concat!("/", "root/"), concat!("/", "Users/"), concat!("/", "work/"), concat!("/", "farm/")];

/// Tests that do not run or that any panic satisfies, and code that is not written.
const LOOSE_ENDS: &[(&str, &str)] = &[
    (concat!("#[", "ignore"), "a test that does not run proves nothing"),
    (concat!("#[", "should_panic"), "assert the refusal, so that another panic does not pass for it"),
    (concat!("to", "do!("), "finish it or leave it out"),
    (concat!("unimple", "mented!("), "finish it or leave it out"),
];

/// Absolute paths of a developer's machine in any text file. A path inside a longer one, as in an address, is none.
pub fn machine_paths(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files() {
        for (index, line) in file.text.lines().enumerate() {
            let folders = MACHINE_FOLDERS.iter().filter(|folder| starts_a_path(line, folder));
            findings.extend(folders.map(|folder| Finding::at(&file.path, index + 1, format!("a path of one machine (`{folder}…`)"))));
        }
    }
    findings
}

fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| !(c.is_alphanumeric() || "_-.})*$>".contains(c)))
    })
}

/// Ignored tests, tests that wait for a panic, and unwritten code, in any Rust file.
pub fn loose_ends(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        for (index, line) in file.text.lines().enumerate() {
            let line = code(line);
            let ends = LOOSE_ENDS.iter().filter(|(word, _)| line.contains(word));
            findings.extend(ends.map(|(word, why)| Finding::at(&file.path, index + 1, format!("`{word}`: {why}"))));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_found_in_any_file() {
        for folder in MACHINE_FOLDERS {
            let planted = format!("fine\nsee `{folder}me/notes`\n");
            let found = machine_paths(&Tree::of(&[("docs/a.md", &planted)]));
            assert_eq!(found.len(), 1, "{folder}");
            assert!(found[0].to_string().starts_with("docs/a.md:2: "));
        }
    }

    #[test]
    fn a_folder_inside_another_path_is_not_found() {
        for folder in MACHINE_FOLDERS {
            let planted = format!("https://example.test{folder}\n..{folder}\n$LAB{folder}\n${{LAB}}{folder}\n");
            assert_eq!(machine_paths(&Tree::of(&[("a.sh", &planted)])), [], "{folder}");
        }
    }

    #[test]
    fn each_loose_end_is_found_in_code_and_not_in_comments() {
        for (word, _) in LOOSE_ENDS {
            let planted = format!("    {word}\n    // {word}\n");
            assert_eq!(loose_ends(&Tree::of(&[("crates/core/tests/a.rs", &planted)])).len(), 1, "{word}");
        }
    }
}
