//! "Did you mean": the known word nearest to an unknown one.

/// Longest word that is compared, in characters: longer ones are no typing mistakes.
const WORD_MAX: usize = 64;

/// `did you mean …?` when a known word is near, else the list of known words when it is short.
pub(crate) fn suggest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(given, &known) {
        Some(word) => Some(format!("did you mean `{word}`?")),
        None if known.is_empty() || known.len() > 16 => None,
        None => Some(format!("known here: {}", listed(&known))),
    }
}

/// `` `a`, `b`, `c` ``
pub(crate) fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The known word within a third of the given one's length, nearest first, earliest among equals.
fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let length = given.chars().count();
    if length > WORD_MAX {
        return None;
    }
    let limit = (length / 3).max(1);
    let near = known.iter().map(|word| (distance(given, word), *word)).filter(|(far, _)| *far <= limit);
    near.min_by_key(|(far, _)| *far).map(|(_, word)| word)
}

/// Levenshtein's distance, with a swap of neighbours as one step.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(WORD_MAX + 1).collect();
    let mut older: Vec<usize> = Vec::new();
    let mut old: Vec<usize> = (0..=b.len()).collect();
    let mut before: Option<char> = None;
    for (row, x) in a.chars().enumerate() {
        let mut new = vec![row + 1];
        for (column, y) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let changed = at(&old, column) + usize::from(x != *y);
            let mut best = changed.min(at(&old, column + 1) + 1).min(at(&new, column) + 1);
            let swapped = column.checked_sub(1).filter(|left| b.get(*left) == Some(&x) && before == Some(*y));
            if let Some(left) = swapped {
                best = best.min(at(&older, left) + 1);
            }
            new.push(best);
        }
        older = std::mem::replace(&mut old, new);
        before = Some(x);
    }
    old.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, expected: Option<&str>) {
        assert_eq!(nearest(given, &["timeout", "attempts", "verify", "undo", "id"]), expected, "{given}");
    }

    #[test]
    fn the_nearest_word_is_suggested_and_a_far_one_is_not() {
        check("tmeout", Some("timeout"));
        check("timeuot", Some("timeout"));
        check("atempts", Some("attempts"));
        check("verfiy", Some("verify"));
        check("ud", Some("id"));
        check("banana", None);
        check("", None);
        check(&"x".repeat(1_000), None);
    }
}
