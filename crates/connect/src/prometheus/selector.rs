//! Whether a query is a plain vector selector, of which alone `timestamp()` tells when it was scraped.

/// Whether the query is one metric name, one list of matchers in braces, or both, and nothing else: no range, no `offset`, no
/// `@`, no comment, no operator. A `true` is always safe to be put in parentheses; when in doubt it is `false`.
pub(super) fn is_plain(query: &str) -> bool {
    let query = query.trim_matches(is_blank);
    let rest = query.trim_start_matches(is_name);
    let name = query.strip_suffix(rest).unwrap_or_default();
    if name.starts_with(|c: char| c.is_ascii_digit()) || ["nan", "inf"].contains(&name.to_ascii_lowercase().as_str()) {
        return false;
    }
    match rest.trim_start_matches(is_blank).strip_prefix('{') {
        Some(inside) => after_matchers(inside) == Some(""),
        None => rest.is_empty() && !name.is_empty(),
    }
}

/// What follows the closing brace.
fn after_matchers(mut rest: &str) -> Option<&str> {
    loop {
        rest = rest.trim_start_matches(is_blank);
        if let Some(after) = rest.strip_prefix('}') {
            return Some(after);
        }
        let label = rest.trim_start_matches(|c| is_name(c) && c != ':');
        if label.len() == rest.len() {
            return None;
        }
        let operator = label.trim_start_matches(is_blank);
        let value = ["=~", "!~", "!=", "="].iter().find_map(|sign| operator.strip_prefix(sign))?;
        let after = after_quoted(value.trim_start_matches(is_blank))?.trim_start_matches(is_blank);
        rest = match after.strip_prefix(',') {
            Some(next) => next,
            None => after.starts_with('}').then_some(after)?,
        };
    }
}

/// What follows the closing quote.
fn after_quoted(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    let quote = chars.next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    loop {
        match chars.next()? {
            c if c == quote => return Some(chars.as_str()),
            '\\' if quote != '`' => drop(chars.next()?),
            '\n' if quote != '`' => return None,
            _ => {}
        }
    }
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_matchers_are_plain() {
        for query in [
            "up",
            " probe_success ",
            "job:errors:rate5m",
            r#"up{job="a"}"#,
            r#"up {job = "a", host!='b',}"#,
            r#"{__name__=~"up|down"}"#,
            "up{a!~`\\d`}",
            r#"up{a="}) or vector(1) #"}"#,
            r#"up{a="\""}"#,
            "up{}",
        ] {
            assert!(is_plain(query), "{query}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for query in [
            "",
            " ",
            "1",
            "1e3",
            "NaN",
            "inf",
            "-up",
            "up == 0",
            "up[5m]",
            "up offset 5m",
            "up @ 0",
            "rate(up[5m])",
            "up # why",
            "up{",
            "up}",
            "up{a}",
            "up{a=b}",
            r#"up{a="b"} or up"#,
            r#"up{a="b"}[5m]"#,
            r#"up{a="b" b="c"}"#,
            "up{,}",
            r#"up{a="b}"#,
            r#"up{a:b="c"}"#,
            "up) or (vector(1)",
            "ü",
            "up down",
        ] {
            assert!(!is_plain(query), "{query}");
        }
    }

    /// Anything at all, and texts that are nearly selectors.
    fn queries() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z{}=\"'`,() #\\\\\n]{0,24}", "[a-z]{0,2} ?\\{[a-z](=|!=|=~|!~)[\"'`][a-z{}\"'`,() #\\\\]{0,6}[\"'`],?\\}[a-z) #]?",]
    }

    proptest! {
        #[test]
        fn a_plain_selector_stays_inside_its_parentheses(query in queries()) {
            // Whatever is left when quoted texts are taken out must hold nothing that could end the parentheses.
            if is_plain(&query) {
                let (mut bare, mut rest) = (String::new(), query.as_str());
                while let Some((before, _)) = rest.split_once(['"', '\'', '`']) {
                    bare.push_str(before);
                    rest = after_quoted(rest.strip_prefix(before).unwrap()).unwrap();
                }
                bare.push_str(rest);
                prop_assert!(!bare.contains(['(', ')', '#', '\\']), "{query}");
            }
        }
    }
}
