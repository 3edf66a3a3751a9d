//! Lengths of time as people write them: `500ms`, `30s`, `15m`, `8h`, `7d`.

use lineclear_core::Span;

/// Longest length of time in an estate: 90 days; anything longer is a mistake of the unit.
pub(crate) const DURATION_MAX: Span = Span::from_secs(90 * 86_400);

/// What a length of time looks like, for messages.
pub(crate) const DURATION_FORM: &str = "write a whole number and a unit, as in `500ms`, `30s`, `15m`, `8h` or `7d`";

/// Reads one whole number and one unit, nothing else; none when it is not that, or longer than [`DURATION_MAX`].
pub(crate) fn duration(text: &str) -> Option<Span> {
    let (digits, millis) = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
        .into_iter()
        .find_map(|(unit, millis)| Some((text.strip_suffix(unit)?, millis)).filter(|(d, _)| d.bytes().all(|b| b.is_ascii_digit())))?;
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    count.checked_mul(millis).map(Span::from_millis).filter(|span| *span <= DURATION_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Span>) {
        assert_eq!(duration(text), expected, "{text:?}");
    }

    #[test]
    fn lengths_of_time_are_a_number_and_a_unit() {
        check("30s", Some(Span::from_secs(30)));
        check("500ms", Some(Span::from_millis(500)));
        check("15m", Some(Span::from_secs(900)));
        check("8h", Some(Span::from_secs(28_800)));
        check("90d", Some(DURATION_MAX));
        check("0s", Some(Span::ZERO));
        for bad in ["", "s", "30", "30 s", "-1s", "+1s", "1.5h", "1h30m", "01s", "91d", "99999999999999999999s", "1S", "٣s"] {
            check(bad, None);
        }
    }
}
