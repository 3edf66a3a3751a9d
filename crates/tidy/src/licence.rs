//! Which licences a dependency may come under: an SPDX expression is judged against a list.

use crate::Finding;
use serde_json::Value;
use std::fmt;

/// Licences whose terms a binary under Apache-2.0 can meet. `deny.toml` says the same, and a test compares them.
pub const LICENCES_ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// No honest expression is longer; the bound also bounds the recursion into parentheses.
const EXPRESSION_BYTES_MAX: usize = 512;

/// A text that is not an SPDX licence expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedLicence {
    expression: String,
}

impl fmt::Display for MalformedLicence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an SPDX licence expression", self.expression)
    }
}

impl std::error::Error for MalformedLicence {}

/// Whether the allowed licences are enough to use a work under this SPDX expression (specification 2.3, annex D):
/// one side of an `OR`, both of an `AND`. The older `A/B` of crates.io means `OR`.
///
/// # Errors
///
/// [`MalformedLicence`] when the text is no expression; unknown licence names are merely not allowed.
pub fn permits(expression: &str) -> Result<bool, MalformedLicence> {
    let malformed = || MalformedLicence { expression: expression.to_owned() };
    if expression.len() > EXPRESSION_BYTES_MAX {
        return Err(malformed());
    }
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    match either(&words) {
        Some((permitted, [])) => Ok(permitted),
        Some((_, [_, ..])) | None => Err(malformed()),
    }
}

type Parsed<'w, 'a> = Option<(bool, &'w [&'a str])>;

fn either<'w, 'a>(words: &'w [&'a str]) -> Parsed<'w, 'a> {
    let (mut permitted, mut rest) = both(words)?;
    while let ["OR", tail @ ..] = rest {
        let (side, after) = both(tail)?;
        permitted |= side;
        rest = after;
    }
    Some((permitted, rest))
}

fn both<'w, 'a>(words: &'w [&'a str]) -> Parsed<'w, 'a> {
    let (mut permitted, mut rest) = one(words)?;
    while let ["AND", tail @ ..] = rest {
        let (side, after) = one(tail)?;
        permitted &= side;
        rest = after;
    }
    Some((permitted, rest))
}

fn one<'w, 'a>(words: &'w [&'a str]) -> Parsed<'w, 'a> {
    match words {
        ["(", tail @ ..] => match either(tail)? {
            (permitted, [")", rest @ ..]) => Some((permitted, rest)),
            (_, _) => None,
        },
        [] | ["OR" | "AND" | "WITH" | ")", ..] => None,
        [licence, "WITH", exception, rest @ ..] => Some((LICENCES_ALLOWED.contains(&format!("{licence} WITH {exception}").as_str()), rest)),
        [licence, rest @ ..] => Some((LICENCES_ALLOWED.contains(licence), rest)),
    }
}

/// Packages in the output of `cargo metadata` whose licence is missing, malformed or not allowed.
pub fn refused_licences(metadata: &Value) -> Vec<Finding> {
    let Some(packages) = metadata.get("packages").and_then(Value::as_array) else {
        return vec![Finding::of_file("cargo metadata", "has no `packages`")];
    };
    packages.iter().filter_map(refused).collect()
}

fn refused(package: &Value) -> Option<Finding> {
    let name = package.get("name").and_then(Value::as_str).unwrap_or("a package without a name");
    let what = match package.get("license").and_then(Value::as_str) {
        None => "states no licence".to_owned(),
        Some(licence) => match permits(licence) {
            Ok(true) => return None,
            Ok(false) => format!("its licence `{licence}` is not among those allowed"),
            Err(malformed) => malformed.to_string(),
        },
    };
    Some(Finding::of_file(name, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(expression: &str, expected: Option<bool>) {
        assert_eq!(permits(expression).ok(), expected, "{expression}");
    }

    #[test]
    fn one_side_of_an_or_and_both_of_an_and_must_be_allowed() {
        check("MIT", Some(true));
        check("GPL-3.0-only", Some(false));
        check("MIT OR GPL-3.0-only", Some(true));
        check("MIT AND GPL-3.0-only", Some(false));
        check("GPL-3.0-only OR MIT AND ISC", Some(true));
        check("(GPL-3.0-only OR MIT) AND AGPL-3.0-only", Some(false));
        check("MIT/Apache-2.0", Some(true));
    }

    #[test]
    fn an_exception_is_part_of_the_licence() {
        check("Apache-2.0 WITH LLVM-exception", Some(true));
        check("GPL-2.0-only WITH Classpath-exception-2.0", Some(false));
        check("MIT WITH LLVM-exception", Some(false));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in ["", "MIT OR", "AND MIT", "(MIT", "MIT)", "MIT ISC", "MIT WITH", "()"] {
            check(text, None);
        }
        check(&"(".repeat(EXPRESSION_BYTES_MAX + 1), None);
    }

    #[test]
    fn a_refused_package_is_named() {
        let metadata = json!({ "packages": [
            { "name": "good", "license": "MIT" },
            { "name": "copyleft", "license": "AGPL-3.0-only" },
            { "name": "silent", "license": null },
            { "name": "garbled", "license": "MIT OR" },
        ]});
        let found: Vec<_> = refused_licences(&metadata).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "copyleft: its licence `AGPL-3.0-only` is not among those allowed",
                "silent: states no licence",
                "garbled: `MIT OR` is not an SPDX licence expression",
            ]
        );
        assert_eq!(refused_licences(&json!({})).len(), 1);
    }
}
