//! How the files of two versions of the estate differ, as people read it.

use std::time::Duration;

use lineclear_core::revision::How;
use lineclear_engine::Files;
use serde::Serialize;
use similar::TextDiff;
use utoipa::ToSchema;

/// Lines around each change.
const AROUND: usize = 3;
/// Longest comparison of one file: after that the difference is right and no longer the smallest.
const DIFF_MAX: Duration = Duration::from_millis(200);
/// Longest text of one file's difference, in bytes; a screenful many times over.
const TEXT_MAX: usize = 64 * 1024;

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Differing {
    /// Its path in the estate.
    pub path: String,
    /// `added`, `removed` or `changed`.
    #[schema(value_type = String)]
    pub how: How,
    /// The difference in unified form: lines that begin with `-` go, with `+` come.
    pub text: String,
    /// Whether it is longer than what is shown.
    pub cut: bool,
}

/// The files that differ, by path.
pub(crate) fn differences(before: &Files, after: &Files) -> Vec<Differing> {
    let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    paths.into_iter().filter_map(|path| differing(path, before.get(path), after.get(path))).collect()
}

fn differing(path: &str, before: Option<&Vec<u8>>, after: Option<&Vec<u8>>) -> Option<Differing> {
    let how = match (before, after) {
        (None, Some(_)) => How::Added,
        (Some(_), None) => How::Removed,
        (Some(old), Some(new)) if old != new => How::Changed,
        (_, _) => return None,
    };
    let text = |bytes: Option<&Vec<u8>>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    let (old, new) = (text(before), text(after));
    let diff = TextDiff::configure().timeout(DIFF_MAX).diff_lines(&old, &new);
    let mut text = diff.unified_diff().context_radius(AROUND).to_string();
    let cut = text.len() > TEXT_MAX;
    text.truncate(text.floor_char_boundary(TEXT_MAX));
    Some(Differing { path: path.into(), how, text, cut })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_differs_is_shown_and_no_other() {
        let files = |all: &[(&str, &str)]| all.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect::<Files>();
        let before = files(&[("a", "1\n2\n"), ("b", "x\n"), ("c", "same\n")]);
        let after = files(&[("a", "1\n3\n"), ("c", "same\n"), ("d", "new\n")]);
        let found: Vec<(String, How, String)> = differences(&before, &after).into_iter().map(|it| (it.path, it.how, it.text)).collect();
        assert_eq!(found[0], ("a".into(), How::Changed, "@@ -1,2 +1,2 @@\n 1\n-2\n+3\n".into()));
        assert_eq!((&found[1].1, &found[2].1, found.len()), (&How::Removed, &How::Added, 3));
    }

    #[test]
    fn a_long_difference_is_cut_and_says_so() {
        let long = Files::from([("a".into(), "ä\n".repeat(TEXT_MAX).into_bytes())]);
        let found = differences(&Files::new(), &long).remove(0);
        assert!(found.cut && found.text.len() <= TEXT_MAX);
    }
}
