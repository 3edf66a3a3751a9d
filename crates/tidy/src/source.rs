//! The lines of a Rust file that are built into the product, found by indentation as `rustfmt` lays it out.

/// One line with its number, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) number: usize,
    pub(crate) text: &'a str,
}

/// All lines but those of inline test modules.
pub(crate) fn shipped_lines(source: &str) -> Vec<Line<'_>> {
    let mut shipped = Vec::new();
    let mut lines = source.lines().enumerate().map(|(index, text)| Line { number: index + 1, text }).peekable();
    while let Some(line) = lines.next() {
        let opens_tests = line.text.trim() == "#[cfg(test)]"
            && lines.peek().is_some_and(|next| next.text.trim_start().starts_with("mod ") && next.text.ends_with('{'));
        if opens_tests {
            let end = format!("{}}}", indent(line.text));
            while lines.next_if(|line| line.text != end).is_some() {}
            lines.next();
        } else {
            shipped.push(line);
        }
    }
    shipped
}

/// The line without its line comment; a `//` inside a string, as in an address, is not a comment when no blank is before it.
pub(crate) fn code(line: &str) -> &str {
    let start = line.trim_start();
    if start.starts_with("//") {
        return "";
    }
    line.split_once(" //").map_or(line, |(code, _)| code)
}

fn indent(line: &str) -> &str {
    line.strip_suffix(line.trim_start()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_test_modules_are_left_out_and_what_follows_them_is_not() {
        let source = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n";
        let numbers: Vec<_> = shipped_lines(source).iter().map(|line| line.number).collect();
        assert_eq!(numbers, [1, 7]);
    }

    #[test]
    fn a_test_module_in_its_own_file_hides_nothing() {
        let source = "#[cfg(test)]\nmod tests;\nfn a() {}\n";
        assert_eq!(shipped_lines(source).len(), 3);
    }

    #[test]
    fn comments_are_no_code() {
        assert_eq!(code("    // std::fs"), "");
        assert_eq!(code("let a = 1; // std::fs"), "let a = 1;");
        assert_eq!(code("let a = \"http://b\";"), "let a = \"http://b\";");
    }
}
