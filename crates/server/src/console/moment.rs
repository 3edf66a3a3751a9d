//! Moments for people: how long ago, how long still, and the exact time for whoever points at it.

use lineclear_core::{Span, Timestamp};
use maud::{Markup, html};

/// `2026-11-22 02:14:07`, UTC.
pub(super) fn plain(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time}"),
        (_, _) => text,
    }
}

/// The time of day, UTC.
pub(super) fn clock(at: Timestamp) -> Markup {
    let text = at.to_string();
    html! { time datetime=(text) title=(format!("{} UTC", plain(at))) { (text.get(11..19).unwrap_or("?")) } }
}

/// Date and time, UTC.
pub(super) fn exact(at: Timestamp) -> Markup {
    html! { time datetime=(at.to_string()) { (plain(at)) " UTC" } }
}

/// `12 s ago`; `just now` for less than a second and for what lies ahead.
pub(super) fn ago(now: Timestamp, at: Timestamp) -> Markup {
    let span = now.since(at);
    html! {
        time datetime=(at.to_string()) title=(format!("{} UTC", plain(at))) {
            @if span.as_secs() == 0 { "just now" } @else { (rough(span)) " ago" }
        }
    }
}

/// `14 min left`, or that the time is over.
pub(super) fn left(now: Timestamp, until: Timestamp) -> Markup {
    let span = until.since(now);
    html! {
        time datetime=(until.to_string()) title=(format!("until {} UTC", plain(until))) {
            @if span == Span::ZERO { "time is over" } @else { (rough(span)) " left" }
        }
    }
}

/// As people say it: seconds only within the first quarter of an hour.
fn rough(span: Span) -> String {
    let secs = span.as_secs();
    let whole = if secs >= 900 { secs / 60 * 60 } else { secs.max(1) };
    Span::from_secs(whole).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seconds: u64, expected: &str) {
        let at = Timestamp::from_micros(1_795_400_047_120_000);
        let text = ago(at + Span::from_secs(seconds), at).into_string();
        assert!(text.contains(&format!(">{expected}</time>")), "{text}");
    }

    #[test]
    fn moments_read_as_people_say_them() {
        check(0, "just now");
        check(12, "12 s ago");
        check(125, "2 min 5 s ago");
        check(1_000, "16 min ago");
        check(90_061, "1 d 1 h ago");
    }

    #[test]
    fn what_is_over_has_no_time_left() {
        let at = Timestamp::from_micros(0);
        assert!(left(at, at).into_string().contains("time is over"));
        assert!(left(at, at + Span::from_secs(843)).into_string().contains("14 min 3 s left"));
    }
}
