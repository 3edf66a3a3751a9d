//! Bounds on policy text, checked before a parser that recurses sees it.

use crate::source::Place;

/// Largest file, in bytes: a thousand policies of ordinary length.
pub(crate) const TEXT_MAX: usize = 512 * 1024;
/// Most policies in one estate: past this the verdicts need another index (milliseconds each).
pub(crate) const POLICIES_MAX: usize = 2_000;
/// Deepest brackets, and most `if`s, in one policy: nobody reads further.
pub(crate) const NEST_MAX: usize = 12;
/// Most words and marks in one policy.
pub(crate) const MARKS_MAX: usize = 400;
/// Most `&&` and `||` in one policy. Operators chain to the left, so each is a level of the tree, and each level costs the
/// validator some 30 KiB of stack in a debug build: together these bounds fit the two mebibytes of a thread.
pub(crate) const JOINTS_MAX: usize = 32;
/// Most sums and products in one policy: ratios are computed before policy is asked.
pub(crate) const SUMS_MAX: usize = 8;
/// Longest chain of attribute reads: `context.evidence.backend_down` has two.
pub(crate) const READS_MAX: usize = 12;
/// Longest title, in characters: one line on a phone and in a terminal.
pub(crate) const TITLE_MAX: usize = 160;

/// The first place where the text passes a bound, and which.
pub(crate) fn excess(text: &str) -> Option<(Place, String)> {
    if text.len() > TEXT_MAX {
        return Some((Place { offset: 0, len: 0 }, format!("a file of policies has at most {TEXT_MAX} bytes")));
    }
    let mut scan = Scan::default();
    for (offset, byte) in text.bytes().enumerate() {
        if let Some(message) = scan.take(byte) {
            return Some((Place { offset, len: 1 }, message));
        }
    }
    None
}

#[derive(Default)]
enum Within {
    #[default]
    Code,
    Text,
    Escape,
    Comment,
}

#[derive(Default)]
struct Scan {
    within: Within,
    last: u8,
    word: Vec<u8>,
    depth: usize,
    ifs: usize,
    sums: usize,
    joints: usize,
    reads: usize,
    marks: usize,
}

impl Scan {
    fn take(&mut self, byte: u8) -> Option<String> {
        let last = std::mem::replace(&mut self.last, byte);
        match self.within {
            Within::Escape => self.within = Within::Text,
            Within::Text if byte == b'\\' => self.within = Within::Escape,
            Within::Text if byte == b'"' => self.within = Within::Code,
            Within::Comment if byte == b'\n' || byte == b'\r' => self.within = Within::Code,
            Within::Text | Within::Comment => {}
            Within::Code => return self.code(byte, last),
        }
        None
    }

    fn code(&mut self, byte: u8, last: u8) -> Option<String> {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 {
            if self.word.is_empty() {
                self.marks += 1;
            }
            if self.word.len() < 3 {
                self.word.push(byte);
            }
            return self.verdict();
        }
        if std::mem::take(&mut self.word) == b"if" {
            self.ifs += 1;
        }
        match byte {
            b'"' => self.within = Within::Text,
            b'/' if last == b'/' => self.within = Within::Comment,
            b'(' | b'{' => self.depth += 1,
            b'[' => {
                self.depth += 1;
                self.reads += 1;
            }
            b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            b'.' => self.reads += 1,
            b'&' | b'|' if last == byte => self.joints += 1,
            b'+' | b'-' | b'*' => self.sums += 1,
            b';' => *self = Self::default(),
            _ => {}
        }
        if matches!(byte, b'&' | b'|' | b',' | b'=' | b'<' | b'>' | b'+' | b'-' | b'*' | b'{') {
            self.reads = 0;
        }
        if !byte.is_ascii_whitespace() && byte != b';' {
            self.marks += 1;
        }
        self.verdict()
    }

    fn verdict(&self) -> Option<String> {
        let bounds = [
            (self.depth.max(self.ifs), NEST_MAX, "levels of brackets or choices"),
            (self.joints, JOINTS_MAX, "`&&` and `||`"),
            (self.sums, SUMS_MAX, "sums and products"),
            (self.reads, READS_MAX, "attribute reads in a row"),
            (self.marks, MARKS_MAX, "words and marks"),
        ];
        bounds.iter().find(|(count, max, _)| count > max).map(|(_, max, what)| format!("a policy has at most {max} {what}: split it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: bool) {
        assert_eq!(excess(text).is_some(), expected, "{}", text.chars().take(60).collect::<String>());
    }

    #[test]
    fn depth_ifs_and_length_are_bounded_per_policy() {
        check(&"(".repeat(NEST_MAX), false);
        check(&"(".repeat(NEST_MAX + 1), true);
        check(&"if a then b else ".repeat(NEST_MAX + 1), true);
        check(&"a&&".repeat(200), true);
        check(&"a && b;".repeat(4_000), false);
        check(&"a.".repeat(READS_MAX + 1), true);
        check(&"a.b == ".repeat(READS_MAX + 1), false);
        check(&"a && ".repeat(JOINTS_MAX + 1), true);
        check(&"a + ".repeat(SUMS_MAX), false);
        check(&"a + ".repeat(SUMS_MAX + 1), true);
        check(&"x".repeat(TEXT_MAX + 1), true);
    }

    #[test]
    fn strings_and_comments_do_not_count() {
        check(&format!("\"{}\\\"{}\"", "(".repeat(99), "(".repeat(99)), false);
        check(&format!("// {}\n(", "(".repeat(99)), false);
    }
}
