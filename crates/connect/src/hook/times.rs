//! Times as senders write them. What cannot be read for certain is no time: a wrong hour misleads more than none.

use lineclear_core::Timestamp;

/// The year 2255; exact numbers in JSON end here.
const MICROS_MAX: i64 = 1 << 53;
/// Longest text that could be a time.
const TEXT_MAX: usize = 48;

/// RFC 3339 with any offset; `2025-02-15 14:59:03 +0000 UTC`, `2025-03-24 17:28:40 UTC`, `2021-04-28T21:50:00.000+0200`; or
/// seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size. A zone must be said.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() || text.len() > TEXT_MAX {
        return None;
    }
    let found = if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') { epoch(text) } else { written(text) };
    found.filter(|time| (1..MICROS_MAX).contains(&time.as_micros()))
}

fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    // Until 1973 nothing that sends signals had been built, and after 2255 nothing is exact.
    let (scale, divide) = match whole {
        ..=99_999_999_999 => (1_000_000, 1),
        100_000_000_000..=99_999_999_999_999 => (1_000, 1),
        100_000_000_000_000..=99_999_999_999_999_999 => (1, 1),
        _ => (1, 1_000),
    };
    let digits: String = fraction.bytes().filter(u8::is_ascii_digit).map(char::from).chain("000000".chars()).take(6).collect();
    let part: i64 = digits.parse().ok()?;
    let part = part.checked_mul(scale)?.checked_div(1_000_000)?;
    Some(Timestamp::from_micros(whole.checked_mul(scale)?.checked_div(divide)?.checked_add(part)?))
}

fn written(text: &str) -> Option<Timestamp> {
    let text = text
        .strip_suffix(" UTC")
        .map_or_else(|| text.to_owned(), |rest| if ends_in_offset(rest) { rest.to_owned() } else { format!("{rest}Z") });
    let (date, rest) = text.split_once(['T', ' '])?;
    let rest = rest.replacen(' ', "", 1);
    // `+0200` is written `+02:00` in RFC 3339.
    let rest = match rest.len().checked_sub(4).and_then(|at| Some((rest.get(..at)?, rest.get(at..)?))) {
        Some((front, digits)) if ends_in_offset(&rest) && digits.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{front}{}:{}", digits.get(..2)?, digits.get(2..)?)
        }
        _ => rest,
    };
    format!("{date}T{rest}").parse().ok()
}

/// Whether it ends in `+0200` or `-0200`.
fn ends_in_offset(text: &str) -> bool {
    let tail = text.len().checked_sub(5).and_then(|at| text.get(at..));
    tail.is_some_and(|tail| tail.starts_with(['+', '-']) && tail.bytes().skip(1).all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(time(text).map(|time| time.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn a_time_is_read_when_its_zone_is_said() {
        check("2026-11-22T03:14:07.123456789+01:00", Some("2026-11-22T02:14:07.123456Z"));
        check("2025-02-15 14:59:03.266529825 +0000 UTC", Some("2025-02-15T14:59:03.266529Z"));
        check("2025-02-15 14:59:03 +0000 UTC", Some("2025-02-15T14:59:03.000000Z"));
        check("2025-03-24 17:28:40 UTC", Some("2025-03-24T17:28:40.000000Z"));
        check("2021-04-28 21:50:00 +0200", Some("2021-04-28T19:50:00.000000Z"));
        check("2026-11-25T08:00:00.000+0000", Some("2026-11-25T08:00:00.000000Z"));
        check("2024-10-26 23:20:39", None);
        check("2025-02-03T21:41:42.853014+01.00", None);
        check("soon", None);
        check("", None);
        check("0", None);
    }

    #[test]
    fn numbers_are_told_apart_by_their_size() {
        for text in ["1770000000", "1770000000.000", "1770000000000", "1770000000000000", "1770000000000000000"] {
            check(text, Some("2026-02-02T02:40:00.000000Z"));
        }
        check("1709991285.873", Some("2024-03-09T13:34:45.873000Z"));
        check("99999999999999999999999", None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), digits in "[0-9.+: TZUC-]{0,48}") {
            let _ = (time(&text), time(&digits));
        }
    }
}
