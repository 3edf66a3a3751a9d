//! Every public item says what it promises. `rustc` asks this only of what can be reached from outside the
//! crate; the rooms are read from inside too.

use crate::source::{Line, shipped_lines};
use crate::{Finding, Tree};

const ITEMS: &[&str] = &["fn", "struct", "enum", "trait", "type", "const", "static", "union", "macro"];
const QUALIFIERS: &[&str] = &["const", "async", "unsafe", "extern", "\"C\""];

/// Items at `pub` in shipped code that have no doc comment above them; attributes may stand between.
/// Fields, variants, re-exports and modules (which speak in their own `//!`) are not asked.
pub fn undocumented_items(tree: &Tree) -> Vec<Finding> {
    let shipped = tree.rust().filter(|file| file.ships());
    shipped
        .flat_map(|file| {
            let lines = shipped_lines(&file.text);
            let naked: Vec<_> = naked_items(&lines)
                .map(|line| {
                    let item = line.text.trim().trim_end_matches(['{', ' ']);
                    Finding::at(&file.path, line.number, format!("no doc comment on `{item}`"))
                })
                .collect();
            naked
        })
        .collect()
}

fn naked_items<'a>(lines: &'a [Line<'a>]) -> impl Iterator<Item = &'a Line<'a>> {
    let items = lines.iter().enumerate().filter(|(_, line)| is_public_item(line.text));
    items.filter(|(index, _)| !documented(lines.get(..*index).unwrap_or_default())).map(|(_, line)| line)
}

fn is_public_item(line: &str) -> bool {
    let Some(rest) = line.trim_start().strip_prefix("pub ") else { return false };
    let mut words = rest.split_whitespace();
    let Some(first) = words.next() else { return false };
    if ITEMS.contains(&first) && first != "const" {
        return true;
    }
    // `pub const fn`, `pub async fn` and `pub const NAME:` all count; `pub use` and fields do not.
    QUALIFIERS.contains(&first) && (first == "const" || words.any(|word| word == "fn" || word == "trait"))
}

/// Looks upwards from an item: over attributes of one or more lines, to a doc comment. Attributes that a macro
/// hands on (`$(#[$doc])*`) count as one: the words stand where the macro is called, and `rustc` asks for them there.
fn documented(above: &[Line<'_>]) -> bool {
    let mut inside_attribute = false;
    for line in above.iter().rev().map(|line| line.text.trim()) {
        if line.starts_with("#[doc") || line.starts_with("$(#[$") {
            return true;
        }
        let opens = line.starts_with("#[");
        if inside_attribute || opens {
            inside_attribute = !opens;
        } else if line.starts_with("///") || line.ends_with("*/") {
            return true;
        } else if line.ends_with(']') {
            inside_attribute = true;
        } else if !line.starts_with("//") {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn naked(source: &str) -> Vec<usize> {
        let lines = shipped_lines(source);
        naked_items(&lines).map(|line| line.number).collect()
    }

    #[test]
    fn items_without_a_word_are_found() {
        assert_eq!(naked("pub fn a() {}\n"), [1]);
        assert_eq!(naked("pub const A: u8 = 1;\npub const fn b() {}\n    pub async fn c() {}\n"), [1, 2, 3]);
        assert_eq!(naked("/// Said.\npub struct A;\n\npub enum B {}\npub trait C {}\npub type D = A;\n"), [4, 5, 6]);
        assert_eq!(naked("#[derive(\n    Debug,\n)]\npub struct A;\n"), [4]);
        assert_eq!(naked("// Not a doc comment.\npub struct A;\n"), [2]);
    }

    #[test]
    fn a_doc_comment_is_seen_through_attributes() {
        assert_eq!(naked("/// Said.\n#[derive(Debug)]\n#[serde(\n    default,\n)]\npub struct A;\n"), NONE);
        assert_eq!(naked("#[doc = \"said\"]\npub struct A;\n$(#[$doc])*\n#[derive(Debug)]\npub struct $b;\n"), NONE);
    }

    #[test]
    fn fields_uses_modules_and_inner_items_are_not_asked() {
        assert_eq!(naked("pub use a::B;\npub mod c;\n    pub id: u8,\npub(crate) fn d() {}\n"), NONE);
        assert_eq!(naked("#[cfg(test)]\nmod tests {\n    pub fn a() {}\n}\n"), NONE);
    }

    #[test]
    fn only_shipped_files_are_asked() {
        let planted = "pub fn a() {}\n";
        let tree = Tree::of(&[("crates/core/src/run.rs", planted), ("crates/core/tests/run.rs", planted)]);
        let found: Vec<_> = undocumented_items(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["crates/core/src/run.rs:1: no doc comment on `pub fn a() {}`"]);
    }
}
